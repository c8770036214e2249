//! The Shenzhen feed against a small gateway: lost connections, lost datagrams, failing re-transmission.

#[path = "szse/gateway.rs"]
mod gateway;

use gateway::{
    CHANNELS, Gateway, Numbered, Temper, at, channel_heartbeat, day, execution, frame, order,
    security,
};
use nofx_feed::szse::{
    AnyChannel, ChannelSink, SzseAction, SzseConfig, SzseFeed, SzseJoin, SzseState, raw_events,
};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Level, Nanos, OrderRef, Phase,
    Price, Qty, Side, StaleReason, Symbol, Tick, TickKind,
};
use nofx_wire::num::BeI64;
use nofx_wire::szse::{
    Entry, EntryHead, Execution, HEARTBEAT_FRAME, Logon, Logout, Order, SessionStatus,
    SnapshotHead, entry_price, entry_type, local_time, put_snapshot, qty_e2,
};

#[derive(Default)]
struct Sink {
    events: Vec<(u16, BookEvent)>,
    definitions: Vec<Instrument>,
    book: [Vec<Level>; 2],
}

impl ChannelSink for Sink {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.events.push((channel, *event));
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.definitions.push(*instrument);
    }

    fn levels(&self, _: InstrumentId, side: Side, out: &mut [Level]) -> Option<usize> {
        let levels = &self.book[side.index()];
        out[..levels.len()].copy_from_slice(levels);
        Some(levels.len())
    }
}

impl Sink {
    /// What a channel said of books: number, symbol, and what happened.
    fn of(&self, channel: u16) -> Vec<(u64, Symbol, EventKind)> {
        let events = self.events.iter().filter(|(of, event)| {
            *of == channel && !matches!(event.kind, EventKind::Stale(_) | EventKind::Phase(_))
        });
        events.map(|(_, event)| (event.seq, self.name(event.instrument), event.kind)).collect()
    }

    fn name(&self, id: InstrumentId) -> Symbol {
        let row = self.definitions.iter().find(|row| row.id == id);
        row.map_or(Symbol::NONE, |row| row.symbol)
    }

    fn phases(&self) -> Vec<(InstrumentId, Phase)> {
        let events = self.events.iter();
        events
            .filter_map(|(_, event)| match event.kind {
                EventKind::Phase(phase) => Some((event.instrument, phase)),
                _ => None,
            })
            .collect()
    }
}

/// Two sinks heard the same of a channel; says where they part.
fn same(ours: &Sink, want: &Sink, channel: u16, seed: u64) {
    let (ours, want) = (ours.of(channel), want.of(channel));
    let differ = ours.iter().zip(&want).position(|(a, b)| a != b);
    assert!(ours == want, "seed {seed}: {} of {}, part at {differ:?}", ours.len(), want.len());
}

fn config() -> SzseConfig {
    SzseConfig {
        sender: "alice".into(),
        target: "SZSE".into(),
        password: "secret".into(),
        channels: 4,
        instruments: 16,
        park_ticks: 64,
        resend_max: 40,
        ..SzseConfig::default()
    }
}

fn feed() -> SzseFeed {
    SzseFeed::new(config()).expect("values in range")
}

/// What the whole day says, without a loss.
fn lossless(day: &[Numbered]) -> Sink {
    let (mut feed, mut sink) = (feed(), Sink::default());
    for (_, seq, bytes) in day {
        feed.on_datagram(at(*seq), bytes, &mut sink);
    }
    assert_eq!((feed.counters().gaps, sink.events.is_empty()), (0, false));
    sink
}

/// A client and a gateway, and the wire between them.
struct World {
    rng: Rng,
    feed: SzseFeed,
    sink: Sink,
    gateway: Gateway,
    connected: bool,
    now: u64,
}

impl World {
    fn new(seed: u64, temper: Temper) -> World {
        let mut rng = Rng::new(seed);
        let day = day(&mut rng, 600);
        World {
            rng,
            feed: feed(),
            sink: Sink::default(),
            gateway: Gateway::new(day, temper),
            connected: false,
            now: 0,
        }
    }

