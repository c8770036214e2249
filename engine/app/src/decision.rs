//! The decision log: everything the engine decided and was told, in order, folded into one hash.
//!
//! A record is a tag, then the little-endian fields listed at each method; the hash is XXH3-128 of
//! all records. Two runs over the same input and configuration give the same hash, whatever the
//! speed, the stamps or the outputs: wall time never enters it.
//!
//! Records are gathered in a buffer of fixed size and hashed in bulk, between sealed stretches or
//! when the buffer is full, so that an order does not wait for a hash.

use nofx_gate::Rejects;
use nofx_types::{Nanos, OrderIntent};
use xxhash_rust::xxh3::Xxh3;

/// Folds decisions into a hash and counts them.
pub struct DecisionLog {
    hash: Xxh3,
    buffer: Box<[u8; BUFFER]>,
    len: usize,
    counts: DecisionCounts,
}

/// Bytes of the buffer: a few hundred orders with their news.
const BUFFER: usize = 64 << 10;

/// How many records of each kind the hash covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DecisionCounts {
    /// Intents of strategies.
    pub intents: u64,
    /// Answers to them, by order manager, host rules or gate.
    pub verdicts: u64,
    /// Order messages sent.
    pub sent: u64,
    /// Venue messages received.
    pub received: u64,
}

impl DecisionCounts {
    /// All records.
    pub fn total(&self) -> u64 {
        self.intents + self.verdicts + self.sent + self.received
    }
}

impl Default for DecisionLog {
    fn default() -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        DecisionLog {
            hash: Xxh3::new(),
            buffer: buffer.try_into().expect("its length is BUFFER"),
            len: 0,
            counts: DecisionCounts::default(),
        }
    }
}

impl DecisionLog {
    /// An intent and the answer to it, together once the answer is known: tags 1 and 2.
    pub fn decided(&mut self, intent: &OrderIntent, rejects: Rejects) {
        self.intent(intent);
        self.verdict(intent, rejects);
    }

    /// Tag 1: kind, side, tif, flags (1 post-only, 2 short), account u16, instrument u32, cl_ord_id u32, orig u32,
    /// price i64, qty u64, cause_seq u64, now u64.
    fn intent(&mut self, intent: &OrderIntent) {
        self.counts.intents += 1;
        let mut record = Record::new(1);
        record.u8(intent.kind as u8).u8(intent.side as u8).u8(intent.tif as u8);
        record
            .u8(u8::from(intent.post_only) | u8::from(intent.short) << 1)
            .u16(intent.account.0)
            .u32(intent.instrument.0);
        record.u32(intent.cl_ord_id.0).u32(intent.orig.0);
        record.u64(intent.price.0 as u64).u64(intent.qty.0);
        record.u64(intent.cause_seq).u64(intent.now_ns.0);
        self.put(record.bytes());
    }

    /// Tag 2: cl_ord_id u32, reject bitmap u64 (0: passed).
    fn verdict(&mut self, intent: &OrderIntent, rejects: Rejects) {
        self.counts.verdicts += 1;
        let mut record = Record::new(2);
        record.u32(intent.cl_ord_id.0).u64(rejects.0);
        self.put(record.bytes());
    }

    /// Tag 3: now u64, length u32, the bytes.
    pub fn sent(&mut self, now: Nanos, bytes: &[u8]) {
        self.counts.sent += 1;
        self.stream(3, now, bytes);
    }

    /// Tag 4: now u64, length u32, the bytes.
    pub fn received(&mut self, now: Nanos, bytes: &[u8]) {
        self.counts.received += 1;
        self.stream(4, now, bytes);
    }

    fn stream(&mut self, tag: u8, now: Nanos, bytes: &[u8]) {
        let mut record = Record::new(tag);
        record.u64(now.0).u32(bytes.len() as u32);
        self.put(record.bytes());
        self.put(bytes);
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        if BUFFER - self.len < bytes.len() {
            self.settle();
        }
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.hash.update(bytes), // longer than the whole buffer, which is empty now
        }
    }

    /// Hashes what was gathered: for house-keeping.
    pub fn settle(&mut self) {
        self.hash.update(self.buffer.get(..self.len).unwrap_or(&[]));
        self.len = 0;
    }

    /// How many records there are.
    pub fn counts(&self) -> DecisionCounts {
        self.counts
    }

    /// The hash as 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        let mut hash = self.hash.clone();
        hash.update(self.buffer.get(..self.len).unwrap_or(&[]));
        format!("{:032x}", hash.digest128())
    }
}

/// One record under construction; the longest is 51 bytes.
struct Record {
    bytes: [u8; 64],
    len: usize,
}

impl Record {
    fn new(tag: u8) -> Record {
        let mut record = Record { bytes: [0; 64], len: 0 };
        record.u8(tag);
        record
    }

    fn put(&mut self, value: &[u8]) -> &mut Self {
        let end = self.len + value.len();
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(value);
            self.len = end;
        }
        self
    }

    fn u8(&mut self, value: u8) -> &mut Self {
        self.put(&[value])
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::{InstrumentId, Price, Qty, Side};

    fn intent(price: i64) -> OrderIntent {
        OrderIntent::new(InstrumentId(3), Side::Buy, Price(price), Qty(100))
    }

    #[test]
    fn every_field_and_the_order_of_records_matter() {
        let hash = |prices: &[i64]| {
            let mut log = DecisionLog::default();
            prices.iter().for_each(|p| log.intent(&intent(*p)));
            log.hex()
        };
        assert_eq!(hash(&[1, 2]), hash(&[1, 2]));
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_ne!(hash(&[1]), hash(&[1, 1]));
    }

    #[test]
    fn an_intent_record_holds_all_its_fields() {
        let mut record = Record::new(1);
        record.u8(0).u8(0).u8(0).u8(0).u16(0).u32(0).u32(0).u32(0).u64(0).u64(0).u64(0).u64(0);
        assert_eq!(record.bytes().len(), 51);
    }
}
