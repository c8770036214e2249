//! Features against numbers worked out by hand, against a naive twin, and under any input.

use nofx_model::{FEATURE_BOUND, FEATURE_NAMES, FEATURES, FeatureState, Vector};
use nofx_types::{
    BookEvent, EventKind, InstrumentId, Ladder, Level, Nanos, OrderRef, Phase, Price, Qty, Side,
    StaleReason, Touch, TradeKind,
};
use proptest::prelude::*;

const HALF_SHORT: u64 = 1 << 27;
const HALF_LONG: u64 = 1 << 30;

/// Levels from the touch outwards, (price, quantity).
#[derive(Clone, Debug, Default)]
struct Book {
    bids: Vec<(i64, u64)>,
    asks: Vec<(i64, u64)>,
}

impl Book {
    fn of(touch: &Touch) -> Book {
        let side = |price: Price, qty: Qty| match qty.0 {
            0 => vec![],
            qty => vec![(price.0, qty)],
        };
        Book { bids: side(touch.bid_px, touch.bid_qty), asks: side(touch.ask_px, touch.ask_qty) }
    }
}

impl Ladder for Book {
    fn touch(&self) -> Touch {
        let best = |levels: &[(i64, u64)]| levels.first().copied().unwrap_or((0, 0));
        let ((bid, bid_qty), (ask, ask_qty)) = (best(&self.bids), best(&self.asks));
        touch(bid, bid_qty, ask, ask_qty)
    }

    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let levels = if side == Side::Buy { &self.bids } else { &self.asks };
        for (slot, (price, qty)) in out.iter_mut().zip(levels) {
            *slot = Level { price: Price(*price), qty: Qty(*qty), orders: 1 };
        }
        levels.len().min(out.len())
    }
}

fn touch(bid: i64, bid_qty: u64, ask: i64, ask_qty: u64) -> Touch {
    Touch { bid_px: Price(bid), bid_qty: Qty(bid_qty), ask_px: Price(ask), ask_qty: Qty(ask_qty) }
}

fn event(kind: EventKind, last: bool) -> BookEvent {
    let (instrument, at) = (InstrumentId(1), Nanos(0));
    BookEvent { instrument, seq: 0, exch_ns: at, capture_ns: at, last, kind }
}

fn quiet() -> BookEvent {
    event(EventKind::Delete { order: OrderRef(1) }, true)
}

fn execute(qty: u64, price: Option<i64>, printable: bool) -> EventKind {
    let (order, price) = (OrderRef(1), price.map(Price));
    EventKind::Execute { order, qty: Qty(qty), price, printable, match_id: 0 }
}

fn trade(price: i64, qty: u64, aggressor: Option<Side>, kind: TradeKind) -> EventKind {
    EventKind::Trade { price: Price(price), qty: Qty(qty), aggressor, match_id: 0, kind }
}

fn feature(vector: &Vector, name: &str) -> f64 {
    let at = FEATURE_NAMES.iter().position(|n| *n == name).expect("a feature's name");
    vector[at]
}

/// Reads the vector with only the touch in the book.
fn read(state: &FeatureState, touch: &Touch, now: u64) -> Vector {
    state.vector(&Book::of(touch), Nanos(now)).expect("two sides that stand apart")
}

#[track_caller]
fn check(vector: &Vector, want: &[(&str, f64)]) {
    for (name, want) in want {
        let got = feature(vector, name);
        assert!((got - want).abs() < 1e-12, "{name}: got {got}, want {want}");
    }
}

#[test]
fn touch_features_are_the_hand_computed_ones() {
    let mut state = FeatureState::new(100);
    let book = Book {
        bids: vec![(99_800, 300), (99_700, 100), (99_600, 100), (99_500, 100), (99_400, 100)],
        asks: vec![(100_000, 100), (100_100, 50)],
    };
    state.on_event(&quiet(), &book.touch(), Nanos(0));
    let vector = state.vector(&book, Nanos(0)).expect("two-sided");
    check(
        &vector,
        &[
            ("touch_imbalance", 0.5),           // (300 - 100) / 400
            ("depth_imbalance", 550.0 / 850.0), // (700 - 150) / 850
            ("spread", 2.0),                    // 200 / 100
            ("microprice", 0.5), // (99,800*100 + 100,000*300)/400 - 99,900 = 50 units
            ("trade_sign", 0.0),
            ("return_8ev", 0.0),
            ("volatility", 0.0),
            ("ofi_134ms", 0.0),
        ],
    );
}

