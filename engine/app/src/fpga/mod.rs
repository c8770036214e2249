//! `nofx fpga`: look at a card, bring it up, test it, follow one order through it.
//!
//! Model: `info` and `counters` touch registers only, so they may run beside an engine. `load`,
//! `selftest` and `trace` take the card's lines and scrub it: nothing of it may be trading. What they
//! leave behind is a card that is killed.
//!
//! Worst case: as many looks at the ring as `gate.card.spin_max` allows for each line.

mod selftest;
mod trace;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use nofx_fpga::{Alone, Capacity, CardInfo, Counters, FpgaGate, Witness};
use nofx_gate::{Gate, KillScope};
use nofx_types::{AccountId, Instruments};
use serde_json::json;

pub use selftest::SelftestArgs;
pub use trace::TraceArgs;

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::gate::{self, CardDevice, DeviceName};

/// Arguments of `nofx fpga`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    nofx-fpga-sim --socket /tmp/gate.sock &\n  \
    nofx fpga info --device shm:/tmp/gate.sock\n  \
    nofx fpga selftest --device shm:/tmp/gate.sock --ops 100000\n  \
    nofx fpga trace --device shm:/tmp/gate.sock --qty 100 --price 100000\n\n\
    Exit codes: 0 all is well; 1 a card that answers wrongly; 2 usage, or a card that cannot be opened.")]
pub struct FpgaArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: FpgaCommand,
}

/// What to do with a card.
#[derive(Clone, Debug, Subcommand)]
pub enum FpgaCommand {
    /// Print what the card is: version, sizes, latency, status, latched errors.
    Info(CardArgs),
    /// Print what the card counted: lines, verdicts, refusals by rule.
    Counters(CardArgs),
    /// Bring the card up with the limits of a configuration, read them back, leave it killed.
    Load(CardArgs),
    /// Send seeded operations and compare every verdict with the software; leaves the card killed.
    Selftest(SelftestArgs),
    /// Send one order and print lines, verdicts and rows in words; leaves the card killed.
    Trace(TraceArgs),
}

/// Which card, and how to print.
#[derive(Clone, Debug, Args)]
pub struct CardArgs {
    /// The card: model, inproc, shm:SOCKET, bar:FOLDER, or xdma:N (registers only: info, counters).
    #[arg(long, value_name = "DEVICE")]
    pub device: DeviceName,
    /// Configuration (TOML) with `[gate]` and `[risk]`.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one configuration key, e.g. --set risk.accounts=1.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl CardArgs {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = config::load(self.config.as_deref(), &self.set)?;
        config.gate.device = Some(self.device.clone());
        Ok(config)
    }
}

/// Runs the command; what it prints is returned.
///
/// # Errors
/// A card that cannot be opened or answers wrongly.
pub fn run(args: &FpgaArgs) -> Result<String, Failure> {
    match &args.command {
        FpgaCommand::Info(args) => info(args),
        FpgaCommand::Counters(args) => counters(args),
        FpgaCommand::Load(args) => load(args),
        FpgaCommand::Selftest(args) => selftest::run(args),
        FpgaCommand::Trace(args) => trace::run(args),
    }
}

fn info(args: &CardArgs) -> Result<String, Failure> {
    let config = args.config()?;
    let mut card = gate::registers(&config.gate)?;
    let info = CardInfo::read(&mut *card).map_err(Failure::usage)?;
    let checked = info.check(config.gate.card.build);
    let fits = checked.as_ref().err().map(ToString::to_string);
    if args.json {
        return Ok(json!({
            "device": args.device.to_string(),
            "abi": info.abi,
            "build": format!("{:016x}", info.build),
            "symbols_max": info.capacity.symbols,
            "accounts_max": info.capacity.accounts,
            "holdings_max": info.capacity.holdings,
            "accounts": info.accounts,
            "symbols": info.symbols,
            "latency_cycles": info.latency,
            "credits": info.credits,
            "ready": info.status & 1 != 0,
            "killed": info.status & 2 != 0,
            "sticky": info.sticky.names().collect::<Vec<_>>(),
            "cfg_epoch": info.cfg_epoch,
            "commits": info.commits,
            "problem": fits,
        })
        .to_string()
            + "\n");
    }
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    row("card", args.device.to_string());
    row("abi", info.abi.to_string());
    row("build", format!("{:016x}", info.build));
    let Capacity { symbols, accounts, holdings } = info.capacity;
    row("built for", format!("{symbols} symbols, {accounts} accounts, {holdings} holdings"));
    row("in use", format!("{} accounts, {} symbols", info.accounts, info.symbols));
    row("latency", format!("{} cycles, {} credits", info.latency, info.credits));
    let ready = if info.status & 1 != 0 { "ready" } else { "scrubbing" };
    let killed = if info.status & 2 != 0 { "killed" } else { "trading" };
    row("state", format!("{ready}, {killed}"));
    let latched: Vec<_> = info.sticky.names().collect();
    row("latched", if latched.is_empty() { "nothing".into() } else { latched.join(", ") });
    row("config", format!("{} operations applied, {} commits", info.cfg_epoch, info.commits));
    match checked {
        Ok(()) => Ok(text),
        Err(error) => Err(Failure::usage(format!("{text}{error}"))),
    }
}

fn counters(args: &CardArgs) -> Result<String, Failure> {
    let mut card = gate::registers(&args.config()?.gate)?;
    let counters = Counters::read(&mut *card).map_err(Failure::usage)?;
    if args.json {
        let all: serde_json::Map<_, _> =
            counters.named().map(|(name, n)| (name.to_owned(), n.into())).collect();
        let rules: serde_json::Map<_, _> =
            counters.named_rules().map(|(name, n)| (name.to_owned(), n.into())).collect();
        return Ok(json!({ "counters": all, "refused_by": rules }).to_string() + "\n");
    }
    let mut text = String::new();
    for (name, count) in counters.named() {
        let _ = writeln!(text, "{name:<16}{count:>20}");
    }
    for (name, count) in counters.named_rules().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "  {name:<14}{count:>20}");
    }
    Ok(text)
}

fn load(args: &CardArgs) -> Result<String, Failure> {
    let config = args.config()?;
    let mut card = gate::card::<Alone>(&config.gate, &config.risk, &Instruments::new(1))?;
    let limits = (0..config.risk.accounts).map(AccountId);
    let unread = limits.filter(|account| card.account_exposure(*account).is_none()).count();
    leave_killed(&mut card)?;
    if unread > 0 {
        return Err(Failure::wrong(format!("{unread} accounts cannot be read back")));
    }
    let CardInfo { accounts, symbols, build, cfg_epoch, .. } =
        CardInfo::read(card.device()).map_err(Failure::usage)?;
    Ok(match args.json {
        true => format!(
            "{}\n",
            json!({ "accounts": accounts, "symbols": symbols, "cfg_epoch": cfg_epoch, "killed": true })
        ),
        false => format!(
            "{}: {accounts} accounts with their limits, room for {symbols} symbols, build \
             {build:016x}; left killed\n",
            args.device
        ),
    })
}

/// Engages the global kill, and says whether the card was well until then.
fn leave_killed<W: Witness>(card: &mut FpgaGate<CardDevice, W>) -> Result<(), Failure> {
    let failure = card.failure();
    card.on_kill(KillScope::Global, true);
    match failure.or(card.failure()) {
        Some(failure) => Err(Failure::wrong(failure)),
        None => Ok(()),
    }
}