    fn time(&self) -> Nanos {
        at(self.now)
    }

    /// Does what the feed asks for.
    fn serve(&mut self) {
        let mut answers = Vec::new();
        while let Some(action) = self.feed.poll_action(at(self.now)) {
            match action {
                SzseAction::Connect => {
                    self.connected = true;
                    answers.extend(self.gateway.hear(self.feed.login(at(self.now))));
                }
                SzseAction::Send(bytes) => {
                    assert!(self.connected);
                    answers.extend(self.gateway.hear(bytes));
                }
                SzseAction::Close => self.cut(),
            }
        }
        if self.connected {
            self.deliver(&answers);
        }
    }

    /// In pieces of any length.
    fn deliver(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = (1 + self.rng.below(90) as usize).min(rest.len());
            let time = self.time();
            self.feed.receive(time, &rest[..length], &mut self.sink);
            rest = &rest[length..];
        }
    }

    fn cut(&mut self) {
        self.connected = false;
        self.gateway.hang_up();
        self.feed.disconnected(at(self.now));
    }

    fn step(&mut self) {
        self.now += 50_000_000;
        let count = self.rng.below(8) as usize;
        let end = (self.gateway.now + count).min(self.gateway.day.len());
        let bytes: Vec<u8> =
            self.gateway.day[self.gateway.now..end].iter().flat_map(|row| row.2.clone()).collect();
        self.gateway.now = end;
        if self.connected && self.feed.state() == SzseState::Up {
            if self.rng.chance(1, 25) {
                let part = self.rng.below(bytes.len() as u64 + 1) as usize;
                self.deliver(&bytes[..part]);
                self.cut();
            } else {
                self.deliver(&bytes);
                if self.rng.chance(1, 6) {
                    let channel = CHANNELS[self.rng.below(2) as usize];
                    let beat = channel_heartbeat(channel, self.gateway.last(channel), false);
                    self.deliver(&beat);
                }
                self.deliver(&HEARTBEAT_FRAME);
            }
        }
        let time = self.time();
        self.feed.on_time(time, &mut self.sink);
        self.serve();
    }

    fn run(&mut self) {
        for _ in 0..1_000 {
            self.step();
        }
        for channel in CHANNELS {
            let beat = channel_heartbeat(channel, self.gateway.last(channel), true);
            self.deliver(&beat);
        }
        for _ in 0..400 {
            self.now += 50_000_000;
            let time = self.time();
            if self.connected {
                self.deliver(&HEARTBEAT_FRAME);
            }
            self.feed.on_time(time, &mut self.sink);
            self.serve();
        }
        let time = self.time();
        self.feed.finish(time, &mut self.sink);
    }
}

#[test]
fn whatever_the_connection_does_a_helpful_gateway_s_ticks_come_once_and_in_order() {
    for seed in 0..30 {
        for temper in [Temper::Helpful, Temper::Partial] {
            let mut world = World::new(seed, temper);
            world.run();
            let want = lossless(&world.gateway.day);
            for channel in CHANNELS {
                same(&world.sink, &want, channel, seed);
            }
            let counters = world.feed.counters();
            assert_eq!((counters.lost, counters.checksum), (0, 0), "seed {seed}");
            assert!(counters.gaps > 0 && world.gateway.asked > 0, "seed {seed}");
            assert!(world.feed.channels().all(|channel| channel.ended && channel.waiting == 0));
            let stale = |event: &BookEvent| matches!(event.kind, EventKind::Stale(_));
            assert!(!world.sink.events.iter().any(|(_, event)| stale(event)));
        }
    }
}

#[test]
fn what_the_gateway_does_not_have_makes_the_books_of_the_channel_stale_before_more_comes() {
    for seed in 0..30 {
        for temper in [Temper::Unable, Temper::Silent] {
            let mut world = World::new(seed, temper);
            world.run();
            let want = lossless(&world.gateway.day);
            for channel in CHANNELS {
                let came = world.sink.of(channel);
                assert!(came.is_sorted_by(|a, b| a.0 <= b.0), "seed {seed}");
                assert!(came.iter().all(|row| want.of(channel).contains(row)));
            }
            assert!(world.feed.counters().lost > 0, "seed {seed}");
            for view in world.feed.channels() {
                let mut came: Vec<u64> =
                    world.sink.of(view.channel).iter().map(|row| row.0).collect();
                came.dedup();
                assert_eq!(came.len() as u64 + view.lost, view.expected - 1, "what came is kept");
            }
            follows_the_rule(&world.sink);
        }
    }
}

