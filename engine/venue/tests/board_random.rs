//! Whole seeded days of each market against a venue that was written to be obviously right: orders in
//! one list, every question answered by looking at all of them; the price of a call by trying every
//! tick.

mod boards;

use std::collections::{BTreeMap, HashMap, VecDeque};

use boards::*;
use nofx_types::{Market, Nanos, Phase, Side};
use nofx_venue::board::{Auction, Board, Kind, Party, Said, Stage, What};

#[derive(Clone, Copy, Debug)]
struct Order {
    id: u64,
    side: Side,
    /// `None`: an auction order without a price.
    price: Option<i64>,
    qty: u32,
    turn: u64,
}

/// What must be said next.
#[derive(Debug, PartialEq)]
enum Must {
    Trade { bid: u64, offer: u64, price: i64, qty: u32 },
    Rest { order: u64, price: Option<i64>, qty: u32 },
    Gone { order: u64, by: u32 },
}

/// One security's book.
#[derive(Default)]
struct Naive {
    orders: Vec<Order>,
    parked: HashMap<u64, (Kind, Order)>,
    musts: VecDeque<Must>,
    turn: u64,
    last: i64,
    /// A cooling-off has begun: the order that is next to go started it.
    braked: bool,
}

/// Better price first, then the earlier turn.
fn rank(order: &Order) -> (i64, u64) {
    (order.price.map_or(i64::MIN + 1, |price| -order.side.sign() * price), order.turn)
}

impl Naive {
    fn side(&self, side: Side) -> Vec<Order> {
        let mut orders: Vec<Order> =
            self.orders.iter().copied().filter(|order| order.side == side).collect();
        orders.sort_by_key(rank);
        orders
    }

    fn best(&self, side: Side) -> Option<i64> {
        self.side(side).iter().find_map(|order| order.price)
    }

    fn take(&mut self, id: u64, qty: u32) {
        let order = self.orders.iter_mut().find(|order| order.id == id).expect("it rests");
        order.qty -= qty;
        self.orders.retain(|order| order.qty > 0);
    }

    fn level(&self, side: Side, price: i64) -> (u64, u32) {
        let at = self.orders.iter().filter(|o| o.side == side && o.price == Some(price));
        at.fold((0, 0), |(qty, orders), order| (qty + u64::from(order.qty), orders + 1))
    }

    /// An order comes in; what follows is written down.
    fn arrive(&mut self, kind: Kind, mut order: Order, call: bool) {
        let others = self.side(order.side.opposite());
        let mut prices: Vec<i64> = others.iter().filter_map(|other| other.price).collect();
        prices.dedup();
        let limit = match kind {
            _ if call => None,
            Kind::OppositeBest => prices.first().copied(),
            Kind::OwnBest => self.best(order.side),
            Kind::BestFive | Kind::BestFiveRest => prices.get(4).or(prices.last()).copied(),
            Kind::AnyPrice | Kind::AllOrNone => prices.last().copied(),
            _ => order.price,
        };
        let reaches = |price: i64| {
            limit.is_some_and(|limit| order.side.sign() * price <= order.side.sign() * limit)
        };
        let open = others.iter().filter(|other| other.price.is_some_and(reaches));
        let enough = open.clone().map(|o| u64::from(o.qty)).sum::<u64>() >= u64::from(order.qty);
        let whole = matches!(kind, Kind::AllOrNone | Kind::LimitFok);
        let mut last = None;
        for other in open.filter(|_| enough || !whole) {
            let qty = order.qty.min(other.qty);
            if qty == 0 {
                break;
            }
            order.qty -= qty;
            let price = other.price.expect("reached by price");
            let (bid, offer) = match order.side {
                Side::Buy => (order.id, other.id),
                Side::Sell => (other.id, order.id),
            };
            last = Some(price);
            self.musts.push_back(Must::Trade { bid, offer, price, qty });
        }
        if order.qty == 0 {
            return;
        }
        let rests = match kind {
            Kind::OppositeBest | Kind::OwnBest => limit,
            Kind::BestFiveRest => last,
            Kind::BestFive | Kind::AnyPrice | Kind::AllOrNone => None,
            Kind::LimitIoc | Kind::LimitFok => None,
            _ => order.price,
        };
        order.turn = self.turn;
        self.turn += 1;
        if rests.is_none() && !(call && kind == Kind::AtAuction) {
            self.musts.push_back(Must::Gone { order: order.id, by: order.qty });
            // It must be known to be taken off; it is not in the book.
            return;
        }
        order.price = rests;
        self.musts.push_back(Must::Rest { order: order.id, price: rests, qty: order.qty });
        self.orders.push(order);
    }

