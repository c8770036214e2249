//! What the filter takes and what it leaves to the kernel.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nofx_net::netns::{Lab, NetNs};
use nofx_net::port::FramePort;
use nofx_net::xsk::{FLOWS_MAX, Mode, XskConfig, XskPort};

use crate::rig::{
    MODES, PATIENCE, PORT, config, drops, eventually, frames, lab, numbers, open, payloads,
    send_numbered, sender, udp,
};

fn bound(ns: &NetNs, address: Ipv4Addr, port: u16) -> UdpSocket {
    let socket = ns.within(|| UdpSocket::bind((address, port))).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

#[test]
fn the_kernel_keeps_its_datagrams_and_its_tcp() {
    let Some(lab) = lab("xsk beside the kernel", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &config(mode));
        let near = bound(&lab.near, Lab::NEAR_ADDRESS, PORT + 1);
        let far = bound(&lab.far, Lab::FAR_ADDRESS, 0);
        let transfer = tcp_transfer(&lab, 1 << 20);
        for number in 0..200u32 {
            for to in [PORT, PORT + 1] {
                far.send_to(&number.to_be_bytes(), (Lab::NEAR_ADDRESS, to)).expect("sent");
            }
        }
        let mut got = [0; 8];
        for number in 0..200u32 {
            let len = near.recv(&mut got).expect("the kernel gets its own");
            assert_eq!(got[..len], number.to_be_bytes());
        }
        assert_eq!(numbers(&payloads(&mut port, 200)), Vec::from_iter(0..200));
        assert_eq!(transfer.join().expect("the transfer"), 1 << 20);
        assert_eq!(drops(&mut port, "pass_other_flow"), 200, "{mode:?}");
        assert!(drops(&mut port, "pass_other_protocol") > 10, "TCP was seen to pass in {mode:?}");
    }
}

/// Bytes that the near kernel received over TCP from the far one, all of them right.
fn tcp_transfer(lab: &Lab, len: usize) -> std::thread::JoinHandle<usize> {
    let listener = lab.near.within(|| TcpListener::bind((Lab::NEAR_ADDRESS, 0))).expect("bound");
    let address = listener.local_addr().expect("an address");
    let mut far = lab.far.within(|| TcpStream::connect(address)).expect("connected");
    let bytes = move || (0..len).map(|index| (index / 7) as u8).collect::<Vec<_>>();
    std::thread::spawn(move || far.write_all(&bytes()).expect("written"));
    std::thread::spawn(move || {
        let (mut near, _) = listener.accept().expect("accepted");
        let mut got = Vec::new();
        near.read_to_end(&mut got).expect("read");
        assert!(got == bytes(), "the transfer was damaged");
        got.len()
    })
}

#[test]
fn tags_options_fragments_and_short_frames_pass_and_are_counted() {
    let Some(lab) = lab("xsk pass reasons", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &config(mode));
        let mut far = open(&lab.far, &sender(0));
        let plain = udp((Lab::NEAR_ADDRESS, PORT), b"plain");
        let with = |at: usize, bytes: &[u8]| {
            let mut frame = plain.clone();
            frame.splice(at..at, bytes.iter().copied());
            frame
        };
        let set = |at: usize, value: u8| {
            let mut frame = plain.clone();
            frame[at] = value;
            frame
        };
        let odd = [
            ("pass_vlan", with(12, &[0x81, 0x00, 0x00, 0x05])),
            ("pass_vlan", with(12, &[0x88, 0xA8, 0x00, 0x05])),
            ("pass_ip_options", with(34, &[1, 1, 1, 0])),
            ("pass_ip_options", set(14, 0x46)),
            ("pass_fragment", set(20, 0x20)),
            ("pass_fragment", set(21, 0x01)),
            ("pass_short", plain[..41].to_vec()),
            ("pass_other_protocol", set(23, 6)),
            ("pass_other_protocol", set(12, 0x86)),
            ("pass_other_flow", set(33, 9)),
            ("pass_other_flow", set(37, 0)),
        ];
        for (at, (reason, frame)) in odd.iter().enumerate() {
            let mut frame = frame.clone();
            if at == 2 {
                frame[14] = 0x46;
            }
            let before = drops(&mut port, reason);
            for _ in 0..=at {
                far.send(&frame).expect("room");
            }
            far.flush();
            let (start, mut after) = (Instant::now(), before);
            while after < before + at as u64 + 1 && start.elapsed() < PATIENCE {
                after = drops(&mut port, reason);
            }
            assert_eq!(after - before, at as u64 + 1, "{reason}, case {at} in {mode:?}");
        }
        assert_eq!(frames(&mut port, 0).len(), 0, "none of them came here");
        far.send(&plain).expect("room");
        far.flush();
        assert_eq!(payloads(&mut port, 1), [b"plain"]);
    }
}

#[test]
fn fragments_and_options_of_an_owned_flow_reach_the_kernel_whole() {
    let Some(lab) = lab("xsk fragments", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &config(mode));
        let near = bound(&lab.near, Lab::NEAR_ADDRESS, PORT);
        let far = bound(&lab.far, Lab::FAR_ADDRESS, 0);
        let (long, mut got) = (vec![5; 4_000], vec![0; 8_000]);
        far.send_to(&long, (Lab::NEAR_ADDRESS, PORT)).expect("sent in three fragments");
        assert_eq!(near.recv(&mut got).expect("put together by the kernel"), 4_000);
        assert_eq!(got[..4_000], long);
        set_ip_options(&far);
        far.send_to(b"with options", (Lab::NEAR_ADDRESS, PORT)).expect("sent");
        assert_eq!(near.recv(&mut got).expect("received by the kernel"), 12);
        assert_eq!(drops(&mut port, "pass_fragment"), 3, "{mode:?}");
        assert_eq!(drops(&mut port, "pass_ip_options"), 1, "{mode:?}");
        assert_eq!(frames(&mut port, 0).len(), 0);
    }
}