/// A number is missing in a channel only if every security that it may have concerned is stale.
fn follows_the_rule(sink: &Sink) {
    let mut next = std::collections::HashMap::new();
    let mut stale = std::collections::HashSet::new();
    let mut owner = std::collections::HashMap::new();
    let mut torn = std::collections::HashSet::new();
    for (channel, event) in &sink.events {
        match event.kind {
            EventKind::Stale(_) => {
                stale.insert(event.instrument);
            }
            EventKind::Phase(_) => {}
            _ => {
                owner.insert(event.instrument, *channel);
                let expected = next.get(channel).copied().unwrap_or(1);
                if event.seq > expected {
                    torn.insert(*channel);
                }
                next.insert(*channel, event.seq + 1);
                let bad = torn.contains(channel);
                assert!(!bad || stale.contains(&event.instrument), "{event:?}");
            }
        }
    }
}

#[test]
fn datagrams_on_two_lossy_lines_fill_each_other() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let day = day(&mut rng, 800);
        let want = lossless(&day);
        let mut feed = SzseFeed::new(SzseConfig { gap_timeout_ns: 1_000_000, ..config() })
            .expect("values in range");
        let mut sink = Sink::default();
        let mut late: Vec<&[u8]> = Vec::new();
        for (n, (_, _, bytes)) in day.iter().enumerate() {
            let now = at(n as u64 * 10_000);
            match rng.below(6) {
                0 => late.push(bytes),
                1 => {
                    feed.on_datagram(now, bytes, &mut sink);
                    feed.on_datagram(now, bytes, &mut sink);
                }
                _ => feed.on_datagram(now, bytes, &mut sink),
            }
            if late.len() > 3 {
                late.drain(..).rev().for_each(|bytes| feed.on_datagram(now, bytes, &mut sink));
            }
        }
        late.drain(..).for_each(|bytes| feed.on_datagram(at(8_000_001), bytes, &mut sink));
        for channel in CHANNELS {
            same(&sink, &want, channel, seed);
        }
        assert!(feed.counters().duplicate > 0 && feed.counters().gaps > 0);
        assert_eq!(feed.counters().lost, 0);
        // Without anybody to ask, a hole is given up after its time.
        let hole = frame(Order::TYPE, order(CHANNELS[0], 5_000, 0, true, 1, 100).bytes());
        feed.on_datagram(at(20_000_000), &hole, &mut sink);
        feed.on_time(at(20_900_000), &mut sink);
        assert_eq!(feed.counters().lost, 0);
        feed.on_time(at(21_000_000), &mut sink);
        assert!(feed.counters().lost > 0);
        follows_the_rule(&sink);
    }
}

#[test]
fn more_than_the_memory_behind_a_hole_is_asked_for_again() {
    let mut rng = Rng::new(1);
    let day: Vec<_> = day(&mut rng, 2_000).into_iter().filter(|row| row.0 == 2_011).collect();
    let mut feed = feed();
    let (mut sink, mut gateway) = (Sink::default(), Gateway::new(day, Temper::Helpful));
    gateway.now = gateway.day.len();
    assert_eq!(feed.poll_action(at(0)), Some(SzseAction::Connect));
    let hello = gateway.hear(feed.login(at(0)));
    feed.receive(at(0), &hello, &mut sink);
    for row in gateway.day.iter().skip(1) {
        feed.receive(at(1), &row.2, &mut sink);
    }
    assert!(feed.counters().park_full > 0);
    while let Some(bytes) = feed.keep_alive(at(2)).map(<[u8]>::to_vec) {
        let answer = gateway.hear(&bytes);
        feed.receive(at(2), &answer, &mut sink);
    }
    same(&sink, &lossless(&gateway.day), 2_011, 0);
    assert_eq!(feed.counters().lost, 0);
}

