//! One set of vectors that every port has to pass.
//!
//! Model: a [`Rig`] is a port under test with the other side of its wire. `rigs` holds the usual
//! ones: on a veth pair the other side is the kernel's own UDP (an implementation we did not
//! write); in memory it is a second port. [`suite`] makes a fresh rig for every vector, so a vector
//! sees only its own packets in the counters. Waiting is bounded by [`PATIENCE`] and ends as soon
//! as what is awaited is there; nothing is asserted about time.
#![allow(dead_code)] // each test binary uses its part

pub mod rigs;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use nofx_net::port::{BURST_MAX, Port, PortCounters, SendError};
use nofx_rt::rng::Rng;

/// How long a vector waits for packets that do not come, before it says which.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Own address of the port under test.
pub const OWN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 5_000);

/// Address of the other side: source of everything that is offered.
pub const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 6_000);

/// A group that the other side listens to.
pub const PEER_GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(233, 54, 99, 1), 7_000);

/// Most payload that fits an Ethernet of 1,500 bytes.
pub const PAYLOAD_MAX: usize = 1_472;

/// What the port under test listens to: groups that share ports and ports that share groups, all
/// besides [`OWN`].
pub fn lines() -> Vec<SocketAddrV4> {
    let groups = (1..=8).map(|last| Ipv4Addr::new(233, 54, 12, last));
    groups.flat_map(|group| [26_400, 26_401].map(|port| SocketAddrV4::new(group, port))).collect()
}

/// A datagram: where to, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Destination.
    pub to: SocketAddrV4,
    /// Source; [`PEER`] for what is offered.
    pub from: SocketAddrV4,
    /// What UDP carries.
    pub payload: Vec<u8>,
}

/// A port under test and the other side of its wire.
pub trait Rig {
    /// The port.
    fn port(&mut self) -> &mut dyn Port;

    /// Puts packets on the wire towards the port, in this order, from [`PEER`].
    fn offer(&mut self, packets: &[Packet]);

    /// What the port sent and the other side received since the last call: at least `count`, or
    /// what has come within [`PATIENCE`].
    fn taken(&mut self, count: usize) -> Vec<Packet>;

    /// Whether the port can send.
    fn sends(&self) -> bool {
        true
    }

    /// Whether the port stays the same over several offers, so that its counters add up.
    fn keeps_counting(&self) -> bool {
        true
    }

    /// Whether packets that are not for the port reach it, so that it has to count them.
    fn sees_foreign(&self) -> bool {
        true
    }
}

