//! Single messages: board facts in the fields of OMD-C 1.45.

use nofx_types::{Nanos, OrderRef, Price, Pricing, Side};
use nofx_wire::omdc::{
    self, AddOddLotOrder, AddOrder, ClosingPrice, DeleteOddLotOrder, DeleteOrder, IndicativePrice,
    MarketDefinition, ModifyOrder, NominalPrice, OrderImbalance, ReferencePrice,
    SecurityDefinition, SecurityStatus, Statistics, Trade, TradeCancel, TradingSessionStatus,
    VcmTrigger, order_type, session, session_status_group as group, suspension, trade_type,
};

use crate::board::{Auction, Place, Security, Stage, Totals};

/// What `order_book_position` counts; the public documents do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Rank in the price level, the head is 1.
    #[default]
    #[serde(rename = "level_rank_1based")]
    Level1,
    /// Rank in the price level, the head is 0.
    #[serde(rename = "level_rank_0based")]
    Level0,
    /// Rank on the side, the head is 1.
    #[serde(rename = "side_rank_1based")]
    Side1,
    /// Rank on the side, the head is 0.
    #[serde(rename = "side_rank_0based")]
    Side0,
}

impl Position {
    /// The field for an order with so many orders before it in its level and on its side.
    pub const fn of(self, in_level: u32, in_side: u32) -> i32 {
        match self {
            Position::Level1 => in_level as i32 + 1,
            Position::Level0 => in_level as i32,
            Position::Side1 => in_side as i32 + 1,
            Position::Side0 => in_side as i32,
        }
    }
}

/// A price with three decimals; what does not fit is 0, and no rule file allows such prices.
pub fn e3(price: Price) -> i32 {
    i32::try_from(price.0 / 10).unwrap_or(0)
}

/// The numeric code of a security.
pub fn code(security: &Security) -> u32 {
    security.symbol.as_str().parse().unwrap_or(0)
}

const YES: u8 = b'Y';
const NO: u8 = b'N';

/// 10: the market that all securities of a channel belong to.
pub fn market(market: [u8; 4], securities: u32) -> MarketDefinition {
    MarketDefinition {
        market_code: market,
        market_name: omdc::text("MAIN BOARD"),
        currency_code: *b"HKD",
        number_of_securities: securities.into(),
        ..MarketDefinition::blank()
    }
}

/// 11: a security; text fields that say nothing are spaces, numbers 0.
pub fn definition(
    security: &Security,
    market: [u8; 4],
    limits: (Price, Price),
) -> SecurityDefinition {
    let name = security.symbol.as_str();
    let limited = limits.1.0 > 0;
    SecurityDefinition {
        security_code: code(security).into(),
        market_code: market,
        isin_code: [b' '; 12],
        instrument_type: *b"EQTY",
        product_type: 1,
        spread_table_code: *b"01",
        security_short_name: omdc::text(name),
        currency_code: *b"HKD",
        security_name_gccs: omdc::wide_text(name),
        security_name_gb: omdc::wide_text(name),
        lot_size: security.lot.into(),
        previous_closing_price_e3: e3(security.previous_close).into(),
        vcm_flag: YES,
        short_sell_flag: YES,
        cas_flag: YES,
        ccass_flag: YES,
        dummy_security_flag: NO,
        stamp_duty_flag: YES,
        free_text: [b' '; 38],
        pos_flag: YES,
        pos_upper_limit_e3: if limited { e3(limits.1) } else { 0 }.into(),
        pos_lower_limit_e3: if limited { e3(limits.0) } else { 0 }.into(),
        efn_flag: b' ',
        face_value_currency: [b' '; 3],
        investor_type: b' ',
        call_put_flag: b' ',
        style: b' ',
        warrant_type: b' ',
        ..SecurityDefinition::blank()
    }
}

/// 20: the market entered a stage.
pub fn stage(market: [u8; 4], stage: Stage, from: Nanos, to: Nanos) -> TradingSessionStatus {
    let (sub, status) = match stage {
        Stage::Before => (session::NOT_OPEN, group::UNKNOWN),
        Stage::OpeningCall => (session::ORDER_INPUT, group::PRE_OPEN),
        Stage::OpeningFixed => (session::NO_CANCEL, group::PRE_OPEN),
        Stage::OpeningRandom => (session::RANDOM_MATCHING, group::PRE_OPEN),
        Stage::Pause => (session::BLOCKING, group::PRE_OPEN),
        Stage::Continuous => (session::CONTINUOUS, group::OPEN),
        Stage::Break => (session::ORDER_CANCEL, group::OPEN),
        Stage::Fixing => (session::REFERENCE_FIXING, group::PRE_CLOSE),
        Stage::ClosingCall => (session::CAS_ORDER_INPUT, group::PRE_CLOSE),
        Stage::ClosingFixed => (session::CAS_NO_CANCEL, group::PRE_CLOSE),
        Stage::ClosingRandom => (session::RANDOM_CLOSE, group::PRE_CLOSE),
        Stage::Closed => (session::CLOSE, group::CLOSED),
        Stage::DayClosed => (session::DAY_CLOSE, group::DAY_CLOSED),
    };
    TradingSessionStatus {
        market_code: market,
        trading_session_sub_id: sub,
        trading_ses_status: status,
        trading_ses_control_flag: b'0',
        start_date_time: from.0.into(),
        end_date_time: to.0.into(),
        ..TradingSessionStatus::blank()
    }
}

/// 21: halted or resumed.
pub fn status(code: u32, halted: bool) -> SecurityStatus {
    SecurityStatus {
        security_code: code.into(),
        suspension_indicator: if halted { suspension::HALTED } else { suspension::RESUMED },
        ..SecurityStatus::blank()
    }
}