#[test]
fn a_wrong_checksum_ends_the_session_and_nothing_behind_it_counts() {
    let (mut feed, mut sink) = (feed(), Sink::default());
    assert!(feed.should_connect(at(0)));
    let hello = feed.login(at(0)).to_vec();
    feed.receive(at(0), &hello, &mut sink);
    assert_eq!(feed.state(), SzseState::Up);
    let mut bad = frame(Order::TYPE, order(2_011, 1, 0, true, 99_000, 100).bytes());
    bad[30] ^= 1;
    bad.extend(frame(Order::TYPE, order(2_011, 1, 0, true, 99_000, 100).bytes()));
    feed.receive(at(1), &bad, &mut sink);
    feed.receive(at(1), &bad[63..], &mut sink);
    assert_eq!((feed.state(), feed.counters().checksum), (SzseState::Broken, 1));
    assert!(sink.events.is_empty());
    assert_eq!(feed.poll_action(at(2)), Some(SzseAction::Close));
    assert_eq!(feed.poll_action(at(2)), None, "said once");
    feed.disconnected(at(2));
    assert!(!feed.should_connect(at(2)), "a wait comes first");
    assert!(feed.should_connect(at(200_000_000)));
}

#[test]
fn the_server_s_words_and_its_silence_end_a_session() {
    for (status, again) in [
        (SessionStatus::BadPassword, false),
        (SessionStatus::Locked, false),
        (SessionStatus::NotNow, true),
        (SessionStatus::Other, true),
    ] {
        let (mut feed, mut sink) = (feed(), Sink::default());
        assert!(feed.should_connect(at(0)));
        let _ = feed.login(at(0));
        let words = Logout { session_status: status.to_wire().into(), text: [b' '; 200] };
        feed.receive(at(1), &frame(Logout::TYPE, words.bytes()), &mut sink);
        assert_eq!(feed.state(), SzseState::Ended(status));
        assert!(feed.should_disconnect());
        feed.disconnected(at(2));
        assert_eq!(feed.should_connect(at(60_000_000_000)), again, "{status:?}");
    }
    let (mut feed, mut sink) = (feed(), Sink::default());
    assert!(feed.should_connect(at(0)));
    let hello = feed.login(at(0)).to_vec();
    feed.receive(at(0), &hello, &mut sink);
    assert_eq!(feed.keep_alive(at(2_999_999_999)), None);
    assert_eq!(feed.keep_alive(at(3_000_000_000)), Some(&HEARTBEAT_FRAME[..]));
    assert_eq!(feed.keep_alive(at(3_000_000_001)), None);
    feed.on_time(at(8_999_999_999), &mut sink);
    assert_eq!(feed.state(), SzseState::Up);
    feed.on_time(at(9_000_000_000), &mut sink);
    assert_eq!((feed.state(), feed.counters().silence), (SzseState::Broken, 1));
    feed.disconnected(at(9_000_000_000));
    feed.stop();
    assert!(!feed.should_connect(at(99_000_000_000)));
}

#[test]
fn a_channel_joined_in_the_middle_has_stale_books() {
    let live = SzseConfig { join: SzseJoin::Live, ..config() };
    let mut feed = SzseFeed::new(live).expect("values in range");
    let mut sink = Sink::default();
    for seq in 70..73 {
        let order = order(2_011, seq, seq % 2, true, 99_000, 100);
        feed.on_datagram(at(seq), &frame(Order::TYPE, order.bytes()), &mut sink);
    }
    let kinds: Vec<_> = sink.events.iter().map(|(_, event)| event.kind).collect();
    let stale = EventKind::Stale(StaleReason::Gap);
    assert_eq!(kinds.iter().filter(|kind| **kind == stale).count(), 2);
    assert_eq!((feed.counters().gaps, sink.of(2_011).len()), (0, 3));
}

