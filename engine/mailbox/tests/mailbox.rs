//! The file as a whole: what the engine writes a watcher reads, who is refused and in which words,
//! what a new engine takes over from the one before.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use common::{engine, refused, spec};
use nofx_mailbox::journal::{self, Record};
use nofx_mailbox::view::{
    BookView, FeedView, LinkView, OrderView, PositionView, SessionView, TileView,
};
use nofx_mailbox::{
    ABI, Engine, EngineState, MailboxError, Scope, Spec, Steering, Switch, Watcher,
};
use nofx_types::{AccountId, InstrumentId, Nanos};

#[test]
fn a_watcher_reads_what_the_engine_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let mut engine = engine(&path);
    let watcher = Watcher::attach(&path).expect("attached");
    assert_eq!(watcher.identity(), engine.identity());
    assert_eq!(watcher.identity().engine, "nofx test");
    assert_eq!(watcher.state(), Some(EngineState::Starting));
    assert!(watcher.book(0).is_none() && watcher.orders().is_none());
    engine.set_state(EngineState::Trading);
    assert_eq!(watcher.state(), Some(EngineState::Trading));

    engine.beat(0, Nanos(5_000));
    let beats: Vec<_> = watcher.heartbeats().map(|beat| (beat.name, beat.value.0)).collect();
    assert_eq!(beats, [("trade".into(), 5_000), ("house".into(), 0)]);
    assert!(watcher.is_alive(Nanos(6_000)));
    assert!(!watcher.is_alive(Nanos(5_001 + nofx_mailbox::SILENCE)));

    engine.counter(1).add(3);
    engine.counter(1).add(4);
    assert_eq!(watcher.counters().collect::<Vec<_>>(), [("packets", 0), ("orders", 7)]);
    assert_eq!((watcher.counter("orders"), watcher.counter("none")), (Some(7), None));
    engine.histogram(0).record(250);
    assert_eq!(watcher.histogram("tick_to_trade").expect("there").quantile(0.5), 250);

    let mut views = engine.views();
    let book = BookView { instrument: 7, seq: 8, ..BookView::default() };
    views.book(Nanos(1), 3, &book);
    views.book(Nanos(2), 3, &book);
    views.book(Nanos(2), 4, &book); // no such row
    let seen = watcher.book(3).expect("written");
    assert_eq!((seen.sequence, seen.at, seen.value), (2, Nanos(2), book));
    assert_eq!(watcher.books().filter(Option::is_some).count(), 1);
    views.orders(Nanos(3), (0..9).map(|id| OrderView { cl_ord_id: id, ..OrderView::default() }));
    let orders = watcher.orders().expect("written").value;
    assert_eq!((orders.rows.len(), orders.rows[7].cl_ord_id, orders.total), (8, 7, 9));
    views.positions(Nanos(3), [PositionView { position: -5, ..PositionView::default() }]);
    assert_eq!(watcher.positions().expect("written").value.rows[0].position, -5);
    views.feed(Nanos(4), 1, &FeedView { packets: 9, ..FeedView::default() });
    views.session(Nanos(4), 0, &SessionView { sent: 10, ..SessionView::default() });
    views.tile(Nanos(4), 1, &TileView { turns: 11, ..TileView::default() });
    views.link(Nanos(4), 0, &LinkView { depth: 12, ..LinkView::default() });
    let packets: Vec<_> = watcher.feeds().map(|feed| feed.map(|feed| feed.value.packets)).collect();
    assert_eq!(packets, [None, Some(9)]);
    assert_eq!(watcher.sessions().flatten().map(|s| s.value.sent).collect::<Vec<_>>(), [10]);
    let turns: Vec<_> =
        watcher.tiles().map(|(name, tile)| (name, tile.map(|t| t.value.turns))).collect();
    assert_eq!(turns, [("trade", None), ("house", Some(11))]);
    let depths: Vec<_> =
        watcher.links().map(|(name, link)| (name, link.map(|l| l.value.depth))).collect();
    assert_eq!(depths, [("port_trade", Some(12))]);

    let mut journal = engine.journal().expect("the first asks");
    assert!(engine.journal().is_none());
    assert_eq!(journal.push(3, Nanos(9), &[b"ab", b"", b"c"]), Some(1));
    assert_eq!((watcher.journal().last, watcher.journal().waiting), (1, 32));
    let mut ring = engine.journal_consumer().expect("the first asks");
    let want = Record { number: 1, kind: 3, at: Nanos(9), payload: b"abc" };
    assert_eq!(ring.next(), Some(want));
    assert_eq!(ring.next(), None);
    ring.release();
    assert_eq!(watcher.journal().waiting, 0);

    let image = Watcher::from_image(&fs::read(&path).expect("bytes"), "copy").expect("a copy");
    assert_eq!(image.book(3).expect("written").value, book);
}

