//! A venue that stands alone: books, firms, a published stream. It has neither socket nor clock.
//!
//! Model: [`Matching`] holds the books; the desk hears it and speaks ITCH to everybody and OUCH to
//! the firms, so that stream, reports, positions and dump follow from the same calls. The course
//! knows the phase of each instrument, requests come from the firms' order ports
//! ([`Acceptor`]), background orders from a generator or a capture.
//!
//! ```text
//!  bytes ─> acceptor ─> requests ─┐                 ┌─> publisher ─> archive (re-requests)
//!                     background ─┼─> matching ─> desk              └> packets (lines A, B)
//!                        course ──┘       │         └─> reports ─> acceptor ─> bytes
//!                                         └─> snapshot image, dump
//! ```
//!
//! Why here: the process that owns the sockets stays small, and every rule is tested without a
//! network. Time is an argument: nanoseconds since midnight of the venue's clock, never backwards.
//!
//! Worst case of a turn: [`background::STEPS_MAX`] actions of the flow and what each firm's inbox
//! holds. Unlike the replay venue this one allocates as the day grows: orders, executions and
//! messages are kept for the dump and for re-requests, up to stated limits.

mod archive;
pub mod auction;
mod background;
mod config;
mod course;
mod desk;
mod dump;
mod firm;
mod glimpse;
mod line;
mod recorded;
mod requests;

pub use archive::RequestStats;
pub use config::{
    CourseConfig, ExchangeConfig, FirmConfig, FlowConfig, GlimpseConfig, HaltConfig, Idle,
    LineConfig, MarketConfig, ProcessConfig, RerequestConfig, clock,
};
pub use course::{Stage, Trading};
pub use dump::{
    Dump, DumpBook, DumpEnd, DumpExecution, DumpFirm, DumpOrder, DumpPosition, DumpResting, FLOW,
};
pub use firm::OrderState;
pub use glimpse::GlimpseSession;
pub use line::Line;

use nofx_types::{Nanos, Price, Symbol};
use nofx_wire::soup;

use crate::ConfigError;
use crate::acceptor::Acceptor;
use crate::day::session::symbol_of;
use crate::matching::Matching;
use crate::publisher::{Publisher, PublisherConfig};
use archive::Archive;
use background::Background;
use desk::Desk;
use firm::Firm;
use recorded::Recorded;

/// Longest answer of the re-request server, a packet of the stream.
pub const ANSWER_MAX: usize = 1_400;

/// The venue.
pub struct Exchange {
    config: ExchangeConfig,
    market: Matching,
    desk: Desk,
    trading: Vec<Trading>,
    stage: Stage,
    stage_began: Nanos,
    stage_ends: Nanos,
    opened: Nanos,
    imbalances_told: Nanos,
    /// The last system event.
    system_code: u8,
    /// Halts to come, the next one last.
    halts: Vec<HaltConfig>,
    /// Reference prices of the calls.
    references: Vec<Price>,
    background: Option<Background>,
    recorded: Recorded,
}

impl Exchange {
    /// A venue whose day begins at `now`. `recorded` are the instruments of a capture, if one
    /// provides the flow: locate there, and symbol.
    ///
    /// # Errors
    /// A value that cannot be used, with its key.
    pub fn new(
        config: &ExchangeConfig,
        recorded: &[(u16, Symbol)],
        now: Nanos,
    ) -> Result<Exchange, ConfigError> {
        config.check()?;
        let names = names(config, recorded)?;
        let rows = names.len();
        let seed = config.market.seed;
        let background = match config.flow.capture {
            None => Background::new(&config.flow, rows, seed),
            Some(_) => None,
        };
        let orders = config.market.orders as usize;
        let most = background.as_ref().map_or(0, Background::orders_max);
        if orders < most + most / 4 {
            let want = format!("{orders}: want {} for this flow, or more", most + most / 4);
            return Err(ConfigError::new("market.orders", want));
        }
        let firms = config.firms.iter().map(|firm| Firm::new(firm, &config.market, rows));
        let firms = firms.collect::<Result<Vec<_>, _>>()?;
        let session = stream_session(&config.market.session);
        let publisher =
            Publisher::new(&PublisherConfig { session, ..PublisherConfig::default() }, now);
        let archive = Archive::new(session, config.market.archive_messages);
        let fair = |row| Price(background.as_ref().map_or(0, |flow| flow.fair(row)));
        let references = (0..rows).map(fair).collect();
        let mut halts = config.halts.clone();
        halts.sort_by_key(|halt| std::cmp::Reverse(halt.at_s));
        let recorded = Recorded::new(recorded, &names);
        let mut desk =
            Desk::new(firms, names, publisher, archive, config.market.executions as usize);
        desk.now = now;
        let mut exchange = Exchange {
            market: Matching::new(rows, orders, orders),
            desk,
            trading: vec![Trading::Call(None); rows],
            stage: Stage::PreOpen,
            stage_began: now,
            stage_ends: now.plus(u64::from(config.course.pre_open_s) * 1_000_000_000),
            opened: now,
            imbalances_told: now,
            system_code: b'O',
            halts,
            references,
            background,
            recorded,
            config: config.clone(),
        };
        exchange.start_day();
        Ok(exchange)
    }

