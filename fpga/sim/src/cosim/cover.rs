//! What a run has met.

use nofx_fpga::regs::{kind, op, rule, scope, table};
use nofx_fpga::{OpLine, VerdictLine};

/// Card rules.
pub const RULES: usize = 21;
/// Distances that are counted: beyond the fourth the RAM has the row.
pub const FAR: usize = 5;

/// Counts of what was met.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    /// Orders refused by exactly this rule.
    pub alone: [u64; RULES],
    /// Orders refused by exactly these two.
    pub pair: [[u64; RULES]; RULES],
    /// Rows of symbol, account and holding read so many cycles after their newest writer, from 1.
    pub forward: [[u64; FAR]; 3],
    /// Two operations so many cycles apart, from 1, that name the same symbol only, the same account
    /// only, both.
    pub mixed: [[u64; FAR]; 3],
    /// Operations by kind that were inside the tables, orders that passed, faults.
    pub kinds: [u64; 16],
    /// Orders that passed.
    pub passed: u64,
    /// Orders refused.
    pub refused: u64,
    /// Operations that were faults.
    pub faults: u64,
    /// Verdicts out of the tables.
    pub range: u64,
    /// Verdicts under a latched error, per bit.
    pub sticky: [u64; 16],
    recent: [Touch; FAR],
    next: usize,
}

/// What an operation did to the rows it names.
#[derive(Clone, Copy, Debug, Default)]
struct Touch {
    cycle: u64,
    account: u16,
    symbol: u32,
    names_both: bool,
    wrote: [bool; 3],
}

impl Cover {
    /// Counts a verdict; `accepted` is the cycle in which its operation was.
    pub fn count(&mut self, line: &OpLine, verdict: &VerdictLine, accepted: u64) {
        let rejects = verdict.rejects().0;
        let kind = line.kind();
        let in_tables = rejects & rule::RANGE == 0;
        self.range += u64::from(!in_tables);
        self.faults += u64::from(verdict.fault());
        for (bit, count) in self.sticky.iter_mut().enumerate() {
            *count += u64::from(verdict.sticky().0 >> bit & 1);
        }
        if in_tables && let Some(count) = self.kinds.get_mut(usize::from(kind)) {
            *count += 1;
        }
        if matches!(kind, kind::NEW | kind::REPLACE) {
            self.count_rules(rejects);
        }
        if in_tables {
            self.count_distance(line, rejects == 0, accepted);
        }
    }

    fn count_rules(&mut self, rejects: u64) {
        self.passed += u64::from(rejects == 0);
        self.refused += u64::from(rejects != 0);
        let bits = rejects >> rule::RANGE.trailing_zeros();
        let first = bits.trailing_zeros() as usize;
        match bits.count_ones() {
            1 => self.alone[first] += 1,
            2 => self.pair[first][63 - bits.leading_zeros() as usize] += 1,
            _ => {}
        }
    }

    fn count_distance(&mut self, line: &OpLine, passed: bool, accepted: u64) {
        let (reads, writes) = touches(line, passed);
        let (account, symbol) = (line.account().0, line.symbol().0);
        let names_both = reads[1] && reads[2];
        let mut found = [false; 3];
        for back in 1..=FAR {
            let before = self.recent[(self.next + FAR - back) % FAR];
            let distance = accepted.wrapping_sub(before.cycle);
            if before.cycle == 0 || distance > FAR as u64 || distance == 0 {
                break;
            }
            let at = distance as usize - 1;
            let same = [
                before.symbol == symbol,
                before.account == account,
                before.symbol == symbol && before.account == account,
            ];
            for table in 0..3 {
                if reads[table] && before.wrote[table] && same[table] && !found[table] {
                    found[table] = true;
                    self.forward[table][at] += 1;
                }
            }
            if names_both && before.names_both {
                match same {
                    [_, _, true] => self.mixed[2][at] += 1,
                    [true, _, _] => self.mixed[0][at] += 1,
                    [_, true, _] => self.mixed[1][at] += 1,
                    _ => {}
                }
            }
        }
        self.recent[self.next] =
            Touch { cycle: accepted, account, symbol, names_both, wrote: writes };
        self.next = (self.next + 1) % FAR;
    }

    /// The rules that never refused alone, of those asked for.
    pub fn rules_missing(&self) -> Vec<&'static str> {
        let names = rule::RULES.iter().map(|(name, _)| *name);
        names.zip(self.alone).filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }

    /// The pairs of rules that never refused together and alone. A range stands alone by definition,
    /// and an order cannot be too long and too short.
    pub fn pairs_missing(&self) -> Vec<(&'static str, &'static str)> {
        let name = |at: usize| rule::RULES[at].0;
        let pairs = (1..RULES).flat_map(|a| (a + 1..RULES).map(move |b| (a, b)));
        pairs
            .filter(|&(a, b)| self.pair[a][b] == 0)
            .map(|(a, b)| (name(a), name(b)))
            .filter(|pair| *pair != ("position_long", "position_short"))
            .collect()
    }

    /// Adds what another run has met.
    pub fn add(&mut self, other: &Cover) {
        let sum = |to: &mut [u64], from: &[u64]| to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
        sum(&mut self.alone, &other.alone);
        sum(&mut self.kinds, &other.kinds);
        sum(&mut self.sticky, &other.sticky);
        for (to, from) in self.pair.iter_mut().zip(&other.pair) {
            sum(to, from);
        }
        for (to, from) in self.forward.iter_mut().zip(&other.forward) {
            sum(to, from);
        }
        for (to, from) in self.mixed.iter_mut().zip(&other.mixed) {
            sum(to, from);
        }
        self.passed += other.passed;
        self.refused += other.refused;
        self.faults += other.faults;
        self.range += other.range;
    }
}

/// Which rows (symbol, account, holding) an operation inside the tables reads and writes.
fn touches(line: &OpLine, passed: bool) -> ([bool; 3], [bool; 3]) {
    const NONE: [bool; 3] = [false; 3];
    match line.kind() {
        kind::NEW | kind::REPLACE => ([true; 3], [false, passed, passed]),
        kind::RESTORE | kind::UPDATE => ([false, true, true], [false, true, true]),
        kind::CANCEL => ([false, true, true], [false, true, false]),
        kind::KILL => match line.get(op::SCOPE) as u8 {
            scope::ACCOUNT => (NONE, [false, true, false]),
            scope::SYMBOL => (NONE, [true, false, false]),
            _ => (NONE, NONE),
        },
        kind::HALT | kind::SET_SYMBOL => (NONE, [true, false, false]),
        kind::SET_ACCOUNT => (NONE, [false, true, false]),
        kind::SNAPSHOT => match line.get(op::TABLE) as u8 {
            table::SYMBOL => ([true, false, false], NONE),
            table::ACCOUNT => ([false, true, false], NONE),
            table::HOLDING => ([false, false, true], NONE),
            _ => (NONE, NONE),
        },
        _ => (NONE, NONE),
    }
}
