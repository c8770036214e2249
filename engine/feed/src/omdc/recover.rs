//! How OMD-C recovers: sessions with a retransmission server, and a refresh line
//! (OMD-C Binary Interface Specifications 1.45, retransmission and refresh).

use nofx_wire::num::{Le16, Le32};
use nofx_wire::omdc::{
    self, HEADER_LEN, Logon, LogonResponse, Packet, PacketWriter, RefreshComplete,
    RetransmissionRequest, RetransmissionResponse, retrans_status, session_status,
};

use super::Omdc;
use crate::recovery::{
    BrokenStream, Images, Mark, REQUEST_MAX, Recoverable, Refusal, Request, Requests, StreamPacket,
};

impl Recoverable for Omdc {
    const REQUESTS: Requests = Requests::Stream;
    const IMAGES: Images = Images::Line;
    // Orders that rested before do not come again.
    const RESET_NEEDS_IMAGE: bool = true;

    fn request(&self, _: u128, first: u64, count: u16) -> Request {
        let last = first + u64::from(count).saturating_sub(1);
        let number = |seq: u64| Le32::new(u32::try_from(seq).unwrap_or(u32::MAX));
        let request = RetransmissionRequest {
            channel_id: Le16::new(self.config.channel),
            begin_seq_num: number(first),
            end_seq_num: number(last),
            ..RetransmissionRequest::blank()
        };
        packet(Some(request.bytes()))
    }

    fn mark(message: &[u8]) -> Mark {
        if omdc::type_of(message) != Some(RefreshComplete::KIND) {
            return Mark::None;
        }
        let complete = RefreshComplete::parse(message);
        complete.map_or(Mark::Broken, |end| Mark::Next(u64::from(end.last_seq_num.get()) + 1))
    }

    fn logon(user: &str) -> Option<Request> {
        let username = omdc::text(user);
        let logon = Logon { username, ..Logon::blank() };
        (user.len() <= username.len()).then(|| packet(Some(logon.bytes())))
    }

    fn heartbeat() -> Request {
        packet(None)
    }

    fn stream_len(bytes: &[u8]) -> Result<Option<usize>, BrokenStream> {
        omdc::stream_packet_len(bytes).map_err(|_| BrokenStream)
    }

    fn stream_packet(bytes: &[u8]) -> StreamPacket {
        let Ok(packet) = Packet::parse(bytes) else { return StreamPacket::Nothing };
        let Some(message) = packet.messages().next() else { return StreamPacket::Heartbeat };
        match omdc::type_of(message) {
            Some(LogonResponse::KIND) => {
                LogonResponse::parse(message).map_or(StreamPacket::Nothing, |response| {
                    match response.session_status {
                        session_status::ACTIVE => StreamPacket::LoggedOn,
                        _ => StreamPacket::LogonRefused,
                    }
                })
            }
            Some(RetransmissionResponse::KIND) => {
                RetransmissionResponse::parse(message).map_or(StreamPacket::Nothing, answer)
            }
            _ => StreamPacket::Data,
        }
    }

    #[inline]
    fn is_void(&self) -> bool {
        self.is_void_now()
    }

    fn take_rejoin(&mut self) -> bool {
        std::mem::take(&mut self.rejoin)
    }
}

fn answer(response: &RetransmissionResponse) -> StreamPacket {
    match response.retrans_status {
        retrans_status::ACCEPTED => {
            StreamPacket::Accepted { end: u64::from(response.end_seq_num.get()) + 1 }
        }
        retrans_status::UNAVAILABLE => StreamPacket::Refused(Refusal::Unavailable),
        retrans_status::RANGE => StreamPacket::Refused(Refusal::Range),
        // An unknown channel, too many requests, or what nobody knows.
        _ => StreamPacket::Refused(Refusal::Barred),
    }
}

/// A packet of ours: number and time 0.
fn packet(message: Option<&[u8]>) -> Request {
    let mut buffer = [0; REQUEST_MAX];
    let Some(mut writer) = PacketWriter::new(&mut buffer, 0, 0) else { return Request::EMPTY };
    if let Some(message) = message {
        let _ = writer.push(message); // sixteen bytes
    }
    Request::new(writer.finish())
}

const _: () = assert!(HEADER_LEN + size_of::<RetransmissionRequest>() <= REQUEST_MAX);
const _: () = assert!(HEADER_LEN + size_of::<Logon>() <= REQUEST_MAX);
