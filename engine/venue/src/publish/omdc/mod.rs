//! HKEX OMD-C 1.45: channels with heartbeats, refresh cycles and a retransmission server.
//!
//! Model: every security belongs to a channel; a channel numbers its messages from 1 and begins with
//! a Sequence Reset, the definitions and the state of the market. An order that rests is an Add, a
//! fill is a Trade and the Modify or Delete of the orders that rested. Refresh packets are numbered
//! on their own and end with the number of the live message that they are current to. Messages of
//! the premium feed (nominal price, statistics, closing price) come by option. What no source says
//! open is in [`OmdcConfig`]; fillers are zeros, text is space padded.

mod channel;
mod retransmit;
mod words;

pub use channel::Cut;
pub use retransmit::{Retransmission, RetransmissionConfig, RetransmissionSession};
pub use words::Position;

use channel::Channel;
use nofx_types::{Nanos, Price, Side};
use nofx_wire::omdc::{PACKET_MAX, RefreshComplete, SequenceReset};

use super::{Outlet, channels_of};
use crate::board::{ALL, Auction, Board, Party, Place, Said, Security, Stage, What};

/// How the feed is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OmdcConfig {
    /// How packets are cut: at most a frame, slots of 10 us, heartbeats after 2 s (unverified).
    pub cut: Cut,
    /// What `order_book_position` counts.
    pub position: Position,
    /// Market code of all securities.
    pub market: [u8; 4],
    /// Nominal prices, statistics and closing prices as well: messages of the premium feed.
    pub premium: bool,
    /// Messages of a channel that are kept for retransmission.
    pub kept: u64,
}

impl Default for OmdcConfig {
    fn default() -> OmdcConfig {
        OmdcConfig {
            cut: Cut { packet_max: PACKET_MAX, slot_ns: 10_000, heartbeat_ns: 2_000_000_000 },
            position: Position::default(),
            market: *b"MAIN",
            premium: true,
            kept: 1 << 20,
        }
    }
}

/// What is published of a security besides its book.
#[derive(Clone, Copy, Default)]
struct Shown {
    code: u32,
    channel: u16,
    limits: (Price, Price),
    nominal: Price,
    touched: bool,
    halted: bool,
}

/// The publisher of one market.
pub struct OmdcPublisher {
    config: OmdcConfig,
    channels: Vec<Channel>,
    refresh: Vec<Channel>,
    shown: Vec<Shown>,
    stage: (Stage, Nanos, Nanos),
}

impl OmdcPublisher {
    /// The channels of a board's securities; nothing is sent yet.
    pub fn new(config: OmdcConfig, board: &Board) -> OmdcPublisher {
        let start = board.now();
        let ids = channels_of(board.securities());
        let channel = |id, kept| Channel::new(id, config.cut, kept, start);
        let show = |security: &Security| Shown {
            code: words::code(security),
            channel: security.channel,
            limits: (security.limit_low, security.limit_high),
            nominal: security.previous_close,
            ..Shown::default()
        };
        OmdcPublisher {
            channels: ids.iter().map(|id| channel(*id, Some(config.kept))).collect(),
            refresh: ids.iter().map(|id| channel(*id, None)).collect(),
            shown: board.securities().iter().map(show).collect(),
            stage: (board.stage(), start, start),
            config,
        }
    }

