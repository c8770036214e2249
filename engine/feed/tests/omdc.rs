//! What each OMD-C message means for a book, a phase or a table; positions and modifies against books
//! by order.

use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig, TwinBooks};
use nofx_feed::omdc::{ModifyPlace, OmdcConfig, PositionMeaning, order_ref};
use nofx_feed::{FeedConfig, OmdcLines, PacketFeed, PacketFeedKind, Start, detect_packet_feed};
use nofx_rt::rng::Rng;
use nofx_types::{
    AuctionInfo, BookEvent, EventKind, EventSink, Instrument, InstrumentId, Nanos, Phase, Price,
    Pricing, Priority, Qty, Side, StaleReason, TradeKind,
};
use nofx_wire::omdc::*;

const CODE: u32 = 700;
const ID: InstrumentId = InstrumentId(0);

#[derive(Default)]
struct Log {
    events: Vec<BookEvent>,
    defined: Vec<Instrument>,
}

impl EventSink for Log {
    fn on_event(&mut self, event: &BookEvent) {
        self.events.push(*event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.defined.push(*instrument);
    }
}

struct Scene {
    feed: OmdcLines,
    log: Log,
    seq: u32,
}

impl Scene {
    fn new(omdc: OmdcConfig) -> Scene {
        let config =
            FeedConfig { instruments: 4, start: Start::FromOne, omdc, ..FeedConfig::default() };
        Scene { feed: OmdcLines::new(config).expect("a feed"), log: Log::default(), seq: 1 }
    }

    /// One packet, sent at `sent`; what it became.
    fn at(&mut self, sent: u64, messages: &[&[u8]]) -> Vec<EventKind> {
        let mut buffer = [0; 4_096];
        let mut writer = PacketWriter::limited(&mut buffer, 4_096, self.seq, sent).expect("room");
        messages.iter().for_each(|message| writer.push(message).expect("room"));
        self.seq = writer.next_seq();
        self.log.events.clear();
        let seq = u64::from(self.seq);
        self.feed.on_packet(0, seq, Nanos(seq), writer.finish(), &mut self.log);
        self.log.events.iter().map(|event| event.kind).collect()
    }

    fn give(&mut self, message: &[u8]) -> Vec<EventKind> {
        self.at(1_000, &[message])
    }

