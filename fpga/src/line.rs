//! The two lines of 64 bytes that pass between host and card.
//!
//! Model: a line is eight 64-bit words, little endian in memory, so that it is stored and compared as
//! it stands. Its fields are the constants of [`crate::regs`]; which of them mean something follows
//! from the kind. The last word holds tag and sequence and is stored last.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use nofx_gate::Rejects;

use crate::field::Field;
use crate::regs::{op, sticky, verdict};

// The words of a line are its bytes in memory.
const _: () = assert!(cfg!(target_endian = "little"), "lines are little endian");

/// Words of a line.
pub const WORDS: usize = 8;

/// Writes the same accessors for both lines.
macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $fields:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C, align(64))]
        pub struct $name {
            /// The words, as they are stored.
            pub words: [u64; WORDS],
        }

        impl $name {
            /// All zero: an illegal operation, or no verdict.
            pub const ZERO: $name = $name { words: [0; WORDS] };

            /// The value of a field, of its lowest 64 bits where it is wider.
            #[inline]
            pub fn get(&self, field: Field) -> u64 {
                field.get(&self.words)
            }

            /// Puts a value into a field; what does not fit is cut off.
            #[inline]
            pub fn set(&mut self, field: Field, value: u64) {
                field.set(&mut self.words, value);
            }

            /// This line with a field set.
            #[inline]
            #[must_use]
            pub fn with(mut self, field: Field, value: u64) -> $name {
                self.set(field, value);
                self
            }

            /// The kind of the operation.
            #[inline]
            pub fn kind(&self) -> u8 {
                self.get($fields::KIND) as u8
            }

            /// The tag: the client order id of an order.
            #[inline]
            pub fn tag(&self) -> u32 {
                self.get($fields::TAG) as u32
            }

            /// The sequence of the operation.
            #[inline]
            pub fn seq(&self) -> u32 {
                self.get($fields::SEQ) as u32
            }

            /// As bytes on the wire.
            #[inline]
            pub fn bytes(&self) -> &[u8] {
                bytemuck::bytes_of(self)
            }

            /// From bytes on the wire.
            #[inline]
            pub fn from_bytes(bytes: &[u8; 64]) -> $name {
                $name { words: bytemuck::pod_read_unaligned(bytes) }
            }
        }
    };
}

line! {
    /// An operation, host to card; see [`mod@crate::regs::op`].
    OpLine, op
}

line! {
    /// The answer to one operation, card to host; see [`mod@crate::regs::verdict`].
    VerdictLine, verdict
}

/// Bit 0 of the status: the global kill is engaged.
const KILLED: u64 = 1 << 0;
/// Bit 1: an error is latched.
const LATCHED: u64 = 1 << 1;
/// Bit 2: this operation was a fault.
const FAULT: u64 = 1 << 2;

impl VerdictLine {
    /// The rules that refuse.
    #[inline]
    pub fn rejects(&self) -> Rejects {
        Rejects(self.get(verdict::REJECTS))
    }

    /// Whether the global kill is engaged, by hand, by a fault or by a latched error.
    #[inline]
    pub fn killed(&self) -> bool {
        self.get(verdict::STATUS) & KILLED != 0
    }

    /// Whether an error is latched.
    #[inline]
    pub fn latched(&self) -> bool {
        self.get(verdict::STATUS) & LATCHED != 0
    }

    /// Whether this operation was a fault.
    #[inline]
    pub fn fault(&self) -> bool {
        self.get(verdict::STATUS) & FAULT != 0
    }

    /// Sets the three bits of the status.
    pub fn set_status(&mut self, killed: bool, latched: bool, fault: bool) {
        let status = u64::from(killed) | u64::from(latched) << 1 | u64::from(fault) << 2;
        self.set(verdict::STATUS, status);
    }

    /// The latched errors.
    #[inline]
    pub fn sticky(&self) -> Sticky {
        Sticky(self.get(verdict::STICKY) as u16)
    }

    /// Configuration operations applied.
    #[inline]
    pub fn cfg_epoch(&self) -> u32 {
        self.get(verdict::CFG_EPOCH) as u32
    }

    /// Lines performed since the scrub, wrapping.
    #[inline]
    pub fn credits(&self) -> u32 {
        self.get(verdict::CREDITS) as u32
    }

    /// Faults so far.
    #[inline]
    pub fn faults(&self) -> u32 {
        self.get(verdict::FAULTS) as u32
    }

    /// The payload: bits of a row, or what an order or a report left behind.
    #[inline]
    pub fn payload(&self) -> [u64; 4] {
        let [_, _, a, b, c, d, _, _] = self.words;
        [a, b, c, d]
    }

    /// Puts the payload in.
    #[inline]
    pub fn set_payload(&mut self, payload: [u64; 4]) {
        self.words[2..6].copy_from_slice(&payload);
    }
}

const _: () = assert!(verdict::PAYLOAD.lsb == 128 && verdict::PAYLOAD.width == 256);

/// Latched errors, see [`mod@crate::regs::sticky`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Sticky(pub u16);

impl Sticky {
    /// No error.
    pub const NONE: Sticky = Sticky(0);

    /// Whether none is latched.
    #[inline]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The names of the latched errors.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        sticky::FLAGS.into_iter().filter(move |(_, bit)| self.0 & bit != 0).map(|(name, _)| name)
    }
}

impl fmt::Debug for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
