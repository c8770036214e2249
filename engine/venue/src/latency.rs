//! How long a message is on its way: per direction, per kind of request.
//!
//! Three models: a fixed time; a distribution given by its quantiles, drawn with a seed (a table is
//! exact where it matters, in the tail, and takes the log-normal shape that measured latencies have
//! as well as any other); a recording, one number a line, played in a circle. A [`Line`] keeps the
//! order that TCP keeps: nothing overtakes what was sent before it, however short its own draw.

use serde::Deserialize;

use nofx_types::Nanos;

use crate::config::ConfigError;
use nofx_rt::rng::Rng;

/// A latency model, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always `ns` nanoseconds.
    Fixed {
        /// Nanoseconds.
        ns: u64,
    },
    /// Drawn between the given quantiles, linearly. The first row is for 0, the last for 1,000,000.
    Quantiles {
        /// Rows of (parts per million, nanoseconds), both rising, e.g. `[[0, 8000], [500000, 12000],
        /// [990000, 40000], [1000000, 900000]]`.
        points: Vec<(u32, u64)>,
    },
    /// Read from a file: one whole number of nanoseconds a line, played in a circle.
    File {
        /// Its path.
        path: String,
    },
}

/// Latency of one direction, by what a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Direction {
    /// New orders; on the way back their acceptance or rejection.
    pub new: Latency,
    /// Replaces, and the answers to them.
    pub replace: Latency,
    /// Cancels (also partial and mass cancels), and the answers to them.
    pub cancel: Latency,
    /// The rest: logins, queries; on the way back also executions.
    pub other: Latency,
}

impl Direction {
    /// The same fixed time for everything.
    pub const fn fixed(ns: u64) -> Direction {
        Direction {
            new: Latency::Fixed { ns },
            replace: Latency::Fixed { ns },
            cancel: Latency::Fixed { ns },
            other: Latency::Fixed { ns },
        }
    }
}

