//! Rows of cells through a table of a layout: each becomes a tick, a snapshot, or a fault.

use std::collections::BTreeMap;

use nofx_types::{Level, Market, OrderRef, Price, Qty, Side, Symbol, Tick, TickKind};

use crate::clock::{Clock, TimeForm};
use crate::layout::{
    AggressorCode, KindCode, MarketCode, PhaseCode, SideCode, SnapshotTable, TickTable, decimals,
};
use crate::number::{count, units, whole};
use crate::snapshot::{DEPTH, Snapshot};
use crate::{Reason, TickError};

/// A row: cells by their number.
pub(crate) trait Cells {
    fn cell(&self, at: usize) -> Option<&[u8]>;
}

/// A row that cannot be read, and what is known of it nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Number of the column; `usize::MAX` for the row as a whole.
    pub column: usize,
    pub reason: Reason,
    pub key: Option<(u16, u64)>,
    pub symbol: Option<Symbol>,
}

/// A row that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<T> {
    Of(T, Market),
    Skip,
}

type At = usize;
type Read<T> = Result<T, (At, Reason)>;

/// Cells that stand for something.
struct Codes<T>(Vec<(Vec<u8>, T)>);

impl<T: Copy> Codes<T> {
    fn of<U: Copy + Into<T>>(codes: &BTreeMap<String, U>) -> Codes<T> {
        let known = codes.iter().map(|(code, of)| (code.as_bytes().to_vec(), (*of).into()));
        Codes(known.collect())
    }

    #[inline]
    fn get(&self, cells: &impl Cells, at: At) -> Read<T> {
        let cell = text(cells, at)?;
        let found = self.0.iter().find(|(code, _)| code.as_slice() == cell);
        found.map(|(_, of)| *of).ok_or((at, Reason::Code))
    }
}

/// Finds columns by name.
pub(crate) struct Header<'a>(pub Vec<&'a str>);

impl Header<'_> {
    fn find(&self, name: &str) -> Option<At> {
        self.0.iter().position(|column| *column == name)
    }

    fn need(&self, name: &str) -> Result<At, String> {
        self.find(name).ok_or_else(|| name.to_owned())
    }

    fn maybe(&self, name: &Option<String>) -> Result<Option<At>, String> {
        name.as_deref().map(|name| self.need(name)).transpose()
    }

    fn levels(&self, name: &str, first: u32) -> Result<[At; DEPTH], String> {
        let mut found = [0; DEPTH];
        for (level, at) in found.iter_mut().enumerate() {
            *at = self.need(&name.replace("{}", &(first + level as u32).to_string()))?;
        }
        Ok(found)
    }
}

fn text(cells: &impl Cells, at: At) -> Read<&[u8]> {
    cells.cell(at).map(<[u8]>::trim_ascii).ok_or((at, Reason::Missing))
}

/// What every row has: whose it is, and when.
struct Common {
    symbol: At,
    market: Option<At>,
    markets: Codes<MarketCode>,
    fixed: Option<MarketCode>,
    date: Option<At>,
    time: At,
    form: TimeForm,
    /// Midnight of rows without a date.
    midnight: Option<u64>,
    clock: Clock,
}

impl Common {
    /// The security, and its market; `None` where the layout skips the market.
    #[inline]
    fn whose(&self, cells: &impl Cells) -> Read<(Symbol, Option<Market>)> {
        let cell = text(cells, self.symbol)?;
        let (code, ending) = match cell.iter().position(|byte| *byte == b'.') {
            Some(point) => cell.split_at(point),
            None => (cell, &[][..]),
        };
        let symbol = symbol(code).ok_or((self.symbol, Reason::Symbol))?;
        let market = match (self.market, ending) {
            (Some(at), _) => self.markets.get(cells, at)?,
            (None, b".SH" | b".SS" | b".XSHG") => MarketCode::Sse,
            (None, b".SZ" | b".XSHE") => MarketCode::Szse,
            (None, _) => self.fixed.ok_or((self.symbol, Reason::Symbol))?,
        };
        Ok((symbol, market.market()))
    }

