//! What is demanded of every kind of stream.

use nofx_net::stream::{Stream, StreamCounters, StreamError, StreamState};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

/// Polls that a wait may take before the test gives up. Not a demand on time.
pub const PATIENCE: usize = 5_000_000;
/// How far the clock moves with every poll.
pub const TICK_NS: u64 = 20_000;

/// A client, a server that accepts one connection at a time, and what may be done to them.
pub trait Rig {
    fn client(&mut self) -> &mut dyn Stream;
    fn server(&mut self) -> &mut dyn Stream;
    /// Nobody listens from now on, or somebody does again.
    fn listen(&mut self, listen: bool);
    /// The server ends the connection with a reset.
    fn reset(&mut self);
    /// From now on nothing of the server is heard, or it is again; false where that needs more
    /// than this process.
    fn silence(&mut self, silent: bool) -> bool;
    /// The clock that both see.
    fn now(&mut self) -> Nanos;

    fn step(&mut self) {
        let now = self.now();
        self.client().poll(now);
        self.server().poll(now);
    }

    fn connect(&mut self) {
        let now = self.now();
        self.client().connect(now);
    }
}

/// Steps until `done`.
pub fn until<R: Rig>(rig: &mut R, what: &str, mut done: impl FnMut(&mut R) -> bool) {
    for _ in 0..PATIENCE {
        if done(rig) {
            return;
        }
        rig.step();
    }
    let (state, reason) = (rig.client().state(), rig.client().reason().to_owned());
    let server = rig.server();
    panic!("never: {what}; client {state} {reason}, server {} {}", server.state(), server.reason());
}

pub fn open(rig: &mut impl Rig) {
    rig.connect();
    until(rig, "both ends open", |rig| {
        rig.client().state() == StreamState::Open && rig.server().state() == StreamState::Open
    });
}

pub fn client_closed(rig: &mut impl Rig) -> String {
    until(rig, "client closed", |rig| rig.client().state() == StreamState::Closed);
    rig.client().reason().to_owned()
}

pub fn talks_both_ways(rig: &mut impl Rig) {
    assert_eq!(rig.client().state(), StreamState::Closed);
    assert_eq!(rig.client().send(b"early"), Err(StreamError::NotOpen));
    assert_eq!(rig.client().room(), 0);
    open(rig);
    assert_eq!(rig.client().reason(), "");
    for (round, text) in ["a", "order", "x".repeat(1400).as_str(), "end"].iter().enumerate() {
        rig.client().send(text.as_bytes()).expect("room");
        until(rig, "it arrives", |rig| rig.server().received().len() == text.len());
        assert_eq!(rig.server().received(), text.as_bytes(), "round {round}");
        rig.server().consume(text.len());
        rig.server().send(&text.as_bytes()[..1]).expect("room");
        until(rig, "the answer arrives", |rig| !rig.client().received().is_empty());
        assert_eq!(rig.client().received(), &text.as_bytes()[..1]);
        rig.client().consume(usize::MAX);
        assert!(rig.client().received().is_empty());
    }
    let want = StreamCounters { rx_bytes: 4, tx_bytes: 1409, opened: 1, ..Default::default() };
    assert_eq!(rig.client().counters(), want);
}

pub fn refused_then_accepted(rig: &mut impl Rig) {
    rig.listen(false);
    rig.connect();
    assert_eq!(client_closed(rig), "refused");
    assert_eq!((rig.client().counters().closed, rig.client().counters().errors), (1, 0));
    rig.listen(true);
    open(rig);
}

pub fn sends_whole_or_nothing(rig: &mut impl Rig) {
    open(rig);
    // The server consumes nothing: what the ends and the way hold is filled up.
    let mut sent: Vec<u8> = Vec::new();
    let message: Vec<u8> = (0..1000_u32).map(|at| at as u8).collect();
    let mut refused = 0;
    for _ in 0..200_000 {
        let room = rig.client().room();
        match rig.client().send(&message) {
            Ok(()) => {
                assert!(room >= message.len(), "taken without room");
                sent.extend(&message);
                refused = 0;
            }
            Err(error) => {
                assert_eq!(error, StreamError::Full);
                assert!(room < message.len(), "refused with room");
                refused += 1;
            }
        }
        rig.step();
        if refused > 20_000 {
            break;
        }
    }
    assert!(refused > 0, "it never filled up");
    assert!(rig.client().counters().full > 0);
    assert_eq!(rig.client().counters().tx_bytes, sent.len() as u64);
    let mut got: Vec<u8> = Vec::new();
    until(rig, "everything arrives", |rig| {
        got.extend(rig.server().received());
        rig.server().consume(usize::MAX);
        got.len() >= sent.len()
    });
    assert!(got == sent);
}

/// Where a transfer of one direction stands.
pub struct Transfer {
    rng: Rng,
    sent: u64,
    got: u64,
    total: u64,
}

