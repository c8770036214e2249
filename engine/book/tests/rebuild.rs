//! Both adaptors against an exchange that dumps its book after every message.

#[path = "rebuild/exchange.rs"]
mod exchange;

use exchange::{Book, Exchange, Message, TICK, Terms};
use nofx_book::rebuild::{Cage, HeldOrder, RebuildConfig, RebuildCounts, Simulated, Waiting};
use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, EventSink, InstrumentId, Ladder, Level, OrderRef, Phase, Price, Qty,
    Side, StaleReason, Touch,
};

const INSTRUMENTS: u32 = 4;
const QUEUES: QueueConfig = QueueConfig { instruments: 4, live_orders: 8_192, levels: 2_048 };

/// What stands behind an adaptor: books by level and by order.
struct Sink {
    levels: LevelBooks,
    queues: QueueBooks,
    printed: u64,
}

impl EventSink for Sink {
    fn on_event(&mut self, event: &BookEvent) {
        self.levels.apply(event);
        self.queues.apply(event);
        if let EventKind::Execute { qty, printable: true, .. } = event.kind {
            self.printed += qty.0;
        }
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.levels.touch(instrument)
    }
}

impl Sink {
    fn new() -> Sink {
        let levels = LevelConfig { instruments: 4, live_orders: 8_192, ..LevelConfig::default() };
        Sink {
            levels: LevelBooks::new(&levels).expect("sizes in range"),
            queues: QueueBooks::new(&QUEUES).expect("sizes in range"),
            printed: 0,
        }
    }

    fn book(&self, id: InstrumentId) -> Book {
        Side::BOTH.map(|side| {
            let levels: Vec<Level> = self.queues.book(id).ladder(side).collect();
            let orders = |price| {
                let queue = self.queues.queue(id, side, price);
                queue.map(|order| (order.order.0, order.qty.0)).collect()
            };
            levels.iter().map(|level| (level.price.0, orders(level.price))).collect()
        })
    }

    fn ten(&self, id: InstrumentId) -> [Vec<Level>; 2] {
        Side::BOTH.map(|side| {
            let mut out = [Level::default(); 10];
            let filled = self.levels.book(id).levels(side, &mut out);
            out[..filled].to_vec()
        })
    }

    fn is_sound(&self) -> bool {
        let counts = self.levels.counts();
        counts.unknown_order + counts.overfill + counts.duplicate_add + counts.out_of_range == 0
            && (0..INSTRUMENTS).all(|id| self.levels.stale(InstrumentId(id)).is_none())
    }
}

/// Ten levels of a book.
fn ten(book: &Book) -> [Vec<Level>; 2] {
    book.each_ref().map(|side| {
        let level = |(price, queue): &(i64, Vec<(u64, u64)>)| Level {
            price: Price(*price),
            qty: Qty(queue.iter().map(|(_, qty)| qty).sum()),
            orders: queue.len() as u32,
        };
        side.iter().take(10).map(level).collect()
    })
}

/// The book without an order, and where that order was in it.
fn without(book: &Book, order: Option<OrderRef>) -> (Book, Option<HeldOrder>) {
    let (mut book, mut had) = (book.clone(), None);
    for (side, name) in book.iter_mut().zip(Side::BOTH) {
        for (price, queue) in side.iter_mut() {
            queue.retain(|(id, qty)| {
                let (id, price, qty) = (OrderRef(*id), Some(Price(*price)), Qty(*qty));
                let its = Some(id) == order;
                if its {
                    had = Some(HeldOrder { order: id, side: name, price, qty });
                }
                !its
            });
        }
        side.retain(|(_, queue)| !queue.is_empty());
    }
    (book, had)
}

/// Two channels with two instruments each, their messages in any order between channels.
fn messages(seed: u64, steps: usize, terms: Terms) -> Vec<Message> {
    let day = |channel: u16| {
        let first = u32::from(channel - 2_011) * 2;
        Exchange::new(seed * 2 + u64::from(channel), channel, first, 2, terms).day(steps)
    };
    let (mut rng, mut merged) = (Rng::new(seed), Vec::new());
    let mut parts = [day(2_011).into_iter().peekable(), day(2_012).into_iter().peekable()];
    while parts.iter_mut().any(|part| part.peek().is_some()) {
        merged.extend(parts[rng.below(2) as usize].next());
    }
    merged
}

