//! Why a gate no longer trades, and why one cannot be opened.

use std::fmt;

use nofx_risk::ConfigError;
use thiserror::Error;

use crate::device::DeviceError;
use crate::line::Sticky;

/// Why the gate stopped: after any of these it clears cancels only, until it is opened anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFailure {
    /// A register access failed.
    Device(DeviceError),
    /// Registers no longer read as those of a gate.
    Lost {
        /// What the register `magic` read.
        magic: u32,
    },
    /// The verdict of a line did not come.
    Stalled {
        /// The sequence that was waited for.
        seq: u32,
        /// How often the ring was looked at.
        polls: u32,
    },
    /// The card gave no credit back, so that a line could not be sent.
    OutOfCredits {
        /// Lines in flight.
        in_flight: u32,
        /// How often the ring was looked at.
        polls: u32,
    },
    /// The window took no line although the card had a credit for it.
    WindowFull {
        /// How often it was tried.
        tries: u32,
    },
    /// A verdict is missing.
    VerdictLost {
        /// The sequence that was due.
        due: u32,
        /// The one that came.
        came: u32,
    },
    /// A verdict came again.
    VerdictRepeated {
        /// The sequence that was due.
        due: u32,
        /// The one that came.
        came: u32,
    },
    /// A verdict that answers nothing that was asked.
    VerdictWrong {
        /// The field that is wrong.
        field: &'static str,
        /// What it should be.
        due: u64,
        /// What it was.
        came: u64,
    },
    /// The card latched errors.
    Latched(Sticky),
    /// The card was reset or scrubbed by somebody else.
    Reset,
    /// The card refused to be configured.
    Refused {
        /// Kind of the operation.
        kind: u8,
        /// The rules that refused it.
        rejects: u64,
    },
    /// The card and the software answered differently.
    Difference {
        /// Sequence of the operation.
        seq: u32,
    },
}

impl GateFailure {
    /// Short name for journals.
    pub const fn name(&self) -> &'static str {
        match self {
            GateFailure::Device(_) => "device_error",
            GateFailure::Lost { .. } => "device_lost",
            GateFailure::Stalled { .. } => "stalled",
            GateFailure::OutOfCredits { .. } => "out_of_credits",
            GateFailure::WindowFull { .. } => "window_full",
            GateFailure::VerdictLost { .. } => "verdict_lost",
            GateFailure::VerdictRepeated { .. } => "verdict_repeated",
            GateFailure::VerdictWrong { .. } => "verdict_wrong",
            GateFailure::Latched(_) => "error_latched",
            GateFailure::Reset => "reset_in_flight",
            GateFailure::Refused { .. } => "configuration_refused",
            GateFailure::Difference { .. } => "difference",
        }
    }
}

impl fmt::Display for GateFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateFailure::Device(error) => write!(f, "risk gate: {error}"),
            GateFailure::Lost { magic } => write!(
                f,
                "risk gate: the device is gone (magic reads {magic:#010x}): check the slot and the \
                 link, load the bitstream, start again"
            ),
            GateFailure::Stalled { seq, polls } => write!(
                f,
                "risk gate: no verdict for operation {seq} within {polls} polls: read `nofx fpga \
                 counters`, raise `spin_max` if the card is only slow"
            ),
            GateFailure::OutOfCredits { in_flight, polls } => write!(
                f,
                "risk gate: {in_flight} operations in flight and no credit within {polls} polls: \
                 read `nofx fpga counters`"
            ),
            GateFailure::WindowFull { tries } => write!(
                f,
                "risk gate: the window took no line in {tries} tries: see whether the reader of it \
                 lives"
            ),
            GateFailure::VerdictLost { due, came } => write!(
                f,
                "risk gate: verdict {due} is missing, {came} came: the ring lost a line, check the \
                 link"
            ),
            GateFailure::VerdictRepeated { due, came } => write!(
                f,
                "risk gate: verdict {came} came again where {due} was due: the ring repeats a line, \
                 check the link"
            ),
            GateFailure::VerdictWrong { field, due, came } => write!(
                f,
                "risk gate: a verdict's {field} is {came:#x} where {due:#x} was due: check the link \
                 and that nobody else writes to the card"
            ),
            GateFailure::Latched(sticky) => write!(
                f,
                "risk gate: the card latched {sticky:?}: read `nofx fpga info`, mend the cause, \
                 start again"
            ),
            GateFailure::Reset => f.write_str(
                "risk gate: the card was reset while in use, its state is gone: reconcile open \
                 orders, start again",
            ),
            GateFailure::Refused { kind, rejects } => write!(
                f,
                "risk gate: the card refused an operation of kind {kind} ({:?}): somebody else \
                 changed its sizes",
                nofx_gate::Rejects(*rejects)
            ),
            GateFailure::Difference { seq } => write!(
                f,
                "risk gate: card and software differ at operation {seq}: keep the dump, do not \
                 trade with this build"
            ),
        }
    }
}

impl std::error::Error for GateFailure {}

/// Why a card cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// A register access failed.
    #[error("fpga: {0}")]
    Device(#[from] DeviceError),
    /// It is no gate.
    #[error("fpga: magic reads {found:#010x}, not that of a gate: load the gate's bitstream")]
    Magic {
        /// What the register read.
        found: u32,
    },
    /// It speaks other words.
    #[error("fpga: the card speaks ABI {found}, this program {ours}: use those of one version")]
    Abi {
        /// The card's.
        found: u32,
        /// Ours.
        ours: u32,
    },
    /// It was built from other sources.
    #[error(
        "fpga: the card was built from sources {found:#018x}, this program expects {ours:#018x}: \
         build both from one version, or set `build`"
    )]
    Build {
        /// The card's.
        found: u64,
        /// Ours.
        ours: u64,
    },
    /// The accounts do not fit.
    #[error("fpga: `accounts` = {accounts} do not fit the card ({most} accounts, {rows} rows)")]
    Accounts {
        /// What is configured.
        accounts: u16,
        /// What the card has.
        most: u32,
        /// Rows accounts times symbols.
        rows: u32,
    },
    /// It has no credits.
    #[error("fpga: the card has {credits} credits, at least {least} are needed")]
    Credits {
        /// The card's.
        credits: u32,
        /// The least that works.
        least: u32,
    },
    /// It was not ready in time.
    #[error(
        "fpga: the card was not ready in {reads} reads (status {status:#x}): reset it, or raise \
         `ready_max`"
    )]
    NotReady {
        /// How often the status was read.
        reads: u32,
        /// What it was.
        status: u32,
    },
    /// It did not let go of an error.
    #[error("fpga: {0:?} cannot be cleared: mend the cause")]
    Latched(Sticky),
    /// The limits cannot be used.
    #[error("{0}")]
    Config(ConfigError),
    /// It failed as soon as it was used.
    #[error("{0}")]
    Gate(#[from] GateFailure),
}
