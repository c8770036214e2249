//! What an order session needs to know; the section `[session]` of the configuration file.

use std::fmt;

use nofx_types::AccountId;

mod venues;

pub use venues::{OcgConfig, TdgwConfig, TgwConfig};

/// Order entry protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Protocol {
    /// OUCH 5.0.
    #[default]
    Ouch50,
    /// OUCH 4.2.
    Ouch42,
    /// HKEX OCG-C binary.
    Ocg,
    /// Shenzhen trading gateway, binary.
    Tgw,
    /// Shanghai trading gateway, binary.
    Tdgw,
}

impl Protocol {
    /// Whether the layout of its messages rests on a single public source.
    pub fn is_experimental(self) -> bool {
        matches!(self, Protocol::Tgw | Protocol::Tdgw)
    }

    /// Whether an order can say that it must not take liquidity.
    pub fn has_post_only(self) -> bool {
        matches!(self, Protocol::Ouch50 | Protocol::Ouch42)
    }

    /// The most that a login can prove with it.
    pub fn reconcile(self) -> Reconcile {
        if self.says_what_arrived() { Reconcile::Query } else { Reconcile::Quiet }
    }

    /// Whether its venue says at a login, or when asked, which of our orders arrived.
    pub(crate) fn says_what_arrived(self) -> bool {
        matches!(self, Protocol::Ouch50 | Protocol::Ocg)
    }

    /// Whether cancels have ids of their own.
    pub(crate) fn names_cancels(self) -> bool {
        !matches!(self, Protocol::Ouch50 | Protocol::Ouch42)
    }

    /// Whether reports go to every session of the same unit, so that one can stand in for another.
    pub(crate) fn shares_reports(self) -> bool {
        matches!(self, Protocol::Tgw | Protocol::Tdgw)
    }
}

/// What must be proven after a login before a new order goes out; see [`crate::SessionState`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reconcile {
    /// Nothing: the login suffices. For a venue in the same process, whose connection never breaks.
    Off,
    /// The venue says which of our orders arrived, behind the reports that were missed: OUCH 5.0 in
    /// its answer to an account query, OCG-C in its answer to the login.
    #[default]
    Query,
    /// OUCH 4.2, TGW and TDGW cannot be asked: no report for `reconcile_quiet_ns` (with the mainland's
    /// gateways, once their reports are synchronised), and every order answered. That all
    /// missed reports have come by then is likely and not proven, and whether an unanswered order
    /// arrived cannot be known: one that stays unanswered stops trading.
    Quiet,
}

/// One order session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderConfig {
    /// Order entry protocol.
    pub protocol: Protocol,
    /// At most six characters.
    pub username: String,
    /// At most ten characters.
    pub password: String,
    /// MPID, at most four characters. OUCH 4.2 sends it; 5.0 leaves it to the port.
    pub firm: String,
    /// Session wanted at the first login, at most ten characters; empty takes the current one.
    pub session: String,
    /// First sequenced message wanted at the first login: 1 is all of the day, 0 only new ones.
    pub sequence: u64,
    /// `A` agency, `P` principal, `R` riskless principal, `O` other.
    pub capacity: char,
    /// Instruments `0..instruments` may be traded.
    pub instruments: u32,
    /// Orders that may be open or in flight; a power of two up to 2^24. An id whose row is still
    /// taken by an older order is refused.
    pub orders_max: u32,
    /// Fills remembered for broken and corrected trades and to know a fill told twice; up to 2^24.
    pub fills_max: u32,
    /// A heartbeat after so much silence of ours; 0 sends none.
    pub heartbeat_ns: u64,
    /// The session is given up after so much silence of the server; 0 waits for ever.
    pub silence_ns: u64,
    /// What a login must prove before a new order goes out.
    pub reconcile: Reconcile,
    /// Silence of the venue that [`Reconcile::Quiet`] takes for the end of the missed reports.
    pub reconcile_quiet_ns: u64,
    /// An answer that reconciliation needs is given up, and trading stays stopped, after so much
    /// silence of the venue.
    pub reconcile_wait_ns: u64,
    /// The venue cancels our orders when the connection ends: those that are open after a login all
    /// the same are counted as `still_open`.
    pub cancel_on_disconnect: bool,
    /// Hands out orders that never arrived again, under their old ids, instead of releasing them.
    pub resend: bool,
    /// Orders older than this are released and not handed out again.
    pub resend_age_ns: u64,
    /// Cancels of an order or replacement that is not yet answered are sent: they follow it on the
    /// wire. Off, they are refused until the answer.
    pub cancel_in_flight: bool,
    /// First wait between two attempts to connect; doubled by each, up to `retry_max_ns`.
    pub retry_min_ns: u64,
    /// Longest wait between two attempts to connect.
    pub retry_max_ns: u64,
    /// Reject reason by which the venue says that its throttle held the order (OUCH 4.2: the letter):
    /// nothing is sent for one `throttle_window_ns` then. 0: it has none.
    pub throttle_reason: u16,
    /// New orders and replaces in any `throttle_window_ns`; 0 sets no limit. Cancels count and are
    /// never held.
    pub throttle_max: u32,
    /// Window of `throttle_max`.
    pub throttle_window_ns: u64,
    /// OCG-C: what it needs besides.
    pub ocg: OcgConfig,
    /// TGW: what it needs besides.
    pub tgw: TgwConfig,
    /// TDGW: what it needs besides.
    pub tdgw: TdgwConfig,
    /// TGW and TDGW: a second session cancels orders while the first is down.
    pub rescue: bool,
    /// The second session cancels all open orders when the first has been down for so long; 0 leaves
    /// that to the kill switch.
    pub rescue_after_ns: u64,
    /// Account of every order of the session.
    pub account: AccountId,
    /// Fencing epoch that orders are stamped with.
    pub epoch: u32,
}