#[test]
fn depth_counts_five_levels_and_no_more() {
    let mut book = Book { bids: vec![(900, 10)], asks: vec![(1000, 10)] };
    book.asks.extend([(1100, 10), (1200, 10), (1300, 10), (1400, 10), (1500, 1_000_000)]);
    let mut state = FeatureState::new(100);
    state.on_event(&quiet(), &book.touch(), Nanos(0));
    let vector = state.vector(&book, Nanos(0)).expect("two-sided");
    check(&vector, &[("depth_imbalance", -40.0 / 60.0)]);
}

#[test]
fn order_flow_follows_equation_two_of_cont_kukanov_stoikov() {
    // (before, after, e_n): each line of the equation once.
    let before = touch(1000, 50, 1100, 70);
    for (after, e_n) in [
        (touch(1000, 80, 1100, 70), 30.0),  // bid grows: 80 - 50
        (touch(1000, 20, 1100, 70), -30.0), // bid shrinks
        (touch(1050, 10, 1100, 70), 10.0),  // bid improves: all of it joined
        (touch(900, 500, 1100, 70), -50.0), // bid falls: all that was there left
        (touch(1000, 50, 1100, 90), -20.0), // ask grows
        (touch(1000, 50, 1050, 5), -5.0),   // ask improves
        (touch(1000, 50, 1200, 9), 70.0),   // ask rises: all that was there left
        (touch(1050, 10, 1200, 9), 80.0),   // both at once
    ] {
        let mut state = FeatureState::new(100);
        state.on_event(&quiet(), &before, Nanos(0));
        state.on_event(&quiet(), &after, Nanos(0));
        let mean = |t: &Touch| (t.bid_qty.0 + t.ask_qty.0) as f64 / 2.0;
        let depth = 60.0 + (mean(&after) - 60.0) / 64.0;
        check(&read(&state, &after, 0), &[("ofi_134ms", e_n / depth), ("ofi_1s", e_n / depth)]);
        // After one half-life each, half of it is left; reading leaves no trace.
        let later = read(&state, &after, HALF_SHORT);
        check(&later, &[("ofi_134ms", 0.5 * e_n / depth)]);
        check(&read(&state, &after, HALF_LONG), &[("ofi_1s", 0.5 * e_n / depth)]);
        check(&read(&state, &after, 0), &[("ofi_134ms", e_n / depth)]);
    }
}

#[test]
fn trade_sign_takes_the_feeds_word_then_the_quote_rule_then_the_side_that_shrank() {
    let start = touch(1000, 50, 1100, 70);
    let check_sign = |events: &[(EventKind, Touch)], want: f64| {
        let mut state = FeatureState::new(100);
        state.on_event(&quiet(), &start, Nanos(0));
        for (kind, touch) in events {
            state.on_event(&event(*kind, true), touch, Nanos(0));
        }
        let last = events.last().expect("an event").1;
        check(&read(&state, &last, 0), &[("trade_sign", want)]);
    };
    // The feed names the aggressor, against what the price suggests.
    check_sign(&[(trade(1100, 10, Some(Side::Sell), TradeKind::Print), start)], -1.0);
    // Quote rule: above the mid 1050 a buy, below a sell, at it undecided.
    check_sign(&[(trade(1051, 10, None, TradeKind::Hidden), start)], 1.0);
    check_sign(&[(trade(1049, 10, None, TradeKind::Hidden), start)], -1.0);
    check_sign(&[(trade(1050, 10, None, TradeKind::Hidden), start)], 0.0);
    check_sign(&[(execute(10, Some(1100), true), touch(1000, 50, 1100, 60))], 1.0);
    // The side that shrank was hit: the ask by a buyer, the bid by a seller.
    check_sign(&[(execute(10, None, true), touch(1000, 50, 1100, 60))], 1.0);
    check_sign(&[(execute(70, None, true), touch(1000, 50, 1200, 500))], 1.0);
    check_sign(&[(execute(50, None, true), touch(900, 500, 1100, 70))], -1.0);
    check_sign(&[(execute(5, None, true), start)], 0.0); // neither: counted, not signed
    // Volume-weighted: 30 bought, 10 sold.
    let bought = (trade(1100, 30, Some(Side::Buy), TradeKind::Print), start);
    let sold = (trade(1000, 10, Some(Side::Sell), TradeKind::Print), start);
    check_sign(&[bought, sold], 0.5);
    // Auctions, corrections and second legs say nothing.
    let cross = (trade(1100, 900, Some(Side::Sell), TradeKind::Cross), start);
    let broken = (trade(1100, 900, Some(Side::Sell), TradeKind::Broken), start);
    let second = (execute(900, Some(1000), false), start);
    check_sign(&[bought, cross, broken, second], 1.0);
}

