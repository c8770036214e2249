//! The usual rigs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::interface::Interface;
use nofx_net::netns::Lab;
use nofx_net::port::{FramePort, Port};

use super::{OWN, PATIENCE, PEER, PEER_GROUP, Packet, Rig, lines, receive};

/// A port on one end of a veth pair; on the other end the kernel's UDP.
pub struct Veth<P> {
    port: P,
    kernel: KernelPeer,
    sees_foreign: bool,
    /// Last: the port closes while its interface is there.
    _lab: Lab,
}

/// Opens a port with `open`, which runs in the namespace where [`Lab::NEAR`] is the interface and
/// [`OWN`] its address. `None`, with a line that begins with `SKIPPED `, where this machine has no
/// namespaces for us.
///
/// # Panics
/// The port does not open.
pub fn on_veth<P: Port, E: std::fmt::Display>(
    name: &str,
    sees_foreign: bool,
    open: impl FnOnce(&Lab) -> Result<P, E>,
) -> Option<Veth<P>> {
    let lab = Lab::or_skip(name)?;
    let kernel = lab.far.within(KernelPeer::new).expect("sockets of the other side");
    let port = lab.near.within(|| open(&lab)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Some(Veth { port, kernel, sees_foreign, _lab: lab })
}

/// As [`on_veth`] for a frame port, behind [`Datagrams`].
pub fn frames_on_veth<F: FramePort, E: std::fmt::Display>(
    name: &str,
    open: impl FnOnce(&Lab) -> Result<F, E>,
) -> Option<Veth<Datagrams<F>>> {
    on_veth(name, true, |lab| open(lab).map(|port| Datagrams::new(port, config(lab))))
}

/// What the port under test listens to, with the other side as a known neighbour.
pub fn config(lab: &Lab) -> DatagramsConfig {
    let far = lab.far.within(|| Interface::find(Lab::FAR)).expect("the other end");
    DatagramsConfig {
        lines: lines(),
        neighbours: vec![(*PEER.ip(), far.mac)],
        ..DatagramsConfig::new(OWN)
    }
}

impl<P: Port> Rig for Veth<P> {
    fn port(&mut self) -> &mut dyn Port {
        &mut self.port
    }

    fn offer(&mut self, packets: &[Packet]) {
        packets.iter().for_each(|packet| self.kernel.send(packet));
    }

    fn taken(&mut self, count: usize) -> Vec<Packet> {
        self.kernel.receive(count)
    }

    fn sees_foreign(&self) -> bool {
        self.sees_foreign
    }
}

/// The kernel's UDP on the far end of the pair: one socket at [`PEER`], one in [`PEER_GROUP`].
struct KernelPeer {
    own: UdpSocket,
    group: UdpSocket,
}

impl KernelPeer {
    fn new() -> io::Result<KernelPeer> {
        let own = UdpSocket::bind(PEER)?;
        own.set_multicast_ttl_v4(4)?;
        let group = UdpSocket::bind(PEER_GROUP)?;
        group.join_multicast_v4(PEER_GROUP.ip(), &Lab::FAR_ADDRESS)?;
        for socket in [&own, &group] {
            socket.set_nonblocking(true)?;
        }
        Ok(KernelPeer { own, group })
    }

    fn send(&self, packet: &Packet) {
        let start = Instant::now();
        while let Err(error) = self.own.send_to(&packet.payload, packet.to) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{packet:?}: {error}");
            assert!(start.elapsed() < PATIENCE, "the peer's socket stays full");
        }
    }

    fn receive(&self, count: usize) -> Vec<Packet> {
        let (mut got, start) = (Vec::new(), Instant::now());
        let mut quiet = 0;
        while quiet < 20 {
            let before = got.len();
            for (socket, to) in [(&self.own, PEER), (&self.group, PEER_GROUP)] {
                drain(socket, to, &mut got);
            }
            let waiting = got.len() < count && start.elapsed() < PATIENCE;
            quiet = if waiting || got.len() > before { 0 } else { quiet + 1 };
            std::thread::sleep(Duration::from_micros(50));
        }
        got
    }
}

