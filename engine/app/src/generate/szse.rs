//! Shenzhen: the TCP conversation of one client with the market data gateway.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use nofx_net::write::{End, TCP_PAYLOAD_MAX, TcpPcapWriter};
use nofx_types::Nanos;
use nofx_venue::board::{Board, Said};
use nofx_venue::publish::szse::{SzseConfig, SzsePublisher, SzseSession, SzseSessionConfig};
use nofx_wire::szse::{
    Execution, HEARTBEAT_FRAME, Logon, Logout, Order, SessionStatus, exec_type, next_frame,
    put_frame, text,
};

use super::WriteError;
use super::market::{Tape, Written};
use crate::cli::GenArgs;
use crate::failure::Failure;

const FILE: &str = "tcp.pcap";
const CLIENT: ([u8; 4], u16) = ([10, 2, 0, 1], 40_000);
const SERVER: ([u8; 4], u16) = ([10, 2, 0, 2], 9_016);
const HEARTBEAT_S: u64 = 3;
/// What the gateway sends within so many nanoseconds shares a segment.
const SLOT_NS: u64 = 20_000;

/// The tape of Shenzhen.
pub(super) struct Conversation {
    publisher: SzsePublisher,
    wire: Wire,
}

struct Wire {
    session: SzseSession,
    file: Option<TcpPcapWriter>,
    path: PathBuf,
    /// What waits for its segment, and since when.
    open: Vec<u8>,
    opened: Nanos,
    client_told: Nanos,
    messages: BTreeMap<String, u64>,
    failed: Option<WriteError>,
}

impl Conversation {
    pub fn create(args: &GenArgs, board: &Board) -> Result<Conversation, Failure> {
        let path = args.out.join(FILE);
        let now = board.now();
        let [client, server] =
            [CLIENT, SERVER].map(|(ip, port)| SocketAddrV4::new(ip.into(), port));
        let file = TcpPcapWriter::create(&path, client, server, now).map_err(Failure::output)?;
        Ok(Conversation {
            publisher: SzsePublisher::new(SzseConfig::default(), board),
            wire: Wire {
                session: SzseSession::new(SzseSessionConfig::default(), now),
                file: Some(file),
                path,
                open: Vec::new(),
                opened: now,
                client_told: now,
                messages: BTreeMap::new(),
                failed: None,
            },
        })
    }
}

impl Wire {
    fn frame(&mut self, at: Nanos, frame: &[u8]) {
        *self.messages.entry(name_of(frame)).or_default() += 1;
        let slot = |at: Nanos| at.0 / SLOT_NS;
        let full = self.open.len() + frame.len() > TCP_PAYLOAD_MAX;
        if full || slot(at) != slot(self.opened) {
            self.flush();
        }
        if self.open.is_empty() {
            self.opened = at.max(self.opened);
        }
        self.session.send(at, frame, &mut self.open);
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.open);
        if !bytes.is_empty() {
            self.put(self.opened, End::Server, &bytes);
        }
    }

    fn put(&mut self, at: Nanos, from: End, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let sent = file.send(at, from, bytes);
        self.failed = self.failed.take().or(sent.err());
    }

    /// The client says something, and the gateway answers.
    fn ask(&mut self, publisher: &SzsePublisher, at: Nanos, bytes: &[u8]) {
        self.flush();
        self.opened = at;
        self.put(at, End::Client, bytes);
        let mut answer = Vec::new();
        self.session.answer(publisher, at, bytes, &mut answer);
        if !answer.is_empty() {
            self.put(at, End::Server, &answer);
        }
    }
}

/// Name of a frame's message.
fn name_of(frame: &[u8]) -> String {
    let kind = next_frame(frame).ok().flatten().map_or(0, |(frame, _)| frame.msg_type);
    match kind {
        Order::TYPE => "order".into(),
        Execution::TYPE if frame.get(8 + 57) == Some(&exec_type::CANCEL) => "cancel".into(),
        Execution::TYPE => "trade".into(),
        kind => kind.to_string(),
    }
}

fn framed(msg_type: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; body.len() + 12];
    put_frame(&mut frame, msg_type, body);
    frame
}

impl Tape for Conversation {
    fn open(&mut self, board: &Board) {
        let logon = Logon {
            sender_comp_id: text("NOFX").unwrap_or([b' '; 20]),
            target_comp_id: text("MDGW").unwrap_or([b' '; 20]),
            heart_bt_int: (HEARTBEAT_S as i32).into(),
            password: [b' '; 16],
            default_appl_ver_id: text("1.17").unwrap_or([b' '; 32]),
        };
        self.wire.ask(&self.publisher, board.now(), &framed(Logon::TYPE, logon.bytes()));
    }

    fn said(&mut self, said: &Said, board: &Board) {
        let Conversation { publisher, wire } = self;
        publisher.say(said, board, &mut |at, _: u16, frame: &[u8]| wire.frame(at, frame));
    }

    fn turn(&mut self, now: Nanos, board: &Board) {
        let Conversation { publisher, wire } = self;
        publisher.turn(now, board, &mut |at, _: u16, frame: &[u8]| wire.frame(at, frame));
        wire.flush();
        wire.opened = now;
        let mut heartbeat = Vec::new();
        wire.session.turn(now, &mut heartbeat);
        if !heartbeat.is_empty() {
            wire.put(now, End::Server, &heartbeat);
        }
        if now.since(wire.client_told) >= HEARTBEAT_S * 1_000_000_000 {
            wire.client_told = now;
            wire.ask(publisher, now, &HEARTBEAT_FRAME);
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        self.wire.failed.take().map_or(Ok(()), |error| Err(Failure::output(error)))
    }

    fn finish(mut self: Box<Self>, at: Nanos) -> Result<Written, Failure> {
        let status = SessionStatus::LoggedOut.to_wire().into();
        let logout = Logout { session_status: status, text: [b' '; 200] };
        self.wire.ask(&self.publisher, at, &framed(Logout::TYPE, logout.bytes()));
        self.check()?;
        if let Some(file) = self.wire.file.take() {
            file.finish(at).map_err(Failure::output)?;
        }
        let Wire { path, messages, .. } = self.wire;
        Ok(Written { paths: vec![path], messages, losses: None })
    }
}