impl Default for Direction {
    /// 15 us: cable, switch, and the session's gateway at a colocated customer.
    fn default() -> Self {
        Direction::fixed(15_000)
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A new order.
    New,
    /// A replace.
    Replace,
    /// A cancel.
    Cancel,
    /// Anything else.
    Other,
}

/// One direction of the order session: draws a latency for each message and keeps their order.
#[derive(Clone, Debug)]
pub struct Line {
    samplers: [Sampler; 4],
    last_due: Nanos,
}

impl Line {
    /// A line with the latencies of `direction`; `key` names it in errors, `read` gives the text of
    /// a file by its path. Fails when a table or a file is not usable.
    pub fn new(
        direction: &Direction,
        key: &str,
        seed: u64,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Result<Line, ConfigError> {
        let mut rng = Rng::new(seed);
        let mut build = |latency: &Latency, topic: &str| {
            Sampler::new(latency, &format!("{key}.{topic}"), rng.next(), read)
        };
        Ok(Line {
            samplers: [
                build(&direction.new, "new")?,
                build(&direction.replace, "replace")?,
                build(&direction.cancel, "cancel")?,
                build(&direction.other, "other")?,
            ],
            last_due: Nanos(0),
        })
    }

    /// When a message sent at `sent` arrives; never before one that was sent earlier.
    #[inline]
    pub fn due(&mut self, sent: Nanos, topic: Topic) -> Nanos {
        let sampler = &mut self.samplers[topic as usize];
        self.last_due = self.last_due.max(sent.plus(sampler.draw()));
        self.last_due
    }
}

#[derive(Clone, Debug)]
enum Sampler {
    Fixed(u64),
    Quantiles { points: Box<[(u32, u64)]>, rng: Rng },
    Recorded { values: Box<[u64]>, next: usize },
}

const WHOLE: u32 = 1_000_000;
/// Draws are this much finer than the table, so that interpolation has no visible steps.
const FINE: u64 = 1_000;

impl Sampler {
    fn new(
        latency: &Latency,
        key: &str,
        seed: u64,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Result<Sampler, ConfigError> {
        match latency {
            Latency::Fixed { ns } => Ok(Sampler::Fixed(*ns)),
            Latency::Quantiles { points } => {
                let ends = (points.first().map(|p| p.0), points.last().map(|p| p.0));
                let rising = points.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
                if ends != (Some(0), Some(WHOLE)) || !rising {
                    return Err(ConfigError::new(
                        format!("{key}.points"),
                        "want rows of [parts per million, ns], both rising, from 0 to 1000000",
                    ));
                }
                Ok(Sampler::Quantiles { points: points.as_slice().into(), rng: Rng::new(seed) })
            }
            Latency::File { path } => {
                let key = format!("{key}.path");
                let text = read(path)
                    .map_err(|error| ConfigError::new(&key, format!("reading {path}: {error}")))?;
                let values = parse_lines(&text).map_err(|line| {
                    ConfigError::new(&key, format!("{path} line {line}: want whole nanoseconds"))
                })?;
                if values.is_empty() {
                    return Err(ConfigError::new(&key, format!("{path} holds no latencies")));
                }
                Ok(Sampler::Recorded { values, next: 0 })
            }
        }
    }

    #[inline]
    fn draw(&mut self) -> u64 {
        match self {
            Sampler::Fixed(ns) => *ns,
            Sampler::Quantiles { points, rng } => {
                quantile(points, rng.below(u64::from(WHOLE) * FINE))
            }
            Sampler::Recorded { values, next } => {
                let value = values[*next];
                *next = if *next + 1 == values.len() { 0 } else { *next + 1 };
                value
            }
        }
    }
}

/// The latency at `at` of `WHOLE * FINE`, between the two rows around it.
#[inline]
fn quantile(points: &[(u32, u64)], at: u64) -> u64 {
    let scaled = |ppm: u32| u64::from(ppm) * FINE;
    let above = points.partition_point(|p| scaled(p.0) <= at);
    let (Some(low), Some(high)) = (points.get(above.wrapping_sub(1)), points.get(above)) else {
        return points.last().map_or(0, |p| p.1);
    };
    let (run, width) = (at - scaled(low.0), scaled(high.0) - scaled(low.0));
    let rise = u128::from(high.1 - low.1) * u128::from(run) / u128::from(width);
    low.1 + rise as u64
}

/// One number a line; blank lines and lines that start with `#` are skipped. The error is the
/// number of the line that is none.
fn parse_lines(text: &str) -> Result<Box<[u64]>, usize> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| line.parse().map_err(|_| at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(latency: Latency, seed: u64) -> Result<Line, ConfigError> {
        let direction = Direction { new: latency, ..Direction::fixed(5) };
        let mut read = |path: &str| match path {
            "rec" => Ok("# ns\n10\n\n30\n20\n".to_string()),
            "bad" => Ok("10\nten\n".to_string()),
            "empty" => Ok("#\n".to_string()),
            _ => Err(std::io::Error::other("no such file")),
        };
        Line::new(&direction, "latency.to_venue", seed, &mut read)
    }

    #[test]
    fn recording_plays_in_a_circle_and_nothing_overtakes() {
        let mut line = line(Latency::File { path: "rec".into() }, 1).expect("usable");
        let sent = [0, 100, 101, 102, 200].map(Nanos);
        let due = sent.map(|at| line.due(at, Topic::New).0);
        // Draws 10, 30, 20, 10, 30: the third and fourth would arrive at 121 and 112.
        assert_eq!(due, [10, 130, 130, 130, 230]);
        assert_eq!(line.due(Nanos(201), Topic::Cancel), Nanos(230));
    }

    #[test]
    fn quantiles_are_interpolated_and_come_out() {
        let points = [(0, 100), (500_000, 200), (1_000_000, 1_200)];
        for (at, want) in [(0, 100), (250_000, 150), (500_000, 200), (750_000, 700)] {
            assert_eq!(quantile(&points, at * FINE), want);
        }
        let mut line = line(Latency::Quantiles { points: points.to_vec() }, 3).expect("usable");
        let mut draws: Vec<u64> =
            (1..=10_001u64).map(|i| line.due(Nanos(i << 20), Topic::New).0 - (i << 20)).collect();
        draws.sort_unstable();
        assert!((195..=205).contains(&draws[5_000]), "median {}", draws[5_000]);
        assert!((1_100..1_200).contains(&draws[9_950]), "p99.5 {}", draws[9_950]);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let model = || Latency::Quantiles { points: vec![(0, 1), (1_000_000, 1 << 40)] };
        let draws = |seed| {
            let mut line = line(model(), seed).expect("usable");
            [1, 2, 3].map(|_| line.due(Nanos(0), Topic::New))
        };
        assert_eq!(draws(9), draws(9));
        assert_ne!(draws(9), draws(10));
    }

    #[test]
    fn unusable_models_name_their_key() {
        for (model, key, says) in [
            (Latency::Quantiles { points: vec![] }, "latency.to_venue.new.points", "rising"),
            (Latency::Quantiles { points: vec![(0, 5)] }, "latency.to_venue.new.points", "rising"),
            (
                Latency::Quantiles { points: vec![(0, 5), (1_000_000, 4)] },
                "latency.to_venue.new.points",
                "rising",
            ),
            (Latency::File { path: "bad".into() }, "latency.to_venue.new.path", "line 2"),
            (Latency::File { path: "empty".into() }, "latency.to_venue.new.path", "no latencies"),
            (Latency::File { path: "none".into() }, "latency.to_venue.new.path", "no such file"),
        ] {
            let error = line(model, 0).expect_err("must be refused").to_string();
            assert!(error.contains(key) && error.contains(says), "{error}");
        }
    }
}
