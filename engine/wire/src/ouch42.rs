//! Nasdaq OUCH 4.2: the order entry that 5.0 replaces. Fixed layouts, no optional fields, 14-byte
//! order tokens, u32 prices with four decimals, time in force in seconds.
//!
//! The specification could not be read. Field order comes from two public sources: the
//! Open-Markets-Initiative wireshark dissector `Nasdaq_NsmEquities_Orders_Ouch_v4_2` and the structs
//! of a C++ client (namespace `i01::OE::NASDAQ::OUCH42`). "One source" marks what only the
//! dissector has. Letters of side, display, capacity, cross, state, cancel reasons and liquidity
//! flags are those of [`crate::ouch50::codes`].
//!
//! | in | name | bytes | | out | name | bytes |
//! |---|---|---|---|---|---|---|
//! | `O` | [`EnterOrder`] | 49 | | `S` | [`SystemEvent`] | 10 |
//! | `U` | [`ReplaceOrder`] | 47 | | `A` | [`Accepted`] | 66 |
//! | `X` | [`CancelOrder`] | 19 | | `U` | [`Replaced`] | 80 |
//! | `M` | [`ModifyOrder`] | 20 | | `C` | [`Canceled`] | 28 |
//! | `N` | [`TradeNow`], one source | 15 | | `D` | [`AiqCanceled`] | 37 |
//! | | | | | `E` | [`Executed`] | 40 |
//! | | | | | `G` | [`ExecutedReference`], one source | 45 |
//! | | | | | `B` | [`Broken`] | 32 |
//! | | | | | `F` | [`Correction`], one source | 41 |
//! | | | | | `J` | [`Rejected`] | 24 |
//! | | | | | `P` | [`CancelPending`] | 23 |
//! | | | | | `I` | [`CancelReject`] | 23 |
//! | | | | | `T` | [`PriorityUpdate`] | 36 |
//! | | | | | `M` | [`Modified`] | 28 |
//! | | | | | `N` | [`TradeNowAck`], one source | 23 |

pub mod client;
mod inbound;
mod outbound;

pub use crate::ouch50::OuchError;
pub use inbound::{CancelOrder, EnterOrder, Inbound, ModifyOrder, ReplaceOrder, TradeNow};
pub use outbound::{
    Accepted, AiqCanceled, Broken, CancelPending, CancelReject, Canceled, Correction, Executed,
    ExecutedReference, Modified, Outbound, PriorityUpdate, Rejected, Replaced, SystemEvent,
    TradeNowAck,
};

/// An order token: text of the client, unique in the day.
pub type Token = [u8; 14];

/// Time in force, in seconds or one of these.
pub mod tif {
    /// Immediate or cancel.
    pub const IOC: u32 = 0;
    /// Until the end of market hours.
    pub const MARKET_HOURS: u32 = 99_998;
    /// Until the end of system hours.
    pub const SYSTEM_HOURS: u32 = 99_999;
}

/// Highest limit price, $199,999.9900 (one source).
pub const PRICE_MAX: u32 = 0x7735_939c;
/// Price that asks for a market order in a cross (one source).
pub const MARKET_PRICE: u32 = 0x7fff_ffff;

/// Why an order was refused (one source).
pub mod reject {
    /// Test mode.
    pub const TEST: u8 = b'T';
    /// Halted.
    pub const HALTED: u8 = b'H';
    /// More shares than the safety threshold.
    pub const SHARES: u8 = b'Z';
    /// Wrong symbol.
    pub const SYMBOL: u8 = b'S';
    /// Wrong display code.
    pub const DISPLAY: u8 = b'D';
    /// Market closed.
    pub const CLOSED: u8 = b'C';
    /// Wrong price.
    pub const PRICE: u8 = b'X';
    /// Other.
    pub const OTHER: u8 = b'O';

    /// Short name for reports; lower-case letters are pre-trade risk.
    pub const fn name(reason: u8) -> &'static str {
        match reason {
            TEST => "test",
            HALTED => "halted",
            SHARES => "shares_exceed_threshold",
            SYMBOL => "symbol",
            DISPLAY => "display",
            CLOSED => "closed",
            b'L' => "firm_not_authorised",
            b'M' => "outside_times",
            b'R' => "cross_order",
            PRICE => "price",
            b'N' => "min_qty",
            OTHER => "other",
            b'a'..=b'n' => "risk",
            _ => "unknown",
        }
    }
}

/// The token that carries `id`: ten digits and four spaces, so that it is patched in place and read
/// back without a table.
#[inline]
pub const fn token(id: u32) -> Token {
    let mut token = [b' '; 14];
    let (mut left, mut place) = (id, 10);
    while place > 0 {
        place -= 1;
        token[place] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    token
}

/// The id that [`token`] wrote; `None` for any other text.
#[inline]
pub fn token_id(token: &Token) -> Option<u32> {
    let (digits, padding) = token.split_first_chunk::<10>()?;
    if padding != b"    " {
        return None;
    }
    digits.iter().try_fold(0u32, |id, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        id.checked_mul(10)?.checked_add(digit)
    })
}