#[test]
fn execution_inside_an_atomic_event_is_signed_when_it_ends() {
    let mut state = FeatureState::new(100);
    let (start, end) = (touch(1000, 50, 1100, 70), touch(1000, 50, 1200, 10));
    state.on_event(&quiet(), &start, Nanos(0));
    // The touch handed in here is between two states and must not be looked at.
    state.on_event(&event(execute(30, None, true), false), &Touch::default(), Nanos(0));
    state.on_event(&event(execute(40, None, true), false), &touch(1, 1, 2, 1), Nanos(0));
    assert_eq!(feature(&read(&state, &start, 0), "trade_sign"), 0.0);
    state.on_event(&event(EventKind::EndOfEvent, true), &end, Nanos(0));
    check(&read(&state, &end, 0), &[("trade_sign", 1.0), ("spread", 2.0), ("return_8ev", 0.5)]);
}

#[test]
fn returns_look_back_in_updates_and_in_time() {
    let mut state = FeatureState::new(100);
    // The mid rises one tick per update, one update per 100 ms (in units of 2^24 ns: six slots).
    let at = |n: u64| (touch(1000 + 100 * n as i64, 5, 1100 + 100 * n as i64, 5), n * (6 << 24));
    for n in 0..60 {
        let (touch, now) = at(n);
        state.on_event(&quiet(), &touch, Nanos(now));
    }
    let (last, now) = at(59);
    // 134 ms before is 8 slots, between updates 57 and 58; 1.07 s is 64 slots, rounded down to a
    // slot of 2^27 ns: 354 - 64 = 290, down to 288 = update 48, which began there: 47 stood.
    check(
        &read(&state, &last, now),
        &[("return_8ev", 8.0), ("return_32ev", 32.0), ("return_134ms", 2.0), ("return_1s", 12.0)],
    );
    // Silence: event time stands still, clock time does not.
    let silent = read(&state, &last, now + 2 * HALF_LONG);
    check(&silent, &[("return_8ev", 8.0), ("return_134ms", 0.0), ("return_1s", 0.0)]);
}

#[test]
fn volatility_is_the_root_of_the_weighted_mean_square() {
    let mut state = FeatureState::new(100);
    let (low, high) = (touch(1000, 5, 1100, 5), touch(1200, 5, 1300, 5));
    let mut mean_square = 0.0;
    state.on_event(&quiet(), &low, Nanos(0));
    for n in 0..10 {
        let touch = if n % 2 == 0 { high } else { low };
        state.on_event(&quiet(), &touch, Nanos(0));
        mean_square += (4.0 - mean_square) / 32.0; // two ticks, squared
        check(&read(&state, &touch, 0), &[("volatility", f64::sqrt(mean_square))]);
    }
}

#[test]
fn no_vector_without_two_sides_that_stand_apart() {
    let mut state = FeatureState::new(100);
    let good = touch(1000, 5, 1100, 5);
    assert!(state.vector(&Book::default(), Nanos(0)).is_none());
    for bad in [
        touch(0, 0, 1100, 5),
        touch(1000, 5, 0, 0),
        touch(1100, 5, 1100, 5),
        touch(1200, 5, 1100, 5),
    ] {
        state.on_event(&quiet(), &good, Nanos(0));
        let before = read(&state, &good, 0);
        state.on_event(&quiet(), &bad, Nanos(0));
        assert!(state.vector(&Book::of(&bad), Nanos(0)).is_none(), "{bad:?}");
        // Back to what it was: the moment between left no trace.
        state.on_event(&quiet(), &good, Nanos(0));
        assert_eq!(read(&state, &good, 0), before);
    }
}

#[test]
fn gap_clear_and_phase_start_over_but_one_side_cleared_does_not() {
    let (old, new) = (touch(1000, 5, 1100, 5), touch(9000, 5, 9100, 5));
    for (kind, start_over) in [
        (EventKind::Stale(StaleReason::Gap), true),
        (EventKind::Clear { side: None }, true),
        (EventKind::Phase(Phase::Continuous), true),
        (EventKind::Clear { side: Some(Side::Buy) }, false),
    ] {
        let mut state = FeatureState::new(100);
        state.on_event(&quiet(), &old, Nanos(0));
        state.on_event(&event(kind, false), &Touch::default(), Nanos(0));
        state.on_event(&quiet(), &new, Nanos(0));
        let want = if start_over { 0.0 } else { 80.0 };
        check(&read(&state, &new, 0), &[("return_8ev", want), ("return_1s", want)]);
    }
}

