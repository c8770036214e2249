//! Every seed of the fuzzers of OCG-C, TGW and TDGW sessions, and plays by chance, through the
//! functions that the fuzz targets call.

use std::fs;
use std::path::Path;

use nofx_rt::rng::Rng;

#[path = "../../../fuzz/src/order_gateways.rs"]
mod order_gateways;

use order_gateways::{order_ocg, order_tdgw, order_tgw};

type Target = (&'static str, fn(&[u8]));
const TARGETS: [Target; 3] =
    [("order_ocg", order_ocg), ("order_tgw", order_tgw), ("order_tdgw", order_tdgw)];

#[test]
fn seeds_pass_cut_at_every_length() {
    for (name, play) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut seeds = 0;
        for entry in fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
            let seed = fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
            (0..=seed.len()).for_each(|len| play(&seed[..len]));
            seeds += 1;
        }
        assert!(seeds >= 8, "{name}: {seeds} seeds");
    }
}

/// A play of one seed: a login first, so that most of it meets a session that is open.
fn chance(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut bytes = vec![rng.next() as u8];
    let mut act = |act: [u8; 6]| bytes.extend(act);
    act([10, 3, 0, 0, 0, 0]);
    act([26, 3, 0, 0, 0, 0]);
    for side in [0, 16] {
        act([2 + side, 1, 2, 0, 0, 0]);
        act([15 + side, 0, 2, 0, 0, 0]);
        act([15 + side, 1, 1, 2, 0, 0]);
        act([9, 1, 0, 0, 0, 0]);
        (0..3).for_each(|set| act([15 + side, 2, set, 0, 0, 0]));
        act([15 + side, 3, 1, 0, 0, 0]);
        act([9, 1, 31, 0, 0, 0]);
    }
    for _ in 0..150 {
        let small = |rng: &mut Rng, most: u64| rng.below(most) as u8;
        let second = 16 * small(&mut rng, 2);
        let id = 1 + small(&mut rng, 12);
        match rng.below(40) {
            0 if rng.chance(1, 4) => act([10 + second, 3, 0, 0, 0, 0]),
            1 if rng.chance(1, 4) => act([2 + second, 0, small(&mut rng, 40), 0, 0, 0]),
            2 => act([15 + second, small(&mut rng, 5), small(&mut rng, 4), id, 0, 0]),
            3..=14 => {
                let flags = if rng.chance(1, 4) { rng.next() as u8 } else { 0 };
                act([11, 0, small(&mut rng, 30), small(&mut rng, 3), flags, 0]);
            }
            15..=27 => {
                let id = id + if rng.chance(1, 4) { 127 } else { 0 };
                let kind = rng.next() as u8 & if rng.chance(1, 2) { 0xff } else { 0x2f };
                let (qty, other) = (small(&mut rng, 24), small(&mut rng, 24));
                act([4 + second, kind, id, qty, other, small(&mut rng, 250)]);
            }
            28 if rng.chance(1, 3) => act([14, 0, 0, 0, 0, 0]),
            29 => act([9, rng.next() as u8, small(&mut rng, 23), 0, 0, 0]),
            30 if rng.chance(1, 5) => act([3 + second, small(&mut rng, 10), 0, 0, 0, 0]),
            31 => act([10 + second, 2, 0, 0, 0, 0]),
            _ => act([12 + small(&mut rng, 2), id, small(&mut rng, 24), small(&mut rng, 3), 0, 0]),
        }
    }
    bytes
}

#[test]
fn plays_by_chance_pass() {
    for (_, play) in TARGETS {
        (0..300).for_each(|seed| play(&chance(seed)));
    }
}

/// Writes the plays of a few seeds as the corpus: `cargo test -- --ignored write_corpus`.
#[test]
#[ignore = "writes files"]
fn write_corpus() {
    for (name, _) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for seed in 0..8 {
            fs::write(folder.join(format!("play{seed}")), chance(seed)).expect("a file");
        }
    }
}
