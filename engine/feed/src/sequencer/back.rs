//! Whether lines have gone back: a venue that starts again under the name of its session.
//!
//! Model: MoldUDP64 says nothing of a restart but the numbers. A datagram that ends below what its
//! line has shown is a copy, a late one, or the first sign of a stream that began anew. Such
//! datagrams are a run while they rise and no line shows anything near the known end. A run that is
//! longer than datagrams overtake each other, on all lines that still speak, is a new stream; so is
//! one that climbs over the known end without a hole. The same rule takes back a known end that one
//! stray datagram has claimed: no line stands by it. An error is safe: books are cleared and joined.

use nofx_types::Nanos;

use super::LINES_MAX;

/// Shortest run.
const RUN_MIN: u64 = 3;
/// Time without the known end before a run counts: no process starts faster.
const QUIET_NS: u64 = 5_000_000;
/// A line that has not shown the known end for so long (two heartbeats) has no say.
const SILENT_NS: u64 = 2_000_000_000;
/// A run this old need not be longer than the allowance: heartbeats do not overtake each other.
const OLD_NS: u64 = 3_000_000_000;

/// What a datagram shows, and what was shown before it.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub seq: u64,
    pub end: u64,
    /// The end of what its line has shown.
    pub line_end: u64,
    /// The end of what all have shown.
    pub known_end: u64,
    /// Datagrams that may overtake one.
    pub allowance: u64,
}

/// A line that is back.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Datagrams that rose; 0 is a line that is not back.
    count: u64,
    end: u64,
    since: Nanos,
}

#[derive(Default)]
pub(super) struct Back {
    runs: [Run; LINES_MAX],
    /// When each line showed the known end last.
    front_at: [Option<Nanos>; LINES_MAX],
    /// A line is back.
    any: bool,
}

impl Back {
    /// Notes a datagram of `line`; true when it shows that the stream began anew.
    #[inline]
    pub fn note(&mut self, line: usize, shown: &Shown, now: Nanos) -> bool {
        if shown.end >= shown.line_end && !self.any {
            self.front_at[line & 1] = Some(now);
            return false;
        }
        self.weigh(line & 1, shown, now)
    }

    /// Whether the last datagram of `line` was of the past.
    pub fn is_back(&self, line: usize) -> bool {
        self.runs.get(line).is_some_and(|run| run.count > 0)
    }

    #[cold]
    fn weigh(&mut self, line: usize, shown: &Shown, now: Nanos) -> bool {
        let run = self.runs[line & 1];
        let crosses = shown.end >= shown.line_end;
        if crosses && (run.count + 1 < RUN_MIN || shown.seq != run.end || !self.is_quiet(now)) {
            self.ahead(line, shown, now);
            return false;
        }
        let run = &mut self.runs[line & 1];
        if run.count == 0 {
            *run = Run { count: 1, end: shown.end, since: now };
        } else {
            let beats = shown.seq == shown.end && shown.end == run.end;
            run.count += u64::from(shown.end > run.end || beats);
            run.end = shown.end;
        }
        self.any = true;
        let long = run.count >= RUN_MIN + shown.allowance || now.since(run.since) >= OLD_NS;
        let alone = crosses || (long && self.others_are_gone(line, now));
        self.runs[line & 1].count >= RUN_MIN && alone && self.is_quiet(now)
    }

    /// A datagram that is not back: it stands for the known end if it is nearer to that than to
    /// what is back.
    fn ahead(&mut self, line: usize, shown: &Shown, now: Nanos) {
        let high = self.runs.iter().filter(|run| run.count > 0).map(|run| run.end).max();
        let behind = shown.known_end.saturating_sub(shown.end);
        if behind <= shown.end.saturating_sub(high.unwrap_or(0)) {
            self.runs = [Run::default(); LINES_MAX];
            self.any = false;
            self.front_at[line & 1] = Some(now);
        }
    }

    fn is_quiet(&self, now: Nanos) -> bool {
        self.front_at.iter().flatten().all(|at| now.since(*at) >= QUIET_NS)
    }

    fn others_are_gone(&self, line: usize, now: Nanos) -> bool {
        let others = self.runs.iter().zip(&self.front_at).enumerate();
        others
            .filter(|(other, _)| *other != line)
            .all(|(_, (run, at))| run.count > 0 || at.is_none_or(|at| now.since(at) >= SILENT_NS))
    }
}
