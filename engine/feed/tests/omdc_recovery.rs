//! OMD-C recovery: any schedule of loss, copies, overtaking, dying lines, failing servers and torn
//! images ends in the books of the lossless stream or in marked ones, and never shows a wrong book in
//! between.

mod omdc_channel;

use omdc_channel::world::{Outcome, World};

/// Runs by number; `NOFX_SEEDS=from..to` chooses others.
fn seeds() -> std::ops::Range<u64> {
    let chosen = std::env::var("NOFX_SEEDS").ok();
    let chosen = chosen.and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    chosen.unwrap_or(0..200)
}

#[test]
fn any_schedule_ends_in_the_lossless_books_or_in_stale_ones() {
    let (mut whole, mut stale, mut recovered, mut joined) = (0, 0, 0, 0);
    let (mut refused, mut torn, mut beats) = (0, 0, 0);
    for seed in seeds() {
        let mut world = World::new(seed);
        match world.run() {
            Ok(Outcome::Whole) => whole += 1,
            Ok(Outcome::Stale) => stale += 1,
            Err(wrong) => panic!("{wrong}"),
        }
        let counters = world.feed.recovery();
        recovered += counters.recovered;
        joined += counters.snapshots_joined;
        refused += counters.requests_refused;
        torn += counters.refresh_torn;
        beats += world.heartbeats;
    }
    println!("{whole} whole, {stale} stale; {recovered} messages re-requested, {joined} images");
    println!("{refused} requests refused, {torn} images torn, {beats} heartbeats answered");
    assert!(whole > 100 && stale > 10 && recovered > 1_000 && joined > 50, "the seeds try little");
    assert!(refused > 20 && torn > 10 && beats > 3, "the seeds try little");
}