    /// The price of a call: every tick is tried.
    fn clearing(&self, market: Market, reference: i64, tick: &dyn Fn(i64) -> i64) -> Auction {
        let prices: Vec<i64> = self.orders.iter().filter_map(|order| order.price).collect();
        let (Some(low), Some(high)) = (prices.iter().min(), prices.iter().max()) else {
            return Auction::default();
        };
        let sum = |side: Side, price: i64| -> u64 {
            let reaches = |own: i64| side.sign() * own >= side.sign() * price;
            let all = self.orders.iter().filter(|o| o.side == side);
            all.filter(|o| o.price.is_none_or(reaches)).map(|o| u64::from(o.qty)).sum()
        };
        // Most volume, then fewest better orders that find nobody, then least imbalance.
        let mut best: Vec<(i64, (u64, u64, u64))> = Vec::new();
        let mut price = *low;
        while price <= *high {
            let (bids, asks) = (sum(Side::Buy, price), sum(Side::Sell, price));
            let (volume, over) = (bids.min(asks), bids.abs_diff(asks));
            let better = |side: Side, all: u64| {
                let at = self.level(side, price).0;
                (all - at).saturating_sub(volume)
            };
            let unfilled = better(Side::Buy, bids) + better(Side::Sell, asks);
            // Shanghai looks at the prices of orders only.
            if volume > 0 && (market != Market::Sse || prices.contains(&price)) {
                let rank = (volume, u64::MAX - unfilled, u64::MAX - over);
                match best.first().map(|found| rank.cmp(&found.1)) {
                    Some(std::cmp::Ordering::Less) => {}
                    Some(std::cmp::Ordering::Equal) => best.push((price, rank)),
                    Some(std::cmp::Ordering::Greater) | None => best = vec![(price, rank)],
                }
            }
            price += tick(price + 1);
        }
        let Some((first, last)) = best.first().zip(best.last()) else { return Auction::default() };
        let price = if market == Market::Sse {
            let step = tick(first.0);
            let middle = first.0 + last.0;
            (middle + step) / (2 * step) * step
        } else {
            let near = best.iter().map(|found| (found.0 - reference).abs()).min();
            let nearest = best.iter().rev().find(|found| Some((found.0 - reference).abs()) == near);
            nearest.expect("there is one").0
        };
        let (bids, asks) = (sum(Side::Buy, price), sum(Side::Sell, price));
        let side = match bids.cmp(&asks) {
            std::cmp::Ordering::Greater => Some(Side::Buy),
            std::cmp::Ordering::Less => Some(Side::Sell),
            std::cmp::Ordering::Equal => None,
        };
        let (volume, imbalance) = (bids.min(asks), bids.abs_diff(asks));
        Auction { price: nofx_types::Price(price), volume, imbalance, side }
    }

    /// Writes down the trades that end a call.
    fn uncross(&mut self, found: &Auction) {
        let [mut bids, mut asks] = Side::BOTH.map(|side| VecDeque::from(self.side(side)));
        let mut left = found.volume;
        while left > 0 {
            let (bid, ask) = (bids.front_mut().expect("volume"), asks.front_mut().expect("volume"));
            let qty = u64::from(bid.qty.min(ask.qty)).min(left) as u32;
            let (b, o) = (bid.id, ask.id);
            self.musts.push_back(Must::Trade { bid: b, offer: o, price: found.price.0, qty });
            left -= u64::from(qty);
            bid.qty -= qty;
            ask.qty -= qty;
            if bid.qty == 0 {
                bids.pop_front();
            }
            if ask.qty == 0 {
                asks.pop_front();
            }
        }
    }
}

/// What a whole day went through.
#[derive(Default, Debug)]
struct Seen {
    facts: u64,
    trades: u64,
    auction_trades: u64,
    parked: u64,
    unparked: u64,
    coolings: u64,
    canceled_incoming: u64,
    kinds: BTreeMap<String, u64>,
}

struct Watch {
    market: Market,
    rows: Vec<Naive>,
    kinds: HashMap<(u32, u64), Kind>,
    stage: Stage,
    /// The day's references of the closing call.
    references: HashMap<u32, i64>,
    volume: Vec<u64>,
    /// Shares that were taken off orders.
    canceled: Vec<u64>,
    numbers: HashMap<u16, u64>,
    seen: Seen,
    at: Nanos,
}

