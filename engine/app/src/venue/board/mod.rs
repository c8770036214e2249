//! The venue process of Shanghai, Shenzhen and Hong Kong.
//!
//! Model: as the ITCH venue, one thread goes round: what firms sent becomes requests of the
//! [`Board`], the board takes its turn, its reports go to the firms and its facts to the public. All
//! rules are in [`nofx_venue::board`], all bytes in its gateways and publishers; here are sockets,
//! the clock, and the operator's lines on standard input.
//!
//! Worst case of a round: each socket bounds what it takes; a refresh cycle walks all books.

mod clients;
mod config;
mod firms;
mod gateways;
mod market_data;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nofx_rules::RuleBook;
use nofx_types::{Market, Nanos, Symbol};
use nofx_venue::board::{Board, BoardDump, Owner, Stage};
use nofx_venue::exchange::Idle;
use serde::Serialize;

use super::control::{Command, Control};
use super::{VenueArgs, say};
use crate::failure::Failure;
use crate::outputs::{self, complain};
use config::BoardVenueConfig;
use gateways::GatewayPort;
use market_data::MarketData;

/// Between two looks for new connections.
const ACCEPT_EVERY: u64 = 1_000_000;
/// What an idle round sleeps.
const NAP: Duration = Duration::from_micros(50);
/// How long sockets are still served behind the end of the day.
const LINGER: Duration = Duration::from_millis(500);

/// Whether a configuration is one of these.
pub fn is_board(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("venue"))
}

/// Runs the venue until its day is over, `quit` comes, or `stop` is set.
///
/// # Errors
/// A configuration that cannot be used, a rule file that does not cover the day, an address in use, a
/// file that cannot be written.
pub fn run(args: &VenueArgs, path: &Path, text: &str, stop: &AtomicBool) -> Result<(), Failure> {
    let named = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
    };
    let config: BoardVenueConfig = toml::from_str(text).map_err(|e| named(&e))?;
    config.check()?;
    if let Some(core) = config.process.pin {
        nofx_rt::usage::pin_to_core(core)
            .map_err(|e| Failure::usage(format!("process.pin: {core}: {e}")))?;
    }
    let clock = Clock::start();
    let board = board(&config, clock.now()).map_err(|e| named(&e))?;
    warn(board.market());
    let mut venue = Venue::open(&config, board, clock, args.dump.clone())?;
    venue.control = Some(Control::new());
    if args.ready_json {
        say(&venue.ready())?;
    }
    venue.live(stop, config.process.idle)?;
    venue.finish()
}

/// The board of the day.
fn board(config: &BoardVenueConfig, now: Nanos) -> Result<Board, Failure> {
    let (market, date) = (config.market()?, config.date(now)?);
    let book = match &config.venue.rules {
        None => RuleBook::builtin(market),
        Some(path) => RuleBook::load(path).map_err(Failure::usage)?,
    };
    if book.market() != market {
        let other = book.market();
        return Err(Failure::usage(format!("venue.rules: the file is of {other}, not {market}")));
    }
    let rules = book.on(date).map_err(Failure::usage)?;
    let start = config.venue.now.then_some(now);
    Board::new(config.board.clone(), rules, start).map_err(|error| {
        // The day is not of the board's section.
        let section = if error.key() == "date" { "venue" } else { "board" };
        Failure::usage(error.below(section))
    })
}

/// Nanoseconds since 1970 UTC by a clock that rises.
struct Clock {
    began: Instant,
    offset: u64,
}

impl Clock {
    fn start() -> Clock {
        let utc = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Clock { began: Instant::now(), offset: utc.map_or(0, |since| since.as_nanos() as u64) }
    }

    fn now(&self) -> Nanos {
        Nanos(self.offset + self.began.elapsed().as_nanos() as u64)
    }
}

/// A firm's name and its order port.
struct Firm {
    name: String,
    port: GatewayPort,
}

struct Venue {
    board: Board,
    market_data: MarketData,
    firms: Vec<Firm>,
    clock: Clock,
    control: Option<Control>,
    dump: Option<PathBuf>,
    accepted: Nanos,
}

