//! One multicast channel: numbers, one open packet, heartbeats, and what was sent.

use nofx_types::Nanos;
use nofx_wire::omdc::{HEADER_LEN, PacketWriter, split_message};

use super::super::Outlet;
use crate::kept::Kept;

/// How packets are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Largest packet in bytes.
    pub packet_max: usize,
    /// What happens within so many nanoseconds shares a packet.
    pub slot_ns: u64,
    /// Silence after which a heartbeat is sent.
    pub heartbeat_ns: u64,
}

/// A channel.
pub(super) struct Channel {
    pub id: u16,
    cut: Cut,
    next_seq: u32,
    /// Messages of the open packet, behind each other.
    open: Vec<u8>,
    count: u8,
    opened: Nanos,
    sent: Nanos,
    /// Absent where nobody may ask for what was sent (refresh).
    kept: Option<Kept>,
    buffer: Box<[u8]>,
}

impl Channel {
    /// A channel whose first message has number 1.
    pub fn new(id: u16, cut: Cut, kept: Option<u64>, start: Nanos) -> Channel {
        Channel {
            id,
            cut,
            next_seq: 1,
            open: Vec::with_capacity(cut.packet_max),
            count: 0,
            opened: start,
            sent: start,
            kept: kept.map(Kept::new),
            buffer: vec![0; cut.packet_max].into_boxed_slice(),
        }
    }

    /// Number of the next message.
    pub fn next_seq(&self) -> u32 {
        self.next_seq
    }

    /// Message number `seq`, if it is kept.
    pub fn message(&self, seq: u32) -> Option<&[u8]> {
        self.kept.as_ref()?.message(seq.into())
    }

    /// Appends a message; the packet leaves before it where it is full or its slot is over.
    pub fn push(&mut self, at: Nanos, message: &[u8], out: &mut impl Outlet) {
        let full = HEADER_LEN + self.open.len() + message.len() > self.cut.packet_max;
        if full || self.count == u8::MAX || self.slot_is_over(at) {
            self.flush(out);
        }
        if self.count == 0 {
            self.opened = at.max(self.sent);
        }
        self.open.extend_from_slice(message);
        self.count += 1;
        self.next_seq = self.next_seq.wrapping_add(1);
        if let Some(kept) = &mut self.kept {
            kept.push(message);
        }
    }

    /// Sends what is due at `now`: the open packet, or a heartbeat.
    pub fn turn(&mut self, now: Nanos, out: &mut impl Outlet) {
        if self.slot_is_over(now) {
            self.flush(out);
        }
        while self.count == 0 && now.since(self.sent) >= self.cut.heartbeat_ns {
            self.sent = self.sent.plus(self.cut.heartbeat_ns);
            if let Some(heartbeat) = PacketWriter::new(&mut self.buffer, self.next_seq, self.sent.0)
            {
                out.packet(self.sent, self.id, heartbeat.finish());
            }
        }
    }

    /// Sends the open packet, if there is one.
    pub fn flush(&mut self, out: &mut impl Outlet) {
        if self.count == 0 {
            return;
        }
        let first = self.next_seq.wrapping_sub(u32::from(self.count));
        self.sent = self.opened;
        let limit = self.cut.packet_max;
        let writer = PacketWriter::limited(&mut self.buffer, limit, first, self.sent.0);
        if let Some(mut writer) = writer {
            let mut rest = &self.open[..];
            while let Ok((message, behind)) = split_message(rest) {
                if writer.push(message).is_err() {
                    break;
                }
                rest = behind;
            }
            out.packet(self.sent, self.id, writer.finish());
        }
        self.open.clear();
        self.count = 0;
    }

    fn slot_is_over(&self, at: Nanos) -> bool {
        let slot = |at: Nanos| at.0 / self.cut.slot_ns.max(1);
        self.count > 0 && slot(at) > slot(self.opened)
    }
}
