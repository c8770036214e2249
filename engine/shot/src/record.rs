//! What the journal of a live run holds, record by record.
//!
//! Model: a record has a running number, a kind, an engine time and a payload. Kinds below
//! [`OUTPUTS`] are inputs: taken in the order of their numbers they are everything the engine ever
//! knew, so running them through the same code gives the same decisions. Kinds from there on are what
//! came of them; each stands behind the input that caused it. An input is written before it is acted
//! on and an order before its bytes leave.
//!
//! | kind | payload |
//! |---|---|
//! | start | JSON: configuration, traded instruments, first order id, epoch |
//! | packet | line u8, UDP payload; in the segments [`PacketPlace`] instead, the bytes stand in a capture |
//! | reply | server u8, UDP payload |
//! | snapshot opened, closed | nothing |
//! | snapshot bytes | bytes of the stream |
//! | order opened, closed | nothing |
//! | order bytes | bytes of the stream |
//! | rescue opened, closed, bytes | as those of the order stream, of the second session |
//! | time | nothing: the time read is the record's |
//! | command | [`Command`] |
//! | params, model | a page that control published |
//! | request | a [`Request`] of control |
//! | decision | intent (72 bytes), reject bitmap u64, message bytes when it was sent |
//! | control | session bytes that were sent: logins, queries, heartbeats, logouts |
//! | rescue control | as control, on the second session |
//! | rescue decision | as decision, of a cancel sent on the second session |
//! | definition | an instrument (56 bytes) |
//! | kill seen | intent since the last input u32, reject bitmap u64: a kill word engaged between two inputs |
//! | end | JSON: hash, counts, how it ended |
//! | taken | what became of a page |
//! | answered | what became of a request: [`Answer`] |
//!
//! Integers are little-endian.

use nofx_gate::{KillScope, Rejects};
use nofx_mailbox::{ControlCommand, Refusal, Request, Scope};
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentFlags, InstrumentId, IntentKind, Nanos, OrderIntent,
    Price, Qty, Side, Symbol, TimeInForce,
};

/// Kinds from here on are outputs.
pub const OUTPUTS: u8 = 32;

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A run begins.
    Start = 1,
    /// A datagram of a line.
    Packet = 2,
    /// A datagram of a re-request server.
    Reply = 3,
    /// The snapshot stream opened.
    SnapshotOpened = 4,
    /// Bytes of the snapshot stream.
    SnapshotBytes = 5,
    /// The snapshot stream ended.
    SnapshotClosed = 6,
    /// The order stream opened.
    OrderOpened = 7,
    /// Bytes of the order stream.
    OrderBytes = 8,
    /// The order stream ended.
    OrderClosed = 9,
    /// The time was read.
    Time = 10,
    /// A command.
    Command = 11,
    /// The stream of the second order session opened.
    RescueOpened = 12,
    /// Bytes of it.
    RescueBytes = 13,
    /// It ended.
    RescueClosed = 14,
    /// A page of parameters was published.
    Params = 15,
    /// A model was published.
    Model = 16,
    /// Control asked for something.
    Request = 17,
    /// An intent and its verdict.
    Decision = 32,
    /// Session bytes that are no order.
    Control = 33,
    /// An instrument was defined.
    Definition = 34,
    /// A kill word stood against an intent before the command came.
    KillSeen = 35,
    /// The run ended in order.
    End = 36,
    /// Session bytes that are no order, on the second session.
    RescueControl = 37,
    /// A cancel that was sent on the second session.
    RescueDecision = 38,
    /// What became of a page.
    Taken = 39,
    /// What became of a request.
    Answered = 40,
}

impl Kind {
    /// The kind with this number.
    pub fn of(number: u8) -> Option<Kind> {
        use Kind::*;
        let all = [
            Start,
            Packet,
            Reply,
            SnapshotOpened,
            SnapshotBytes,
            SnapshotClosed,
            OrderOpened,
            OrderBytes,
            OrderClosed,
            Time,
            Command,
            RescueOpened,
            RescueBytes,
            RescueClosed,
            Params,
            Model,
            Request,
            Decision,
            Control,
            Definition,
            KillSeen,
            End,
            RescueControl,
            RescueDecision,
            Taken,
            Answered,
        ];
        all.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Whether it is something the engine was told, rather than something it did.
    pub fn is_input(self) -> bool {
        (self as u8) < OUTPUTS
    }
}

/// What the engine is told from outside the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stop orders and cancel what is open.
    Kill(KillScope),
    /// Allow orders again.
    Release(KillScope),
    /// The fencing epoch was raised.
    Epoch(u32),
    /// Order ids up to this may be used.
    IdLimit(u32),
    /// The journal cannot be written, or packets wait from before a stall (or no more): no new orders.
    Journal {
        /// Whether it is so.
        broken: bool,
    },
    /// End of the run: cancel everything, log out.
    Stop,
    /// The risk gate failed: no new orders, cancel what is open.
    GateFailed {
        /// Verdicts it gave before.
        verdicts: u32,
        /// Why, as who built the gate numbers it.
        why: u8,
    },
}

