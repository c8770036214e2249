//! The frame: header, body, CRC-32C; found in a byte stream cut anywhere.

use super::fields::Writer;
use super::{Fields, OcgError};
use crate::num::{Le16, Le32};
use crate::record::record;

/// First byte of every frame.
pub const START: u8 = 0x02;
/// Bytes of the header.
pub const HEADER_LEN: usize = 54;
/// Bytes of the checksum.
pub const CHECKSUM_LEN: usize = 4;
/// Bytes of a frame without fields.
pub const FRAME_MIN: usize = HEADER_LEN + CHECKSUM_LEN;
/// Bytes of the longest text that we send, with its NUL.
pub const TEXT_MAX: usize = 50;

/// 256 bits that say which fields are there; bit 0 is the most significant of the first byte.
#[derive(Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Presence(pub [u8; 32]);

impl Presence {
    /// No field.
    pub const NONE: Presence = Presence([0; 32]);

    /// A map with these bits, each below 256.
    pub const fn of(bits: &[u8]) -> Presence {
        let mut map = Presence::NONE;
        let mut at = 0;
        while at < bits.len() {
            map = map.with(bits[at]);
            at += 1;
        }
        map
    }

    /// With `bit` set.
    #[inline]
    pub const fn with(mut self, bit: u8) -> Presence {
        self.0[(bit / 8) as usize] |= 0x80 >> (bit % 8);
        self
    }

    /// Without `bit`.
    #[inline]
    pub const fn without(mut self, bit: u8) -> Presence {
        self.0[(bit / 8) as usize] &= !(0x80 >> (bit % 8));
        self
    }

    /// Whether `bit` is set.
    #[inline]
    pub const fn has(&self, bit: u8) -> bool {
        self.0[(bit / 8) as usize] & (0x80 >> (bit % 8)) != 0
    }

    /// The bits that are set, rising.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=255).filter(|bit| self.has(*bit))
    }
}

impl core::fmt::Debug for Presence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl core::fmt::Debug for crate::record::Shown<'_, Presence> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

record! {
    /// The front of every frame.
    Header, 54 {
        /// Always 0x02.
        0 start_of_message: u8,
        /// Bytes of the whole frame.
        1 length: Le16,
        3 message_type: u8,
        /// Per direction, from 1 each day.
        4 sequence_number: Le32,
        /// 1 when the message is sent again under its old number.
        8 poss_dup: u8,
        /// 1 when the content may have been sent under another number.
        9 poss_resend: u8,
        /// Padded with NUL.
        10 comp_id: [u8; 12],
        22 presence: Presence,
    }
}

/// What a sender states of a message besides its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`Header::sequence_number`].
    pub sequence: u32,
    /// Sent again under its old number.
    pub poss_dup: bool,
    /// Who sends (client) or is meant (venue), padded with NUL.
    pub comp_id: [u8; 12],
}

impl Head {
    /// The head of a message sent for the first time.
    pub const fn new(sequence: u32, comp_id: [u8; 12]) -> Head {
        Head { sequence, poss_dup: false, comp_id }
    }
}

/// One frame whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: &'a Header,
    /// The fields, packed.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// The type.
    #[inline]
    pub fn kind(&self) -> u8 {
        self.header.message_type
    }

    /// The sequence number.
    #[inline]
    pub fn sequence(&self) -> u32 {
        self.header.sequence_number.get()
    }

    /// Whether it is sent again under its old number.
    #[inline]
    pub fn is_dup(&self) -> bool {
        self.header.poss_dup == 1
    }
}

/// Takes the first frame off `bytes`: the frame and how many bytes it took, `None` when more bytes
/// are needed. After an error the stream cannot be read on.
#[inline]
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, OcgError> {
    let Some(&start) = bytes.first() else { return Ok(None) };
    if start != START {
        return Err(OcgError::Start(start));
    }
    let Some(&[_, low, high]) = bytes.first_chunk::<3>() else { return Ok(None) };
    let length = u16::from_le_bytes([low, high]);
    let used = usize::from(length);
    if used < FRAME_MIN {
        return Err(OcgError::Length(length));
    }
    let Some(whole) = bytes.get(..used) else { return Ok(None) };
    let Some((covered, sum)) = whole.split_last_chunk::<CHECKSUM_LEN>() else { return Ok(None) };
    let (sent, computed) = (u32::from_le_bytes(*sum), crc32c::crc32c(covered));
    if sent != computed {
        return Err(OcgError::Checksum { sent, computed });
    }
    let Some(header) = Header::parse(covered) else { return Ok(None) }; // proven by FRAME_MIN
    let body = covered.get(HEADER_LEN..).unwrap_or(&[]);
    Ok(Some((Frame { header, body }, used)))
}

/// Writes a whole frame with the fields of `message` to the front of `out` and returns its length;
/// `None` when `out` is too small.
pub fn put<M: Fields>(out: &mut [u8], head: &Head, message: &M) -> Option<usize> {
    let mut writer = Writer::new(out.get_mut(HEADER_LEN..)?);
    message.write(&mut writer);
    let (presence, body) = writer.done()?;
    let used = HEADER_LEN + body;
    let length = u16::try_from(used + CHECKSUM_LEN).ok()?;
    let header = Header {
        start_of_message: START,
        length: Le16::new(length),
        message_type: M::KIND,
        sequence_number: Le32::new(head.sequence),
        poss_dup: u8::from(head.poss_dup),
        poss_resend: 0,
        comp_id: head.comp_id,
        presence,
    };
    out.get_mut(..HEADER_LEN)?.copy_from_slice(header.bytes());
    let (covered, sum) = out.get_mut(..usize::from(length))?.split_at_mut_checked(used)?;
    sum.copy_from_slice(&crc32c::crc32c(covered).to_le_bytes());
    Some(usize::from(length))
}

/// Makes a whole frame of ours one that is sent again: the flag, and the checksum anew.
pub fn mark_dup(frame: &mut [u8]) {
    if let Some(flag) = frame.get_mut(8) {
        *flag = 1;
    }
    if let Some((covered, sum)) = frame.split_last_chunk_mut::<CHECKSUM_LEN>() {
        *sum = crc32c::crc32c(covered).to_le_bytes();
    }
}
