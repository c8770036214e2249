//! The command ring: requests from control to the engine, replies back.
//!
//! ```text
//! written by control                         written by the engine
//! word 0    requests sent                    word 0    requests taken
//! word 8    replies taken                    word 1    replies given
//!                                            word 2    replies dropped, their ring being full
//!                                            word 3    requests skipped, the count being absurd
//! word 16   2^k requests of 8 words          word 16   2^k replies of 8 words
//! ```
//!
//! Both are rings of one writer and one reader; a record becomes visible by one release store after it
//! is whole, so a sender that dies half way has sent nothing. The engine takes at most one request per
//! call and waits for nobody: a reply that finds no room is dropped and counted. Requests that a dead
//! engine did not take are gone with its file: their fate is unknown to the sender, who asks again.
//!
//! Worst case for the engine: one load when nothing waits; else 10 loads and a store to take, 10 loads
//! and stores to answer. Counts that control writes are bounded before use: one that is absurd makes
//! the engine skip to it, in one step.

use crate::command::{Reply, Request, WORDS};
use crate::sync::{AtomicU64, Ordering, acquire};
use crate::words::Words;

const SENT: usize = 0;
const REPLIES_TAKEN: usize = 8;
const TAKEN: usize = 0;
const GIVEN: usize = 1;
const DROPPED: usize = 2;
const SKIPPED: usize = 3;
/// Words before the records, on either side.
const RING_HEAD: usize = 16;

/// Words of either side of a ring of `slots`, a power of two or none.
pub(crate) const fn command_words(slots: usize) -> usize {
    RING_HEAD + slots * WORDS
}

/// Slots of a side that has this many words, if it can be one.
fn slots(words: &[AtomicU64]) -> Option<u64> {
    let slots = words.len().checked_sub(RING_HEAD)? / WORDS;
    (slots == 0 || slots.is_power_of_two()).then_some(slots as u64)
}

fn word(words: &[AtomicU64], at: usize) -> u64 {
    words.get(at).map_or(0, acquire)
}

fn publish(words: &[AtomicU64], at: usize, value: u64) {
    if let Some(word) = words.get(at) {
        word.store(value, Ordering::Release);
    }
}

/// The words of record `n`.
fn record(words: &[AtomicU64], slots: u64, n: u64) -> Option<&[AtomicU64]> {
    let at = RING_HEAD + (n & slots.checked_sub(1)?) as usize * WORDS;
    words.get(at..at + WORDS)
}

fn get(words: &[AtomicU64], slots: u64, n: u64) -> [u64; WORDS] {
    let record = record(words, slots, n).unwrap_or_default();
    std::array::from_fn(|at| record.get(at).map_or(0, |word| word.load(Ordering::Relaxed)))
}

fn put(words: &[AtomicU64], slots: u64, n: u64, values: [u64; WORDS]) {
    let record = record(words, slots, n).unwrap_or_default();
    for (word, value) in record.iter().zip(values) {
        word.store(value, Ordering::Relaxed);
    }
}

/// The engine's end: takes requests, gives replies.
pub struct CommandReader {
    control: Words,
    engine: Words,
    slots: u64,
    taken: u64,
    given: u64,
}

impl CommandReader {
    /// `None` when the two sides are no rings, or of different sizes.
    pub(crate) fn new(control: Words, engine: Words) -> Option<CommandReader> {
        let slots = slots(&control).filter(|slots_there| slots(&engine) == Some(*slots_there))?;
        let (taken, given) = (word(&engine, TAKEN), word(&engine, GIVEN));
        Some(CommandReader { control, engine, slots, taken, given })
    }

    /// The next request: one load when there is none.
    #[allow(clippy::should_implement_trait)] // as the other ends here: it never ends
    #[inline]
    pub fn next(&mut self) -> Option<Request> {
        let sent = word(&self.control, SENT);
        if sent == self.taken {
            return None;
        }
        self.take(sent)
    }

