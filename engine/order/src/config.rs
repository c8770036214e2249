//! What an order session needs to know; the section `[session]` of the configuration file.

use std::fmt;

use nofx_types::AccountId;

/// Order entry protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// OUCH 5.0.
    #[default]
    Ouch50,
    /// OUCH 4.2.
    Ouch42,
}

/// One order session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderConfig {
    /// OUCH version.
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
    /// New orders and replaces in any `throttle_window_ns`; 0 sets no limit. Cancels count and are
    /// never held.
    pub throttle_max: u32,
    /// Window of `throttle_max`.
    pub throttle_window_ns: u64,
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
            throttle_max: 0,
            throttle_window_ns: 1_000_000_000,
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
        const TEXT: [&str; 4] = [
            "printable ASCII of at most 6 characters",
            "printable ASCII of at most 10 characters",
            "printable ASCII of at most 4 characters",
            "printable ASCII of at most 10 characters",
        ];
        text("session.username", &self.username, 6, TEXT[0])?;
        text("session.password", &self.password, 10, TEXT[1])?;
        text("session.firm", &self.firm, 4, TEXT[2])?;
        text("session.session", &self.session, 10, TEXT[3])?;
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
        unless(window, "session.throttle_window_ns", self.throttle_window_ns, want)
    }
}

fn unless(
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

fn text(
    key: &'static str,
    value: &str,
    most: usize,
    expected: &'static str,
) -> Result<(), ConfigError> {
    let good = value.len() <= most && value.bytes().all(|b| b.is_ascii_graphic());
    unless(good, key, format!("{value:?}"), expected)
}
