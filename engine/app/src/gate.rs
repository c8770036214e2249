//! Which gate judges: the software, a card, or both.
//!
//! Model: [`TradeGate`] is the one gate that the hot path knows. A card stands behind [`Card`], so
//! that neither device nor lockstep shows in the types of the path; the software gate is called
//! without that detour. A card that failed stays failed: orders are refused, cancels pass, and the
//! number of verdicts until then goes into the journal, so that a re-run, which has no card, refuses
//! from the same verdict on.
//!
//! Worst case: one branch beside the software gate; one indirect call beside a card.

use std::path::{Path, PathBuf};

use nofx_fpga::backend::bar::{Bar, BarRegisters, Place};
use nofx_fpga::backend::shm::Shm;
use nofx_fpga::backend::xdma::Xdma;
use nofx_fpga::{
    Alone, Beside, Capacity, Device, Fault, FpgaGate, FpgaOptions, GateFailure, Judgement,
    Registers, SoftCard, Witness,
};
use nofx_gate::{Busy, Failed, Gate, GateKey, KillScope, Rejects, Rule, Verdict};
use nofx_risk::card::{AccountRegs, SymbolRegs};
use nofx_risk::{CardConfig, LimitGate, SoftwareGate};
use nofx_types::{
    AccountId, Instrument, InstrumentId, Instruments, IntentKind, OrderIntent, OrderUpdate,
};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Section `[gate]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSection {
    /// Who judges.
    pub mode: GateMode,
    /// Where the card is; needed unless the mode is `software`.
    pub device: Option<DeviceName>,
    /// Where the first difference is written; empty: `nofx-gate-difference.txt` in this folder.
    pub dump: PathBuf,
    /// How the card is used.
    pub card: FpgaOptions,
    /// Where in a card's BARs things are; for `bar:FOLDER`.
    pub bar: BarSection,
}

/// Section `[gate.bar]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BarSection {
    /// Number of the BAR with the registers.
    pub registers: u8,
    /// Number of the BAR with the window; it must be prefetchable.
    pub window: u8,
    /// Where in that BAR the window is, bytes.
    pub offset: u64,
    /// A file to map the window from instead, as /dev/xdma0_bypass.
    pub bypass: Option<PathBuf>,
}

impl BarSection {
    /// The card in `device`, a folder below /sys/bus/pci/devices.
    fn place(&self, device: &Path) -> Place {
        let BarSection { registers, window, offset, bypass } = self.clone();
        Place { device: device.to_owned(), registers, window, offset, bypass }
    }
}

impl Default for BarSection {
    fn default() -> Self {
        BarSection { registers: 0, window: 2, offset: 0, bypass: None }
    }
}

/// Who judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// The software gate.
    #[default]
    Software,
    /// The card.
    Fpga,
    /// Both; an order waits for both, the first difference stops trading.
    Lockstep,
}

impl GateMode {
    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            GateMode::Software => "software",
            GateMode::Fpga => "fpga",
            GateMode::Lockstep => "lockstep",
        }
    }
}

/// Who judges, on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GateArgs {
    /// Who judges: the software, a card, or both (the first difference stops trading); overrides the
    /// configuration. A card is what `--gate-device` names.
    #[arg(long, value_enum, value_name = "MODE")]
    pub gate: Option<GateMode>,
    /// The card: `model` (word by word in this process; as a drill `model:pass_all` and `model:RULE` judge
    /// wrongly, `model:stall@500` and its like break), `inproc` (simulated RTL in this process),
    /// `shm:SOCKET` (a running nofx-fpga-sim), `bar:FOLDER` (below /sys/bus/pci/devices).
    #[arg(long, value_name = "DEVICE")]
    pub gate_device: Option<DeviceName>,
}

impl GateArgs {
    /// What was given, as settings of the configuration.
    pub fn settings(&self) -> impl Iterator<Item = String> {
        let mode = self.gate.map(|mode| format!("gate.mode={}", mode.name()));
        let device = self.gate_device.as_ref().map(|device| format!("gate.device=\"{device}\""));
        mode.into_iter().chain(device)
    }

    /// Puts what was given in the place of what the configuration says.
    pub fn apply(&self, section: &mut GateSection) {
        section.mode = self.gate.unwrap_or(section.mode);
        if let Some(device) = &self.gate_device {
            section.device = Some(device.clone());
        }
    }
}

