//! Bytes of any kind on every way into an OMD-C channel.

#[path = "../../../fuzz/src/omdc_feed.rs"]
mod checks;

use std::path::Path;

use nofx_rt::rng::Rng;
use proptest::prelude::*;

fn seeds(target: &str, at_least: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        (0..=seed.len()).for_each(|length| check(&seed[..length]));
        seeds += 1;
    }
    assert!(seeds >= at_least, "{seeds} seeds of {target}");
}

#[test]
fn seeds_of_omdc_pass_at_every_length() {
    seeds("omdc", 22, checks::omdc_lines);
}

#[test]
fn seeds_of_omdc_recovery_pass_at_every_length() {
    seeds("omdc_recovery", 8, checks::omdc_recovery);
}

/// Steps that mostly make sense, so that all stages are reached.
fn script(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut script = vec![rng.next() as u8];
    let mut seq = 1;
    for _ in 0..rng.below(60) {
        let what = rng.next() as u8;
        let length = 1 + rng.below(6);
        script.extend([what, rng.next() as u8, length as u8]);
        script.push(if rng.chance(1, 4) { rng.next() as u8 } else { seq });
        script.extend((1..length).map(|_| rng.next() as u8));
        seq += (length - 1) as u8;
    }
    script
}

#[test]
fn scripts_of_any_steps_keep_what_is_told_and_what_is_believed_together() {
    for seed in 0..3_000 {
        let outcome = std::panic::catch_unwind(|| checks::omdc_recovery(&script(seed)));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_channel_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        checks::omdc_recovery(&bytes);
        checks::omdc_lines(&bytes);
    }
}
