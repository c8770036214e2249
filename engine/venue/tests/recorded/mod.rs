//! A sink that keeps a generated day.
#![allow(dead_code)] // each test looks at its own part

use std::convert::Infallible;

use nofx_types::Nanos;
use nofx_venue::day::{DayConfig, DaySink, Truth, generate};

/// A datagram of a line.
pub struct Datagram {
    pub line: usize,
    pub at: Nanos,
    pub payload: Vec<u8>,
}

/// All that a day said.
#[derive(Default)]
pub struct Recorded {
    pub messages: Vec<Vec<u8>>,
    pub datagrams: Vec<Datagram>,
}

impl DaySink for Recorded {
    type Error = Infallible;

    fn message(&mut self, message: &[u8]) -> Result<(), Infallible> {
        self.messages.push(message.to_vec());
        Ok(())
    }

    fn datagram(&mut self, line: usize, at: Nanos, payload: &[u8]) -> Result<(), Infallible> {
        self.datagrams.push(Datagram { line, at, payload: payload.to_vec() });
        Ok(())
    }
}

impl Recorded {
    /// The day of `config`, and the truth about it.
    pub fn day(config: &DayConfig) -> (Recorded, Truth) {
        config.check().expect("a day");
        let mut recorded = Recorded::default();
        let Ok(truth) = generate(config, &mut recorded);
        (recorded, truth)
    }

    /// FNV-1a over every byte, with lines and times.
    pub fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        self.messages.iter().for_each(|message| eat(message));
        for datagram in &self.datagrams {
            eat(&[datagram.line as u8]);
            eat(&datagram.at.0.to_be_bytes());
            eat(&datagram.payload);
        }
        hash
    }
}
