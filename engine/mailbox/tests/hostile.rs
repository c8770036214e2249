//! What control writes is outside bytes for the engine: whatever stands in control's sections, the
//! engine's ends stay inside them, come back at once, allocate nothing and make no call to the system.

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use common::{MODEL, engine};
use nofx_mailbox::param::{schema_hash, table};
use nofx_mailbox::{
    CommandReader, ControlCommand, Engine, Event, EventKind, PageReader, ParamRow, Reply, Request,
    Steering, Taken, Watcher,
};
use nofx_rt::guard::{CountingAlloc, OnSealed, allocations, seal};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Where control's sections begin, by the section table, and where the last one ends.
fn steered(path: &Path) -> ([u64; 3], u64) {
    let file = File::open(path).expect("open");
    let word = |at: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).expect("inside");
        u64::from_le_bytes(bytes)
    };
    let find = |kind| {
        let entries = (0..word(24)).map(|index| 128 + index * 32);
        let mut found = entries.filter(|entry| word(*entry) as u32 == kind);
        word(found.next().expect("it has it") + 8)
    };
    ([17, 18, 19].map(find), word(16))
}

struct Ends {
    params: PageReader,
    models: PageReader,
    commands: CommandReader,
}

impl Ends {
    fn of(engine: &mut Engine) -> Ends {
        Ends {
            params: engine.params().expect("not taken yet"),
            models: engine.models().expect("not taken yet"),
            commands: engine.commands().expect("not taken yet"),
        }
    }

    /// One look at everything; what came of it: pages, refusals, commands.
    fn look(&mut self) -> [u64; 3] {
        let mut came = [0; 3];
        for reader in [&mut self.params, &mut self.models] {
            let room = if reader.is_new() { 80 } else { 0 };
            match reader.take() {
                Taken::Page(_, words) => {
                    assert!(words.len() <= room);
                    came[0] += 1;
                }
                Taken::Refused(..) | Taken::Lapped => came[1] += 1,
                Taken::Nothing => {}
            }
        }
        if let Some(request) = self.commands.next() {
            self.commands.answer(&Reply { id: request.id, ..Reply::default() });
            came[2] += 1;
        }
        came
    }
}

/// Random words, single ones and whole stretches, edges preferred, all over control's sections.
#[test]
fn random_words_in_controls_sections_neither_stop_nor_allocate_nor_reach_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let mut engine = engine(&path);
    let mut ends = Ends::of(&mut engine);
    let (starts, to) = steered(&path);
    let from = starts[0];
    let file = File::options().read(true).write(true).open(&path).expect("open");
    let watcher = Watcher::attach(&path).expect("attached");
    let mut came = [0; 3];
    for seed in 0..400 {
        println!("seed {seed}"); // shown when it fails
        let mut rng = Rng::new(seed);
        let mut before = vec![0; from as usize];
        file.read_exact_at(&mut before, 0).expect("inside");
        for _ in 0..50 {
            let stretch = if rng.below(10) == 0 { rng.below(300) + 1 } else { 1 };
            // Often the first word, which says that there is something new.
            let mut at = match rng.below(2) {
                0 => starts[rng.below(3) as usize],
                _ => from + rng.below((to - from) / 8) * 8,
            };
            for _ in 0..stretch {
                let random = rng.below(u64::MAX);
                let edges =
                    [0, 1, 2, 7, 8, 255, 256, 0x1_02, 80, 81, u64::MAX, random, random & 0xFFF];
                let word = edges[rng.below(edges.len() as u64) as usize];
                if at < to {
                    file.write_all_at(&word.to_le_bytes(), at).expect("inside");
                }
                at += 8;
            }
            let sealed = seal(OnSealed::Abort);
            (0..3)
                .for_each(|_| came.iter_mut().zip(ends.look()).for_each(|(sum, one)| *sum += one));
            drop(sealed);
        }
        _ = (watcher.params_kept(), watcher.current_params(), watcher.commands());
        // Of the engine's own only the counts of commands and replies moved, and the replies.
        let mut after = vec![0; from as usize];
        file.read_exact_at(&mut after, 0).expect("inside");
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(moved < 4 * 64 + 32, "{moved} bytes outside control's sections");
    }
    println!("pages, refusals, commands: {came:?}");
    assert!(came[1] > 1_000 && came[2] > 100, "{came:?}");
    // A controller that starts behind all this finds its feet, and so does the engine.
    let mut control = Steering::open(&path).expect("the lock is free");
    let row = ParamRow { table: table::ACCOUNT, key: 1, scope: 0, value: 5 };
    let published = (0..3).map(|n| control.publish_params(n, 0, Nanos(n), &[row]));
    let publication = published.last().expect("three").expect("room");
    match ends.params.take() {
        Taken::Page(head, words) => assert_eq!((head.publication, words.len()), (publication, 2)),
        other => panic!("{other:?}"),
    }
}

