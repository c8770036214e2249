//! [`Happening`]: what a venue has to say, one variant for each of the 23 messages of ITCH 5.0.
//!
//! Source: `wire::itch`, where each message's layout stands. Prices are in 1/10,000 and as wide as
//! on the wire; a variant holds what the message says beyond locate, tracking number and time.

use nofx_types::{Side, Symbol};
use nofx_wire::itch;
use nofx_wire::num::{Be16, Be48};

/// A message to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// `S`: a boundary of the day.
    System { code: u8 },
    /// `R`: names a locate.
    Directory { symbol: Symbol, market: u8, lot: u32, ipo: u8, luld_tier: u8, etp: u8 },
    /// `H`: trading state of a symbol (`H`, `P`, `Q`, `T`) and why.
    Trading { symbol: Symbol, state: u8, reason: [u8; 4] },
    /// `Y`: short-sale price test.
    RegSho { symbol: Symbol, action: u8 },
    /// `L`: a firm makes a market in the symbol.
    Participant { mpid: [u8; 4], symbol: Symbol, primary: u8 },
    /// `V`: levels of the market-wide breaker, in 1e-8.
    BreakerLevels { levels: [u64; 3] },
    /// `W`: a level of the market-wide breaker was hit.
    BreakerHit { level: u8 },
    /// `K`: release of a new listing's quotation.
    QuotingPeriod { symbol: Symbol, release_s: u32, qualifier: u8, price: u32 },
    /// `J`: collars of the auction that ends a volatility pause.
    Collar { symbol: Symbol, reference: u32, upper: u32, lower: u32, extensions: u32 },
    /// `h`: halt on this market only (`H`, `T`).
    OperationalHalt { symbol: Symbol, market: u8, action: u8 },
    /// `A`, or `F` where a firm signs it: an order joined the book.
    Add { order: u64, side: Side, shares: u32, symbol: Symbol, price: u32, mpid: Option<[u8; 4]> },
    /// `E`: filled at the order's price.
    Executed { order: u64, shares: u32, match_number: u64 },
    /// `C`: filled at a price of its own; not printable where a cross carries the volume.
    ExecutedAt { order: u64, shares: u32, match_number: u64, printable: bool, price: u32 },
    /// `X`: shares taken off.
    Canceled { order: u64, shares: u32 },
    /// `D`: the order is gone.
    Deleted { order: u64 },
    /// `U`: the order made way for another.
    Replaced { order: u64, new_order: u64, shares: u32, price: u32 },
    /// `P`: a fill of hidden liquidity.
    Trade { shares: u32, symbol: Symbol, price: u32, match_number: u64 },
    /// `Q`: the volume of a cross.
    Cross { shares: u64, symbol: Symbol, price: u32, match_number: u64, cross: u8 },
    /// `B`: a match is taken back.
    Broken { match_number: u64 },
    /// `I`: imbalance before a cross.
    Imbalance { paired: u64, imbalance: u64, direction: u8, symbol: Symbol, price: u32, cross: u8 },
    /// `N`: retail interest.
    Retail { symbol: Symbol, interest: u8 },
    /// `O`: price range of a direct listing's opening.
    DirectListing { symbol: Symbol, low: u32, high: u32, near: u32, near_time: u64 },
}

/// What every message carries besides its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub locate: u16,
    pub tracking: u16,
    pub ts_ns: u64,
}

/// Room for the longest message.
pub(crate) type Buffer = [u8; itch::LENGTH_MAX];

/// Puts a record into the buffer: the common fields from the stamp, the rest as listed.
macro_rules! put {
    ($buffer:ident, $stamp:ident, $name:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let record = itch::$name {
            kind: itch::$name::KIND,
            stock_locate: Be16::new($stamp.locate),
            tracking: Be16::new($stamp.tracking),
            ts_ns: Be48::new($stamp.ts_ns),
            $($field: $value.into(),)*
        };
        copy($buffer, record.bytes())
    }};
}

fn copy<'a>(buffer: &'a mut Buffer, bytes: &[u8]) -> &'a [u8] {
    let (message, _) = buffer.split_at_mut(bytes.len());
    message.copy_from_slice(bytes);
    message
}