impl Command {
    /// Ten bytes: tag, scope tag, value u64.
    pub fn encode(self) -> [u8; 10] {
        let scoped = |tag: u8, scope: KillScope| match scope {
            KillScope::Global => (tag, 0, 0),
            KillScope::Account(account) => (tag, 1, u64::from(account.0)),
            KillScope::Symbol(symbol) => (tag, 2, u64::from(symbol.0)),
        };
        let (tag, scope, value) = match self {
            Command::Kill(scope) => scoped(1, scope),
            Command::Release(scope) => scoped(2, scope),
            Command::Epoch(epoch) => (3, 0, epoch.into()),
            Command::IdLimit(limit) => (4, 0, limit.into()),
            Command::Journal { broken } => (5, 0, broken.into()),
            Command::Stop => (6, 0, 0),
            Command::GateFailed { verdicts, why } => {
                (7, 0, u64::from(why) << 32 | u64::from(verdicts))
            }
        };
        let mut bytes = [0; 10];
        (bytes[0], bytes[1]) = (tag, scope);
        bytes[2..].copy_from_slice(&u64::to_le_bytes(value));
        bytes
    }

    /// What [`Command::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Command> {
        let bytes: &[u8; 10] = bytes.try_into().ok()?;
        let value = u64::from_le_bytes(bytes[2..].try_into().ok()?);
        if let [7, 0, ..] = bytes {
            let why = u8::try_from(value >> 32).ok()?;
            return Some(Command::GateFailed { verdicts: value as u32, why });
        }
        let small = u32::try_from(value).ok()?;
        let scope = match bytes[1] {
            0 => KillScope::Global,
            1 => KillScope::Account(AccountId(u16::try_from(value).ok()?)),
            2 => KillScope::Symbol(InstrumentId(small)),
            _ => return None,
        };
        match bytes[0] {
            1 => Some(Command::Kill(scope)),
            2 => Some(Command::Release(scope)),
            3 => Some(Command::Epoch(small)),
            4 => Some(Command::IdLimit(small)),
            5 => Some(Command::Journal { broken: value != 0 }),
            6 => Some(Command::Stop),
            _ => None,
        }
    }
}

/// Bytes of an encoded request.
pub const REQUEST_LEN: usize = 32;

/// A request as bytes: id, time it was sent, epoch, what, scope, two zeros, number.
pub fn encode_request(request: &Request) -> [u8; REQUEST_LEN] {
    let scope = |scope: Scope| match scope {
        Scope::Global => (0, 0),
        Scope::Account(account) => (1, account.into()),
        Scope::Symbol(symbol) => (2, symbol.into()),
    };
    let (what, (scope, number)) = match request.command {
        None => (0, (0, 0)),
        Some(ControlCommand::Halt) => (1, (0, 0)),
        Some(ControlCommand::Resume) => (2, (0, 0)),
        Some(ControlCommand::CancelAll(of)) => (3, scope(of)),
        Some(ControlCommand::SetLimits { publication }) => (4, (0, publication)),
        Some(ControlCommand::SwapModel { publication }) => (5, (0, publication)),
        Some(ControlCommand::Snapshot) => (6, (0, 0)),
        Some(ControlCommand::RotateJournal) => (7, (0, 0)),
    };
    let mut out = Writer::<REQUEST_LEN>::new();
    out.put(&request.id.to_le_bytes());
    out.put(&request.at.0.to_le_bytes());
    out.put(&request.epoch.to_le_bytes());
    out.put(&[what, scope, 0, 0]);
    out.put(&u64::to_le_bytes(number));
    out.bytes
}