/// One step of a random stream: a kind, the touch after it, the time since the step before.
#[derive(Clone, Debug)]
struct Step {
    kind: EventKind,
    last: bool,
    touch: Touch,
    wait: u64,
}

fn any_price(wild: bool) -> BoxedStrategy<i64> {
    if wild { prop_oneof![any::<i64>(), 9_000i64..11_000].boxed() } else { (90i64..110).boxed() }
}

fn any_kind(wild: bool) -> impl Strategy<Value = EventKind> {
    let qty = if wild { any::<u64>().boxed() } else { (1u64..1000).boxed() };
    let side = prop_oneof![Just(None), Just(Some(Side::Buy)), Just(Some(Side::Sell))];
    (0..12u8, any_price(wild), qty, side, any::<bool>()).prop_map(|(n, price, qty, side, flag)| {
        match n {
            0..=2 => execute(qty, None, true),
            3 => execute(qty, Some(price), flag),
            4 => trade(price, qty, side, TradeKind::Hidden),
            5 => trade(price, qty, side, TradeKind::Cross),
            6 if qty % 8 == 0 => EventKind::Stale(StaleReason::Gap),
            7 if qty % 8 == 0 => EventKind::Clear { side },
            _ => quiet().kind,
        }
    })
}

fn any_step(wild: bool) -> impl Strategy<Value = Step> {
    let qty = if wild {
        prop_oneof![any::<u64>(), 0u64..3].boxed()
    } else {
        prop_oneof![8 => 1u64..1000, 1 => Just(0)].boxed()
    };
    let wait = if wild { any::<u64>().boxed() } else { (0u64..1 << 28).boxed() };
    let prices = (any_price(wild), any_price(wild));
    (any_kind(wild), any::<u8>(), prices, (qty.clone(), qty), wait).prop_map(
        move |(kind, last, (a, b), (bid_qty, ask_qty), wait)| {
            let (bid, ask) = if wild { (a, b) } else { (a.min(b) * 100, a.max(b) * 100) };
            let wait = if wild { wait } else { wait >> (last % 16) };
            Step { kind, last: last % 5 != 0, touch: touch(bid, bid_qty, ask, ask_qty), wait }
        },
    )
}

/// The definitions, written down over the whole record with `exp2`, without any state.
struct Twin {
    /// Since the last start-over: touches that count, with their times.
    touches: Vec<(Touch, u64)>,
    /// (signed quantity, quantity, time)
    trades: Vec<(f64, f64, u64)>,
    unsigned: u64,
    current: bool,
}

impl Twin {
    fn on_step(&mut self, step: &Step, now: u64) {
        let resets = matches!(
            step.kind,
            EventKind::Stale(_) | EventKind::Clear { side: None } | EventKind::Phase(_)
        );
        if resets {
            *self = Twin { touches: vec![], trades: vec![], unsigned: 0, current: false };
        }
        let last = self.touches.last().map(|(touch, _)| *touch);
        if let Some(last) = last {
            let sign = |price: Price| (2 * price.0 - mid2(&last)).signum() as f64;
            match step.kind {
                EventKind::Execute { qty, price: None, printable: true, .. } => {
                    self.unsigned += qty.0;
                }
                EventKind::Execute { qty, price: Some(price), printable: true, .. } => {
                    self.trades.push((sign(price) * qty.0 as f64, qty.0 as f64, now));
                }
                EventKind::Trade { price, qty, aggressor, kind: TradeKind::Hidden, .. } => {
                    let sign = aggressor.map_or(sign(price), |side| side.sign() as f64);
                    self.trades.push((sign * qty.0 as f64, qty.0 as f64, now));
                }
                _ => {}
            }
        }
        if !step.last {
            return;
        }
        self.current = step.touch.is_two_sided() && step.touch.bid_px < step.touch.ask_px;
        if let (Some(last), 1..) = (last, self.unsigned) {
            let t = &step.touch;
            let bid = t.bid_qty.0 == 0
                || (t.bid_px < last.bid_px || t.bid_px == last.bid_px && t.bid_qty < last.bid_qty);
            let ask = t.ask_qty.0 == 0
                || (t.ask_px > last.ask_px || t.ask_px == last.ask_px && t.ask_qty < last.ask_qty);
            let sign = f64::from(u8::from(ask)) - f64::from(u8::from(bid));
            let qty = self.unsigned as f64;
            self.trades.push((sign * qty, qty, now));
            self.unsigned = 0;
        }
        if self.current && last != Some(step.touch) {
            self.touches.push((step.touch, now));
        }
    }

