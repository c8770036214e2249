//! Fields behind a presence map: how each type is read and written, and [`fields!`], which states a
//! message once as its table.

use core::fmt;

use super::{OcgError, Presence};

/// A text of fixed width, padded with NUL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<'a, const N: usize>(pub &'a [u8; N]);

impl<'a, const N: usize> Text<'a, N> {
    /// The text before the padding.
    #[inline]
    pub fn get(self) -> &'a [u8] {
        crate::text::trimmed(self.0)
    }
}

impl<const N: usize> fmt::Debug for Text<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.get().escape_ascii())
    }
}

/// A text of variable width: a u16 length, the bytes and a NUL, which the length counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Var<'a>(pub &'a [u8]);

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A type of field.
pub(super) trait Field<'a>: Sized {
    fn take(body: &mut &'a [u8]) -> Option<Self>;
    fn put(self, out: &mut Writer<'_>);
}

macro_rules! number_field {
    ($($int:ty)*) => {$(
        impl<'a> Field<'a> for $int {
            #[inline]
            fn take(body: &mut &'a [u8]) -> Option<Self> {
                let (bytes, rest) = body.split_first_chunk()?;
                *body = rest;
                Some(<$int>::from_le_bytes(*bytes))
            }

            fn put(self, out: &mut Writer<'_>) {
                out.bytes(&self.to_le_bytes());
            }
        }
    )*};
}

number_field! { u8 u16 u32 u64 }

impl<'a, const N: usize> Field<'a> for Text<'a, N> {
    #[inline]
    fn take(body: &mut &'a [u8]) -> Option<Self> {
        let (bytes, rest) = body.split_first_chunk()?;
        *body = rest;
        Some(Text(bytes))
    }

    fn put(self, out: &mut Writer<'_>) {
        out.bytes(self.0);
    }
}

impl<'a> Field<'a> for Var<'a> {
    #[inline]
    fn take(body: &mut &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::take(body)?);
        let (text, rest) = body.split_at_checked(length)?;
        *body = rest;
        Some(Var(text.strip_suffix(&[0]).unwrap_or(text)))
    }

    fn put(self, out: &mut Writer<'_>) {
        let length = u16::try_from(self.0.len() + 1);
        out.fits &= length.is_ok();
        length.unwrap_or(0).put(out);
        out.bytes(self.0);
        out.bytes(&[0]);
    }
}

/// A field of a message: `T` when every message of the type has it, `Option<T>` otherwise.
pub(super) trait Slot<'a>: Sized {
    fn read(map: &Presence, bit: u8, kind: u8, body: &mut &'a [u8]) -> Result<Self, OcgError>;
    fn write(&self, bit: u8, out: &mut Writer<'_>);
    fn show(&self, name: &str, f: &mut fmt::DebugStruct<'_, '_>);
}

impl<'a, T: Field<'a> + Copy + fmt::Debug> Slot<'a> for T {
    #[inline]
    fn read(map: &Presence, bit: u8, kind: u8, body: &mut &'a [u8]) -> Result<Self, OcgError> {
        if !map.has(bit) {
            return Err(OcgError::Missing { kind, bit });
        }
        T::take(body).ok_or(OcgError::Body { kind })
    }

    fn write(&self, bit: u8, out: &mut Writer<'_>) {
        out.map = out.map.with(bit);
        self.put(out);
    }

    fn show(&self, name: &str, f: &mut fmt::DebugStruct<'_, '_>) {
        f.field(name, self);
    }
}

impl<'a, T: Field<'a> + Copy + fmt::Debug> Slot<'a> for Option<T> {
    #[inline]
    fn read(map: &Presence, bit: u8, kind: u8, body: &mut &'a [u8]) -> Result<Self, OcgError> {
        if !map.has(bit) {
            return Ok(None);
        }
        T::take(body).map(Some).ok_or(OcgError::Body { kind })
    }

    fn write(&self, bit: u8, out: &mut Writer<'_>) {
        if let Some(value) = self {
            value.write(bit, out);
        }
    }

    fn show(&self, name: &str, f: &mut fmt::DebugStruct<'_, '_>) {
        if let Some(value) = self {
            value.show(name, f);
        }
    }
}

/// Gathers the fields of a message and which are there.
pub struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
    map: Presence,
    fits: bool,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut [u8]) -> Writer<'o> {
        Writer { out, at: 0, map: Presence::NONE, fits: true }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        match self.out.get_mut(self.at..end) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.fits = false,
        }
        self.at = end;
    }

    pub(super) fn done(self) -> Option<(Presence, usize)> {
        self.fits.then_some((self.map, self.at))
    }
}

/// A message as its fields.
pub trait Fields {
    /// The type byte.
    const KIND: u8;
    /// Writes the fields that are there, in their order.
    fn write(&self, out: &mut Writer<'_>);
}

/// The bits that no message of this table has.
#[inline]
pub(super) fn stray(map: &Presence, known: &Presence) -> Option<u8> {
    let strays = map.0.iter().zip(&known.0).enumerate();
    let (byte, bits) =
        strays.map(|(at, (have, know))| (at, have & !know)).find(|(_, bits)| *bits != 0)?;
    Some(byte as u8 * 8 + bits.leading_zeros() as u8)
}

macro_rules! fields {
    (
        $(#[$doc:meta])*
        $name:ident $(<$life:lifetime>)?, $kind:literal {
            $($(#[$meaning:meta])* $bit:literal $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name $(<$life>)? {
            $($(#[$meaning])* pub $field: $ty,)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// The fields that it may have.
            pub const MAP: $crate::ocg::Presence = $crate::ocg::Presence::of(&[$($bit),*]);

            /// Reads the fields that `map` names from `body`, all of it.
            #[inline]
            #[allow(unused_mut)] // a message without fields
            pub fn read(
                map: &$crate::ocg::Presence,
                mut body: &$($life)? [u8],
            ) -> Result<Self, $crate::ocg::OcgError> {
                let kind = $kind;
                if let Some(bit) = $crate::ocg::fields::stray(map, &Self::MAP) {
                    return Err($crate::ocg::OcgError::Unknown { kind, bit });
                }
                let message = $name {
                    $($field: $crate::ocg::fields::Slot::read(map, $bit, kind, &mut body)?,)*
                };
                if body.is_empty() { Ok(message) } else { Err($crate::ocg::OcgError::Body { kind }) }
            }
        }

        impl $(<$life>)? $crate::ocg::Fields for $name $(<$life>)? {
            const KIND: u8 = $kind;

            #[allow(unused_variables)] // a message without fields
            fn write(&self, out: &mut $crate::ocg::Writer<'_>) {
                $($crate::ocg::fields::Slot::write(&self.$field, $bit, out);)*
            }
        }

        impl $(<$life>)? core::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $($crate::ocg::fields::Slot::show(&self.$field, stringify!($field), &mut shown);)*
                shown.finish()
            }
        }
    };
}
pub(super) use fields;