    #[cold]
    fn take(&mut self, sent: u64) -> Option<Request> {
        if sent.wrapping_sub(self.taken) > self.slots {
            // No sender does this; go on behind it.
            self.taken = sent;
            publish(&self.engine, SKIPPED, word(&self.engine, SKIPPED).wrapping_add(1));
            publish(&self.engine, TAKEN, sent);
            return None;
        }
        let request = Request::from_words(get(&self.control, self.slots, self.taken));
        self.taken = self.taken.wrapping_add(1);
        // Our loads of the record before the sender's next stores: pairs with `send`.
        publish(&self.engine, TAKEN, self.taken);
        Some(request)
    }

    /// Answers; `false` when the sender has not taken as many replies as there is room for. The
    /// reply is then dropped and counted.
    #[inline]
    pub fn answer(&mut self, reply: &Reply) -> bool {
        let waiting = self.given.wrapping_sub(word(&self.control, REPLIES_TAKEN));
        if waiting >= self.slots {
            publish(&self.engine, DROPPED, word(&self.engine, DROPPED).wrapping_add(1));
            return false;
        }
        put(&self.engine, self.slots, self.given, reply.to_words());
        self.given = self.given.wrapping_add(1);
        publish(&self.engine, GIVEN, self.given);
        true
    }
}

/// The engine has not taken the requests before: the ring is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{waiting} commands wait for the engine already: it is not running, or not looking at them"
)]
pub struct Busy {
    /// How many wait.
    pub waiting: u64,
}

/// Control's end: sends requests, takes replies.
pub(crate) struct CommandWriter {
    control: Words,
    engine: Words,
    slots: u64,
    sent: u64,
    replies: u64,
}

impl CommandWriter {
    /// `None` when the two sides are no rings, or of different sizes. Goes on where the sender before
    /// stopped.
    pub(crate) fn new(control: Words, engine: Words) -> Option<CommandWriter> {
        let slots = slots(&control).filter(|slots_there| slots(&engine) == Some(*slots_there))?;
        let (sent, replies) = (word(&control, SENT), word(&control, REPLIES_TAKEN));
        Some(CommandWriter { control, engine, slots, sent, replies })
    }

    pub(crate) fn send(&mut self, request: &Request) -> Result<(), Busy> {
        let waiting = self.sent.wrapping_sub(word(&self.engine, TAKEN));
        if waiting >= self.slots {
            return Err(Busy { waiting });
        }
        put(&self.control, self.slots, self.sent, request.to_words());
        self.sent = self.sent.wrapping_add(1);
        publish(&self.control, SENT, self.sent);
        Ok(())
    }

    pub(crate) fn next_reply(&mut self) -> Option<Reply> {
        let given = word(&self.engine, GIVEN);
        if given == self.replies || self.slots == 0 {
            return None;
        }
        if given.wrapping_sub(self.replies) > self.slots {
            self.replies = given.wrapping_sub(self.slots); // a count of ours that was spoiled
        }
        let reply = Reply::from_words(get(&self.engine, self.slots, self.replies));
        self.replies = self.replies.wrapping_add(1);
        publish(&self.control, REPLIES_TAKEN, self.replies);
        Some(reply)
    }
}

/// Counts of a command ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandCounts {
    /// Requests sent.
    pub sent: u64,
    /// Requests that the engine took.
    pub taken: u64,
    /// Replies that the engine gave.
    pub given: u64,
    /// Replies dropped because nobody took those before.
    pub dropped: u64,
    /// Times the engine found an absurd count of requests.
    pub skipped: u64,
}

impl CommandCounts {
    pub(crate) fn read(control: &[AtomicU64], engine: &[AtomicU64]) -> CommandCounts {
        CommandCounts {
            sent: word(control, SENT),
            taken: word(engine, TAKEN),
            given: word(engine, GIVEN),
            dropped: word(engine, DROPPED),
            skipped: word(engine, SKIPPED),
        }
    }
}
