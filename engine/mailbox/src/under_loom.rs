//! The protocols without a file, as small as they can be, for `tests/loom.rs`.

use nofx_types::{AccountId, InstrumentId, Nanos};

use crate::journal::{Consumer, Producer, ring};
use crate::kill::{KillWords, Scope, kill_words};
use crate::page::Page;
use crate::words::Words;

/// Both ends of a page of two words: (write, read).
pub fn page() -> (impl FnMut(u64), impl Fn() -> Option<(u64, u64, [u64; 2])> + Clone) {
    let words = Words::plain(vec![0; Page::<[u64; 2]>::WORDS]);
    let mut writer = Page::<[u64; 2]>::new(&words).expect("room");
    let reader = Page::<[u64; 2]>::new(&words).expect("room");
    let write = move |n| writer.write(Nanos(n), &[n, n]);
    let read = move || reader.read().map(|seen| (seen.sequence, seen.at.0, seen.value));
    (write, read)
}

/// A ring of `words` words of records, and a second look at it as after a crash.
pub fn ring(words: usize) -> (Producer, Consumer, impl FnOnce() -> Consumer) {
    let words = Words::plain(vec![0; ring::RING_HEAD + words]);
    ring::begin(&words, 1);
    let ends = (Producer::new(words.clone()), Consumer::new(words.clone()));
    let again = move || Consumer::new(words).expect("a ring");
    (ends.0.expect("a ring"), ends.1.expect("a ring"), again)
}

/// Kill words of one account and one instrument: (engage a scope, the engine's side).
pub fn kill() -> (impl Fn(Scope), KillWords) {
    let kill = KillWords::new(Words::plain(vec![0; kill_words(1, 1)]), 1, 1);
    let switch = kill.clone();
    (move |scope| assert!(switch.engage(scope)), kill)
}

/// Whether the only order there can be is stopped.
pub fn stopped(kill: &KillWords) -> bool {
    kill.engaged(AccountId(0), InstrumentId(0)).is_some()
}
