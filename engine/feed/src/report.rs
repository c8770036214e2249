//! What a feed tells when the run is over. Built from the counters of the path; allocates.

use crate::sequencer::{LineCounters, Sequencer, StreamCounters};
use crate::tally::Tally;

/// The counts of a feed.
#[derive(Clone, Debug, Default)]
pub struct FeedReport {
    /// Messages delivered, each sequence number once; unknown and unreadable ones included.
    pub total: u64,
    /// Messages by the venue's type letter (DBN: action), rising.
    pub by_type: Vec<(String, u64)>,
    /// Messages of types that the protocol does not have: skipped by length.
    pub unknown: u64,
    /// Datagrams and messages that could not be read, by reason ([`crate::Fault`]).
    pub malformed: Vec<(&'static str, u64)>,
    /// Lines, A first; empty for message files.
    pub lines: Vec<LineReport>,
    /// Gaps, restarts, sessions; zeros for message files.
    pub stream: StreamCounters,
    /// Atomic events of the venue that never showed their closing flag (DEEP).
    pub implicit_closes: u64,
    /// Memory the feed holds, in bytes.
    pub memory_bytes: u64,
    /// Counts of the protocol's own, by name; those that are 0 are left out.
    pub notes: Vec<(&'static str, u64)>,
}

/// What one line brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineReport {
    /// Datagrams, heartbeats included.
    pub packets: u64,
    /// Datagrams without a message.
    pub heartbeats: u64,
    /// Messages in them: `first + duplicate + late`.
    pub messages: u64,
    /// Messages this line brought before any other.
    pub first: u64,
    /// Messages that had been brought before.
    pub duplicate: u64,
    /// Messages that came after they had been given up, or before the stream's start.
    pub late: u64,
    /// Sequence numbers this line never carried.
    pub missing: u64,
    /// Datagrams of a session or incarnation that is over.
    pub old_session: u64,
    /// Datagrams that ran ahead without a witness.
    pub jumps: u64,
    /// Mean lead over the other line where this one led, nanoseconds.
    pub lead_mean_ns: u64,
    /// Largest lead, nanoseconds.
    pub lead_max_ns: u64,
}

impl FeedReport {
    /// The counts of `tally`, where `known` tells the types of the protocol.
    pub(crate) fn of_messages(tally: &Tally, known: impl Fn(u8) -> bool) -> FeedReport {
        FeedReport::of_kinds(tally, |kind| known(kind).then(|| char::from(kind).to_string()))
    }

    /// The counts of `tally`, where `name` names the types of the protocol.
    pub(crate) fn of_kinds(tally: &Tally, name: impl Fn(u8) -> Option<String>) -> FeedReport {
        let mut report = FeedReport::default();
        for (kind, count) in tally.kinds() {
            report.total += count;
            match name(kind) {
                Some(name) => report.by_type.push((name, count)),
                None => report.unknown += count,
            }
        }
        report.total += tally.of_fault(crate::Fault::EmptyMessage);
        report.malformed = tally.faults().map(|(fault, n)| (fault.name(), n)).collect();
        report
    }

    /// Adds what the arbitration counted.
    pub(crate) fn with_stream(mut self, sequencer: &Sequencer) -> FeedReport {
        self.lines = (0..sequencer.lines()).map(|line| LineReport::of(sequencer, line)).collect();
        self.stream = sequencer.counters().clone();
        self.memory_bytes += sequencer.memory_bytes();
        self
    }
}

impl LineReport {
    fn of(sequencer: &Sequencer, line: usize) -> LineReport {
        let LineCounters {
            packets,
            heartbeats,
            messages,
            first,
            duplicate,
            late,
            missing,
            old_session,
            jumps,
        } = sequencer.line(line);
        let skew = sequencer.skew(line);
        LineReport {
            packets,
            heartbeats,
            messages,
            first,
            duplicate,
            late,
            missing,
            old_session,
            jumps,
            lead_mean_ns: skew.map_or(0, |skew| skew.mean_ns()),
            lead_max_ns: skew.map_or(0, |skew| skew.lead_ns.max()),
        }
    }
}
