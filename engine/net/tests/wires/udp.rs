//! Kernel sockets.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Instant;

use nofx_net::netns::{End, Lab};
use nofx_net::port::{Port, SendError};
use nofx_net::udp::{Stamps, Udp, UdpConfig, UdpLine};

use super::{drop_privileges, dropped, poll};
use crate::conformance::{OWN, PATIENCE, PEER, lines, receive};

fn line(address: SocketAddrV4, interface: &str) -> UdpLine {
    UdpLine { address, interface: interface.into() }
}

fn open(lab: &Lab, lines: Vec<UdpLine>, rest: UdpConfig) -> Result<Udp, String> {
    let config = UdpConfig { lines, ..rest };
    lab.near.within(|| Udp::open(config)).map_err(|error| error.to_string())
}

fn peer(lab: &Lab) -> UdpSocket {
    lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address")
}

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let group = lines()[0];
    let fails = |lines, words: &[&str]| {
        let error = open(&lab, lines, UdpConfig::default()).err().expect("refused");
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    fails(vec![], &["no line"]);
    fails(vec![line(group, "nofx9")], &["interface `nofx9`", "ip link"]);
    fails(vec![line(group, "")], &[&group.to_string(), "name of its interface"]);
    let elsewhere = SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 1), 5_000);
    fails(vec![line(elsewhere, "")], &["10.99.0.1:5000", "bind", "ip addr"]);
    let _owner = open(&lab, vec![line(OWN, "")], UdpConfig::default()).expect("free");
    fails(vec![line(OWN, "")], &["bind", "ss -ulpn", "in use"]);
    let two =
        open(&lab, vec![line(group, Lab::NEAR), line(group, Lab::NEAR)], UdpConfig::default());
    assert!(two.is_ok(), "a group may have several listeners");
}

#[test]
fn a_datagram_longer_than_its_place_is_dropped_and_counted() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let rest = UdpConfig { datagram_max: 100, ..UdpConfig::default() };
    let mut port = open(&lab, vec![line(OWN, "")], rest).expect("free");
    let peer = peer(&lab);
    for len in [99, 100, 101, 1_000, 1] {
        peer.send_to(&vec![7; len], OWN).expect("sent");
    }
    let got = receive(&mut port, 3);
    assert_eq!(got.iter().map(|packet| packet.payload.len()).collect::<Vec<_>>(), [99, 100, 1]);
    assert_eq!(dropped(&port.counters(), "truncated"), 2);
}

#[test]
fn what_the_socket_has_no_room_for_is_counted_even_when_nothing_follows() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let rest = UdpConfig { receive_buffer: 4_096, ..UdpConfig::default() };
    let mut port = open(&lab, vec![line(OWN, "")], rest).expect("free");
    let peer = peer(&lab);
    peer.send_to(b"the way is found", OWN).expect("sent");
    assert_eq!(poll(&mut port), 1);
    for _ in 0..200 {
        peer.send_to(&[7; 1_000], OWN).expect("sent");
    }
    let (mut got, mut lost, start) = (0, 0, Instant::now());
    while got + lost < 200 && start.elapsed() < PATIENCE {
        lost = dropped(&port.counters(), "socket_full"); // before reading: nothing follows
        got += port.poll() as u64;
    }
    assert!(lost > 100 && got > 0, "{lost} {got}");
    assert_eq!(got + lost, 200);
}

#[test]
fn lines_a_and_b_of_one_group_are_told_apart_by_interface() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let (near, far) = (Ipv4Addr::new(10, 78, 0, 1), Ipv4Addr::new(10, 78, 0, 2));
    let end = |name, address| End { name, address, queues: 1 };
    lab.near.veth(end("nofx1", near), &lab.far, end("peer1", far)).expect("a second pair");
    let group = lines()[0];
    let both = vec![line(group, Lab::NEAR), line(group, "nofx1")];
    let mut port = open(&lab, both, UdpConfig::default()).expect("joined");
    let [a, b] = [Lab::FAR_ADDRESS, far].map(|address| {
        let send = UdpConfig {
            lines: vec![line(SocketAddrV4::new(address, 0), "")],
            ..UdpConfig::default()
        };
        lab.far.within(|| Udp::open(send)).expect("an own address")
    });
    for (mut line, name) in [(a, b"A"), (b, b"B")].map(|(line, name)| (line, &name[..])) {
        line.send(group, name).expect("sent");
        assert_eq!(line.counters().tx_packets, 1);
    }
    let mut got: Vec<_> =
        receive(&mut port, 2).into_iter().map(|p| (p.payload, *p.from.ip())).collect();
    got.sort();
    assert_eq!(got, [(b"A".to_vec(), Lab::FAR_ADDRESS), (b"B".to_vec(), far)]);
}

