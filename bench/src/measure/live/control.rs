//! Wire to wire with control beside the engine, against none: laps in turn, the engine's core its own.
//!
//! Control acts from the client's thread, just before each packet, through the same mapped file and the
//! same two types as `nofx-control`: on a core of its own it would do the same to the engine, and as a
//! third thread on two cores it would only delay the client. *Reading*: every view of the engine is
//! copied before every packet, 8,000 times a second where the process does it ten times. *Publishing*:
//! a page of all that can be set but the limits of instruments, up to 30 us before every packet, so that the engine checks it
//! while the packet comes; it lets in one a house-keeping, that is one in eight. The values are those
//! that hold anyway: all laps decide alike.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nofx_app::live::config::{PortKind, XskMode};
use nofx_mailbox::param::table;
use nofx_mailbox::{ParamRow, Steering, Watcher};
use nofx_rt::clock::{CycleClock, cycles};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

use super::network::{Network, Wiring};
use super::wire::{Who, lap};
use super::{Measured, Outcome, Setup, Times, against, text, with_network};
use crate::row::Target;

/// One line.
pub const ABOUT: &str =
    "packet on a veth pair to order back, with control reading and publishing, against none";

/// The shortest way there is here: what control costs shows most.
const WIRING: Wiring = Wiring {
    name: "xsk native, own TCP",
    port: PortKind::Xsk,
    mode: XskMode::Native,
    own_tcp: true,
};
/// Control may cost so much of the p50 and no more: noise.
const RATIO: f64 = 1.05;
/// The longest time between what control does and the packet, ns.
const LEAD_NS: u64 = 30_000;

/// What control does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Control {
    /// Has nothing to do with the engine.
    Absent,
    /// Reads all views.
    Reading,
    /// And publishes pages.
    Publishing,
}

/// Its two ends of the mailbox, as far as it has them.
pub(super) struct Hand {
    watcher: Option<Watcher>,
    steering: Option<Steering>,
    page: Vec<ParamRow>,
    version: u64,
    rng: Rng,
    lead: u64,
}

impl Hand {
    /// Before the first trip.
    pub fn open(control: Control, mailbox: Option<&Path>) -> Outcome<Hand> {
        let path = mailbox.ok_or("the engine has no mailbox")?;
        let watcher = Watcher::attach(path).map_err(text)?;
        let steering = (control == Control::Publishing).then(|| Steering::open(path));
        // Those of an instrument follow from its definition, which a page would overrule.
        let page = watcher.schema().iter().filter(|spec| spec.table != table::SYMBOL);
        Ok(Hand {
            page: page
                .map(|spec| ParamRow {
                    table: spec.table,
                    key: spec.key,
                    scope: ParamRow::ALL,
                    value: spec.default,
                })
                .collect(),
            watcher: (control != Control::Absent).then_some(watcher),
            steering: steering.transpose().map_err(text)?,
            version: 0,
            rng: Rng::new(7),
            lead: CycleClock::calibrate(Duration::from_millis(5)).cycles_of(LEAD_NS),
        })
    }

    /// Does what it does, and waits as long as it always waits.
    pub fn act(&mut self) {
        if let Some(watcher) = &self.watcher {
            read_all(watcher);
        }
        let wait = self.rng.below(self.lead);
        let start = cycles();
        if let Some(steering) = &mut self.steering {
            self.version += 1;
            let at = Nanos(self.version);
            _ = steering.publish_params(self.version, u32::MAX, at, &self.page);
        }
        while cycles() - start < wait {
            std::hint::spin_loop();
        }
    }

    /// That the pages came through: a lap in which they were refused shows nothing.
    pub fn check(&self) -> Outcome<()> {
        let (Some(watcher), Some(_)) = (&self.watcher, &self.steering) else { return Ok(()) };
        let ack = watcher.params_ack().ok_or("no acknowledgement")?.value;
        match ack.applied_version * 2 > self.version && ack.refused == 0 {
            true => Ok(()),
            false => Err(format!(
                "of {} pages, the last in force is {}",
                self.version, ack.applied_version
            )),
        }
    }
}

/// All that a display shows.
fn read_all(watcher: &Watcher) {
    let counters: u64 = watcher.counters().map(|(_, count)| count).sum();
    let books = watcher.books().flatten().count();
    let rows = (watcher.orders().is_some(), watcher.positions().is_some());
    let tiles = watcher.tiles().count() + watcher.feeds().count() + watcher.sessions().count();
    let histograms = watcher.histograms().count();
    std::hint::black_box((counters, books, rows, tiles, histograms, watcher.in_force().is_some()));
}

fn laps(network: &Arc<Network>, setup: &Setup) -> Outcome<[Vec<Times>; 3]> {
    const ALL: [Control; 3] = [Control::Absent, Control::Reading, Control::Publishing];
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=setup.rounds {
        for (control, times) in ALL.into_iter().zip(&mut times) {
            let trips = lap(network, setup, WIRING, Who::Engine, Some(control))?;
            if round > 0 {
                times.push(Times::new(trips.ns));
            }
        }
    }
    Ok(times)
}

/// Measures.
///
/// # Errors
/// A port cannot be opened, packets went without an order, or pages did not come into force.
pub fn run(setup: &Setup) -> Measured {
    with_network("control", |network| {
        let [absent, reading, publishing] = laps(network, setup)?;
        let rows = |what, ours: &[Times]| {
            against("control", what, ours, ("absent", &absent), Target::MedianRatio(RATIO))
        };
        let mut all = rows("reading 8,000 times a second", &reading);
        all.extend(rows("reading and publishing 8,000 times a second", &publishing));
        Ok(all)
    })
}
