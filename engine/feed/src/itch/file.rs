//! ITCH in a BinaryFILE.

use nofx_types::EventSink;
use nofx_wire::itch;

use super::Itch;
use crate::packet::Stamp;
use crate::report::FeedReport;
use crate::{ConfigError, FeedConfig};

/// TotalView-ITCH 5.0 out of a BinaryFILE. The file has no capture time: the engine's time is the
/// venue's, nanoseconds since midnight US Eastern.
pub struct ItchFile {
    itch: Itch,
    records: u64,
    ahead: Ahead,
}

/// How far the sink was told of messages to come.
struct Ahead {
    /// Messages it is told of before they are delivered.
    distance: usize,
    /// Messages told of and not delivered.
    told: usize,
    /// Bytes from the end of the present record to the first message not told of.
    offset: usize,
}

impl ItchFile {
    /// Sized by `config`, of which only `instruments` and `look_ahead` matter.
    pub fn new(config: FeedConfig) -> Result<ItchFile, ConfigError> {
        config.check()?;
        let ahead = Ahead { distance: config.look_ahead, told: 0, offset: 0 };
        Ok(ItchFile { itch: Itch::new(&config), records: 0, ahead })
    }

    /// Takes the next message. Its sequence number is its place in the stream, from 1, over all
    /// files.
    #[inline]
    pub fn on_message<S: EventSink>(&mut self, message: &[u8], sink: &mut S) {
        self.records += 1;
        let at = Stamp { seq: self.records, capture_ns: Stamp::VENUE };
        self.itch.message(at, message, sink);
    }

    /// Before [`ItchFile::on_message`], where the bytes behind the record are at hand: tells the sink
    /// of messages to come, as many as the configuration says.
    #[inline]
    pub fn look_ahead<S: EventSink>(&mut self, message: &[u8], behind: &[u8], sink: &mut S) {
        let ahead = &mut self.ahead;
        ahead.told = ahead.told.saturating_sub(1);
        ahead.offset = ahead.offset.saturating_sub(2 + message.len());
        while ahead.told < ahead.distance
            && let Some((length, rest)) =
                behind.get(ahead.offset..).and_then(|rest| rest.split_first_chunk::<2>())
            && let Some(next) = rest.get(..usize::from(u16::from_be_bytes(*length)))
        {
            Itch::hint(next, sink);
            ahead.told += 1;
            ahead.offset += 2 + next.len();
        }
    }

    /// Ends the input. Nothing waits in a file, so nothing is left to be sent.
    pub fn finish<S: EventSink>(&mut self, sink: &mut S) {
        let _ = sink;
    }

    /// The counts so far.
    pub fn report(&self) -> FeedReport {
        let known = |kind| itch::length_of(kind).is_some();
        let mut report = FeedReport::of_messages(self.itch.tally(), known);
        report.memory_bytes = self.itch.memory_bytes();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::{BookEvent, EventKind, InstrumentId, OrderRef};

    #[derive(Default)]
    struct Seen {
        told: Vec<u64>,
        delivered: Vec<u64>,
    }

    impl EventSink for Seen {
        fn on_event(&mut self, event: &BookEvent) {
            if let EventKind::Delete { order } = event.kind {
                self.delivered.push(order.0);
            }
        }

        fn hint(&mut self, _: InstrumentId, order: OrderRef) {
            self.told.push(order.0);
        }
    }

    /// Order Delete of `order`, with its length in front.
    fn delete(order: u8) -> Vec<u8> {
        let mut record = vec![0, 19, b'D', 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        record.extend([0, 0, 0, 0, 0, 0, 0, order]);
        record
    }

    #[test]
    fn each_message_is_told_once_before_it_comes_however_the_bytes_are_at_hand() {
        let file: Vec<u8> = (1..=20).flat_map(delete).collect();
        for window in [0, 1, 20, 21, 50, 64, 1_000] {
            let config = FeedConfig { look_ahead: 3, ..FeedConfig::default() };
            let (mut feed, mut seen) = (ItchFile::new(config).expect("valid"), Seen::default());
            for (index, record) in file.chunks(21).enumerate() {
                let end = (index + 1) * 21;
                let behind = &file[end..(end + window).min(file.len())];
                feed.look_ahead(&record[2..], behind, &mut seen);
                feed.on_message(&record[2..], &mut seen);
                assert!(seen.told.len() <= seen.delivered.len() + 3, "window {window}");
            }
            assert_eq!(seen.delivered, (1..=20).collect::<Vec<_>>());
            let want: Vec<u64> = if window < 21 { vec![] } else { (2..=20).collect() };
            assert_eq!(seen.told, want, "window {window}");
        }
    }
}