#[test]
fn what_cannot_be_read_makes_its_security_inconsistent_and_keeps_its_number() {
    let good = order(2_011, 1, 0, true, 99_000, 100);
    let cases: [(&str, Vec<u8>, bool); 8] = [
        ("side", Order { side: b'X', ..good }.bytes().to_vec(), true),
        ("type", Order { ord_type: b'9', ..good }.bytes().to_vec(), true),
        ("quantity", Order { order_qty: BeI64::new(150), ..good }.bytes().to_vec(), true),
        ("nothing", Order { order_qty: BeI64::new(0), ..good }.bytes().to_vec(), true),
        ("price", Order { price: BeI64::new(-1), ..good }.bytes().to_vec(), true),
        ("lending", Order { side: b'G', ..good }.bytes().to_vec(), false),
        ("stream", Order { md_stream_id: *b"021", ..good }.bytes().to_vec(), false),
        ("time", Order { transact_time: BeI64::new(7), ..good }.bytes().to_vec(), false),
    ];
    for (name, body, stale) in cases {
        let (mut feed, mut sink) = (feed(), Sink::default());
        feed.on_datagram(at(1), &frame(Order::TYPE, &body), &mut sink);
        let next = order(2_011, 2, 1, true, 99_000, 100);
        feed.on_datagram(at(2), &frame(Order::TYPE, next.bytes()), &mut sink);
        let marked = sink.events.iter().filter(|(_, event)| {
            event.kind == EventKind::Stale(StaleReason::Inconsistent)
                && sink.name(event.instrument) == Symbol(security(0))
        });
        assert_eq!(marked.count(), usize::from(stale), "{name}");
        assert_eq!(sink.of(2_011).last().map(|row| row.0), Some(2), "{name}");
        assert_eq!(feed.counters().gaps, 0, "{name}");
    }
    let bad = [
        Execution { exec_type: b'Z', ..execution(2_011, 1, 0, [1, 2], 100) },
        execution(2_011, 1, 0, [0, 0], 100),
        Execution { exec_type: b'4', ..execution(2_011, 1, 0, [1, 2], 100) },
        Execution { exec_type: b'F', ..execution(2_011, 1, 0, [1, 0], 100) },
        Execution { appl_seq_num: BeI64::new(-4), ..execution(2_011, 1, 0, [1, 2], 100) },
    ];
    for body in bad {
        let (mut feed, mut sink) = (feed(), Sink::default());
        feed.on_datagram(at(1), &frame(Execution::TYPE, body.bytes()), &mut sink);
        assert_eq!(sink.of(2_011), [], "{body:?}");
        assert_eq!(feed.counters().code + feed.counters().value, 1);
    }
}

#[test]
fn numbers_that_go_back_full_tables_and_short_bodies_are_counted() {
    let small = SzseConfig { channels: 1, instruments: 1, ..config() };
    let mut feed = SzseFeed::new(small).expect("values in range");
    let mut sink = Sink::default();
    let say = |feed: &mut SzseFeed, sink: &mut Sink, order: Order| {
        feed.on_datagram(at(1), &frame(Order::TYPE, order.bytes()), sink);
    };
    say(&mut feed, &mut sink, order(2_011, 1, 0, true, 99_000, 100));
    say(&mut feed, &mut sink, order(2_011, 1, 0, true, 99_000, 100));
    say(&mut feed, &mut sink, order(2_011, 2, 1, true, 99_000, 100));
    say(&mut feed, &mut sink, order(2_012, 1, 0, true, 99_000, 100));
    feed.on_datagram(at(1), &frame(Order::TYPE, &[0; 50]), &mut sink);
    feed.on_datagram(at(1), &[1, 2, 3], &mut sink);
    feed.on_datagram(at(1), &frame(300_592, b"later"), &mut sink);
    let counters = *feed.counters();
    assert_eq!((counters.duplicate, counters.back), (1, 1));
    assert_eq!((counters.instruments_full, counters.channels_full), (1, 1));
    assert_eq!((counters.short, counters.datagram, counters.other), (1, 1, 1));
    assert_eq!(sink.of(2_011).len(), 1);
    let report = feed.report();
    assert_eq!(report.malformed.iter().map(|(_, n)| n).sum::<u64>(), 5);
    assert_eq!(report.total, 2);
    // A security that changes its channel has two books in one.
    let mut feed = self::feed();
    say(&mut feed, &mut sink, order(2_011, 1, 0, true, 99_000, 100));
    say(&mut feed, &mut sink, order(2_012, 1, 0, true, 99_000, 100));
    assert_eq!(feed.counters().moved, 1);
}

