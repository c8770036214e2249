//! The venue's side of recovery: a retransmission server on a stream, and a refresh line.

use nofx_rt::rng::Rng;
use nofx_wire::omdc::{
    Logon, LogonResponse, Packet, RetransmissionRequest, RetransmissionResponse, retrans_status,
    session_status, stream_packet_len, type_of,
};

use super::day::{Day, packet};

/// What a server does with a request, or the refresh line with its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    Dead,
    Mixed,
}

/// The server's side of one connection: bytes in, bytes out.
#[derive(Default)]
pub struct Server {
    inbox: Vec<u8>,
    logged_on: bool,
    pub heartbeats: u64,
}

/// What the server says, and whether it hangs up afterwards.
#[derive(Default)]
pub struct Said {
    pub bytes: Vec<u8>,
    pub hangs_up: bool,
}

impl Server {
    /// Takes bytes; `day` has `published` messages so far. `mixed`: it may fail.
    pub fn take(
        &mut self,
        bytes: &[u8],
        day: &Day,
        published: usize,
        now: u64,
        mixed: Option<&mut Rng>,
    ) -> Said {
        self.inbox.extend(bytes);
        let mut said = Said::default();
        let mut mixed = mixed;
        while let Ok(Some(length)) = stream_packet_len(&self.inbox)
            && length <= self.inbox.len()
        {
            let own: Vec<u8> = self.inbox.drain(..length).collect();
            let own = Packet::parse(&own).expect("a client writes good packets");
            let Some(message) = own.messages().next() else {
                self.heartbeats += 1;
                continue;
            };
            let case = mixed.as_mut().map_or(99, |rng| rng.below(14));
            match type_of(message) {
                Some(Logon::KIND) => self.log_on(case, now, &mut said),
                Some(RetransmissionRequest::KIND) => {
                    assert!(self.logged_on, "asked before it was logged on");
                    let request = RetransmissionRequest::parse(message).expect("a request");
                    assert_eq!(request.channel_id.get(), 9);
                    let range = (request.begin_seq_num.get(), request.end_seq_num.get());
                    answer(range, case, day, published, now, &mut said);
                }
                other => panic!("a client does not send {other:?}"),
            }
        }
        said
    }

    fn log_on(&mut self, case: u64, now: u64, said: &mut Said) {
        assert!(!self.logged_on);
        let status = match case {
            0 => session_status::INVALID,
            1 => session_status::CONNECTED,
            _ => session_status::ACTIVE,
        };
        self.logged_on = status == session_status::ACTIVE;
        said.hangs_up = !self.logged_on;
        let response = LogonResponse { session_status: status, ..LogonResponse::blank() };
        said.bytes.extend(packet(0, now, &[response.bytes().to_vec()]));
        if case == 2 {
            said.bytes.extend(packet(0, now, &[])); // a heartbeat
        }
    }
}

fn answer(
    (begin, end): (u32, u32),
    case: u64,
    day: &Day,
    published: usize,
    now: u64,
    said: &mut Said,
) {
    let first = begin as usize - 1;
    let mut last = (end as usize).min(published);
    let mut status = match case {
        0 => retrans_status::CHANNEL,
        1 => retrans_status::UNAVAILABLE,
        2 => retrans_status::RANGE,
        3 => retrans_status::REQUESTS,
        _ => retrans_status::ACCEPTED,
    };
    if first >= last {
        status = retrans_status::UNAVAILABLE;
    }
    if case == 4 {
        last = (first + 1).min(last); // less than was asked for, as it says
    }
    let response = RetransmissionResponse {
        channel_id: 9.into(),
        retrans_status: status,
        begin_seq_num: begin.into(),
        end_seq_num: (last as u32).into(),
        ..RetransmissionResponse::blank()
    };
    said.bytes.extend(packet(0, now, &[response.bytes().to_vec()]));
    if status != retrans_status::ACCEPTED {
        return;
    }
    let mut at = first;
    while at < last {
        let end = (at + 4).min(last);
        said.bytes.extend(packet(at as u32 + 1, now, &day.messages[at..end]));
        at = end;
        match case {
            5 => break,                                  // less than it says
            6 => said.bytes.extend(packet(0, now, &[])), // beats in between
            7 => {
                said.hangs_up = true;
                let cut = said.bytes.len() - 3;
                said.bytes.truncate(cut);
                break;
            }
            8 => {
                said.bytes.extend([5, 0, 0, 0]); // no size of a packet
                break;
            }
            _ => {}
        }
    }
}

/// Numbers of a refresh line.
pub struct Refresh {
    next: u32,
    /// Whether numbers start again with each image.
    pub restarts: bool,
}

impl Refresh {
    pub fn new(restarts: bool) -> Refresh {
        Refresh { next: 1, restarts }
    }

    /// The packets of one image.
    pub fn image(&mut self, day: &Day, count: usize, now: u64, each: usize) -> Vec<Vec<u8>> {
        if self.restarts {
            self.next = 1;
        }
        let image = day.image(count);
        let packets = image.chunks(each).map(|messages| {
            let packet = packet(self.next, now, messages);
            self.next += messages.len() as u32;
            packet
        });
        packets.collect()
    }
}
