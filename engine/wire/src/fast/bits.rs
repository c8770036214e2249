//! The transfer encoding: stop bits, nullable numbers, presence maps (specification 10).

use std::vec::Vec;

use super::{FastError, TEXT_MAX};

const STOP: u8 = 0x80;
/// Bytes of the longest 64-bit integer, with one more for a nullable one's sign.
const INT_BYTES: usize = 11;
/// Bytes of a presence map, at most.
const PMAP_BYTES: usize = 64;

/// Bytes still to be read.
pub(super) struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Everything up to and with the next stop bit.
    fn stopped(&mut self, max: usize) -> Result<&'a [u8], FastError> {
        let end = self.0.iter().take(max).position(|byte| byte & STOP != 0);
        let Some(end) = end else {
            return Err(if self.0.len() < max { FastError::Cut } else { FastError::TooLong });
        };
        let (taken, rest) = self.0.split_at(end + 1);
        self.0 = rest;
        Ok(taken)
    }

    pub fn pmap(&mut self) -> Result<Pmap<'a>, FastError> {
        Ok(Pmap { bytes: self.stopped(PMAP_BYTES)?, at: 0 })
    }

    /// An unsigned integer, wide enough that a nullable one cannot overflow.
    pub fn unsigned(&mut self) -> Result<u128, FastError> {
        let bytes = self.stopped(INT_BYTES)?;
        Ok(bytes.iter().fold(0, |value, byte| value << 7 | u128::from(byte & !STOP)))
    }

    pub fn signed(&mut self) -> Result<i128, FastError> {
        let bytes = self.stopped(INT_BYTES)?;
        let negative = bytes.first().is_some_and(|byte| byte & 0x40 != 0);
        let start = if negative { -1 } else { 0 };
        Ok(bytes.iter().fold(start, |value, byte| value << 7 | i128::from(byte & !STOP)))
    }

    /// `None` is null.
    pub fn unsigned_nullable(&mut self) -> Result<Option<u128>, FastError> {
        Ok(self.unsigned()?.checked_sub(1))
    }

    /// `None` is null.
    pub fn signed_nullable(&mut self) -> Result<Option<i128>, FastError> {
        Ok(match self.signed()? {
            0 => None,
            value if value > 0 => Some(value - 1),
            value => Some(value),
        })
    }

    /// An ASCII string into `out`; whether it was there (not null).
    pub fn ascii(&mut self, nullable: bool, out: &mut Vec<u8>) -> Result<bool, FastError> {
        out.clear();
        let mut bytes = self.stopped(TEXT_MAX)?;
        // Zeros in front only mark what would be mistaken: the empty string, null, or a zero byte
        // (specification 10.6.3, table of zero preambles).
        match (nullable, bytes) {
            (true, [0x80]) => return Ok(false),
            (false, [0x80]) | (true, [0x00, 0x80]) => return Ok(true),
            (true, [0x00, 0x00, rest @ ..]) | (false, [0x00, rest @ ..]) => bytes = rest,
            _ => {}
        }
        out.extend(bytes.iter().map(|byte| byte & !STOP));
        Ok(true)
    }

    /// A byte vector (or Unicode string) into `out`; whether it was there (not null).
    pub fn vector(&mut self, nullable: bool, out: &mut Vec<u8>) -> Result<bool, FastError> {
        out.clear();
        let length = if nullable { self.unsigned_nullable()? } else { Some(self.unsigned()?) };
        let Some(length) = length else { return Ok(false) };
        let length = usize::try_from(length).ok().filter(|length| *length <= TEXT_MAX);
        let length = length.ok_or(FastError::TooLong)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(FastError::Cut)?;
        self.0 = rest;
        out.extend_from_slice(bytes);
        Ok(true)
    }
}

/// A presence map; bits beyond its end are 0.
pub(super) struct Pmap<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Pmap<'_> {
    /// For segments that have none.
    pub const NONE: Pmap<'static> = Pmap { bytes: &[], at: 0 };

    pub fn next(&mut self) -> bool {
        let (byte, bit) = (self.at / 7, self.at % 7);
        self.at += 1;
        self.bytes.get(byte).is_some_and(|byte| byte & (0x40 >> bit) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn integers_of_the_specifications_examples() {
        // FAST 1.1, appendix 3.1: wire bytes of signed, unsigned, mandatory and optional fields.
        let signed = |bytes: &[u8]| Input(bytes).signed();
        assert_eq!(signed(&[0x39, 0x45, 0xa3]), Ok(942_755));
        assert_eq!(signed(&[0x46, 0x3a, 0xdd]), Ok(-942_755));
        assert_eq!(signed(&[0x7c, 0x1b, 0x1b, 0x9d]), Ok(-7_942_755));
        assert_eq!(signed(&[0x00, 0x40, 0x81]), Ok(8_193));
        assert_eq!(signed(&[0x7f, 0x3f, 0xff]), Ok(-8_193));
        assert_eq!(Input(&[0x39, 0x45, 0xa4]).signed_nullable(), Ok(Some(942_755)));
        assert_eq!(Input(&[0x39, 0x45, 0xa4]).unsigned_nullable(), Ok(Some(942_755)));
        assert_eq!(Input(&[0x80]).unsigned_nullable(), Ok(None));
        assert_eq!(Input(&[0x81]).unsigned_nullable(), Ok(Some(0)));
        assert_eq!(Input(&[0x00, 0x00]).signed(), Err(FastError::Cut));
        assert_eq!(Input(&[0; 12]).signed(), Err(FastError::TooLong));
    }

    #[test]
    fn strings_of_the_specifications_examples() {
        let read = |nullable, bytes: &[u8]| {
            let mut out = Vec::new();
            Input(bytes).ascii(nullable, &mut out).map(|there| there.then_some(out))
        };
        assert_eq!(read(true, &[0x41, 0x42, 0xc3]), Ok(Some(b"ABC".to_vec())));
        assert_eq!(read(true, &[0x80]), Ok(None));
        assert_eq!(read(true, &[0x00, 0x80]), Ok(Some(vec![])));
        assert_eq!(read(false, &[0x80]), Ok(Some(vec![])));
        assert_eq!(read(false, &[0x00, 0x80]), Ok(Some(vec![0])));
        assert_eq!(read(true, &[0x00, 0x00, 0x80]), Ok(Some(vec![0])));
        let mut out = Vec::new();
        assert_eq!(Input(&[0x83, 0x41, 0x42, 0x43]).vector(false, &mut out), Ok(true));
        assert_eq!(Input(&[0x84, 0x41, 0x42, 0x43]).vector(true, &mut out), Ok(true));
        assert_eq!(
            (out.as_slice(), Input(&[0x80]).vector(true, &mut Vec::new())),
            (&b"ABC"[..], Ok(false))
        );
        assert_eq!(Input(&[0x84, 0x41]).vector(false, &mut out), Err(FastError::Cut));
    }

    #[test]
    fn bits_beyond_a_presence_map_are_zero() {
        let mut pmap = Input(&[0x40, 0xc1]).pmap().expect("two bytes");
        let bits: Vec<bool> = (0..20).map(|_| pmap.next()).collect();
        let set: Vec<usize> =
            bits.iter().enumerate().filter(|(_, b)| **b).map(|(n, _)| n).collect();
        assert_eq!(set, [0, 7, 13]);
    }
}
