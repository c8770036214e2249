//! Captures of what passed, read back by a reader that is not ours.

use std::fs::File;
use std::path::Path;

use nofx_net::loopback;
use nofx_net::pcap_port::{Recorder, Replay, Tee};
use nofx_net::port::{FramePort, Port};

use crate::conformance::{OWN, PEER, PEER_GROUP, assert_same, packets, receive, rigs};
use crate::conformance::{Packet, Rig, lines};

/// Frames of a capture file by the `pcap-file` crate.
fn frames(path: &Path) -> Vec<Vec<u8>> {
    let mut reader =
        pcap_file::pcap::PcapReader::new(File::open(path).expect("a file")).expect("pcap");
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        frames.push(packet.expect("a packet").data.into_owned());
    }
    frames
}

#[test]
fn both_directions_are_in_the_file_after_every_burst_without_closing_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wire.pcap");
    let (near, mut far) = loopback::pair(256, 1_514);
    let mut port = Tee::new(near, Recorder::create(&path).expect("a file"), OWN);
    let mut want = Vec::new();
    for number in 0..100u8 {
        far.send(&[number; 70]).expect("room");
        far.flush();
        assert_eq!(FramePort::poll(&mut port), 1);
        FramePort::send(&mut port, &[!number; 80]).expect("room");
        FramePort::flush(&mut port);
        far.poll();
        want.extend([vec![number; 70], vec![!number; 80]]);
        assert_eq!(frames(&path), want, "whole at any moment, as a killed process leaves it");
    }
    assert_eq!(port.recorder().counts(), (200, 0));
}

#[test]
fn a_recorded_datagram_port_replays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("datagrams.pcap");
    let (near, far) = loopback::pair(512, 1_514);
    let mut rig = rigs::in_memory(near, far);
    let offered = packets(150, |index| 10 * index % 1_473);
    rig.offer(&offered);
    let mut port = Tee::new(Lent(rig.port()), Recorder::create(&path).expect("a file"), OWN);
    assert_same(&receive(&mut port, 150), &offered);
    Port::send(&mut port, PEER_GROUP, b"sent").expect("room");
    drop(port);
    let config = nofx_net::datagrams::DatagramsConfig {
        lines: [lines(), vec![PEER_GROUP]].concat(),
        ..nofx_net::datagrams::DatagramsConfig::new(OWN)
    };
    let replay = Replay::open(&path).expect("a capture");
    let got = receive(&mut nofx_net::datagrams::Datagrams::new(replay, config), 151);
    let sent = Packet { to: PEER_GROUP, from: OWN, payload: b"sent".to_vec() };
    assert_same(&got, &[offered, vec![sent]].concat());
    assert!(got.iter().all(|packet| packet.from == PEER || packet.from == OWN));
}

/// A borrowed port as a port.
struct Lent<'a>(&'a mut dyn Port);

impl Port for Lent<'_> {
    fn poll(&mut self) -> usize {
        self.0.poll()
    }
    fn arrival(&self, index: usize) -> nofx_net::port::Arrival<'_> {
        self.0.arrival(index)
    }
    fn send(
        &mut self,
        to: std::net::SocketAddrV4,
        payload: &[u8],
    ) -> Result<(), nofx_net::port::SendError> {
        self.0.send(to, payload)
    }
    fn flush(&mut self) {
        self.0.flush();
    }
    fn counters(&mut self) -> nofx_net::port::PortCounters {
        self.0.counters()
    }
    fn describe(&self) -> nofx_net::port::PortDescription {
        self.0.describe()
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_traffic() {
    let (near, mut far) = loopback::pair(64, 1_514);
    let Ok(recorder) = Recorder::create("/dev/full") else { return };
    let mut port = Tee::new(near, recorder, OWN);
    for _ in 0..3 {
        far.send(&[1; 60]).expect("room");
        far.flush();
        assert_eq!(FramePort::poll(&mut port), 1);
        assert_eq!(FramePort::frame(&port, 0).bytes, [1; 60]);
    }
    assert_eq!(port.recorder().counts(), (0, 3));
    assert!(FramePort::counters(&mut port).drops.contains(&("unrecorded", 3)));
}
