//! What a protocol adds to be recovered: how it asks again, and where its images come from.

use crate::packet::Decoder;

/// Bytes of a MoldUDP64 request.
pub const REQUEST_LEN: usize = 20;
/// Most bytes of a packet that a channel sends.
pub const REQUEST_MAX: usize = 32;

/// A packet to be sent to a re-request server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    bytes: [u8; REQUEST_MAX],
    len: u8,
}

impl Request {
    /// Nothing.
    pub const EMPTY: Request = Request { bytes: [0; REQUEST_MAX], len: 0 };

    /// Of at most [`REQUEST_MAX`] bytes; what is beyond is cut.
    pub fn new(packet: &[u8]) -> Request {
        let mut request = Request::EMPTY;
        let places = request.bytes.iter_mut().zip(packet);
        request.len = places.map(|(place, byte)| *place = *byte).count() as u8;
        request
    }

    /// The packet.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// How missing messages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// By a datagram; an answer is one datagram.
    Datagrams,
    /// In a session over a stream that is logged in to; one request at a time is open, and is answered
    /// by a status and by packets as they were on the lines.
    Stream,
}

/// Where images of the books come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// From a session that sends one when it is asked.
    Session,
    /// From a multicast line that sends one after another, with numbers of its own.
    Line,
}

/// Why a server does not answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not have these messages.
    Unavailable,
    /// More messages than it gives at once.
    Range,
    /// It serves us no more today, or never did: another one is asked.
    Barred,
}

/// What a packet of a request session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamPacket {
    /// The session is open.
    LoggedOn,
    /// It will not be.
    LogonRefused,
    /// The server asks whether we live.
    Heartbeat,
    /// The messages up to this number will follow.
    Accepted {
        /// One past the last.
        end: u64,
    },
    /// They will not.
    Refused(Refusal),
    /// Messages.
    Data,
    /// Of no use.
    Nothing,
}

/// The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenStream;

/// Whether a message ends a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is part of the image.
    None,
    /// The image is whole; this is the first live message.
    Next(u64),
    /// It says so, but not with a number.
    Broken,
}

/// What a protocol adds to be recovered.
pub trait Recoverable: Decoder {
    /// How missing messages are asked for.
    const REQUESTS: Requests;

    /// Where images come from.
    const IMAGES: Images;

    /// Whether a stream that began anew during the day does not tell what its books held before, nor
    /// packets which incarnation they are of: then an image is needed, also when all lines were silent.
    const RESET_NEEDS_IMAGE: bool = false;

    /// The packet that asks a re-request server for `count` messages from `first` on.
    fn request(&self, session: u128, first: u64, count: u16) -> Request;

    /// What a message of a snapshot says about its end.
    fn mark(message: &[u8]) -> Mark;

    /// Whether a snapshot session of this name is of the stream's session.
    fn is_session(session: u128, name: &[u8; 10]) -> bool {
        let _ = (session, name);
        true
    }

    /// The packet that opens a request session; `None` when `user` is too long.
    fn logon(user: &str) -> Option<Request> {
        let _ = user;
        Some(Request::EMPTY)
    }

    /// The packet that answers the heartbeat of a request session.
    fn heartbeat() -> Request {
        Request::EMPTY
    }

    /// Bytes of the packet at the front of a request session; `None` when more are needed to know.
    fn stream_len(bytes: &[u8]) -> Result<Option<usize>, BrokenStream> {
        let _ = bytes;
        Err(BrokenStream)
    }

    /// What a packet of a request session is.
    fn stream_packet(packet: &[u8]) -> StreamPacket {
        let _ = packet;
        StreamPacket::Nothing
    }

    /// Whether the venue has said that books are void, whatever the numbers say.
    #[inline]
    fn is_void(&self) -> bool {
        false
    }

    /// Whether it has said since the last call that they can be had again, by an image.
    fn take_rejoin(&mut self) -> bool {
        false
    }
}