/// Where a card is: `model`, `inproc`, `shm:SOCKET`, `bar:FOLDER`, `xdma:N`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DeviceName {
    /// The word-level model in this process: the way to a card without one. For drills it can be told
    /// to judge wrongly or to break.
    Model(Drill),
    /// The simulated RTL in this process; needs a build with `fpga-sim`.
    Inproc,
    /// The simulator `nofx-fpga-sim` that listens on this socket.
    Shm(PathBuf),
    /// A card, by its folder below `/sys/bus/pci/devices`.
    Bar(PathBuf),
    /// The registers of card N of the XDMA driver: to look at, not to trade through.
    Xdma(u8),
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(name: String) -> Result<DeviceName, String> {
        name.parse()
    }
}

impl std::str::FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<DeviceName, String> {
        match name.split_once(':') {
            None if name == "model" => Ok(DeviceName::Model(Drill::default())),
            Some(("model", drill)) => drill.parse().map(DeviceName::Model),
            None if name == "inproc" => Ok(DeviceName::Inproc),
            Some(("shm", path)) if !path.is_empty() => Ok(DeviceName::Shm(path.into())),
            Some(("bar", path)) if !path.is_empty() => Ok(DeviceName::Bar(path.into())),
            Some(("xdma", card)) if card.parse::<u8>().is_ok() => {
                Ok(DeviceName::Xdma(card.parse().unwrap_or(0)))
            }
            _ => Err(format!(
                "gate.device: `{name}` is none of model, inproc, shm:SOCKET, bar:FOLDER (and xdma:N, \
                 whose registers can be looked at)"
            )),
        }
    }
}

/// What the model is told to do wrong: `pass_all`, the name of a rule that answers the other way round,
/// or FAULT@LINES, a fault after so many lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drill {
    judgement: Judgement,
    fault: Option<(Fault, u32)>,
}

/// Faults by name.
const FAULTS: [(&str, Fault); 10] = [
    ("lose_line", Fault::LoseLine),
    ("lose_verdict", Fault::LoseVerdict),
    ("double_verdict", Fault::DuplicateVerdict),
    ("flip_verdict", Fault::Flip(64)),
    ("stall", Fault::Stall),
    ("full", Fault::Full),
    ("reset", Fault::Reset),
    ("kill", Fault::Kill),
    ("gone", Fault::Gone),
    ("dead", Fault::Dead),
];

impl std::str::FromStr for Drill {
    type Err = String;

    fn from_str(text: &str) -> Result<Drill, String> {
        let rule = || Rule::ALL.into_iter().find(|rule| rule.name() == text);
        let judges = match text {
            "pass_all" => Some(Judgement::PassAll),
            _ => rule().map(Judgement::Inverted),
        };
        let breaks = || {
            let (name, lines) = text.split_once('@')?;
            let (_, fault) = FAULTS.iter().find(|(known, _)| *known == name)?;
            Some((*fault, lines.parse().ok()?))
        };
        match (judges, breaks()) {
            (Some(judgement), _) => Ok(Drill { judgement, fault: None }),
            (None, Some(fault)) => Ok(Drill { judgement: Judgement::Honest, fault: Some(fault) }),
            (None, None) => Err(format!(
                "gate.device: model:{text}: want pass_all, the name of a rule, or FAULT@LINES with one of {}",
                FAULTS.map(|(name, _)| name).join(", ")
            )),
        }
    }
}

impl std::fmt::Display for Drill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.judgement, self.fault) {
            (Judgement::PassAll, _) => f.write_str(":pass_all"),
            (Judgement::Inverted(rule), _) => write!(f, ":{}", rule.name()),
            (Judgement::Honest, None) => Ok(()),
            (Judgement::Honest, Some((fault, lines))) => {
                let name =
                    FAULTS.iter().find(|(_, known)| *known == fault).map_or("fault", |row| row.0);
                write!(f, ":{name}@{lines}")
            }
        }
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DeviceName::Model(drill) => write!(f, "model{drill}"),
            DeviceName::Inproc => f.write_str("inproc"),
            DeviceName::Shm(path) => write!(f, "shm:{}", path.display()),
            DeviceName::Bar(path) => write!(f, "bar:{}", path.display()),
            DeviceName::Xdma(card) => write!(f, "xdma:{card}"),
        }
    }
}

