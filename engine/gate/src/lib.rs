//! The gate contract: where risk, card and order entry meet.
//!
//! Model: an intent that passed the host rules is submitted to a [`Gate`]; the gate answers later or
//! at once with a [`Verdict`]. A passing verdict carries [`Cleared`], the only thing the order
//! encoder accepts. `Cleared` has private fields and is made only by [`GateKey::clear`]; a key is
//! neither `Clone` nor `Copy`, and the application issues one to each gate it builds. So the types
//! make "no order without a verdict" a compile-time fact (architecture, law 5).
//!
//! Worst case: a refused intent costs one bitmap; nothing here allocates or waits.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;

use nofx_types::{AccountId, Instrument, InstrumentId, OrderIntent, OrderUpdate};

/// A rule that refused, as a bit of [`Rejects`]. Host rules come first, in the order they are
/// checked, then the card rules, which a card evaluates on the same bits, then host rules again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rule {
    /// Host: tick, lot and limits of the instrument are not known.
    NotTradable = 0,
    /// Host: the trading phase does not take this order.
    Phase = 1,
    /// Host: price is not a whole number of ticks.
    Tick = 2,
    /// Host: price is too far from the touch.
    Distance = 3,
    /// Host: messages of this book were lost.
    StaleBook = 4,
    /// Host: the order manager does not know the order to be replaced or cancelled, or it is in flight.
    UnknownOrder = 5,
    /// Host: the gate took no more intents.
    Busy = 6,
    /// Host, market rules: outside the day's price limits.
    PriceLimit = 7,
    /// Host, market rules: outside the price cage of continuous trading.
    Cage = 8,
    /// Host, market rules: not a whole number of lots, or an odd lot where none is taken.
    BoardLot = 9,
    /// Host, market rules: more shares than the venue takes in one order.
    OrderSize = 10,
    /// Host, market rules: orders of this auction cannot be cancelled now.
    NoCancel = 11,
    /// Host, market rules: more than may be sold today (T+1), or an odd remainder in parts.
    Sellable = 12,
    /// Host, market rules: the security cannot be sold short, or not at this price.
    ShortSale = 13,
    /// Host, market rules: outside the band of the volatility control.
    Volatility = 14,
    /// Host, market rules: orders and cancels of the account reach the thresholds of programme trading.
    Programme = 15,
    /// Card: a field does not fit its width, or account or symbol is outside the table.
    Range = 16,
    /// Card: the global kill is engaged.
    KillGlobal = 17,
    /// Card: the account's kill is engaged.
    KillAccount = 18,
    /// Card: the symbol's kill is engaged.
    KillSymbol = 19,
    /// Card: stamped with an older fencing epoch.
    Epoch = 20,
    /// Card: the symbol is not permitted on this side.
    Permission = 21,
    /// Card: the symbol is halted.
    Halt = 22,
    /// Card: zero quantity or odd lot.
    Lot = 23,
    /// Card: above the largest order quantity.
    MaxQty = 24,
    /// Card: above the largest order notional.
    MaxNotional = 25,
    /// Card: outside the static price band.
    PriceBand = 26,
    /// Card: worst-case long position, open orders included.
    PositionLong = 27,
    /// Card: worst-case short position, open orders included.
    PositionShort = 28,
    /// Card: too many open orders.
    OpenOrders = 29,
    /// Card: gross exposure of the account.
    Gross = 30,
    /// Card: net exposure of the account.
    Net = 31,
    /// Card: message rate (GCRA).
    Rate = 32,
    /// Card: messages in this second.
    PerSecond = 33,
    /// Card: messages today.
    PerDay = 34,
    /// Card: the same as one of the last four accepted orders.
    Duplicate = 35,
    /// Card: would match an own resting order.
    SelfMatch = 36,
    /// Host: new orders are held by a command.
    Held = 37,
}

