//! The kinds of stream, each with a server to talk to.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};

use nofx_net::loopback::{self, Loopback};
use nofx_net::port::FramePort;
use nofx_net::stream::{
    KernelListener, KernelTcp, PairControl, PairEnd, SmolConfig, SmolRole, SmolTcp, Stream,
    StreamCounters, StreamError, StreamState, TcpConfig, pair,
};
use nofx_types::Nanos;

use crate::demands::{Rig, TICK_NS};

pub struct PairRig {
    client: PairEnd,
    server: PairEnd,
    control: PairControl,
    now: Nanos,
}

impl PairRig {
    pub fn new() -> PairRig {
        let (client, server) = pair();
        let control = client.control();
        PairRig { client, server, control, now: Nanos(0) }
    }

    /// At most `len` bytes arrive with a poll.
    pub fn in_pieces(len: usize) -> PairRig {
        let rig = PairRig::new();
        rig.control.pieces(len);
        rig
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

    fn silence(&mut self, silent: bool) -> bool {
        self.control.silent(silent);
        true
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(TICK_NS);
        self.now
    }
}

/// A listener and its latest connection, as one stream.
pub struct Accepting {
    pub at: SocketAddrV4,
    listener: Option<KernelListener>,
    pub open: Option<KernelTcp>,
}

impl Accepting {
    pub fn at(ip: Ipv4Addr) -> Accepting {
        let listener = KernelListener::bind(SocketAddrV4::new(ip, 0)).expect("a free port");
        Accepting { at: listener.local(), listener: Some(listener), open: None }
    }

    pub fn listen(&mut self, listen: bool) {
        self.listener = None;
        // A process that another test starts may hold the listener until it runs its program.
        while !listen && TcpStream::connect(self.at).is_ok() {}
        if listen {
            self.listener = Some(KernelListener::bind(self.at).expect("free again"));
        }
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

pub struct KernelRig {
    client: KernelTcp,
    server: Accepting,
    now: Nanos,
}

impl KernelRig {
    pub fn new() -> KernelRig {
        let server = Accepting::at(Ipv4Addr::LOCALHOST);
        let mut config = TcpConfig::to(server.at);
        config.connect_within_ns = u64::MAX; // the clock here runs faster than the kernel's
        KernelRig { client: KernelTcp::new(config), server, now: Nanos(0) }
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddrV4 {
        self.server.at
    }

    /// The server's end.
    pub fn accepted(&mut self) -> &mut KernelTcp {
        self.server.open.as_mut().expect("open")
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
        self.server.listen(listen);
    }

    fn reset(&mut self) {
        self.server.open = None; // with bytes unread: the kernel resets
    }

    fn silence(&mut self, _: bool) -> bool {
        false
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(TICK_NS);
        self.now
    }
}

pub const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const SERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// Two stacks of our own, joined by their ports.
pub struct SmolRig<F = Loopback> {
    pub client: SmolTcp<F>,
    pub server: SmolTcp<F>,
    pub tick_ns: u64,
    silent: bool,
    now: Nanos,
}

impl SmolRig {
    pub fn new() -> SmolRig {
        SmolRig::over_frames(256)
    }

    /// Over a port that has room for so many frames each way.
    pub fn over_frames(frames: usize) -> SmolRig {
        let (here, there) = loopback::pair(frames, 1514);
        SmolRig::joined(here, there, false)
    }
}

impl<F: FramePort> SmolRig<F> {
    pub fn joined(here: F, there: F, verify: bool) -> SmolRig<F> {
        let now = Nanos(1_790_000_000_000_000_000);
        let config = |ip, role| SmolConfig { verify, ..SmolConfig::new(ip, role) };
        let to = SocketAddrV4::new(SERVER_IP, 5000);
        let client = config(CLIENT_IP, SmolRole::Client(to));
        let server = config(SERVER_IP, SmolRole::Server(5000));
        let client = SmolTcp::new(here, &client, now).expect("a good configuration");
        let server = SmolTcp::new(there, &server, now.plus(1)).expect("a good configuration");
        let mut rig = SmolRig { client, server, tick_ns: TICK_NS, silent: false, now };
        rig.server.connect(now);
        rig
    }
}

impl<F: FramePort> Rig for SmolRig<F> {
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

    fn silence(&mut self, silent: bool) -> bool {
        self.silent = silent;
        true
    }

    fn step(&mut self) {
        let now = self.now();
        self.client.poll(now);
        if !self.silent {
            self.server.poll(now);
        }
    }

    fn now(&mut self) -> Nanos {
        self.now = self.now.plus(self.tick_ns);
        self.now
    }
}