impl Watch {
    fn new(board: &Board) -> Watch {
        Watch {
            market: board.market(),
            rows: board.securities().iter().map(|_| Naive::default()).collect(),
            kinds: HashMap::new(),
            stage: Stage::Before,
            references: HashMap::new(),
            volume: vec![0; board.securities().len()],
            canceled: vec![0; board.securities().len()],
            numbers: HashMap::new(),
            seen: Seen::default(),
            at: Nanos(0),
        }
    }

    fn hear(&mut self, board: &Board, said: &Said) {
        self.seen.facts += 1;
        assert!(said.at >= self.at, "{said:?} goes back");
        self.at = said.at;
        if said.number > 0 {
            let last = self.numbers.entry(said.channel).or_default();
            *last += 1;
            assert_eq!(said.number, *last, "numbers of channel {}", said.channel);
        }
        if let What::Stage { stage, .. } = said.what {
            self.stage = stage;
        }
        if said.row as usize >= self.rows.len() {
            return;
        }
        self.hear_of(board, said);
    }

    fn hear_of(&mut self, board: &Board, said: &Said) {
        let row = said.row as usize;
        let security = board.securities()[row];
        match said.what {
            What::Reference { price, .. } if self.stage.phase() == Phase::ClosingAuction => {
                self.references.insert(said.row, price.0);
            }
            What::OrderIn { order, side, price, qty, .. } => {
                assert!(self.rows[row].musts.is_empty(), "{:?} was not said", self.rows[row].musts);
                if self.market == Market::Szse {
                    assert_eq!(order.0, said.number, "an id is the number of its message");
                }
                let kind = self.kinds[&(said.row, order.0)];
                *self.seen.kinds.entry(format!("{kind:?}")).or_default() += 1;
                let price = kind.has_price().then_some(price.0);
                let new = Order { id: order.0, side, price, qty, turn: 0 };
                self.rows[row].parked.insert(order.0, (kind, new));
                self.no_cross(row);
            }
            What::Parked { order } => {
                self.seen.parked += 1;
                assert!(self.rows[row].parked.contains_key(&order.0));
            }
            What::Unparked { .. } => self.seen.unparked += 1,
            What::Trade { bid, offer, price, qty, aggressor, auction, .. } => {
                self.seen.trades += 1;
                self.seen.auction_trades += u64::from(auction);
                let high = security.limit_high.0;
                assert!(high == 0 || (security.limit_low.0..=high).contains(&price.0));
                if auction && self.rows[row].musts.is_empty() {
                    let found = self.clearing(board, said.row);
                    self.rows[row].uncross(&found);
                }
                for (side, party) in [(Side::Buy, bid), (Side::Sell, offer)] {
                    assert_eq!(party.resting, aggressor != Some(side), "{said:?}");
                    self.arrive(row, &party);
                }
                let must = self.rows[row].musts.pop_front();
                let (bid, offer) = (bid.order.0, offer.order.0);
                assert_eq!(must, Some(Must::Trade { bid, offer, price: price.0, qty }), "{said:?}");
                for id in [bid, offer] {
                    if self.rows[row].orders.iter().any(|o| o.id == id)
                        && (auction || Some(id) != self.taker(aggressor, bid, offer))
                    {
                        self.rows[row].take(id, qty);
                    }
                }
                self.rows[row].last = price.0;
                self.volume[row] += u64::from(qty);
            }
            What::Rested { order, .. } => {
                self.come(row, order.order.0);
                let price = (order.pricing == nofx_types::Pricing::Limit).then_some(order.price.0);
                let must = Must::Rest { order: order.order.0, price, qty: order.qty };
                assert_eq!(self.rows[row].musts.pop_front(), Some(must), "{said:?}");
                if self.market == Market::Hkex {
                    let side = self.rows[row].side(order.side);
                    let at = side.iter().position(|o| o.id == order.order.0).expect("it rests");
                    let level = side[..at].iter().filter(|o| o.price == price).count();
                    assert_eq!((order.in_side, order.in_level), (at as u32, level as u32));
                }
            }
            What::Canceled { order, by, rested } => self.canceled(row, order.order.0, by, rested),
            What::Amended { order } => {
                let naive = &mut self.rows[row];
                naive.turn += 1;
                let turn = naive.turn;
                let found = naive.orders.iter_mut().find(|o| o.id == order.order.0);
                let found = found.expect("it rests");
                if order.qty > found.qty {
                    found.turn = turn;
                }
                found.qty = order.qty;
            }
            What::Uncrossed(found) => {
                assert!(self.rows[row].musts.is_empty(), "{:?}", self.rows[row].musts);
                if found.volume == 0 {
                    assert_eq!(found, self.clearing(board, said.row), "row {row}");
                }
            }
            What::Cooling { .. } => {
                self.seen.coolings += 1;
                // What the order would have traded beyond the band does not happen.
                self.rows[row].musts.clear();
                self.rows[row].braked = true;
            }
            What::Level { side, level } => {
                let want = (level.qty.0, level.orders);
                assert_eq!(self.rows[row].level(side, level.price.0), want, "{said:?}");
            }
            _ => {}
        }
    }