impl Rule {
    /// Every rule, in the fixed order of evaluation and report.
    pub const ALL: [Rule; 38] = [
        Rule::NotTradable,
        Rule::Phase,
        Rule::Tick,
        Rule::Distance,
        Rule::StaleBook,
        Rule::UnknownOrder,
        Rule::Busy,
        Rule::PriceLimit,
        Rule::Cage,
        Rule::BoardLot,
        Rule::OrderSize,
        Rule::NoCancel,
        Rule::Sellable,
        Rule::ShortSale,
        Rule::Volatility,
        Rule::Programme,
        Rule::Range,
        Rule::KillGlobal,
        Rule::KillAccount,
        Rule::KillSymbol,
        Rule::Epoch,
        Rule::Permission,
        Rule::Halt,
        Rule::Lot,
        Rule::MaxQty,
        Rule::MaxNotional,
        Rule::PriceBand,
        Rule::PositionLong,
        Rule::PositionShort,
        Rule::OpenOrders,
        Rule::Gross,
        Rule::Net,
        Rule::Rate,
        Rule::PerSecond,
        Rule::PerDay,
        Rule::Duplicate,
        Rule::SelfMatch,
        Rule::Held,
    ];

    /// Its bit in [`Rejects`].
    #[inline]
    pub const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// Short name for tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::NotTradable => "not_tradable",
            Rule::Phase => "phase",
            Rule::Tick => "tick",
            Rule::Distance => "distance",
            Rule::StaleBook => "stale_book",
            Rule::UnknownOrder => "unknown_order",
            Rule::Busy => "busy",
            Rule::PriceLimit => "price_limit",
            Rule::Cage => "cage",
            Rule::BoardLot => "board_lot",
            Rule::OrderSize => "order_size",
            Rule::NoCancel => "no_cancel",
            Rule::Sellable => "sellable",
            Rule::ShortSale => "short_sale",
            Rule::Volatility => "volatility",
            Rule::Programme => "programme",
            Rule::Range => "range",
            Rule::KillGlobal => "kill_global",
            Rule::KillAccount => "kill_account",
            Rule::KillSymbol => "kill_symbol",
            Rule::Epoch => "epoch",
            Rule::Permission => "permission",
            Rule::Halt => "halt",
            Rule::Lot => "lot",
            Rule::MaxQty => "max_qty",
            Rule::MaxNotional => "max_notional",
            Rule::PriceBand => "price_band",
            Rule::PositionLong => "position_long",
            Rule::PositionShort => "position_short",
            Rule::OpenOrders => "open_orders",
            Rule::Gross => "gross",
            Rule::Net => "net",
            Rule::Rate => "rate",
            Rule::PerSecond => "per_second",
            Rule::PerDay => "per_day",
            Rule::Duplicate => "duplicate",
            Rule::SelfMatch => "self_match",
            Rule::Held => "held",
        }
    }

    /// Whether it is a card rule.
    #[inline]
    pub const fn is_card(self) -> bool {
        self as u8 >= Rule::Range as u8 && self as u8 <= Rule::SelfMatch as u8
    }
}

/// The set of rules that refused an intent; empty means pass.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Rejects(pub u64);

impl Rejects {
    /// No rule refused.
    pub const NONE: Rejects = Rejects(0);

    /// Adds `rule` when `refused`; branch-free.
    #[inline]
    #[must_use]
    pub const fn with(self, rule: Rule, refused: bool) -> Rejects {
        Rejects(self.0 | ((refused as u64) << rule as u8))
    }

    /// Whether no rule refused.
    #[inline]
    pub const fn is_pass(self) -> bool {
        self.0 == 0
    }

    /// Whether `rule` refused.
    #[inline]
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// The rules that refused, in order.
    pub fn rules(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(move |rule| self.has(*rule))
    }
}

impl fmt::Debug for Rejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.rules().map(Rule::name)).finish()
    }
}

/// Proof that a gate passed `T`. There is no way to make one but [`GateKey::clear`], and no way to
/// change what is inside.
///
/// ```compile_fail
/// let forged = nofx_gate::Cleared { value: 1 };
/// ```
/// ```compile_fail
/// fn copy_of(key: &nofx_gate::GateKey) -> nofx_gate::GateKey { key.clone() }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a cleared order that is not sent still counts as open exposure"]
pub struct Cleared<T> {
    value: T,
}