    #[inline]
    fn when(&mut self, cells: &impl Cells) -> Read<nofx_types::Nanos> {
        let (time, date) = (text(cells, self.time)?, self.date.and_then(|at| cells.cell(at)));
        let midnight = self.midnight.unwrap_or(0);
        self.clock.instant(self.form, time, date, midnight).map_err(|reason| (self.time, reason))
    }
}

/// Six digits; vendors that keep codes as numbers lose the zeros in front.
fn symbol(code: &[u8]) -> Option<Symbol> {
    let digits = !code.is_empty() && code.len() <= 8 && code.iter().all(u8::is_ascii_alphanumeric);
    if !digits {
        return None;
    }
    let mut bytes = [b' '; 8];
    let missing =
        if code.iter().all(u8::is_ascii_digit) { 6usize.saturating_sub(code.len()) } else { 0 };
    bytes.get_mut(..missing)?.fill(b'0');
    bytes.get_mut(missing..missing + code.len())?.copy_from_slice(code);
    Some(Symbol(bytes))
}

/// What binding a table to a file needs besides its header.
#[derive(Clone, Copy)]
pub(crate) struct Day {
    /// Midnight of rows that name no day.
    pub midnight: Option<u64>,
    pub market: Option<MarketCode>,
    /// As in [`crate::TickOptions`].
    pub price_step: Option<i64>,
}

/// A table of ticks bound to the columns of a file.
pub(crate) struct TickRows {
    common: Common,
    channel: Option<At>,
    seq: At,
    kind: Option<At>,
    kinds: Codes<KindCode>,
    one_kind: Option<KindCode>,
    side: Option<At>,
    sides: Codes<Side>,
    aggressor: Option<At>,
    aggressors: Codes<Option<Side>>,
    phase: Option<At>,
    phases: Codes<nofx_types::Phase>,
    order: Option<At>,
    bid: Option<At>,
    offer: Option<At>,
    price: At,
    price_decimals: i32,
    qty: At,
    qty_decimals: i32,
    price_step: Option<i64>,
}

impl TickRows {
    /// Fails with the name of a column that the file does not have.
    pub fn bind(table: &TickTable, header: &Header<'_>, day: Day) -> Result<TickRows, String> {
        let columns = &table.columns;
        Ok(TickRows {
            common: Common {
                symbol: header.need(&columns.symbol)?,
                market: header.maybe(&columns.market)?,
                markets: Codes::of(&table.markets),
                fixed: day.market,
                date: header.maybe(&columns.date)?,
                time: header.need(&columns.time)?,
                form: table.time,
                midnight: day.midnight,
                clock: Clock::default(),
            },
            channel: header.maybe(&columns.channel)?,
            seq: header.need(&columns.seq)?,
            kind: header.maybe(&columns.kind)?,
            kinds: Codes::of(&table.kinds),
            one_kind: table.kind,
            side: header.maybe(&columns.side)?,
            sides: Codes::of::<SideCode>(&table.sides),
            aggressor: header.maybe(&columns.aggressor)?,
            aggressors: Codes::of::<AggressorCode>(&table.aggressors),
            phase: header.maybe(&columns.phase)?,
            phases: Codes::of::<PhaseCode>(&table.phases),
            order: header.maybe(&columns.order)?,
            bid: header.maybe(&columns.bid)?,
            offer: header.maybe(&columns.offer)?,
            price: header.need(&columns.price)?,
            price_decimals: decimals(table.price_scale, 4).unwrap_or(4),
            qty: header.need(&columns.qty)?,
            qty_decimals: decimals(table.qty_scale, 0).unwrap_or(0),
            price_step: day.price_step,
        })
    }