#[test]
fn a_second_engine_is_refused_and_the_first_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let first = engine(&path);
    let said = refused(Engine::create(&path, &spec()));
    assert!(said.contains(&format!("in use by process {}", std::process::id())), "{said}");
    assert!(refused(journal::recover(&path)).contains("in use"));
    drop(first);
    engine(&path);
    let names: Vec<_> =
        fs::read_dir(folder.path()).expect("list").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names.len(), 2, "only the mailbox and its lock: {names:?}");
}

/// The mailbox with `bytes` put over its own at `offset`.
fn spoiled(offset: u64, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    drop(engine(&path));
    let file = File::options().write(true).open(&path).expect("open");
    file.write_all_at(bytes, offset).expect("write");
    (folder, path)
}

#[test]
fn another_abi_is_refused_by_everybody_with_both_versions_named() {
    let (_folder, path) = spoiled(8, &(ABI + 1).to_le_bytes());
    let said = [
        refused(Watcher::attach(&path)),
        refused(Switch::open(&path)),
        refused(Engine::create(&path, &spec())),
        refused(journal::recover(&path)),
    ];
    for said in said {
        let (theirs, ours) = (format!("ABI version {}", ABI + 1), format!("reads version {ABI}"));
        assert!(said.contains(&theirs) && said.contains(&ours), "{said}");
        assert!(said.contains("nofx test"), "{said}");
    }
}

/// The header of a file of ABI version 1, as its engines wrote it: 11 sections, none of them control's.
fn image_of_abi_1() -> Vec<u8> {
    let mut image = vec![0; 8_192];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"NOFXMBOX");
    put(8, &1u32.to_le_bytes());
    put(12, &4_096u32.to_le_bytes());
    put(16, &8_192u64.to_le_bytes());
    put(24, &11u64.to_le_bytes());
    put(32, &4_242u64.to_le_bytes());
    put(72, b"nofx 0.0.9");
    for (index, kind) in (1..=11u32).enumerate() {
        put(128 + index * 32, &kind.to_le_bytes());
        put(128 + index * 32 + 8, &4_096u64.to_le_bytes());
    }
    let sum = u64::from(crc32c::crc32c(&image[..1_152]));
    image[1_152..1_160].copy_from_slice(&sum.to_le_bytes());
    image
}

#[test]
fn a_file_of_abi_1_is_never_read_as_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    fs::write(&path, image_of_abi_1()).expect("written");
    let said = [
        refused(Watcher::attach(&path)),
        refused(Switch::open(&path)),
        refused(Steering::open(&path)),
        refused(Engine::create(&path, &spec())),
        refused(journal::recover(&path)),
    ];
    for said in said {
        let want = ["ABI version 1 (engine \"nofx 0.0.9\")", "reads version 2"];
        assert!(want.iter().all(|want| said.contains(want)), "{said}");
    }
    assert_eq!(fs::read(&path).expect("bytes"), image_of_abi_1(), "left as it was");
}

#[test]
fn every_length_that_an_image_is_cut_to_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let small = Spec { histograms: Vec::new(), journal_bytes: 0, ..spec() };
    drop(Engine::create(&path, &small).expect("made"));
    let whole = fs::read(&path).expect("bytes");
    Watcher::from_image(&whole, "whole").expect("good");
    let lengths = (0..5_000).chain((5_000..whole.len()).step_by(1 << 10)).chain([whole.len() - 1]);
    for length in lengths {
        let said = refused(Watcher::from_image(&whole[..length], "cut"));
        assert!(said.contains("cut off"), "{length}: {said}");
    }
    // On the disk, where the map would end in SIGBUS behind the cut.
    for length in [4_096, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("written");
        assert!(refused(Steering::open(&path)).contains("cut off"), "{length}");
        assert!(refused(Engine::create(&path, &small)).contains("cut off"), "{length}");
    }
}

#[test]
fn what_is_no_mailbox_is_refused_in_words() {
    let (_folder, path) = spoiled(0, b"\x7FELF");
    assert!(refused(Watcher::attach(&path)).contains("not a mailbox"));
    let (_folder, path) = spoiled(40, &[0xFF]);
    assert!(refused(Watcher::attach(&path)).contains("header's checksum"));
    let (folder, path) = spoiled(0, b"");
    let whole = fs::read(&path).expect("bytes");
    for cut in [0, 1, 7, 8, 100, 4_095, 4_096, 5_000, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("write");
        assert!(refused(Watcher::attach(&path)).contains("cut off"), "{cut}");
    }
    assert!(refused(Watcher::attach(folder.path().join("absent"))).contains("start the engine"));
    assert!(refused(Watcher::attach(folder.path())).contains("cannot"));
}

#[test]
fn every_spoiled_byte_of_the_header_is_refused() {
    let (_folder, path) = spoiled(0, b"");
    let whole = fs::read(&path).expect("bytes");
    Watcher::from_image(&whole, "whole").expect("good");
    for at in 0..1_160 {
        let mut image = whole.clone();
        image[at] ^= 1 << (at % 8);
        assert!(Watcher::from_image(&image, "spoiled").is_err(), "byte {at}");
    }
}