impl Happening {
    /// The message, in `buffer`.
    #[inline]
    pub(crate) fn encode<'a>(&self, s: Stamp, buffer: &'a mut Buffer) -> &'a [u8] {
        match *self {
            Happening::Add { order, side, shares, symbol, price, mpid: None } => {
                let side = itch::indicator_of(side);
                put!(
                    buffer,
                    s,
                    AddOrder {
                        order_ref: order,
                        side: side,
                        shares: shares,
                        stock: symbol.0,
                        price_e4: price,
                    }
                )
            }
            Happening::Add { order, side, shares, symbol, price, mpid: Some(mpid) } => {
                let side = itch::indicator_of(side);
                put!(
                    buffer,
                    s,
                    AddOrderMpid {
                        order_ref: order,
                        side: side,
                        shares: shares,
                        stock: symbol.0,
                        price_e4: price,
                        mpid: mpid,
                    }
                )
            }
            Happening::Executed { order, shares, match_number } => {
                put!(
                    buffer,
                    s,
                    OrderExecuted { order_ref: order, shares: shares, match_number: match_number }
                )
            }
            Happening::ExecutedAt { order, shares, match_number, printable, price } => {
                put!(
                    buffer,
                    s,
                    OrderExecutedWithPrice {
                        order_ref: order,
                        shares: shares,
                        match_number: match_number,
                        printable: yes_no(printable),
                        price_e4: price,
                    }
                )
            }
            Happening::Canceled { order, shares } => {
                put!(buffer, s, OrderCancel { order_ref: order, shares: shares })
            }
            Happening::Deleted { order } => put!(buffer, s, OrderDelete { order_ref: order }),
            Happening::Replaced { order, new_order, shares, price } => {
                put!(
                    buffer,
                    s,
                    OrderReplace {
                        order_ref: order,
                        new_order_ref: new_order,
                        shares: shares,
                        price_e4: price,
                    }
                )
            }
            Happening::Trade { shares, symbol, price, match_number } => {
                put!(
                    buffer,
                    s,
                    Trade {
                        order_ref: 0u64,
                        side: b'B',
                        shares: shares,
                        stock: symbol.0,
                        price_e4: price,
                        match_number: match_number,
                    }
                )
            }
            Happening::Cross { shares, symbol, price, match_number, cross } => {
                put!(
                    buffer,
                    s,
                    CrossTrade {
                        shares: shares,
                        stock: symbol.0,
                        price_e4: price,
                        match_number: match_number,
                        cross_type: cross,
                    }
                )
            }
            Happening::Broken { match_number } => {
                put!(buffer, s, BrokenTrade { match_number: match_number })
            }
            Happening::Imbalance { paired, imbalance, direction, symbol, price, cross } => {
                put!(
                    buffer,
                    s,
                    Noii {
                        paired_shares: paired,
                        imbalance_shares: imbalance,
                        imbalance_direction: direction,
                        stock: symbol.0,
                        far_price_e4: price,
                        near_price_e4: price,
                        reference_price_e4: price,
                        cross_type: cross,
                        price_variation: b'L',
                    }
                )
            }
            Happening::Retail { symbol, interest } => {
                put!(buffer, s, Rpii { stock: symbol.0, interest_flag: interest })
            }
            Happening::System { code } => put!(buffer, s, SystemEvent { event_code: code }),
            Happening::Directory { symbol, market, lot, ipo, luld_tier, etp } => {
                put!(
                    buffer,
                    s,
                    StockDirectory {
                        stock: symbol.0,
                        market_category: market,
                        financial_status: b'N',
                        round_lot_size: lot,
                        round_lots_only: b'N',
                        issue_classification: b'C',
                        issue_sub_type: *b"Z ",
                        authenticity: b'P',
                        short_sale_threshold: b'N',
                        ipo_flag: ipo,
                        luld_tier: luld_tier,
                        etp_flag: etp,
                        etp_leverage: 0u32,
                        inverse: b'N',
                    }
                )
            }
            Happening::Trading { symbol, state, reason } => {
                put!(
                    buffer,
                    s,
                    TradingAction {
                        stock: symbol.0,
                        trading_state: state,
                        reserved: b' ',
                        reason: reason,
                    }
                )
            }
            Happening::RegSho { symbol, action } => {
                put!(buffer, s, RegSho { stock: symbol.0, action: action })
            }
            Happening::Participant { mpid, symbol, primary } => {
                put!(
                    buffer,
                    s,
                    ParticipantPosition {
                        mpid: mpid,
                        stock: symbol.0,
                        primary_market_maker: primary,
                        market_maker_mode: b'N',
                        participant_state: b'A',
                    }
                )
            }
            Happening::BreakerLevels { levels: [one, two, three] } => {
                put!(buffer, s, MwcbDecline { level_1_e8: one, level_2_e8: two, level_3_e8: three })
            }
            Happening::BreakerHit { level } => {
                put!(buffer, s, MwcbStatus { breached_level: level })
            }
            Happening::QuotingPeriod { symbol, release_s, qualifier, price } => {
                put!(
                    buffer,
                    s,
                    QuotingPeriod {
                        stock: symbol.0,
                        release_time_s: release_s,
                        release_qualifier: qualifier,
                        ipo_price_e4: price,
                    }
                )
            }
            Happening::Collar { symbol, reference, upper, lower, extensions } => {
                put!(
                    buffer,
                    s,
                    LuldCollar {
                        stock: symbol.0,
                        reference_price_e4: reference,
                        upper_price_e4: upper,
                        lower_price_e4: lower,
                        extension_cnt: extensions,
                    }
                )
            }
            Happening::OperationalHalt { symbol, market, action } => {
                put!(
                    buffer,
                    s,
                    OperationalHalt { stock: symbol.0, market_code: market, action: action }
                )
            }
            Happening::DirectListing { symbol, low, high, near, near_time } => {
                put!(
                    buffer,
                    s,
                    DirectListing {
                        stock: symbol.0,
                        open_eligibility: b'Y',
                        min_price_e4: low,
                        max_price_e4: high,
                        near_price_e4: near,
                        near_time: near_time,
                        lower_collar_e4: low,
                        upper_collar_e4: high,
                    }
                )
            }
        }
    }
}

const fn yes_no(yes: bool) -> u8 {
    if yes { b'Y' } else { b'N' }
}
