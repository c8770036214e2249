//! How everything is timed: contenders in turn on one core, CPU time, minimum and median.

use std::fmt;

use nofx_rt::usage;

/// What one timed lap did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lap {
    /// CPU time it took, ns.
    pub cpu_ns: u64,
    /// Operations it did.
    pub ops: u64,
    /// What it computed: equal for all laps of all contenders of a contest.
    pub proof: u64,
}

impl Lap {
    /// A lap whose operations were timed one by one: their typical time stands for each.
    pub fn typical(ns_per_op: f64, ops: u64, proof: u64) -> Lap {
        Lap { cpu_ns: (ns_per_op * ops as f64).round() as u64, ops, proof }
    }
}

/// Times `work`, which returns the operations it did and what it computed.
pub fn lap(work: impl FnOnce() -> (u64, u64)) -> Lap {
    let start = usage::process_cpu_ns();
    let (ops, proof) = work();
    Lap { cpu_ns: usage::process_cpu_ns() - start, ops, proof }
}

/// ns per operation over the laps of one contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Least disturbed lap.
    pub min: f64,
    /// Middle lap.
    pub median: f64,
}

impl Figure {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Figure {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        Figure { min: at(0), median: at(sorted.len() / 2) }
    }
}

/// One who does the work: a name, and a lap.
pub struct Contender<'a> {
    name: &'static str,
    lap: Box<dyn FnMut() -> Lap + 'a>,
    times: Vec<f64>,
}

/// Contenders that do the same work.
#[derive(Default)]
pub struct Contest<'a> {
    contenders: Vec<Contender<'a>>,
}

/// The contenders computed different things, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement(String);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Disagreement {}

/// Figures of a finished contest, in the order of the contenders.
#[derive(Debug)]
pub struct Results {
    laps: Vec<(&'static str, Vec<f64>)>,
    proof: u64,
}

impl<'a> Contest<'a> {
    /// Nobody yet.
    pub fn new() -> Contest<'a> {
        Contest::default()
    }

    /// Adds a contender. Its lap sets up, untimed, what [`lap`] then times.
    #[must_use]
    pub fn enter(mut self, name: &'static str, lap: impl FnMut() -> Lap + 'a) -> Contest<'a> {
        self.contenders.push(Contender { name, lap: Box::new(lap), times: Vec::new() });
        self
    }

    /// One round to warm up, then `rounds` that count; in each, every contender once.
    ///
    /// # Errors
    /// Two laps computed different things, or one did nothing.
    pub fn run(mut self, rounds: usize) -> Result<Results, Disagreement> {
        let mut proof = None;
        for round in 0..=rounds {
            for contender in &mut self.contenders {
                let lap = (contender.lap)();
                let (first, wanted) = *proof.get_or_insert((contender.name, lap.proof));
                if lap.ops == 0 || lap.proof != wanted {
                    return Err(Disagreement(format!(
                        "{} did {} operations and computed {:016x}, {first} computed {wanted:016x}",
                        contender.name, lap.ops, lap.proof
                    )));
                }
                if round > 0 {
                    contender.times.push(lap.cpu_ns as f64 / lap.ops as f64);
                }
            }
        }
        let proof = proof.map_or(0, |(_, proof)| proof);
        Ok(Results {
            laps: self.contenders.into_iter().map(|c| (c.name, c.times)).collect(),
            proof,
        })
    }
}

impl Results {
    /// What all laps computed.
    pub fn proof(&self) -> u64 {
        self.proof
    }

    fn laps(&self, name: &str) -> &[f64] {
        let found = self.laps.iter().find(|(n, _)| *n == name);
        found.map_or(&[], |(_, times)| times.as_slice())
    }

    /// ns per operation of a contender.
    pub fn figure(&self, name: &str) -> Figure {
        Figure::of(self.laps(name))
    }

    /// Time of `name` over time of `baseline`: of the minima, and the median over the rounds of
    /// the ratio within a round, in which both met the same neighbours.
    pub fn ratio(&self, name: &str, baseline: &str) -> Figure {
        let pairs = self.laps(name).iter().zip(self.laps(baseline));
        let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        Figure {
            min: self.figure(name).min / self.figure(baseline).min,
            median: Figure::of(&ratios).median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(cpu_ns: u64, proof: u64) -> impl FnMut() -> Lap {
        move || Lap { cpu_ns, ops: 10, proof }
    }

    #[test]
    fn figures_are_per_operation_and_the_first_round_only_warms() {
        let mut times =
            [9_000, 30, 10, 20].into_iter().map(|cpu_ns| Lap { cpu_ns, ops: 10, proof: 7 });
        let results = Contest::new()
            .enter("a", move || times.next().expect("four rounds"))
            .enter("b", fixed(40, 7))
            .run(3)
            .expect("same proof");
        assert_eq!(results.figure("a"), Figure { min: 1.0, median: 2.0 });
        assert_eq!(results.ratio("a", "b"), Figure { min: 0.25, median: 0.5 });
    }

    #[test]
    fn a_contender_that_computes_something_else_fails_the_contest() {
        let run = |other| Contest::new().enter("a", fixed(1, 7)).enter("b", fixed(1, other)).run(1);
        assert!(run(7).is_ok());
        assert!(run(8).is_err_and(|e| e.to_string().starts_with("b did 10")));
    }

    #[test]
    fn work_takes_cpu_time() {
        let timed = lap(|| (1, (0..3_000_000u64).fold(0, |a, b| std::hint::black_box(a ^ b))));
        assert!(timed.cpu_ns > 0);
    }
}
