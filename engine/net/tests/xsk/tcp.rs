//! TCP of our own over AF_XDP against the kernel's TCP, on an address that the kernel does not have.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::time::Instant;

use nofx_net::netns::Lab;
use nofx_net::stream::smol::{SmolConfig, SmolRole, SmolTcp};
use nofx_net::stream::{Stream, StreamState};
use nofx_net::xsk::{XskConfig, XskPort};
use nofx_types::Nanos;

use crate::rig::{MODES, PATIENCE, config, lab, open};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 200);
const LEN: usize = 300_000;

#[test]
fn both_directions_are_whole_against_the_kernel() {
    let Some(lab) = lab("xsk smoltcp", 1) else { return };
    // In generic mode the kernel's large segments would reach us unsplit, too long for a frame.
    lab.far.ip("link set peer0 gso_max_segs 1").expect("segments of one packet");
    for mode in MODES {
        let own = XskConfig { own_ip: Some(OWN), flows: Vec::new(), ..config(mode) };
        let port = open(&lab.near, &own);
        let listener = lab.far.within(|| TcpListener::bind((Lab::FAR_ADDRESS, 0))).expect("bound");
        let SocketAddr::V4(peer) = listener.local_addr().expect("an address") else { return };
        let kernel = std::thread::spawn(move || echo(&listener));
        assert!(exchange(port, peer) == bytes(), "{mode:?}: the echo was damaged");
        assert_eq!(kernel.join().expect("the peer").ip(), OWN);
    }
}

/// Sends back what it gets; whom from.
fn echo(listener: &TcpListener) -> SocketAddr {
    let (mut peer, from) = listener.accept().expect("accepted");
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut got = vec![0; LEN];
    peer.read_exact(&mut got).expect("read");
    peer.write_all(&got).expect("written");
    from
}

fn bytes() -> Vec<u8> {
    (0..LEN).map(|index| (index / 3) as u8).collect()
}

/// What comes back for [`bytes`].
fn exchange(port: XskPort, peer: SocketAddrV4) -> Vec<u8> {
    let config = SmolConfig::new(OWN, SmolRole::Client(peer));
    let mut stream = SmolTcp::new(port, &config, Nanos(0)).expect("usable");
    let (want, mut sent, mut got) = (bytes(), 0, Vec::new());
    let start = Instant::now();
    let now = || Nanos(start.elapsed().as_nanos() as u64);
    stream.connect(now());
    while got.len() < LEN && start.elapsed() < 4 * PATIENCE {
        let state = stream.poll(now());
        let part = &want[sent..LEN.min(sent + stream.room().min(1_000))];
        if state == StreamState::Open && !part.is_empty() && stream.send(part).is_ok() {
            sent += part.len();
        }
        let arrived = stream.received().len();
        got.extend_from_slice(stream.received());
        stream.consume(arrived);
        if state == StreamState::Closed {
            break;
        }
    }
    println!("{} of {LEN} bytes back in {:?}; {}", got.len(), start.elapsed(), stream.reason());
    got
}
