//! Every seed of the fuzzers, and seeded damage to it, through the functions that the fuzz targets call.

#[path = "../../../fuzz/src/mailbox.rs"]
mod checks;
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use nofx_mailbox::journal::{Fsync, Record, SegmentConfig, SegmentWriter};
use nofx_mailbox::{ControlCommand, Engine, Event, EventKind, ParamRow, Request, Spec, Steering};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder(target)).expect("the seed corpus is part of the tree");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable seed")).collect()
}

fn run(target: &str, at_least: usize, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= at_least, "{} seeds of {target}, want {at_least}", seeds.len());
    for (n, seed) in seeds.iter().enumerate() {
        check(seed);
        let mut rng = Rng::new(n as u64);
        for round in 0..300 {
            let mut damaged = seed.clone();
            for _ in 0..=rng.below(4) {
                let Some(last) = damaged.len().checked_sub(1) else { break };
                let at = rng.below(last as u64 + 1) as usize;
                let edge = [0, 1, 0x7F, 0x80, 0xFF, rng.below(256) as u8];
                damaged[at] = edge[rng.below(6) as usize];
            }
            damaged.truncate(damaged.len().saturating_sub((rng.below(3) * rng.below(40)) as usize));
            println!("{target}: seed {n} round {round}"); // shown when it fails
            check(&damaged);
        }
    }
}

#[test]
fn seeds_of_mailbox_pass() {
    run("mailbox", 5, checks::mailbox);
}

#[test]
fn seeds_of_segment_pass() {
    run("segment", 4, checks::segment);
}

/// Makes the seeds anew: `cargo test -p nofx-mailbox --test corpus -- --ignored`.
#[test]
#[ignore = "writes the seed corpus"]
fn make_the_seeds() {
    let scratch = tempfile::tempdir().expect("a folder");
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder(target)).expect("made");
        fs::write(folder(target).join(name), bytes).expect("written");
    };
    let path = scratch.path().join("box");
    drop(common::engine(&path));
    let image = fs::read(&path).expect("bytes");
    put("mailbox", "header", &image[..1_160]);
    put("mailbox", "another_abi", &[&image[..8], &[99], &image[9..1_160]].concat());
    put("mailbox", "abi_1", &[&image[..8], &[1], &image[9..1_160]].concat());
    put("mailbox", "short", &image[..500]);
    // Everything of control, in little: no histograms and the shortest journal there is.
    let small = Spec { histograms: Vec::new(), journal_bytes: 0, ..common::spec() };
    fs::remove_file(&path).expect("removed");
    let mut engine = Engine::create(&path, &small).expect("made");
    let mut control = Steering::open(&path).expect("the lock is free");
    for version in 1..=10 {
        let row = ParamRow { table: 1, key: 1, scope: 0, value: version as i64 };
        control.publish_params(version, 0, Nanos(version), &[row]).expect("room");
        control.publish_model(version, 0, Nanos(version), 0, &[version]).expect("room");
    }
    control.roll_back_params(5, 0).expect("kept");
    let request = Request { id: 1, epoch: 0, at: Nanos(1), command: Some(ControlCommand::Halt) };
    control.send(&request).expect("room");
    let mut events = engine.events().expect("not taken yet");
    (0..20).for_each(|n| events.put(&Event::new(EventKind::Filled, n)));
    put("mailbox", "steered", &fs::read(&path).expect("bytes"));
    let config = SegmentConfig { fsync: Fsync::Never, ..SegmentConfig::default() };
    let mut writer = SegmentWriter::open(scratch.path().join("journal"), config).expect("made");
    for number in 1..=6u64 {
        let payload = vec![number as u8; number as usize * 11];
        let record = Record { number, kind: 1, at: Nanos(number), payload: &payload };
        writer.append(&record).expect("room");
    }
    drop(writer);
    let name = format!("{:020}.journal", 1);
    let bytes = fs::read(scratch.path().join("journal").join(name)).expect("bytes");
    put("segment", "whole", &bytes);
    put("segment", "torn", &bytes[..bytes.len() - 5]);
    put("segment", "header", &bytes[..128]);
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    put("segment", "damaged", &damaged);
}
