//! Every seed of the fuzzer, and seeded damage to it, through the function that the fuzz target calls.

#[path = "../../../fuzz/src/capture.rs"]
mod checks;

use std::fs;
use std::path::Path;

use nofx_rt::rng::Rng;

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/capture");
    let entries = fs::read_dir(&folder).expect("the seed corpus is part of the tree");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable seed")).collect()
}

#[test]
fn seeds_of_capture_pass() {
    let seeds = seeds();
    assert!(seeds.len() >= 20, "{} seeds", seeds.len());
    seeds.iter().for_each(|seed| checks::capture(seed));
}

#[test]
fn damaged_seeds_pass() {
    for (n, seed) in seeds().iter().enumerate() {
        let mut rng = Rng::new(n as u64);
        for round in 0..200 {
            let mut damaged = seed.clone();
            for _ in 0..=rng.below(4) {
                let at = rng.below(damaged.len() as u64) as usize;
                let edge = [0, 1, 0x7F, 0x80, 0xFF, rng.below(256) as u8];
                damaged[at] = edge[rng.below(6) as usize];
            }
            damaged
                .truncate(damaged.len() - (rng.below(3) * rng.below(12)) as usize % damaged.len());
            println!("seed {n} round {round}"); // shown when it fails
            checks::capture(&damaged);
        }
    }
}
