//! The seam once more, the plain way: whole frames, hash maps, no windows and no banks.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

use nofx_fpga_wire::control::{Policy, Session};
use nofx_fpga_wire::regs::{Drop, Refuse};
use nofx_fpga_wire::rig::{Core, Line};
use nofx_risk::card::OrderOp;
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

use super::card::line_of;
use super::frames::{ACK, FIN, RST, SYN, URG, checksum};

const FRAME_MAX: usize = 2_048;

/// What becomes of a frame of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Out(Vec<u8>),
    Dropped(Drop),
}

struct State {
    config: Session,
    open: Option<Connection>,
    asked: Option<(u16, u32)>,
    last_ref: u32,
    /// UserRefNum modulo the rows -> number, symbol, side.
    orders: HashMap<u32, (u32, u16, Side)>,
}

struct Connection {
    port: u16,
    first: u32,
    next: u32,
    /// The last bytes that were let through.
    bytes: VecDeque<u8>,
}

pub struct Twin<C> {
    pub core: C,
    /// When the core was asked, as the seam's clock has it: first in, first out.
    pub times: VecDeque<u64>,
    /// Lines that the core was asked.
    pub lines: Vec<Line>,
    pub policy: Policy,
    pub tags: u32,
    pub refused: Vec<Refuse>,
    pub dropped: Vec<Drop>,
    symbols: HashMap<[u8; 8], u16>,
    sessions: Vec<State>,
    rows: u32,
    history: usize,
    dead: bool,
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn ip_at(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::from(u32_at(bytes, at))
}

impl<C: Core> Twin<C> {
    pub fn new(core: C, sessions: &[Session], rows: u32, history: usize) -> Twin<C> {
        let state = |config: &Session| State {
            config: *config,
            open: None,
            asked: None,
            last_ref: 0,
            orders: HashMap::new(),
        };
        Twin {
            core,
            times: VecDeque::new(),
            lines: Vec::new(),
            policy: Policy::default(),
            tags: 0,
            refused: Vec::new(),
            dropped: Vec::new(),
            symbols: HashMap::new(),
            sessions: sessions.iter().map(state).collect(),
            rows,
            history,
            dead: false,
        }
    }

    pub fn list(&mut self, symbol: [u8; 8], index: u16) {
        self.symbols.insert(symbol, index);
    }

    /// A frame of the venue.
    pub fn listen(&mut self, frame: &[u8]) {
        let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
        let tcp = ip + 20;
        if frame.len() < tcp + 20
            || u16_at(frame, ip - 2) != 0x0800
            || frame[ip] != 0x45
            || frame[ip + 9] != 6
            || u16_at(frame, ip + 6) & 0x3fff != 0
            || frame[tcp + 13] & 0x3f != SYN | ACK
        {
            return;
        }
        for state in &mut self.sessions {
            let config = &state.config;
            let same = ip_at(frame, ip + 12) == config.venue
                && ip_at(frame, ip + 16) == config.host
                && u16_at(frame, tcp) == usize::from(config.venue_port);
            if let Some((port, first)) = state.asked
                && same
                && u16_at(frame, tcp + 2) == usize::from(port)
                && u32_at(frame, tcp + 8) == first
            {
                state.open = Some(Connection { port, first, next: first, bytes: VecDeque::new() });
                state.asked = None;
            }
        }
    }

    /// A frame of the host.
    pub fn host(&mut self, frame: &[u8]) -> Fate {
        match self.judge_frame(frame) {
            Ok(out) => Fate::Out(out),
            Err(why) => {
                self.dropped.push(why);
                Fate::Dropped(why)
            }
        }
    }