/// A vector and its name.
type Vector<R> = (&'static str, fn(&mut R));

/// Runs every vector against ports that `make` opens, each on a rig of its own. `None` from `make`
/// ends the run: it has printed why it is skipped.
pub fn suite<R: Rig>(make: impl Fn() -> Option<R>) {
    let vectors: [Vector<R>; 8] = [
        ("every size", every_size),
        ("bursts", bursts),
        ("empty payloads", empty_payloads),
        ("groups and ports", groups_and_ports),
        ("nothing there", nothing_there),
        ("foreign packets", foreign_packets),
        ("sending", sending),
        ("refusals", refusals),
    ];
    for (name, vector) in vectors {
        println!("vector: {name}");
        let Some(mut rig) = make() else { return };
        vector(&mut rig);
    }
    println!("vector: nothing after close");
    nothing_after_close(make);
}

/// `count` packets over the lines, of sizes that `size` gives, with contents from a seed.
pub fn packets(count: usize, size: impl Fn(usize) -> usize) -> Vec<Packet> {
    let (mut rng, lines) = (Rng::new(count as u64), lines());
    let packet = |index: usize| Packet {
        to: lines[index % lines.len()],
        from: PEER,
        payload: (0..size(index)).map(|_| rng.next() as u8).collect(),
    };
    (0..count).map(packet).collect()
}

/// Polls until `count` datagrams came, then some more; each burst is checked on the way.
pub fn receive(port: &mut dyn Port, count: usize) -> Vec<Packet> {
    let (mut got, start) = (Vec::new(), Instant::now());
    let mut idle = 0;
    while idle < 100 {
        let burst = port.poll();
        assert!(burst <= BURST_MAX, "a burst of {burst}");
        for index in 0..burst {
            got.push(packet_of(port, index));
        }
        for index in [burst, burst + 1, BURST_MAX, usize::MAX] {
            assert!(port.arrival(index).datagram.payload.is_empty(), "lent beyond the burst");
        }
        let waiting = got.len() < count && start.elapsed() < PATIENCE;
        idle = if burst > 0 || waiting { 0 } else { idle + 1 };
        if burst == 0 {
            std::thread::yield_now();
        }
    }
    got
}

fn packet_of(port: &dyn Port, index: usize) -> Packet {
    let arrival = port.arrival(index);
    assert_eq!(arrival.datagram.ts_ns, arrival.at.wall);
    Packet {
        to: SocketAddrV4::new(arrival.datagram.dst.into(), arrival.datagram.dst_port),
        from: SocketAddrV4::new(arrival.datagram.src.into(), arrival.datagram.src_port),
        payload: arrival.datagram.payload.to_vec(),
    }
}

/// The same packets, and on each line in the same order.
pub fn assert_same(got: &[Packet], want: &[Packet]) {
    let by_line = |packets: &[Packet]| {
        let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for packet in packets {
            lines.entry((packet.to, packet.from)).or_default().push(packet.payload.clone());
        }
        lines
    };
    assert_eq!(got.len(), want.len(), "packets");
    let (got, want) = (by_line(got), by_line(want));
    for (line, want) in &want {
        let got = got.get(line).unwrap_or_else(|| panic!("nothing on {line:?}"));
        let same = got.iter().zip(want).position(|(got, want)| got != want);
        assert_eq!((same, got.len()), (None, want.len()), "on {line:?}: first difference, count");
    }
}

/// Counts agree with what was seen.
fn assert_received(counters: &PortCounters, packets: &[Packet]) {
    assert_eq!(counters.rx_packets, packets.len() as u64);
    assert_eq!(counters.rx_bytes, packets.iter().map(|p| p.payload.len() as u64).sum::<u64>());
    let bursts: u64 = counters.bursts.iter().sum();
    let low: u64 = counters.bursts.iter().zip(0..).map(|(count, power)| count << power).sum();
    let n = packets.len() as u64;
    assert!(bursts <= n && low <= n && n < 2 * low.max(1), "bursts {:?} of {n}", counters.bursts);
    assert!(counters.empty_polls > 0 && counters.errors == 0, "{counters:?}");
}

fn every_size<R: Rig>(rig: &mut R) {
    for from in (0..=PAYLOAD_MAX).step_by(BURST_MAX) {
        let count = (PAYLOAD_MAX + 1 - from).min(BURST_MAX);
        let want = packets(count, |index| from + index);
        rig.offer(&want);
        assert_same(&receive(rig.port(), count), &want);
    }
}

fn bursts<R: Rig>(rig: &mut R) {
    let mut all = Vec::new();
    for count in [1, 2, 63, 64, 65, 200] {
        let want = packets(count, |index| 16 + index);
        rig.offer(&want);
        let got = receive(rig.port(), count);
        assert_same(&got, &want);
        all = if rig.keeps_counting() { [all, want].concat() } else { want };
    }
    assert_received(&rig.port().counters(), &all);
}

fn empty_payloads<R: Rig>(rig: &mut R) {
    let want = packets(5, |index| index % 2);
    rig.offer(&want);
    assert_same(&receive(rig.port(), 5), &want);
    assert_received(&rig.port().counters(), &want);
}

fn groups_and_ports<R: Rig>(rig: &mut R) {
    let mut want = packets(5 * lines().len(), |index| 20 + index % 3);
    for packet in want.iter_mut().step_by(5) {
        packet.to = OWN;
    }
    rig.offer(&want);
    assert_same(&receive(rig.port(), want.len()), &want);
}

fn nothing_there<R: Rig>(rig: &mut R) {
    assert_same(&receive(rig.port(), 0), &[]);
    let counters = rig.port().counters();
    assert_eq!((counters.rx_packets, counters.errors, counters.bursts), (0, 0, [0; 7]));
    assert!(counters.empty_polls >= 100);
    let description = rig.port().describe();
    assert!(!description.kind.is_empty() && !description.place.is_empty(), "{description:?}");
}

fn foreign_packets<R: Rig>(rig: &mut R) {
    let mut offered = packets(40, |index| 30 + index);
    let group = lines()[0];
    let elsewhere = [
        SocketAddrV4::new(*group.ip(), 26_402),
        SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 200), group.port()),
        SocketAddrV4::new(*OWN.ip(), OWN.port() + 1),
    ];
    for (packet, to) in offered.iter_mut().step_by(4).zip(elsewhere.iter().cycle()) {
        packet.to = *to;
    }
    rig.offer(&offered);
    let want: Vec<_> = offered.iter().filter(|p| !elsewhere.contains(&p.to)).cloned().collect();
    assert_same(&receive(rig.port(), want.len()), &want);
    let (start, mut counters) = (Instant::now(), rig.port().counters());
    // Those to a host may come late: the other side first asks for its hardware address.
    while rig.sees_foreign() && dropped(&counters) < 10 && start.elapsed() < PATIENCE {
        rig.port().poll();
        counters = rig.port().counters();
    }
    assert_received(&counters, &want);
    if rig.sees_foreign() {
        assert!(dropped(&counters) >= 10, "foreign packets are counted: {:?}", counters.drops);
    }
}

