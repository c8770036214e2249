//! Two namespaces, the pairs between them, and what is opened at their ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use nofx_app::live::config::{Line, NetworkSection, PortKind, XskMode, XskSection};
use nofx_app::live::ports::{self, AnyPort};
use nofx_net::netns::{End, NetNs};
use nofx_net::stream::{
    KernelListener, KernelTcp, SmolConfig, SmolRole, SmolTcp, Stream, StreamState, TcpConfig,
};
use nofx_net::xsk::{Mode, XskConfig, XskPort};
use nofx_rt::clock::monotonic_ns;
use nofx_types::Nanos;

use super::{Outcome, text};

/// Group and port of the feed.
pub const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 78, 1, 1), 30_001);
const ORDERS_PORT: u16 = 33_000;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 78, 2, 2);
/// Addresses that the kernel does not have, for stacks of our own.
const OWN_NEAR: Ipv4Addr = Ipv4Addr::new(10, 78, 2, 11);
const OWN_FAR: Ipv4Addr = Ipv4Addr::new(10, 78, 2, 12);

/// A stream that a thread may own.
pub type AnyStream = Box<dyn Stream + Send>;

/// How the two ends are connected.
#[derive(Clone, Copy)]
pub struct Wiring {
    /// What it is called in the table.
    pub name: &'static str,
    /// How the feed is received.
    pub port: PortKind,
    /// Where an AF_XDP program is attached.
    pub mode: XskMode,
    /// Whether orders go by a TCP stack of our own over AF_XDP, at both ends, or by the kernel's.
    pub own_tcp: bool,
}

/// The two sides.
pub struct Network {
    /// The engine's.
    pub near: NetNs,
    /// The market's.
    pub far: NetNs,
}

impl Network {
    /// Makes them, and the pairs between.
    pub fn new() -> io::Result<Network> {
        let (near, far) = (NetNs::new()?, NetNs::new()?);
        for (net, here, there) in [(1, "feed0", "feed1"), (2, "orders0", "orders1")] {
            let end =
                |name, host| End { name, address: Ipv4Addr::new(10, 78, net, host), queues: 1 };
            near.veth(end(here, 1), &far, end(there, 2))?;
        }
        // A veth hands large segments on whole, too long for a frame of AF_XDP.
        near.ip("link set orders0 gso_max_segs 1")?;
        far.ip("link set orders1 gso_max_segs 1")?;
        far.ip("route replace 239.78.0.0/16 dev feed1")?;
        Ok(Network { near, far })
    }

    /// The ports of the feed, with room for `packets`, as `nofx run` opens them.
    pub fn feed(&self, wiring: Wiring, packets: u32) -> Outcome<Vec<AnyPort>> {
        let network = NetworkSection {
            port: wiring.port,
            lines: vec![Line { group: GROUP, interface: "feed0".to_owned() }],
            buffer_kib: packets * 2,
            xsk: XskSection { mode: wiring.mode, frames: packets, ..XskSection::default() },
            ..NetworkSection::default()
        };
        self.near.within(|| ports::open_lines(&network)).map_err(text)
    }

    /// Where the market speaks.
    pub fn market(&self) -> Outcome<UdpSocket> {
        self.far
            .within(|| UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))
            .map_err(text)
    }

    /// The engine's end of the order stream, not yet connected. A kernel socket is opened by the
    /// thread that connects it, which must be in the near namespace.
    pub fn client(&self, wiring: Wiring) -> Outcome<AnyStream> {
        if !wiring.own_tcp {
            let gateway = SocketAddrV4::new(GATEWAY, ORDERS_PORT);
            return Ok(Box::new(KernelTcp::new(TcpConfig::to(gateway))));
        }
        let role = SmolRole::Client(SocketAddrV4::new(OWN_FAR, ORDERS_PORT));
        own_tcp(&self.near, "orders0", OWN_NEAR, role, wiring.mode)
    }

    /// The gateway, listening.
    pub fn gateway(&self, wiring: Wiring) -> Outcome<Gateway> {
        if wiring.own_tcp {
            let role = SmolRole::Server(ORDERS_PORT);
            let mut stream = own_tcp(&self.far, "orders1", OWN_FAR, role, wiring.mode)?;
            stream.connect(Nanos(monotonic_ns()));
            return Ok(Gateway { listener: None, stream: Some(stream) });
        }
        let at = SocketAddrV4::new(GATEWAY, ORDERS_PORT);
        let listener = self.far.within(|| KernelListener::bind(at)).map_err(text)?;
        Ok(Gateway { listener: Some(listener), stream: None })
    }
}

fn own_tcp(
    side: &NetNs,
    interface: &str,
    ip: Ipv4Addr,
    role: SmolRole,
    mode: XskMode,
) -> Outcome<AnyStream> {
    let config = XskConfig {
        interface: interface.to_owned(),
        mode: match mode {
            XskMode::Auto => Mode::Auto,
            XskMode::Native => Mode::Native,
            XskMode::Generic => Mode::Generic,
        },
        need_wakeup: false,
        own_ip: Some(ip),
        ..XskConfig::default()
    };
    let port = side.within(|| XskPort::open(&config)).map_err(text)?;
    let stream = SmolTcp::new(port, &SmolConfig::new(ip, role), Nanos(monotonic_ns()));
    Ok(Box::new(stream.map_err(text)?))
}

/// The market's end of the order stream.
pub struct Gateway {
    listener: Option<KernelListener>,
    stream: Option<AnyStream>,
}

impl Gateway {
    /// Moves it on; whether the connection stands.
    #[inline]
    pub fn poll(&mut self) -> bool {
        if let Some(stream) = &mut self.stream {
            return stream.poll(Nanos(monotonic_ns())) == StreamState::Open;
        }
        let accepted = self.listener.as_mut().and_then(KernelListener::accept);
        self.stream = accepted.map(|stream| Box::new(stream) as AnyStream);
        false
    }

    /// What has arrived.
    #[inline]
    pub fn received(&self) -> &[u8] {
        self.stream.as_ref().map_or(&[], |stream| stream.received())
    }

    /// Forgets what has arrived.
    pub fn consume_all(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.consume(stream.received().len());
        }
    }

    /// Sends; whether it was taken.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.as_mut().is_some_and(|stream| stream.send(bytes).is_ok())
    }
}