/// What [`encode_request`] wrote.
pub fn decode_request(bytes: &[u8]) -> Option<Request> {
    let mut rest = Reader(bytes);
    let (id, at, epoch) = (rest.u64()?, Nanos(rest.u64()?), rest.u32()?);
    let [what, scope, ..] = *rest.take::<4>()?;
    let number = rest.u64()?;
    let command = match what {
        1 => Some(ControlCommand::Halt),
        2 => Some(ControlCommand::Resume),
        3 => Some(ControlCommand::CancelAll(match scope {
            0 => Scope::Global,
            1 => Scope::Account(number.try_into().ok()?),
            _ => Scope::Symbol(number.try_into().ok()?),
        })),
        4 => Some(ControlCommand::SetLimits { publication: number }),
        5 => Some(ControlCommand::SwapModel { publication: number }),
        6 => Some(ControlCommand::Snapshot),
        7 => Some(ControlCommand::RotateJournal),
        _ => None,
    };
    Some(Request { id, epoch, at, command })
}

/// What became of a request: an output, so that a re-run has to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked for.
    pub request: Request,
    /// Why it was refused; `None` when it is done, or will be without fail.
    pub refusal: Option<Refusal>,
    /// More about it: why a page was refused.
    pub value: u64,
}

impl Answer {
    /// 20 bytes: id, result, value.
    pub fn encode(&self) -> [u8; 20] {
        let mut out = Writer::<20>::new();
        out.put(&self.request.id.to_le_bytes());
        out.put(&self.result().to_le_bytes());
        out.put(&self.value.to_le_bytes());
        out.bytes
    }

    /// 0 when it is done, else the number of the refusal.
    pub fn result(&self) -> u32 {
        self.refusal.map_or(0, |refusal| refusal as u32)
    }
}

/// Where the bytes of a packet stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketPlace {
    /// Line it came on.
    pub line: u8,
    /// Sequence number in its transport header; 0 when it is too short for one.
    pub seq: u64,
    /// Number in the name of the capture file.
    pub file: u64,
    /// Offset of the payload in it.
    pub offset: u64,
    /// Bytes of the payload.
    pub len: u32,
    /// CRC32C of the payload.
    pub crc: u32,
}

impl PacketPlace {
    /// Bytes of one.
    pub const LEN: usize = 33;

    /// As it stands in a segment.
    pub fn encode(&self) -> [u8; PacketPlace::LEN] {
        let mut out = Writer::<{ PacketPlace::LEN }>::new();
        out.put(&[self.line]);
        [self.seq, self.file, self.offset].iter().for_each(|v| out.put(&v.to_le_bytes()));
        [self.len, self.crc].iter().for_each(|v| out.put(&v.to_le_bytes()));
        out.bytes
    }

    /// What [`PacketPlace::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<PacketPlace> {
        let mut rest = Reader(bytes);
        Some(PacketPlace {
            line: rest.u8()?,
            seq: rest.u64()?,
            file: rest.u64()?,
            offset: rest.u64()?,
            len: rest.u32()?,
            crc: rest.u32()?,
        })
    }
}

/// Bytes of an encoded intent.
pub const INTENT_LEN: usize = 72;

/// An intent as bytes.
#[inline]
pub fn encode_intent(intent: &OrderIntent) -> [u8; INTENT_LEN] {
    let mut out = Writer::<INTENT_LEN>::new();
    let flags = u8::from(intent.post_only) | u8::from(intent.short) << 1;
    out.put(&[intent.kind as u8, intent.side as u8, intent.tif as u8, flags]);
    out.put(&intent.account.0.to_le_bytes());
    out.put(&[0, 0]);
    let words = [intent.instrument.0, intent.cl_ord_id.0, intent.orig.0, intent.epoch];
    words.iter().for_each(|v| out.put(&v.to_le_bytes()));
    let (price, orig) = (intent.price.0 as u64, intent.orig_price.0 as u64);
    let longs =
        [price, intent.qty.0, orig, intent.orig_leaves.0, intent.cause_seq, intent.now_ns.0];
    longs.iter().for_each(|v| out.put(&v.to_le_bytes()));
    out.bytes
}

/// What [`encode_intent`] wrote.
pub fn decode_intent(bytes: &[u8]) -> Option<OrderIntent> {
    let mut rest = Reader(bytes);
    let kind = match rest.u8()? {
        0 => IntentKind::New,
        1 => IntentKind::Replace,
        2 => IntentKind::Cancel,
        _ => return None,
    };
    let side = *Side::BOTH.get(usize::from(rest.u8()?))?;
    let tif = match rest.u8()? {
        0 => TimeInForce::Day,
        1 => TimeInForce::Ioc,
        2 => TimeInForce::Fok,
        3 => TimeInForce::AtCrossing,
        _ => return None,
    };
    let flags = rest.u8()?;
    let account = AccountId(rest.u16()?);
    rest.u16()?;
    Some(OrderIntent {
        kind,
        side,
        tif,
        post_only: flags & 1 != 0,
        short: flags & 2 != 0,
        account,
        instrument: InstrumentId(rest.u32()?),
        cl_ord_id: ClOrdId(rest.u32()?),
        orig: ClOrdId(rest.u32()?),
        epoch: rest.u32()?,
        price: Price(rest.u64()? as i64),
        qty: Qty(rest.u64()?),
        orig_price: Price(rest.u64()? as i64),
        orig_leaves: Qty(rest.u64()?),
        cause_seq: rest.u64()?,
        now_ns: Nanos(rest.u64()?),
    })
}

