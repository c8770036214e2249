//! Every seed of the fuzzer, and seeded damage to it, through the function that the fuzz target calls.

#[path = "../../../fuzz/src/ticks.rs"]
mod checks;

use std::fs;
use std::path::Path;

use nofx_rt::rng::Rng;

#[test]
fn seeds_and_damaged_seeds_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ticks_csv");
    let entries = fs::read_dir(&folder).expect("the seed corpus is part of the tree");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} seeds", paths.len());
    for (n, path) in paths.iter().enumerate() {
        let seed = fs::read(path).expect("a readable seed");
        checks::ticks_csv(&seed);
        let mut rng = Rng::new(n as u64);
        for round in 0..300 {
            let mut damaged = seed.clone();
            for _ in 0..=rng.below(4) {
                let at = rng.below(damaged.len() as u64) as usize;
                let edge = [b'0', b'9', b',', b'\n', b'"', b'-', b'.', rng.below(256) as u8];
                damaged[at] = edge[rng.below(8) as usize];
            }
            println!("{} round {round}", path.display()); // shown when it fails
            checks::ticks_csv(&damaged);
        }
    }
}