fn snapshot(
    phase: &[u8; 8],
    volume: u64,
    trades: i64,
    ns: u64,
    levels: &[(bool, u16, i64, u64)],
) -> Vec<u8> {
    let head = SnapshotHead {
        orig_time: local_time(at(ns)),
        channel_no: 1_011.into(),
        md_stream_id: *b"010",
        security_id: security(0),
        security_id_source: *b"102 ",
        trading_phase_code: *phase,
        prev_close_px: BeI64::new(100_000),
        num_trades: BeI64::new(trades),
        total_volume_trade: qty_e2(Qty(volume)),
        total_value_trade: BeI64::new(0),
        no_md_entries: 0.into(),
    };
    let entry = |md_entry_type, price, qty, level: u16| Entry {
        head: EntryHead {
            md_entry_type,
            md_entry_px: entry_price(Price(price)),
            md_entry_size: qty_e2(Qty(qty)),
            md_price_level: level.into(),
            number_of_orders: BeI64::new(1),
            no_orders: 0.into(),
        },
        queue: &[],
    };
    let mut entries = vec![
        entry(entry_type::LIMIT_UP, 110_000, 0, 0),
        entry(entry_type::LIMIT_DOWN, 90_000, 0, 0),
    ];
    for (bid, level, price, qty) in levels {
        let kind = if *bid { entry_type::BID } else { entry_type::OFFER };
        entries.push(entry(kind, *price, *qty, *level));
    }
    let mut out = vec![0; 1_024];
    let length = put_snapshot(&mut out, &head, &entries).expect("it fits");
    out.truncate(length);
    out
}

#[test]
fn snapshots_define_limits_tell_halts_and_check_the_book() {
    let checked = SzseConfig { cross_check: true, ..config() };
    let mut feed = SzseFeed::new(checked).expect("values in range");
    let mut sink = Sink::default();
    for (seq, buy) in [(1, true), (2, false)] {
        let order = order(2_011, seq, 0, buy, 100_000, 300);
        feed.on_datagram(at(seq), &frame(Order::TYPE, order.bytes()), &mut sink);
    }
    let trade = execution(2_011, 3, 0, [1, 2], 300);
    feed.on_datagram(at(3), &frame(Execution::TYPE, trade.bytes()), &mut sink);
    let level = |price, qty| Level { price: Price(price), qty: Qty(qty), orders: 1 };
    sink.book = [vec![level(99_900, 500)], vec![]];
    let bid = [(true, 1, 99_900, 500)];
    let continuous = b"T0      ";
    feed.on_datagram(at(4), &snapshot(continuous, 300, 1, 0, &bid), &mut sink);
    let defined = sink.definitions.last().expect("a definition");
    assert_eq!((defined.limit_low, defined.limit_high), (Price(90_000), Price(110_000)));
    assert_eq!((defined.previous_close, defined.symbol), (Price(100_000), Symbol(security(0))));
    assert_eq!((feed.counters().check_equal, feed.counters().check_differs), (1, 0));
    // Another time (volume or trades differ): nothing is compared. Another book: it differs.
    feed.on_datagram(at(5), &snapshot(continuous, 400, 1, 0, &bid), &mut sink);
    feed.on_datagram(at(5), &snapshot(continuous, 300, 2, 0, &bid), &mut sink);
    feed.on_datagram(at(6), &snapshot(continuous, 300, 1, 0, &[(true, 1, 99_900, 400)]), &mut sink);
    feed.on_datagram(at(6), &snapshot(continuous, 300, 1, 0, &[]), &mut sink);
    assert_eq!((feed.counters().check_equal, feed.counters().check_differs), (1, 2));
    let (_, row) = feed.security(InstrumentId(0)).expect("a row");
    assert_eq!((row.equal, row.differs, row.volume, row.channel), (1, 2, 300, 2_011));
    // Ten o'clock: a halt is news, and so is its end; an auction contradicts the clock.
    let phases = sink.phases().len();
    for phase in [b"H0      ", b"H0      ", b"T1      ", continuous, b"O0      "] {
        feed.on_datagram(at(7), &snapshot(phase, 0, 0, 0, &[]), &mut sink);
    }
    let id = InstrumentId(0);
    assert_eq!(sink.phases()[phases..], [(id, Phase::Halted), (id, Phase::Continuous)]);
    assert_eq!(feed.counters().phase_clock, 1);
}

