//! The two sides apart: a watcher cannot write, a switch finds the engine that takes over.

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{engine, spec};
use nofx_mailbox::{Engine, Scope, Steering, Switch, Watcher};

/// Rights of this process's maps of a file, as the system lists them.
fn rights(path: &std::path::Path) -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
    let name = path.to_str().expect("text");
    let of_file = maps.lines().filter(|line| line.ends_with(name));
    of_file.map(|line| line.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_watcher_maps_the_file_read_only_and_nothing_is_left_mapped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    drop(engine(&path));
    let watcher = Watcher::attach(&path).expect("attached");
    assert_eq!(rights(&path), ["r--s"]);
    let switch = Switch::open(&path).expect("opened");
    assert_eq!(rights(&path).len(), 2);
    drop((watcher, switch));
    assert_eq!(rights(&path), Vec::<String>::new());
}

#[test]
fn control_maps_only_its_own_sections_for_writing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    drop(engine(&path));
    let control = Steering::open(&path).expect("opened");
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
    let name = path.to_str().expect("text");
    let of_file = maps.lines().filter(|line| line.ends_with(name));
    let sizes: Vec<_> = of_file
        .map(|line| {
            let fields: Vec<_> = line.split(' ').collect();
            let ends = fields[0].split_once('-').expect("a range");
            let at = |text| u64::from_str_radix(text, 16).expect("hexadecimal");
            (fields[1].to_owned(), at(ends.1) - at(ends.0), at(fields[2]))
        })
        .collect();
    let (writable, whole): (Vec<_>, Vec<_>) = sizes.into_iter().partition(|map| map.0 == "rw-s");
    let bytes = fs::metadata(&path).expect("there").len();
    assert_eq!((writable.len(), whole.as_slice()), (1, &[("r--s".to_owned(), bytes, 0)][..]));
    let (_, length, from) = &writable[0];
    // Eight slots of 88 words, eight of 72, four commands: 11 KiB of a file of 300.
    assert!(from + length == bytes && *length <= 16_384, "{length} of {bytes} bytes");
    drop(control);
}

#[test]
fn a_watcher_of_the_engine_before_keeps_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let first = engine(&path);
    first.counter(0).add(5);
    let old = Watcher::attach(&path).expect("attached");
    drop(first);
    let second = engine(&path);
    second.counter(0).add(6);
    assert_eq!(old.counter("packets"), Some(5));
    let new = Watcher::attach(&path).expect("attached");
    assert_eq!(new.counter("packets"), Some(6));
}

#[test]
fn a_kill_engaged_while_engines_take_over_reaches_the_last_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    for symbol in 0..100 {
        drop(engine(&path));
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let switching = scope.spawn(|| {
                let mut switch = Switch::open(&path).expect("opened");
                switch.engage(Scope::Symbol(symbol)).expect("engaged");
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                drop(Engine::create(&path, &spec()).expect("taken over"));
            }
            switching.join().expect("no panic");
        });
        // Whatever the interleaving was: who takes over now has every kill so far.
        let last = Engine::create(&path, &spec()).expect("taken over");
        let want: Vec<_> = (0..=symbol).map(Scope::Symbol).collect();
        assert_eq!(last.kill_words().all_engaged(), want);
    }
}