/// A decision: the intent, the rules that refused it, and the message where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The intent as it was judged.
    pub intent: OrderIntent,
    /// Rules that refused it.
    pub rejects: Rejects,
    /// What was sent; empty when nothing was.
    pub message: &'a [u8],
}

impl<'a> Decision<'a> {
    /// Reads the payload of a decision record.
    pub fn decode(bytes: &'a [u8]) -> Option<Decision<'a>> {
        let (intent, rest) = bytes.split_at_checked(INTENT_LEN)?;
        let (rejects, message) = rest.split_first_chunk::<8>()?;
        let rejects = Rejects(u64::from_le_bytes(*rejects));
        Some(Decision { intent: decode_intent(intent)?, rejects, message })
    }
}

/// Names of the rules in a bitmap.
pub fn rule_names(rejects: Rejects) -> Vec<String> {
    rejects.rules().map(|rule| rule.name().to_owned()).collect()
}

/// Bytes of an encoded instrument.
pub const INSTRUMENT_LEN: usize = 56;

/// An instrument as bytes.
pub fn encode_instrument(instrument: &Instrument) -> [u8; INSTRUMENT_LEN] {
    let mut out = Writer::<INSTRUMENT_LEN>::new();
    let InstrumentFlags { test, round_lots_only, defined } = instrument.flags;
    let flags = u8::from(test) | u8::from(round_lots_only) << 1 | u8::from(defined) << 2;
    out.put(&instrument.symbol.0);
    out.put(&instrument.id.0.to_le_bytes());
    out.put(&instrument.lot.to_le_bytes());
    out.put(&[instrument.decimals, flags, 0, 0, 0, 0, 0, 0]);
    let Instrument { tick, previous_close, limit_low, limit_high, .. } = instrument;
    let longs = [*tick, previous_close.0, limit_low.0, limit_high.0];
    longs.iter().for_each(|v| out.put(&v.to_le_bytes()));
    out.bytes
}

/// What [`encode_instrument`] wrote.
pub fn decode_instrument(bytes: &[u8]) -> Option<Instrument> {
    let mut rest = Reader(bytes);
    let symbol = Symbol(*rest.take::<8>()?);
    let (id, lot) = (rest.u32()?, rest.u32()?);
    let (decimals, flags) = (rest.u8()?, rest.u8()?);
    rest.take::<6>()?;
    Some(Instrument {
        id: InstrumentId(id),
        symbol,
        decimals,
        tick: rest.u64()? as i64,
        lot,
        previous_close: Price(rest.u64()? as i64),
        limit_low: Price(rest.u64()? as i64),
        limit_high: Price(rest.u64()? as i64),
        flags: InstrumentFlags {
            test: flags & 1 != 0,
            round_lots_only: flags & 2 != 0,
            defined: flags & 4 != 0,
        },
    })
}

/// A kill word that stood against an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillSeen {
    /// Order of the intents since the last input, from 0.
    pub intent: u32,
    /// The rules it refused by.
    pub rejects: Rejects,
}

impl KillSeen {
    /// Twelve bytes.
    pub fn encode(self) -> [u8; 12] {
        let mut out = Writer::<12>::new();
        out.put(&self.intent.to_le_bytes());
        out.put(&self.rejects.0.to_le_bytes());
        out.bytes
    }

    /// What [`KillSeen::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<KillSeen> {
        let mut rest = Reader(bytes);
        Some(KillSeen { intent: rest.u32()?, rejects: Rejects(rest.u64()?) })
    }
}

/// What the last record of a run says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndRecord {
    /// Hash of the decision log.
    pub hash: String,
    /// Records it covers.
    pub records: u64,
    /// Orders that were left open.
    pub open_orders: u64,
    /// Records that found no room: with some, the run cannot come out as it was.
    pub lost: u64,
}

