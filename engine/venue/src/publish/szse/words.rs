//! Single messages: board facts in the fields of Shenzhen's binary market data, as frames.

use nofx_types::{Level, Nanos, OrderRef, Price, Pricing, Qty, Side};
use nofx_wire::num::BeI64;
use nofx_wire::szse::{
    self, ChannelHeartbeat, Entry, EntryHead, Execution, FrameWriter, MarketStatus, Order,
    SecurityStatusHead, SnapshotHead, Switch, entry_type, exec_type, ord_type, put_frame, side,
};

use crate::board::{Said, Security, Stage, Totals, What};

/// Step of the times of ticks.
const STEP_NS: u64 = 10_000_000;
/// Ticks of stocks, funds and bonds.
const TICKS: [u8; 3] = *b"011";
/// Their snapshots.
const SNAPSHOTS: [u8; 3] = *b"010";
/// Shenzhen.
const SOURCE: [u8; 4] = *b"102 ";
/// Upper limit of a day without one: 999999999.9999 with six decimals.
const NO_LIMIT_UP: i64 = 999_999_999_999_900;

/// Text in a field of its width, space padded; what does not fit is left out.
fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    field
}

fn id(security: &Security) -> [u8; 8] {
    security.symbol.0
}

fn stamp(at: Nanos) -> BeI64 {
    szse::local_time(Nanos(at.0 - at.0 % STEP_NS))
}

fn shares(qty: u32) -> BeI64 {
    szse::qty_e2(Qty(qty.into()))
}

fn number(seq: u64) -> BeI64 {
    BeI64::new(seq as i64)
}

/// 300192 or 300191, where the fact is one.
pub fn put_tick(out: &mut [u8], security: &Security, said: &Said) -> Option<usize> {
    match said.what {
        What::OrderIn { side, pricing, price, qty, .. } => {
            let order = order(security, said, side, pricing, price, qty);
            put_frame(out, Order::TYPE, order.bytes())
        }
        What::Trade { bid, offer, price, qty, .. } => {
            let ids = (bid.order, offer.order);
            let trade = execution(security, said, ids, price, qty, exec_type::TRADE);
            put_frame(out, Execution::TYPE, trade.bytes())
        }
        What::Canceled { order, by, .. } => {
            let ids = match order.side {
                Side::Buy => (order.order, OrderRef(0)),
                Side::Sell => (OrderRef(0), order.order),
            };
            let cancel = execution(security, said, ids, Price(0), by, exec_type::CANCEL);
            put_frame(out, Execution::TYPE, cancel.bytes())
        }
        _ => None,
    }
}

fn order(
    security: &Security,
    said: &Said,
    of: Side,
    pricing: Pricing,
    price: Price,
    qty: u32,
) -> Order {
    Order {
        channel_no: said.channel.into(),
        appl_seq_num: number(said.number),
        md_stream_id: TICKS,
        security_id: id(security),
        security_id_source: SOURCE,
        // Without meaning unless the order has a limit: 0.
        price: if pricing == Pricing::Limit { price.0 } else { 0 }.into(),
        order_qty: shares(qty),
        side: match of {
            Side::Buy => side::BUY,
            Side::Sell => side::SELL,
        },
        transact_time: stamp(said.at),
        ord_type: match pricing {
            Pricing::Limit => ord_type::LIMIT,
            Pricing::Market => ord_type::MARKET,
            Pricing::OwnBest => ord_type::OWN_BEST,
        },
    }
}

fn execution(
    security: &Security,
    said: &Said,
    (bid, offer): (OrderRef, OrderRef),
    price: Price,
    qty: u32,
    kind: u8,
) -> Execution {
    Execution {
        channel_no: said.channel.into(),
        appl_seq_num: number(said.number),
        md_stream_id: TICKS,
        bid_appl_seq_num: number(bid.0),
        offer_appl_seq_num: number(offer.0),
        security_id: id(security),
        security_id_source: SOURCE,
        last_px: price.0.into(),
        last_qty: shares(qty),
        exec_type: kind,
        transact_time: stamp(said.at),
    }
}

/// 390095: how far a channel is.
pub fn put_heartbeat(out: &mut [u8], channel: u16, last: u64, ended: bool) -> Option<usize> {
    let heartbeat = ChannelHeartbeat {
        channel_no: channel.into(),
        appl_last_seq_num: number(last),
        end_of_channel: u16::from(ended).into(),
    };
    put_frame(out, ChannelHeartbeat::TYPE, heartbeat.bytes())
}

