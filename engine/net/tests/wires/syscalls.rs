//! Which system calls an open port makes: one `recvmmsg` per line and poll for sockets, none for the
//! packet ring, `sendto` to send. A second process forbids itself all others and lives or dies by
//! it.

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::interface::Interface;
use nofx_net::netns::Lab;
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::Port;
use nofx_net::udp::{Udp, UdpConfig, UdpLine};

use crate::conformance::{OWN, PEER, PEER_GROUP};
use crate::seccomp;

const WORK: &str = "PORT_TEST_SEALED";
const PACKETS: usize = 200;

#[test]
fn sockets_poll_by_recvmmsg_and_send_by_sendto() {
    check(&["udp poll", "udp send"], &["udp poll and send"]);
}

#[test]
fn the_packet_ring_polls_by_nothing_and_sends_by_sendto() {
    check(&["packet poll", "packet send"], &["packet poll and send"]);
}

/// The peer knows us, so that no question needs an answer: that would be sent by `sendto`.
fn lab() -> Option<Lab> {
    let lab = Lab::or_skip("system calls")?;
    let near = lab.near.within(|| Interface::find(Lab::NEAR)).expect("our end");
    let mac = near.mac.map(|byte| format!("{byte:02x}")).join(":");
    let known = format!("neigh replace {} lladdr {mac} dev {}", Lab::NEAR_ADDRESS, Lab::FAR);
    lab.far.ip(&known).expect("ip");
    Some(lab)
}

/// Work that survives, and work that needs one call more than it is allowed.
fn check(fine: &[&str], caught: &[&str]) {
    let Some(lab) = lab() else { return };
    let peer = lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address");
    for work in fine {
        assert_eq!(child(&lab, &peer, work).code(), Some(0), "{work}");
    }
    for work in caught {
        assert_eq!(child(&lab, &peer, work).signal(), Some(libc::SIGSYS), "{work}");
    }
}

fn child(lab: &Lab, peer: &UdpSocket, work: &str) -> std::process::ExitStatus {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", "syscalls::sealed", "--nocapture"])
        .env(WORK, work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = lab.near.within(|| command.spawn()).expect("started");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let opened = lines.map_while(Result::ok).any(|line| line.contains("port is open"));
    assert!(opened, "{work}: the child ended early");
    for _ in 0..PACKETS {
        peer.send_to(b"a packet", OWN).expect("sent");
    }
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits");
    child.wait().expect("it ends")
}

/// No test by itself: what the other process does.
#[test]
fn sealed() {
    let Ok(work) = std::env::var(WORK) else { return };
    let udp = work.starts_with("udp");
    let mut port: Box<dyn Port> = if udp { sockets() } else { ring() };
    println!("port is open");
    let _ = std::io::stdin().read_line(&mut String::new());
    match work.as_str() {
        "udp send" => seccomp::only(&[libc::SYS_recvmmsg, libc::SYS_sendto]),
        "packet send" => seccomp::only(&[libc::SYS_sendto]),
        _ if udp => seccomp::only(&[libc::SYS_recvmmsg]),
        _ => seccomp::only(&[]),
    }
    let mut got = 0;
    for _ in 0..10_000 {
        got += port.poll();
        if work.ends_with("send") {
            let _ = port.send(PEER_GROUP, b"an order, say");
            port.flush();
        }
    }
    seccomp::exit(i32::from(got != PACKETS))
}

fn sockets() -> Box<dyn Port> {
    let lines = vec![UdpLine { address: OWN, interface: Lab::NEAR.into() }];
    Box::new(Udp::open(UdpConfig { lines, ..UdpConfig::default() }).expect("opened"))
}

fn ring() -> Box<dyn Port> {
    let port = Packet::open(&PacketConfig::new(Lab::NEAR)).expect("opened");
    Box::new(Datagrams::new(port, DatagramsConfig::new(OWN)))
}