    /// Whether rows need a day that the file does not give.
    pub fn lacks_date(&self) -> bool {
        self.common.form.needs_date()
            && self.common.date.is_none()
            && self.common.midnight.is_none()
    }

    /// Reads one row.
    #[inline]
    pub fn read(&mut self, cells: &impl Cells) -> Result<Row<Tick>, Fault> {
        let key = self.key(cells);
        let whose = self.common.whose(cells);
        let read = key.and_then(|key| self.tick(cells, key, whose?));
        read.map_err(|(column, reason)| Fault {
            column,
            reason,
            key: key.ok(),
            symbol: whose.ok().map(|(symbol, _)| symbol),
        })
    }

    #[inline]
    fn key(&self, cells: &impl Cells) -> Read<(u16, u64)> {
        let number = |at: At| whole(text(cells, at)?).map_err(|reason| (at, reason));
        let channel = match self.channel {
            None => 0,
            Some(at) => u16::try_from(number(at)?).map_err(|_| (at, Reason::Range))?,
        };
        match text(cells, self.seq)? {
            [] => Err((self.seq, Reason::Number)),
            _ => Ok((channel, number(self.seq)?)),
        }
    }

    #[inline]
    fn tick(
        &mut self,
        cells: &impl Cells,
        (channel, seq): (u16, u64),
        (symbol, market): (Symbol, Option<Market>),
    ) -> Read<Row<Tick>> {
        let Some(market) = market else { return Ok(Row::Skip) };
        let code = match (self.kind, self.one_kind) {
            (Some(at), _) => self.kinds.get(cells, at)?,
            (None, Some(kind)) => kind,
            (None, None) => return Err((usize::MAX, Reason::Missing)),
        };
        if code == KindCode::Skip {
            return Ok(Row::Skip);
        }
        let exch_ns = self.common.when(cells)?;
        let (mut price, mut qty) = (Price(0), Qty(0));
        if code != KindCode::Phase {
            qty = self.qty(cells)?;
        }
        if matches!(code, KindCode::Limit | KindCode::Trade) {
            price = self.price(cells, market, symbol)?;
        }
        let (kind, [bid, offer]) = self.kind(cells, code)?;
        let [bid, offer] = [OrderRef(bid), OrderRef(offer)];
        Ok(Row::Of(Tick { channel, seq, symbol, exch_ns, kind, bid, offer, price, qty }, market))
    }

    #[inline]
    fn kind(&self, cells: &impl Cells, code: KindCode) -> Read<(TickKind, [u64; 2])> {
        Ok(match code {
            KindCode::Trade => {
                let aggressor = match self.aggressor {
                    Some(at) => self.aggressors.get(cells, at)?,
                    None => None,
                };
                let ids = [self.id(cells, self.bid)?, self.id(cells, self.offer)?];
                let missing = ids.contains(&0);
                if missing {
                    return Err((self.bid.unwrap_or(self.seq), Reason::Range));
                }
                (TickKind::Trade { aggressor }, ids)
            }
            KindCode::Phase => {
                let at = self.phase.ok_or((usize::MAX, Reason::Missing))?;
                (TickKind::Phase(self.phases.get(cells, at)?), [0, 0])
            }
            KindCode::Cancel
            | KindCode::Limit
            | KindCode::Market
            | KindCode::OwnBest
            | KindCode::Skip => {
                let (side, id) = self.order(cells)?;
                let ids = if side == Side::Buy { [id, 0] } else { [0, id] };
                let kind = match code.pricing() {
                    Some(pricing) => TickKind::Order { side, pricing },
                    None => TickKind::Cancel { side },
                };
                (kind, ids)
            }
        })
    }

