//! ITCH in MoldUDP64 datagrams.

use nofx_types::{EventSink, Nanos};
use nofx_wire::itch;
use nofx_wire::mold::{Kind, MoldError, Packet};

use super::Itch;
use crate::FeedConfig;
use crate::packet::{Decoder, LineFeed, Stamp};
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
            stream_start: false, // a new stream has a new session
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

fn fault_of(error: MoldError) -> Fault {
    match error {
        MoldError::Short | MoldError::SeqRange => Fault::PacketHeader,
        MoldError::Overrun => Fault::PacketOverrun,
    }
}
