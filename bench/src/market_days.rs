//! Seeded days of Hong Kong, Shenzhen and Shanghai in memory, as a feed takes them.

use std::error::Error;

use nofx_rules::{RuleBook, VcmClass};
use nofx_types::{
    Date, Instrument, InstrumentFlags, InstrumentId, Market, Nanos, Side, Symbol, Tick, Touch,
};
use nofx_venue::board::{Board, BoardConfig, BoardFlowConfig, Said, SecurityConfig, Stage};
use nofx_venue::publish::omdc::{Cut, OmdcConfig, OmdcPublisher};
use nofx_venue::publish::sse;
use nofx_venue::publish::szse::{SzseConfig, SzsePublisher};

/// The board goes on in steps of this.
const STEP_NS: u64 = 50_000_000;
/// Seconds of a day in which orders are taken, about.
const TAKING_S: u64 = 16_200;
/// What happens within so long shares a packet, so that packets are full: what is measured is
/// messages, not packets.
const SLOT_NS: u64 = 1_000_000_000;

/// What a feed reads.
pub enum Input {
    /// Datagrams behind each other, and where each ends.
    Packets(Vec<u8>, Vec<usize>),
    /// A byte stream.
    Stream(Vec<u8>),
    /// Records.
    Ticks(Vec<Tick>),
}

impl Input {
    /// Packets, bytes or records.
    pub fn len(&self) -> usize {
        match self {
            Input::Packets(_, ends) => ends.len(),
            Input::Stream(bytes) => bytes.len(),
            Input::Ticks(ticks) => ticks.len(),
        }
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A day.
pub struct MarketDay {
    /// Whose.
    pub market: Market,
    /// Its securities with ticks and limits.
    pub instruments: Vec<Instrument>,
    /// What was published.
    pub input: Input,
    /// The touches that the exchange's own books ended with.
    pub touches: Vec<(Symbol, Touch)>,
}

impl MarketDay {
    /// A day of so many securities and about so many messages.
    ///
    /// # Errors
    /// The rules know no such day.
    pub fn make(
        market: Market,
        securities: u32,
        messages: u64,
    ) -> Result<MarketDay, Box<dyn Error>> {
        let date = Date::new(2026, 1, 15).ok_or("no day")?;
        let rules = RuleBook::builtin(market).on(date)?;
        let rate = u32::try_from(messages * 2 / 3 / TAKING_S)?.max(1);
        let config = BoardConfig {
            securities: (0..securities).map(|n| security(market, n)).collect(),
            flow: BoardFlowConfig { rate, ..BoardFlowConfig::default() },
            orders: 1 << 20,
            executions: 0,
            ..BoardConfig::default()
        };
        let mut board = Board::new(config, rules, None).map_err(|e| e.to_string())?;
        let instruments = (0..securities).map(|row| instrument(&board, row)).collect();
        let input = match market {
            Market::Hkex => packets(&mut board),
            Market::Szse => stream(&mut board),
            Market::Sse => ticks(&mut board),
        };
        let touch = |row: u32| {
            let best = |side| board.levels(row, side).next().unwrap_or_default();
            let (bid, ask) = (best(Side::Buy), best(Side::Sell));
            let (bid_px, bid_qty, ask_px, ask_qty) = (bid.price, bid.qty, ask.price, ask.qty);
            let touch = Touch { bid_px, bid_qty, ask_px, ask_qty };
            (board.securities()[row as usize].symbol, touch)
        };
        let touches = (0..securities).map(touch).collect();
        Ok(MarketDay { market, instruments, input, touches })
    }
}

fn security(market: Market, n: u32) -> SecurityConfig {
    let symbol = match market {
        Market::Sse => format!("{:06}", 600_000 + n),
        Market::Szse => format!("{:06}", 1 + n),
        Market::Hkex => format!("{}", 1 + n),
    };
    SecurityConfig {
        symbol,
        previous_close: ["10.00", "25.00", "4.50", "60.00"][n as usize % 4].into(),
        lot: if market == Market::Hkex { 500 } else { 0 },
        vcm: (market == Market::Hkex).then_some(VcmClass::Mid),
        ..SecurityConfig::default()
    }
}

fn instrument(board: &Board, row: u32) -> Instrument {
    let security = &board.securities()[row as usize];
    Instrument {
        symbol: security.symbol,
        tick: security.rules.tick.rule.at(security.previous_close),
        lot: security.lot,
        previous_close: security.previous_close,
        limit_low: security.limit_low,
        limit_high: security.limit_high,
        flags: InstrumentFlags { defined: true, ..InstrumentFlags::default() },
        ..Instrument::unknown(InstrumentId(row))
    }
}

/// Plays the day up to its last moment before the books are emptied.
fn play(board: &mut Board, mut each: impl FnMut(&Said, &Board)) {
    let end = board.periods().iter().find(|period| period.stage == Stage::DayClosed);
    let end = end.or(board.periods().last()).map_or(Nanos(0), |period| Nanos(period.from.0 - 1));
    let mut now = board.now();
    while now < end {
        now = now.plus(STEP_NS).min(end);
        board.turn(now);
        while let Some(said) = board.next_said() {
            each(&said, board);
        }
    }
}

fn packets(board: &mut Board) -> Input {
    let blank = OmdcConfig::default();
    let cut = Cut { slot_ns: SLOT_NS, ..blank.cut };
    let config = OmdcConfig { cut, premium: false, kept: 0, ..blank };
    let mut publisher = OmdcPublisher::new(config, board);
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    let mut keep = |_: Nanos, _: u16, packet: &[u8]| {
        bytes.extend_from_slice(packet);
        ends.push(bytes.len());
    };
    publisher.open(board.now(), board, &mut keep);
    play(board, |said, board| publisher.say(said, board, &mut keep));
    publisher.flush(&mut keep);
    Input::Packets(bytes, ends)
}

fn stream(board: &mut Board) -> Input {
    let config = SzseConfig { snapshot_ns: 0, kept: 0, ..SzseConfig::default() };
    let mut publisher = SzsePublisher::new(config, board);
    let mut bytes = Vec::new();
    play(board, |said, board| {
        let mut keep = |_: Nanos, _: u16, frame: &[u8]| bytes.extend_from_slice(frame);
        publisher.say(said, board, &mut keep);
    });
    Input::Stream(bytes)
}

fn ticks(board: &mut Board) -> Input {
    let mut ticks = Vec::new();
    play(board, |said, board| ticks.extend(sse::tick(said, board)));
    Input::Ticks(ticks)
}
