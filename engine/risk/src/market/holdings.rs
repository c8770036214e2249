//! What may be sold today.
//!
//! Shares held at the start and bought today are kept apart, because on the mainland what was bought
//! today cannot be sold today. An open sell freezes its shares until it is filled or released; the
//! updates of an order do not say whether it was a short sale, so a holding has either ordinary sells
//! or short sales open, never both ([`Holding::mixes`]).

use alloc::boxed::Box;
use alloc::vec;

use nofx_rules::Fees;
use nofx_types::{AccountId, InstrumentId, OrderUpdate, Side, UpdateKind};

/// One account's shares of one instrument today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Held when the day began, sellable or not.
    pub start: u64,
    /// Of these, sellable today.
    pub sellable: u64,
    /// Bought today.
    pub bought: u64,
    /// Sold today, short sales left out.
    pub sold: u64,
    /// In open sells.
    pub frozen: u64,
    /// In open short sales.
    pub short_open: u64,
    /// Sold short today.
    pub short_sold: u64,
    /// What the fills cost in fees, 1/10,000 of the currency.
    pub fees_e4: i64,
}

impl Holding {
    /// Shares that may be sold now; `next_day`: what was bought today may not.
    #[inline]
    pub fn free(&self, next_day: bool) -> u64 {
        let bought = if next_day { 0 } else { self.bought };
        let used = self.sold.saturating_add(self.frozen);
        self.sellable.saturating_add(bought).saturating_sub(used)
    }

    /// Whether a sell of this kind would stand beside open ones of the other.
    #[inline]
    pub fn mixes(&self, short: bool) -> bool {
        if short { self.frozen > 0 } else { self.short_open > 0 }
    }

    #[inline]
    pub(super) fn freeze(&mut self, qty: u64, short: bool) {
        let open = if short { &mut self.short_open } else { &mut self.frozen };
        *open = open.saturating_add(qty);
    }

    #[inline]
    pub(super) fn on_update(&mut self, update: &OrderUpdate) {
        let fill = update.fill_qty.0;
        match (update.side, update.kind) {
            (Side::Buy, UpdateKind::Filled | UpdateKind::Unreserved) => {
                self.bought = self.bought.saturating_add(fill);
            }
            (Side::Buy, UpdateKind::Broken) => self.bought = self.bought.saturating_sub(fill),
            (Side::Buy, _) => {}
            (Side::Sell, kind) => self.on_sell(kind, fill, update.released_qty.0),
        }
    }

    fn on_sell(&mut self, kind: UpdateKind, fill: u64, released: u64) {
        let short = self.short_open > 0 || (self.frozen == 0 && self.short_sold > 0);
        let (open, sold) = match short {
            true => (&mut self.short_open, &mut self.short_sold),
            false => (&mut self.frozen, &mut self.sold),
        };
        *open = open.saturating_sub(released);
        match kind {
            UpdateKind::Filled => {
                *open = open.saturating_sub(fill);
                *sold = sold.saturating_add(fill);
            }
            UpdateKind::Unreserved => *sold = sold.saturating_add(fill),
            UpdateKind::Broken => *sold = sold.saturating_sub(fill),
            _ => {}
        }
    }

    #[inline]
    pub(super) fn pay(&mut self, update: &OrderUpdate, fees: &Fees) {
        let sign = match update.kind {
            UpdateKind::Filled | UpdateKind::Unreserved => 1,
            UpdateKind::Broken => -1,
            _ => return,
        };
        let fee = fees.of(update.side, update.fill_qty, update.fill_price);
        self.fees_e4 = self.fees_e4.saturating_add(sign * fee);
    }
}

/// Holdings of every account in every instrument.
#[derive(Clone, Debug)]
pub(super) struct Holdings {
    rows: Box<[Holding]>,
    accounts: u16,
    instruments: usize,
}

impl Holdings {
    pub fn new(accounts: u16, instruments: u32) -> Holdings {
        let rows = usize::from(accounts) * instruments as usize;
        let rows = vec![Holding::default(); rows].into_boxed_slice();
        Holdings { rows, accounts, instruments: instruments as usize }
    }

    pub fn start(&mut self, account: AccountId, id: InstrumentId, qty: u64, sellable: u64) {
        if let Some(holding) = self.get_mut(account, id) {
            *holding = Holding { start: qty, sellable: sellable.min(qty), ..Holding::default() };
        }
    }

    pub fn used(&self) -> impl Iterator<Item = (AccountId, InstrumentId, &Holding)> {
        let width = self.instruments.max(1);
        let used = self.rows.iter().enumerate().filter(|(_, row)| **row != Holding::default());
        used.map(move |(index, row)| {
            (AccountId((index / width) as u16), InstrumentId((index % width) as u32), row)
        })
    }

    #[inline]
    pub fn get(&self, account: AccountId, id: InstrumentId) -> Option<&Holding> {
        self.rows.get(self.index(account, id)?)
    }

    #[inline]
    pub fn get_mut(&mut self, account: AccountId, id: InstrumentId) -> Option<&mut Holding> {
        let index = self.index(account, id)?;
        self.rows.get_mut(index)
    }

    #[inline]
    fn index(&self, account: AccountId, id: InstrumentId) -> Option<usize> {
        let inside = account.0 < self.accounts && id.index() < self.instruments;
        inside.then(|| account.index() * self.instruments + id.index())
    }
}
