//! The card: the rules that an FPGA holds too, and the state they need.
//!
//! # Model
//! One ordered stream of operations ([`CardOp`]) is the only writer: orders, cancels, reports of
//! the venue and configuration all pass through [`CardState::judge`], so a run is replayed by
//! replaying the stream. There is no clock but `now_ns` of the operation. Each rule is a pure
//! function of [`rules`] with its own bit; all are evaluated for every order and nothing is
//! short-cut, as parallel hardware would. An order that passes reserves its exposure at once.
//!
//! | operation | judged | effect |
//! |---|---|---|
//! | `New`, `Replace` | by every rule | reserves quantity, notional and one open order; counts a message |
//! | `Cancel` | by [`Rule::Range`] only | counts a message (rate, second, day), passes under every kill |
//! | `Update` | - | moves a fill from order price to fill price, releases what will not trade |
//! | `Kill`, `Halt`, `Epoch`, `SetSymbol`, `SetAccount` | index only | between two orders, never inside one |
//!
//! # Widths
//! What does not fit is refused by [`Rule::Range`] (orders, configuration) or clamped and counted
//! as a fault (reports). Clamped sums are kept, so the widths are also those of hardware.
//!
//! | field | bits | range | why it cannot overflow |
//! |---|---|---|---|
//! | account | 16 | below `accounts` | |
//! | symbol | 32 | below `symbols` | |
//! | price | 32 u | 0 to 4,294,967,295 price units (429,496.7295 at four decimals) | range rule |
//! | quantity | 32 u | to 4,294,967,295 | range rule |
//! | notional of an order | 64 u | (2^32-1)^2 < 2^64 | exact product |
//! | position | 48 s | +-(2^47-1) | saturates, fault |
//! | open quantity, per side | 48 u | at most limit - position <= 2^48-2 | position rules; a restore saturates, fault |
//! | held cost, per holding | 63 s | +-(2^62-1): the difference of two fits 64 s | saturates, fault |
//! | gross held, per account | 64 u | sum of the sizes of held costs | saturates, fault |
//! | net held, per account | 64 s | sum of held costs | saturates, fault |
//! | open notional, per account and side | 64 u | below 2^62 | gross rule; a restore saturates, fault |
//! | limits of position | 47 u | to 2^47-1 | checked when written |
//! | limits of gross and net | 62 u | to 2^62-1, so a saturated sum is above any limit | checked when written |
//! | open orders | 32 u | counted up only below a 32-bit limit | open-order rule; a restore saturates, fault |
//! | self-match price, per side | 32 u | valid while that side has open quantity | |
//! | last four orders | 4 x (64 price and quantity + 64 time + 2) | | |
//! | theoretical arrival time | 64 u | nanoseconds | saturates |
//! | second, its count | 35 u, 32 u | | saturates |
//! | day, its count | 18 u, 32 u | | saturates |
//! | epoch | 32 u | only rises | |
//!
//! # Definitions
//! - *Held cost*: cash paid (positive) or received (negative) for the position since the holding was
//!   last flat, at fill prices; zero whenever the position is zero. No multiplication depends on
//!   state, so hardware needs none inside its loop.
//! - *Gross exposure*: sizes of all held costs of the account, plus open buys, plus open sells at
//!   order price. *Net exposure*: the sum of held costs plus the open orders of the order's side.
//! - *Self-match price*: the most aggressive own price on a side since that side was last empty.
//!   It does not retreat while anything rests there: a quoter that only ever replaces must let the
//!   side run empty before it may trade through its own past price.
//! - *Duplicate*: side, price, quantity as one of the last four orders that passed for this account
//!   and symbol, less than the window ago.
//! - *Replace*: reserves its whole quantity on top of the order it replaces until the venue
//!   answers, so it needs room for both, in open orders too.
//! - *Second*: of `now_ns`; *day*: starts `day_start_ns` after midnight UTC. A stamp that steps back
//!   counts in the latest second and day.
//! - *Fault*: a report that contradicts the state (more filled or released than was open, a sum
//!   at its end). The sums can no longer be trusted, so the account's kill latches and stays until
//!   an operator releases it: a broken invariant stops trading.
//! - *Out of range*: an order that does not fit a width or the tables is refused by
//!   [`Rule::Range`] alone, since there is no row to judge it by.
//!
//! # Tables
//! Holdings are one dense table `[account][symbol]`, two cache lines (fewer than 1,000 bits in
//! hardware) a row: one read, no hash, no miss, no eviction policy to prove. The price is size:
//! 4 accounts and 16,384 symbols take 8 MiB here and about 60 Mbit of a card's UltraRAM (a VU9P has
//! 270). Construction refuses more than `holdings_max` rows; a card that serves many accounts
//! gives each its own subset of symbols through the host's dense numbering.
//!
//! Worst case: the same instructions for every order; one well-predicted branch on the verdict.
//! Rules and rows use `core` only, the tables `alloc` at construction.
//!
//! [`Rule::Range`]: nofx_gate::Rule::Range

pub mod limits;
mod op;
mod rows;
pub mod rules;
mod state;
mod words;

pub use limits::{
    AccountLimits, AccountRegs, LimitError, RATE_BURST_MAX, SymbolLimits, SymbolRegs,
};
pub use op::{CancelOp, CardOp, FillEffect, KillScope, OrderOp, UpdateOp};
pub use rows::{AccountRow, Holding, SymbolRow};
pub use state::{CardSize, CardState, SizeError, Windows};
pub use words::{AccountWords, RecentWords, SymbolWords};

/// Largest position, long or short: 47 bits beside the sign.
pub const POSITION_MAX: i64 = (1 << 47) - 1;
/// Largest open quantity of a side: 48 bits.
pub const OPEN_MAX: u64 = (1 << 48) - 1;
/// Largest held cost of a holding: 62 bits beside the sign.
pub const HELD_MAX: i64 = (1 << 62) - 1;
/// Largest limit of gross or net exposure: 62 bits, below what a saturated sum shows.
pub const EXPOSURE_LIMIT_MAX: u64 = (1 << 62) - 1;