impl Default for OrderConfig {
    fn default() -> OrderConfig {
        OrderConfig {
            protocol: Protocol::Ouch50,
            username: "NOFX".into(),
            password: "NOFX".into(),
            firm: "NOFX".into(),
            session: String::new(),
            sequence: 1,
            capacity: 'P',
            instruments: 16_384,
            orders_max: 65_536,
            fills_max: 65_536,
            heartbeat_ns: nofx_wire::soup::HEARTBEAT_NS,
            silence_ns: nofx_wire::soup::SILENCE_NS,
            reconcile: Reconcile::Query,
            reconcile_quiet_ns: 1_000_000_000,
            reconcile_wait_ns: 5_000_000_000,
            cancel_on_disconnect: false,
            resend: false,
            resend_age_ns: 1_000_000_000,
            cancel_in_flight: false,
            retry_min_ns: 100_000_000,
            retry_max_ns: 10_000_000_000,
            throttle_reason: 0,
            throttle_max: 0,
            throttle_window_ns: 1_000_000_000,
            ocg: OcgConfig::default(),
            tgw: TgwConfig::default(),
            tdgw: TdgwConfig::default(),
            rescue: false,
            rescue_after_ns: 2_000_000_000,
            account: AccountId(0),
            epoch: 0,
        }
    }
}

/// A value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as in `session.orders_max`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What would be right.
    pub expected: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, expected {}", self.key, self.value, self.expected)
    }
}

impl std::error::Error for ConfigError {}

impl OrderConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first key whose value cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.protocol {
            Protocol::Ouch50 | Protocol::Ouch42 => self.check_ouch()?,
            Protocol::Ocg => self.ocg.check()?,
            Protocol::Tgw => self.tgw.check()?,
            Protocol::Tdgw => self.tdgw.check()?,
        }
        let capacity = matches!(self.capacity, 'A' | 'P' | 'R' | 'O');
        unless(capacity, "session.capacity", self.capacity, "A, P, R or O")?;
        let instruments = (1..=1 << 20).contains(&self.instruments);
        unless(instruments, "instruments.capacity", self.instruments, "1 to 1048576")?;
        let orders = self.orders_max.is_power_of_two() && self.orders_max <= 1 << 24;
        unless(orders, "session.orders_max", self.orders_max, "a power of two up to 16777216")?;
        let fills = (1..=1 << 24).contains(&self.fills_max);
        unless(fills, "session.fills_max", self.fills_max, "1 to 16777216")?;
        let window = self.throttle_max == 0
            || (u64::from(self.throttle_max)..=1 << 50).contains(&self.throttle_window_ns);
        let want = "from throttle_max to 2^50 nanoseconds";
        unless(window, "session.throttle_window_ns", self.throttle_window_ns, want)?;
        self.check_recovery()
    }

    fn check_ouch(&self) -> Result<(), ConfigError> {
        text("session.username", &self.username, 6)?;
        text("session.password", &self.password, 10)?;
        text("session.firm", &self.firm, 4)?;
        text("session.session", &self.session, 10)
    }

    fn check_recovery(&self) -> Result<(), ConfigError> {
        let asks = self.reconcile != Reconcile::Query || self.protocol.says_what_arrived();
        let want = "quiet or off: the venue cannot be asked which orders arrived";
        unless(asks, "session.reconcile", format!("{:?}", self.reconcile), want)?;
        let again = !self.resend || self.reconcile == Reconcile::Query;
        let want = "false: only a query proves that an order never arrived";
        unless(again, "session.resend", self.resend, want)?;
        let some = "more than 0 nanoseconds";
        let (quiet, wait) = (self.reconcile_quiet_ns, self.reconcile_wait_ns);
        unless(quiet > 0, "session.reconcile_quiet_ns", quiet, some)?;
        unless(wait > 0, "session.reconcile_wait_ns", wait, some)?;
        unless(self.retry_min_ns > 0, "session.retry_min_ns", self.retry_min_ns, some)?;
        let shared = !self.rescue || self.protocol.shares_reports();
        let want = "absent: a second session stands in for the first with tgw and tdgw only";
        unless(shared, "session.rescue", self.rescue, want)?;
        let rises = self.retry_max_ns >= self.retry_min_ns;
        unless(rises, "session.retry_max_ns", self.retry_max_ns, "retry_min_ns or more")
    }
}

pub(super) fn unless(
    good: bool,
    key: &'static str,
    value: impl fmt::Display,
    expected: &'static str,
) -> Result<(), ConfigError> {
    match good {
        true => Ok(()),
        false => Err(ConfigError { key, value: value.to_string(), expected }),
    }
}

pub(super) fn text(key: &'static str, value: &str, most: usize) -> Result<(), ConfigError> {
    let good = value.len() <= most && value.bytes().all(|b| b.is_ascii_graphic());
    unless(good, key, format!("{value:?}"), at_most(most))
}

fn at_most(most: usize) -> &'static str {
    macro_rules! say {
        ($($n:literal)*) => {
            match most {
                $($n => concat!("printable ASCII of at most ", $n, " characters"),)*
                _ => "printable ASCII, no longer than its field",
            }
        };
    }
    say!(2 4 6 8 10 11 12 13 16 20 32)
}