    /// Time comes to `now`: phases, background, what firms have sent. Returns whether there was
    /// background to do.
    pub fn turn(&mut self, now: Nanos) -> bool {
        self.desk.now = self.desk.now.max(now);
        if self.stage == Stage::Over {
            return false;
        }
        self.follow_course();
        let busy = self.flow();
        for firm in 0..self.desk.firms.len() {
            self.serve(firm, now);
        }
        busy
    }

    fn flow(&mut self) -> bool {
        let Some(background) = &mut self.background else { return false };
        match self.stage {
            Stage::PreOpen => {
                let done = self.desk.now.since(self.stage_began);
                let whole = self.stage_ends.since(self.stage_began) / 10 * 9;
                background.fill_books(done, whole, &mut self.market, &mut self.desk);
                false
            }
            Stage::Open | Stage::ClosingCall => background.step(&mut self.market, &mut self.desk),
            Stage::Closed | Stage::Over => false,
        }
    }

    /// Packs what was said; packets are then there to be taken.
    pub fn flush(&mut self) {
        if self.stage != Stage::Over {
            self.desk.flush();
        }
    }

    /// The next packet of the stream, to be sent on every line.
    pub fn next_packet(&mut self) -> Option<&[u8]> {
        self.desk.next_packet()
    }

    /// Answers a request for messages; `out` holds at least [`ANSWER_MAX`].
    pub fn answer<'a>(&mut self, request: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
        let out = out.get_mut(..ANSWER_MAX)?;
        self.desk.archive().answer(request, out)
    }

    /// The order port of a firm.
    pub fn port(&mut self, firm: usize) -> Option<&mut Acceptor> {
        self.desk.firms.get_mut(firm).map(|firm| &mut firm.acceptor)
    }

    /// Its place in the configuration.
    pub fn firm(&self, name: &str) -> Option<usize> {
        self.config.firms.iter().position(|firm| firm.name == name)
    }

    /// What it was made from.
    pub fn config(&self) -> &ExchangeConfig {
        &self.config
    }

    /// The venue's time.
    pub fn now(&self) -> Nanos {
        self.desk.now
    }

    /// The phase of the market.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Number of the next message of the stream.
    pub fn next_seq(&self) -> u64 {
        self.desk.next_seq()
    }

    fn row_of(&self, symbol: &str) -> Option<usize> {
        let symbol = Symbol::new(symbol)?;
        self.desk.names.iter().position(|name| name.1 == symbol)
    }

    fn row_of_symbol(&self, symbol: [u8; 8]) -> Option<u32> {
        self.recorded.row_of_symbol(Symbol(symbol))
    }
}

/// Session of the stream: padded on the right, as ITCH text is.
fn stream_session(name: &str) -> soup::Session {
    let mut session = soup::ANY_SESSION;
    session.iter_mut().zip(name.bytes()).for_each(|(slot, byte)| *slot = byte);
    session
}

/// Locate and symbol by row: those of the capture, those listed, or made-up ones.
fn names(
    config: &ExchangeConfig,
    recorded: &[(u16, Symbol)],
) -> Result<Vec<(u16, Symbol)>, ConfigError> {
    let market = &config.market;
    let symbols: Vec<Symbol> = if config.flow.capture.is_some() {
        recorded.iter().map(|(_, symbol)| *symbol).collect()
    } else if market.symbols.is_empty() {
        (0..market.instruments as usize).map(symbol_of).collect()
    } else {
        market.symbols.iter().filter_map(|symbol| Symbol::new(symbol)).collect()
    };
    if symbols.is_empty() || symbols.len() > 65_000 {
        let want = format!("{}: want 1 to 65000 instruments", symbols.len());
        return Err(ConfigError::new("market.instruments", want));
    }
    Ok(symbols.into_iter().enumerate().map(|(row, symbol)| (row as u16 + 1, symbol)).collect())
}
