//! Order-by-order books allocate nothing after construction, whatever comes.

mod streams;

use nofx_book::{QueueBooks, QueueConfig, TwinBooks};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_types::{BookEvent, InstrumentId, Ladder, Level, Side};
use streams::{Shape, Stream};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn walk(books: &mut QueueBooks, events: &[BookEvent]) -> u64 {
    let mut levels = [Level::default(); 10];
    let mut seen = 0;
    for event in events {
        books.apply(event);
        for side in Side::BOTH {
            let id = event.instrument;
            let best = books.touch(id).best(side).unwrap_or_default();
            seen += books.book(id).levels(side, &mut levels) as u64;
            seen += books.queue(id, side, best).count() as u64;
        }
    }
    seen
}

#[test]
fn a_wild_day_with_exhaustion_allocates_nothing() {
    let shape = Shape { instruments: 3, orders: 200, prices: 100, levels: true, wild: true };
    let (mut stream, mut twin) = (Stream::new(1, shape), TwinBooks::new());
    let mut events = Vec::new();
    for step in 0..20_000 {
        events.push(stream.draw());
        twin.apply(&events[step]);
        if step % 16 == 0 {
            stream.prune(&twin);
        }
    }
    let config = QueueConfig { instruments: 3, live_orders: 250, levels: 120 };
    let mut books = QueueBooks::new(&config).expect("sizes are good");
    let sealed = seal(OnSealed::Count);
    let seen = walk(&mut books, &events);
    drop(sealed);
    assert_eq!(sealed_allocations(), 0);
    assert!(seen > 0 && books.counts().exhausted > 0, "{:?}", books.counts());
    assert!((0..3).any(|id| books.stale(InstrumentId(id)).is_some()));

    // The same walk over the twin does allocate: the count counts.
    let sealed = seal(OnSealed::Count);
    events.iter().for_each(|event| _ = twin.apply(event));
    drop(sealed);
    assert!(sealed_allocations() > 0);
}
