//! Touches, orders and fills over time, thinned for a screen.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{ReportError, input};
use crate::columns::{Column, read_groups};

/// Instruments that get a chart: those with most orders, without any those with most touches.
const INSTRUMENTS: usize = 12;
/// Points of a line or marks of a kind: more cannot be told apart.
const POINTS: usize = 3_000;

/// What is drawn of one instrument. Times are engine nanoseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Series {
    /// Symbol.
    pub instrument: String,
    /// Orders in all.
    pub orders_total: usize,
    /// Fills in all.
    pub fills_total: usize,
    /// (time, bid, ask) in price units; null where a side is empty.
    pub touches: Vec<(i64, Option<i64>, Option<i64>)>,
    /// (time, price, side, verdict).
    pub orders: Vec<(i64, i64, String, String)>,
    /// (time, price, quantity, side, position afterwards).
    pub fills: Vec<(i64, i64, i64, String, i64)>,
    /// (time, phase), the market's own phases included.
    pub phases: Vec<(i64, String)>,
    /// (time, lowest, highest price); time 0 for limits of the whole day.
    pub bands: Vec<(i64, i64, i64)>,
    /// (time, price, quantity) of auctions.
    pub auctions: Vec<(i64, i64, i64)>,
    /// Decimals of the prices.
    pub decimals: i64,
    /// When the book first showed that it had missed messages, and stayed so to the end.
    pub stale_from: Option<i64>,
}

/// The busiest instruments of the run in `dir`; `lost_from` is the first sequence number that was
/// lost for good, if the books are stale since then.
pub fn read(dir: &Path, lost_from: Option<i64>) -> Result<Vec<Series>, ReportError> {
    let mut kept = busiest(dir, "orders.parquet", 2)?;
    if kept.is_empty() {
        kept = busiest(dir, "touches.parquet", 3)?;
    }
    each(dir, "orders.parquet", |columns| {
        if let [
            Column::Int(at),
            _,
            Column::Text(symbol),
            Column::Text(kind),
            _,
            _,
            Column::Text(side),
            Column::Int(px),
            _,
            Column::Text(verdict),
        ] = columns
        {
            for i in 0..at.len() {
                let Some(series) = kept.get_mut(&symbol[i]) else { continue };
                series.orders_total += 1;
                if kind[i] != "cancel" {
                    series.orders.push((at[i], px[i], side[i].clone(), verdict[i].clone()));
                }
            }
        }
    })?;
    each(dir, "fills.parquet", |columns| {
        if let [
            Column::Int(at),
            Column::Text(symbol),
            _,
            Column::Text(side),
            Column::Int(px),
            Column::Int(qty),
            _,
            Column::Int(position),
        ] = columns
        {
            for i in 0..at.len() {
                let Some(series) = kept.get_mut(&symbol[i]) else { continue };
                series.fills_total += 1;
                series.fills.push((at[i], px[i], qty[i], side[i].clone(), position[i]));
            }
        }
    })?;
    each(dir, "touches.parquet", |columns| {
        if let [
            Column::Int(seq),
            Column::Int(at),
            _,
            Column::Text(symbol),
            Column::Int(bid),
            Column::Int(bid_qty),
            Column::Int(ask),
            Column::Int(ask_qty),
            Column::Int(decimals),
        ] = columns
        {
            for i in 0..at.len() {
                let Some(series) = kept.get_mut(&symbol[i]) else { continue };
                let side = |px: i64, qty: i64| (qty > 0).then_some(px);
                series.decimals = decimals[i];
                if series.stale_from.is_none() && lost_from.is_some_and(|from| seq[i] >= from) {
                    series.stale_from = Some(at[i]);
                }
                series.touches.push((at[i], side(bid[i], bid_qty[i]), side(ask[i], ask_qty[i])));
            }
        }
    })?;
    market(dir, &mut kept)?;
    let mut series: Vec<Series> = kept
        .into_iter()
        .map(|(instrument, series)| Series {
            instrument,
            touches: thin(series.touches),
            orders: thin(series.orders),
            fills: thin(series.fills),
            ..series
        })
        .collect();
    series.sort_by_key(|s| std::cmp::Reverse((s.fills_total, s.orders_total)));
    Ok(series)
}

/// Phases, bands and auctions.
fn market(dir: &Path, kept: &mut BTreeMap<String, Series>) -> Result<(), ReportError> {
    each(dir, "market.parquet", |columns| {
        if let [
            _,
            Column::Int(at),
            _,
            Column::Text(symbol),
            Column::Text(what),
            Column::Text(phase),
            Column::Int(low),
            Column::Int(high),
            Column::Int(qty),
        ] = columns
        {
            for i in 0..at.len() {
                let concerns = |(name, _): &(&String, _)| symbol[i] == "all" || **name == symbol[i];
                for (_, series) in kept.iter_mut().filter(concerns) {
                    match what[i].as_str() {
                        "phase" => series.phases.push((at[i], phase[i].clone())),
                        "band" => series.bands.push((at[i], low[i], high[i])),
                        "auction" => series.auctions.push((at[i], low[i], qty[i])),
                        _ => {}
                    }
                }
            }
        }
    })
}

/// Empty series of the instruments with most rows in a table; `column` holds their symbols.
fn busiest(dir: &Path, name: &str, column: usize) -> Result<BTreeMap<String, Series>, ReportError> {
    let mut rows = BTreeMap::<String, usize>::new();
    each(dir, name, |columns| {
        if let Some(Column::Text(symbols)) = columns.get(column) {
            for symbol in symbols {
                match rows.get_mut(symbol) {
                    Some(count) => *count += 1,
                    None => drop(rows.insert(symbol.clone(), 1)),
                }
            }
        }
    })?;
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    rows.truncate(INSTRUMENTS);
    Ok(rows.into_iter().map(|(symbol, _)| (symbol, Series::default())).collect())
}

fn each(dir: &Path, name: &str, mut take: impl FnMut(&[Column])) -> Result<(), ReportError> {
    read_groups(&dir.join(name), |columns| take(&columns)).map_err(|e| input(dir, name, &e))
}

/// At most [`POINTS`] of the points, evenly by position, the last one kept.
fn thin<T>(points: Vec<T>) -> Vec<T> {
    let (len, step) = (points.len(), points.len().div_ceil(POINTS).max(1));
    let kept = points.into_iter().enumerate().filter(|(i, _)| i % step == 0 || i + 1 == len);
    kept.map(|(_, point)| point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_first_and_last() {
        let thinned = thin((0..100_000).collect());
        assert!(thinned.len() <= POINTS + 1);
        assert_eq!((thinned.first(), thinned.last()), (Some(&0), Some(&99_999)));
        assert_eq!(thin(vec![1, 2]), [1, 2]);
    }
}
