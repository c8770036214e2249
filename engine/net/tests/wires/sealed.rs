//! Polling and sending allocate nothing once a port is open.

use nofx_net::fault::{Fault, Faults};
use nofx_net::loopback;
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::udp::{Udp, UdpConfig, UdpLine};
use nofx_rt::guard::{OnSealed, seal, sealed_allocations};

use crate::conformance::{OWN, PEER, PEER_GROUP, Rig, lines, packets, rigs};

/// Receives and sends with every allocation counted.
fn check<R: Rig>(name: &str, rig: &mut R) {
    let offered = packets(200, |index| 7 * index);
    rig.offer(&offered);
    let port = rig.port();
    let before = sealed_allocations();
    let sealed = seal(OnSealed::Count);
    let mut bytes = 0;
    for _ in 0..2_000 {
        let burst = port.poll();
        bytes += (0..burst).map(|index| port.arrival(index).datagram.payload.len()).sum::<usize>();
        let sent = [PEER, PEER_GROUP].map(|to| port.send(to, b"an order, say"));
        port.flush();
        bytes += sent.iter().filter(|sent| sent.is_ok()).count();
    }
    drop(sealed);
    assert_eq!(sealed_allocations() - before, 0, "{name}");
    assert!(bytes > 1_000, "{name}: {bytes}");
}

#[test]
fn the_guard_counts() {
    let before = sealed_allocations();
    let sealed = seal(OnSealed::Count);
    drop(std::hint::black_box(vec![1u8]));
    drop(sealed);
    assert_eq!(sealed_allocations() - before, 1);
}

#[test]
fn memory_and_bad_wires() {
    let bad = Faults {
        duplicate_ppm: 100_000,
        reorder_ppm: 100_000,
        reorder_depth: 3,
        delay_ppm: 100_000,
        delay_polls: 2,
        corrupt_ppm: 100,
        ..Faults::loss(100_000)
    };
    let (near, far) = loopback::pair(512, 1_514);
    check("loopback", &mut rigs::in_memory(near, far));
    let (near, far) = loopback::pair(512, 1_514);
    check("fault", &mut rigs::in_memory(Fault::new(near, 1, bad, Faults::default()), far));
}

#[test]
fn kernel_sockets() {
    let rig = rigs::on_veth("udp", false, |_| {
        let line = |address| UdpLine { address, interface: Lab::NEAR.into() };
        let lines = lines().into_iter().chain([OWN]).map(line).collect();
        Udp::open(UdpConfig { lines, ..UdpConfig::default() })
    });
    if let Some(mut rig) = rig {
        check("udp", &mut rig);
    }
}

#[test]
fn packet_sockets() {
    let rig = rigs::frames_on_veth("packet", |_| {
        let groups = lines().iter().map(|line| *line.ip()).collect();
        Packet::open(&PacketConfig { groups, ..PacketConfig::new(Lab::NEAR) })
    });
    if let Some(mut rig) = rig {
        check("packet", &mut rig);
    }
}
