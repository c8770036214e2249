//! A hundred thousand datagrams back to back: what does not arrive is counted where it was lost.

use std::net::UdpSocket;
use std::thread;

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::Port;
use nofx_net::udp::{Udp, UdpConfig, UdpLine};

use super::dropped;
use crate::conformance::{OWN, PATIENCE, PEER};

const PACKETS: u64 = 100_000;

/// Floods `port`; checks order, and that `arrived + lost == sent`.
fn flood(lab: &Lab, port: &mut dyn Port, place: &str) {
    let peer = lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address");
    peer.send_to(&u64::MAX.to_be_bytes(), OWN).expect("sent");
    assert_eq!(super::poll(port), 1, "the first one finds the way");
    let sender = thread::spawn(move || {
        for number in 0..PACKETS {
            peer.send_to(&number.to_be_bytes(), OWN).expect("sent");
        }
    });
    let (mut next, mut arrived, mut lost) = (0, 0, 0);
    let mut quiet = std::time::Instant::now();
    while arrived + lost < PACKETS && quiet.elapsed() < PATIENCE {
        let burst = port.poll();
        for index in 0..burst {
            let payload = port.arrival(index).datagram.payload;
            let number = u64::from_be_bytes(payload.try_into().expect("eight bytes"));
            assert!(number >= next, "{number} behind {next}");
            next = number + 1;
        }
        arrived += burst as u64;
        if burst > 0 {
            quiet = std::time::Instant::now();
        } else {
            lost = dropped(&port.counters(), place);
            thread::yield_now();
        }
    }
    sender.join().expect("the sender");
    println!("{place}: {arrived} arrived, {lost} lost");
    assert_eq!(arrived + lost, PACKETS);
    assert!(arrived > PACKETS / 100);
}

#[test]
fn sockets() {
    let Some(lab) = Lab::or_skip("flood") else { return };
    let lines = vec![UdpLine { address: OWN, interface: Lab::NEAR.into() }];
    let config = UdpConfig { lines, ..UdpConfig::default() };
    let mut port = lab.near.within(|| Udp::open(config)).expect("opened");
    flood(&lab, &mut port, "socket_full");
}

#[test]
fn packet_ring() {
    let Some(lab) = Lab::or_skip("flood") else { return };
    let port = lab.near.within(|| Packet::open(&PacketConfig::new(Lab::NEAR))).expect("opened");
    flood(&lab, &mut Datagrams::new(port, DatagramsConfig::new(OWN)), "ring_full");
}
