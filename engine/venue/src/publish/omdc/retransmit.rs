//! The retransmission server: what a client missed, as packets on its TCP stream.
//!
//! A client logs on with its name, then asks for one range of one channel at a time; the answer says
//! whether it is served, and the packets follow at once. The server sends heartbeats (packets
//! without messages), which the client must send back. Limits are options; their values are not
//! public.

use std::collections::HashMap;

use nofx_types::Nanos;
use nofx_wire::omdc::{
    Logon, LogonResponse, PACKET_MAX, Packet, PacketWriter, RetransmissionRequest,
    RetransmissionResponse, retrans_status, session_status, stream_packet_len, type_of,
};

use super::OmdcPublisher;

/// Who may ask, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetransmissionConfig {
    /// Names that may log on; empty: all.
    pub users: Vec<String>,
    /// Most messages of one request.
    pub range_max: u32,
    /// Most requests of a name in a day.
    pub requests_max: u32,
    /// Silence after which a heartbeat is sent.
    pub heartbeat_ns: u64,
    /// A client that has not answered a heartbeat for so long is cut off.
    pub dead_ns: u64,
}

impl Default for RetransmissionConfig {
    /// Values that no public source states: 10,000 messages, 1,000 requests, heartbeats every 30 s.
    fn default() -> RetransmissionConfig {
        RetransmissionConfig {
            users: Vec::new(),
            range_max: 10_000,
            requests_max: 1_000,
            heartbeat_ns: 30_000_000_000,
            dead_ns: 60_000_000_000,
        }
    }
}

/// The server.
#[derive(Debug)]
pub struct Retransmission {
    config: RetransmissionConfig,
    /// Requests today, by name.
    requests: HashMap<[u8; 12], u32>,
    /// Names that are logged on.
    connected: Vec<[u8; 12]>,
}

/// One client's connection.
#[derive(Debug)]
pub struct RetransmissionSession {
    user: Option<[u8; 12]>,
    /// Bytes that are no whole packet yet.
    rest: Vec<u8>,
    closed: bool,
    heard: Nanos,
    told: Nanos,
}

impl RetransmissionSession {
    /// A connection that was just accepted.
    pub fn new(now: Nanos) -> RetransmissionSession {
        let rest = Vec::new();
        RetransmissionSession { user: None, rest, closed: false, heard: now, told: now }
    }

    /// Whether the server ends the connection once its bytes are sent.
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

/// What a client sent, in one packet.
enum Asked {
    Logon([u8; 12]),
    Range { channel: u16, begin: u32, end: u32 },
    Heartbeat,
    Nonsense,
}

impl Retransmission {
    /// A server that nobody has asked yet.
    pub fn new(config: RetransmissionConfig) -> Retransmission {
        Retransmission { config, requests: HashMap::new(), connected: Vec::new() }
    }

    /// Takes bytes of a client, cut anywhere, and appends the answers to `out`.
    pub fn answer(
        &mut self,
        session: &mut RetransmissionSession,
        publisher: &OmdcPublisher,
        now: Nanos,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) {
        session.heard = now;
        session.rest.extend_from_slice(bytes);
        while !session.closed {
            let length = match stream_packet_len(&session.rest) {
                Ok(Some(length)) if length <= session.rest.len() => length,
                Ok(_) => return,
                Err(_) => break,
            };
            let packet: Vec<u8> = session.rest.drain(..length).collect();
            match read(&packet) {
                Asked::Heartbeat => {}
                Asked::Logon(user) => self.log_on(session, user, now, out),
                Asked::Range { channel, begin, end } if session.user.is_some() => {
                    self.serve(session, publisher, now, (channel, begin, end), out);
                }
                Asked::Range { .. } | Asked::Nonsense => break,
            }
        }
        self.end(session);
    }

    /// Sends a heartbeat where one is due, and cuts off who does not answer them.
    pub fn turn(&mut self, session: &mut RetransmissionSession, now: Nanos, out: &mut Vec<u8>) {
        if now.since(session.heard) >= self.config.dead_ns {
            return self.end(session);
        }
        if !session.closed && now.since(session.told) >= self.config.heartbeat_ns {
            put(out, now, 0, &[]);
            session.told = now;
        }
    }

    /// The connection ended.
    pub fn end(&mut self, session: &mut RetransmissionSession) {
        session.closed = true;
        if let Some(user) = session.user.take() {
            self.connected.retain(|connected| *connected != user);
        }
    }

