//! TCP of the kernel: the default way of order entry.
//!
//! Model: one non-blocking socket with Nagle's algorithm off and two buffers of fixed size. What the
//! socket does not take at once waits in the out buffer; [`Stream::room`] is what is left of it, so a
//! message always goes whole. Once open, a poll makes one `recv`, and a `send` where bytes wait; a
//! send makes one `send`. An ordinary socket used by one thread is also what kernel-bypass libraries
//! that interpose sockets want; under Onload, messages that were announced by [`Stream::prebuild`]
//! leave by templates.
//!
//! Worst case: a poll reads at most the free part of the receive buffer, and writes at most the out
//! buffer.

use std::ffi::CString;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};

use nofx_types::Nanos;

use super::life::{CLOSED_BY_PEER, CLOSED_HERE, Life, TIMED_OUT};
use super::queue::ByteQueue;
use super::templates::Templates;
use super::{Stream, StreamCounters, StreamError, StreamState, socket};

/// How long a closed connection may take to hand over what was sent.
const LEAVE_WITHIN_NS: u64 = 5_000_000_000;

/// What to connect to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// The peer.
    pub remote: SocketAddrV4,
    /// The own address, where the host has several; port 0 takes any.
    pub source: Option<SocketAddrV4>,
    /// The only interface to use.
    pub interface: Option<String>,
    /// Bytes that may wait to be consumed: no less than the longest message.
    pub receive_buffer: usize,
    /// Bytes that may wait for the socket: no less than the longest message.
    pub send_buffer: usize,
    /// Acknowledge at once when a connection opens. Helps against a peer that holds small messages
    /// back until the last one is acknowledged; costs a packet before each reply otherwise.
    pub quick_ack: bool,
    /// How long the handshake may take, nanoseconds.
    pub connect_within_ns: u64,
    /// How long sent bytes may stay unacknowledged before the peer is taken for dead,
    /// nanoseconds.
    pub silence_ns: u64,
}

impl TcpConfig {
    /// To `remote`, with 64 KiB each way, 5 s for the handshake and 10 s of silence.
    pub fn to(remote: SocketAddrV4) -> TcpConfig {
        TcpConfig {
            remote,
            source: None,
            interface: None,
            receive_buffer: 1 << 16,
            send_buffer: 1 << 16,
            quick_ack: false,
            connect_within_ns: 5_000_000_000,
            silence_ns: 10_000_000_000,
        }
    }
}

/// A connection of the kernel's TCP.
#[derive(Debug)]
pub struct KernelTcp {
    config: TcpConfig,
    interface: Option<CString>,
    accepted: bool,
    socket: Option<TcpStream>,
    leaving: Option<Leaving>,
    templates: Templates,
    input: ByteQueue,
    output: ByteQueue,
    life: Life,
    now: Nanos,
}

/// A connection that was closed here and still hands over what was sent.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    until: Nanos,
    shut: bool,
}

impl KernelTcp {
    /// A stream that connects where `config` says; not before [`Stream::connect`].
    pub fn new(config: TcpConfig) -> KernelTcp {
        KernelTcp {
            // A name with a zero byte in it is of no interface: the kernel says so at connect.
            interface: config
                .interface
                .as_ref()
                .map(|name| CString::new(name.as_str()).unwrap_or_else(|_| c"?".to_owned())),
            accepted: false,
            socket: None,
            leaving: None,
            templates: Templates::find(),
            input: ByteQueue::new(config.receive_buffer),
            output: ByteQueue::new(config.send_buffer),
            life: Life::new(config.connect_within_ns),
            now: Nanos(0),
            config,
        }
    }

    /// The server's end of a connection, open already; it cannot connect again.
    ///
    /// # Errors
    /// The socket does not take its options, or its peer is gone.
    pub fn accepted(socket: TcpStream) -> io::Result<KernelTcp> {
        let SocketAddr::V4(remote) = socket.peer_addr()? else {
            return Err(io::Error::new(ErrorKind::Unsupported, "not an IPv4 connection"));
        };
        let mut stream = KernelTcp::new(TcpConfig::to(remote));
        socket.set_nonblocking(true)?;
        stream.accepted = true;
        stream.options(&socket)?;
        stream.socket = Some(socket);
        stream.life.opened();
        Ok(stream)
    }

