//! SoupBinTCP 3.00: frames of a TCP byte stream, the session under OUCH.
//!
//! Every frame is a [`Header`] (`packet_length` u16 big-endian = bytes after that field, then
//! `packet_type`) and a payload. Numbers in text are ASCII digits, right-justified, padded with
//! spaces on the left; user name and password are left-justified.
//!
//! | type | direction | name | payload | frame bytes |
//! |---|---|---|---|---|
//! | `+` | both | debug | text, ignored | 3+n |
//! | `A` | server | login accepted | session 10, next sequence 20 | 33 |
//! | `J` | server | login rejected | reason: `A` not authorised, `S` session not available | 4 |
//! | `S` | server | sequenced data | one application message | 3+n |
//! | `H` | server | heartbeat | none | 3 |
//! | `Z` | server | end of session | none | 3 |
//! | `L` | client | login request | user 6, password 10, session 10, sequence 20 | 49 |
//! | `U` | both | unsequenced data | one application message | 3+n |
//! | `R` | client | heartbeat | none | 3 |
//! | `O` | client | logout request | none | 3 |
//!
//! Sequence numbers are implicit: login accepted names the number of the next `S`, each `S` adds
//! one, nothing else counts. Either side sends a heartbeat after [`HEARTBEAT_NS`] of own silence
//! and gives up after [`SILENCE_NS`] of the other's. The login field that 4.00 appends is left out:
//! no source we could read states it.

use core::fmt;

use crate::num::Be16;
use crate::record::record;

/// Either side sends something at least this often, in nanoseconds.
pub const HEARTBEAT_NS: u64 = 1_000_000_000;
/// Either side gives up after this much silence of the other, in nanoseconds.
pub const SILENCE_NS: u64 = 15_000_000_000;

/// Bytes of the length field and the type.
pub const HEADER_LEN: usize = 3;
/// Bytes of the longest frame that a u16 length can name.
pub const FRAME_MAX: usize = 2 + u16::MAX as usize;
/// Bytes of a login request frame.
pub const LOGIN_REQUEST_LEN: usize = 49;
/// Bytes of a login accepted frame.
pub const LOGIN_ACCEPTED_LEN: usize = 33;

/// Server heartbeat frame.
pub const SERVER_HEARTBEAT: [u8; 3] = [0, 1, b'H'];
/// Client heartbeat frame.
pub const CLIENT_HEARTBEAT: [u8; 3] = [0, 1, b'R'];
/// End of session frame.
pub const END_OF_SESSION: [u8; 3] = [0, 1, b'Z'];
/// Logout request frame.
pub const LOGOUT: [u8; 3] = [0, 1, b'O'];

/// Login rejected: user name or password are wrong.
pub const REJECT_NOT_AUTHORISED: u8 = b'A';
/// Login rejected: the requested session is not available.
pub const REJECT_NO_SESSION: u8 = b'S';

/// A session name: ten characters, right-justified. Spaces name the current session.
pub type Session = [u8; 10];
/// Asks for whatever session is current.
pub const ANY_SESSION: Session = [b' '; 10];

record! {
    /// The front of every frame.
    Header, 3 {
        /// Bytes that follow this field: the type and the payload.
        0 packet_length: Be16,
        2 packet_type: u8,
    }
}

record! {
    /// Payload of a login request, `L`; offsets count from the payload, three less than in the frame.
    LoginRequest, 46 {
        /// Left-justified.
        0 username: [u8; 6],
        /// Left-justified.
        6 password: [u8; 10],
        16 session: Session,
        /// 0 or blank starts with the newest message, 1 replays all, n resumes at n.
        26 sequence: [u8; 20],
    }
}

record! {
    /// Payload of login accepted, `A`; offsets count from the payload.
    LoginAccepted, 30 {
        0 session: Session,
        /// Number of the next sequenced message.
        10 sequence: [u8; 20],
    }
}

impl Header {
    /// The header of a frame with `payload_len` bytes of payload (at most 65,534).
    #[inline]
    pub const fn new(packet_type: u8, payload_len: u16) -> Header {
        Header { packet_length: Be16::new(payload_len.saturating_add(1)), packet_type }
    }
}

impl LoginRequest {
    /// The sequence asked for; blank is 0, `None` when it is not a number.
    pub fn next_sequence(&self) -> Option<u64> {
        number(&self.sequence)
    }
}

