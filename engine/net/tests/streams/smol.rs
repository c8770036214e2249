//! What only a stack of our own can show: losses, garbage, and the kernel as its peer.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nofx_net::fault::{Fault, Faults};
use nofx_net::loopback;
use nofx_net::netns::{Lab, NetNs};
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::{FramePort, OpenError, PortCounters, PortDescription, RxFrame, SendError};
use nofx_net::stream::{
    KernelTcp, SmolConfig, SmolError, SmolRole, SmolTcp, Stream, StreamState, TcpConfig,
};
use nofx_net::xsk::{XskConfig, XskPort};
use nofx_rt::guard::{OnSealed, seal, sealed_allocations};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

use crate::demands::{Rig, carries, open, until};
use crate::rigs::{Accepting, CLIENT_IP, SERVER_IP, SmolRig};

#[test]
fn bad_configurations_are_refused_by_the_name_of_the_key() {
    let good = SmolConfig::new(CLIENT_IP, SmolRole::Server(5000));
    let to = |ip, port| SmolRole::Client(SocketAddrV4::new(ip, port));
    let with = |change: fn(&mut SmolConfig)| {
        let mut config = good.clone();
        change(&mut config);
        config
    };
    let cases = [
        (with(|c| c.ip = Ipv4Addr::UNSPECIFIED), "ip"),
        (with(|c| c.ip = Ipv4Addr::new(224, 0, 0, 1)), "ip"),
        (with(|c| c.prefix = 33), "prefix"),
        (with(|c| c.gateway = Some(Ipv4Addr::BROADCAST)), "gateway"),
        (with(|c| c.mac = Some([1, 0, 0, 0, 0, 1])), "mac"),
        (with(|c| c.mac = Some([0; 6])), "mac"),
        (with(|c| c.role = SmolRole::Server(0)), "role"),
        (SmolConfig { role: to(SERVER_IP, 0), ..good.clone() }, "role"),
        (SmolConfig { role: to(Ipv4Addr::UNSPECIFIED, 1), ..good.clone() }, "role"),
        (with(|c| c.receive_buffer = 0), "receive_buffer"),
        (with(|c| c.send_buffer = usize::MAX), "send_buffer"),
    ];
    let make = |config: &SmolConfig, frame_max| {
        let (port, _other) = loopback::pair(4, frame_max);
        SmolTcp::new(port, config, Nanos(1)).map(drop)
    };
    for (config, key) in cases {
        let error = make(&config, 1514).expect_err(key);
        assert!(error.to_string().starts_with(key), "{error}");
    }
    assert_eq!(make(&good, 100), Err(SmolError::Frame(100)));
    assert_eq!(make(&good, 590), Ok(()));
}

#[test]
fn allocates_nothing_once_made_and_connects_again_without_it() {
    let mut rig = SmolRig::new();
    let sealed = seal(OnSealed::Count);
    let before = sealed_allocations();
    for _ in 0..3 {
        open(&mut rig);
        for _ in 0..100 {
            rig.client().send(b"an order").expect("room");
            while rig.server().received().is_empty() {
                rig.step();
            }
            rig.server().consume(usize::MAX);
            rig.server().send(&[3; 1400]).expect("room");
            while rig.client().received().is_empty() {
                rig.step();
            }
            rig.client().consume(usize::MAX);
        }
        rig.client().close();
        while rig.server().state() != StreamState::Closed {
            rig.step();
        }
        let now = rig.now();
        rig.server().connect(now);
    }
    assert_eq!(sealed_allocations() - before, 0);
    drop(sealed);
}

#[test]
fn bytes_survive_loss_reordering_duplication_and_damage() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let faults = Faults {
            duplicate_ppm: 10_000,
            reorder_ppm: 20_000,
            reorder_depth: 5,
            corrupt_ppm: 5_000,
            delay_ppm: 5_000,
            delay_polls: 40,
            ..Faults::loss(10_000)
        };
        let (here, there) = loopback::pair(256, 1514);
        let bad = |port, seed| Fault::new(port, seed, faults, Faults::default());
        let mut rig = SmolRig::joined(bad(here, seed), bad(there, seed + 100), true);
        rig.tick_ns = 1_000_000; // waiting for lost frames is waiting for seconds
        open(&mut rig);
        carries(&mut rig, 500_000, seed);
        let counts = [rig.client.port().counts().0, rig.server.port().counts().0];
        println!("{counts:?}");
        assert!(counts.iter().all(|c| c.dropped > 0 && c.reordered > 0 && c.corrupted > 0));
    }
}

/// Damages a part of the frames that leave: a byte is changed, or the end cut off.
struct Damage<F> {
    port: F,
    chance: u64,
    rng: Rng,
}