    /// The peer.
    pub fn remote(&self) -> SocketAddrV4 {
        self.config.remote
    }

    fn options(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let silence = (self.config.silence_ns / 1_000_000).clamp(1, i32::MAX as u64) as i32;
        socket::set(socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, silence)?;
        if self.config.quick_ack {
            socket::set(socket, libc::IPPROTO_TCP, libc::TCP_QUICKACK, 1)?;
        }
        Ok(())
    }

    fn start(&self) -> io::Result<TcpStream> {
        let socket = socket::tcp()?;
        self.options(&socket)?;
        if let Some(name) = &self.interface {
            socket::bind_to_interface(&socket, name)?;
        }
        if let Some(source) = self.config.source {
            socket::bind(&socket, source)?;
        }
        socket::connect(&socket, self.config.remote)?;
        Ok(socket)
    }

    /// Whether the handshake is over: `Ok(true)` is open.
    fn established(&self) -> io::Result<bool> {
        let Some(socket) = &self.socket else { return Ok(false) };
        if !socket::settled(socket)? {
            return Ok(false);
        }
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        // A connect to a port of this host that nobody listens on may meet itself.
        if socket.local_addr()? == socket.peer_addr()? {
            return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
        }
        Ok(true)
    }

    fn handshake(&mut self, now: Nanos) {
        match self.established() {
            Ok(true) => self.life.opened(),
            Ok(false) if self.life.overdue(now) => self.drop_socket(TIMED_OUT),
            Ok(false) => {}
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.life.failed(error);
        self.drop_socket("");
    }

    fn drop_socket(&mut self, reason: &'static str) {
        self.life.ended(reason);
        self.output.clear();
        self.templates.disarm();
        (self.socket, self.leaving) = (None, None);
    }

    /// Ends the connection for its user; what was sent still leaves.
    fn leave(&mut self, reason: &'static str) {
        if self.life.state == StreamState::Open {
            self.leaving = Some(Leaving { until: self.now.plus(LEAVE_WITHIN_NS), shut: false });
            self.life.ended(reason);
            self.part(self.now);
        } else {
            self.drop_socket(reason);
        }
    }

    /// One step of leaving: the last bytes, then the end mark, then wait for the peer's.
    fn part(&mut self, now: Nanos) {
        let (Some(leaving), Some(socket)) = (self.leaving, &self.socket) else { return };
        let sent = write_out(socket, &mut self.output);
        let done = match sent {
            Ok(()) if !self.output.is_empty() => false,
            Ok(()) => {
                self.leaving = Some(Leaving { shut: true, ..leaving });
                (!leaving.shut && socket.shutdown(Shutdown::Write).is_err()) || drained(socket)
            }
            Err(_) => true,
        };
        if done || now > leaving.until {
            self.drop_socket("");
        }
    }

    fn receive(&mut self) {
        let Some(mut socket) = self.socket.as_ref() else { return };
        let place = self.input.place();
        if place.is_empty() {
            return;
        }
        match socket.read(place) {
            Ok(0) => self.leave(CLOSED_BY_PEER),
            Ok(len) => {
                self.input.filled(len);
                self.life.counters.rx_bytes += len as u64;
            }
            Err(error) if is_for_later(&error) => {}
            Err(error) => self.fail(&error),
        }
    }

    fn transmit(&mut self) {
        let Some(socket) = &self.socket else { return };
        self.templates.arm(socket);
        if let Err(error) = write_out(socket, &mut self.output) {
            self.fail(&error);
        }
    }
}

/// Writes what the socket takes of `output`.
fn write_out(mut socket: &TcpStream, output: &mut ByteQueue) -> io::Result<()> {
    if output.is_empty() {
        return Ok(());
    }
    match socket.write(output.bytes()) {
        Ok(len) => output.consume(len),
        Err(error) if is_for_later(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Throws away what still comes in: whether the peer's end mark, or an error, was among it.
fn drained(mut socket: &TcpStream) -> bool {
    let mut waste = [0; 4096];
    match socket.read(&mut waste) {
        Ok(len) => len == 0,
        Err(error) => !is_for_later(&error),
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Stream for KernelTcp {
    fn connect(&mut self, now: Nanos) {
        self.now = now;
        self.drop_socket(CLOSED_HERE);
        self.input.clear();
        self.life.connecting(now);
        if self.accepted {
            self.life.ended("accepted from a peer, which alone can connect again");
            return;
        }
        match self.start() {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => self.fail(&error),
        }
    }

    fn poll(&mut self, now: Nanos) -> StreamState {
        self.now = now;
        if self.life.state == StreamState::Connecting {
            self.handshake(now);
        }
        if self.life.state == StreamState::Open {
            self.transmit();
            self.receive();
        } else {
            self.part(now);
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
        let Some(mut socket) = self.socket.as_ref() else { return Err(StreamError::NotOpen) };
        let room = self.output.room();
        self.life.admit(bytes.len(), room)?;
        let direct = match self.output.is_empty() {
            true if self.templates.fire(bytes) => Ok(bytes.len()),
            true => socket.write(bytes),
            false => Ok(0),
        };
        match direct {
            Ok(taken) => _ = self.output.push(bytes.get(taken..).unwrap_or_default()),
            Err(error) if is_for_later(&error) => _ = self.output.push(bytes),
            Err(error) => {
                self.life.counters.tx_bytes -= bytes.len() as u64;
                self.fail(&error);
                return Err(StreamError::NotOpen);
            }
        }
        Ok(())
    }

    fn prebuild(&mut self, message: &[u8]) {
        self.templates.add(message);
    }

    fn room(&self) -> usize {
        if self.life.state == StreamState::Open { self.output.room() } else { 0 }
    }

    fn unsent(&self) -> usize {
        self.output.len()
    }

    fn close(&mut self) {
        self.leave(CLOSED_HERE);
    }

    fn counters(&self) -> StreamCounters {
        self.life.counters
    }

    fn describe(&self) -> String {
        let mut text = format!("kernel TCP {}, nodelay", self.config.remote);
        if self.accepted {
            text.push_str(", accepted");
        }
        if let Some(source) = self.config.source {
            _ = write!(text, ", from {source}");
        }
        if let Some(interface) = &self.config.interface {
            _ = write!(text, ", on {interface}");
        }
        if self.config.quick_ack {
            text.push_str(", quick acknowledgements at first");
        }
        text + &self.templates.describe()
    }
}

/// Where connections come in; never waits.
#[derive(Debug)]
pub struct KernelListener {
    socket: TcpListener,
    errors: u64,
}

impl KernelListener {
    /// Listens at `at`; port 0 takes any.
    ///
    /// # Errors
    /// The system's: the port is in use, the address is not of this host.
    pub fn bind(at: SocketAddrV4) -> io::Result<KernelListener> {
        let socket = TcpListener::bind(at)?;
        socket.set_nonblocking(true)?;
        Ok(KernelListener { socket, errors: 0 })
    }

    /// The next connection, where one waits.
    pub fn accept(&mut self) -> Option<KernelTcp> {
        match self.socket.accept().and_then(|(socket, _)| KernelTcp::accepted(socket)) {
            Ok(stream) => Some(stream),
            Err(error) => {
                self.errors += u64::from(!is_for_later(&error));
                None
            }
        }
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddrV4 {
        match self.socket.local_addr() {
            Ok(SocketAddr::V4(address)) => address,
            _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        }
    }

    /// Connections that were lost on the way in.
    pub fn errors(&self) -> u64 {
        self.errors
    }
}