struct Run {
    waiting: Waiting,
    slow: Sink,
    simulated: Simulated,
    fast: Sink,
    compared: usize,
    together: usize,
}

impl Run {
    fn new(terms: Terms) -> Run {
        let config =
            RebuildConfig { instruments: INSTRUMENTS, parked: 4_096, ..Default::default() };
        let mut run = Run {
            waiting: Waiting::new(&config).expect("sizes in range"),
            slow: Sink::new(),
            simulated: Simulated::new(&config, &QUEUES).expect("sizes in range"),
            fast: Sink::new(),
            compared: 0,
            together: 0,
        };
        let cage =
            Cage { ratio_e4: 200, ticks: 0, tick: TICK, previous_close: Price(1_000 * TICK) };
        for id in (0..INSTRUMENTS).map(InstrumentId).filter(|_| terms.cage) {
            run.waiting.set_cage(id, Some(cage));
            run.simulated.set_cage(id, Some(cage));
        }
        run
    }

    fn take(&mut self, message: &Message) {
        for event in &message.events {
            self.waiting.over(message.channel, &mut self.slow).on_event(event);
            self.simulated.over(message.channel, &mut self.fast).on_event(event);
        }
    }

    /// Compares with the truth of the message; `caged` leaves out what a held rest keeps parked.
    fn compare(&mut self, message: &Message, caged: bool, words: &str) {
        let id = message.events[0].instrument;
        let waits = self.waiting.held(id);
        let fits = |sink: &Sink, held: Option<HeldOrder>, name: &str| {
            let (truth, had) = without(&message.truth, held.map(|held| held.order));
            if had.is_some() && caged {
                return false; // its rest moves the touch, and with it parked orders
            }
            assert!(had.is_none() || had == held, "{words} {name}: {had:?}, held {held:?}");
            assert_eq!(sink.book(id), truth, "{words} {name}: orders");
            assert_eq!(sink.ten(id), ten(&truth), "{words} {name}: levels");
            true
        };
        self.compared += usize::from(fits(&self.slow, waits, "waiting"));
        if !self.simulated.is_ahead(id) {
            self.compared += usize::from(fits(&self.fast, self.simulated.held(id), "simulated"));
            if waits.is_none() && self.simulated.held(id).is_none() {
                self.together += 1;
                assert_eq!(self.slow.ten(id), self.fast.ten(id), "{words}");
                assert_eq!(self.slow.book(id), self.fast.book(id), "{words}");
            }
        }
    }
}

fn run(seeds: std::ops::Range<u64>, terms: Terms, phases: bool) -> (RebuildCounts, RebuildCounts) {
    let mut sums = [RebuildCounts::default(); 2];
    for seed in seeds {
        let mut run = Run::new(terms);
        let messages = messages(seed, 1_200, terms);
        for (n, message) in messages.iter().enumerate() {
            let told = phases || !matches!(message.events[0].kind, EventKind::Phase(_));
            if told {
                run.take(message);
                run.compare(message, terms.cage, &format!("seed {seed} message {n}"));
            }
        }
        assert!(run.slow.is_sound() && run.fast.is_sound(), "seed {seed}");
        let traded: u64 = messages
            .iter()
            .map(|message| match message.events[0].kind {
                EventKind::Execute { qty, .. } => qty.0,
                _ => 0,
            })
            .sum();
        assert_eq!(run.slow.printed, traded, "seed {seed}: each trade is printed once");
        if !terms.unfair {
            assert_eq!(run.fast.printed, traded, "seed {seed}: each trade is printed once");
        }
        println!(
            "seed {seed}: {} messages, {} compared, {} with each other",
            messages.len(),
            run.compared,
            run.together
        );
        assert!(run.compared * 2 > messages.len() && run.together * 2 > messages.len());
        for (sum, counts) in sums.iter_mut().zip([run.waiting.counts(), run.simulated.counts()]) {
            sum.held += counts.held;
            sum.joined_crossing += counts.joined_crossing;
            sum.unpriced += counts.unpriced;
            sum.parked += counts.parked;
            sum.parked_traded += counts.parked_traded;
            sum.confirmed += counts.confirmed;
            sum.contradicted += counts.contradicted;
            assert_eq!((counts.overfill, counts.unknown_order, counts.parked_full), (0, 0, 0));
        }
    }
    println!("{sums:?}");
    (sums[0], sums[1])
}