fn set_ip_options(socket: &UdpSocket) {
    let nops = [1u8, 1, 1, 0];
    // SAFETY: four readable bytes are passed with their length.
    let done = unsafe {
        let (level, name) = (libc::IPPROTO_IP, libc::IP_OPTIONS);
        libc::setsockopt(socket.as_raw_fd(), level, name, nops.as_ptr().cast(), 4)
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn flows_come_and_go_while_it_runs() {
    let Some(lab) = lab("xsk flows", 1) else { return };
    let mut port = open(&lab.near, &config(Mode::Generic));
    let mut far = open(&lab.far, &sender(0));
    let other = (Ipv4Addr::new(200, 1, 2, 253), 65_535);
    let mut sent = |port: &mut XskPort, to| {
        send_numbered(&mut far, to, 0..10);
        payloads(port, 10).len()
    };
    let (start, mut taken) = (Instant::now(), 0);
    while taken < 10 && start.elapsed() < PATIENCE {
        taken += sent(&mut port, (Lab::NEAR_ADDRESS, PORT));
    }
    assert_eq!(taken, 10);
    port.add_flow(other.0, other.1).expect("room");
    port.add_flow(other.0, other.1).expect("twice is once");
    assert_eq!(sent(&mut port, other), 10);
    assert!(port.remove_flow(other.0, other.1).expect("removed"));
    assert!(!port.remove_flow(other.0, other.1).expect("nothing to remove"));
    send_numbered(&mut far, other, 0..10);
    assert_eq!(frames(&mut port, 0).len(), 0);
    assert_eq!(drops(&mut port, "pass_other_flow"), 10);
}

#[test]
fn more_flows_than_it_holds_are_refused() {
    let Some(lab) = lab("xsk many flows", 1) else { return };
    let mut port = open(&lab.near, &config(Mode::Generic));
    for udp_port in 1..FLOWS_MAX as u16 {
        port.add_flow(Ipv4Addr::new(10, 0, 0, 1), udp_port).expect("room");
    }
    let error = port.add_flow(Ipv4Addr::new(10, 0, 0, 2), 1).expect_err("full").to_string();
    assert!(error.contains("add a flow") && error.contains("1,024"), "{error}");
}

#[test]
fn groups_are_joined_with_their_first_flow_and_left_with_their_last() {
    let Some(lab) = lab("xsk groups", 1) else { return };
    let (group, other) = (Ipv4Addr::new(233, 54, 12, 111), Ipv4Addr::new(233, 54, 12, 112));
    let flows = vec![(group, 1), (group, 2), (other, 1)];
    let mut port = open(&lab.near, &XskConfig { flows, ..config(Mode::Generic) });
    let joined = |group: Ipv4Addr| {
        lab.near.ip("maddr show dev nofx0").expect("ip").contains(&group.to_string())
    };
    assert!(joined(group) && joined(other));
    assert!(port.remove_flow(group, 1).expect("removed"));
    assert!(joined(group), "one flow still wants it");
    assert!(port.remove_flow(group, 2).expect("removed"));
    assert!(eventually(|| !joined(group)) && joined(other));
    let far = bound(&lab.far, Lab::FAR_ADDRESS, 0);
    far.send_to(b"to the group", (other, 1)).expect("sent");
    assert_eq!(payloads(&mut port, 1), [b"to the group"]);
    // From a namespace without the interface the group cannot be joined, and the flow is not taken.
    let error = lab.far.within(|| port.add_flow(group, 9)).expect_err("no nofx0 there");
    assert!(error.to_string().contains("nofx0"), "{error}");
    assert!(!port.remove_flow(group, 9).expect("asked"), "it was taken back");
    drop(port);
    assert!(eventually(|| !joined(other)));
}

#[test]
fn an_own_address_brings_its_arp_and_all_its_packets() {
    let Some(lab) = lab("xsk own address", 1) else { return };
    let own = Ipv4Addr::new(10, 77, 0, 200);
    let all = XskConfig { own_ip: Some(own), flows: Vec::new(), ..config(Mode::Native) };
    let mut port = open(&lab.near, &all);
    let far = bound(&lab.far, Lab::FAR_ADDRESS, 0);
    far.send_to(b"who is it", (own, 5)).expect("the kernel asks first");
    let asked = frames(&mut port, 1);
    assert!(asked.iter().all(|frame| frame[12..14] == [8, 6]), "ARP only");
    assert_eq!(asked[0][38..42], own.octets());

    let mac = port.mac().map(|byte| format!("{byte:02x}")).join(":");
    lab.far.ip(&format!("neigh replace {own} lladdr {mac} dev peer0")).expect("a neighbour");
    frames(&mut port, 0);
    far.send_to(b"any port", (own, 5)).expect("sent");
    let refused =
        lab.far.within(|| TcpStream::connect_timeout(&(own, 80).into(), Duration::from_millis(50)));
    assert_eq!(refused.expect_err("nobody answers").kind(), std::io::ErrorKind::TimedOut);
    let protocols: Vec<u8> = frames(&mut port, 2).iter().map(|frame| frame[23]).collect();
    assert!(protocols.contains(&17) && protocols.contains(&6), "{protocols:?}");

    // The kernel's own address stays the kernel's.
    let near = bound(&lab.near, Lab::NEAR_ADDRESS, PORT);
    lab.far.ip("neigh flush all").expect("forgotten");
    far.send_to(b"kernel", (Lab::NEAR_ADDRESS, PORT)).expect("sent");
    assert_eq!(near.recv(&mut [0; 64]).expect("received"), 6);
}