    fn judge_frame(&mut self, frame: &[u8]) -> Result<Vec<u8>, Drop> {
        if frame.len() < 14 || frame.len() > FRAME_MAX {
            return Err(Drop::Length);
        }
        let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
        if frame.len() < ip {
            return Err(Drop::Length);
        }
        let pass = |allowed: bool| if allowed { Ok(frame.to_vec()) } else { Err(Drop::Policy) };
        match u16_at(frame, ip - 2) {
            0x0800 => {}
            0x0806 => return pass(self.policy.arp),
            _ => return pass(self.policy.other),
        }
        if frame.len() < ip + 20 {
            return Err(Drop::Length);
        }
        if frame[ip] != 0x45 {
            return Err(Drop::Ip);
        }
        if checksum(&frame[ip..ip + 20]) != 0 {
            return Err(Drop::IpSum);
        }
        let total = u16_at(frame, ip + 2);
        if total < 20 || ip + total > frame.len() {
            return Err(Drop::Length);
        }
        if u16_at(frame, ip + 6) & 0x3fff != 0 {
            return Err(Drop::Fragment);
        }
        if frame[ip + 9] != 6 {
            return pass(self.policy.ipv4);
        }
        let (tcp, end) = (ip + 20, ip + total);
        if total < 40 {
            return Err(Drop::Tcp);
        }
        let data = tcp + usize::from(frame[tcp + 12] >> 4) * 4;
        if data < tcp + 20 || data > end {
            return Err(Drop::Tcp);
        }
        let mut pseudo = frame[ip + 12..ip + 20].to_vec();
        pseudo.extend([0, 6, ((end - tcp) >> 8) as u8, (end - tcp) as u8]);
        pseudo.extend(&frame[tcp..end]);
        if checksum(&pseudo) != 0 {
            return Err(Drop::TcpSum);
        }
        let ports = (u16_at(frame, tcp) as u16, u16_at(frame, tcp + 2) as u16);
        let found = self.sessions.iter().position(|state| {
            let config = &state.config;
            config.host == ip_at(frame, ip + 12)
                && config.venue == ip_at(frame, ip + 16)
                && config.venue_port == ports.1
                && (config.host_port == 0 || config.host_port == ports.0)
        });
        let Some(session) = found else {
            let theirs = self.sessions.iter().any(|state| state.config.venue_port == ports.1);
            return pass(self.policy.tcp && !theirs);
        };
        let (seq, flags, len) = (u32_at(frame, tcp + 4), frame[tcp + 13], end - data);
        let has = |flag: u8| flags & flag != 0;
        let mixed = has(SYN) && has(ACK | FIN | RST) || has(RST) && has(FIN);
        let bare = len == 0 || (has(ACK) && !has(SYN) && !has(RST));
        if has(URG) || mixed || !bare {
            return Err(Drop::Tcp);
        }
        if has(SYN) {
            self.syn(session, ports.0, seq.wrapping_add(1));
            return Ok(frame.to_vec());
        }
        if has(RST) {
            return Ok(frame.to_vec());
        }
        let open = self.sessions[session].open.as_ref().filter(|open| open.port == ports.0);
        let Some(open) = open else { return Err(Drop::State) };
        if len == 0 {
            return Ok(frame.to_vec());
        }
        if self.dead {
            return Err(Drop::Dead);
        }
        let behind = open.next.wrapping_sub(seq) as i32;
        if behind < 0 {
            return Err(Drop::Order);
        }
        let behind = behind as usize;
        if behind > open.bytes.len() {
            return Err(Drop::Old);
        }
        let mut out = frame.to_vec();
        let seen = behind.min(len);
        let from = open.bytes.len() - behind;
        out[data..data + seen]
            .iter_mut()
            .zip(open.bytes.range(from..))
            .for_each(|(to, was)| *to = *was);
        self.messages(session, &mut out[data + seen..end])?;
        let fresh = out[data + seen..end].to_vec();
        let history = self.history;
        if let Some(open) = &mut self.sessions[session].open {
            open.next = open.next.wrapping_add(fresh.len() as u32);
            open.bytes.extend(fresh);
            let over = open.bytes.len().saturating_sub(history);
            open.bytes.drain(..over);
        }
        // The checksum from nothing, over what leaves.
        out[tcp + 16..tcp + 18].fill(0);
        let mut pseudo = out[ip + 12..ip + 20].to_vec();
        pseudo.extend([0, 6, ((end - tcp) >> 8) as u8, (end - tcp) as u8]);
        pseudo.extend(&out[tcp..end]);
        let sum = checksum(&pseudo);
        out[tcp + 16..tcp + 18].copy_from_slice(&sum.to_be_bytes());
        Ok(out)
    }

    fn syn(&mut self, session: usize, port: u16, first: u32) {
        let state = &mut self.sessions[session];
        let known =
            state.open.as_ref().is_some_and(|open| open.port == port && open.first == first);
        if !known {
            state.asked = Some((port, first));
        }
    }