impl<F: FramePort> FramePort for Damage<F> {
    fn poll(&mut self) -> usize {
        self.port.poll()
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        self.port.frame(index)
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        let mut frame = vec![0; len];
        fill(&mut frame);
        if self.rng.chance(self.chance, 100) {
            let at = self.rng.below(len as u64) as usize;
            match self.rng.chance(1, 4) {
                true => frame.truncate(at),
                false => frame[at] ^= 1 + self.rng.below(255) as u8,
            }
        }
        self.port.send(&frame)
    }

    fn flush(&mut self) {
        self.port.flush();
    }

    fn mac(&self) -> [u8; 6] {
        self.port.mac()
    }

    fn frame_max(&self) -> usize {
        self.port.frame_max()
    }

    fn counters(&mut self) -> PortCounters {
        self.port.counters()
    }

    fn describe(&self) -> PortDescription {
        self.port.describe()
    }
}

/// Whatever is closed connects again.
fn revive(rig: &mut impl Rig) {
    if rig.client().state() == StreamState::Closed {
        rig.connect();
    }
    if rig.server().state() == StreamState::Closed {
        let now = rig.now();
        rig.server().connect(now);
    }
}

/// Frames that are nearly right, then frames that are nothing: none panics, and the stack lives on.
#[test]
fn garbage_does_no_harm_to_the_stack() {
    for seed in 1..=6 {
        println!("seed {seed}");
        let (here, there) = loopback::pair(256, 1514);
        let damage = |port, seed| Damage { port, chance: 50, rng: Rng::new(seed) };
        let verify = seed % 2 == 0;
        let mut rig = SmolRig::joined(damage(here, seed), damage(there, seed + 100), verify);
        rig.tick_ns = 1_000_000;
        for round in 0..2_000_u64 {
            revive(&mut rig);
            _ = rig.client.send(&[round as u8; 200]);
            _ = rig.server.send(&[round as u8; 900]);
            rig.step();
            rig.client.consume(usize::MAX);
            rig.server.consume(usize::MAX);
        }
        for _ in 0..2_000 {
            let Damage { port, rng, .. } = rig.client.port();
            let bytes: Vec<u8> = (0..rng.below(1514)).map(|_| rng.next() as u8).collect();
            _ = port.send(&bytes);
            rig.step();
        }
        (rig.client.port().chance, rig.server.port().chance) = (0, 0);
        let now = rig.now();
        rig.client.connect(now);
        rig.server.connect(now);
        until(&mut rig, "a connection after all", |rig| {
            revive(rig);
            [rig.client().state(), rig.server().state()] == [StreamState::Open; 2]
        });
    }
}

fn clock() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Nanos(since.as_nanos() as u64)
}

/// An address of the near side that the kernel there does not know.
const OWN_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);

/// A lab where no frame is longer than the wire allows: a veth would carry 64 KiB in one.
fn lab(what: &str) -> Option<Lab> {
    let lab = Lab::or_skip(what)?;
    lab.far.ip(&format!("link set {} gso_max_segs 1", Lab::FAR)).expect("a limit");
    Some(lab)
}

/// The port of that kind on the near side, or `None` and a `SKIPPED ` line.
fn near<F>(lab: &Lab, what: &str, open: impl FnOnce() -> Result<F, OpenError>) -> Option<F> {
    lab.near.within(open).map_err(|error| println!("SKIPPED own TCP over {what}: {error}")).ok()
}

fn packet(lab: &Lab) -> Option<Packet> {
    near(lab, "packet", || Packet::open(&PacketConfig::new(Lab::NEAR)))
}

fn xsk(lab: &Lab) -> Option<XskPort> {
    let interface = Lab::NEAR.to_owned();
    let config = XskConfig { interface, own_ip: Some(OWN_IP), ..XskConfig::default() };
    near(lab, "xsk", || XskPort::open(&config))
}

/// A stack of our own that connects to the kernel.
pub struct ToKernel<F> {
    lab: Lab,
    client: SmolTcp<F>,
    server: Accepting,
}

impl<F: FramePort> ToKernel<F> {
    pub fn new(lab: Lab, port: F) -> ToKernel<F> {
        let server = lab.far.within(|| Accepting::at(Lab::FAR_ADDRESS));
        let config = SmolConfig::new(OWN_IP, SmolRole::Client(server.at));
        let client = SmolTcp::new(port, &config, clock()).expect("a good configuration");
        ToKernel { lab, client, server }
    }
}

impl<F: FramePort> Rig for ToKernel<F> {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn listen(&mut self, listen: bool) {
        self.lab.far.within(|| self.server.listen(listen));
    }

    fn reset(&mut self) {
        self.server.open = None; // with bytes unread: the kernel resets
    }

    fn silence(&mut self, _: bool) -> bool {
        false
    }

    fn now(&mut self) -> Nanos {
        clock()
    }
}