impl<T> Cleared<T> {
    /// What was cleared.
    #[inline]
    pub fn get(&self) -> &T {
        &self.value
    }
}

/// The right to clear. One per gate, issued by the application.
#[derive(Debug)]
pub struct GateKey {
    _private: (),
}

impl GateKey {
    /// Issues a key. Only the application (and tests) may call this: the house test
    /// `imports_point_one_way` reads the sources for it.
    pub const fn issue() -> GateKey {
        GateKey { _private: () }
    }

    /// Marks `value` as passed by the holder of this key.
    #[inline]
    pub fn clear<T>(&self, value: T) -> Cleared<T> {
        Cleared { value }
    }
}

/// The gate's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// May be sent.
    Pass(Cleared<OrderIntent>),
    /// Refused, and by which rules.
    Reject(OrderIntent, Rejects),
}

/// What a kill stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KillScope {
    /// Every order.
    Global,
    /// Orders of one account.
    Account(AccountId),
    /// Orders in one symbol.
    Symbol(InstrumentId),
}

impl KillScope {
    /// Whether it stops orders of `account` in `symbol`.
    #[inline]
    pub fn covers(self, account: AccountId, symbol: InstrumentId) -> bool {
        match self {
            KillScope::Global => true,
            KillScope::Account(killed) => killed == account,
            KillScope::Symbol(killed) => killed == symbol || killed == InstrumentId::ALL,
        }
    }

    /// The rule that refuses because of it.
    #[inline]
    pub const fn rule(self) -> Rule {
        match self {
            KillScope::Global => Rule::KillGlobal,
            KillScope::Account(_) => Rule::KillAccount,
            KillScope::Symbol(_) => Rule::KillSymbol,
        }
    }
}

/// The gate took no intent: too many are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// A gate failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Verdicts it gave before.
    pub verdicts: u64,
    /// Why, as a code that who built the gate can name.
    pub why: u8,
}

/// A risk gate. A slow answer (a card) and an instant one (software) look alike: verdicts come out
/// of [`Gate::poll`], in the order of submission.
pub trait Gate {
    /// Hands an intent over for judgement; its exposure is reserved if it passes.
    fn submit(&mut self, intent: &OrderIntent) -> Result<(), Busy>;

    /// The next verdict, if one is ready.
    fn poll(&mut self) -> Option<Verdict>;

    /// An instrument was defined: its limits follow from it. Start-up and rare: may be slow.
    fn on_definition(&mut self, instrument: &Instrument);

    /// An instrument was halted by its venue, or trades again.
    fn on_halt(&mut self, instrument: InstrumentId, halted: bool);

    /// A kill was engaged or released. One that names what the gate does not have changes nothing:
    /// such orders are refused anyway.
    fn on_kill(&mut self, scope: KillScope, engaged: bool);

    /// The fencing epoch was raised: orders stamped with an older one are refused from here on.
    fn on_epoch(&mut self, epoch: u32);

    /// An order that was cleared and sent before a restart: its exposure is reserved again without
    /// judgement, since it may rest at the venue whatever the limits say today.
    fn restore(&mut self, sent: &OrderIntent);

    /// Moves or releases exposure: fills, cancels, rejects, replaces. Updates of kind
    /// `RefusedByGate` never reserved anything and must not be reported here.
    fn on_update(&mut self, update: &OrderUpdate);

    /// Whether this gate has failed for good: then new orders and replacements are refused by
    /// [`Rule::KillGlobal`] and cancels pass, so that what is open can be cancelled. A gate in software
    /// does not fail.
    fn failed(&self) -> Option<Failed> {
        None
    }

    /// Says that the host lives, to a gate that wants to hear it. Called whenever the time is taken.
    fn heartbeat(&mut self) {}
}
