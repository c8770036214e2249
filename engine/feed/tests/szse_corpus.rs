//! Every seed of the fuzzer of the Shenzhen feed, and seeded damage, through the function it calls.

#[path = "../../../fuzz/src/szse_feed.rs"]
mod checks;

use nofx_rt::rng::Rng;

#[test]
fn seeds_and_damage_to_them_pass() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/szse_feed");
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        checks::szse_feed(&seed);
        seeds += 1;
        let mut rng = Rng::new(seeds);
        for _ in 0..10 {
            let mut damaged = seed.clone();
            let at = rng.below(damaged.len() as u64) as usize;
            damaged[at] = rng.next() as u8;
            // The frame that was hit adds up again, so that the damage is read.
            repair(&mut damaged[1..]);
            checks::szse_feed(&damaged);
        }
    }
    assert!(seeds >= 20, "{seeds} seeds");
}

fn repair(stream: &mut [u8]) {
    let mut at = 0;
    while let Some(head) = stream.get(at + 4..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(end) = at.checked_add(8 + length).filter(|end| end + 4 <= stream.len()) else {
            return;
        };
        let sum = stream[at..end].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        stream[end..end + 4].copy_from_slice(&u32::from(sum).to_be_bytes());
        at = end + 4;
    }
}