    fn note(&self, name: &str) -> u64 {
        let report = self.feed.report();
        let notes = report.notes.iter().chain(&report.malformed);
        notes.filter(|(note, _)| *note == name).map(|(_, count)| *count).sum()
    }
}

fn scene() -> Scene {
    Scene::new(OmdcConfig::default())
}

fn add(id: u64, side: u16, price: i32, quantity: u32, position: i32) -> AddOrder {
    AddOrder {
        security_code: CODE.into(),
        order_id: id.into(),
        price_e3: price.into(),
        quantity: quantity.into(),
        side: side.into(),
        order_type: if price == 0 { order_type::MARKET } else { order_type::LIMIT },
        order_book_position: position.into(),
        ..AddOrder::blank()
    }
}

fn modify(id: u64, side: u16, quantity: u32, position: i32) -> ModifyOrder {
    ModifyOrder {
        security_code: CODE.into(),
        order_id: id.into(),
        quantity: quantity.into(),
        side: side.into(),
        order_book_position: position.into(),
        ..ModifyOrder::blank()
    }
}

fn delete(id: u64, side: u16) -> DeleteOrder {
    let (security_code, order_id) = (CODE.into(), id.into());
    DeleteOrder { security_code, order_id, side: side.into(), ..DeleteOrder::blank() }
}

fn definition() -> SecurityDefinition {
    SecurityDefinition {
        security_code: CODE.into(),
        market_code: text("MAIN"),
        spread_table_code: *b"01",
        lot_size: 500.into(),
        previous_closing_price_e3: 345_600.into(),
        vcm_flag: b'Y',
        short_sell_flag: b'Y',
        ..SecurityDefinition::blank()
    }
}

fn session_status(sub_id: u8, start: u64, end: u64) -> TradingSessionStatus {
    TradingSessionStatus {
        market_code: text("MAIN"),
        trading_session_sub_id: sub_id,
        start_date_time: start.into(),
        end_date_time: end.into(),
        ..TradingSessionStatus::blank()
    }
}

#[test]
fn the_three_messages_of_an_order_change_its_book() {
    let mut scene = scene();
    let order = order_ref(Side::Sell, 7).expect("63 bits");
    let want = EventKind::Add {
        order,
        side: Side::Sell,
        price: Price(3_456_000),
        qty: Qty(500),
        priority: Priority::At(2),
        pricing: Pricing::Limit,
    };
    assert_eq!(scene.give(add(7, 1, 345_600, 500, 3).bytes()), [want]);
    assert_eq!(scene.log.events[0].exch_ns, Nanos(1_000), "the time of the packet");
    assert_eq!(scene.log.defined[0].symbol.as_str(), "700", "named by its first order");
    let replace = |qty, priority| EventKind::Replace {
        old: order,
        new: order,
        price: None,
        qty: Qty(qty),
        priority,
    };
    assert_eq!(scene.give(modify(7, 1, 400, 1).bytes()), [replace(400, Priority::Kept)]);
    assert_eq!(scene.give(modify(7, 1, 900, 1).bytes()), [replace(900, Priority::Back)]);
    assert_eq!(scene.give(delete(7, 1).bytes()), [EventKind::Delete { order }]);
    let market = scene.give(add(8, 0, 0, 500, 1).bytes());
    assert!(matches!(market[..], [EventKind::Add { pricing: Pricing::Market, .. }]));
}

#[test]
fn a_book_change_that_cannot_be_read_makes_its_book_inconsistent() {
    let stale = [EventKind::Stale(StaleReason::Inconsistent)];
    let mut scene = scene();
    scene.give(add(1, 0, 100, 1, 1).bytes());
    assert_eq!(scene.give(add(2, 2, 100, 1, 1).bytes()), stale, "side");
    assert_eq!(scene.give(add(1 << 63, 0, 100, 1, 1).bytes()), stale, "64-bit id");
    assert_eq!(scene.give(add(3, 0, -5, 1, 1).bytes()), stale, "price");
    assert_eq!(scene.give(AddOrder { order_type: b'9', ..add(3, 0, 5, 1, 1) }.bytes()), stale);
    let mut short = add(3, 0, 5, 1, 1).bytes()[..28].to_vec();
    short[0] = 28;
    assert_eq!(scene.give(&short), stale, "length");
    for fault in ["side", "order_id", "price", "code", "short_message"] {
        assert_eq!(scene.note(fault), 1, "{fault}");
    }
    let nobody = AddOrder { security_code: 0.into(), ..add(3, 0, 5, 1, 1) };
    assert_eq!(scene.give(nobody.bytes()), []);
    assert_eq!(scene.note("security"), 1);
    for code in 1..5u32 {
        scene.give(AddOrder { security_code: code.into(), ..add(3, 0, 5, 1, 1) }.bytes());
    }
    assert_eq!(scene.note("instruments_full"), 1);
}

#[test]
fn messages_of_one_security_in_a_packet_are_one_event() {
    let mut scene = scene();
    let other = AddOrder { security_code: 5.into(), ..add(9, 0, 10, 1, 1) };
    let trade = Trade { security_code: CODE.into(), ..Trade::blank() };
    let (first, second) = (add(1, 0, 100, 5, 1), delete(1, 0));
    let messages = [trade.bytes(), first.bytes(), second.bytes(), other.bytes(), first.bytes()];
    scene.at(1_000, &messages);
    let lasts: Vec<bool> = scene.log.events.iter().map(|event| event.last).collect();
    assert_eq!(lasts, [false, false, true, true, true]);
}

#[test]
fn trades_print_by_type_and_are_taken_back_by_number() {
    let mut scene = scene();
    let trade = |trd_type: i16| Trade {
        security_code: CODE.into(),
        trade_id: 4.into(),
        price_e3: 345_600.into(),
        quantity: 300.into(),
        trd_type: trd_type.into(),
        ..Trade::blank()
    };
    let told = |price, qty, kind| {
        let (price, qty) = (Price(price), Qty(qty));
        [EventKind::Trade { price, qty, aggressor: None, match_id: 4, kind }]
    };
    for (code, kind) in [(0, TradeKind::Print), (100, TradeKind::Print), (103, TradeKind::Cross)] {
        assert_eq!(scene.give(trade(code).bytes()), told(3_456_000, 300, kind));
    }
    for code in [4, 22, 101, 102, 104, 77] {
        assert_eq!(scene.give(trade(code).bytes()), []);
    }
    assert_eq!(scene.note("trades_off_book"), 6);
    let (security_code, trade_id) = (CODE.into(), 4.into());
    let cancel = TradeCancel { security_code, trade_id, ..TradeCancel::blank() };
    assert_eq!(scene.give(cancel.bytes()), told(0, 0, TradeKind::Broken));
}

#[test]
fn phases_follow_the_market_and_halts_outlast_them() {
    let mut scene = scene();
    let status = |indicator| SecurityStatus {
        security_code: CODE.into(),
        suspension_indicator: indicator,
        ..SecurityStatus::blank()
    };
    let phase = |phase| [EventKind::Phase(phase)];
    scene.give(session_status(session::NO_CANCEL, 0, 0).bytes());
    assert_eq!(scene.note("phases_untold"), 1);
    assert_eq!(scene.give(definition().bytes()), phase(Phase::OpeningAuction), "as its market");
    assert_eq!(
        scene.give(session_status(session::CONTINUOUS, 0, 0).bytes()),
        phase(Phase::Continuous)
    );
    assert_eq!(scene.give(status(2).bytes()), phase(Phase::Halted));
    assert_eq!(scene.give(session_status(session::BLOCKING, 0, 0).bytes()), phase(Phase::Halted));
    assert_eq!(scene.give(status(3).bytes()), phase(Phase::Break));
    assert_eq!(scene.give(session_status(9, 0, 0).bytes()), phase(Phase::Halted), "unknown");
    let close = scene.give(session_status(session::DAY_CLOSE, 0, 0).bytes());
    assert_eq!(close, [EventKind::Clear { side: None }, EventKind::Phase(Phase::Closed)]);
    assert_eq!((scene.note("code"), scene.note("clock")), (1, 0));
    let hour = 3_600_000_000_000;
    let late = session_status(session::CONTINUOUS, hour, 2 * hour);
    scene.at(3 * hour, &[late.bytes()]);
    scene.at(hour, &[late.bytes()]);
    scene.at(hour, &[session_status(session::CONTINUOUS, 2 * hour, hour).bytes()]);
    assert_eq!(scene.note("clock"), 2);
    let told = scene.feed.decoder().session(*b"MAIN").expect("told");
    assert_eq!((told.start_ns, told.sub_id), (2 * hour, session::CONTINUOUS));
}

#[test]
fn a_definition_is_kept_and_a_cooling_off_period_ends_by_the_clock() {
    let mut scene = scene();
    scene.give(definition().bytes());
    let instrument = scene.log.defined[1];
    assert_eq!((instrument.lot, instrument.previous_close), (500, Price(3_456_000)));
    let listing = scene.feed.decoder().listing(ID).expect("defined");
    assert_eq!((listing.spread_table, listing.vcm, listing.cas), (*b"01", true, false));
    let vcm = VcmTrigger {
        security_code: CODE.into(),
        cooling_off_start_time: 2_000.into(),
        cooling_off_end_time: 5_000.into(),
        vcm_reference_price_e3: 300.into(),
        vcm_lower_price_e3: 270.into(),
        vcm_upper_price_e3: 330.into(),
        ..VcmTrigger::blank()
    };
    let band = |reference, low, high| EventKind::Band {
        reference: Price(reference),
        low: Price(low),
        high: Price(high),
    };
    assert_eq!(scene.at(2_000, &[vcm.bytes()]), [band(3_000, 2_700, 3_300)]);
    assert_eq!(scene.feed.decoder().cooling_off(ID).map(|cooling| cooling.end_ns), Some(5_000));
    let nominal = NominalPrice {
        security_code: CODE.into(),
        nominal_price_e3: 301.into(),
        ..NominalPrice::blank()
    };
    assert_eq!(scene.at(4_999, &[nominal.bytes()]), []);
    assert_eq!(scene.at(5_000, &[nominal.bytes()]), [band(0, 0, 0)]);
    assert_eq!(scene.feed.decoder().cooling_off(ID), None);
    assert_eq!(scene.feed.decoder().listing(ID).map(|listing| listing.nominal), Some(Price(3_010)));
    assert_eq!(scene.at(6_000, &[vcm.bytes()]), [], "over already");
}

#[test]
fn what_an_auction_says_is_told_together() {
    let mut scene = scene();
    let iep = IndicativePrice {
        security_code: CODE.into(),
        price_e3: 50.into(),
        aggregate_quantity: 900.into(),
        ..IndicativePrice::blank()
    };
    let imbalance = OrderImbalance {
        security_code: CODE.into(),
        order_imbalance_direction: b'S',
        order_imbalance_quantity: 70.into(),
        ..OrderImbalance::blank()
    };
    scene.give(iep.bytes());
    let info = AuctionInfo {
        price: Price(500),
        paired: Qty(900),
        imbalance: Qty(70),
        side: Some(Side::Sell),
    };
    assert_eq!(scene.give(imbalance.bytes()), [EventKind::Auction(info)]);
}

#[test]
fn odd_lots_never_touch_the_book() {
    let mut scene = Scene::new(OmdcConfig { odd_lots: 2, ..OmdcConfig::default() });
    let odd = AddOddLotOrder {
        security_code: CODE.into(),
        order_id: 1.into(),
        price_e3: 90.into(),
        quantity: 7.into(),
        ..AddOddLotOrder::blank()
    };
    assert_eq!(scene.give(odd.bytes()), []);
    assert_eq!(scene.feed.decoder().odd_lot_touch(ID).bid_px, Price(900));
    let (security_code, order_id) = (CODE.into(), 1.into());
    let gone = DeleteOddLotOrder { security_code, order_id, ..DeleteOddLotOrder::blank() };
    assert_eq!(scene.give(gone.bytes()), []);
    assert_eq!(scene.feed.decoder().odd_lot_touch(ID).bid_qty, Qty(0));
    assert_eq!((scene.note("odd_lot_adds"), scene.note("odd_lot_deletes")), (1, 1));
}

#[test]
fn a_disaster_voids_the_books_and_a_reset_begins_them_anew() {
    let mut scene = scene();
    scene.give(add(1, 0, 100, 1, 1).bytes());
    let signal = DisasterRecovery { dr_status: 1.into(), ..DisasterRecovery::blank() };
    let void = [
        EventKind::Clear { side: None },
        EventKind::Phase(Phase::Unknown),
        EventKind::Stale(StaleReason::Gap),
    ];
    assert_eq!(scene.give(signal.bytes()), void);
    let reset = SequenceReset { new_seq_no: 1.into(), ..SequenceReset::blank() };
    scene.seq = 1;
    let told = scene.at(2_000, &[reset.bytes(), add(2, 0, 100, 1, 1).bytes()]);
    assert_eq!(told[..2], [EventKind::Clear { side: None }, EventKind::Phase(Phase::Unknown)]);
    assert!(matches!(told[2], EventKind::Add { .. }) && told.len() == 3);
    assert_eq!(scene.at(1_500, &[add(3, 0, 100, 1, 1).bytes()]), [], "sent before the reset");
}

/// A seeded book whose queues are known; each add says where it joins by one reading.
#[test]
fn queues_by_index_are_those_of_the_venue_under_each_reading() {
    for (seed, position) in (0..).zip(PositionMeaning::ALL) {
        let modify_place = ModifyPlace::ALL[seed as usize % 3];
        let omdc = OmdcConfig { position, modify: modify_place, ..OmdcConfig::default() };
        let mut scene = Scene::new(omdc);
        let mut rng = Rng::new(seed);
        let mut queues =
            QueueBooks::new(&QueueConfig { instruments: 4, live_orders: 512, levels: 64 })
                .expect("small books");
        let levels = LevelConfig {
            instruments: 4,
            live_orders: 512,
            window_ticks: 64,
            ..LevelConfig::default()
        };
        let mut levels = LevelBooks::new(&levels).expect("small books");
        let mut twin = TwinBooks::new();
        // Price, id and quantity, in the order of the queue of each price.
        let mut venue: Vec<(i32, u64, u32)> = Vec::new();
        for id in 1..400u64 {
            let at = |price: i32, venue: &[(i32, u64, u32)]| {
                let level = venue.iter().filter(|row| row.0 == price).count() as i32;
                let better = venue.iter().filter(|row| row.0 > price).count() as i32;
                match position {
                    PositionMeaning::LevelRank1Based | PositionMeaning::Ignore => level + 1,
                    PositionMeaning::LevelRank0Based => level,
                    PositionMeaning::SideRank1Based => level + better + 1,
                    PositionMeaning::SideRank0Based => level + better,
                }
            };
            let pick = rng.below(venue.len().max(1) as u64) as usize;
            let message = match rng.below(4) {
                0 if !venue.is_empty() => {
                    let (_, id, _) = venue.remove(pick);
                    delete(id, 0).bytes().to_vec()
                }
                1 if !venue.is_empty() && modify_place != ModifyPlace::ByRank => {
                    let quantity = 1 + rng.below(9) as u32;
                    let (price, id, held) = venue[pick];
                    venue[pick].2 = quantity;
                    if quantity > held && modify_place == ModifyPlace::ByQuantity {
                        let row = venue.remove(pick);
                        venue.push(row);
                    }
                    let position = at(price, &venue);
                    modify(id, 0, quantity, position).bytes().to_vec()
                }
                _ => {
                    let (price, quantity) = (100 + rng.below(5) as i32, 1 + rng.below(9) as u32);
                    let position = at(price, &venue);
                    venue.push((price, id, quantity));
                    add(id, 0, price, quantity, position).bytes().to_vec()
                }
            };
            scene.give(&message);
            for event in &scene.log.events {
                queues.apply(event);
                levels.apply(event);
                twin.apply(event);
            }
            for price in 100..105 {
                let want: Vec<(u64, u64)> = venue
                    .iter()
                    .filter(|row| row.0 == price)
                    .map(|(_, id, quantity)| (*id, u64::from(*quantity)))
                    .collect();
                let price = Price(i64::from(price) * 10);
                let got: Vec<(u64, u64)> =
                    twin.queue(ID, Side::Buy, price).map(|(order, qty)| (order.0, qty.0)).collect();
                assert_eq!(got, want, "{position:?} after {id} at {price:?}");
            }
            assert_eq!(twin.touch(ID), levels.touch(ID));
            assert_eq!(twin.touch(ID), queues.touch(ID));
        }
        let fits = scene.feed.decoder().fits();
        assert!(fits.checked > 100);
        let want = if position == PositionMeaning::Ignore {
            PositionMeaning::LevelRank1Based
        } else {
            position
        };
        assert_eq!(fits.best(), Some(want));
        assert_eq!(scene.note("positions_checked"), fits.checked);
        assert_eq!(scene.note("rank"), 0);
    }
}

#[test]
fn a_datagram_is_recognised_by_exact_sizes_and_known_types() {
    let packet = |messages: &[&[u8]]| {
        let mut buffer = [0; PACKET_MAX];
        let mut writer = PacketWriter::new(&mut buffer, 1, 2).expect("room");
        messages.iter().for_each(|message| writer.push(message).expect("room"));
        writer.finish().to_vec()
    };
    let order = add(1, 0, 100, 1, 1);
    let good = packet(&[order.bytes(), delete(1, 0).bytes()]);
    assert_eq!(detect_packet_feed(&good), Some(PacketFeedKind::Omdc));
    assert_eq!(detect_packet_feed(&packet(&[])), None, "a heartbeat");
    assert_eq!(detect_packet_feed(&packet(&[order.bytes(), &[6, 0, 22, 0, 1, 2]])), None);
    assert_eq!(detect_packet_feed(&packet(&[&[8, 0, 30, 0, 1, 2, 3, 4]])), None, "short");
    assert_eq!(detect_packet_feed(&[&good[..], &[0]].concat()), None);
}