/// Where the venue can be reached.
#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    market: &'static str,
    date: u32,
    lines: Vec<ReadyLine>,
    market_data: String,
    firms: Vec<ReadyFirm>,
    process: u32,
}

#[derive(Debug, Serialize)]
struct ReadyLine {
    name: &'static str,
    group: String,
    interface: String,
}

#[derive(Debug, Serialize)]
struct ReadyFirm {
    name: String,
    address: String,
}

/// The dump as it is written: what the board holds, and what its sockets counted.
#[derive(Debug, Serialize)]
struct Dumped {
    #[serde(flatten)]
    board: BoardDump,
    firms: Vec<String>,
    /// What clients call their orders.
    client_ids: Vec<ClientId>,
    lines: Vec<LineCounts>,
    sockets: Vec<(String, u64)>,
}

/// One order of a firm in the words of its client.
#[derive(Debug, Serialize)]
struct ClientId {
    /// The firm's number.
    owner: u16,
    /// The gateway's number of the order, as `orders` have it.
    client: u64,
    /// Client order id.
    text: String,
}

#[derive(Debug, Serialize)]
struct LineCounts {
    name: &'static str,
    sent: u64,
    lost: u64,
    errors: u64,
}

const NAMES: [&str; 2] = ["a", "b"];

impl Venue {
    fn open(
        config: &BoardVenueConfig,
        board: Board,
        clock: Clock,
        dump: Option<PathBuf>,
    ) -> Result<Venue, Failure> {
        let mut market_data = MarketData::open(config, &board)?;
        let firm = |section| {
            let gateway = firms::gateway(board.market(), section)?;
            let port = GatewayPort::open("firms.listen", section.listen, gateway)?;
            Ok::<_, Failure>(Firm { name: section.name.clone(), port })
        };
        let firms = config.firms.iter().map(firm).collect::<Result<_, _>>()?;
        market_data.begin(clock.now(), &board);
        let (control, accepted) = (None, Nanos(0));
        Ok(Venue { board, market_data, firms, clock, control, dump, accepted })
    }

    /// Goes round until somebody ends it.
    fn live(&mut self, stop: &AtomicBool, idle: Idle) -> Result<(), Failure> {
        while !stop.load(Ordering::Relaxed) && self.board.stage() != Stage::DayClosed {
            if self.obey()? {
                break;
            }
            match idle {
                _ if self.turn()? => {}
                Idle::Spin => std::hint::spin_loop(),
                Idle::Yield => std::thread::yield_now(),
                Idle::Sleep => std::thread::sleep(NAP),
            }
        }
        Ok(())
    }

    /// One round; whether anything was done.
    fn turn(&mut self) -> Result<bool, Failure> {
        let now = self.clock.now();
        if now.since(self.accepted) >= ACCEPT_EVERY {
            self.accepted = now;
            self.firms.iter_mut().for_each(|firm| firm.port.accept(now));
            self.market_data.accept(now);
        }
        let mut busy = false;
        for (at, firm) in self.firms.iter_mut().enumerate() {
            busy |= firm.port.take(now);
            while let Some(ask) = firm.port.gateway.next_ask() {
                self.board.ask(Owner(at as u16), now, &ask);
            }
        }
        self.board.turn(now);
        busy |= self.publish()?;
        busy |= self.market_data.turn(now, &self.board);
        for firm in &mut self.firms {
            busy |= firm.port.give(now);
        }
        Ok(busy)
    }

    /// What the board said, to whom it concerns.
    fn publish(&mut self) -> Result<bool, Failure> {
        let mut said_any = false;
        while let Some(said) = self.board.next_said() {
            said_any = true;
            self.market_data.say(&said, &self.board)?;
        }
        let now = self.board.now();
        while let Some((owner, tell)) = self.board.next_tell() {
            if let Some(firm) = self.firms.get_mut(usize::from(owner.0)) {
                firm.port.gateway.tell(now, &tell);
            }
        }
        Ok(said_any)
    }

