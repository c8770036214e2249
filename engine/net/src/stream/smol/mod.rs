//! TCP of our own over any frame port: the stack of `smoltcp` with the kernel left out.
//!
//! Model: one stack with its own hardware and IP address and one connection, which it opens or
//! waits for. A poll takes one burst from the port, gives every frame to the stack, lets it send what
//! is due and copies what arrived in order into one piece of memory, because the stack's own ring
//! may hold a message in two parts. [`Stream::send`] hands the segment to the port before it returns.
//!
//! - The address must be the stack's alone: the kernel would answer a connection it does not know
//!   with a reset. Address resolution is answered and asked by the stack.
//! - Acknowledgements are delayed (10 ms) and nearly always ride on a reply; without the delay each
//!   reply waits behind a packet of its own.
//! - Checksums above IP are written and, by default, not verified: a sender on a veth leaves them
//!   empty. With a real card in between, set [`SmolConfig::verify`].
//! - A kernel at the other end of a veth sends up to 64 KiB in one frame, which no port takes: limit
//!   it there (`ip link set NAME gso_max_segs 1`). Over a card the card cuts them.
//! - Recovery of loss is that of `smoltcp`: fast after three duplicate acknowledgements, otherwise
//!   after at least one second. The window is limited to what one burst of the port can hold.
//!
//! Worst case: a poll walks [`BURST_MAX`] frames and sends as many. Nothing is allocated after
//! construction.

mod device;

use std::net::{Ipv4Addr, SocketAddrV4};

use nofx_types::Nanos;
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use self::device::Device;
use super::life::{CLOSED_BY_PEER, CLOSED_HERE, Life, REFUSED, RESET, TIMED_OUT};
use super::queue::ByteQueue;
use super::{Stream, StreamCounters, StreamError, StreamState};
use crate::port::{BURST_MAX, FramePort};

/// Full frames the peer may have under way: half a burst, so that answers find room too.
const WINDOW: usize = BURST_MAX / 2;
/// Shortest frame that a port must be able to send: the smallest packet every IPv4 host takes.
const FRAME_MIN: usize = 576 + 14;
/// First of the ports that connections leave from, and how many there are.
const EPHEMERAL: (u16, u16) = (49_152, 16_384);

/// What the stack is and what it connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmolConfig {
    /// Its own address, which nothing else uses.
    pub ip: Ipv4Addr,
    /// Bits of the network part.
    pub prefix: u8,
    /// The way to other networks.
    pub gateway: Option<Ipv4Addr>,
    /// Its own hardware address; by default that of the port.
    pub mac: Option<[u8; 6]>,
    /// Whom to connect to, or where to wait.
    pub role: SmolRole,
    /// Bytes that may wait to be consumed: no less than the longest message.
    pub receive_buffer: usize,
    /// Bytes that may wait for acknowledgement: no less than the longest message.
    pub send_buffer: usize,
    /// Whether checksums above IP are verified.
    pub verify: bool,
    /// How long the handshake of a client may take, nanoseconds.
    pub connect_within_ns: u64,
    /// How long sent bytes may stay unacknowledged before the peer is taken for dead,
    /// nanoseconds.
    pub silence_ns: u64,
}

/// Which end of the connection the stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmolRole {
    /// Connects to this address.
    Client(SocketAddrV4),
    /// Waits at this port for one connection; [`Stream::connect`] waits for the next.
    Server(u16),
}

