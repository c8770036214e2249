//! A field: some bits in a row of 64-bit words.

/// Where a field of at most 64 bits stands, least significant bit first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its lowest bit.
    pub lsb: u32,
    /// How many bits.
    pub width: u32,
}

impl Field {
    /// `width` bits from `lsb` on.
    pub const fn new(lsb: u32, width: u32) -> Field {
        Field { lsb, width }
    }

    /// Its value in `words`; bits beyond the end are zero, and a field wider than 64 bits shows its
    /// lowest 64.
    #[inline]
    pub fn get(self, words: &[u64]) -> u64 {
        let (word, shift) = (self.lsb as usize / 64, self.lsb % 64);
        let at = |index: usize| words.get(index).copied().unwrap_or(0);
        let low = at(word) >> shift;
        let crosses = shift > 0 && shift + self.width > 64;
        let high = if crosses { at(word + 1) << (64 - shift) } else { 0 };
        (low | high) & self.mask()
    }

    /// Its value in `words` as a signed number.
    #[inline]
    pub fn get_signed(self, words: &[u64]) -> i64 {
        let unused = 64 - self.width.clamp(1, 64);
        (self.get(words) << unused) as i64 >> unused
    }

    /// Puts `value` into `words`; bits beyond the field's width or the words' end are cut off.
    #[inline]
    pub fn set(self, words: &mut [u64], value: u64) {
        let (word, shift) = (self.lsb as usize / 64, self.lsb % 64);
        let (mask, value) = (self.mask(), value & self.mask());
        if let Some(low) = words.get_mut(word) {
            *low = *low & !(mask << shift) | value << shift;
        }
        if shift > 0
            && shift + self.width > 64
            && let Some(high) = words.get_mut(word + 1)
        {
            *high = *high & !(mask >> (64 - shift)) | value >> (64 - shift);
        }
    }

    #[inline]
    const fn mask(self) -> u64 {
        if self.width >= 64 { u64::MAX } else { (1 << self.width) - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_what_was_put_and_its_neighbours_stay() {
        for lsb in 0..192 {
            for width in 1..=64 {
                let field = Field::new(lsb, width);
                let mut words = [u64::MAX; 4];
                field.set(&mut words, 0);
                let zeros: u32 = words.iter().map(|word| word.count_zeros()).sum();
                assert_eq!((zeros, field.get(&words)), (width, 0), "{lsb} {width}");
                let mut words = [0; 4];
                field.set(&mut words, 0x9e37_79b9_7f4a_7c15);
                let kept = 0x9e37_79b9_7f4a_7c15 & field.mask();
                assert_eq!(field.get(&words), kept, "{lsb} {width}");
                let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
                assert_eq!(ones, kept.count_ones(), "{lsb} {width}");
            }
        }
    }

    #[test]
    fn signs_extend_and_nothing_reaches_beyond_the_words() {
        let field = Field::new(60, 48);
        let mut words = [0; 2];
        field.set(&mut words, -5i64 as u64);
        assert_eq!(field.get_signed(&words), -5);
        assert_eq!(Field::new(100, 64).get(&[u64::MAX]), 0);
        assert_eq!(Field::new(32, 64).get(&[u64::MAX]), u64::from(u32::MAX));
        Field::new(32, 64).set(&mut words[..1], u64::MAX);
        Field::new(640, 8).set(&mut words, 1);
    }
}