    /// Serves the sockets for a moment more, and writes the dump.
    fn finish(&mut self) -> Result<(), Failure> {
        let ended = Instant::now();
        while ended.elapsed() < LINGER {
            self.turn()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        self.market_data.finish()?;
        self.write_dump().map(|_| ())
    }

    /// Does what the operator's lines say; whether one of them ends the venue.
    fn obey(&mut self) -> Result<bool, Failure> {
        while let Some((line, command)) = self.control.as_ref().and_then(Control::next) {
            let done = match command {
                Some(Command::Quit) => return Ok(true),
                Some(Command::Dump) => self.write_dump()?,
                Some(Command::Halt(symbol)) => self.halt(&symbol, true),
                Some(Command::Resume(symbol)) => self.halt(&symbol, false),
                Some(Command::Line(line, up)) => {
                    let wire = self.market_data.wires().get_mut(line);
                    wire.map(|wire| wire.line.set_up(up)).is_some()
                }
                Some(Command::Loss(line, ppm)) => {
                    let wire = self.market_data.wires().get_mut(line);
                    wire.map(|wire| wire.line.set_loss(ppm)).is_some()
                }
                Some(Command::Disconnect(name, session)) => self.disconnect(&name, session),
                None => false,
            };
            say(&serde_json::json!({ "command": line, "done": done }))?;
        }
        Ok(false)
    }

    fn halt(&mut self, symbol: &str, halted: bool) -> bool {
        let row = Symbol::new(symbol).and_then(|symbol| self.board.row_of(symbol));
        row.is_some_and(|row| self.board.halt(row, halted))
    }

    /// Cuts a firm's sessions or one of them, or with `market_data` the clients of that service.
    fn disconnect(&mut self, name: &str, session: Option<usize>) -> bool {
        let now = self.clock.now();
        if name == "market_data" {
            return self.market_data.hang_up();
        }
        let firm = self.firms.iter_mut().find(|firm| firm.name == name);
        firm.is_some_and(|firm| match session {
            None => firm.port.hang_up_all(now),
            Some(session) => firm.port.hang_up(session, now),
        })
    }

    fn ready(&mut self) -> Ready {
        let lines = self.market_data.wires();
        let line = |(name, wire): (&'static str, &crate::venue::wire::Wire)| ReadyLine {
            name,
            group: wire.to.to_string(),
            interface: wire.interface().to_string(),
        };
        let lines = NAMES.into_iter().zip(lines.iter()).map(line).collect();
        let firm =
            |firm: &Firm| ReadyFirm { name: firm.name.clone(), address: firm.port.address() };
        Ready {
            ready: true,
            market: self.board.market().name(),
            date: self.board.date().number(),
            lines,
            market_data: self.market_data.address(),
            firms: self.firms.iter().map(firm).collect(),
            process: std::process::id(),
        }
    }

    /// Writes the dump; whether there is a file to write it to.
    fn write_dump(&mut self) -> Result<bool, Failure> {
        self.publish()?;
        let mut sockets = self.market_data.counts();
        let turned_away: u64 = self.firms.iter().map(|firm| firm.port.turned_away).sum();
        sockets.push(("sessions_turned_away".into(), turned_away));
        let counts = |(name, wire): (&'static str, &crate::venue::wire::Wire)| {
            let [sent, lost, errors] = wire.counts();
            LineCounts { name, sent, lost, errors }
        };
        let lines = NAMES.into_iter().zip(self.market_data.wires().iter()).map(counts).collect();
        let Some(path) = &self.dump else { return Ok(false) };
        let board = self.board.dump();
        let named = |order: &nofx_venue::board::DumpOrder| {
            let owner = order.owner?;
            let gateway = &self.firms.get(usize::from(owner))?.port.gateway;
            let text = gateway.text(order.client).as_str().to_owned();
            Some(ClientId { owner, client: order.client, text })
        };
        let dump = Dumped {
            client_ids: board.orders.iter().filter_map(named).collect(),
            board,
            firms: self.firms.iter().map(|firm| firm.name.clone()).collect(),
            lines,
            sockets,
        };
        outputs::write_json(path, &dump)?;
        Ok(true)
    }
}

/// Says which layouts rest on one source, where the market has such.
fn warn(market: Market) {
    let what = match market {
        Market::Hkex => return,
        Market::Szse => "TGW",
        Market::Sse => "TDGW",
    };
    complain(format_args!("EXPERIMENTAL: order layouts of {what} rest on a single public source"));
}
