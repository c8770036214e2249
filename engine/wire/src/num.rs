//! Integers of a stated byte order with alignment 1, so that a record may start at any byte.

use bytemuck::{Pod, Zeroable};

macro_rules! wire_int {
    ($($name:ident, $int:ty, $len:literal, $from:ident, $to:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Encodes `value`.
            #[inline]
            pub const fn new(value: $int) -> Self {
                Self(<$int>::$to(value))
            }

            /// The value.
            #[inline]
            pub const fn get(self) -> $int {
                <$int>::$from(self.0)
            }
        }

        impl From<$int> for $name {
            #[inline]
            fn from(value: $int) -> Self {
                Self::new(value)
            }
        }
    )*};
}

wire_int! {
    Be16, u16, 2, from_be_bytes, to_be_bytes, "Big-endian u16.";
    Be32, u32, 4, from_be_bytes, to_be_bytes, "Big-endian u32.";
    Be64, u64, 8, from_be_bytes, to_be_bytes, "Big-endian u64.";
    BeI32, i32, 4, from_be_bytes, to_be_bytes, "Big-endian i32.";
    BeI64, i64, 8, from_be_bytes, to_be_bytes, "Big-endian i64.";
    Le16, u16, 2, from_le_bytes, to_le_bytes, "Little-endian u16.";
    Le32, u32, 4, from_le_bytes, to_le_bytes, "Little-endian u32.";
    Le64, u64, 8, from_le_bytes, to_le_bytes, "Little-endian u64.";
    LeI16, i16, 2, from_le_bytes, to_le_bytes, "Little-endian i16.";
    LeI32, i32, 4, from_le_bytes, to_le_bytes, "Little-endian i32.";
    LeI64, i64, 8, from_le_bytes, to_le_bytes, "Little-endian i64.";
}

/// Big-endian 48-bit unsigned integer: ITCH nanoseconds since midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Be48([u8; 6]);

impl Be48 {
    /// Encodes the low 48 bits of `value`.
    #[inline]
    pub const fn new(value: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The value.
    #[inline]
    pub const fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// Views the front of `bytes` as a `T`; `None` when it is too short. Longer input is accepted:
/// venues append fields, and the transport's length says where the next message starts.
#[inline]
pub fn view<T: Pod>(bytes: &[u8]) -> Option<&T> {
    const { assert!(align_of::<T>() == 1, "a wire record may start at any byte") };
    bytes.get(..size_of::<T>()).map(bytemuck::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_orders_are_as_named() {
        assert_eq!(bytemuck::bytes_of(&Be32::new(0x0102_0304)), [1, 2, 3, 4]);
        assert_eq!(bytemuck::bytes_of(&Le32::new(0x0102_0304)), [4, 3, 2, 1]);
        assert_eq!(bytemuck::bytes_of(&Be48::new(0x0102_0304_0506)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(Be48::new(u64::MAX).get(), (1 << 48) - 1);
    }

    #[test]
    fn view_needs_the_whole_record() {
        assert!(view::<Be32>(&[1, 2, 3]).is_none());
        assert_eq!(view::<Be32>(&[0, 0, 1, 0, 9]).map(|v| v.get()), Some(256));
    }
}