    fn taker(&self, aggressor: Option<Side>, bid: u64, offer: u64) -> Option<u64> {
        aggressor.map(|side| if side == Side::Buy { bid } else { offer })
    }

    fn arrive(&mut self, row: usize, party: &Party) {
        if !party.resting {
            self.come(row, party.order.0);
        }
    }

    /// An order that was announced, or parked, comes into its book.
    fn come(&mut self, row: usize, id: u64) {
        let call = self.stage.is_call();
        if let Some((kind, order)) = self.rows[row].parked.remove(&id) {
            assert!(self.rows[row].musts.is_empty(), "{:?}", self.rows[row].musts);
            self.rows[row].arrive(kind, order, call);
        }
    }

    fn canceled(&mut self, row: usize, id: u64, by: u32, rested: bool) {
        self.canceled[row] += u64::from(by);
        let naive = &mut self.rows[row];
        if rested {
            let found = naive.orders.iter().find(|o| o.id == id).expect("it rests");
            assert_eq!(found.qty, by);
            return naive.orders.retain(|order| order.id != id);
        }
        self.seen.canceled_incoming += 1;
        if std::mem::take(&mut naive.braked) {
            naive.parked.remove(&id);
            return naive.orders.retain(|order| order.id != id);
        }
        let waits = naive.parked.get(&id).map(|(kind, _)| *kind);
        if waits.is_some_and(|kind| kind != Kind::Limit || self.market == Market::Hkex) {
            self.come(row, id); // nothing traded before
        }
        let naive = &mut self.rows[row];
        if naive.parked.remove(&id).is_none() {
            assert_eq!(naive.musts.pop_front(), Some(Must::Gone { order: id, by }));
        }
    }

    fn clearing(&self, board: &Board, row: u32) -> Auction {
        let security = board.securities()[row as usize];
        let closing = self.stage.phase() == Phase::ClosingAuction;
        let last = self.rows[row as usize].last;
        let reference = match (self.market, closing) {
            (Market::Hkex, true) => self.references[&row],
            (_, true) if last > 0 => last,
            _ => security.previous_close.0,
        };
        let tick = |price: i64| security.rules.tick.rule.at(nofx_types::Price(price));
        self.rows[row as usize].clearing(self.market, reference, &tick)
    }

    fn no_cross(&self, row: usize) {
        let naive = &self.rows[row];
        if self.stage == Stage::Continuous
            && let (Some(bid), Some(ask)) = (naive.best(Side::Buy), naive.best(Side::Sell))
        {
            assert!(bid < ask, "row {row}: {bid} {ask}");
        }
    }

    /// At the end of the day.
    fn settle(&self, board: &Board) {
        let mut filled = vec![0; self.rows.len()];
        // Shares that came in are traded, still open, or were taken off; odd lots are only shown.
        let mut left = self.canceled.clone();
        for order in board.orders() {
            filled[order.entry.row as usize] += u64::from(order.filled);
            if order.entry.kind != Kind::OddLot {
                let gone = order.entry.qty - order.filled - order.leaves;
                left[order.entry.row as usize] -= u64::from(gone);
            }
        }
        assert!(left.iter().all(|left| *left == 0), "{left:?}");
        self.settle_accounts(board);
        for (row, naive) in self.rows.iter().enumerate() {
            let totals = board.totals(row as u32);
            assert_eq!((totals.volume, 2 * totals.volume), (self.volume[row], filled[row]));
            for side in Side::BOTH {
                let own: Vec<_> = naive.side(side).iter().map(|o| (o.id, o.qty)).collect();
                let theirs = board.standing(row as u32, side).map(|o| (o.order.0, o.qty));
                assert_eq!(own, theirs.collect::<Vec<_>>(), "row {row} {side:?}");
            }
        }
    }
}