#[test]
fn arrivals_are_stamped_by_who_was_asked() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let peer = peer(&lab);
    for (stamps, stamped) in [(Stamps::None, false), (Stamps::Kernel, true), (Stamps::Card, true)] {
        let rest = UdpConfig { stamps, ..UdpConfig::default() };
        let any_port = line(SocketAddrV4::new(*OWN.ip(), 0), "");
        let mut port = open(&lab, vec![any_port], rest).expect("free");
        let own = port.local(0).expect("bound");
        assert_ne!(own.port(), 0);
        peer.send_to(b"when?", own).expect("sent");
        assert_eq!(poll(&mut port), 1);
        let arrival = port.arrival(0);
        assert_eq!(arrival.at.wall.0 > 1_600_000_000_000_000_000, stamped, "{stamps:?}");
        assert_eq!(arrival.datagram.dst_port, own.port());
    }
}

#[test]
fn a_request_leaves_from_the_line_on_which_its_answer_arrives() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let both = vec![line(lines()[0], Lab::NEAR), line(OWN, "")];
    let mut port = open(&lab, both, UdpConfig::default()).expect("free");
    let server = peer(&lab);
    port.send(PEER, b"please").expect("sent");
    let mut request = [0; 16];
    let (len, from) = server.recv_from(&mut request).expect("received");
    assert_eq!((&request[..len], from), (&b"please"[..], OWN.into()));
    server.send_to(b"here it is", from).expect("sent");
    assert_eq!(poll(&mut port), 1);
    assert_eq!(port.arrival(0).datagram.payload, b"here it is");
}

#[test]
fn sends_that_fail_say_why() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let mut listener =
        open(&lab, vec![line(lines()[0], Lab::NEAR)], UdpConfig::default()).expect("joined");
    assert_eq!(listener.send(PEER, b"x"), Err(SendError::Unreachable));
    let mut port = open(&lab, vec![line(OWN, "")], UdpConfig::default()).expect("free");
    let nowhere = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9);
    assert_eq!(port.send(nowhere, b"x"), Err(SendError::Unreachable));
    let broadcast = SocketAddrV4::new(Ipv4Addr::BROADCAST, 9);
    let refused = port.send(broadcast, b"x").expect_err("not asked for");
    assert!(
        matches!(refused, SendError::Refused(libc::EACCES) | SendError::Unreachable),
        "{refused:?}"
    );
    assert_eq!(port.counters().tx_packets, 0);
}

#[test]
fn a_busy_line_does_not_starve_a_quiet_one() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let quiet = SocketAddrV4::new(*OWN.ip(), OWN.port() + 1);
    let both = vec![line(OWN, ""), line(quiet, "")];
    let mut port = open(&lab, both, UdpConfig::default()).expect("free");
    let peer = peer(&lab);
    peer.send_to(b"", quiet).expect("sent");
    assert_eq!(poll(&mut port), 1, "the way is found");
    peer.send_to(b"quiet", quiet).expect("sent");
    for _ in 0..500 {
        peer.send_to(b"busy", OWN).expect("sent");
    }
    let mut full = 0;
    loop {
        let burst = poll(&mut port);
        if (0..burst).any(|index| port.arrival(index).datagram.payload == b"quiet") {
            break;
        }
        full += u32::from(burst == 64);
        assert!(burst > 0 && full < 2, "{burst} of the busy line again, after {full} full bursts");
    }
}

#[test]
fn a_buffer_that_was_not_granted_is_told() {
    let Some(lab) = Lab::or_skip("udp") else { return };
    let rest = UdpConfig { receive_buffer: 64 << 20, ..UdpConfig::default() };
    let port = open(&lab, vec![line(OWN, "")], rest.clone()).expect("free");
    assert_eq!(port.describe().notes, [""; 0], "CAP_NET_ADMIN gets what it asks for");
    drop(port);
    let notes = lab.near.within(|| {
        let opened = std::thread::spawn(move || {
            drop_privileges();
            Udp::open(UdpConfig { lines: vec![line(OWN, "")], ..rest }).map(|port| port.describe())
        });
        opened.join().expect("the thread").expect("opened with less").notes
    });
    assert!(notes.len() == 1 && notes[0].contains("67108864") && notes[0].contains("rmem_max"));
}