/// 390019: the market entered a stage. The codes of session and status are not public: the session
/// is the letter of the stage's phase code, the status 2 (open) while orders are matched, else 1.
pub fn put_market(
    out: &mut [u8],
    (market, segment): (&str, &str),
    channel: u16,
    stage: Stage,
    [at, from, to]: [Nanos; 3],
) -> Option<usize> {
    let open = u16::from(stage == Stage::Continuous) + 1;
    let status = MarketStatus {
        orig_time: szse::local_time(at),
        channel_no: channel.into(),
        market_id: text(market),
        market_segment_id: text(segment),
        trading_session_id: [phase_letter(stage), b' ', b' ', b' '],
        trading_session_sub_id: [b' '; 4],
        trad_ses_status: open.into(),
        trad_ses_start_time: szse::local_time(from),
        trad_ses_end_time: szse::local_time(to),
        threshold_amount: 0.into(),
        pos_amt: 0.into(),
        amount_status: b' ',
    };
    put_frame(out, MarketStatus::TYPE, status.bytes())
}

/// 390013: halted or trading again, as the first switch; its codes are not public: type 1, 1 is on.
pub fn put_status(out: &mut [u8], security: &Security, at: Nanos, halted: bool) -> Option<usize> {
    let head = SecurityStatusHead {
        orig_time: szse::local_time(at),
        channel_no: security.channel.into(),
        security_id: id(security),
        security_id_source: SOURCE,
        financial_status: [b' '; 8],
        no_switch: 1.into(),
    };
    let switch = Switch { switch_type: 1.into(), switch_status: u16::from(!halted).into() };
    let mut frame = FrameWriter::new(out, SecurityStatusHead::TYPE);
    frame.push(head.bytes());
    frame.push(switch.bytes());
    frame.finish()
}

/// First letter of TradingPhaseCode.
const fn phase_letter(stage: Stage) -> u8 {
    match stage {
        Stage::Before => b'S',
        Stage::OpeningCall | Stage::OpeningFixed | Stage::OpeningRandom => b'O',
        Stage::Pause | Stage::Break | Stage::Fixing => b'B',
        Stage::Continuous => b'T',
        Stage::ClosingCall | Stage::ClosingFixed | Stage::ClosingRandom => b'C',
        Stage::Closed | Stage::DayClosed => b'E',
    }
}

/// The front of a 300111.
pub fn snapshot_head(
    security: &Security,
    stage: Stage,
    halted: bool,
    totals: &Totals,
    at: Nanos,
) -> SnapshotHead {
    let letter = if halted { b'H' } else { phase_letter(stage) };
    SnapshotHead {
        orig_time: szse::local_time(at),
        channel_no: security.channel.into(),
        md_stream_id: SNAPSHOTS,
        security_id: id(security),
        security_id_source: SOURCE,
        trading_phase_code: text(&format!("{}0", char::from(letter))),
        prev_close_px: security.previous_close.0.into(),
        num_trades: number(totals.trades),
        total_volume_trade: szse::qty_e2(Qty(totals.volume)),
        total_value_trade: number(totals.turnover),
        no_md_entries: 0.into(),
    }
}

fn entry(kind: [u8; 2], price: BeI64, size: BeI64) -> EntryHead {
    EntryHead {
        md_entry_type: kind,
        md_entry_px: price,
        md_entry_size: size,
        md_price_level: 0.into(),
        number_of_orders: 0.into(),
        no_orders: 0.into(),
    }
}

/// One level of a snapshot.
pub fn level_entry<'a>(of: Side, depth: usize, level: &Level, queue: &'a [BeI64]) -> Entry<'a> {
    let kind = if of == Side::Buy { entry_type::BID } else { entry_type::OFFER };
    let head = EntryHead {
        md_price_level: (depth as u16 + 1).into(),
        number_of_orders: i64::from(level.orders).into(),
        ..entry(kind, szse::entry_price(level.price), szse::qty_e2(level.qty))
    };
    Entry { head, queue }
}

/// Prices of the day and its limits.
pub fn totals_entries(security: &Security, totals: &Totals, mut put: impl FnMut(EntryHead)) {
    let prices = [
        (entry_type::LAST, totals.last),
        (entry_type::OPEN, totals.open),
        (entry_type::HIGH, totals.high),
        (entry_type::LOW, totals.low),
    ];
    for (kind, price) in prices.into_iter().filter(|(_, price)| price.0 > 0) {
        put(entry(kind, szse::entry_price(price), 0.into()));
    }
    let up = match security.limit_high.0 {
        0 => NO_LIMIT_UP.into(),
        _ => szse::entry_price(security.limit_high),
    };
    put(entry(entry_type::LIMIT_UP, up, 0.into()));
    put(entry(entry_type::LIMIT_DOWN, szse::entry_price(security.limit_low), 0.into()));
}