/// The kernel, which connects to a stack of our own.
pub struct FromKernel<F> {
    lab: Lab,
    client: KernelTcp,
    server: SmolTcp<F>,
}

impl<F: FramePort> FromKernel<F> {
    pub fn new(lab: Lab, port: F) -> FromKernel<F> {
        let config = SmolConfig::new(OWN_IP, SmolRole::Server(5000));
        let mut server = SmolTcp::new(port, &config, clock()).expect("a good configuration");
        server.connect(clock());
        let client = KernelTcp::new(TcpConfig::to(SocketAddrV4::new(OWN_IP, 5000)));
        FromKernel { lab, client, server }
    }
}

impl<F: FramePort> Rig for FromKernel<F> {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn connect(&mut self) {
        self.lab.far.within(|| self.client.connect(clock()));
    }

    fn listen(&mut self, listen: bool) {
        match listen {
            true => self.server.connect(clock()),
            false => self.server.close(),
        }
    }

    fn reset(&mut self) {
        self.server.connect(clock());
    }

    fn silence(&mut self, _: bool) -> bool {
        false
    }

    fn now(&mut self) -> Nanos {
        clock()
    }
}

macro_rules! against_the_kernel {
    ($to:ident, $from:ident, $port:ident) => {
        crate::suite!($to, {
            let Some(lab) = super::lab(stringify!($to)) else { return };
            let Some(port) = super::$port(&lab) else { return };
            super::ToKernel::new(lab, port)
        });
        crate::suite!($from, {
            let Some(lab) = super::lab(stringify!($from)) else { return };
            let Some(port) = super::$port(&lab) else { return };
            super::FromKernel::new(lab, port)
        });
    };
}

against_the_kernel!(to_the_kernel_over_packet, from_the_kernel_over_packet, packet);
against_the_kernel!(to_the_kernel_over_xsk, from_the_kernel_over_xsk, xsk);

/// The middle one of `rounds` round trips of 64 bytes, with both ends on this thread, so that
/// it counts work and no waiting for another core.
fn round_trip_ns(rig: &mut impl Rig, rounds: usize) -> u64 {
    open(rig);
    let mut times: Vec<u64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            rig.client().send(&[1; 64]).expect("room");
            while rig.server().received().len() < 64 {
                let now = rig.now();
                rig.server().poll(now);
            }
            rig.server().consume(64);
            rig.server().send(&[2; 64]).expect("room");
            while rig.client().received().len() < 64 {
                let now = rig.now();
                rig.client().poll(now);
            }
            rig.client().consume(64);
            start.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    times[rounds / 2]
}

/// Both ends a stack of our own over AF_XDP.
struct BothOwn {
    rig: SmolRig<XskPort>,
    _lab: Lab,
}

impl BothOwn {
    fn new() -> Option<BothOwn> {
        let lab = lab("both ends own")?;
        let port = |ns: &NetNs, interface: &str, ip| {
            let interface = interface.to_owned();
            let config = XskConfig { interface, own_ip: Some(ip), ..XskConfig::default() };
            ns.within(|| XskPort::open(&config)).expect("an AF_XDP socket")
        };
        let near = port(&lab.near, Lab::NEAR, CLIENT_IP);
        let far = port(&lab.far, Lab::FAR, SERVER_IP);
        Some(BothOwn { rig: SmolRig::joined(near, far, false), _lab: lab })
    }
}

/// Not a demand, a figure; see `bench` for those that are published.
#[test]
#[ignore = "a figure: run alone"]
fn round_trips_over_af_xdp_and_kernel_are_measured() {
    for _ in 0..5 {
        let mut own = BothOwn::new().expect("a lab");
        let own = round_trip_ns(&mut own.rig, 20_000);
        let kernel = round_trip_ns(&mut KernelOverVeth::new(lab("kernel").expect("a lab")), 20_000);
        let ratio = own as f64 / kernel as f64;
        println!("MEASURED own TCP over AF_XDP {own} ns, kernel TCP {kernel} ns, ratio {ratio:.2}");
    }
}

/// Kernel TCP at both ends of a veth pair.
struct KernelOverVeth {
    lab: Lab,
    client: KernelTcp,
    server: Accepting,
}

impl KernelOverVeth {
    fn new(lab: Lab) -> KernelOverVeth {
        let server = lab.far.within(|| Accepting::at(Lab::FAR_ADDRESS));
        KernelOverVeth { client: KernelTcp::new(TcpConfig::to(server.at)), server, lab }
    }
}

impl Rig for KernelOverVeth {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn connect(&mut self) {
        self.lab.near.within(|| self.client.connect(clock()));
    }

    fn listen(&mut self, _: bool) {}

    fn reset(&mut self) {}

    fn silence(&mut self, _: bool) -> bool {
        false
    }

    fn now(&mut self) -> Nanos {
        clock()
    }
}