/// Byte `at` of what is transferred.
pub fn pattern(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

impl Transfer {
    fn send(&mut self, from: &mut dyn Stream) {
        let len = (1 + self.rng.below(3000)).min(self.total - self.sent).min(from.room() as u64);
        let bytes: Vec<u8> = (self.sent..self.sent + len).map(pattern).collect();
        from.send(&bytes).expect("there is room");
        self.sent += len;
    }

    fn receive(&mut self, to: &mut dyn Stream) {
        let len = self.rng.below(6000).min(to.received().len() as u64) as usize;
        for (at, byte) in (self.got..).zip(&to.received()[..len]) {
            assert_eq!(*byte, pattern(at), "byte {at}");
        }
        to.consume(len);
        self.got += len as u64;
    }
}

pub fn carries_megabytes_both_ways(rig: &mut impl Rig) {
    println!("seed 42");
    open(rig);
    carries(rig, 5_000_000, 42);
}

/// Carries `total` bytes each way at the same time, in messages and draughts of seeded sizes.
pub fn carries(rig: &mut impl Rig, total: u64, seed: u64) {
    let transfer = |seed| Transfer { rng: Rng::new(seed), sent: 0, got: 0, total };
    let (mut there, mut back) = (transfer(seed), transfer(seed + 1));
    until(rig, "all bytes are across", |rig| {
        there.send(rig.client());
        back.send(rig.server());
        there.receive(rig.server());
        back.receive(rig.client());
        there.got + back.got == 2 * total
    });
    assert_eq!(rig.server().counters().rx_bytes, total);
    assert_eq!(rig.client().counters().rx_bytes, total);
}

pub fn closes_in_order(rig: &mut impl Rig) {
    open(rig);
    let last = vec![7; 30_000];
    rig.client().send(&last).expect("room");
    rig.client().close();
    assert_eq!(rig.client().state(), StreamState::Closed);
    assert_eq!(rig.client().reason(), "closed here");
    assert_eq!(rig.client().send(b"late"), Err(StreamError::NotOpen));
    until(rig, "the server sees the end", |rig| rig.server().state() == StreamState::Closed);
    assert_eq!(rig.server().reason(), "closed by peer");
    assert!(rig.server().received() == last, "bytes before the end are there behind it");
    until(rig, "all has left", |rig| rig.client().unsent() == 0);
    assert_eq!(rig.client().counters().closed, 1);
}

pub fn connects_again(rig: &mut impl Rig) {
    for round in 0..4_u64 {
        open(rig);
        assert_eq!(rig.client().counters().opened, round + 1);
        rig.client().send(&[round as u8; 100]).expect("room");
        rig.server().send(&[round as u8; 50]).expect("room");
        until(rig, "both arrive", |rig| {
            rig.client().received().len() == 50 && rig.server().received().len() == 100
        });
        assert_eq!(rig.client().received(), [round as u8; 50], "nothing of the last connection");
        assert_eq!(rig.server().received(), [round as u8; 100]);
        match round % 2 {
            0 => rig.server().close(),
            _ => rig.client().close(),
        }
        let want = ["closed by peer", "closed here"][round as usize % 2];
        assert_eq!(client_closed(rig), want);
        until(rig, "server closed", |rig| rig.server().state() == StreamState::Closed);
        let now = rig.now();
        rig.server().connect(now); // a server waits for the next
    }
}

pub fn sees_a_reset(rig: &mut impl Rig) {
    open(rig);
    rig.client().send(b"unread").expect("room");
    for _ in 0..10 {
        let now = rig.now();
        rig.client().poll(now);
    }
    rig.reset();
    assert_eq!(client_closed(rig), "reset by peer");
    open(rig);
}

/// Connecting while open starts afresh.
pub fn connects_over_an_open_one(rig: &mut impl Rig) {
    open(rig);
    rig.server().send(b"old").expect("room");
    until(rig, "it arrives", |rig| rig.client().received() == b"old");
    rig.connect();
    assert_eq!(rig.client().state(), StreamState::Connecting);
    assert!(rig.client().received().is_empty());
    until(rig, "server sees the end", |rig| rig.server().state() == StreamState::Closed);
    let now = rig.now();
    rig.server().connect(now);
    until(rig, "open again", |rig| {
        // The first attempt may have met a server that was not yet waiting again.
        if rig.client().state() == StreamState::Closed {
            rig.connect();
        }
        rig.client().state() == StreamState::Open && rig.server().state() == StreamState::Open
    });
    rig.client().send(b"new").expect("room");
    until(rig, "it arrives", |rig| rig.server().received() == b"new");
}

pub fn gives_a_silent_handshake_up(rig: &mut impl Rig) {
    if !rig.silence(true) {
        return;
    }
    rig.connect();
    assert_eq!(client_closed(rig), "timed out");
    rig.silence(false);
    open(rig);
}

/// The peer vanishes without a word: what is sent is held whole, or refused whole, for as long as
/// the stream believes in it.
pub fn holds_whole_messages_for_a_vanished_peer(rig: &mut impl Rig) {
    open(rig);
    if !rig.silence(true) {
        return;
    }
    let (mut sent, mut last) = (0, Ok(()));
    while last.is_ok() {
        last = rig.client().send(&[1; 1000]);
        sent += 1000 * u64::from(last.is_ok());
        assert!(sent < 10_000_000, "it never filled up");
        let now = rig.now();
        rig.client().poll(now);
    }
    assert_eq!(last, Err(StreamError::Full));
    assert_eq!(rig.client().counters().tx_bytes, sent);
    assert!(rig.client().unsent() > 0);
    rig.silence(false);
    let now = rig.now();
    rig.server().connect(now); // it was started anew
    rig.connect();
    until(rig, "open again", |rig| {
        if rig.client().state() == StreamState::Closed {
            rig.connect();
        }
        rig.client().state() == StreamState::Open && rig.server().state() == StreamState::Open
    });
    assert_eq!(rig.client().unsent(), 0, "nothing of the last connection");
    rig.client().send(b"new").expect("room");
    until(rig, "it arrives", |rig| rig.server().received() == b"new");
}
