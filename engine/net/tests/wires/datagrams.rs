//! Frames to datagrams and back.

use std::net::{Ipv4Addr, SocketAddrV4};

use nofx_net::capture::{Frame, LinkType};
use nofx_net::datagrams::arp::Arp;
use nofx_net::datagrams::build::{self, Header};
use nofx_net::datagrams::{Datagrams, DatagramsConfig, Gateway};
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::loopback::{self, Loopback};
use nofx_net::port::{FramePort, Port, SendError};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

use super::dropped;
use crate::conformance::{OWN, PEER, lines};

fn header() -> Header {
    Header { mac: [2; 6], to_mac: [4; 6], from: PEER, to: OWN, ttl: 9, id: 0x1234 }
}

fn frame(to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xAA; build::frame_len(payload.len())];
    Header { to, ..header() }.write(&mut frame, payload);
    frame
}

fn captured(data: &[u8]) -> Frame<'_> {
    let orig_len = data.len() as u32;
    Frame { data, ts_ns: Nanos(0), orig_len, number: 1, offset: 0, link: LinkType::ETHERNET }
}

/// A port that listens to the lines, and the other end of its wire.
fn rig(frames: usize) -> (Datagrams<Loopback>, Loopback) {
    let (near, far) = loopback::pair(frames, 1_514);
    let config = DatagramsConfig { lines: lines(), ..DatagramsConfig::new(OWN) };
    (Datagrams::new(near, config), far)
}

#[test]
fn what_is_built_is_what_the_decoder_reads_at_every_size() {
    let mut counts = FrameCounts::default();
    for len in 0..=1_472 {
        let payload: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
        let built = frame(OWN, &payload);
        let got = decode(&captured(&built), &DecodeOptions::default(), &mut counts).expect("UDP");
        let (from, to) = ((got.src, got.src_port), (got.dst, got.dst_port));
        assert_eq!(from, (PEER.ip().octets(), PEER.port()));
        assert_eq!(to, (OWN.ip().octets(), OWN.port()));
        assert_eq!(got.payload, payload);
        assert!(built.len() >= 60 && built[42 + len..].iter().all(|byte| *byte == 0), "padding");
    }
}

#[test]
fn a_frame_that_is_too_short_for_its_payload_is_left_alone() {
    let payload = [7; 100];
    for len in 0..142 {
        let mut place = vec![0xAA; len];
        header().write(&mut place, &payload);
        assert!(place.iter().all(|byte| *byte == 0xAA), "{len}");
    }
}

#[test]
fn the_payload_lies_in_the_frame_that_the_port_lent() {
    let (mut port, mut far) = rig(64);
    for (index, to) in lines().into_iter().enumerate() {
        far.send(&frame(to, &vec![index as u8; 1 + 90 * index])).expect("room");
        far.send(&frame(PEER, b"not for us")).expect("room");
    }
    far.flush();
    let count = Port::poll(&mut port);
    assert_eq!(count, lines().len());
    for index in 0..count {
        let payload = port.arrival(index).datagram.payload.as_ptr_range();
        // Every second frame is foreign: datagram `index` lies in frame `2 * index`.
        let lent = port.frame_port().frame(2 * index).bytes.as_ptr_range();
        assert_eq!(payload.start, lent.start.wrapping_add(42));
        assert!(payload.end <= lent.end);
    }
}

#[test]
fn what_is_not_for_us_is_counted_by_reason() {
    let (mut port, mut far) = rig(64);
    let whole = frame(OWN, b"payload");
    let changed = |at: usize, byte: u8| {
        let mut other = whole.clone();
        other[at] = byte;
        other
    };
    let cases = [
        (
            "ipv6",
            changed(12, 0x86)
                .iter()
                .copied()
                .enumerate()
                .map(|(i, b)| if i == 13 { 0xDD } else { b })
                .collect(),
        ),
        ("other_ethertype", changed(12, 0x88)),
        ("not_ipv4", changed(14, 0x65)),
        ("fragment", changed(20, 0x20)),
        ("not_udp", changed(23, 1)),
        ("bad_ip_length", changed(16, 0xFF)),
        ("bad_udp_length", changed(38, 0xFF)),
        ("truncated", whole[..13].to_vec()),
        ("not_for_us", changed(37, whole[37] ^ 1)),
        ("not_for_us", changed(33, whole[33] ^ 1)),
    ];
    for (_, frame) in &cases {
        far.send(frame).expect("room");
    }
    far.send(&whole).expect("room");
    far.flush();
    assert_eq!(Port::poll(&mut port), 1);
    assert_eq!(port.arrival(0).datagram.payload, b"payload");
    let counters = Port::counters(&mut port);
    for (reason, _) in &cases {
        let want = cases.iter().filter(|(name, _)| name == reason).count() as u64;
        assert_eq!(dropped(&counters, reason), want, "{reason}");
    }
    assert_eq!((counters.rx_packets, counters.rx_bytes), (1, 7));
}

