//! What only a stack of our own can show: losses, garbage, and the kernel as its peer.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{SystemTime, UNIX_EPOCH};

use nofx_net::loopback;
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::{FramePort, PortCounters, PortDescription, RxFrame, SendError};
use nofx_net::stream::{
    KernelTcp, SmolConfig, SmolError, SmolRole, SmolTcp, Stream, StreamState, TcpConfig,
};
use nofx_rt::guard::{OnSealed, seal, sealed_allocations};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

use crate::demands::{self, Rig, carries, open};
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

/// What a bad line does to frames on their way out.
#[derive(Clone, Copy)]
struct Harm {
    drop: u64,
    twice: u64,
    later: u64,
    damage: u64,
}

/// A port over a bad line; chances in 1,000.
struct Bad<F> {
    port: F,
    harm: Harm,
    rng: Rng,
    held: Option<Vec<u8>>,
    harmed: u64,
}

impl<F: FramePort> Bad<F> {
    fn new(port: F, harm: Harm, seed: u64) -> Bad<F> {
        Bad { port, harm, rng: Rng::new(seed), held: None, harmed: 0 }
    }

    /// One byte changed, or the end cut off.
    fn damage(&mut self, frame: &mut Vec<u8>) {
        let at = self.rng.below(frame.len() as u64) as usize;
        match self.rng.chance(1, 4) {
            true => frame.truncate(at),
            false => frame[at] ^= 1 + self.rng.below(255) as u8,
        }
    }
}

impl<F: FramePort> FramePort for Bad<F> {
    fn poll(&mut self) -> usize {
        self.port.poll()
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        self.port.frame(index)
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        let mut frame = vec![0; len];
        fill(&mut frame);
        let mut hit = |rng: &mut Rng, chance| {
            let hit = rng.chance(chance, 1000);
            self.harmed += u64::from(hit);
            hit
        };
        let Harm { drop, twice, later, damage } = self.harm;
        let (lose, double, hold, hurt) = (
            hit(&mut self.rng, drop),
            hit(&mut self.rng, twice),
            hit(&mut self.rng, later),
            hit(&mut self.rng, damage),
        );
        if hurt {
            self.damage(&mut frame);
        }
        if lose {
            return Ok(());
        }
        if hold && self.held.is_none() {
            self.held = Some(frame);
            return Ok(());
        }
        // A full port loses it, as a network would.
        for _ in 0..=u8::from(double) {
            _ = self.port.send(&frame);
        }
        if let Some(held) = self.held.take() {
            _ = self.port.send(&held);
        }
        Ok(())
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

/// Two stacks joined by a bad line.
struct BadRig {
    client: SmolTcp<Bad<loopback::Loopback>>,
    server: SmolTcp<Bad<loopback::Loopback>>,
    now: Nanos,
}

impl BadRig {
    fn new(harm: Harm, verify: bool, seed: u64) -> BadRig {
        let now = Nanos(1_790_000_000_000_000_000 + seed * 1_000_003);
        let (here, there) = loopback::pair(256, 1514);
        let to = SmolRole::Client(SocketAddrV4::new(SERVER_IP, 5000));
        let config = |ip, role| SmolConfig { verify, ..SmolConfig::new(ip, role) };
        let client = config(CLIENT_IP, to);
        let server = config(SERVER_IP, SmolRole::Server(5000));
        let (here, there) = (Bad::new(here, harm, seed), Bad::new(there, harm, seed + 100));
        let mut rig = BadRig {
            client: SmolTcp::new(here, &client, now).expect("a good configuration"),
            server: SmolTcp::new(there, &server, now.plus(7)).expect("a good configuration"),
            now,
        };
        rig.server.connect(now);
        rig
    }
}

impl Rig for BadRig {
    fn client(&mut self) -> &mut dyn Stream {
        &mut self.client
    }

    fn server(&mut self) -> &mut dyn Stream {
        &mut self.server
    }

    fn listen(&mut self, _: bool) {}

    fn reset(&mut self) {}

    fn silence(&mut self, _: bool) -> bool {
        false
    }

    fn now(&mut self) -> Nanos {
        // A millisecond: waiting for lost frames is waiting for seconds.
        self.now = self.now.plus(1_000_000);
        self.now
    }
}

#[test]
fn bytes_survive_loss_reordering_duplication_and_damage() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let harm = Harm { drop: 10, twice: 10, later: 20, damage: 5 };
        let mut rig = BadRig::new(harm, true, seed);
        open(&mut rig);
        carries(&mut rig, 500_000, seed);
        let harmed = rig.client.port().harmed + rig.server.port().harmed;
        println!("MEASURED frames harmed: {harmed}");
        assert!(harmed > 20);
    }
}

