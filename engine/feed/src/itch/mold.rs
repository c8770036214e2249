//! ITCH in MoldUDP64 datagrams.

use nofx_types::{EventSink, Nanos};
use nofx_wire::glimpse::SnapshotMark;
use nofx_wire::itch;
use nofx_wire::mold::{self, Kind, MoldError, Packet};
use nofx_wire::num::{Be16, Be64};

use super::Itch;
use crate::FeedConfig;
use crate::packet::{Decoder, LineFeed, Stamp};
use crate::recovery::{Images, Mark, Recoverable, Request, Requests};
use crate::sequencer::Datagram;
use crate::tally::{Fault, Tally};

/// TotalView-ITCH 5.0 over MoldUDP64, lines A and B.
pub type ItchMold = LineFeed<Mold>;

/// The decoder of [`ItchMold`].
pub struct Mold {
    itch: Itch,
}

impl Decoder for Mold {
    fn new(config: &FeedConfig) -> Mold {
        Mold { itch: Itch::new(config) }
    }

    #[inline]
    fn datagram<'a>(&mut self, payload: &'a [u8]) -> Option<Datagram<'a>> {
        let packet = match Packet::parse(payload) {
            Ok(packet) => packet,
            Err(error) => {
                self.itch.tally.fault(fault_of(error));
                return None;
            }
        };
        if packet.trailing() > 0 {
            self.itch.tally.fault(Fault::TrailingBytes);
        }
        let [a, b, c, d, e, f, g, h, i, j] = *packet.session();
        Some(Datagram {
            session: u128::from_be_bytes([0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j]),
            seq: packet.seq(),
            count: packet.count(),
            end_of_session: packet.kind() == Kind::EndOfSession,
            stream_start: false, // only the numbers tell
            send_ns: 0,
            blocks: packet.blocks().rest(),
        })
    }

    #[inline(always)]
    fn block_length(prefix: [u8; 2]) -> u16 {
        u16::from_be_bytes(prefix)
    }

    #[inline(always)]
    fn message<S: EventSink>(&mut self, at: Stamp, message: &[u8], _: &[u8], sink: &mut S) {
        self.itch.message(at, message, sink);
    }

    #[inline(always)]
    fn hint<S: EventSink>(&self, message: &[u8], sink: &mut S) {
        Itch::hint(message, sink);
    }

    fn exch_ns(message: &[u8]) -> Nanos {
        Itch::exch_ns(message)
    }

    fn interrupt<S: EventSink>(&mut self, _: Stamp, _: &mut S) {
        // Each message is an event of its own: nothing is ever open.
    }

    fn reset(&mut self) {
        self.itch.reset();
    }

    fn tally(&self) -> &Tally {
        self.itch.tally()
    }

    fn knows(kind: u8) -> bool {
        itch::length_of(kind).is_some()
    }

    fn memory_bytes(&self) -> u64 {
        self.itch.memory_bytes()
    }
}

impl Recoverable for Mold {
    const REQUESTS: Requests = Requests::Datagrams;
    const IMAGES: Images = Images::Session;

    fn request(&self, session: u128, first: u64, count: u16) -> Request {
        let [.., a, b, c, d, e, f, g, h, i, j] = session.to_be_bytes();
        let session = [a, b, c, d, e, f, g, h, i, j];
        let request = mold::Request { session, seq: Be64::new(first), count: Be16::new(count) };
        Request::new(request.bytes())
    }

    fn mark(message: &[u8]) -> Mark {
        if message.first() != Some(&SnapshotMark::KIND) {
            return Mark::None;
        }
        let next = SnapshotMark::parse(message).and_then(SnapshotMark::next_sequence);
        next.map_or(Mark::Broken, Mark::Next)
    }

    fn is_session(session: u128, name: &[u8; 10]) -> bool {
        session.to_be_bytes().get(6..).is_some_and(|own| own.trim_ascii() == name.trim_ascii())
    }
}

fn fault_of(error: MoldError) -> Fault {
    match error {
        MoldError::Short | MoldError::SeqRange => Fault::PacketHeader,
        MoldError::Overrun => Fault::PacketOverrun,
    }
}
