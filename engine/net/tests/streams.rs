//! One set of demands on every kind of byte stream.

use std::net::{Ipv4Addr, SocketAddrV4};

use nofx_net::loopback::{self, Loopback};
use nofx_net::stream::{
    KernelListener, KernelTcp, PairControl, PairEnd, SmolConfig, SmolRole, SmolTcp, Stream,
    StreamCounters, StreamError, StreamState, TcpConfig, pair,
};
use nofx_rt::guard::CountingAlloc;
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Polls that a wait may take before the test gives up. Not a demand on time.
const PATIENCE: usize = 3_000_000;
/// How far the clock moves with every poll.
const TICK_NS: u64 = 20_000;

/// A client, a server that accepts one connection at a time, and what may be done to them.
trait Rig {
    fn client(&mut self) -> &mut dyn Stream;
    fn server(&mut self) -> &mut dyn Stream;
    /// Nobody listens from now on, or somebody does again.
    fn listen(&mut self, listen: bool);
    /// The server ends the connection with a reset.
    fn reset(&mut self);
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
fn until<R: Rig>(rig: &mut R, what: &str, mut done: impl FnMut(&mut R) -> bool) {
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

fn open(rig: &mut impl Rig) {
    rig.connect();
    until(rig, "both ends open", |rig| {
        rig.client().state() == StreamState::Open && rig.server().state() == StreamState::Open
    });
}

fn client_closed(rig: &mut impl Rig) -> String {
    until(rig, "client closed", |rig| rig.client().state() == StreamState::Closed);
    rig.client().reason().to_owned()
}

fn talks_both_ways(rig: &mut impl Rig) {
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

fn refused_then_accepted(rig: &mut impl Rig) {
    rig.listen(false);
    rig.connect();
    assert_eq!(client_closed(rig), "refused");
    assert_eq!((rig.client().counters().closed, rig.client().counters().errors), (1, 0));
    rig.listen(true);
    open(rig);
}

fn sends_whole_or_nothing(rig: &mut impl Rig) {
    open(rig);
    // The server takes nothing: what the ends and the way hold is filled up.
    let mut sent: Vec<u8> = Vec::new();
    let message: Vec<u8> = (0..1000_u32).map(|at| at as u8).collect();
    let mut refused = 0;
    for step in 0..200_000 {
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
        let now = rig.now();
        rig.client().poll(now);
        if step % 3 == 0 && rig.server().received().is_empty() {
            rig.server().poll(now);
        }
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
struct Transfer {
    rng: Rng,
    sent: u64,
    got: u64,
}

const TRANSFER: u64 = 5_000_000;

/// Byte `at` of what is transferred.
fn pattern(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

impl Transfer {
    fn send(&mut self, from: &mut dyn Stream) {
        let len = (1 + self.rng.below(3000)).min(TRANSFER - self.sent).min(from.room() as u64);
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

fn carries_megabytes_both_ways(rig: &mut impl Rig) {
    let seed = 42;
    println!("seed {seed}");
    open(rig);
    let transfer = |seed| Transfer { rng: Rng::new(seed), sent: 0, got: 0 };
    let (mut there, mut back) = (transfer(seed), transfer(seed + 1));
    until(rig, "all bytes are across", |rig| {
        there.send(rig.client());
        back.send(rig.server());
        there.receive(rig.server());
        back.receive(rig.client());
        there.got + back.got == 2 * TRANSFER
    });
    assert_eq!(rig.server().counters().rx_bytes, TRANSFER);
    assert_eq!(rig.client().counters().rx_bytes, TRANSFER);
}

fn closes_in_order(rig: &mut impl Rig) {
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

fn connects_again(rig: &mut impl Rig) {
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

fn sees_a_reset(rig: &mut impl Rig) {
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
fn connects_over_an_open_one(rig: &mut impl Rig) {
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

/// All demands, each on a new rig.
macro_rules! suite {
    ($module:ident, $make:expr) => {
        mod $module {
            use super::*;
            suite!(@ $make, talks_both_ways refused_then_accepted sends_whole_or_nothing
                carries_megabytes_both_ways closes_in_order connects_again sees_a_reset
                connects_over_an_open_one);
        }
    };
    (@ $make:expr, $($demand:ident)*) => {
        $(#[test] fn $demand() { super::$demand(&mut $make); })*
    };
}

suite!(pairs, PairRig::new());
suite!(kernel, KernelRig::new());
suite!(smol, SmolRig::new());

struct PairRig {
    client: PairEnd,
    server: PairEnd,
    control: PairControl,
    now: Nanos,
}

impl PairRig {
    fn new() -> PairRig {
        let (client, server) = pair();
        let control = client.control();
        PairRig { client, server, control, now: Nanos(0) }
    }
}

impl Rig for PairRig {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        // A server does not ask, it is asked.
        &mut self.server
    }

    fn listen(&mut self, listen: bool) {
        self.control.refuse(!listen);
    }

    fn reset(&mut self) {
        self.control.cut();
        self.server.poll(self.now);
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(TICK_NS);
        self.now
    }
}

/// A listener and its latest connection, as one stream.
struct Accepting {
    at: SocketAddrV4,
    listener: Option<KernelListener>,
    open: Option<KernelTcp>,
}

impl Accepting {
    fn new() -> Accepting {
        let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let listener = KernelListener::bind(any).expect("a free port");
        Accepting { at: listener.local(), listener: Some(listener), open: None }
    }
}

impl Stream for Accepting {
    fn connect(&mut self, _: Nanos) {
        self.open = None;
    }

    fn poll(&mut self, now: Nanos) -> StreamState {
        if self.open.is_none() {
            self.open = self.listener.as_mut().and_then(KernelListener::accept);
        }
        self.open.as_mut().map_or(StreamState::Closed, |open| open.poll(now))
    }

    fn state(&self) -> StreamState {
        self.open.as_ref().map_or(StreamState::Closed, Stream::state)
    }

    fn reason(&self) -> &str {
        self.open.as_ref().map_or("", Stream::reason)
    }

    fn received(&self) -> &[u8] {
        self.open.as_ref().map_or(&[], Stream::received)
    }

    fn consume(&mut self, len: usize) {
        if let Some(open) = &mut self.open {
            open.consume(len);
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.open.as_mut().map_or(Err(StreamError::NotOpen), |open| open.send(bytes))
    }

    fn room(&self) -> usize {
        self.open.as_ref().map_or(0, Stream::room)
    }

    fn close(&mut self) {
        if let Some(open) = &mut self.open {
            open.close();
        }
    }

    fn counters(&self) -> StreamCounters {
        self.open.as_ref().map_or(StreamCounters::default(), Stream::counters)
    }

    fn describe(&self) -> String {
        self.open.as_ref().map_or(String::new(), Stream::describe)
    }
}

struct KernelRig {
    client: KernelTcp,
    server: Accepting,
    now: Nanos,
}

impl KernelRig {
    fn new() -> KernelRig {
        let server = Accepting::new();
        let mut config = TcpConfig::to(server.at);
        config.connect_within_ns = u64::MAX; // the clock here runs faster than the kernel's
        KernelRig { client: KernelTcp::new(config), server, now: Nanos(0) }
    }
}

impl Rig for KernelRig {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn listen(&mut self, listen: bool) {
        self.server.listener = None;
        if listen {
            self.server.listener = Some(KernelListener::bind(self.server.at).expect("free again"));
        }
    }

    fn reset(&mut self) {
        self.server.open = None; // with bytes unread: the kernel resets
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(TICK_NS);
        self.now
    }
}

const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

struct SmolRig {
    client: SmolTcp<Loopback>,
    server: SmolTcp<Loopback>,
    now: Nanos,
}

impl SmolRig {
    fn new() -> SmolRig {
        let now = Nanos(1_790_000_000_000_000_000);
        let (here, there) = loopback::pair(256, 1514);
        let to = SocketAddrV4::new(SERVER_IP, 5000);
        let client = SmolConfig::new(CLIENT_IP, SmolRole::Client(to));
        let server = SmolConfig::new(SERVER_IP, SmolRole::Server(5000));
        let client = SmolTcp::new(here, &client, now).expect("a good configuration");
        let server = SmolTcp::new(there, &server, now.plus(1)).expect("a good configuration");
        let mut rig = SmolRig { client, server, now };
        rig.server.connect(now);
        rig
    }
}

impl Rig for SmolRig {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn listen(&mut self, listen: bool) {
        match listen {
            true => self.server.connect(self.now),
            false => self.server.close(),
        }
    }

    fn reset(&mut self) {
        self.server.connect(self.now);
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(TICK_NS);
        self.now
    }
}