impl SmolConfig {
    /// In a network of 24 bits, with 64 KiB each way, 5 s for the handshake and 10 s of silence.
    pub fn new(ip: Ipv4Addr, role: SmolRole) -> SmolConfig {
        SmolConfig {
            ip,
            prefix: 24,
            gateway: None,
            mac: None,
            role,
            receive_buffer: 1 << 16,
            send_buffer: 1 << 16,
            verify: false,
            connect_within_ns: 5_000_000_000,
            silence_ns: 10_000_000_000,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmolError {
    /// Not an address of one host.
    #[error("ip: not the address of one host")]
    Address,
    /// A network part of more than 32 bits.
    #[error("prefix: want 0 to 32 bits")]
    Prefix,
    /// Not an address of one host.
    #[error("gateway: not the address of one host")]
    Gateway,
    /// A group or broadcast address.
    #[error("mac: not the address of one interface")]
    Mac,
    /// The peer cannot be connected to.
    #[error("role: the peer needs an address of one host and a port, a server a port")]
    Role,
    /// Nothing, or beyond what TCP can announce.
    #[error("receive_buffer: want 1 to 1073741824 bytes")]
    ReceiveBuffer,
    /// Nothing, or beyond what TCP can announce.
    #[error("send_buffer: want 1 to 1073741824 bytes")]
    SendBuffer,
    /// The port's frames do not hold the smallest packet.
    #[error("the port sends frames of {0} bytes at most; want {FRAME_MIN} or more")]
    Frame(usize),
}

/// A stack with one connection.
pub struct SmolTcp<F> {
    device: Device<F>,
    stack: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    role: SmolRole,
    local_port: u16,
    input: ByteQueue,
    life: Life,
    now: Nanos,
}

impl<F: FramePort> SmolTcp<F> {
    /// The stack of `config` on `port`. `now` also makes sequence numbers differ between starts.
    ///
    /// # Errors
    /// The configuration, with the name of the key.
    pub fn new(port: F, config: &SmolConfig, now: Nanos) -> Result<SmolTcp<F>, SmolError> {
        let mac = EthernetAddress(config.mac.unwrap_or(port.mac()));
        config.check(mac, port.frame_max())?;
        let mut device = Device::new(port, WINDOW, config.verify);
        let stack = stack(config, mac, &mut device, now);
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket(config));
        let within = match config.role {
            SmolRole::Client(_) => config.connect_within_ns,
            SmolRole::Server(_) => u64::MAX,
        };
        Ok(SmolTcp {
            device,
            stack,
            sockets,
            handle,
            role: config.role,
            local_port: EPHEMERAL.0,
            input: ByteQueue::new(config.receive_buffer),
            life: Life::new(within),
            now,
        })
    }

    /// The port, to be asked for its counts.
    pub fn port(&mut self) -> &mut F {
        &mut self.device.port
    }

    /// Frames of the stack that were lost for want of room in the port.
    pub fn lost_frames(&self) -> u64 {
        self.device.lost()
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Gives the burst to the stack.
    fn ingress(&mut self, frames: usize) {
        let at = instant(self.now);
        self.stack.poll_maintenance(at);
        for _ in 0..frames {
            match self.stack.poll_ingress_single(at, &mut self.device, &mut self.sockets) {
                PollIngressSingleResult::None => break,
                _ => continue,
            }
        }
    }

    /// Lets the stack send what is due, at most `frames`.
    fn egress(&mut self, frames: usize) {
        let at = instant(self.now);
        for _ in 0..frames {
            match self.stack.poll_egress(at, &mut self.device, &mut self.sockets) {
                PollResult::None => break,
                PollResult::SocketStateChanged => continue,
            }
        }
        self.device.flush();
    }

    /// Copies what arrived in order to where it lies in one piece; throws it away once closed.
    fn drain(&mut self) {
        let open = self.life.state == StreamState::Open;
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        while socket.can_recv() {
            let place = self.input.place();
            if open && place.is_empty() {
                return;
            }
            let taken = match open {
                true => socket.recv_slice(place),
                false => socket.recv(|bytes| (bytes.len(), 0)),
            };
            let Ok(len) = taken else { return };
            if open {
                self.input.filled(len);
                self.life.counters.rx_bytes += len as u64;
            }
        }
    }

    /// What the socket's state means for the stream, when it stands between receiving and sending.
    fn follow(&mut self) {
        let (state, waiting) = (self.socket().state(), self.socket().can_recv());
        match (self.life.state, state) {
            (StreamState::Connecting, State::Established | State::CloseWait) => self.life.opened(),
            (StreamState::Connecting, State::Closed) => self.life.ended(REFUSED),
            (StreamState::Open, State::CloseWait) if !waiting => self.leave(CLOSED_BY_PEER),
            (StreamState::Open, State::Closed) if !waiting => self.life.ended(RESET),
            _ => {}
        }
    }

    /// Lets the stack send what is due; it gives a silent peer up at this moment only.
    fn proceed(&mut self) {
        let before = self.socket().state();
        self.egress(BURST_MAX);
        let gave_up = before != State::Closed && self.socket().state() == State::Closed;
        if gave_up || self.life.overdue(self.now) {
            self.socket().abort();
            self.life.ended(TIMED_OUT);
        }
    }

    fn leave(&mut self, reason: &'static str) {
        self.life.ended(reason);
        self.socket().close();
    }

    /// Begins the handshake, or waits for one.
    fn start(&mut self, now: Nanos) {
        self.local_port = next_port(self.local_port, now);
        let (local, role) = (self.local_port, self.role);
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        let begun = match role {
            SmolRole::Client(to) => {
                socket.connect(self.stack.context(), (*to.ip(), to.port()), local).is_ok()
            }
            SmolRole::Server(port) => socket.listen(port).is_ok(),
        };
        if !begun {
            self.life.counters.errors += 1;
            self.life.ended("the stack did not begin");
        }
    }
}

impl SmolConfig {
    fn check(&self, mac: EthernetAddress, frame_max: usize) -> Result<(), SmolError> {
        let host = |ip: Ipv4Addr| !ip.is_unspecified() && !ip.is_broadcast() && !ip.is_multicast();
        let size = |bytes| (1..=1 << 30).contains(&bytes);
        let role = match self.role {
            SmolRole::Client(to) => host(*to.ip()) && to.port() != 0,
            SmolRole::Server(port) => port != 0,
        };
        let checks = [
            (host(self.ip), SmolError::Address),
            (self.prefix <= 32, SmolError::Prefix),
            (self.gateway.is_none_or(host), SmolError::Gateway),
            (mac.is_unicast() && mac.0 != [0; 6], SmolError::Mac),
            (role, SmolError::Role),
            (size(self.receive_buffer), SmolError::ReceiveBuffer),
            (size(self.send_buffer), SmolError::SendBuffer),
            (frame_max >= FRAME_MIN, SmolError::Frame(frame_max)),
        ];
        checks.into_iter().find(|(good, _)| !good).map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// The stack with its addresses.
fn stack<F: FramePort>(
    config: &SmolConfig,
    mac: EthernetAddress,
    device: &mut Device<F>,
    now: Nanos,
) -> Interface {
    let mut settings = Config::new(HardwareAddress::Ethernet(mac));
    settings.random_seed = now.0;
    let mut stack = Interface::new(settings, device, instant(now));
    let own = IpCidr::new(IpAddress::Ipv4(config.ip), config.prefix);
    // Both have room for one: they are empty.
    stack.update_ip_addrs(|list| _ = list.push(own));
    if let Some(gateway) = config.gateway {
        _ = stack.routes_mut().add_default_ipv4_route(gateway);
    }
    stack
}

fn socket(config: &SmolConfig) -> Socket<'static> {
    let buffer = |size| SocketBuffer::new(vec![0xA5; size]);
    // Above 65,535 the window would be counted in larger units, which the stack's own limit on
    // bursts does not know of.
    let receive = buffer(config.receive_buffer.min(65_535));
    let mut socket = Socket::new(receive, buffer(config.send_buffer));
    socket.set_nagle_enabled(false);
    socket.set_timeout(Some(Duration::from_micros((config.silence_ns / 1000).max(1))));
    socket
}

/// The stack counts microseconds.
fn instant(now: Nanos) -> Instant {
    Instant::from_micros(i64::try_from(now.0 / 1000).unwrap_or(i64::MAX))
}

/// A port that the last connection did not leave from, and most likely none before a restart.
fn next_port(last: u16, now: Nanos) -> u16 {
    let (first, count) = EPHEMERAL;
    let drawn = ((now.0 >> 10) % u64::from(count)) as u16;
    if first + drawn == last { first + (drawn + 1) % count } else { first + drawn }
}

impl<F: FramePort> Stream for SmolTcp<F> {
    fn connect(&mut self, now: Nanos) {
        self.now = now;
        if self.socket().is_active() {
            // What it did not hand over is lost, and the peer told.
            self.socket().abort();
            self.egress(1);
        }
        self.input.clear();
        self.life.connecting(now);
        self.start(now);
        self.egress(1);
    }

    fn poll(&mut self, now: Nanos) -> StreamState {
        self.now = now;
        let frames = self.device.poll();
        self.ingress(frames);
        self.follow();
        self.drain();
        self.follow();
        self.proceed();
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
        // It fits: the room was asked for.
        _ = self.socket().send_slice(bytes);
        self.egress(1 + bytes.len() / device::FRAME_MAX);
        Ok(())
    }

    fn room(&self) -> usize {
        let socket = self.sockets.get::<Socket>(self.handle);
        let open = self.life.state == StreamState::Open && socket.may_send();
        if open { socket.send_capacity() - socket.send_queue() } else { 0 }
    }

    fn unsent(&self) -> usize {
        let socket = self.sockets.get::<Socket>(self.handle);
        if socket.is_active() { socket.send_queue() } else { 0 }
    }

    fn close(&mut self) {
        if self.life.state != StreamState::Closed {
            self.leave(CLOSED_HERE);
            self.egress(1);
        }
    }

    fn counters(&self) -> StreamCounters {
        self.life.counters
    }

    fn describe(&self) -> String {
        let role = match self.role {
            SmolRole::Client(to) => format!("to {to}"),
            SmolRole::Server(port) => format!("at port {port}"),
        };
        format!("own TCP {role}, no delay of sends, over {}", self.device.port.describe())
    }
}