/// Frames that are nearly right, then frames that are nothing: none panics, and the stack lives on.
#[test]
fn garbage_does_no_harm_to_the_stack() {
    for seed in 1..=6 {
        println!("seed {seed}");
        let harm = Harm { drop: 0, twice: 50, later: 50, damage: 500 };
        let mut rig = BadRig::new(harm, seed % 2 == 0, seed);
        for round in 0..2_000_u64 {
            if rig.client.state() == StreamState::Closed {
                rig.connect();
            }
            if rig.server.state() == StreamState::Closed {
                let now = rig.now();
                rig.server.connect(now);
            }
            _ = rig.client.send(&[round as u8; 200]);
            _ = rig.server.send(&[round as u8; 900]);
            rig.step();
            rig.client.consume(usize::MAX);
            rig.server.consume(usize::MAX);
        }
        for _ in 0..2_000 {
            let port = rig.client.port();
            let bytes: Vec<u8> = (0..port.rng.below(1514)).map(|_| port.rng.next() as u8).collect();
            _ = port.port.send(&bytes);
            rig.step();
        }
        let whole = Harm { drop: 0, twice: 0, later: 0, damage: 0 };
        (rig.client.port().harm, rig.server.port().harm) = (whole, whole);
        let now = rig.now();
        rig.client.connect(now);
        rig.server.connect(now);
        demands::until(&mut rig, "a connection after all", |rig| {
            if rig.client().state() == StreamState::Closed {
                rig.connect();
            }
            if rig.server().state() == StreamState::Closed {
                let now = rig.now();
                rig.server().connect(now);
            }
            let both = [rig.client().state(), rig.server().state()];
            both == [StreamState::Open; 2]
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

fn packet(lab: &Lab) -> Packet {
    lab.near.within(|| Packet::open(&PacketConfig::new(Lab::NEAR))).expect("a packet socket")
}

/// A stack of our own that connects to the kernel.
pub struct ToKernel<F> {
    lab: Lab,
    client: SmolTcp<F>,
    server: Accepting,
}

impl<F: FramePort> ToKernel<F> {
    pub fn new(lab: Lab, port: impl FnOnce(&Lab) -> F) -> ToKernel<F> {
        let server = lab.far.within(|| Accepting::at(Lab::FAR_ADDRESS));
        let config = SmolConfig::new(OWN_IP, SmolRole::Client(server.at));
        let client = SmolTcp::new(port(&lab), &config, clock()).expect("a good configuration");
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
    pub fn new(lab: Lab, port: impl FnOnce(&Lab) -> F) -> FromKernel<F> {
        let config = SmolConfig::new(OWN_IP, SmolRole::Server(5000));
        let mut server = SmolTcp::new(port(&lab), &config, clock()).expect("a good configuration");
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

crate::suite!(to_the_kernel_over_packet, {
    let Some(lab) = super::lab("own TCP to the kernel") else { return };
    super::ToKernel::new(lab, super::packet)
});
crate::suite!(from_the_kernel_over_packet, {
    let Some(lab) = super::lab("own TCP from the kernel") else { return };
    super::FromKernel::new(lab, super::packet)
});
