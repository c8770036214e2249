//! The protocols without a file, as small as they can be, for `tests/loom.rs`.

use nofx_types::{AccountId, InstrumentId, Nanos};

use crate::command::{ControlCommand, Reply, Request};
use crate::command_ring::{CommandReader, CommandWriter, command_words};
use crate::event::{Event, EventReader, EventWriter, event_words};
use crate::journal::{Consumer, Producer, ring};
use crate::kill::{KillWords, Scope, kill_words};
use crate::page::Page;
use crate::pages::{PageReader, Taken};
use crate::param::PageHead;
use crate::versions::{VersionWriter, Versions, version_words};
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

/// Control's end of pages of one word, which is the version.
pub struct Pages(VersionWriter);

impl Pages {
    /// Publishes `version` in the next publication, whose number it returns.
    pub fn publish(&mut self, version: u64) -> u64 {
        let head = PageHead { version, at: Nanos(version), ..PageHead::default() };
        self.0.publish(0, &head, &[version]).expect("room")
    }

    /// Makes a kept version current.
    pub fn roll_back(&mut self, version: u64) -> u64 {
        self.0.roll_back(version, 0).expect("kept")
    }
}

/// Both ends of pages: control's, and what the engine takes as (publication, version); `None`: nothing
/// or lapped.
pub fn pages() -> (Pages, impl FnMut() -> Option<(u64, u64)>) {
    let versions = Versions::new(Words::plain(vec![0; version_words(1)]), 1).expect("room");
    versions.begin();
    let kill = KillWords::new(Words::plain(vec![0; kill_words(1, 1)]), 1, 1);
    let mut reader = PageReader::new(versions.clone(), kill, 0, 1, None);
    let take = move || match reader.take() {
        Taken::Page(head, words) => {
            assert_eq!((head.at.0, words), (head.version, &[head.version][..]), "torn");
            Some((head.publication, head.version))
        }
        Taken::Nothing | Taken::Lapped => None,
        Taken::Refused(head, why) => panic!("{head:?}: {why}"),
    };
    (Pages(VersionWriter::new(versions)), take)
}

/// Both ends of a command ring of two slots: (send a number, take one reply), (take one request and
/// answer it).
pub fn commands() -> (impl FnMut(u64) -> bool, impl FnMut() -> Option<u64>) {
    let words = || Words::plain(vec![0; command_words(2)]);
    let (control, engine) = (words(), words());
    let mut writer = CommandWriter::new(control.clone(), engine.clone()).expect("rings");
    let mut reader = CommandReader::new(control, engine).expect("rings");
    let mut replied = 0;
    let send = move |id| {
        let command = Some(ControlCommand::SetLimits { publication: id });
        while let Some(reply) = writer.next_reply() {
            replied += 1;
            assert_eq!((reply.id, reply.value), (replied, replied), "torn or out of order");
        }
        writer.send(&Request { id, epoch: 0, at: Nanos(id), command }).is_ok()
    };
    let take = move || {
        let request = reader.next()?;
        let command = Some(ControlCommand::SetLimits { publication: request.id });
        assert_eq!((request.at, request.command), (Nanos(request.id), command), "torn");
        reader.answer(&Reply { id: request.id, value: request.id, ..Reply::default() });
        Some(request.id)
    };
    (send, take)
}

/// Both ends of a ring of two events, which leaves one: (put the next), (its reader).
pub fn events() -> (impl FnMut(), EventReader) {
    let words = Words::plain(vec![0; event_words(2)]);
    let mut writer = EventWriter::new(words.clone()).expect("a ring");
    let put = move || {
        let next = writer.last() + 1;
        let (at_ns, code) = (next, next as u16);
        writer.put(&Event { at_ns, code, ..Event::default() });
    };
    (put, EventReader::new(words).expect("a ring"))
}

/// Whether the only order there can be is stopped.
pub fn stopped(kill: &KillWords) -> bool {
    kill.engaged(AccountId(0), InstrumentId(0)).is_some()
}
