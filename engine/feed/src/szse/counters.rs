//! What a Shenzhen feed counts.

/// Counts since the start; what should not happen is told by name in the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SzseCounters {
    /// Orders delivered.
    pub orders: u64,
    /// Trades delivered.
    pub trades: u64,
    /// Cancels delivered.
    pub cancels: u64,
    /// Snapshots 300111.
    pub snapshots: u64,
    /// Channel heartbeats.
    pub channel_heartbeats: u64,
    /// Switches of a security (390013): kinds of business, not its phase.
    pub security_status: u64,
    /// States of a market segment (390019); no source lists their values.
    pub market_status: u64,
    /// Messages of types that are not used.
    pub other: u64,
    /// Ticks of other streams, or of securities lending: no book.
    pub other_stream: u64,
    /// Ticks that had been delivered before, or given up.
    pub duplicate: u64,
    /// Ticks whose number went back on the session though nothing was asked for.
    pub back: u64,
    /// Holes that opened.
    pub gaps: u64,
    /// Ticks that holes brought after all.
    pub recovered: u64,
    /// Ticks given up.
    pub lost: u64,
    /// Ticks that found no room to wait; they are asked for again.
    pub park_full: u64,
    /// Requests sent.
    pub requests: u64,
    /// Answers that a part or nothing of the range was sent.
    pub request_failures: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Times the session ended by itself, by what the frames said.
    pub checksum: u64,
    /// A body longer than any message.
    pub too_long: u64,
    /// The server was silent for too long.
    pub silence: u64,
    /// Business rejects.
    pub rejects: u64,
    /// Datagrams that were not whole frames.
    pub datagram: u64,
    /// Bodies shorter than their layout.
    pub short: u64,
    /// Neither buy nor sell, or a type of order or execution that the specification does not have.
    pub code: u64,
    /// Quantities that are no whole number of shares, prices below zero, numbers below 1.
    pub value: u64,
    /// Stamps that are no time.
    pub time: u64,
    /// Securities beyond the tables.
    pub instruments_full: u64,
    /// Channels beyond the tables.
    pub channels_full: u64,
    /// Ticks of a security on another channel than its first.
    pub moved: u64,
    /// Phases of snapshots that the schedule contradicts.
    pub phase_clock: u64,
    /// Snapshots compared and equal at ten levels.
    pub check_equal: u64,
    /// Snapshots of the same volume and trades that differ.
    pub check_differs: u64,
}

impl SzseCounters {
    /// What should not happen, with its name.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone + use<> {
        [
            ("appl_seq_back", self.back),
            ("ticks_lost", self.lost),
            ("park_full", self.park_full),
            ("request_failures", self.request_failures),
            ("checksum", self.checksum),
            ("too_long", self.too_long),
            ("silence", self.silence),
            ("rejects", self.rejects),
            ("packet_overrun", self.datagram),
            ("short_message", self.short),
            ("code", self.code),
            ("value", self.value),
            ("time", self.time),
            ("instruments_full", self.instruments_full),
            ("channels_full", self.channels_full),
            ("channel_moved", self.moved),
            ("phase_clock", self.phase_clock),
            ("snapshot_differs", self.check_differs),
        ]
        .into_iter()
    }
}
