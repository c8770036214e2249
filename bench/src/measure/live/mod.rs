//! The live engine over a network of its own.
//!
//! Model: two namespaces joined by veth pairs, one for the feed and one for orders; a client on one
//! core plays the market and the order gateway, and the trade tile of `nofx run` (ports, feed, books,
//! strategy, risk, journal ring, order stream) has the other core. On a veth the sender's core does
//! the receiver's work in the kernel: what is measured is the cost of software, never that of a card.
//!
//! Two cores have no room for a third thread, so the journal is written into its mapped ring, as in a
//! live run, but the ring is not moved to disk while a lap is measured; it holds all of a lap.

use std::error::Error;
use std::sync::Arc;

use nofx_rt::tile::{self, Placement, Tile};

use super::{Measured, Measurement, Setup};
use crate::harness::Figure;
use crate::row::{Row, Target};

mod burst;
mod client;
mod control;
mod engine;
mod network;
mod operations;
mod streams;
mod wire;

/// All of them, in the order of the table.
pub const ALL: &[Measurement] = &[
    Measurement { name: "wire_to_wire", about: wire::ABOUT, run: wire::run },
    Measurement { name: "control", about: control::ABOUT, run: control::run },
    Measurement { name: "tcp_trip", about: streams::ABOUT, run: streams::run },
    Measurement { name: "burst", about: burst::ABOUT, run: burst::run },
    Measurement { name: "operations", about: operations::ABOUT, run: operations::run },
];

/// The core of the client, and that of the engine.
fn cores(setup: &Setup) -> (usize, usize) {
    (usize::from(setup.core == 0), setup.core)
}

/// What went wrong in a thread.
type Outcome<T> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Starts a thread on a core of its own.
fn spawn<T: Send + 'static>(
    name: &str,
    core: usize,
    body: impl FnOnce() -> T + Send + 'static,
) -> Outcome<Tile<T>> {
    tile::spawn(Placement { name: name.into(), core: Some(core), fifo: false }, body).map_err(text)
}

/// The rows of `measure`, or none, and said so, where there can be no namespaces.
fn with_network(
    name: &str,
    measure: impl FnOnce(&Arc<network::Network>) -> Result<Vec<Row>, Box<dyn Error>>,
) -> Measured {
    match network::Network::new() {
        Ok(network) => measure(&Arc::new(network)),
        Err(error) => {
            println!("SKIPPED {name}: no network namespace of our own: {error}");
            Ok(Vec::new())
        }
    }
}

/// Times of one lap in ns, sorted.
struct Times(Vec<f64>);

impl Times {
    fn new(mut ns: Vec<f64>) -> Times {
        ns.sort_by(f64::total_cmp);
        Times(ns)
    }

    fn quantile(&self, quantile: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (quantile * last as f64).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Rows of every quantile of `ours` against `baseline`, whose laps were taken in turn; the target is
/// that of the p50.
fn against(
    measurement: &str,
    what: &str,
    ours: &[Times],
    (name, baseline): (&str, &[Times]),
    target: Target,
) -> Vec<Row> {
    let row = |(label, quantile): (&str, f64)| {
        let values = |laps: &[Times]| laps.iter().map(|l| l.quantile(quantile)).collect::<Vec<_>>();
        let (mine, theirs) = (values(ours), values(baseline));
        let ratios: Vec<f64> = mine.iter().zip(&theirs).map(|(a, b)| a / b).collect();
        let (mine, theirs) = (Figure::of(&mine), Figure::of(&theirs));
        Row {
            measurement: measurement.to_owned(),
            what: format!("{what}: {label}"),
            unit: "ns".to_owned(),
            value: [mine.min, mine.median],
            baseline: Some((name.to_owned(), [theirs.min, theirs.median])),
            ratio: Some([mine.min / theirs.min, Figure::of(&ratios).median]),
            target: (label == "p50").then_some(target),
        }
    };
    QUANTILES.into_iter().map(row).collect()
}