    /// Flow of both signs, in mean touch quantities, with the longer half-life.
    fn gross_flow(&self, now: u64) -> f64 {
        let fade = |at: u64| (-((now - at) as f64) / HALF_LONG as f64).exp2();
        let flows = self.touches.windows(2).map(|w| e_n(&w[0].0, &w[1].0).abs() * fade(w[1].1));
        flows.sum::<f64>() / self.depth()
    }

    fn depth(&self) -> f64 {
        let sizes = |t: &Touch| (t.bid_qty.0 + t.ask_qty.0) as f64 / 2.0;
        let rest = self.touches.iter().skip(1);
        let first = sizes(&self.touches[0].0);
        rest.fold(first, |mean, (t, _)| mean * (63.0 / 64.0) + sizes(t) / 64.0)
    }

    fn vector(&self, now: u64) -> Option<Vector> {
        let (touch, _) = *self.touches.last().filter(|_| self.current)?;
        let ticks = |mid2: i64| mid2 as f64 / 200.0;
        let n = self.touches.len();
        let mid_ago = |lag: usize| mid2(&self.touches[(n - 1).saturating_sub(lag)].0);
        let mid_before = |horizon: u64| {
            let slot = horizon / 8;
            let boundary = (now as i64 / slot as i64 - 8) * slot as i64;
            let then = self.touches.iter().rev().find(|(_, at)| (*at as i64) < boundary);
            mid2(&then.unwrap_or(&self.touches[0]).0)
        };
        let fade = |at: u64, half: u64| (-((now - at) as f64) / half as f64).exp2();
        let flow = |half: u64| -> f64 {
            let flows = self.touches.windows(2).map(|w| e_n(&w[0].0, &w[1].0) * fade(w[1].1, half));
            flows.sum()
        };
        let depth = self.depth();
        let changes = self.touches.windows(2).map(|w| ticks(mid2(&w[1].0) - mid2(&w[0].0)));
        let variance = changes.fold(0.0, |v, c| v * (31.0 / 32.0) + c * c / 32.0);
        let sum = |f: &dyn Fn(&(f64, f64, u64)) -> f64| self.trades.iter().map(f).sum::<f64>();
        let traded = sum(&|t| t.1 * fade(t.2, HALF_LONG));
        let bought = sum(&|t| t.0 * fade(t.2, HALF_LONG));
        let (bid, ask) = (touch.bid_qty.0 as f64, touch.ask_qty.0 as f64);
        let spread = (touch.ask_px.0 - touch.bid_px.0) as f64 / 100.0;
        let micro = (touch.bid_px.0 as f64 * ask + touch.ask_px.0 as f64 * bid) / (bid + ask);
        Some([
            (bid - ask) / (bid + ask),
            (bid - ask) / (bid + ask),
            micro / 100.0 - ticks(mid2(&touch)),
            spread,
            if traded > 0.0 { bought / traded } else { 0.0 },
            ticks(mid2(&touch) - mid_ago(8)),
            ticks(mid2(&touch) - mid_ago(32)),
            ticks(mid2(&touch) - mid_before(HALF_SHORT)),
            ticks(mid2(&touch) - mid_before(HALF_LONG)),
            variance.sqrt(),
            flow(HALF_SHORT) / depth,
            flow(HALF_LONG) / depth,
        ])
    }
}

fn mid2(touch: &Touch) -> i64 {
    touch.bid_px.0 + touch.ask_px.0
}