    /// The channels, in rising order.
    pub fn channels(&self) -> impl Iterator<Item = u16> + '_ {
        self.channels.iter().map(|channel| channel.id)
    }

    /// Begins the day on every channel: Sequence Reset, definitions, state of the market.
    pub fn open(&mut self, at: Nanos, board: &Board, out: &mut impl Outlet) {
        for index in 0..self.channels.len() {
            let reset = SequenceReset { new_seq_no: 1.into(), ..SequenceReset::blank() };
            self.channels[index].push(at, reset.bytes(), out);
            self.channels[index].flush(out);
            let facts = self.standing_facts(self.channels[index].id, board);
            facts.iter().for_each(|fact| self.channels[index].push(at, fact, out));
        }
    }

    /// Puts one fact into bytes.
    pub fn say(&mut self, said: &Said, board: &Board, out: &mut impl Outlet) {
        let at = said.at;
        if said.row == ALL {
            if let What::Stage { stage, from, to, .. } = said.what {
                self.stage = (stage, from, to);
                let message = words::stage(self.config.market, stage, from, to);
                self.push(at, said.channel, message.bytes(), out);
            }
            return;
        }
        let Some(shown) = self.shown.get_mut(said.row as usize) else { return };
        shown.touched = true;
        let (code, channel, position) = (shown.code, shown.channel, self.config.position);
        match said.what {
            What::Reference { price, low, high } => {
                self.reference(said.row, board, at, [price, low, high], out);
            }
            What::Trade { trade, bid, offer, price, qty, auction, .. } => {
                let message = words::trade(code, trade, price, qty, auction, at);
                self.push(at, channel, message.bytes(), out);
                for (party, side) in [(bid, Side::Buy), (offer, Side::Sell)] {
                    self.filled(at, code, channel, &party, side, out);
                }
            }
            What::Rested { order, .. } => {
                self.push(at, channel, words::add(code, &order, position).bytes(), out);
            }
            What::Canceled { order, rested: true, .. } | What::Amended { order } => {
                self.changed(at, code, channel, &order, out);
            }
            What::Indicative(auction) | What::Uncrossed(auction) => {
                self.auction(at, code, channel, &auction, out);
            }
            What::Cooling { from, to, reference, low, high } => {
                let message = words::cooling(code, (from, to), [reference, low, high]);
                self.push(at, channel, message.bytes(), out);
            }
            What::Halted(halted) => {
                shown.halted = halted;
                self.push(at, channel, words::status(code, halted).bytes(), out);
            }
            What::OddLot { order, side, price, qty } => {
                let message = words::odd_lot(code, order, side, price, qty);
                self.push(at, channel, message.bytes(), out);
            }
            What::OddLotGone { order, side } => {
                self.push(at, channel, words::odd_lot_gone(code, order, side).bytes(), out);
            }
            What::TradeCanceled { trade } => {
                self.push(at, channel, words::trade_cancel(code, trade).bytes(), out);
            }
            What::Closing(price) if self.config.premium => {
                let totals = board.totals(said.row);
                self.push(at, channel, words::statistics(code, &totals).bytes(), out);
                self.push(at, channel, words::closing(code, price, totals.trades).bytes(), out);
            }
            What::Stage { .. }
            | What::OrderIn { .. }
            | What::Canceled { .. }
            | What::Parked { .. }
            | What::Unparked { .. }
            | What::Cooled
            | What::Closing(_)
            | What::Level { .. } => {}
        }
    }

    /// Sends what is due: nominal prices that moved, open packets, heartbeats. Every fact must have
    /// been said.
    pub fn turn(&mut self, now: Nanos, board: &Board, out: &mut impl Outlet) {
        if self.config.premium {
            self.nominal_prices(now, board, out);
        }
        self.channels.iter_mut().for_each(|channel| channel.turn(now, out));
    }

    /// Sends whatever is open.
    pub fn flush(&mut self, out: &mut impl Outlet) {
        self.channels.iter_mut().for_each(|channel| channel.flush(out));
    }

    /// One refresh cycle of a channel, to the refresh group: definitions, states, all orders, and
    /// the number of the live message that they are current to. Every fact must have been said.
    pub fn refresh(&mut self, now: Nanos, channel: u16, board: &Board, out: &mut impl Outlet) {
        let Some(index) = self.channels.iter().position(|live| live.id == channel) else { return };
        // What is numbered must have left before an image claims to hold it.
        let last = self.channels[index].next_seq().wrapping_sub(1);
        let facts = self.standing_facts(channel, board);
        let refresh = &mut self.refresh[index];
        facts.iter().for_each(|fact| refresh.push(now, fact, out));
        for (row, shown) in self.shown.iter().enumerate().filter(|(_, s)| s.channel == channel) {
            for side in Side::BOTH {
                for place in places(board, row as u32, side) {
                    let add = words::add(shown.code, &place, self.config.position);
                    refresh.push(now, add.bytes(), out);
                }
            }
        }
        let end = RefreshComplete { last_seq_num: last.into(), ..RefreshComplete::blank() };
        refresh.push(now, end.bytes(), out);
        refresh.flush(out);
    }

    /// Number of the next live message of a channel.
    pub fn next_seq(&self, channel: u16) -> Option<u32> {
        self.channel(channel).map(Channel::next_seq)
    }

    fn channel(&self, id: u16) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    fn push(&mut self, at: Nanos, channel: u16, message: &[u8], out: &mut impl Outlet) {
        if let Some(channel) = self.channels.iter_mut().find(|known| known.id == channel) {
            channel.push(at, message, out);
        }
    }

    /// Definitions and states: how a day and each refresh begin.
    fn standing_facts(&self, channel: u16, board: &Board) -> Vec<Vec<u8>> {
        let (market, (stage, from, to)) = (self.config.market, self.stage);
        let on_channel = || {
            let rows = self.shown.iter().zip(board.securities());
            rows.filter(move |(shown, _)| shown.channel == channel)
        };
        let count = on_channel().count() as u32;
        let mut facts = vec![words::market(market, count).bytes().to_vec()];
        facts.extend(on_channel().map(|(shown, security)| {
            words::definition(security, market, shown.limits).bytes().to_vec()
        }));
        facts.push(words::stage(market, stage, from, to).bytes().to_vec());
        facts.extend(
            on_channel()
                .filter(|(shown, _)| shown.halted)
                .map(|(shown, _)| words::status(shown.code, true).bytes().to_vec()),
        );
        facts
    }

    /// The reference of the closing call is a message; limits of the opening call stand in the
    /// definition, which is sent again.
    fn reference(
        &mut self,
        row: u32,
        board: &Board,
        at: Nanos,
        [price, low, high]: [Price; 3],
        out: &mut impl Outlet,
    ) {
        let Some(shown) = self.shown.get_mut(row as usize) else { return };
        let (code, channel) = (shown.code, shown.channel);
        if self.stage.0 >= Stage::Fixing {
            let message = words::reference(code, [price, low, high]);
            self.push(at, channel, message.bytes(), out);
        } else if shown.limits != (low, high) && high.0 > 0 {
            shown.limits = (low, high);
            let Some(security) = board.securities().get(row as usize) else { return };
            let message = words::definition(security, self.config.market, (low, high));
            self.push(at, channel, message.bytes(), out);
        }
    }

    /// One side of a trade: the order that rested shows what is left of it. It was the next to trade,
    /// so it heads its level and its side.
    fn filled(
        &mut self,
        at: Nanos,
        code: u32,
        channel: u16,
        party: &Party,
        side: Side,
        out: &mut impl Outlet,
    ) {
        if !party.resting {
            return;
        }
        if party.left == 0 {
            self.push(at, channel, words::delete(code, party.order, side).bytes(), out);
        } else {
            let position = self.config.position.of(0, 0);
            let message = words::modify(code, party.order, side, party.left, position);
            self.push(at, channel, message.bytes(), out);
        }
    }

    fn changed(&mut self, at: Nanos, code: u32, channel: u16, to: &Place, out: &mut impl Outlet) {
        if to.qty == 0 {
            self.push(at, channel, words::delete(code, to.order, to.side).bytes(), out);
        } else {
            let position = self.config.position.of(to.in_level, to.in_side);
            let message = words::modify(code, to.order, to.side, to.qty, position);
            self.push(at, channel, message.bytes(), out);
        }
    }

    fn auction(
        &mut self,
        at: Nanos,
        code: u32,
        channel: u16,
        auction: &Auction,
        out: &mut impl Outlet,
    ) {
        self.push(at, channel, words::indicative(code, auction).bytes(), out);
        self.push(at, channel, words::imbalance(code, auction).bytes(), out);
    }

    /// Nominal price: the last one, within the best bid and the best ask.
    fn nominal_prices(&mut self, now: Nanos, board: &Board, out: &mut impl Outlet) {
        for row in 0..self.shown.len() {
            if !std::mem::take(&mut self.shown[row].touched) || board.stage().is_call() {
                continue;
            }
            let Some(security) = board.securities().get(row) else { continue };
            let last = board.totals(row as u32).last;
            let last = if last.0 > 0 { last } else { security.previous_close };
            let best = |side| board.levels(row as u32, side).next().map(|level| level.price);
            let floor = best(Side::Buy).map_or(last, |bid| last.max(bid));
            let price = best(Side::Sell).map_or(floor, |ask| floor.min(ask));
            let shown = &mut self.shown[row];
            if shown.nominal != price {
                shown.nominal = price;
                let (code, channel) = (shown.code, shown.channel);
                self.push(now, channel, words::nominal(code, price).bytes(), out);
            }
        }
    }
}

/// The orders of a side with their places.
fn places(board: &Board, row: u32, side: Side) -> impl Iterator<Item = Place> {
    let mut level = (None, 0);
    board.standing(row, side).enumerate().map(move |(in_side, order)| {
        let key = Some((order.pricing, order.price));
        let in_level = if level.0 == key { level.1 + 1 } else { 0 };
        level = (key, in_level);
        Place {
            order: order.order,
            side,
            pricing: order.pricing,
            price: order.price,
            qty: order.qty,
            in_level,
            in_side: in_side as u32,
        }
    })
}