    /// Side and number of the order that a row is about.
    #[inline]
    fn order(&self, cells: &impl Cells) -> Read<(Side, u64)> {
        let known = match self.side {
            Some(at) => Some(self.sides.get(cells, at)?),
            None => None,
        };
        let (side, id, at) = match (known, self.order) {
            (Some(side), Some(at)) => (side, self.id(cells, Some(at))?, at),
            (Some(side), None) => {
                let at = if side == Side::Buy { self.bid } else { self.offer };
                (side, self.id(cells, at)?, at.unwrap_or(self.seq))
            }
            // Shenzhen's cancels name one order and leave the other 0.
            (None, _) => match (self.id(cells, self.bid)?, self.id(cells, self.offer)?) {
                (id, 0) => (Side::Buy, id, self.bid.unwrap_or(self.seq)),
                (0, id) => (Side::Sell, id, self.offer.unwrap_or(self.seq)),
                _ => return Err((self.bid.unwrap_or(self.seq), Reason::Code)),
            },
        };
        if id == 0 { Err((at, Reason::Range)) } else { Ok((side, id)) }
    }

    fn id(&self, cells: &impl Cells, at: Option<At>) -> Read<u64> {
        let Some(at) = at else { return Ok(0) };
        whole(text(cells, at)?).map_err(|reason| (at, reason))
    }

    #[inline]
    fn price(&self, cells: &impl Cells, market: Market, symbol: Symbol) -> Read<Price> {
        let at = self.price;
        let price = units(text(cells, at)?, self.price_decimals).map_err(|reason| (at, reason))?;
        if price <= 0 {
            return Err((at, Reason::Range));
        }
        let step = self.price_step.unwrap_or_else(|| price_step(market, symbol));
        if step > 1 && price % step != 0 {
            return Err((at, Reason::OffTick));
        }
        Ok(Price(price))
    }

    #[inline]
    fn qty(&self, cells: &impl Cells) -> Read<Qty> {
        let at = self.qty;
        let qty = count(text(cells, at)?, self.qty_decimals).map_err(|reason| (at, reason))?;
        let fits = (1..=u64::from(u32::MAX)).contains(&qty);
        if fits { Ok(Qty(qty)) } else { Err((at, Reason::Range)) }
    }
}

/// Smallest price step of a mainland security by its code, in 1/10,000 (`[[tick]]` in
/// `rules/*.toml`): 0.01 for A shares, 0.001 for what else is listed.
pub const fn price_step(market: Market, symbol: Symbol) -> i64 {
    let [a, b, ..] = symbol.0;
    let share = match market {
        Market::Sse => a == b'6',
        Market::Szse => (a == b'0' && (b == b'0' || b == b'8')) || (a == b'3' && b == b'0'),
        Market::Hkex => false,
    };
    if share { 100 } else { 10 }
}

/// Columns of price, quantity and orders of each level of a side.
type LevelColumns = ([At; DEPTH], [At; DEPTH], Option<[At; DEPTH]>);

/// A table of snapshots bound to the columns of a file.
pub(crate) struct SnapshotRows {
    common: Common,
    num_trades: Option<At>,
    volume: Option<At>,
    value: Option<At>,
    /// Last, previous close, low and high limit.
    prices: [Option<At>; 4],
    phase: Option<At>,
    phases: Codes<nofx_types::Phase>,
    /// The bids, then the asks.
    sides: [LevelColumns; 2],
    price_decimals: i32,
    qty_decimals: i32,
    money_decimals: i32,
}