    /// Judges the messages of `bytes` and overwrites what is refused.
    fn messages(&mut self, session: usize, bytes: &mut [u8]) -> Result<(), Drop> {
        let mut at = 0;
        let mut places = Vec::new();
        while at < bytes.len() {
            if bytes.len() - at < 3 {
                return Err(Drop::Cut);
            }
            let end = at + 2 + u16_at(bytes, at);
            if end > bytes.len() {
                return Err(Drop::Cut);
            }
            if end == at + 2 {
                return Err(Drop::Malformed);
            }
            if bytes[at + 2] == b'U' {
                let need = match bytes[at + 3..end].first() {
                    Some(b'O') => 45,
                    Some(b'U') => 38,
                    Some(b'X' | b'D' | b'E') => 9,
                    Some(b'M') => 10,
                    Some(b'C') => 17,
                    Some(b'Q') => 1,
                    _ => return Err(Drop::Malformed),
                };
                if end - at - 3 < need {
                    return Err(Drop::Malformed);
                }
            }
            places.push(at..end);
            at = end;
        }
        for place in places {
            let message = &mut bytes[place];
            if message[2] == b'U' {
                self.message(session, &mut message[3..])?;
            }
        }
        Ok(())
    }

    fn message(&mut self, session: usize, body: &mut [u8]) -> Result<(), Drop> {
        let kind = body[0];
        if kind == b'Q' {
            return Ok(());
        }
        let first = u32_at(body, 1);
        let own = if kind == b'U' { u32_at(body, 5) } else { first };
        let fresh = own > self.sessions[session].last_ref;
        if fresh && matches!(kind, b'O' | b'U' | b'C' | b'D' | b'E') {
            self.sessions[session].last_ref = own;
        }
        if matches!(kind, b'C' | b'D' | b'E') {
            return Ok(());
        }
        match self.order(session, body, kind, first, own, fresh) {
            Ok(()) => {}
            Err(None) => return Err(Drop::Dead),
            Err(Some(why)) => {
                self.refused.push(why);
                match kind {
                    b'O' => body[6..10].fill(0),
                    b'U' => {
                        body[1..5].fill(0);
                        body[9..13].fill(0);
                    }
                    b'X' => body[5..9].fill(0xff),
                    _ => body[6..10].fill(0xff),
                }
            }
        }
        Ok(())
    }

    fn order(
        &mut self,
        session: usize,
        body: &[u8],
        kind: u8,
        first: u32,
        own: u32,
        fresh: bool,
    ) -> Result<(), Option<Refuse>> {
        let enters = kind == b'O';
        if matches!(kind, b'O' | b'U') && !fresh {
            return Err(Some(Refuse::Ref));
        }
        let (symbol, side) = if enters {
            let side = match body[5] {
                b'B' => Side::Buy,
                b'S' | b'T' | b'E' => Side::Sell,
                _ => return Err(Some(Refuse::Side)),
            };
            let key: [u8; 8] = body[10..18].try_into().expect("eight bytes");
            (*self.symbols.get(&key).ok_or(Some(Refuse::Symbol))?, side)
        } else {
            let known = self.sessions[session].orders.get(&(first % self.rows));
            let known = known.filter(|known| known.0 == first).ok_or(Some(Refuse::Order))?;
            (known.1, known.2)
        };
        let (qty_at, price_at, fixed) = if enters { (6, 18, 45) } else { (9, 13, 38) };
        let judged = matches!(kind, b'O' | b'U');
        if judged && !self.list_is_good(&body[fixed..]) {
            return Err(Some(Refuse::Option));
        }
        let state = &self.sessions[session];
        let mut op = OrderOp {
            account: AccountId(state.config.account),
            symbol: InstrumentId(symbol.into()),
            side,
            price: Price(0),
            qty: Qty(0),
            epoch: state.config.epoch,
            now_ns: self.times.pop_front().unwrap_or(0),
        };
        if judged {
            let price =
                u64::from(u32_at(body, price_at)) << 32 | u64::from(u32_at(body, price_at + 4));
            (op.price, op.qty) = (Price(price as i64), Qty(u32_at(body, qty_at).into()));
        }
        let line = line_of(
            if enters {
                1
            } else if judged {
                2
            } else {
                3
            },
            &op,
            own,
        );
        self.lines.push(line);
        let Some(verdict) = self.core.judge(&line) else {
            self.dead = true;
            return Err(None);
        };
        if verdict[8..16] != [0; 8] {
            return Err(Some(Refuse::Gate));
        }
        if judged {
            self.sessions[session].orders.insert(own % self.rows, (own, symbol, side));
        }
        Ok(())
    }

    fn list_is_good(&self, rest: &[u8]) -> bool {
        if rest.is_empty() {
            return true;
        }
        if rest.len() < 2 {
            return false;
        }
        let Some(mut list) = rest[2..].get(..u16_at(rest, 0)) else { return false };
        while let [length, tail @ ..] = list {
            let length = usize::from(*length);
            if length == 0 || tail.len() < length || tail[0] >= 32 || self.tags >> tail[0] & 1 == 0
            {
                return false;
            }
            list = &tail[length..];
        }
        true
    }
}
