//! Every port against the same vectors.

mod conformance;

use conformance::{OWN, lines, rigs};
use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::fault::{Fault, Faults};
use nofx_net::loopback;
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::pcap_port::{Recorder, Replay, Tee};
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
fn fault_before_sockets() {
    conformance::suite(|| {
        rigs::on_veth("fault(udp)", false, |_| {
            let line = |address| UdpLine { address, interface: Lab::NEAR.into() };
            let lines = lines().into_iter().chain([OWN]).map(line).collect();
            let port = Udp::open(UdpConfig { lines, ..UdpConfig::default() });
            port.map(|port| Fault::new(port, 1, Faults::default(), Faults::default()))
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

#[test]
fn pcap() {
    conformance::suite(|| {
        Some(rigs::replay(|file| {
            let config = DatagramsConfig { lines: lines(), ..DatagramsConfig::new(OWN) };
            Datagrams::new(Replay::open(file).expect("a capture"), config)
        }))
    });
}

#[test]
fn fault_that_does_nothing() {
    conformance::suite(|| {
        let (near, far) = loopback::pair(512, 1_514);
        let near = Fault::new(near, 1, Faults::default(), Faults::default());
        Some(rigs::in_memory(near, far))
    });
}

#[test]
fn fault_that_lets_everything_wait_for_the_next_poll() {
    let late = Faults { delay_ppm: 1_000_000, delay_polls: 1, ..Faults::default() };
    conformance::suite(|| {
        let (near, far) = loopback::pair(512, 1_514);
        Some(rigs::in_memory(Fault::new(near, 1, late, Faults::default()), far))
    });
}

#[test]
fn tee() {
    conformance::suite(|| {
        let (near, far) = loopback::pair(512, 1_514);
        let recorder = Recorder::create("/dev/null").expect("the null device");
        Some(rigs::in_memory(Tee::new(near, recorder, OWN), far))
    });
}
