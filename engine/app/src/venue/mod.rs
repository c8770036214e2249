//! `nofx venue`: the venue as a process of its own, for our sessions and for anyone else's client.
//!
//! Model: one thread goes round: what firms sent goes in, the venue takes its turn, reports and
//! packets go out, requests for messages and snapshots are answered. All rules are in
//! [`nofx_venue::exchange`]; here are sockets, the clock, and the operator's lines on standard
//! input. Nothing that arrives ends the process: a client that sends garbage is cut off. A
//! configuration with a section `[venue]` is of the mainland or of Hong Kong: [`board`] runs it.
//!
//! Worst case of a round: [`ports`], [`snapshots`] and [`stream`] each bound what they take; a dump
//! or a snapshot image is made in one go and takes as long as the books are large.

mod board;
mod capture;
mod control;
#[cfg(test)]
mod documented;
mod house;
mod ports;
mod snapshots;
mod socket;
mod stream;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use nofx_types::Nanos;
use nofx_venue::exchange::{Exchange, ExchangeConfig, Idle, Stage, clock};

use crate::failure::Failure;
use crate::outputs;
use capture::Capture;
use control::{Command, Control};
use house::House;

/// Arguments of `nofx venue`.
#[derive(Debug, Args)]
#[command(after_help = "Lines on standard input:\n  \
    dump; halt SYM; resume SYM; disconnect FIRM; quit\n  \
    line a|b up|down; loss a|b SHARE      US, Hong Kong: the others have no lines\n  \
    disconnect FIRM [SESSION]             not US: its firms have one session each\n  \
    disconnect market_data                Shenzhen and Hong Kong: clients of that service\n\n\
    Each but quit is answered by one JSON line on standard output: whether it was done. A file with a \
    section [venue] is of Shanghai, Shenzhen or Hong Kong. Every key: docs/venue.toml (US), \
    docs/venue-sse.toml, docs/venue-szse.toml, docs/venue-hkex.toml. The end of the day, SIGTERM and \
    quit write the dump and exit 0.")]
pub struct VenueArgs {
    /// Configuration (TOML); without it one firm trades on loopback.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Books, positions, orders and executions as JSON, written at the end and at each `dump`.
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Say as one JSON line on standard output when the sockets are open, and where they are.
    #[arg(long)]
    pub ready_json: bool,
}

/// How long requests are still answered behind the end of the stream.
const LINGER: Duration = Duration::from_millis(500);
/// What an idle round sleeps.
const NAP: Duration = Duration::from_micros(50);

/// Runs the venue until its day is over, `quit` comes, or `stop` is set.
///
/// # Errors
/// A configuration that cannot be used, a port in use, a dump that cannot be written.
pub fn run(args: &VenueArgs, stop: &AtomicBool) -> Result<(), Failure> {
    if let Some(path) = &args.config
        && let Ok(text) = std::fs::read_to_string(path)
        && board::is_board(&text)
    {
        return board::run(args, path, &text, stop);
    }
    let config = load(args.config.as_deref())?;
    if let Some(core) = config.process.pin {
        nofx_rt::usage::pin_to_core(core)
            .map_err(|e| Failure::usage(format!("process.pin: {core}: {e}")))?;
    }
    let clock = VenueClock::start(&config.market.start);
    let capture = config.flow.capture.as_ref().map(|path| Capture::open(path, &config.flow));
    let mut capture = capture.transpose()?;
    let recorded = capture.as_ref().map_or(&[][..], |capture| capture.instruments());
    let exchange = Exchange::new(&config, recorded, clock.now()).map_err(Failure::usage)?;
    let mut venue = Venue {
        house: House::open(&config)?,
        exchange,
        clock,
        control: Control::new(),
        dump: args.dump.clone(),
    };
    if args.ready_json {
        say(&venue.house.ready(&config))?;
    }
    venue.live(stop, config.process.idle, &mut capture)?;
    venue.finish()
}

/// Reads and checks the file; all defaults and one firm without one.
fn load(path: Option<&Path>) -> Result<ExchangeConfig, Failure> {
    let Some(path) = path else {
        return Ok(ExchangeConfig { firms: vec![Default::default()], ..Default::default() });
    };
    let named = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
    };
    let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
    let config: ExchangeConfig = toml::from_str(&text).map_err(|e| named(&e))?;
    config.check().map_err(|e| named(&e))?;
    Ok(config)
}

/// A line of JSON on standard output.
fn say(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::output)?;
    outputs::print(text).map_err(|e| Failure::output(format!("standard output: {e}")))
}

/// The venue's time of day: a clock that rises.
struct VenueClock {
    began: Instant,
    offset: u64,
}

