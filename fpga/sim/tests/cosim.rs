//! The RTL against the word-level model: every verdict word, every row, every scenario.
//!
//! NOFX_FPGA_OPS operations over all scenarios (default five million), NOFX_FPGA_SEED the seed. A
//! failure is played again with waveforms of the cycles round it where the build has them (feature
//! `dv`), and names seed and file.
#![cfg(feature = "fpga-sim")]

use nofx_fpga::regs::{parameter, rule};
use nofx_fpga_sim::Build;
use nofx_fpga_sim::cosim::{Bench, FAR, RULES, Scenario, Setup, run, waveform};

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(default)
}

fn play(scenario: Scenario) -> Bench {
    let operations = from_env("NOFX_FPGA_OPS", 5_000_000) * scenario.share() / 100;
    let seed = from_env("NOFX_FPGA_SEED", 1);
    // Which lines ran is counted by the second model.
    let build = if cfg!(feature = "coverage") { Build::Dv } else { Build::Fast };
    let setup = Setup { build, mutant: 0, seed, operations, window: None };
    let bench = run(scenario, &setup).unwrap_or_else(|failure| {
        let folder = std::env::temp_dir();
        let wave = match waveform(scenario, &setup, &failure, &folder) {
            Ok(path) => format!("waveforms in {}", path.display()),
            Err(error) => format!("no waveforms: {error}"),
        };
        panic!("scenario {} seed {seed}: {failure}\n{wave}", scenario.name())
    });
    report(scenario, seed, &bench);
    bench
}

fn report(scenario: Scenario, seed: u64, bench: &Bench) {
    let cover = &bench.cover;
    println!(
        "MEASURED cosim {} seed {seed}: {} operations in {} cycles, {} passed, {} refused, {} faults, \
         {} out of range, latency {:?}",
        scenario.name(),
        bench.operations,
        bench.cycle(),
        cover.passed,
        cover.refused,
        cover.faults,
        cover.range,
        bench.latency
    );
    for (table, counts) in ["symbol", "account", "holding"].iter().zip(&cover.forward) {
        println!("  {table} rows read 1 to {FAR} cycles after their writer: {counts:?}");
    }
    for (what, counts) in ["symbol", "account", "both"].iter().zip(&cover.mixed) {
        println!("  same {what}, 1 to {FAR} cycles apart: {counts:?}");
    }
    let names = rule::RULES.iter().map(|(name, _)| *name);
    let alone: Vec<_> = names.zip(cover.alone).collect();
    println!("  refused by one rule alone: {alone:?}");
}

fn one_bar(bench: &Bench) {
    let bars: Vec<_> = bench.latency.keys().copied().collect();
    assert_eq!(bars, [u64::from(parameter::LATENCY)], "latency is one bar: {:?}", bench.latency);
}

fn every_distance(bench: &Bench) {
    let counts = bench.cover.forward.iter().chain(&bench.cover.mixed);
    assert!(counts.flatten().all(|count| *count > 0), "{:?}", bench.cover.forward);
}

#[test]
fn three_accounts_and_three_symbols() {
    let bench = play(Scenario::Hot);
    one_bar(&bench);
    every_distance(&bench);
}

#[test]
fn every_row() {
    one_bar(&play(Scenario::Uniform));
}

#[test]
fn limits_and_their_neighbours() {
    let bench = play(Scenario::Tiny);
    one_bar(&bench);
    every_distance(&bench);
}

#[test]
fn ends_of_widths() {
    let bench = play(Scenario::Extreme);
    assert!(bench.cover.faults > 0 && bench.cover.range > 0 && bench.cover.passed > 0);
}

#[test]
fn what_no_host_should_send() {
    let bench = play(Scenario::Wild);
    assert!(bench.cover.faults > 0 && bench.cover.range > 0 && bench.cover.passed > 0);
    assert!(bench.cover.sticky[0] > 0 && bench.cover.sticky[1] > 0, "{:?}", bench.cover.sticky);
}

#[test]
fn every_rule_alone_and_every_pair() {
    let bench = play(Scenario::Sets);
    let missing = bench.cover.rules_missing();
    assert_eq!(missing, ["range"], "a range is met elsewhere");
    assert_eq!(bench.cover.pairs_missing(), []);
    let pairs: usize = bench.cover.pair.iter().flatten().filter(|count| **count > 0).count();
    println!("  {pairs} pairs of {RULES} rules refused alone together");
}

#[test]
fn registers_in_the_midst_of_traffic() {
    let bench = play(Scenario::Events);
    one_bar(&bench);
    assert!(bench.cover.passed > 0 && bench.cover.sticky[0] > 0 && bench.cover.sticky[6] > 0);
}

#[test]
fn resets_at_any_cycle() {
    play(Scenario::Resets);
}

#[test]
fn silence_stall_and_wrong_bits() {
    let bench = play(Scenario::Watch);
    for bit in [2, 4, 5] {
        assert!(bench.cover.sticky[bit] > 0, "{:?}", bench.cover.sticky);
    }
}