fn e_n(a: &Touch, b: &Touch) -> f64 {
    let bid = match b.bid_px.cmp(&a.bid_px) {
        std::cmp::Ordering::Greater => b.bid_qty.0 as f64,
        std::cmp::Ordering::Less => -(a.bid_qty.0 as f64),
        std::cmp::Ordering::Equal => b.bid_qty.0 as f64 - a.bid_qty.0 as f64,
    };
    let ask = match b.ask_px.cmp(&a.ask_px) {
        std::cmp::Ordering::Less => b.ask_qty.0 as f64,
        std::cmp::Ordering::Greater => -(a.ask_qty.0 as f64),
        std::cmp::Ordering::Equal => b.ask_qty.0 as f64 - a.ask_qty.0 as f64,
    };
    bid - ask
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A recorded day computed at once, by definition, gives what the stream gave at each step.
    #[test]
    fn stream_gives_what_the_batch_definition_gives(
        steps in prop::collection::vec(any_step(false), 1..300),
    ) {
        let mut state = FeatureState::new(100);
        let mut twin = Twin { touches: vec![], trades: vec![], unsigned: 0, current: false };
        let mut now = 1_700_000_000_000_000_000;
        for (n, step) in steps.iter().enumerate() {
            now += step.wait;
            state.on_event(&event(step.kind, step.last), &step.touch, Nanos(now));
            twin.on_step(step, now);
            // Inside an atomic event the book still shows the touch before it.
            let touch = twin.touches.last().map_or(Touch::default(), |(touch, _)| *touch);
            let (got, want) = (state.vector(&Book::of(&touch), Nanos(now)), twin.vector(now));
            prop_assert_eq!(got.is_some(), want.is_some(), "step {}", n);
            for (at, (got, want)) in got.iter().flatten().zip(want.iter().flatten()).enumerate() {
                // The cubic decay is within 0.07 % a step, of flows that may cancel out.
                let name = FEATURE_NAMES[at];
                let size = if name.starts_with("ofi") { twin.gross_flow(now) } else { want.abs() };
                let decays = name.starts_with("ofi") || name == "trade_sign";
                let near = (got - want).abs() <= if decays { 3e-3 } else { 1e-9 } * (1.0 + size);
                prop_assert!(near, "step {n} {name}: {got} {want}");
            }
        }
    }

    /// Whatever the market sends, at any time, also backwards: finite and bounded.
    #[test]
    fn any_sequence_gives_finite_bounded_features(
        tick in any::<i64>(),
        steps in prop::collection::vec(any_step(true), 1..200),
    ) {
        let mut state = FeatureState::new(tick);
        for step in &steps {
            let now = Nanos(step.wait);
            state.on_event(&event(step.kind, step.last), &step.touch, now);
            if let Some(vector) = state.vector(&Book::of(&step.touch), now) {
                for (value, name) in vector.iter().zip(FEATURE_NAMES) {
                    prop_assert!(value.abs() <= FEATURE_BOUND, "{name} = {value}");
                }
            }
        }
    }

    /// Two runs agree to the bit, and reading in between changes nothing.
    #[test]
    fn replay_gives_the_same_bits_whether_or_not_it_was_watched(
        steps in prop::collection::vec(any_step(false), 1..100),
    ) {
        let run = |watched: bool| {
            let (mut state, mut now) = (FeatureState::new(100), 0);
            for step in &steps {
                now += step.wait;
                state.on_event(&event(step.kind, step.last), &step.touch, Nanos(now));
                if watched {
                    let _ = state.vector(&Book::of(&step.touch), Nanos(now + 12_345));
                }
            }
            let book = Book::of(&steps[steps.len() - 1].touch);
            state.vector(&book, Nanos(now)).map(|vector| vector.map(f64::to_bits))
        };
        prop_assert_eq!(run(true), run(false));
    }
}

/// The bits of a fixed stream. Another machine, compiler or optimisation level gives the same ones;
/// a change of meaning must raise the schema version together with this number.
#[test]
fn bits_of_a_fixed_stream_are_the_recorded_ones() {
    let (mut state, mut seed, mut now, mut hash) = (FeatureState::new(100), 7u64, 0u64, 0u64);
    let mut next = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut vectors = 0;
    for _ in 0..5_000 {
        now += next(1 << 24);
        let bid = 10_000 + 100 * next(20) as i64;
        let ask = bid + 100 * (1 + next(4) as i64);
        let touch = touch(bid, 1 + next(900), ask, 1 + next(900));
        let kind = if next(4) == 0 { execute(1 + next(500), None, true) } else { quiet().kind };
        state.on_event(&event(kind, true), &touch, Nanos(now));
        for value in state.vector(&Book::of(&touch), Nanos(now)).iter().flatten() {
            hash = (hash ^ value.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
            vectors += 1;
        }
    }
    assert_eq!(vectors, 5_000 * FEATURES);
    assert_eq!(hash, 0xb2ed_83da_a3fe_3d90, "{hash:#018x}");
}
