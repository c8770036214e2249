//! A test of the tests: every planted fault of hw/gate/dv/mutants.toml is told from the model.
//!
//! All faults live in one build of the RTL (feature `dv`) and are selected by an input, so that the
//! run is minutes. NOFX_FPGA_MUTANT_OPS bounds the operations spent on one (default 200,000).
#![cfg(feature = "dv")]

use std::fs;
use std::path::Path;

use nofx_fpga_sim::Build;
use nofx_fpga_sim::cosim::{Scenario, Setup, run, waveform};

struct Mutant {
    number: u8,
    name: String,
    broken: String,
    caught_by: String,
}

fn gate_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hw/gate")
}

fn mutants() -> Vec<Mutant> {
    let text = fs::read_to_string(gate_folder().join("dv/mutants.toml")).expect("the list");
    let table: toml::Table = text.parse().expect("TOML");
    let list = table["mutant"].as_array().expect("a list of mutants");
    let text = |value: &toml::Value| value.as_str().expect("text").to_owned();
    list.iter()
        .map(|entry| Mutant {
            number: entry["number"].as_integer().and_then(|n| n.try_into().ok()).expect("a number"),
            name: text(&entry["name"]),
            broken: text(&entry["broken"]),
            caught_by: text(&entry["caught_by"]),
        })
        .collect()
}

fn setup(mutant: u8, operations: u64) -> Setup {
    Setup { build: Build::Dv, mutant, seed: 1, operations, window: None }
}

fn operations() -> u64 {
    let text = std::env::var("NOFX_FPGA_MUTANT_OPS").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(200_000)
}

#[test]
fn every_planted_fault_is_caught() {
    let mut passed = Vec::new();
    let mut proven = 0;
    for mutant in mutants() {
        let Mutant { number, name, broken, caught_by } = &mutant;
        if caught_by == "formal" {
            proven += 1;
            println!("{number:2} {name:22} left to the proofs: {broken}");
            continue;
        }
        let scenario = Scenario::ALL.into_iter().find(|scenario| scenario.name() == caught_by);
        let scenario = scenario.unwrap_or_else(|| panic!("{name}: no scenario {caught_by}"));
        match run(scenario, &setup(*number, operations())) {
            Err(failure) => println!(
                "{number:2} {name:22} caught by {caught_by} after {} operations: {broken}",
                failure.operations
            ),
            Ok(_) => {
                println!("{number:2} {name:22} NOT caught by {caught_by}: {broken}");
                passed.push(name.clone());
            }
        }
    }
    let all = mutants().len();
    println!(
        "MEASURED mutants: {} of {all} caught, {proven} left to proofs",
        all - proven - passed.len()
    );
    assert_eq!(passed, Vec::<String>::new(), "planted faults that nobody noticed");
}

#[test]
fn without_a_fault_every_scenario_passes() {
    for scenario in Scenario::ALL {
        let ran = run(scenario, &setup(0, 20_000));
        assert!(ran.is_ok(), "{}: {}", scenario.name(), ran.err().expect("a failure"));
    }
}

#[test]
fn a_failure_is_played_again_with_waveforms_of_its_cycles() {
    let setup = setup(15, 10_000);
    let failure = run(Scenario::Hot, &setup).err().expect("planted");
    let folder = tempfile::tempdir().expect("a folder");
    let path = waveform(Scenario::Hot, &setup, &failure, folder.path()).expect("built");
    let bytes = fs::read(path).expect("a file");
    // A file of GTKWave's format begins with a header block: type 0, length 329.
    assert_eq!(bytes.get(..9), Some(&[0, 0, 0, 0, 0, 0, 0, 1, 73][..]));
    assert!(bytes.len() < 4 << 20, "a window, not the run: {} bytes", bytes.len());
}

#[test]
fn the_list_names_every_fault_of_the_sources() {
    let mut in_sources: Vec<u8> = fs::read_dir(gate_folder().join("rtl"))
        .expect("the sources")
        .flatten()
        .flat_map(|file| numbers(&fs::read_to_string(file.path()).expect("text")))
        .collect();
    in_sources.sort_unstable();
    in_sources.dedup();
    let mut listed: Vec<u8> = mutants().iter().map(|mutant| mutant.number).collect();
    listed.sort_unstable();
    assert_eq!(in_sources, listed);
}

/// The numbers that a source compares `mutant` with.
fn numbers(source: &str) -> Vec<u8> {
    let parts = ["mutant == 6'd", "mutant != 6'd"].map(|by| source.split(by).skip(1));
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    parts.into_iter().flatten().filter_map(|text| digits(text).parse().ok()).collect()
}
