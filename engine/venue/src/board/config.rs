//! Configuration of a board: every key with a default, unknown keys refused.

use nofx_types::Market;
use serde::Deserialize;

/// A board of one market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoardConfig {
    /// Which market: `sse`, `szse`, `hkex`.
    pub market: String,
    /// Seed of everything drawn.
    pub seed: u64,
    /// The securities, most active first.
    pub securities: Vec<SecurityConfig>,
    /// Orders that rest at one time, all books together; also the number of price levels.
    pub orders: u32,
    /// Whether [`super::What::Level`] follows each change of a book.
    pub levels: bool,
}

impl Default for BoardConfig {
    fn default() -> Self {
        BoardConfig {
            market: Market::Szse.name().into(),
            seed: 1,
            securities: Vec::new(),
            orders: 100_000,
            levels: false,
        }
    }
}

/// One security.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// Its code: six digits, in Hong Kong up to five without leading zeros.
    pub symbol: String,
    /// The channel that carries it.
    pub channel: u16,
    /// Previous close as decimal text.
    pub previous_close: String,
    /// Shares of a board lot; 0 for the market's (Hong Kong has none and must say).
    pub lot: u32,
}

impl Default for SecurityConfig {
    fn default() -> Self {
        SecurityConfig { symbol: String::new(), channel: 1, previous_close: "10.00".into(), lot: 0 }
    }
}
