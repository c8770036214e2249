//! The optional fields behind a message: a u16 length, then entries of `length u8` (tag and
//! value), `tag u8`, value. Entries with tags we do not know are skipped by their length.

use super::OuchError;

/// The optional fields of one message. Made only from a list whose entries all fit, so walking it
/// cannot fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appendage<'a> {
    list: &'a [u8],
}

/// One optional field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagValue<'a> {
    /// See [`tag`].
    pub tag: u8,
    /// Its bytes.
    pub value: &'a [u8],
}

impl<'a> Appendage<'a> {
    /// The appendage of the message of type `kind` whose fixed part is `fixed` bytes of `body`.
    /// Nothing behind the fixed part is an empty list: a tolerant reader accepts an absent length.
    #[inline]
    pub(super) fn after(body: &'a [u8], fixed: usize, kind: u8) -> Result<Self, OuchError> {
        match body.get(fixed..).unwrap_or(&[]) {
            [] | [0, 0] => Ok(Appendage::default()),
            rest => Appendage::parse(rest).ok_or(OuchError::Appendage(kind)),
        }
    }

    /// Reads a u16 length and a list of that many bytes from the front of `bytes`; `None` when the
    /// length or an entry is cut, or an entry has no tag.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let list = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        let mut left = list;
        while !left.is_empty() {
            (_, left) = entry(left)?;
        }
        Some(Appendage { list })
    }

    /// The entries, in order.
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter { list: self.list }
    }

    /// The first entry with this tag.
    #[inline]
    pub fn find(&self, tag: u8) -> Option<TagValue<'a>> {
        self.iter().find(|entry| entry.tag == tag)
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for Appendage<'a> {
    type Item = TagValue<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The entries of an [`Appendage`].
#[derive(Clone, Copy, Debug)]
pub struct Iter<'a> {
    list: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = TagValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<TagValue<'a>> {
        let (first, rest) = entry(self.list)?;
        self.list = rest;
        Some(first)
    }
}

#[inline]
fn entry(list: &[u8]) -> Option<(TagValue<'_>, &[u8])> {
    let (length, rest) = list.split_first()?;
    let (entry, rest) = rest.split_at_checked(usize::from(*length))?;
    let (tag, value) = entry.split_first()?;
    Some((TagValue { tag: *tag, value }, rest))
}

impl<'a> TagValue<'a> {
    /// The value as one byte or letter; `None` when its length is not 1.
    pub fn byte(&self) -> Option<u8> {
        <[u8; 1]>::try_from(self.value).ok().map(|[byte]| byte)
    }

    /// The value as u16; `None` when its length is not 2.
    pub fn u16(&self) -> Option<u16> {
        self.value.try_into().ok().map(u16::from_be_bytes)
    }

    /// The value as u32; `None` when its length is not 4.
    pub fn u32(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// The value as i32; `None` when its length is not 4.
    pub fn i32(&self) -> Option<i32> {
        self.value.try_into().ok().map(i32::from_be_bytes)
    }

    /// The value as u64; `None` when its length is not 8.
    pub fn u64(&self) -> Option<u64> {
        self.value.try_into().ok().map(u64::from_be_bytes)
    }

    /// Writes the entry to the front of `out` and returns its bytes; `None` when `out` is too small
    /// or the value is longer than 254.
    pub fn put(&self, out: &mut [u8]) -> Option<usize> {
        let length = u8::try_from(self.value.len() + 1).ok()?;
        let end = 2 + self.value.len();
        let (head, value) = out.get_mut(..end)?.split_at_mut(2);
        head.copy_from_slice(&[length, self.tag]);
        value.copy_from_slice(self.value);
        Some(end)
    }
}

/// Tags. Which message may carry which is partly from memory: read any, send only what
/// a test session has accepted.
pub mod tag {
    /// u64: id shown on ITCH for the displayed part.
    pub const SECONDARY_ORD_REF_NUM: u8 = 1;
    /// char 4: MPID.
    pub const FIRM: u8 = 2;
    /// u32.
    pub const MIN_QTY: u8 = 3;
    /// char: `R` retail, `N` not.
    pub const CUSTOMER_TYPE: u8 = 4;
    /// u32: displayed part of a reserve order.
    pub const MAX_FLOOR: u8 = 5;
    /// char: `L` limit, `P` market peg, `R` primary peg, `M` midpoint peg, `Q` market-maker peg.
    pub const PRICE_TYPE: u8 = 6;
    /// i32, four decimals.
    pub const PEG_OFFSET: u8 = 7;
    /// u64, four decimals.
    pub const DISCRETION_PRICE: u8 = 9;
    /// char, as [`PRICE_TYPE`].
    pub const DISCRETION_PRICE_TYPE: u8 = 10;
    /// i32, four decimals.
    pub const DISCRETION_PEG_OFFSET: u8 = 11;
    /// char: `P` post-only, `N` not.
    pub const POST_ONLY: u8 = 12;
    /// u32.
    pub const RANDOM_RESERVES: u8 = 13;
    /// char 4.
    pub const ROUTE: u8 = 14;
    /// u32: seconds to live.
    pub const EXPIRE_TIME: u8 = 15;
    /// char: `Y`, `N` or space for the port's default.
    pub const TRADE_NOW: u8 = 16;
    /// char: `I` imbalance-only, `O`, `T`, `Q` retail types.
    pub const HANDLE_INST: u8 = 17;
    /// char.
    pub const BBO_WEIGHT: u8 = 18;
    /// u64, four decimals (one source).
    pub const REFERENCE_PRICE: u8 = 19;
    /// char (one source).
    pub const REFERENCE_PRICE_TYPE: u8 = 20;
    /// u32, on Restated.
    pub const DISPLAY_QUANTITY: u8 = 22;
    /// u64, four decimals, on Restated.
    pub const DISPLAY_PRICE: u8 = 23;
    /// u16: mass cancel group.
    pub const GROUP_ID: u8 = 24;
    /// char: `Y`, `N`.
    pub const SHARES_LOCATED: u8 = 25;
    /// char 4.
    pub const LOCATE_BROKER: u8 = 26;
    /// char: mass cancel filter.
    pub const SIDE: u8 = 27;
    /// u8: channel inside the port, 0 for none.
    pub const USER_REF_IDX: u8 = 28;
    /// char (one source).
    pub const AIQ_STRATEGY: u8 = 29;
    /// char 2 (one source).
    pub const AIQ_GROUP_ID: u8 = 30;
}