fn dropped(counters: &PortCounters) -> u64 {
    counters.drops.iter().map(|(_, count)| count).sum()
}

fn sending<R: Rig>(rig: &mut R) {
    if !rig.sends() {
        return assert_eq!(rig.port().send(PEER, b"x"), Err(SendError::Unreachable));
    }
    let sizes = [0, 1, 2, 17, 18, 19, 59, 60, 100, 1_471, PAYLOAD_MAX];
    let want: Vec<_> = (0..200)
        .map(|index| Packet {
            to: if index % 3 == 0 { PEER } else { PEER_GROUP },
            from: OWN,
            payload: vec![index as u8; sizes[index % sizes.len()]],
        })
        .collect();
    let mut got = Vec::new();
    for (part, flush_each) in want.chunks(32).zip([false, true].iter().cycle()) {
        for packet in part {
            send(rig.port(), packet);
            if *flush_each {
                rig.port().flush();
            }
        }
        rig.port().flush();
        got.extend(rig.taken(part.len()));
    }
    assert_same(&got, &want);
    let counters = rig.port().counters();
    assert_eq!(counters.tx_packets, 200);
    assert_eq!(counters.tx_bytes, want.iter().map(|p| p.payload.len() as u64).sum::<u64>());
}

/// Sends, giving the port time where it has no room.
fn send(port: &mut dyn Port, packet: &Packet) {
    let start = Instant::now();
    while let Err(error) = port.send(packet.to, &packet.payload) {
        assert_eq!(error, SendError::Full);
        assert!(start.elapsed() < PATIENCE, "no room for {packet:?}");
        port.flush();
        port.poll();
    }
}

fn refusals<R: Rig>(rig: &mut R) {
    let sends = rig.sends();
    let refused = rig.port().send(PEER, &vec![0; 70_000]);
    assert_eq!(refused, Err(if sends { SendError::TooLong } else { SendError::Unreachable }));
    rig.port().flush();
    assert_eq!(rig.taken(0), []);
    assert_eq!(rig.port().counters().tx_packets, 0);
}

fn nothing_after_close<R: Rig>(make: impl Fn() -> Option<R>) {
    let Some(mut rig) = make() else { return };
    rig.offer(&packets(10, |_| 40));
    rig.port().poll();
    drop(rig);
    let Some(mut rig) = make() else { return };
    assert_same(&receive(rig.port(), 0), &[]);
    let want = packets(3, |_| 50);
    rig.offer(&want);
    assert_same(&receive(rig.port(), 3), &want);
}
