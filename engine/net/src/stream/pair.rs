//! Two ends in memory, for tests: what a network does to a stream, on command.
//!
//! Model: two queues of bytes and the state of the one connection between the ends, behind a lock.
//! Either end may connect; the other accepts it at its next poll, as a listening server would. A
//! [`PairControl`] cuts, refuses, goes silent, lets little in and hands over in pieces.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nofx_types::Nanos;

use super::life::{CLOSED_BY_PEER, CLOSED_HERE, Life, REFUSED, RESET, TIMED_OUT};
use super::queue::ByteQueue;
use super::{Stream, StreamCounters, StreamError, StreamState};

/// Bytes that are under way, each direction, at most.
const WIRE: usize = 1 << 16;
/// How long a handshake may take.
const CONNECT_WITHIN_NS: u64 = 5_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    AskedBy(usize),
    Up,
}

/// What lies between the ends.
#[derive(Debug)]
struct Middle {
    link: Link,
    /// Number of the connection: an end that knows another one was cut off.
    number: u64,
    /// Bytes on their way to each end.
    toward: [ByteQueue; 2],
    /// Ends that will send no more.
    finished: [bool; 2],
    refuse: bool,
    silent: bool,
    piece: usize,
    room: usize,
}

impl Middle {
    fn renew(&mut self, link: Link) {
        self.link = link;
        self.number += 1;
        self.finished = [false; 2];
        self.toward.iter_mut().for_each(ByteQueue::clear);
    }
}

/// One end.
#[derive(Debug)]
pub struct PairEnd {
    middle: Arc<Mutex<Middle>>,
    me: usize,
    number: u64,
    input: ByteQueue,
    life: Life,
}

/// Does to the connection what a network may do.
#[derive(Clone, Debug)]
pub struct PairControl {
    middle: Arc<Mutex<Middle>>,
}

/// Two ends, not connected, that take 64 KiB each way.
pub fn pair() -> (PairEnd, PairEnd) {
    let middle = Arc::new(Mutex::new(Middle {
        link: Link::Down,
        number: 0,
        toward: [ByteQueue::new(WIRE), ByteQueue::new(WIRE)],
        finished: [false; 2],
        refuse: false,
        silent: false,
        piece: usize::MAX,
        room: WIRE,
    }));
    (PairEnd::new(Arc::clone(&middle), 0), PairEnd::new(middle, 1))
}

/// A lock that a failed test may have left poisoned.
fn lock(middle: &Mutex<Middle>) -> MutexGuard<'_, Middle> {
    middle.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PairControl {
    /// Cuts the connection: both ends are reset, bytes under way are lost.
    pub fn cut(&self) {
        lock(&self.middle).renew(Link::Down);
    }

    /// Refuses, or allows, connections to come.
    pub fn refuse(&self, refuse: bool) {
        lock(&self.middle).refuse = refuse;
    }

    /// Delivers nothing, not even an end or a handshake, while true: a peer that vanished.
    pub fn silent(&self, silent: bool) {
        lock(&self.middle).silent = silent;
    }

    /// Delivers at most `len` bytes a poll.
    pub fn pieces(&self, len: usize) {
        lock(&self.middle).piece = len;
    }

    /// Lets at most `len` bytes be under way, each direction.
    pub fn room(&self, len: usize) {
        lock(&self.middle).room = len.min(WIRE);
    }
}

impl PairEnd {
    fn new(middle: Arc<Mutex<Middle>>, me: usize) -> PairEnd {
        let (input, life) = (ByteQueue::new(WIRE), Life::new(CONNECT_WITHIN_NS));
        PairEnd { middle, me, number: 0, input, life }
    }

    /// What happens to this pair can be commanded from elsewhere.
    pub fn control(&self) -> PairControl {
        PairControl { middle: Arc::clone(&self.middle) }
    }

    fn other(&self) -> usize {
        1 - self.me
    }
}

/// Takes part in the handshake: accepts one that is asked for, or sees its own answered.
fn shake_hands(end: &mut PairEnd, middle: &mut Middle, now: Nanos) {
    let connecting = end.life.state == StreamState::Connecting;
    if middle.refuse && connecting && middle.link != Link::Up {
        middle.renew(Link::Down);
        end.life.ended(REFUSED);
    } else if !middle.refuse && middle.link == Link::AskedBy(end.other()) {
        middle.link = Link::Up;
        end.number = middle.number;
        end.input.clear();
        end.life.opened();
    } else if connecting && middle.link == Link::Up && middle.number == end.number {
        end.life.opened();
    } else if connecting && middle.number != end.number {
        end.life.ended(RESET);
    } else if end.life.overdue(now) {
        middle.renew(Link::Down);
        end.life.ended(TIMED_OUT);
    }
}

/// Takes what has arrived, and sees the end.
fn take(end: &mut PairEnd, middle: &mut Middle) {
    if middle.number != end.number {
        return end.life.ended(RESET);
    }
    let (wire, place) = (&mut middle.toward[end.me], end.input.place());
    let len = wire.len().min(place.len()).min(middle.piece);
    place[..len].copy_from_slice(&wire.bytes()[..len]);
    wire.consume(len);
    end.input.filled(len);
    end.life.counters.rx_bytes += len as u64;
    if wire.is_empty() && middle.finished[1 - end.me] {
        middle.finished[end.me] = true;
        end.life.ended(CLOSED_BY_PEER);
    }
}

impl Stream for PairEnd {
    fn connect(&mut self, now: Nanos) {
        let middle = Arc::clone(&self.middle);
        let mut middle = lock(&middle);
        self.input.clear();
        self.life.connecting(now);
        // Both may ask at the same time: the second to ask answers the first.
        if middle.link != Link::AskedBy(self.other()) {
            middle.renew(Link::AskedBy(self.me));
        }
        self.number = middle.number;
    }

    fn poll(&mut self, now: Nanos) -> StreamState {
        let middle = Arc::clone(&self.middle);
        let mut middle = lock(&middle);
        match self.life.state {
            _ if middle.silent => {
                if self.life.overdue(now) {
                    self.life.ended(TIMED_OUT);
                }
            }
            StreamState::Open => take(self, &mut middle),
            _ => shake_hands(self, &mut middle, now),
        }
        self.life.state
    }

    fn state(&self) -> StreamState {
        self.life.state
    }

    fn reason(&self) -> &str {
        self.life.reason
    }

    fn received(&self) -> &[u8] {
        self.input.bytes()
    }

    fn consume(&mut self, len: usize) {
        self.input.consume(len);
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let room = self.room();
        self.life.admit(bytes.len(), room)?;
        lock(&self.middle).toward[self.other()].push(bytes);
        Ok(())
    }

    fn room(&self) -> usize {
        let middle = lock(&self.middle);
        let open = self.life.state == StreamState::Open;
        if open { middle.room.saturating_sub(middle.toward[self.other()].len()) } else { 0 }
    }

    fn unsent(&self) -> usize {
        lock(&self.middle).toward[self.other()].len()
    }

    fn close(&mut self) {
        if self.life.state == StreamState::Open {
            let mut middle = lock(&self.middle);
            if middle.number == self.number {
                middle.finished[self.me] = true;
            }
        }
        self.life.ended(CLOSED_HERE);
    }

    fn counters(&self) -> StreamCounters {
        self.life.counters
    }

    fn describe(&self) -> String {
        format!("pair in memory, end {}", self.me)
    }
}
