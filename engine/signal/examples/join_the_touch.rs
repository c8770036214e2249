//! A whole strategy: one lot at the best bid and one at the best ask, within a position cap.
//!
//! `cargo run -p nofx-signal --example join_the_touch` shows it events and prints what it wishes for.

use nofx_signal::{Context, InstrumentSet, Pace, Quoter, Strategy};
use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, Intents, Ladder, Level, Nanos,
    OrderUpdate, Phase, Price, Qty, Side, Touch, UpdateKind,
};

// The strategy begins here.
struct JoinTheTouch {
    quoter: Quoter,
    cap: i64,
}

impl Strategy for JoinTheTouch {
    fn name(&self) -> &'static str {
        "join_the_touch"
    }

    fn instruments(&self) -> &[InstrumentId] {
        self.quoter.set().ids()
    }

    fn on_event<L: Ladder>(
        &mut self,
        ctx: &Context,
        _event: &BookEvent,
        book: &L,
        _change: Change,
        out: &mut Intents,
    ) {
        let (touch, lot) = (book.touch(), ctx.instrument.lot);
        for side in Side::BOTH {
            let after = ctx.position * side.sign() + i64::from(lot);
            let wanted = after <= self.cap && touch.is_two_sided() && !touch.is_crossed();
            let quote = touch.best(side).filter(|_| wanted).map(|px| (px, Qty(lot.into())));
            self.quoter.want(ctx, side, quote, out);
        }
    }

    fn on_order(&mut self, ctx: &Context, update: &OrderUpdate, out: &mut Intents) {
        self.quoter.on_order(ctx, update, out);
    }
}
// The strategy ends here.

/// A book that is its touch.
struct TouchOnly(Touch);

impl Ladder for TouchOnly {
    fn touch(&self) -> Touch {
        self.0
    }

    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let level =
            self.0.best(side).map(|price| Level { price, qty: self.0.qty(side), orders: 0 });
        match (level, out.first_mut()) {
            (Some(level), Some(slot)) => {
                *slot = level;
                1
            }
            _ => 0,
        }
    }
}

fn touch(bid: i64, ask: i64) -> TouchOnly {
    let qty = Qty(500);
    TouchOnly(Touch { bid_px: Price(bid), bid_qty: qty, ask_px: Price(ask), ask_qty: qty })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut instrument = Instrument::unknown(InstrumentId(7));
    instrument.flags.defined = true;
    let set = InstrumentSet::new(&[instrument.id], 8_000)?;
    let mut strategy = JoinTheTouch { quoter: Quoter::new(set, Pace::default(), true), cap: 100 };
    let mut out = Intents::new(1);

    let mut position = 0;
    let market = [
        (Phase::PreOpen, touch(100_000, 100_200)),
        (Phase::Continuous, touch(100_000, 100_200)),
        (Phase::Continuous, touch(100_100, 100_200)),
        (Phase::Halted, touch(100_100, 100_200)),
    ];
    for (at, (phase, book)) in market.into_iter().enumerate() {
        let now = Nanos(at as u64 * 5_000_000);
        let event = BookEvent {
            instrument: instrument.id,
            seq: at as u64,
            exch_ns: now,
            capture_ns: now,
            last: true,
            kind: EventKind::EndOfEvent,
        };
        println!("{phase:?}, {} x {}", book.0.bid_px.decimal(4), book.0.ask_px.decimal(4));
        let ctx = Context { now, instrument: &instrument, phase, stale: false, position };
        let change = Change { touch: true, levels: true };
        strategy.on_event(&ctx, &event, &book, change, &mut out);

        // A venue that accepts everything, and fills the ask once.
        let mut updates = Vec::new();
        out.drain(|intent| {
            let price = intent.price.decimal(4);
            println!("  {:?} {:?} {} at {price}", intent.kind, intent.side, intent.qty.0);
            updates.push(accept(&intent));
        });
        if at == 1 {
            let sold = updates.iter().find(|update| update.side == Side::Sell).copied();
            updates.extend(sold.map(fill));
        }
        for update in updates {
            position += update.fill_qty.0 as i64 * update.side.sign();
            let ctx = Context { position, ..ctx };
            println!("  -> {:?} {:?}, position {position}", update.kind, update.side);
            strategy.on_order(&ctx, &update, &mut out);
        }
    }
    Ok(())
}

fn accept(intent: &nofx_types::OrderIntent) -> OrderUpdate {
    use nofx_types::IntentKind::{Cancel, New, Replace};
    let kind = match intent.kind {
        New => UpdateKind::Accepted,
        Replace => UpdateKind::Replaced,
        Cancel => UpdateKind::Canceled,
    };
    OrderUpdate {
        kind,
        side: intent.side,
        maker: true,
        account: intent.account,
        instrument: intent.instrument,
        cl_ord_id: intent.cl_ord_id,
        orig: intent.orig,
        order_ref: Default::default(),
        price: intent.price,
        leaves: intent.qty,
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: intent.kind != New,
        now_ns: intent.now_ns,
    }
}

fn fill(resting: OrderUpdate) -> OrderUpdate {
    OrderUpdate {
        kind: UpdateKind::Filled,
        fill_price: resting.price,
        fill_qty: resting.leaves,
        leaves: Qty(0),
        closed: true,
        ..resting
    }
}
