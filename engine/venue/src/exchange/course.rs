//! The course of the day: which phase it is, what each instrument does with orders.
//!
//! ```text
//!  system   O S          Q                                      M      E C
//!  market   | pre-open   | open                | closing call   | closed | over
//!  each     | Q call     | T .. H .. Q call T  | Q call         |
//!                        cross O        cross H                 cross C
//! ```
//!
//! A call collects orders and trades nothing; its end trades all of them at one price
//! ([`clearing`]). A halted instrument takes no orders, only cancels; its
//! halt ends in a call of its own. What is halted at the close stays so and has no closing cross.

use nofx_types::{Nanos, Price};
use nofx_wire::ouch50::codes::cancel;

use super::Exchange;
use super::auction::{Clearing, clearing};
use super::desk::{Call, wire_price};
use crate::day::flow::Floor;
use crate::publisher::Happening;

/// Phase of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The opening call.
    PreOpen,
    /// Continuous trading.
    Open,
    /// The closing call.
    ClosingCall,
    /// After the close.
    Closed,
    /// The stream has ended.
    Over,
}

/// What an instrument does with orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trading {
    /// They are collected until a time, if one is set for the instrument alone.
    Call(Option<Nanos>),
    /// They trade.
    Continuous,
    /// They are refused until a time, or until somebody says so.
    Halted(Option<Nanos>),
    /// They are refused for the rest of the day.
    Closed,
}

impl Trading {
    /// Trading state as ITCH has it.
    pub const fn letter(self) -> u8 {
        match self {
            Trading::Call(_) => b'Q',
            Trading::Continuous => b'T',
            Trading::Halted(_) | Trading::Closed => b'H',
        }
    }
}

const SECOND: u64 = 1_000_000_000;

fn seconds(count: u32) -> u64 {
    u64::from(count) * SECOND
}

/// Why an instrument is halted or called, as ITCH has it.
const NO_REASON: [u8; 4] = *b"    ";
const NEWS: [u8; 4] = *b"T1  ";
const RELEASE: [u8; 4] = *b"T3  ";

impl Exchange {
    /// The first messages: start, directory, the opening call.
    pub(super) fn start_day(&mut self) {
        self.system(b'O');
        for row in 0..self.desk.names.len() {
            let symbol = self.desk.symbol(row);
            self.desk.say(row, &directory(symbol, self.config.market.lot));
            self.set_trading(row, Trading::Call(None), NO_REASON);
            self.desk.say(row, &Happening::RegSho { symbol, action: b'0' });
        }
        self.system(b'S');
    }

    /// Does what is due at the desk's time.
    pub(super) fn follow_course(&mut self) {
        let now = self.desk.now;
        match self.stage {
            Stage::PreOpen if now >= self.stage_ends => self.open(),
            Stage::Open => {
                self.start_halts();
                if self.config.course.continuous_s > 0 && now >= self.stage_ends {
                    self.call_closing();
                }
            }
            Stage::ClosingCall if now >= self.stage_ends => self.close(),
            Stage::Closed if now >= self.stage_ends => self.end_day(),
            _ => {}
        }
        self.end_waits();
        self.tell_imbalances();
    }

    fn open(&mut self) {
        self.system(b'Q');
        for row in 0..self.trading.len() {
            self.end_call(row, b'O');
        }
        self.enter(Stage::Open, self.config.course.continuous_s);
        self.opened = self.desk.now;
    }

    fn call_closing(&mut self) {
        for row in 0..self.trading.len() {
            if matches!(self.trading.get(row), Some(Trading::Continuous | Trading::Call(_))) {
                self.set_trading(row, Trading::Call(None), NO_REASON);
            }
        }
        self.enter(Stage::ClosingCall, self.config.course.closing_call_s);
    }

    fn close(&mut self) {
        for row in 0..self.trading.len() {
            if matches!(self.trading.get(row), Some(Trading::Call(_))) {
                self.end_call(row, b'C');
            }
        }
        self.system(b'M');
        for row in 0..self.trading.len() {
            self.expire(row);
            if let Some(trading) = self.trading.get_mut(row) {
                *trading = Trading::Closed;
            }
        }
        self.enter(Stage::Closed, self.config.course.after_close_s);
    }

    /// Ends the stream and all sessions; books stay as they are.
    pub fn end_day(&mut self) {
        if self.stage == Stage::Over {
            return;
        }
        self.system(b'E');
        self.system(b'C');
        let now = self.desk.now;
        for firm in &mut self.desk.firms {
            firm.acceptor.system_event(now, b'E');
            firm.acceptor.end_session(now);
        }
        self.desk.flush();
        self.desk.end_stream();
        self.stage = Stage::Over;
    }

    fn enter(&mut self, stage: Stage, lasts_s: u32) {
        self.stage = stage;
        self.stage_ends = self.desk.now.plus(seconds(lasts_s));
    }

    fn start_halts(&mut self) {
        let since_open = self.desk.now.since(self.opened);
        while let Some(halt) = self.halts.pop_if(|halt| seconds(halt.at_s) <= since_open) {
            if let Some(row) = self.row_of(&halt.symbol) {
                self.halt_row(row, Some(self.desk.now.plus(seconds(halt.for_s))));
            }
        }
    }

    /// Halts and calls of single instruments that are over.
    fn end_waits(&mut self) {
        let now = self.desk.now;
        for row in 0..self.trading.len() {
            match self.trading.get(row) {
                Some(Trading::Halted(Some(until))) if *until <= now => self.resume_row(row),
                Some(Trading::Call(Some(until))) if *until <= now => self.end_call(row, b'H'),
                _ => {}
            }
        }
    }

