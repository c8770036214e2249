//! Every port against the same vectors.

mod conformance;

use conformance::{OWN, lines, rigs};
use nofx_net::loopback;
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::udp::{Udp, UdpConfig, UdpLine};

#[test]
fn loopback() {
    conformance::suite(|| {
        let (near, far) = loopback::pair(512, 1_514);
        Some(rigs::in_memory(near, far))
    });
}

#[test]
fn udp() {
    conformance::suite(|| {
        rigs::on_veth("udp", false, |_| {
            let line = |address| UdpLine { address, interface: Lab::NEAR.into() };
            let lines = lines().into_iter().chain([OWN]).map(line).collect();
            Udp::open(UdpConfig { lines, ..UdpConfig::default() })
        })
    });
}

#[test]
fn packet() {
    conformance::suite(|| {
        rigs::frames_on_veth("packet", |_| {
            let groups = lines().iter().map(|line| *line.ip()).collect();
            Packet::open(&PacketConfig { groups, ..PacketConfig::new(Lab::NEAR) })
        })
    });
}
