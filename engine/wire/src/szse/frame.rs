//! The frame of market data and of the order gateway.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | message type, u32 |
//! | 4 | 4 | body length n, u32 |
//! | 8 | n | body |
//! | 8+n | 4 | checksum, u32: sum of all bytes before it, modulo 256 |
//!
//! A stream whose checksum is wrong is broken: nothing says where the next frame begins, so it ends
//! with the connection.

use core::fmt;

use crate::num::Be32;
use crate::record::record;

/// Bytes before the body.
pub const HEADER_LEN: usize = 8;
/// Bytes of a frame besides its body.
pub const OVERHEAD: usize = HEADER_LEN + 4;
/// Longest body that is believed; longer ones break the stream. No source has a bound \[?\]: the
/// longest message is an announcement with its text.
pub const BODY_MAX: usize = 1 << 20;

record! {
    /// The front of every frame.
    Header, 8 {
        0 msg_type: Be32,
        /// Bytes of the body.
        4 body_length: Be32,
    }
}

/// One frame, its checksum proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the body is.
    pub msg_type: u32,
    /// The body.
    pub body: &'a [u8],
}

/// The stream is broken: close the connection and open another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The body would be longer than [`BODY_MAX`].
    TooLong {
        /// Message type of the frame.
        msg_type: u32,
        /// Length it claims.
        length: u32,
    },
    /// The bytes do not add up to their checksum.
    Checksum {
        /// Message type of the frame.
        msg_type: u32,
        /// Checksum of the frame.
        stated: u32,
        /// Sum of its bytes.
        computed: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong { msg_type, length } => {
                write!(f, "message {msg_type} claims {length} bytes of body")
            }
            FrameError::Checksum { msg_type, stated, computed } => {
                write!(
                    f,
                    "message {msg_type} has checksum {stated}, its bytes add up to {computed}"
                )
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Sum of `bytes` modulo 256.
#[inline]
pub fn checksum(bytes: &[u8]) -> u32 {
    u32::from(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)))
}

/// Takes the first frame off `bytes`: the frame and how many bytes it took, `None` when more bytes
/// are needed.
#[inline]
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(header) = Header::parse(bytes) else { return Ok(None) };
    let (msg_type, length) = (header.msg_type.get(), header.body_length.get());
    if length as usize > BODY_MAX {
        return Err(FrameError::TooLong { msg_type, length });
    }
    let end = HEADER_LEN + length as usize;
    let (Some(covered), Some(stated)) =
        (bytes.get(..end), bytes.get(end..).and_then(|behind| behind.first_chunk::<4>()))
    else {
        return Ok(None);
    };
    let (stated, computed) = (u32::from_be_bytes(*stated), checksum(covered));
    if stated != computed {
        return Err(FrameError::Checksum { msg_type, stated, computed });
    }
    let body = covered.get(HEADER_LEN..).unwrap_or(&[]);
    Ok(Some((Frame { msg_type, body }, end + 4)))
}

/// Bytes that the frame at the front of `bytes` takes, as far as they tell: its header's length
/// while that is cut.
pub fn frame_len(bytes: &[u8]) -> usize {
    Header::parse(bytes)
        .map_or(HEADER_LEN, |header| OVERHEAD.saturating_add(header.body_length.get() as usize))
}

/// Writes a frame piece by piece.
///
/// ```
/// use nofx_wire::szse::{FrameWriter, next_frame};
/// let mut out = [0; 64];
/// let mut frame = FrameWriter::new(&mut out, 3);
/// frame.push(b"body");
/// let length = frame.finish().expect("it fits");
/// let (frame, used) = next_frame(&out[..length]).expect("a sound frame").expect("a whole frame");
/// assert_eq!((frame.msg_type, frame.body, used), (3, &b"body"[..], 16));
/// ```
#[derive(Debug)]
pub struct FrameWriter<'a> {
    out: &'a mut [u8],
    /// Where the body goes on; beyond `out` once something did not fit.
    at: usize,
    msg_type: u32,
}

impl<'a> FrameWriter<'a> {
    /// Begins a frame at the front of `out`.
    #[inline]
    pub fn new(out: &'a mut [u8], msg_type: u32) -> FrameWriter<'a> {
        FrameWriter { out, at: HEADER_LEN, msg_type }
    }

    /// Appends to the body; what does not fit is told by [`FrameWriter::finish`].
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.at..end) {
            place.copy_from_slice(bytes);
        }
        self.at = end;
    }

    /// Writes header and checksum; the length of the frame, `None` when it did not fit.
    #[inline]
    pub fn finish(self) -> Option<usize> {
        let end = self.at.checked_add(4)?;
        let frame = self.out.get_mut(..end)?;
        let body_length = u32::try_from(self.at - HEADER_LEN).ok()?;
        let header = Header { msg_type: self.msg_type.into(), body_length: body_length.into() };
        let (covered, sum) = frame.split_at_mut_checked(self.at)?;
        covered.get_mut(..HEADER_LEN)?.copy_from_slice(header.bytes());
        sum.copy_from_slice(&checksum(covered).to_be_bytes());
        Some(end)
    }
}

/// Writes a frame around `body` to the front of `out` and returns its length; `None` when `out` is
/// too small.
#[inline]
pub fn put_frame(out: &mut [u8], msg_type: u32, body: &[u8]) -> Option<usize> {
    let mut frame = FrameWriter::new(out, msg_type);
    frame.push(body);
    frame.finish()
}