impl Watch {
    /// What is bought is sold, and what open sells name is frozen.
    fn settle_accounts(&self, board: &Board) {
        let dump = board.dump();
        for (row, security) in dump.securities.iter().enumerate() {
            let held = dump.accounts.iter().flat_map(|account| &account.holdings);
            let held: Vec<_> = held.filter(|holding| holding.symbol == security.symbol).collect();
            let sum = |of: &dyn Fn(&nofx_venue::board::DumpHolding) -> u64| -> u64 {
                held.iter().map(|holding| of(holding)).sum()
            };
            assert_eq!(sum(&|h| h.bought), self.volume[row]);
            assert_eq!(sum(&|h| h.sold), self.volume[row]);
            assert_eq!(
                (sum(&|h| h.paid), sum(&|h| h.received)),
                (security.turnover, security.turnover)
            );
            let open = board.orders().filter(|order| {
                let entry = order.entry;
                entry.row == row as u32 && entry.side == Side::Sell && !entry.short
            });
            let open: u64 = open.map(|order| u64::from(order.leaves)).sum();
            assert_eq!(sum(&|h| h.frozen), open);
            let done = dump.executions.iter().filter(|done| done.symbol == security.symbol);
            assert_eq!(done.map(|done| u64::from(done.qty)).sum::<u64>(), security.volume);
        }
    }
}

/// Plays a day piece by piece.
fn play(market: Market, seed: u64, day: &str) -> Seen {
    let mut board = board_on(busy(market, seed), market, day);
    let mut watch = Watch::new(&board);
    let end = board.periods().last().expect("a day").from.0;
    let mut now = board.now().0;
    while now < end {
        now += 2_000_000_000;
        // The day after the last trade is not looked at: then all books are empty.
        board.turn(Nanos(now.min(end - 1)));
        let known = watch.kinds.len();
        for order in board.orders().skip(known) {
            let id = order.key.0 & ((1 << 44) - 1);
            watch.kinds.insert((order.entry.row, id), order.entry.kind);
        }
        for said in std::iter::from_fn(|| board.next_said()).collect::<Vec<_>>() {
            watch.hear(&board, &said);
        }
    }
    watch.settle(&board);
    watch.seen
}

fn play_all(market: Market, day: &str) -> Seen {
    let mut all = Seen::default();
    for seed in 1..=12 {
        println!("{market} seed {seed}");
        let seen = play(market, seed, day);
        all.facts += seen.facts;
        all.trades += seen.trades;
        all.auction_trades += seen.auction_trades;
        all.parked += seen.parked;
        all.unparked += seen.unparked;
        all.coolings += seen.coolings;
        all.canceled_incoming += seen.canceled_incoming;
        for (kind, count) in seen.kinds {
            *all.kinds.entry(kind).or_default() += count;
        }
    }
    println!("{all:?}");
    assert!(all.trades > 2_000 && all.auction_trades > 100 && all.canceled_incoming > 20);
    all
}

#[test]
fn shanghai_is_the_naive_one() {
    let seen = play_all(Market::Sse, "2023-07-11");
    assert!(seen.kinds["BestFiveRest"] > 200, "{:?}", seen.kinds);
}

#[test]
fn shenzhen_with_parking_is_the_naive_one() {
    let seen = play_all(Market::Szse, "2022-06-01");
    assert!(seen.parked > 100 && seen.unparked > 50, "{seen:?}");
}

#[test]
fn shenzhen_with_refusals_is_the_naive_one() {
    let seen = play_all(Market::Szse, "2023-07-11");
    assert_eq!(seen.parked, 0);
}

#[test]
fn hong_kong_is_the_naive_one() {
    let seen = play_all(Market::Hkex, "2025-09-01");
    assert!(seen.coolings > 5, "{seen:?}");
}

#[test]
fn the_seed_decides() {
    let transcript = |seed| {
        let mut board = board_on(busy(Market::Szse, seed), Market::Szse, "2022-06-01");
        board.turn(Nanos(board.now().0 + 40 * MINUTE));
        let said: Vec<Said> = std::iter::from_fn(|| board.next_said()).collect();
        (said, board.dump())
    };
    let first = transcript(3);
    assert!(first.0.len() > 1_000, "{}", first.0.len());
    assert!(first == transcript(3), "another day of the same seed");
    assert!(first != transcript(4), "the same day of another seed");
}
