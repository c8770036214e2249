//! Packet sockets.

use std::net::UdpSocket;

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::{FramePort, Port, SendError};

use super::{drop_privileges, dropped, poll};
use crate::conformance::{OWN, PATIENCE, PEER, receive};

fn open(lab: &Lab, config: &PacketConfig) -> Result<Packet, String> {
    lab.near.within(|| Packet::open(config)).map_err(|error| error.to_string())
}

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    let Some(lab) = Lab::or_skip("packet") else { return };
    let error = open(&lab, &PacketConfig::new("nofx9")).err().expect("no such interface");
    assert!(error.contains("interface `nofx9`"), "{error}");
    lab.near.ip("link set nofx0 down").expect("ip");
    let error = open(&lab, &PacketConfig::new(Lab::NEAR)).err().expect("down");
    assert!(error.contains("`nofx0`") && error.contains("ip link set"), "{error}");
}

#[test]
fn a_full_ring_loses_and_counts_and_goes_on() {
    let Some(lab) = Lab::or_skip("packet") else { return };
    let config = PacketConfig { receive_slots: 32, ..PacketConfig::new(Lab::NEAR) };
    let mut port = Datagrams::new(open(&lab, &config).expect("opened"), DatagramsConfig::new(OWN));
    let peer = lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address");
    peer.send_to(b"first: neighbours are found", OWN).expect("sent");
    assert_eq!(poll(&mut port), 1);
    for _ in 0..100 {
        peer.send_to(&[1; 64], OWN).expect("sent");
    }
    let start = std::time::Instant::now();
    while dropped(&Port::counters(&mut port), "ring_full") < 60 && start.elapsed() < PATIENCE {}
    let got = receive(&mut port, 20).len();
    let counters = Port::counters(&mut port);
    let lost = dropped(&counters, "ring_full");
    let foreign: u64 = counters.drops.iter().map(|(_, count)| count).sum::<u64>() - lost;
    assert!(lost >= 60 && got >= 20, "{got} {counters:?}");
    assert!(
        got as u64 + lost <= 100 + foreign && got as u64 + lost + foreign >= 100,
        "{counters:?}"
    );
    assert_eq!(dropped(&Port::counters(&mut port), "ring_full"), lost, "counted once");
    peer.send_to(b"after", OWN).expect("sent");
    assert_eq!(receive(&mut port, 1).len(), 1, "the ring works on");
}

#[test]
fn a_frame_longer_than_a_slot_is_dropped_and_counted() {
    let Some(lab) = Lab::or_skip("packet") else { return };
    for (ns, name) in [(&lab.near, Lab::NEAR), (&lab.far, Lab::FAR)] {
        ns.ip(&format!("link set {name} mtu 9000")).expect("ip");
    }
    let port = open(&lab, &PacketConfig::new(Lab::NEAR)).expect("opened");
    let mut port = Datagrams::new(port, DatagramsConfig::new(OWN));
    let peer = lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address");
    for len in [1_800, 2_500, 8_000, 10] {
        peer.send_to(&vec![1; len], OWN).expect("sent");
    }
    let got: Vec<_> = receive(&mut port, 2).iter().map(|packet| packet.payload.len()).collect();
    assert_eq!(got, [1_800, 10]);
    assert_eq!(dropped(&Port::counters(&mut port), "snapped"), 2);
}

#[test]
fn the_send_ring_refuses_what_it_cannot_hold_and_sends_the_rest() {
    let Some(lab) = Lab::or_skip("packet") else { return };
    let config = PacketConfig { send_slots: 32, ..PacketConfig::new(Lab::NEAR) };
    let mut port = open(&lab, &config).expect("opened");
    let mut far = lab.far.within(|| Packet::open(&PacketConfig::new(Lab::FAR))).expect("opened");
    assert_eq!(port.send(&vec![0; port.frame_max() + 1]), Err(SendError::TooLong));
    let mut frame = [0xEE; 60];
    frame[..6].copy_from_slice(&far.mac());
    frame[6..12].copy_from_slice(&port.mac());
    let taken = (0..40).filter(|_| port.send(&frame).is_ok()).count();
    assert_eq!((taken, port.counters().tx_full), (32, 8));
    port.flush();
    port.send(&frame).expect("room again");
    port.flush();
    let mut got = 0;
    let start = std::time::Instant::now();
    while got < 33 && start.elapsed() < PATIENCE {
        let burst = far.poll();
        got += (0..burst).filter(|index| far.frame(*index).bytes == frame).count();
    }
    assert_eq!(got, 33);
}

#[test]
fn without_privilege_it_says_which_one_is_missing() {
    let Some(lab) = Lab::or_skip("packet") else { return };
    let error = lab.near.within(|| {
        let opened = std::thread::spawn(|| {
            drop_privileges();
            Packet::open(&PacketConfig::new(Lab::NEAR)).map(drop)
        });
        opened.join().expect("the thread").expect_err("refused")
    });
    assert_eq!(error.errno(), Some(libc::EPERM));
    assert!(error.to_string().contains("CAP_NET_RAW"), "{error}");
}
