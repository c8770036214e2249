//! [`record!`]: states the layout of a message once, as its protocol table, and proves it.
//!
//! Each row is `offset name: type`, with the meaning as its doc comment. The macro makes the
//! `#[repr(C)]` view, asserts size, alignment 1 and every offset at compile time, and gives the view
//! `parse` and `bytes`. `Debug` shows values as a protocol analyser would: numbers in decimal,
//! a byte as its character where it is printable, text as text.

use core::fmt;

use crate::num::{Be16, Be32, Be48, Be64, BeI32, BeI64, Le16, Le32, Le64, LeI16, LeI32, LeI64};

macro_rules! record {
    ($(#[$doc:meta])* $name:ident, $size:literal, $kind:literal { $($fields:tt)+ }) => {
        $crate::record::record! { $(#[$doc])* $name, $size { $($fields)+ } }

        impl $name {
            /// The type byte of this message.
            pub const KIND: u8 = $kind;
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident, $size:literal {
            $($(#[$meaning:meta])* $offset:literal $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$meaning])* pub $field: $ty,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            assert!(align_of::<$name>() == 1); // may start at any byte of a frame
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)*
        };

        impl $name {
            /// Views the front of `body`, whose kind the caller has read; `None` when it is too
            /// short. Longer input is accepted: the venue may append fields.
            #[inline]
            pub fn parse(body: &[u8]) -> Option<&Self> {
                $crate::num::view(body)
            }

            /// The record as it goes on the wire.
            #[inline]
            pub fn bytes(&self) -> &[u8] {
                bytemuck::bytes_of(self)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$crate::record::Shown(&self.$field)))*
                    .finish()
            }
        }

        impl core::fmt::Debug for $crate::record::Shown<'_, $name> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f) // a record within a record
            }
        }
    };
}
pub(crate) use record;

/// A field on its way to `Debug` output.
pub(crate) struct Shown<'a, T>(pub &'a T);

macro_rules! shown_as_number {
    ($($int:ty)*) => {$(
        impl fmt::Debug for Shown<'_, $int> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.get())
            }
        }
    )*};
}

shown_as_number! { Be16 Be32 Be48 Be64 BeI32 BeI64 Le16 Le32 Le64 LeI16 LeI32 LeI64 }

impl fmt::Debug for Shown<'_, u8> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            byte @ b' '..=b'~' => write!(f, "'{}'", char::from(byte)),
            byte => write!(f, "{byte:#04x}"),
        }
    }
}

impl<const N: usize> fmt::Debug for Shown<'_, [u8; N]> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