impl LoginAccepted {
    /// Number of the next sequenced message; `None` when it is not a number or is 0.
    pub fn next_sequence(&self) -> Option<u64> {
        number(&self.sequence).filter(|next| *next > 0)
    }
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Text for people; ignore it.
    Debug(&'a [u8]),
    /// The session is open.
    LoginAccepted(&'a LoginAccepted),
    /// The session was refused, with the reason.
    LoginRejected(u8),
    /// An application message that counts in the sequence.
    Sequenced(&'a [u8]),
    /// An application message that does not.
    Unsequenced(&'a [u8]),
    /// The server is alive.
    ServerHeartbeat,
    /// The session is over for the day.
    EndOfSession,
    /// A client asks for a session.
    LoginRequest(&'a LoginRequest),
    /// The client is alive.
    ClientHeartbeat,
    /// The client leaves.
    Logout,
    /// A type we do not know, skipped by its length.
    Unknown(u8, &'a [u8]),
}

/// The stream is broken: log out and close, there is no way to find the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoupError {
    /// A frame of length 0 has no type.
    ZeroLength,
    /// The payload is shorter than the fixed layout of this type.
    Short {
        /// The frame's type.
        packet_type: u8,
        /// Bytes of payload needed.
        need: usize,
        /// Bytes of payload there.
        got: usize,
    },
}

impl fmt::Display for SoupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SoupError::ZeroLength => f.write_str("frame of length 0: it has no type"),
            SoupError::Short { packet_type, need, got } => write!(
                f,
                "frame `{}` has {got} bytes of payload, its layout needs {need}",
                packet_type.escape_ascii()
            ),
        }
    }
}

impl core::error::Error for SoupError {}

/// Takes the first frame off `bytes`: the frame and how many bytes it took, `None` when more bytes
/// are needed.
#[inline]
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, SoupError> {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some(packet) = rest.get(..length) else { return Ok(None) };
    let Some((&packet_type, payload)) = packet.split_first() else {
        return Err(SoupError::ZeroLength);
    };
    Ok(Some((frame(packet_type, payload)?, 2 + length)))
}

#[inline]
fn frame(packet_type: u8, payload: &[u8]) -> Result<Frame<'_>, SoupError> {
    let short = |need| SoupError::Short { packet_type, need, got: payload.len() };
    Ok(match packet_type {
        b'S' => Frame::Sequenced(payload),
        b'U' => Frame::Unsequenced(payload),
        b'H' => Frame::ServerHeartbeat,
        b'R' => Frame::ClientHeartbeat,
        b'A' => Frame::LoginAccepted(LoginAccepted::parse(payload).ok_or(short(30))?),
        b'J' => Frame::LoginRejected(*payload.first().ok_or(short(1))?),
        b'L' => Frame::LoginRequest(LoginRequest::parse(payload).ok_or(short(46))?),
        b'O' => Frame::Logout,
        b'Z' => Frame::EndOfSession,
        b'+' => Frame::Debug(payload),
        other => Frame::Unknown(other, payload),
    })
}

/// Writes a frame around `payload` to the front of `out` and returns its length; `None` when `out`
/// is too small or the payload exceeds what a u16 length can say.
#[inline]
pub fn put_frame(out: &mut [u8], packet_type: u8, payload: &[u8]) -> Option<usize> {
    let length = u16::try_from(payload.len() + 1).ok()?;
    let end = HEADER_LEN + payload.len();
    let (header, body) = out.get_mut(..end)?.split_at_mut(HEADER_LEN);
    header.copy_from_slice(Header { packet_length: Be16::new(length), packet_type }.bytes());
    body.copy_from_slice(payload);
    Some(end)
}

/// A login request frame. `sequence` 0 starts with the newest message, 1 replays all, n resumes at
/// n. `None` when `username` exceeds 6 bytes or `password` 10.
pub fn login_request(
    username: &str,
    password: &str,
    session: Session,
    sequence: u64,
) -> Option<[u8; LOGIN_REQUEST_LEN]> {
    let request = LoginRequest {
        username: left(username)?,
        password: left(password)?,
        session,
        sequence: digits(sequence),
    };
    let mut out = [0; LOGIN_REQUEST_LEN];
    put_frame(&mut out, b'L', request.bytes())?;
    Some(out)
}

/// A login accepted frame: `sequence` is the number of the next sequenced message.
pub fn login_accepted(session: Session, sequence: u64) -> [u8; LOGIN_ACCEPTED_LEN] {
    let accepted = LoginAccepted { session, sequence: digits(sequence) };
    let mut out = [0; LOGIN_ACCEPTED_LEN];
    put_frame(&mut out, b'A', accepted.bytes()); // always fits: the length is that of the frame
    out
}

/// A login rejected frame.
pub const fn login_rejected(reason: u8) -> [u8; 4] {
    [0, 2, b'J', reason]
}

/// A session name from text of at most ten bytes, padded on the left.
pub fn session_name(text: &str) -> Option<Session> {
    let mut name = ANY_SESSION;
    let start = name.len().checked_sub(text.len())?;
    name.get_mut(start..)?.copy_from_slice(text.as_bytes());
    Some(name)
}

fn left<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(field)
}

pub(crate) fn digits(mut value: u64) -> [u8; 20] {
    let mut field = [b' '; 20]; // u64::MAX has exactly twenty digits
    for place in field.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    field
}

/// Digits between spaces; blank is 0. Both paddings are read, since clients differ.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    let text = field.trim_ascii();
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