fn drain(socket: &UdpSocket, to: SocketAddrV4, got: &mut Vec<Packet>) {
    let mut payload = [0; 2_048];
    while let Ok((len, SocketAddr::V4(from))) = socket.recv_from(&mut payload) {
        got.push(Packet { to, from, payload: payload[..len].to_vec() });
    }
}

/// Two frame ports joined in memory; the other side is a second [`Datagrams`] at [`PEER`].
pub struct Memory<F> {
    port: Datagrams<F>,
    peer: Datagrams<Box<dyn FramePort>>,
}

/// Joins `near` and `far`. Neither knows the other: they find each other by ARP.
pub fn in_memory<F: FramePort>(near: F, far: impl FramePort + 'static) -> Memory<F> {
    let peer = DatagramsConfig { lines: vec![PEER_GROUP], ..DatagramsConfig::new(PEER) };
    let port = DatagramsConfig { lines: lines(), ..DatagramsConfig::new(OWN) };
    let far: Box<dyn FramePort> = Box::new(far);
    let mut rig = Memory { port: Datagrams::new(near, port), peer: Datagrams::new(far, peer) };
    rig.meet();
    rig
}

impl<F: FramePort> Memory<F> {
    /// The other side asks who we are, and learns it from the answer; hearing the question, we
    /// learn who asks.
    fn meet(&mut self) {
        let _ = self.peer.send(OWN, b"lost, but it makes the peer ask");
        for _ in 0..4 {
            self.port.frame_port_mut().flush();
            let _ = (arp_only(&mut self.port), arp_only(&mut self.peer));
        }
    }
}

/// One poll while nothing but ARP is on the wire.
fn arp_only(port: &mut dyn Port) -> usize {
    let burst = port.poll();
    assert_eq!(burst, 0);
    burst
}

impl<F: FramePort> Rig for Memory<F> {
    fn port(&mut self) -> &mut dyn Port {
        &mut self.port
    }

    fn offer(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.peer.send(packet.to, &packet.payload).expect("room on the wire");
        }
        self.peer.flush();
    }

    fn taken(&mut self, count: usize) -> Vec<Packet> {
        receive(&mut self.peer, count)
    }
}

/// A port that replays a capture: what is offered becomes a file, which is opened.
pub struct Replay<P> {
    port: P,
    open: fn(&Path) -> P,
    folder: tempfile::TempDir,
    files: u32,
}

/// Replays what is offered through ports that `open` makes.
pub fn replay<P: Port>(open: fn(&Path) -> P) -> Replay<P> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), 0, &[]);
    Replay { port: open(&file), open, folder, files: 0 }
}

fn write(folder: &Path, number: u32, packets: &[Packet]) -> std::path::PathBuf {
    use nofx_net::write::{Link, PcapWriter};
    let file = folder.join(format!("{number}.pcap"));
    let link = Link { src: PEER.ip().octets(), src_port: PEER.port(), vlan: None };
    let mut writer = PcapWriter::create(&file, link).expect("a file");
    for (packet, at) in packets.iter().zip(1_700_000_000_000_000_000..) {
        let to: Ipv4Addr = *packet.to.ip();
        let written =
            writer.datagram(nofx_types::Nanos(at), to.octets(), packet.to.port(), &packet.payload);
        written.expect("it fits");
    }
    writer.finish().expect("published");
    file
}

impl<P: Port> Rig for Replay<P> {
    fn port(&mut self) -> &mut dyn Port {
        &mut self.port
    }

    fn offer(&mut self, packets: &[Packet]) {
        self.files += 1;
        let file = write(self.folder.path(), self.files, packets);
        self.port = (self.open)(&file);
    }

    fn taken(&mut self, _count: usize) -> Vec<Packet> {
        Vec::new()
    }

    fn sends(&self) -> bool {
        false
    }

    fn keeps_counting(&self) -> bool {
        false
    }
}
