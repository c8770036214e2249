//! Every seed of the fuzzers, through the functions that the fuzz targets call.

mod support;

use std::fs;
use std::path::Path;

use support::{checks, gateway_checks, order_checks};

fn run(target: &str, at_least: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let path = entry.expect("a folder entry").path();
        check(&fs::read(&path).expect("a readable seed"));
        seeds += 1;
    }
    assert!(seeds >= at_least, "{seeds} seeds of {target}, want {at_least}");
}

#[test]
fn seeds_of_itch_pass() {
    run("itch", 25, checks::itch);
}

#[test]
fn seeds_of_mold_pass() {
    run("mold", 13, checks::mold);
}

#[test]
fn seeds_of_iex_pass() {
    run("iex", 18, checks::iex);
}

#[test]
fn seeds_of_ouch50_pass() {
    run("ouch50", 100, order_checks::ouch50);
}

#[test]
fn seeds_of_ouch42_pass() {
    run("ouch42", 20, order_checks::ouch42);
}

#[test]
fn seeds_of_soup_pass() {
    run("soup", 23, order_checks::soup);
}

#[test]
fn seeds_of_the_gateways_pass() {
    run("ocg", 50, gateway_checks::ocg);
    run("tgw", 45, gateway_checks::tgw);
    run("tdgw", 45, gateway_checks::tdgw);
}