struct Writer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Writer<N> {
    fn new() -> Self {
        Writer { bytes: [0; N], len: 0 }
    }

    #[inline]
    fn put(&mut self, value: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + value.len()) {
            room.copy_from_slice(value);
            self.len += value.len();
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|b| b[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(|b| u16::from_le_bytes(*b))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(|b| u32::from_le_bytes(*b))
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(|b| u64::from_le_bytes(*b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> OrderIntent {
        OrderIntent {
            kind: IntentKind::Replace,
            side: Side::Sell,
            tif: TimeInForce::Ioc,
            post_only: true,
            short: true,
            account: AccountId(7),
            instrument: InstrumentId(300),
            cl_ord_id: ClOrdId(9),
            orig: ClOrdId(8),
            price: Price(-5),
            qty: Qty(6),
            orig_price: Price(4),
            orig_leaves: Qty(3),
            epoch: 2,
            cause_seq: 1 << 40,
            now_ns: Nanos(1 << 60),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_no_cut_is_believed() {
        let bytes = encode_intent(&intent());
        assert_eq!(decode_intent(&bytes), Some(intent()));
        assert!((0..INTENT_LEN).all(|len| decode_intent(&bytes[..len]).is_none()));

        let mut instrument = Instrument::unknown(InstrumentId(5));
        instrument.symbol = Symbol::new("ABC").expect("fits");
        instrument.flags.round_lots_only = true;
        instrument.limit_high = Price(1 << 50);
        let bytes = encode_instrument(&instrument);
        assert_eq!(decode_instrument(&bytes), Some(instrument));
        assert!((0..INSTRUMENT_LEN).all(|len| decode_instrument(&bytes[..len]).is_none()));

        let place = PacketPlace { line: 1, seq: 2, file: 3, offset: 4, len: 5, crc: 6 };
        assert_eq!(PacketPlace::decode(&place.encode()), Some(place));
        let seen = KillSeen { intent: 4, rejects: Rejects(1 << 20) };
        assert_eq!(KillSeen::decode(&seen.encode()), Some(seen));
    }

    #[test]
    fn commands_survive_the_way_and_garbage_does_not() {
        let scopes = [
            KillScope::Global,
            KillScope::Account(AccountId(3)),
            KillScope::Symbol(InstrumentId(70_000)),
        ];
        let scoped = scopes.iter().flat_map(|s| [Command::Kill(*s), Command::Release(*s)]);
        let plain = [
            Command::Epoch(9),
            Command::IdLimit(u32::MAX),
            Command::Journal { broken: true },
            Command::Stop,
            Command::GateFailed { verdicts: u32::MAX, why: 11 },
        ];
        for command in scoped.chain(plain) {
            assert_eq!(Command::decode(&command.encode()), Some(command));
        }
        assert_eq!(Command::decode(&[9; 10]), None);
        assert_eq!(Command::decode(&[1; 9]), None);
    }

    #[test]
    fn a_request_comes_back_from_its_bytes() {
        let commands = [
            None,
            Some(ControlCommand::Halt),
            Some(ControlCommand::Resume),
            Some(ControlCommand::CancelAll(Scope::Global)),
            Some(ControlCommand::CancelAll(Scope::Account(u16::MAX))),
            Some(ControlCommand::CancelAll(Scope::Symbol(u32::MAX))),
            Some(ControlCommand::SetLimits { publication: u64::MAX }),
            Some(ControlCommand::SwapModel { publication: 1 }),
            Some(ControlCommand::Snapshot),
            Some(ControlCommand::RotateJournal),
        ];
        for command in commands {
            let request = Request { id: u64::MAX, epoch: 7, at: Nanos(9), command };
            let bytes = encode_request(&request);
            assert_eq!(decode_request(&bytes), Some(request));
            assert_eq!(decode_request(&bytes[..REQUEST_LEN - 1]), None);
        }
    }

    #[test]
    fn a_decision_holds_its_message() {
        let mut bytes = encode_intent(&intent()).to_vec();
        bytes.extend_from_slice(&5u64.to_le_bytes());
        bytes.extend_from_slice(b"order");
        let decision = Decision::decode(&bytes).expect("whole");
        assert_eq!((decision.rejects, decision.message), (Rejects(5), b"order".as_slice()));
        assert_eq!(Decision::decode(&bytes[..INTENT_LEN + 7]), None);
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(Kind::of(Kind::End as u8), Some(Kind::End));
        assert_eq!(Kind::of(0), None);
        assert!(Kind::Command.is_input() && !Kind::Decision.is_input());
    }
}