#[test]
fn a_specification_that_cannot_be_laid_out_names_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |key: &str, spec: Spec| {
        let said = refused(Engine::create(folder.path().join("box"), &spec));
        assert!(said.starts_with(&format!("mailbox.{key}: ")), "{said}");
    };
    check("engine", Spec { engine: "x".repeat(57), ..spec() });
    check("tiles", Spec { tiles: vec!["x".repeat(57)], ..spec() });
    check("accounts", Spec { accounts: 65_537, ..spec() });
    check("orders", Spec { orders: u32::MAX, ..spec() });
    check("journal_bytes", Spec { journal_bytes: u64::MAX, ..spec() });
    check("first_number", Spec { first_number: 0, ..spec() });
    let said = refused(Engine::create(folder.path().join("absent/box"), &spec()));
    assert!(said.contains("absent/box.lock: cannot open"), "{said}");
    Engine::create(folder.path().join("box"), &Spec::default()).expect("nothing of everything");
}

#[test]
fn kills_and_epoch_outlive_the_engine_and_reach_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let first = engine(&path);
    let mut switch = Switch::open(&path).expect("open");
    switch.engage(Scope::Symbol(42)).expect("engaged");
    assert_eq!(switch.raise_epoch(6).expect("raised"), 6);
    let stopped = first.kill_words().engaged(AccountId(0), InstrumentId(42));
    assert_eq!((stopped, first.epoch()), (Some(Scope::Symbol(42)), 6));
    drop(first);
    switch.engage(Scope::Account(2)).expect("engaged while no engine runs");
    let second = engine(&path);
    let want = [Scope::Account(2), Scope::Symbol(42)];
    assert_eq!((second.kill_words().all_engaged().as_slice(), second.epoch()), (&want[..], 6));
    // The switch still holds the old file; what it does reaches the new one.
    switch.release(Scope::Account(2)).expect("released");
    switch.engage(Scope::Global).expect("engaged");
    assert_eq!(second.kill_words().all_engaged(), [Scope::Global, Scope::Symbol(42)]);
    let outside = switch.engage(Scope::Account(3));
    assert!(matches!(outside, Err(MailboxError::NoSuchScope { accounts: 3, .. })));
}

#[test]
fn kills_by_a_record_hold_where_there_is_no_file_and_only_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mailbox");
    let all = |engine: &Engine| engine.kill_words().all_engaged();
    let recorded = |kills: &[Scope]| Spec { kills: kills.to_vec(), epoch: 5, ..spec() };
    let scopes = [Scope::Account(1), Scope::Symbol(7)];
    let engine = Engine::create(&path, &recorded(&scopes)).expect("made");
    assert_eq!((all(&engine), engine.epoch()), (scopes.to_vec(), 5));
    drop(engine);
    // The file has the word now: what was released there stays released.
    let mut switch = Switch::open(&path).expect("there");
    scopes.iter().for_each(|scope| switch.release(*scope).expect("inside"));
    let engine = Engine::create(&path, &recorded(&scopes)).expect("takes over");
    assert_eq!((all(&engine), engine.epoch()), (vec![], 5));
    drop(engine);
    // A scope that this engine has no word for.
    std::fs::remove_file(&path).expect("there");
    let engine = Engine::create(&path, &recorded(&[Scope::Symbol(1_000)])).expect("made");
    assert_eq!(all(&engine), [Scope::Global]);
}

#[test]
fn undrained_records_of_the_engine_before_must_be_recovered_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    assert!(journal::recover(&path).expect("no file is no error").is_none());
    let mut first = engine(&path);
    first.journal().expect("journal").push(1, Nanos(1), &[b"order"]).expect("room");
    drop(first);
    assert!(refused(Engine::create(&path, &spec())).contains("journal::recover"));
    let mut ring = journal::recover(&path).expect("recovers").expect("a ring");
    assert!(refused(Engine::create(&path, &spec())).contains("in use"));
    assert_eq!(ring.next().map(|record| record.payload.to_vec()), Some(b"order".to_vec()));
    drop(ring);
    assert!(
        refused(Engine::create(&path, &spec())).contains("journal::recover"),
        "read, not released"
    );
    let mut ring = journal::recover(&path).expect("recovers").expect("a ring");
    assert!(ring.next().is_some());
    ring.release();
    drop(ring);
    let said = refused(Engine::create(&path, &spec()));
    assert!(said.contains("up to 1, and the next is to begin at 1"), "{said}");
    Engine::create(&path, &Spec { first_number: 2, ..spec() }).expect("numbers go on");
}

#[test]
fn numbers_go_on_where_the_specification_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine =
        Engine::create(folder.path().join("box"), &Spec { first_number: 501, ..spec() })
            .expect("made");
    let mut journal = engine.journal().expect("journal");
    assert_eq!(journal.last(), 500);
    assert_eq!(journal.push(1, Nanos(1), &[]), Some(501));
}
