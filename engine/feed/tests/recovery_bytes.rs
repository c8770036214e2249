//! Bytes of any kind on every way into a channel.

#[path = "../../../fuzz/src/recovery.rs"]
mod checks;

use std::path::Path;

use nofx_rt::rng::Rng;
use proptest::prelude::*;

#[test]
fn seeds_of_recovery_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/recovery");
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        (0..=seed.len()).for_each(|length| checks::recovery(&seed[..length]));
        seeds += 1;
    }
    assert!(seeds >= 12, "{seeds} seeds of recovery");
}

/// Steps that mostly make sense, so that all stages are reached.
#[test]
fn scripts_of_any_steps_keep_what_is_told_and_what_is_believed_together() {
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let mut script = vec![rng.next() as u8];
        for _ in 0..rng.below(60) {
            let what = rng.next() as u8;
            let length = rng.below(8);
            script.extend([what, rng.next() as u8, length as u8]);
            script.extend((0..length).map(|_| rng.below(24) as u8));
        }
        checks::recovery(&script);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_channel_panic(script in prop::collection::vec(any::<u8>(), 0..400)) {
        checks::recovery(&script);
    }
}