impl VenueClock {
    /// Starts at this time of day, or at the time of day in UTC.
    fn start(at: &str) -> VenueClock {
        const DAY: u128 = 86_400_000_000_000;
        let utc = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let today = utc.map_or(0, |since| (since.as_nanos() % DAY) as u64);
        VenueClock { began: Instant::now(), offset: clock(at).unwrap_or(today) }
    }

    fn now(&self) -> Nanos {
        Nanos(self.offset + self.began.elapsed().as_nanos() as u64)
    }
}

struct Venue {
    exchange: Exchange,
    house: House,
    clock: VenueClock,
    control: Control,
    dump: Option<PathBuf>,
}

impl Venue {
    /// Goes round until somebody ends it.
    fn live(
        &mut self,
        stop: &AtomicBool,
        idle: Idle,
        capture: &mut Option<Capture>,
    ) -> Result<(), Failure> {
        while !stop.load(Ordering::Relaxed) && self.exchange.stage() != Stage::Over {
            if self.obey()? {
                break;
            }
            let now = self.clock.now();
            let mut busy = self.house.take(&mut self.exchange, now);
            if let Some(capture) = capture {
                busy |= capture.play(&mut self.exchange, now)?;
            }
            busy |= self.exchange.turn(now);
            self.exchange.flush();
            busy |= self.house.give(&mut self.exchange, now);
            match idle {
                _ if busy => {}
                Idle::Spin => std::hint::spin_loop(),
                Idle::Yield => std::thread::yield_now(),
                Idle::Sleep => std::thread::sleep(NAP),
            }
        }
        Ok(())
    }

    /// Ends the stream and the sessions, answers requests for a moment more, writes the dump.
    fn finish(&mut self) -> Result<(), Failure> {
        self.exchange.turn(self.clock.now());
        self.exchange.end_day();
        let ended = Instant::now();
        while ended.elapsed() < LINGER {
            let now = self.clock.now();
            self.house.give(&mut self.exchange, now);
            self.house.repeat_end(now);
            std::thread::sleep(Duration::from_millis(1));
        }
        self.write_dump().map(|_| ())
    }

    /// Does what the operator's lines say; whether one of them ends the venue.
    fn obey(&mut self) -> Result<bool, Failure> {
        while let Some((line, command)) = self.control.next() {
            let done = match command {
                Some(Command::Quit) => return Ok(true),
                Some(Command::Dump) => self.write_dump()?,
                Some(Command::Halt(symbol)) => self.exchange.halt(&symbol),
                Some(Command::Resume(symbol)) => self.exchange.resume(&symbol),
                Some(Command::Line(line, up)) => self.house.set_line(line, up),
                Some(Command::Loss(line, ppm)) => self.house.set_loss(line, ppm),
                Some(Command::Disconnect(firm, _)) => {
                    let now = self.clock.now();
                    self.house.disconnect(&firm, &mut self.exchange, now)
                }
                None => false,
            };
            say(&serde_json::json!({ "command": line, "done": done }))?;
        }
        Ok(false)
    }

    /// Writes the dump; whether there is a file to write it to.
    fn write_dump(&self) -> Result<bool, Failure> {
        let Some(path) = &self.dump else { return Ok(false) };
        let dump = house::Dumped {
            venue: self.exchange.dump(),
            lines: self.house.line_counts(),
            sockets: self.house.counts(),
        };
        outputs::write_json(path, &dump)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::documented::faults;
    use super::*;

    #[test]
    fn the_page_shows_every_key_with_its_default() {
        let page = include_str!("../../../../docs/venue.toml");
        toml::from_str::<ExchangeConfig>(page).expect("parses").check().expect("usable");
        assert_eq!(faults::<ExchangeConfig>(&[page]), Vec::<String>::new());
        for (old, new, fault) in [
            ("lot = 100", "lot = 10", "market.lot"),
            ("lot = 100", "", "market.lot: is not shown"),
            ("idle = \"sleep\"", "idle = \"spin\"", "process.idle"),
            ("absent", "gone", "process.pin"),
            ("clients = 8", "clients = 9 # (default 10)", "glimpse.clients"),
            ("self_trade = true", "self_trade = false", "firms.self_trade"),
        ] {
            let spoiled = page.replacen(old, new, 1);
            assert_ne!(spoiled, page, "{old}");
            let found = faults::<ExchangeConfig>(&[&spoiled]);
            assert!(found.len() == 1 && found[0].starts_with(fault), "{new}: {found:?}");
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("v.toml");
        let refused = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            load(Some(&path)).expect_err(text).to_string()
        };
        assert!(refused("[market]\nsed = 1").contains("sed"));
        assert!(refused("[glimpse]\nclients = 0").contains("glimpse.clients"));
        assert!(refused("[[firms]]\nlisten = \"here\"").contains("listen"));
        assert!(load(Some(&dir.path().join("absent"))).is_err());
        assert_eq!(load(None).expect("defaults").firms.len(), 1);
    }
}