/// What a card came to, for reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateReport {
    /// Who judged.
    pub mode: GateMode,
    /// Where the card is.
    pub device: String,
    /// Intents that passed the host rules and reached the card.
    pub reached: u64,
    /// Lines compared with the software and found equal; lockstep only.
    pub compared: Option<u64>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// A card with its lines, whatever the way to it.
pub type CardDevice = Box<dyn Device + Send>;

/// A card behind the gate contract, alone or with the software beside it.
trait Card: LimitGate + Send {
    /// Why it no longer passes orders.
    fn failure(&self) -> Option<GateFailure>;

    /// Says that the host lives.
    fn beat(&mut self);

    /// Waits for the verdicts of all that was sent.
    fn catch_up(&mut self);

    /// Intents that reached it.
    fn reached(&self) -> u64;

    /// Lines found equal, where the software stands beside it.
    fn compared(&self) -> Option<u64> {
        None
    }

    /// The first difference and the rows it touched, as text.
    fn difference(&mut self) -> Option<String> {
        None
    }
}

impl Card for FpgaGate<CardDevice, Alone> {
    fn failure(&self) -> Option<GateFailure> {
        FpgaGate::failure(self)
    }

    fn beat(&mut self) {
        FpgaGate::heartbeat(self);
    }

    fn catch_up(&mut self) {
        FpgaGate::catch_up(self);
    }

    fn reached(&self) -> u64 {
        FpgaGate::reached(self)
    }
}

impl Card for FpgaGate<CardDevice, Beside> {
    fn failure(&self) -> Option<GateFailure> {
        FpgaGate::failure(self)
    }

    fn beat(&mut self) {
        FpgaGate::heartbeat(self);
    }

    fn catch_up(&mut self) {
        FpgaGate::catch_up(self);
    }

    fn reached(&self) -> u64 {
        FpgaGate::reached(self)
    }

    fn compared(&self) -> Option<u64> {
        Some(FpgaGate::compared(self))
    }

    fn difference(&mut self) -> Option<String> {
        self.dump().map(|dump| dump.to_string())
    }
}

/// Names of failures, by their code in the journal. New ones go to the end.
const FAILURES: [&str; 12] = [
    "device_error",
    "device_lost",
    "stalled",
    "out_of_credits",
    "window_full",
    "verdict_lost",
    "verdict_repeated",
    "verdict_wrong",
    "error_latched",
    "reset_in_flight",
    "configuration_refused",
    "difference",
];

/// The name of a failure by its code in the journal.
pub fn failure_name(code: u8) -> &'static str {
    FAILURES.get(usize::from(code)).copied().unwrap_or("unknown")
}

/// The gate of a run.
pub struct TradeGate {
    judge: Judge,
    section: GateSection,
    /// Verdicts given before a failure.
    judged: u64,
    /// The verdict from which on a re-run refuses, as the run did.
    fails_at: u64,
}

enum Judge {
    Software(Box<SoftwareGate>),
    Card(Box<dyn Card>),
}

impl TradeGate {
    /// The gate that the configuration names, brought up.
    ///
    /// # Errors
    /// A limit that cannot be used, or a card that cannot.
    pub fn open(
        section: &GateSection,
        risk: &CardConfig,
        instruments: &Instruments,
    ) -> Result<TradeGate, Failure> {
        let judge = match section.mode {
            GateMode::Software => {
                let gate = SoftwareGate::new(GateKey::issue(), risk.clone(), instruments);
                Judge::Software(Box::new(gate.map_err(Failure::usage)?))
            }
            GateMode::Fpga => Judge::Card(Box::new(card::<Alone>(section, risk, instruments)?)),
            GateMode::Lockstep => {
                Judge::Card(Box::new(card::<Beside>(section, risk, instruments)?))
            }
        };
        Ok(TradeGate { judge, section: section.clone(), judged: 0, fails_at: u64::MAX })
    }

    /// From this verdict on orders are refused and cancels pass: the card of the run that is run again
    /// failed there.
    pub fn fail_at(&mut self, verdict: u64) {
        self.fails_at = verdict;
    }

    /// Why the card no longer passes orders.
    pub fn failure(&self) -> Option<GateFailure> {
        match &self.judge {
            Judge::Software(_) => None,
            Judge::Card(card) => card.failure(),
        }
    }

