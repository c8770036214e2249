//! The frame: header, body, sum of bytes; found in a byte stream cut anywhere.

use core::fmt;

use crate::num::{Be32, Be64};
use crate::record::record;
use crate::szse::checksum;

/// Bytes before the body.
pub const HEADER_LEN: usize = 16;
/// Bytes of the checksum.
pub const CHECKSUM_LEN: usize = 4;
/// Bytes of a frame besides its body.
pub const OVERHEAD: usize = HEADER_LEN + CHECKSUM_LEN;
/// Longest body that is believed; longer ones break the stream. No source has a bound \[?\].
pub const BODY_MAX: usize = 1 << 20;
/// The type of a heartbeat, which has no body.
pub const HEARTBEAT: u32 = 33;

record! {
    /// The front of every frame.
    Header, 16 {
        0 msg_type: Be32,
        /// Per direction, from 1 in each session.
        4 msg_seq_num: Be64,
        /// Bytes of the body.
        12 msg_body_len: Be32,
    }
}

/// One frame, its checksum proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the body is.
    pub msg_type: u32,
    /// See [`Header::msg_seq_num`].
    pub sequence: u64,
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
            FrameError::Checksum { msg_type, stated, computed } => write!(
                f,
                "message {msg_type} has checksum {stated}, its bytes add up to {computed}"
            ),
        }
    }
}

impl core::error::Error for FrameError {}

/// Takes the first frame off `bytes`: the frame and how many bytes it took, `None` when more bytes
/// are needed.
#[inline]
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(header) = Header::parse(bytes) else { return Ok(None) };
    let (msg_type, length) = (header.msg_type.get(), header.msg_body_len.get());
    if length as usize > BODY_MAX {
        return Err(FrameError::TooLong { msg_type, length });
    }
    let used = OVERHEAD + length as usize;
    let Some((covered, stated)) =
        bytes.get(..used).and_then(|whole| whole.split_last_chunk::<CHECKSUM_LEN>())
    else {
        return Ok(None);
    };
    let (stated, computed) = (u32::from_be_bytes(*stated), checksum(covered));
    if stated != computed {
        return Err(FrameError::Checksum { msg_type, stated, computed });
    }
    let body = covered.get(HEADER_LEN..).unwrap_or(&[]);
    Ok(Some((Frame { msg_type, sequence: header.msg_seq_num.get(), body }, used)))
}

/// Writes a frame piece by piece.
pub(super) struct FrameWriter<'o> {
    out: &'o mut [u8],
    at: usize,
}

impl<'o> FrameWriter<'o> {
    pub fn new(out: &'o mut [u8]) -> FrameWriter<'o> {
        FrameWriter { out, at: HEADER_LEN }
    }

    /// Appends to the body; what does not fit is told by [`FrameWriter::finish`].
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.at..end) {
            place.copy_from_slice(bytes);
        }
        self.at = end;
    }

    /// Writes header and checksum; the length of the frame, `None` when it did not fit.
    pub fn finish(self, msg_type: u32, sequence: u64) -> Option<usize> {
        let end = self.at.checked_add(CHECKSUM_LEN)?;
        let header = Header {
            msg_type: msg_type.into(),
            msg_seq_num: sequence.into(),
            msg_body_len: u32::try_from(self.at - HEADER_LEN).ok()?.into(),
        };
        let (covered, sum) = self.out.get_mut(..end)?.split_at_mut_checked(self.at)?;
        covered.get_mut(..HEADER_LEN)?.copy_from_slice(header.bytes());
        sum.copy_from_slice(&checksum(covered).to_be_bytes());
        Some(end)
    }
}

/// Writes a frame around `body` to the front of `out` and returns its length; `None` when `out` is
/// too small.
#[inline]
pub fn put_frame(out: &mut [u8], msg_type: u32, sequence: u64, body: &[u8]) -> Option<usize> {
    let mut frame = FrameWriter::new(out);
    frame.push(body);
    frame.finish(msg_type, sequence)
}
