//! The Shanghai publisher: its ticks, taken by Shanghai's rules, leave the board's books.

mod publish;

use std::collections::BTreeMap;

use nofx_types::{Level, Market, OrderRef, Price, Qty, Side, Symbol, Tick, TickKind};
use nofx_venue::board::Board;
use nofx_venue::publish::sse;
use publish::{board, drive};

/// Orders that rest, by id, as the ticks tell.
#[derive(Default)]
struct Reader {
    orders: BTreeMap<u64, (Symbol, Side, Price, u64)>,
    next: u64,
    volume: u64,
}

impl Reader {
    fn tick(&mut self, tick: &Tick) {
        self.next += 1;
        assert_eq!(tick.seq, self.next, "numbers without holes");
        let mut reduce = |order: OrderRef| {
            let Some(row) = self.orders.get_mut(&order.0) else { return false };
            row.3 -= tick.qty.0;
            if row.3 == 0 {
                self.orders.remove(&order.0);
            }
            true
        };
        match tick.kind {
            TickKind::Order { side, .. } => {
                let row = (tick.symbol, side, tick.price, tick.qty.0);
                assert!(self.orders.insert(tick.order(side).0, row).is_none());
            }
            TickKind::Cancel { side } => assert!(reduce(tick.order(side)), "{tick:?}"),
            TickKind::Trade { aggressor } => {
                self.volume += tick.qty.0;
                // Only the passive order is known while one side is active (semantics 1).
                for side in Side::BOTH.into_iter().filter(|side| aggressor != Some(*side)) {
                    assert!(reduce(tick.order(side)), "{tick:?}");
                }
            }
            TickKind::Phase(_) => {}
        }
    }

    fn levels(&self, symbol: Symbol, side: Side) -> Vec<Level> {
        let mut levels: BTreeMap<i64, Level> = BTreeMap::new();
        for (of, on, price, qty) in self.orders.values() {
            if *of == symbol && *on == side {
                let blank = Level { price: *price, ..Level::default() };
                let level = levels.entry(price.0).or_insert(blank);
                level.qty = Qty(level.qty.0 + qty);
                level.orders += 1;
            }
        }
        match side {
            Side::Buy => levels.into_values().rev().collect(),
            Side::Sell => levels.into_values().collect(),
        }
    }

    fn assert_is(&self, board: &Board, at: &str) {
        for (row, security) in board.securities().iter().enumerate() {
            for side in Side::BOTH {
                let want: Vec<Level> = board.levels(row as u32, side).collect();
                assert_eq!(self.levels(security.symbol, side), want, "{at} {}", security.symbol);
            }
        }
    }
}

#[test]
fn ticks_taken_by_shanghais_rules_leave_the_boards_books_at_every_moment() {
    for seed in 1..4 {
        let mut board = board(Market::Sse, seed, 4, 60);
        let mut reader = Reader::default();
        let (mut trades, mut partly) = (0, 0);
        drive(&mut board, |now, said, board| {
            for fact in said {
                if let Some(tick) = sse::tick(fact, board) {
                    trades += u64::from(matches!(tick.kind, TickKind::Trade { .. }));
                    reader.tick(&tick);
                }
                if let nofx_venue::board::What::Rested { executed, .. } = fact.what {
                    partly += u64::from(executed > 0);
                }
            }
            reader.assert_is(board, &format!("seed {seed} at {}", now.0));
        });
        let rows = 0..board.securities().len() as u32;
        let volume: u64 = rows.map(|row| board.totals(row).volume).sum();
        assert_eq!(reader.volume, volume, "seed {seed}");
        println!("seed {seed}: {} ticks, {trades} trades, {partly} rests", reader.next);
        assert!(trades > 50 && partly > 5, "seed {seed}: {trades} {partly}");
    }
}