    /// At the end of a run: waits for what a card still has to say, reports included.
    pub fn catch_up(&mut self) {
        if let Judge::Card(card) = &mut self.judge {
            card.catch_up();
        }
    }

    /// What a card came to; `None` where there is none.
    pub fn report(&self) -> Option<GateReport> {
        let Judge::Card(card) = &self.judge else { return None };
        Some(GateReport {
            mode: self.section.mode,
            device: self.section.device.as_ref().map(DeviceName::to_string).unwrap_or_default(),
            reached: card.reached(),
            compared: card.compared(),
            failure: card.failure().map(|failure| failure.to_string()),
        })
    }

    /// After a failure: what it is, in words, and where the difference was written if it is one.
    pub fn explain(&mut self) -> Option<String> {
        let Judge::Card(card) = &mut self.judge else { return None };
        let failure = card.failure()?;
        let Some(text) = card.difference() else { return Some(failure.to_string()) };
        let path = match self.section.dump.as_os_str().is_empty() {
            true => PathBuf::from("nofx-gate-difference.txt"),
            false => self.section.dump.clone(),
        };
        let written = match std::fs::write(&path, text) {
            Ok(()) => format!("{failure}; both sides are in {}", path.display()),
            Err(error) => format!("{failure}; {} cannot be written: {error}", path.display()),
        };
        Some(written + &self.how_to_see(&failure))
    }

    /// A simulator that is asked beforehand writes waveforms of the operation: the run repeats exactly.
    fn how_to_see(&self, failure: &GateFailure) -> String {
        match (&self.section.device, failure) {
            (Some(DeviceName::Shm(_)), GateFailure::Difference { seq }) => format!(
                "; for its waveform run again with nofx-fpga-sim --wave FILE --wave-line {seq}"
            ),
            _ => String::new(),
        }
    }

    /// A verdict as a card that failed would have given it.
    fn refused(verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Pass(cleared) if cleared.get().kind == IntentKind::Cancel => {
                Verdict::Pass(cleared)
            }
            Verdict::Pass(cleared) => {
                Verdict::Reject(*cleared.get(), Rejects(Rule::KillGlobal.bit()))
            }
            Verdict::Reject(intent, _) => Verdict::Reject(intent, Rejects(Rule::KillGlobal.bit())),
        }
    }
}

/// The card that the configuration names, brought up with its limits.
///
/// # Errors
/// A limit that cannot be used, or a card that cannot.
pub fn card<W: Witness>(
    section: &GateSection,
    risk: &CardConfig,
    instruments: &Instruments,
) -> Result<FpgaGate<CardDevice, W>, Failure> {
    let device = device(section)?;
    FpgaGate::open(device, GateKey::issue(), risk.clone(), &section.card, instruments)
        .map_err(Failure::usage)
}

/// The card that the configuration names.
///
/// # Errors
/// None is named, or it cannot be opened.
pub fn device(section: &GateSection) -> Result<CardDevice, Failure> {
    match &section.device {
        None => Err(Failure::usage(
            "gate.device: name the card (--gate-device): model, inproc, shm:SOCKET or bar:FOLDER",
        )),
        Some(DeviceName::Model(drill)) => {
            let mut card = SoftCard::new(Capacity::default());
            card.judgement = drill.judgement;
            if let Some((fault, lines)) = drill.fault {
                card.break_after(lines, fault);
            }
            Ok(Box::new(card))
        }
        Some(DeviceName::Inproc) => inproc(),
        Some(DeviceName::Shm(path)) => Ok(Box::new(Shm::open(path).map_err(Failure::usage)?)),
        Some(DeviceName::Bar(path)) => {
            Ok(Box::new(Bar::open(&section.bar.place(path)).map_err(Failure::usage)?))
        }
        Some(DeviceName::Xdma(_)) => Err(Failure::usage(
            "gate.device: xdma has registers only, orders go by bar:FOLDER of the same card",
        )),
    }
}

