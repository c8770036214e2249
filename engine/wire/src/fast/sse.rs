//! Shanghai's merged ticks (UA5803 of the LDDS Level-2 interface) out of decoded FAST fields.
//!
//! Fields are told by their names there; whether a template puts one tick into a message or a
//! sequence of them is not public, so both work: a tick is over where its element or its message is.

use nofx_types::{Nanos, OrderRef, Phase, Price, Pricing, Qty, Side, Symbol, Tick, TickKind};

use super::decode::{FastSink, Value};

/// Prices count 1/1,000 on the wire and 1/10,000 here.
const PRICE_FACTOR: i64 = 10;
/// Quantities count 1/1,000 shares.
const QTY_SCALE: u64 = 1_000;

/// Collects the fields of ticks and hands each tick on.
pub struct TickFields<F> {
    take: F,
    midnight_ns: u64,
    row: Row,
    bad: u64,
}

#[derive(Default)]
struct Row {
    seq: Option<u64>,
    channel: u64,
    symbol: Option<Symbol>,
    time: u64,
    kind: u8,
    bid: u64,
    offer: u64,
    price: i64,
    qty: u64,
    flag: [u8; 8],
}

impl<F: FnMut(&Tick)> TickFields<F> {
    /// `midnight_ns` is that of the day, at the market's clock, in nanoseconds since 1970 UTC.
    pub fn new(midnight_ns: u64, take: F) -> TickFields<F> {
        TickFields { take, midnight_ns, row: Row::default(), bad: 0 }
    }

    /// Ticks whose fields make no sense: dropped.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    fn finish(&mut self) {
        let row = core::mem::take(&mut self.row);
        if row.seq.is_none() && row.symbol.is_none() {
            return; // fields of the message around a sequence
        }
        match row.tick(self.midnight_ns) {
            Some(tick) => (self.take)(&tick),
            None => self.bad += 1,
        }
    }
}

impl<F: FnMut(&Tick)> FastSink for TickFields<F> {
    fn begin(&mut self, _: u32) {
        self.row = Row::default();
    }

    fn value(&mut self, name: &str, value: Value<'_>) {
        let row = &mut self.row;
        let number = || match value {
            Value::Number(number) => u64::try_from(number).ok(),
            _ => None,
        };
        match name {
            "BizIndex" => row.seq = number(),
            "Channel" => row.channel = number().unwrap_or(u64::MAX),
            "SecurityID" => row.symbol = text(value).and_then(symbol),
            "TickTime" => row.time = number().unwrap_or(u64::MAX),
            "Type" => row.kind = text(value).and_then(|text| text.first().copied()).unwrap_or(0),
            "BuyOrderNO" => row.bid = number().unwrap_or(0),
            "SellOrderNO" => row.offer = number().unwrap_or(0),
            "Price" => row.price = number().and_then(|n| i64::try_from(n).ok()).unwrap_or(0),
            "Qty" => row.qty = number().unwrap_or(0),
            "TickBSFlag" => row.flag = text(value).map_or([0; 8], flag),
            _ => {}
        }
    }

    fn element(&mut self) {
        self.finish();
    }

    fn end(&mut self) {
        self.finish();
    }
}

fn text(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes.trim_ascii()),
        _ => None,
    }
}

fn symbol(text: &[u8]) -> Option<Symbol> {
    let code = text.len() == 6 && text.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(text).ok().filter(|_| code).and_then(Symbol::new)
}

fn flag(text: &[u8]) -> [u8; 8] {
    let mut flag = [0; 8];
    for (to, from) in flag.iter_mut().zip(text) {
        *to = *from;
    }
    flag
}

impl Row {
    fn tick(&self, midnight_ns: u64) -> Option<Tick> {
        let (kind, [bid, offer]) = self.kind()?;
        let whole = self.qty.is_multiple_of(QTY_SCALE);
        let qty = Some(self.qty / QTY_SCALE).filter(|qty| whole && *qty <= u64::from(u32::MAX))?;
        let priced = !matches!(kind, TickKind::Cancel { .. } | TickKind::Phase(_));
        let phase = matches!(kind, TickKind::Phase(_));
        if (priced && self.price <= 0) || (!phase && qty == 0) {
            return None;
        }
        Some(Tick {
            channel: u16::try_from(self.channel).ok()?,
            seq: self.seq?,
            symbol: self.symbol?,
            exch_ns: Nanos(midnight_ns.checked_add(of_day(self.time)?)?),
            kind,
            bid: OrderRef(bid),
            offer: OrderRef(offer),
            price: Price(if priced { self.price.checked_mul(PRICE_FACTOR)? } else { 0 }),
            qty: Qty(if phase { 0 } else { qty }),
        })
    }

    fn kind(&self) -> Option<(TickKind, [u64; 2])> {
        let side = || match self.flag.first() {
            Some(b'B') => Some((Side::Buy, [self.bid, 0])),
            Some(b'S') => Some((Side::Sell, [0, self.offer])),
            _ => None,
        };
        match self.kind {
            b'A' | b'D' => {
                let (side, ids) = side().filter(|(_, ids)| *ids != [0, 0])?;
                let pricing = Pricing::Limit;
                let order = TickKind::Order { side, pricing };
                Some((if self.kind == b'A' { order } else { TickKind::Cancel { side } }, ids))
            }
            b'T' => {
                let aggressor = match self.flag.first() {
                    Some(b'N') => None,
                    _ => Some(side()?.0),
                };
                let ids = [self.bid, self.offer];
                (!ids.contains(&0)).then_some((TickKind::Trade { aggressor }, ids))
            }
            b'S' => Some((TickKind::Phase(phase(&self.flag)?), [0, 0])),
            _ => None,
        }
    }
}

/// The phase that a status tick names.
fn phase(flag: &[u8]) -> Option<Phase> {
    let end = flag.iter().position(|byte| *byte == 0).unwrap_or(flag.len());
    Some(match flag.get(..end)? {
        b"START" => Phase::PreOpen,
        b"OCALL" => Phase::OpeningAuction,
        b"TRADE" => Phase::Continuous,
        b"SUSP" => Phase::Halted,
        b"CCALL" => Phase::ClosingAuction,
        b"CLOSE" | b"ENDTR" => Phase::Closed,
        _ => return None,
    })
}

/// HHMMSScc as nanoseconds of the day.
fn of_day(time: u64) -> Option<u64> {
    let (h, m, s, cc) = (time / 1_000_000, time / 10_000 % 100, time / 100 % 100, time % 100);
    let real = h < 24 && m < 60 && s < 60;
    real.then_some(((h * 3_600 + m * 60 + s) * 100 + cc) * 10_000_000)
}