#[test]
fn the_clock_of_the_ticks_tells_the_phases_of_the_day() {
    let (mut feed, mut sink) = (feed(), Sink::default());
    let hours = |h: u64, m: u64| (h * 60 + m) * 60 * 1_000_000_000;
    let noon = hours(10, 0); // what `at` counts from
    for (seq, time) in
        [(9, 14), (9, 15), (9, 20), (9, 25), (9, 30), (11, 29), (13, 0), (14, 57), (15, 0)]
            .into_iter()
            .map(|(h, m)| hours(h, m))
            .enumerate()
    {
        let time = local_time(Nanos(at(0).0 - noon + time));
        let order = Order { transact_time: time, ..order(2_011, seq as u64 + 1, 0, true, 1, 100) };
        feed.on_datagram(at(0), &frame(Order::TYPE, order.bytes()), &mut sink);
    }
    let phases: Vec<Phase> = sink.phases().into_iter().map(|(_, phase)| phase).collect();
    use Phase::{Closed, ClosingAuction, Continuous, OpeningAuction, PreOpen};
    assert_eq!(phases, [OpeningAuction, PreOpen, Continuous, ClosingAuction, Closed]);
}

#[test]
fn a_trade_is_two_executes_the_older_order_first() {
    let tick = Tick {
        channel: 1,
        seq: 9,
        symbol: Symbol(security(0)),
        exch_ns: Nanos(1),
        kind: TickKind::Trade { aggressor: Some(Side::Buy) },
        bid: OrderRef(8),
        offer: OrderRef(3),
        price: Price(100_000),
        qty: Qty(100),
    };
    let mut sent = Vec::new();
    raw_events(&tick, |last, kind| match kind {
        EventKind::Execute { order, printable, .. } => sent.push((order.0, printable, last)),
        other => panic!("{other:?}"),
    });
    assert_eq!(sent, [(3, true, false), (8, false, true)]);
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    let bad = [
        ("sender", SzseConfig { sender: "x".repeat(21), ..config() }),
        ("heartbeat_s", SzseConfig { heartbeat_s: 0, ..config() }),
        ("channels", SzseConfig { channels: 0, ..config() }),
        ("park_ticks", SzseConfig { park_ticks: 100, ..config() }),
        ("instruments", SzseConfig { instruments: 0, ..config() }),
        ("schedule", SzseConfig { schedule: vec![(5, Phase::Break); 2], ..config() }),
    ];
    for (key, config) in bad {
        let error = SzseFeed::new(config).err().expect("refused").to_string();
        assert!(error.starts_with(&format!("feed.{key}: ")), "{error}");
    }
}

struct Count(u64);

impl EventSink for Count {
    fn on_event(&mut self, _: &BookEvent) {
        self.0 += 1;
    }
}

#[test]
fn a_stream_cut_into_bytes_says_the_same() {
    let day = day(&mut Rng::new(5), 100);
    let bytes: Vec<u8> = day.iter().flat_map(|row| row.2.clone()).collect();
    let mut whole = (feed(), Count(0));
    whole.0.overhear(at(0), &bytes, &mut AnyChannel(&mut whole.1)).expect("sound frames");
    let mut cut = (feed(), Count(0));
    for byte in bytes.chunks(1) {
        cut.0.overhear(at(0), byte, &mut AnyChannel(&mut cut.1)).expect("sound frames");
    }
    assert_eq!((whole.1.0, whole.0.counters()), (cut.1.0, cut.0.counters()));
    assert!(whole.1.0 > 100);
    assert_eq!(Logon::TYPE, 1);
}