/// The registers of the card that the configuration names, which a card lends beside an engine that
/// trades.
///
/// # Errors
/// None is named, or it cannot be opened.
pub fn registers(section: &GateSection) -> Result<Box<dyn Registers>, Failure> {
    match &section.device {
        Some(DeviceName::Shm(path)) => {
            Ok(Box::new(Shm::open_registers(path).map_err(Failure::usage)?))
        }
        Some(DeviceName::Xdma(card)) => Ok(Box::new(Xdma::open(*card).map_err(Failure::usage)?)),
        Some(DeviceName::Bar(path)) => {
            let place = section.bar.place(path);
            Ok(Box::new(BarRegisters::open(&place).map_err(Failure::usage)?))
        }
        _ => Ok(Box::new(device(section)?)),
    }
}

#[cfg(feature = "fpga-sim")]
fn inproc() -> Result<CardDevice, Failure> {
    use nofx_fpga_sim::{Build, Gate};
    Ok(Box::new(Gate::open(Build::Fast, 1).map_err(Failure::usage)?))
}

#[cfg(not(feature = "fpga-sim"))]
fn inproc() -> Result<CardDevice, Failure> {
    Err(Failure::usage(
        "gate.device: `inproc` needs a build with `--features fpga-sim` (and Verilator); without it, \
         start nofx-fpga-sim and name its socket: shm:SOCKET",
    ))
}

impl Gate for TradeGate {
    #[inline]
    fn submit(&mut self, intent: &OrderIntent) -> Result<(), Busy> {
        match &mut self.judge {
            Judge::Software(gate) => gate.submit(intent),
            Judge::Card(card) => card.submit(intent),
        }
    }

    #[inline]
    fn poll(&mut self) -> Option<Verdict> {
        let verdict = match &mut self.judge {
            Judge::Software(gate) => gate.poll()?,
            Judge::Card(card) => {
                let verdict = card.poll()?;
                self.judged += u64::from(card.failure().is_none());
                return Some(verdict);
            }
        };
        self.judged += 1;
        if self.judged <= self.fails_at {
            return Some(verdict);
        }
        Some(TradeGate::refused(verdict))
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        match &mut self.judge {
            Judge::Software(gate) => gate.on_definition(instrument),
            Judge::Card(card) => card.on_definition(instrument),
        }
    }

    fn on_halt(&mut self, instrument: InstrumentId, halted: bool) {
        match &mut self.judge {
            Judge::Software(gate) => gate.on_halt(instrument, halted),
            Judge::Card(card) => card.on_halt(instrument, halted),
        }
    }

    fn on_kill(&mut self, scope: KillScope, engaged: bool) {
        match &mut self.judge {
            Judge::Software(gate) => gate.on_kill(scope, engaged),
            Judge::Card(card) => card.on_kill(scope, engaged),
        }
    }

    fn on_epoch(&mut self, epoch: u32) {
        match &mut self.judge {
            Judge::Software(gate) => gate.on_epoch(epoch),
            Judge::Card(card) => card.on_epoch(epoch),
        }
    }

    fn restore(&mut self, sent: &OrderIntent) {
        match &mut self.judge {
            Judge::Software(gate) => gate.restore(sent),
            Judge::Card(card) => card.restore(sent),
        }
    }

    #[inline]
    fn on_update(&mut self, update: &OrderUpdate) {
        match &mut self.judge {
            Judge::Software(gate) => gate.on_update(update),
            Judge::Card(card) => card.on_update(update),
        }
    }

    #[inline]
    fn failed(&self) -> Option<Failed> {
        let Judge::Card(card) = &self.judge else { return None };
        let why = card.failure()?.name();
        let code = FAILURES.iter().position(|name| *name == why).unwrap_or(FAILURES.len());
        Some(Failed { verdicts: self.judged, why: code as u8 })
    }

    fn heartbeat(&mut self) {
        let wanted = self.section.card.heartbeat_cycles > 0; // a register access
        if let Judge::Card(card) = &mut self.judge
            && wanted
        {
            card.beat();
        }
    }
}

impl LimitGate for TradeGate {
    fn set_account(&mut self, account: AccountId, regs: &AccountRegs) {
        match &mut self.judge {
            Judge::Software(gate) => gate.set_account(account, regs),
            Judge::Card(card) => card.set_account(account, regs),
        }
    }

    fn set_symbol(&mut self, instrument: InstrumentId, regs: &SymbolRegs) {
        match &mut self.judge {
            Judge::Software(gate) => gate.set_symbol(instrument, regs),
            Judge::Card(card) => card.set_symbol(instrument, regs),
        }
    }
}