/// A page whose length, schema or slot is wrong but whose checksum is right: control's own hand can
/// make one.
#[test]
fn a_well_formed_lie_is_refused_once_and_then_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let mut engine = engine(&path);
    let mut params = engine.params().expect("not taken yet");
    let mut control = Steering::open(&path).expect("the lock is free");
    control.publish_params(1, 0, Nanos(0), &[]).expect("room");
    let ([from, ..], _) = steered(&path);
    let file = File::options().read(true).write(true).open(&path).expect("open");
    let put = |at: u64, word: u64| file.write_all_at(&word.to_le_bytes(), at).expect("inside");
    let schema = schema_hash(&common::schema()); // of slot 0, as published
    let sum = |length: u64| {
        let head = [1, schema, 0, length].map(u64::to_le_bytes).concat();
        u64::from(crc32c::crc32c(&head))
    };
    // An odd length: half a row. A length above the room.
    for (publication, length) in [(2u64, 1u64), (3, u64::MAX), (4, 81)] {
        put(from + 128 + 56, length);
        put(from + 128 + 24, sum(length));
        put(from, publication << 8);
        assert!(params.is_new());
        assert!(
            matches!(params.take(), Taken::Refused(head, _) if head.publication == publication)
        );
        assert!(!params.is_new() && params.take() == Taken::Nothing);
    }
    // Slots that there are not.
    for slot in [8, 9, 254] {
        put(from, 5 << 8 | slot);
        assert!(matches!(params.take(), Taken::Refused(..)) && !params.is_new());
    }
    put(from, 6 << 8 | 255);
    assert!(params.take() == Taken::Nothing && !params.is_new());
}

/// Everything that a turn of the tile may call, with something new and without.
#[test]
fn the_engines_side_allocates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let mut engine = engine(&path);
    let mut ends = Ends::of(&mut engine);
    let mut events = engine.events().expect("not taken yet");
    let mut views = engine.views();
    let mut control = Steering::open(&path).expect("the lock is free");
    let row = ParamRow { table: table::SYMBOL, key: 1, scope: 9, value: 5 };
    for version in 0..100 {
        control.publish_params(version, 0, Nanos(0), &[row; 40]).expect("room");
        control.publish_model(version, 0, Nanos(0), MODEL, &[7; 64]).expect("room");
        let command = Some(ControlCommand::Snapshot);
        control.send(&Request { id: version, epoch: 0, at: Nanos(0), command }).expect("room");
        let before = allocations();
        let sealed = seal(OnSealed::Count);
        let came = ends.look();
        let idle = ends.look();
        events.put(&Event::new(EventKind::Command, version).saying("snapshot"));
        views.params_ack(Nanos(0), &Default::default());
        views.in_force(Nanos(0), [row; 20]);
        drop(sealed);
        assert_eq!(allocations() - before, 0);
        assert_eq!((came, idle), ([2, 0, 1], [0, 0, 0]));
        assert_eq!(control.next_reply().map(|reply| reply.id), Some(version));
    }
}
