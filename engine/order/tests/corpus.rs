//! Every seed of the fuzzer of the session, and plays by chance, through the function that the fuzz
//! target calls.

use std::fs;
use std::path::Path;

use nofx_rt::rng::Rng;

#[path = "../../../fuzz/src/order_session.rs"]
mod order_session;

use order_session::order_session as play;

#[test]
fn seeds_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/order_session");
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        // Cut at every length, and each act done twice.
        (0..=seed.len()).for_each(|len| play(&seed[..len]));
        seeds += 1;
    }
    assert!(seeds >= 30, "{seeds} seeds");
}

#[test]
fn plays_by_chance_pass() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut bytes = vec![rng.next() as u8];
        // A login first, so that most of it meets a session that is open.
        bytes.extend([10, 3, 0, 0, 0, 2, 1, 0, 0, 0, 9, 1, 0, 0, 0, 4, 8, 1, 0, 0]);
        for _ in 0..150 {
            let act = match rng.below(20) {
                0 => [10, 3, 0, 0, 0],
                1 => [2, rng.below(40) as u8, rng.below(9) as u8 / 8, 0, 0],
                2 => [4, 8, rng.below(24) as u8, 0, 0],
                3..=6 => [11, 0, rng.below(30) as u8, rng.below(3) as u8, 0],
                7..=11 => {
                    let [kind, id, qty, other] = std::array::from_fn(|_| rng.below(24) as u8);
                    [4, kind, id, qty, other]
                }
                12 => [14, 0, 0, 0, 0],
                13 => [9, rng.next() as u8, rng.below(32) as u8, 0, 0],
                _ => {
                    let id = rng.below(24) as u8;
                    [9 + rng.below(6) as u8, id, rng.below(24) as u8, rng.below(3) as u8, 0]
                }
            };
            bytes.extend(act);
        }
        play(&bytes);
    }
}
