//! Positions and profit in integers.
//!
//! Model: each account and instrument has a row with three sums: the position, the cash that its
//! trades brought, and the cost of what is held at average price. A trade that adds to the position
//! adds what it cost; one that takes away takes its share of the cost along, rounded towards zero,
//! and the rest of the division stays in the cost. Realised profit is cash plus cost, so rounding
//! moves between realised and open profit and is never lost: at zero position the cost is zero and
//! the realised profit is the cash, exactly.
//!
//! A broken trade is taken back as the opposite trade at its price. Position, cash and so the sum of
//! realised and open profit are then those of a day without it; how the sum splits between the two
//! follows the average price, which does not remember single trades.

use nofx_types::{
    AccountId, Instrument, InstrumentId, OrderUpdate, PRICE_DECIMALS, Price, Side, UpdateKind,
};

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Price units times shares: what sells brought less what buys took.
    cash: i128,
    /// Price units times shares: what the position cost, negative for a short one.
    cost: i128,
    position: i64,
    trades: u32,
}

/// What an account holds in an instrument, and what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// The account.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Signed shares.
    pub position: i64,
    /// Realised profit in 1/10,000 of the currency, saturating.
    pub realised_e4: i64,
    /// Trades, those taken back included.
    pub trades: u32,
    cost: i128,
    decimals: u8,
}

impl PositionRow {
    /// Profit of the position if it were closed at `mid`, in 1/10,000 of the currency, saturating.
    pub fn open_e4(&self, mid: Price) -> i64 {
        let worth = i128::from(self.position) * i128::from(mid.0);
        to_e4(worth.saturating_sub(self.cost), self.decimals)
    }
}

/// Positions of every account in every instrument.
#[derive(Clone, Debug)]
pub struct Positions {
    rows: Box<[Row]>,
    decimals: Box<[u8]>,
    /// Updates that named an account or instrument outside the table.
    outside: u64,
}

impl Positions {
    /// Flat in `accounts` times `instruments`.
    pub fn new(accounts: u16, instruments: u32) -> Positions {
        let rows = usize::from(accounts) * instruments as usize;
        Positions {
            rows: vec![Row::default(); rows].into_boxed_slice(),
            decimals: vec![PRICE_DECIMALS; instruments as usize].into_boxed_slice(),
            outside: 0,
        }
    }

    /// The instrument's scale of prices; four decimals until defined.
    pub fn define(&mut self, instrument: &Instrument) {
        if let Some(decimals) = self.decimals.get_mut(instrument.id.index()) {
            *decimals = instrument.decimals;
        }
    }

    /// Signed shares; 0 outside the table.
    #[inline]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        let row = self.index(account, instrument).and_then(|index| self.rows.get(index));
        row.map_or(0, |row| row.position)
    }

    /// Takes a trade, or one taken back; other news change nothing.
    #[inline]
    pub fn on_update(&mut self, update: &OrderUpdate) {
        let side = match update.kind {
            UpdateKind::Filled | UpdateKind::Unreserved => update.side,
            UpdateKind::Broken => update.side.opposite(),
            _ => return,
        };
        let index = self.index(update.account, update.instrument);
        match index.and_then(|index| self.rows.get_mut(index)) {
            Some(row) => row.trade(side, update.fill_price, update.fill_qty.0),
            None => self.outside = self.outside.saturating_add(1),
        }
    }

    /// Rows with a position or a trade, by account, then instrument. For reports: walks the table.
    pub fn rows(&self) -> impl Iterator<Item = PositionRow> {
        let used = self.rows.iter().enumerate().filter(|(_, row)| row.trades > 0);
        used.map(|(index, row)| self.show(index, row))
    }

    /// What the account has in the instrument, where it traded.
    pub fn row(&self, account: AccountId, instrument: InstrumentId) -> Option<PositionRow> {
        let index = self.index(account, instrument)?;
        let row = self.rows.get(index).filter(|row| row.trades > 0)?;
        Some(self.show(index, row))
    }

    fn show(&self, index: usize, row: &Row) -> PositionRow {
        let width = self.decimals.len().max(1);
        let decimals = self.decimals.get(index % width).copied().unwrap_or(PRICE_DECIMALS);
        PositionRow {
            account: AccountId((index / width) as u16),
            instrument: InstrumentId((index % width) as u32),
            position: row.position,
            realised_e4: to_e4(row.cash.saturating_add(row.cost), decimals),
            trades: row.trades,
            cost: row.cost,
            decimals,
        }
    }

    /// Trades that named an account or instrument outside the table.
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> u64 {
        (size_of_val(&*self.rows) + size_of_val(&*self.decimals)) as u64
    }

    #[inline]
    fn index(&self, account: AccountId, instrument: InstrumentId) -> Option<usize> {
        let width = self.decimals.len();
        // Checked: an instrument outside the table must not reach the next account's row.
        (instrument.index() < width).then(|| account.index() * width + instrument.index())
    }
}

impl Row {
    fn trade(&mut self, side: Side, price: Price, qty: u64) {
        let qty = i64::try_from(qty).unwrap_or(i64::MAX);
        let held = self.position;
        let closing = match held.signum() == -side.sign() {
            true => qty.unsigned_abs().min(held.unsigned_abs()),
            false => 0,
        };
        self.cost -= share(self.cost, held, closing);
        // What is left of the trade opens; `closing` is at most `qty`.
        let opening = side.sign() * (qty - closing as i64);
        let price = i128::from(price.0);
        self.cost = self.cost.saturating_add(price * i128::from(opening));
        self.cash = self.cash.saturating_sub(price * i128::from(side.sign() * qty));
        self.position = held.saturating_add(side.sign() * qty);
        self.trades = self.trades.saturating_add(1);
    }
}

/// The part of `cost` that `closing` of `held` shares take along, rounded towards zero: all of it
/// when all go. Divided first, so that no product leaves 128 bits.
fn share(cost: i128, held: i64, closing: u64) -> i128 {
    let (size, closing) = (i128::from(held.unsigned_abs()), i128::from(closing));
    if closing == 0 {
        return 0;
    }
    cost / size * closing + cost % size * closing / size
}

fn to_e4(units: i128, decimals: u8) -> i64 {
    let scaled = match decimals.checked_sub(PRICE_DECIMALS) {
        Some(more) => units / 10i128.pow(u32::from(more.min(30))),
        None => units.saturating_mul(10i128.pow(u32::from(PRICE_DECIMALS - decimals))),
    };
    scaled.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