impl SnapshotRows {
    /// Fails with the name of a column that the file does not have.
    pub fn bind(
        table: &SnapshotTable,
        header: &Header<'_>,
        day: Day,
    ) -> Result<SnapshotRows, String> {
        let (columns, first) = (&table.columns, table.first_level);
        let levels = |name: &str| header.levels(name, first);
        let maybe = |name: &Option<String>| name.as_deref().map(levels).transpose();
        Ok(SnapshotRows {
            common: Common {
                symbol: header.need(&columns.symbol)?,
                market: header.maybe(&columns.market)?,
                markets: Codes::of(&table.markets),
                fixed: day.market,
                date: header.maybe(&columns.date)?,
                time: header.need(&columns.time)?,
                form: table.time,
                midnight: day.midnight,
                clock: Clock::default(),
            },
            num_trades: header.maybe(&columns.num_trades)?,
            volume: header.maybe(&columns.volume)?,
            value: header.maybe(&columns.value)?,
            prices: [
                header.maybe(&columns.last)?,
                header.maybe(&columns.previous_close)?,
                header.maybe(&columns.limit_low)?,
                header.maybe(&columns.limit_high)?,
            ],
            phase: header.maybe(&columns.phase)?,
            phases: Codes::of::<PhaseCode>(&table.phases),
            sides: [
                (
                    levels(&columns.bid_price)?,
                    levels(&columns.bid_qty)?,
                    maybe(&columns.bid_orders)?,
                ),
                (
                    levels(&columns.ask_price)?,
                    levels(&columns.ask_qty)?,
                    maybe(&columns.ask_orders)?,
                ),
            ],
            price_decimals: decimals(table.price_scale, 4).unwrap_or(4),
            qty_decimals: decimals(table.qty_scale, 0).unwrap_or(0),
            money_decimals: decimals(table.money_scale, 4).unwrap_or(4),
        })
    }

    /// Whether rows need a day that the file does not give.
    pub fn lacks_date(&self) -> bool {
        self.common.form.needs_date()
            && self.common.date.is_none()
            && self.common.midnight.is_none()
    }

    /// Reads one row.
    pub fn read(&mut self, cells: &impl Cells) -> Result<Row<Snapshot>, Fault> {
        let whose = self.common.whose(cells);
        let read = whose.and_then(|(symbol, market)| match market {
            Some(market) => Ok(Row::Of(self.snapshot(cells, symbol)?, market)),
            None => Ok(Row::Skip),
        });
        read.map_err(|(column, reason)| Fault {
            column,
            reason,
            key: None,
            symbol: whose.ok().map(|(symbol, _)| symbol),
        })
    }

    fn snapshot(&mut self, cells: &impl Cells, symbol: Symbol) -> Read<Snapshot> {
        let exch_ns = self.common.when(cells)?;
        let number = |at: Option<At>, decimals: i32| match at {
            Some(at) => count(text(cells, at)?, decimals).map_err(|reason| (at, reason)),
            None => Ok(0),
        };
        let price = |at: Option<At>| {
            let price = number(at, self.price_decimals)?;
            i64::try_from(price).map(Price).map_err(|_| (at.unwrap_or(0), Reason::Range))
        };
        let mut levels = [[Level::default(); DEPTH]; 2];
        for (side, (prices, qtys, orders)) in levels.iter_mut().zip(&self.sides) {
            for (n, level) in side.iter_mut().enumerate() {
                let of = |columns: &[At; DEPTH]| columns.get(n).copied();
                level.price = price(of(prices))?;
                level.qty = Qty(number(of(qtys), self.qty_decimals)?);
                level.orders =
                    number(orders.as_ref().and_then(of), 0)?.min(u64::from(u32::MAX)) as u32;
            }
        }
        let [last, previous_close, limit_low, limit_high] = self.prices;
        let phase = match self.phase {
            Some(at) => self.phases.get(cells, at)?,
            None => nofx_types::Phase::Unknown,
        };
        Ok(Snapshot {
            symbol,
            exch_ns,
            num_trades: number(self.num_trades, 0)?,
            volume: Qty(number(self.volume, self.qty_decimals)?),
            value_e4: number(self.value, self.money_decimals)?,
            last: price(last)?,
            previous_close: price(previous_close)?,
            limit_low: price(limit_low)?,
            limit_high: price(limit_high)?,
            phase,
            levels,
        })
    }
}

/// Says which column of which file is missing.
pub(crate) fn missing(file: &std::path::Path, layout: &str, column: &str) -> TickError {
    TickError::Unknown {
        file: file.to_owned(),
        reason: format!("has no column {column:?}, which layout {layout} names"),
    }
}