    fn log_on(
        &mut self,
        session: &mut RetransmissionSession,
        user: [u8; 12],
        now: Nanos,
        out: &mut Vec<u8>,
    ) {
        let name = String::from_utf8_lossy(&user);
        let users = &self.config.users;
        let known = users.is_empty() || users.iter().any(|known| known == name.trim_end());
        let status = match known {
            false => session_status::INVALID,
            true if self.connected.contains(&user) => session_status::CONNECTED,
            true => session_status::ACTIVE,
        };
        let answer = LogonResponse { session_status: status, ..LogonResponse::blank() };
        put(out, now, 0, answer.bytes());
        session.told = now;
        if status == session_status::ACTIVE {
            session.user = Some(user);
            self.connected.push(user);
        } else {
            session.closed = true;
        }
    }

    fn serve(
        &mut self,
        session: &mut RetransmissionSession,
        publisher: &OmdcPublisher,
        now: Nanos,
        (channel, begin, end): (u16, u32, u32),
        out: &mut Vec<u8>,
    ) {
        let status = self.judge(session, publisher, (channel, begin, end));
        let answer = RetransmissionResponse {
            channel_id: channel.into(),
            retrans_status: status,
            begin_seq_num: begin.into(),
            end_seq_num: end.into(),
            ..RetransmissionResponse::blank()
        };
        put(out, now, 0, answer.bytes());
        session.told = now;
        if status == retrans_status::ACCEPTED {
            packets(publisher, now, channel, begin, end, out);
        }
    }

    fn judge(
        &mut self,
        session: &RetransmissionSession,
        publisher: &OmdcPublisher,
        (channel, begin, end): (u16, u32, u32),
    ) -> u8 {
        let Some(live) = publisher.channel(channel) else { return retrans_status::CHANNEL };
        let requests = self.requests.entry(session.user.unwrap_or_default()).or_default();
        *requests = requests.saturating_add(1);
        if *requests > self.config.requests_max {
            retrans_status::REQUESTS
        } else if end < begin || end - begin >= self.config.range_max {
            retrans_status::RANGE
        } else if live.message(begin).is_none() || live.message(end).is_none() {
            retrans_status::UNAVAILABLE
        } else {
            retrans_status::ACCEPTED
        }
    }
}

fn read(bytes: &[u8]) -> Asked {
    let Ok(packet) = Packet::parse(bytes) else { return Asked::Nonsense };
    if packet.is_heartbeat() {
        return Asked::Heartbeat;
    }
    let mut messages = packet.messages();
    let (Some(message), None) = (messages.next(), messages.next()) else { return Asked::Nonsense };
    match type_of(message) {
        Some(Logon::KIND) => {
            Logon::parse(message).map_or(Asked::Nonsense, |logon| Asked::Logon(logon.username))
        }
        Some(RetransmissionRequest::KIND) => {
            RetransmissionRequest::parse(message).map_or(Asked::Nonsense, |request| Asked::Range {
                channel: request.channel_id.get(),
                begin: request.begin_seq_num.get(),
                end: request.end_seq_num.get(),
            })
        }
        _ => Asked::Nonsense,
    }
}

/// Appends a packet of one message, or a heartbeat.
fn put(out: &mut Vec<u8>, now: Nanos, seq: u32, message: &[u8]) {
    let mut buffer = [0; PACKET_MAX];
    let Some(mut packet) = PacketWriter::new(&mut buffer, seq, now.0) else { return };
    if !message.is_empty() && packet.push(message).is_err() {
        return;
    }
    out.extend_from_slice(packet.finish());
}

/// Appends the messages `begin..=end` in packets of the size of a datagram.
fn packets(
    publisher: &OmdcPublisher,
    now: Nanos,
    channel: u16,
    begin: u32,
    end: u32,
    out: &mut Vec<u8>,
) {
    let Some(live) = publisher.channel(channel) else { return };
    let mut seq = begin;
    while seq <= end {
        let mut buffer = [0; PACKET_MAX];
        let Some(mut packet) = PacketWriter::new(&mut buffer, seq, now.0) else { return };
        while seq <= end && live.message(seq).is_some_and(|message| packet.push(message).is_ok()) {
            seq += 1;
        }
        if packet.is_empty() {
            return;
        }
        out.extend_from_slice(packet.finish());
    }
}
