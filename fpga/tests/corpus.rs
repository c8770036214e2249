//! Every seed of the fuzzers of the gate's words, cut at every length, and words by chance, through the
//! functions that the fuzz targets call.

use std::fs;
use std::path::Path;

use nofx_rt::rng::Rng;

#[path = "../../fuzz/src/gate_words.rs"]
mod gate_words;

use gate_words::{gate_lines, gate_verdicts};

fn seeds(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        (0..=seed.len()).for_each(|len| check(&seed[..len]));
        seeds += 1;
    }
    assert!(seeds >= 5, "{target}: {seeds} seeds");
}

#[test]
fn seeds_pass() {
    seeds("gate_lines", gate_lines);
    seeds("gate_verdicts", gate_verdicts);
}

#[test]
fn lines_by_chance_pass() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut bytes = vec![rng.next() as u8];
        for _ in 0..60 {
            let mut line: [u8; 64] = std::array::from_fn(|_| rng.next() as u8);
            // A kind that is one, rows that exist, fields that are small: else most is out of range.
            line[0] = 1 + rng.below(12) as u8;
            if rng.chance(9, 10) {
                line[2..8].copy_from_slice(&[rng.below(2) as u8, 0, rng.below(4) as u8, 0, 0, 0]);
            }
            for field in [8, 16, 24, 32, 40] {
                if rng.chance(3, 4) {
                    line[field + 3..field + 8].fill(0);
                }
            }
            bytes.extend(line);
        }
        gate_lines(&bytes);
    }
}

#[test]
fn flips_by_chance_pass() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut masks = vec![0; 64 * 12];
        for _ in 0..rng.below(4) {
            let at = rng.below(masks.len() as u64) as usize;
            masks[at] ^= 1 << rng.below(8);
        }
        gate_verdicts(&masks);
    }
}