/// 23: a cooling-off began.
pub fn cooling(
    code: u32,
    (from, to): (Nanos, Nanos),
    [reference, low, high]: [Price; 3],
) -> VcmTrigger {
    VcmTrigger {
        security_code: code.into(),
        cooling_off_start_time: from.0.into(),
        cooling_off_end_time: to.0.into(),
        vcm_reference_price_e3: e3(reference).into(),
        vcm_lower_price_e3: e3(low).into(),
        vcm_upper_price_e3: e3(high).into(),
        ..VcmTrigger::blank()
    }
}

/// 30: an order rests.
pub fn add(code: u32, place: &Place, position: Position) -> AddOrder {
    let market = place.pricing != Pricing::Limit;
    AddOrder {
        security_code: code.into(),
        order_id: place.order.0.into(),
        price_e3: if market { 0 } else { e3(place.price) }.into(),
        quantity: place.qty.into(),
        side: omdc::code_of(place.side).into(),
        order_type: if market { order_type::MARKET } else { order_type::LIMIT },
        order_book_position: position.of(place.in_level, place.in_side).into(),
        ..AddOrder::blank()
    }
}

/// 31: an order shows another quantity.
pub fn modify(code: u32, order: OrderRef, side: Side, qty: u32, position: i32) -> ModifyOrder {
    ModifyOrder {
        security_code: code.into(),
        order_id: order.0.into(),
        quantity: qty.into(),
        side: omdc::code_of(side).into(),
        order_book_position: position.into(),
        ..ModifyOrder::blank()
    }
}

/// 32: an order left.
pub fn delete(code: u32, order: OrderRef, side: Side) -> DeleteOrder {
    DeleteOrder {
        security_code: code.into(),
        order_id: order.0.into(),
        side: omdc::code_of(side).into(),
        ..DeleteOrder::blank()
    }
}

/// 33: an odd lot is on offer; the broker is not told.
pub fn odd_lot(code: u32, order: OrderRef, side: Side, price: Price, qty: u32) -> AddOddLotOrder {
    AddOddLotOrder {
        security_code: code.into(),
        order_id: order.0.into(),
        price_e3: e3(price).into(),
        quantity: qty.into(),
        side: omdc::code_of(side).into(),
        ..AddOddLotOrder::blank()
    }
}

/// 34: it left.
pub fn odd_lot_gone(code: u32, order: OrderRef, side: Side) -> DeleteOddLotOrder {
    DeleteOddLotOrder {
        security_code: code.into(),
        order_id: order.0.into(),
        side: omdc::code_of(side).into(),
        ..DeleteOddLotOrder::blank()
    }
}

/// 40: the nominal price.
pub fn nominal(code: u32, price: Price) -> NominalPrice {
    NominalPrice {
        security_code: code.into(),
        nominal_price_e3: e3(price).into(),
        ..NominalPrice::blank()
    }
}

/// 41: what a call would end with, or ended with.
pub fn indicative(code: u32, auction: &Auction) -> IndicativePrice {
    IndicativePrice {
        security_code: code.into(),
        price_e3: e3(auction.price).into(),
        aggregate_quantity: auction.volume.into(),
        ..IndicativePrice::blank()
    }
}

/// 56: who finds nobody there.
pub fn imbalance(code: u32, auction: &Auction) -> OrderImbalance {
    let direction = match auction.side {
        _ if auction.price.0 == 0 => b' ',
        Some(Side::Buy) => b'B',
        Some(Side::Sell) => b'S',
        None => b'N',
    };
    OrderImbalance {
        security_code: code.into(),
        order_imbalance_direction: direction,
        order_imbalance_quantity: auction.imbalance.into(),
        ..OrderImbalance::blank()
    }
}

/// 43: the reference of the closing call.
pub fn reference(code: u32, [price, low, high]: [Price; 3]) -> ReferencePrice {
    ReferencePrice {
        security_code: code.into(),
        reference_price_e3: e3(price).into(),
        lower_price_e3: e3(low).into(),
        upper_price_e3: e3(high).into(),
        ..ReferencePrice::blank()
    }
}

/// 50: a trade.
pub fn trade(code: u32, id: u64, price: Price, qty: u32, auction: bool, at: Nanos) -> Trade {
    let kind = if auction { trade_type::AUCTION } else { trade_type::AUTOMATCH };
    Trade {
        security_code: code.into(),
        trade_id: (id as u32).into(),
        price_e3: e3(price).into(),
        quantity: qty.into(),
        trd_type: kind.into(),
        trade_time: at.0.into(),
        ..Trade::blank()
    }
}

/// 51: a trade was taken back.
pub fn trade_cancel(code: u32, id: u64) -> TradeCancel {
    TradeCancel { security_code: code.into(), trade_id: (id as u32).into(), ..TradeCancel::blank() }
}

/// 60: the day's sums.
pub fn statistics(code: u32, totals: &Totals) -> Statistics {
    let vwap = totals.turnover.checked_div(totals.volume).unwrap_or(0);
    Statistics {
        security_code: code.into(),
        shares_traded: totals.volume.into(),
        turnover_e3: i64::try_from(totals.turnover / 10).unwrap_or(i64::MAX).into(),
        high_price_e3: e3(totals.high).into(),
        low_price_e3: e3(totals.low).into(),
        last_price_e3: e3(totals.last).into(),
        vwap_e3: e3(Price(vwap as i64)).into(),
        ..Statistics::blank()
    }
}

/// 62: the closing price.
pub fn closing(code: u32, price: Price, trades: u64) -> ClosingPrice {
    ClosingPrice {
        security_code: code.into(),
        closing_price_e3: e3(price).into(),
        number_of_trades: u32::try_from(trades).unwrap_or(u32::MAX).into(),
        ..ClosingPrice::blank()
    }
}
