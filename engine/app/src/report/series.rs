//! Touches, orders and fills over time, thinned for a screen.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{ReportError, input};
use crate::columns::{Column, read_groups};

/// Instruments that get a chart: those with most orders.
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
    /// Decimals of the prices.
    pub decimals: i64,
}

/// The busiest instruments of the run in `dir`.
pub fn read(dir: &Path) -> Result<Vec<Series>, ReportError> {
    let mut all = BTreeMap::<String, Series>::new();
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
                let series = all.entry(symbol[i].clone()).or_default();
                series.orders_total += 1;
                if kind[i] != "cancel" {
                    series.orders.push((at[i], px[i], side[i].clone(), verdict[i].clone()));
                }
            }
        }
    })?;
    let mut busiest: Vec<_> = all.into_iter().collect();
    busiest.sort_by_key(|(_, series)| std::cmp::Reverse(series.orders_total));
    busiest.truncate(INSTRUMENTS);
    let mut kept: BTreeMap<String, Series> = busiest.into_iter().collect();
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
            _,
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
                series.touches.push((at[i], side(bid[i], bid_qty[i]), side(ask[i], ask_qty[i])));
            }
        }
    })?;
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
