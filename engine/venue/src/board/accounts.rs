//! Who holds what: shares at the start, bought today, frozen by open sells.
//!
//! Where shares bought today cannot be sold today (T+1, the mainland), `sellable` is what was there
//! in the morning less what was sold since and less what open sells have frozen.

use nofx_types::Side;

/// One account's shares of one security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Held when the day began.
    pub start: u64,
    /// Bought today.
    pub bought: u64,
    /// Sold today.
    pub sold: u64,
    /// In open sell orders.
    pub frozen: u64,
    /// Sold today out of what was borrowed.
    pub shorted: u64,
    /// Price times shares bought, 1/10,000.
    pub paid: u64,
    /// Price times shares sold.
    pub received: u64,
}

impl Holding {
    /// Shares that a new sell may name; `today`: whether what was bought today counts.
    pub const fn sellable(&self, today: bool) -> u64 {
        let bought = if today { self.bought } else { 0 };
        (self.start + bought).saturating_sub(self.sold + self.frozen)
    }

    /// Shares when the day is over, negative where borrowed shares were sold.
    pub const fn net(&self) -> i64 {
        (self.start + self.bought) as i64 - (self.sold + self.shorted) as i64
    }
}

/// One account.
pub struct Account {
    /// Its name.
    pub name: String,
    /// By row.
    pub holdings: Box<[Holding]>,
}

/// All accounts.
#[derive(Default)]
pub struct Accounts {
    rows: Vec<Account>,
    securities: usize,
}

impl Accounts {
    /// None yet, of so many securities.
    pub fn new(securities: usize) -> Accounts {
        Accounts { rows: Vec::new(), securities }
    }

    /// The account of this name, a new one where there is none.
    pub fn named(&mut self, name: &str) -> u32 {
        if let Some(index) = self.rows.iter().position(|account| account.name == name) {
            return index as u32;
        }
        let holdings = vec![Holding::default(); self.securities].into_boxed_slice();
        self.rows.push(Account { name: name.into(), holdings });
        self.rows.len() as u32 - 1
    }

    /// All.
    pub fn all(&self) -> &[Account] {
        &self.rows
    }

    /// What an account holds of a security.
    pub fn holding(&self, account: u32, row: u32) -> Holding {
        let account = self.rows.get(account as usize);
        account.and_then(|a| a.holdings.get(row as usize)).copied().unwrap_or_default()
    }

    /// To change it.
    pub fn holding_mut(&mut self, account: u32, row: u32) -> Option<&mut Holding> {
        self.rows.get_mut(account as usize)?.holdings.get_mut(row as usize)
    }

    /// A sell order came in, or (`freeze` false) `qty` of it left without trading.
    pub fn freeze(&mut self, account: u32, row: u32, qty: u32, freeze: bool) {
        if let Some(holding) = self.holding_mut(account, row) {
            let frozen = holding.frozen;
            let qty = u64::from(qty);
            holding.frozen = if freeze { frozen + qty } else { frozen.saturating_sub(qty) };
        }
    }

    /// A trade of one side; a sell was frozen before unless it was `short`.
    pub fn trade(&mut self, account: u32, row: u32, side: Side, qty: u32, money: u64, short: bool) {
        let Some(holding) = self.holding_mut(account, row) else { return };
        let qty = u64::from(qty);
        match side {
            Side::Buy => {
                holding.bought += qty;
                holding.paid = holding.paid.saturating_add(money);
            }
            Side::Sell => {
                let sold = if short { &mut holding.shorted } else { &mut holding.sold };
                *sold += qty;
                holding.received = holding.received.saturating_add(money);
                if !short {
                    holding.frozen = holding.frozen.saturating_sub(qty);
                }
            }
        }
    }
}