#[test]
fn any_frame_at_all_is_either_a_datagram_of_ours_or_counted() {
    let (mut port, mut far) = rig(64);
    let mut rng = Rng::new(11);
    let arp = Arp { op: 1, sender: ([2; 6], *PEER.ip()), target: ([0; 6], *OWN.ip()) }.frame();
    let (mut offered, mut got) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = if round % 3 == 0 { arp.to_vec() } else { frame(OWN, &[5; 40]) };
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.next() as u8;
        }
        if rng.chance(1, 3) {
            bytes.truncate(rng.below(bytes.len() as u64) as usize);
        }
        far.send(&bytes).expect("room");
        far.flush();
        offered += 1;
        got += Port::poll(&mut port);
        far.poll(); // answers to ARP
    }
    let counters = Port::counters(&mut port);
    let dropped: u64 = counters.drops.iter().map(|(_, count)| count).sum();
    assert_eq!(counters.rx_packets, got as u64);
    assert_eq!(counters.rx_packets + dropped, offered);
    assert!(got > 1_000 && dropped > 1_000, "{got} {dropped}");
}

#[test]
fn a_host_is_found_by_arp_or_through_its_gateway() {
    let (near, mut far) = loopback::pair(64, 1_514);
    let router = Ipv4Addr::new(10, 77, 0, 254);
    let gateway = Some(Gateway { address: router, prefix: 24 });
    let mut port = Datagrams::new(near, DatagramsConfig { gateway, ..DatagramsConfig::new(OWN) });
    let remote = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9);

    for (to, hop) in [(PEER, *PEER.ip()), (remote, router)] {
        assert_eq!(Port::send(&mut port, to, b"early"), Err(SendError::Unreachable));
        assert_eq!(Port::send(&mut port, to, b"early"), Err(SendError::Unreachable));
        assert_eq!(far.poll(), 1, "one request, not two");
        let asked = Arp::parse(far.frame(0).bytes).expect("a request");
        assert_eq!((asked.op, asked.target.1, asked.sender.1), (1, hop, *OWN.ip()));
        let mac = [2, 9, 9, 9, 9, hop.octets()[3]];
        far.send(&Arp { op: 2, sender: (mac, hop), target: asked.sender }.frame()).expect("room");
        far.flush();
        assert_eq!(Port::poll(&mut port), 0);
        Port::send(&mut port, to, b"now it is known").expect("sent");
        Port::flush(&mut port);
        assert_eq!(far.poll(), 1);
        assert_eq!(far.frame(0).bytes[..6], mac);
    }
    assert_eq!(dropped(&Port::counters(&mut port), "no_neighbour"), 4);
}

#[test]
fn a_port_that_only_listens_says_nothing_whatever_it_is_asked() {
    let (near, mut far) = loopback::pair(64, 1_514);
    let mut port = Datagrams::new(near, DatagramsConfig::listen(lines()));
    for asked in [*OWN.ip(), Ipv4Addr::UNSPECIFIED] {
        let question = Arp { op: 1, sender: ([2; 6], *PEER.ip()), target: ([0; 6], asked) };
        far.send(&question.frame()).expect("room");
    }
    far.send(&frame(lines()[3], b"listened to")).expect("room");
    far.flush();
    assert_eq!(Port::poll(&mut port), 1);
    for to in [PEER, lines()[0]] {
        assert_eq!(Port::send(&mut port, to, b"x"), Err(SendError::Unreachable));
    }
    Port::flush(&mut port);
    assert_eq!(far.poll(), 0);
}