#[test]
fn both_give_the_exchange_s_book_after_every_message() {
    let (waiting, simulated) = run(0..24, Terms { cage: false, unfair: false }, true);
    assert_eq!((waiting.joined_crossing, waiting.unpriced, waiting.parked), (0, 0, 0));
    assert_eq!((simulated.contradicted, simulated.unpriced), (0, 0));
    assert!(waiting.held > 1_000 && simulated.confirmed > 1_000);
}

#[test]
fn orders_outside_the_cage_are_parked_and_enter_when_the_exchange_lets_them() {
    let (waiting, simulated) = run(100..124, Terms { cage: true, unfair: false }, true);
    assert!(waiting.parked > 500 && simulated.parked == waiting.parked);
    assert_eq!((waiting.parked_traded, simulated.parked_traded), (0, 0));
    assert_eq!((waiting.joined_crossing, simulated.contradicted), (0, 0));
}

#[test]
fn without_phases_nothing_is_different_but_one_message_of_patience() {
    let (waiting, simulated) = run(200..212, Terms { cage: false, unfair: false }, false);
    assert!(waiting.joined_crossing > 0);
    assert_eq!(simulated.confirmed, 0, "only a phase that was told is simulated");
}

#[test]
fn what_cannot_be_foreseen_is_taken_back_and_the_truth_is_followed() {
    let (_, simulated) = run(300..312, Terms { cage: false, unfair: true }, true);
    assert!(simulated.contradicted > 100 && simulated.confirmed > 1_000);
}

#[test]
fn a_cage_computed_wrongly_gives_way_to_the_trades() {
    // The exchange has no cage; the adaptors believe in one.
    let mut run = Run::new(Terms { cage: true, unfair: false });
    for message in &messages(400, 1_200, Terms { cage: false, unfair: false }) {
        run.take(message);
    }
    assert!(run.waiting.counts().parked_traded > 0);
}

fn event(id: u32, kind: EventKind) -> BookEvent {
    BookEvent {
        instrument: InstrumentId(id),
        seq: 1,
        exch_ns: Default::default(),
        capture_ns: Default::default(),
        last: true,
        kind,
    }
}

#[test]
fn a_trade_of_nobody_makes_the_simulated_book_stale() {
    let mut run = Run::new(Terms { cage: false, unfair: false });
    let kind = EventKind::Reduce { order: OrderRef(7), qty: Qty(100) };
    run.simulated.over(1, &mut run.fast).on_event(&event(2, kind));
    assert_eq!(run.simulated.counts().unknown_order, 1);
    assert_eq!(run.fast.levels.stale(InstrumentId(2)), Some(StaleReason::Inconsistent));
    assert_eq!(run.fast.levels.stale(InstrumentId(1)), None);
}

#[test]
fn a_clear_forgets_what_is_held_parked_and_foreseen() {
    let terms = Terms { cage: true, unfair: false };
    let day = messages(500, 300, terms);
    for cut in (0..day.len()).step_by(7) {
        let mut run = Run::new(terms);
        day[..cut].iter().for_each(|message| run.take(message));
        let mut clear = event(0, EventKind::Clear { side: None });
        clear.instrument = InstrumentId::ALL;
        for channel in [2_011, 2_012] {
            run.waiting.over(channel, &mut run.slow).on_event(&clear);
            run.simulated.over(channel, &mut run.fast).on_event(&clear);
        }
        for channel in [2_011, 2_012] {
            for id in 0..INSTRUMENTS {
                let phase = event(id, EventKind::Phase(Phase::ClosingAuction));
                run.waiting.over(channel, &mut run.slow).on_event(&phase);
                run.simulated.over(channel, &mut run.fast).on_event(&phase);
            }
        }
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            assert_eq!(run.slow.book(id), Book::default(), "cut at {cut}");
            assert_eq!(run.fast.book(id), Book::default(), "cut at {cut}");
            assert!(run.waiting.held(id).is_none() && !run.simulated.is_ahead(id));
        }
    }
}

#[test]
fn sizes_out_of_range_are_refused_by_name() {
    for (config, key) in [
        (RebuildConfig { instruments: 0, ..Default::default() }, "instruments"),
        (RebuildConfig { parked: u32::MAX, ..Default::default() }, "parked"),
    ] {
        assert_eq!(Waiting::new(&config).err().map(|error| error.key), Some(key));
    }
}