    /// Halts an instrument; whether there is one of this symbol that trades or is called.
    pub fn halt(&mut self, symbol: &str) -> bool {
        self.row_of(symbol).is_some_and(|row| self.halt_row(row, None))
    }

    /// Lets the call begin that ends a halt; whether there is one of this symbol that is halted.
    pub fn resume(&mut self, symbol: &str) -> bool {
        let row = self.row_of(symbol);
        let halted = row.filter(|row| matches!(self.trading.get(*row), Some(Trading::Halted(_))));
        halted.map(|row| self.resume_row(row)).is_some()
    }

    fn halt_row(&mut self, row: usize, until: Option<Nanos>) -> bool {
        let live = matches!(self.trading.get(row), Some(Trading::Continuous | Trading::Call(_)));
        if live {
            self.set_trading(row, Trading::Halted(until), NEWS);
        }
        live
    }

    fn resume_row(&mut self, row: usize) {
        match self.stage {
            Stage::PreOpen => self.set_trading(row, Trading::Call(None), RELEASE),
            Stage::Open => {
                let until = self.desk.now.plus(seconds(self.config.course.halt_call_s));
                self.set_trading(row, Trading::Call(Some(until)), RELEASE);
            }
            Stage::ClosingCall | Stage::Closed | Stage::Over => {}
        }
    }

    fn set_trading(&mut self, row: usize, trading: Trading, reason: [u8; 4]) {
        if let Some(slot) = self.trading.get_mut(row) {
            *slot = trading;
        }
        if let Some(background) = &mut self.background {
            background.set_trading(row, trading);
        }
        let (symbol, state) = (self.desk.symbol(row), trading.letter());
        self.desk.say(row, &Happening::Trading { symbol, state, reason });
    }

    /// Trades what the call collected, and lets the instrument trade on (after the closing cross,
    /// for the moment until the close).
    fn end_call(&mut self, row: usize, kind: u8) {
        if !matches!(self.trading.get(row), Some(Trading::Call(_))) {
            return; // halted during the call
        }
        let (symbol, match_number) = (self.desk.symbol(row), self.desk.match_number());
        let clearing = self.clearing(row);
        let (price, volume) = clearing.map_or((Price(0), 0), |c| (c.price, c.volume));
        self.desk.call = Some(Call { price, flag: liquidity_of(kind), match_number });
        let shares = self.market.uncross(row as u32, volume, &mut self.desk);
        self.desk.call = None;
        self.desk.counts.crosses += u64::from(shares > 0);
        let price = wire_price(price);
        self.desk.say(row, &Happening::Cross { shares, symbol, price, match_number, cross: kind });
        if kind != b'C' {
            self.set_trading(row, Trading::Continuous, NO_REASON);
        }
    }

    /// What a call of this instrument would end with now.
    fn clearing(&self, row: usize) -> Option<Clearing> {
        let levels = |side| self.market.levels(row as u32, side);
        let reference = self.references.get(row).copied().unwrap_or(Price(0));
        let tick = i64::from(self.config.market.tick);
        let [bids, asks] = nofx_types::Side::BOTH.map(levels);
        clearing(bids, asks, reference, tick)
    }

    fn tell_imbalances(&mut self) {
        let every = seconds(self.config.course.imbalance_s);
        if every == 0 || self.desk.now.since(self.imbalances_told) < every {
            return;
        }
        self.imbalances_told = self.desk.now;
        let cross = match self.stage {
            Stage::PreOpen => b'O',
            Stage::ClosingCall => b'C',
            _ => b'H',
        };
        for row in 0..self.trading.len() {
            if !matches!(self.trading.get(row), Some(Trading::Call(_))) {
                continue;
            }
            let symbol = self.desk.symbol(row);
            let what = imbalance(self.clearing(row), symbol, cross);
            self.desk.say(row, &what);
        }
    }

    /// Day orders end at the close.
    fn expire(&mut self, row: usize) {
        let resting: Vec<_> = nofx_types::Side::BOTH
            .into_iter()
            .flat_map(|side| self.market.resting_orders(row as u32, side))
            .map(|resting| resting.order)
            .collect();
        for order in resting {
            match self.desk.owner(order) {
                Some(owner) => self.cut_order(owner, u32::MAX, cancel::CLOSED),
                None => _ = self.market.delete(order, &mut self.desk), // it rests
            }
        }
    }

    fn system(&mut self, code: u8) {
        self.system_code = code;
        self.desk.say_all(&Happening::System { code });
    }
}

fn liquidity_of(cross: u8) -> u8 {
    match cross {
        b'O' => b'O',
        b'C' => b'L',
        _ => b'H',
    }
}

pub(super) fn directory(symbol: nofx_types::Symbol, lot: u32) -> Happening {
    Happening::Directory { symbol, market: b'Q', lot, ipo: b'N', luld_tier: b'1', etp: b'N' }
}

fn imbalance(clearing: Option<Clearing>, symbol: nofx_types::Symbol, cross: u8) -> Happening {
    let none = Clearing { price: Price(0), volume: 0, imbalance: 0, side: None };
    let found = clearing.unwrap_or(none);
    let direction = match (clearing, found.side) {
        (None, _) => b'O', // not enough orders
        (_, None) => b'N',
        (_, Some(nofx_types::Side::Buy)) => b'B',
        (_, Some(nofx_types::Side::Sell)) => b'S',
    };
    Happening::Imbalance {
        paired: found.volume,
        imbalance: found.imbalance,
        direction,
        symbol,
        price: wire_price(found.price),
        cross,
    }
}
