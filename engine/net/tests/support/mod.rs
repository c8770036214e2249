//! Packets and files for the tests: frames byte by byte, captures written by another library.
#![allow(dead_code)] // each test file uses its part

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::{Result, Warning};
use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use pcap_file::{DataLink, Endianness, TsResolution};

/// The captures, or `None` after a line that says what was skipped.
pub fn captures(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = std::env::var_os("NOFX_CAPTURES").map_or(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED {test}: no captures at {} (NOFX_CAPTURES)", folder.display());
    None
}

/// Every file below `folder` whose name ends in `suffix`, in a fixed order.
pub fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, suffix));
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A packet in its own memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub ts_ns: u64,
    pub orig_len: u32,
    pub link: u16,
    pub data: Vec<u8>,
}

/// Walks a capture to its end.
pub fn walk(mut capture: Capture) -> (Vec<Packet>, Vec<Warning>, Result<()>) {
    let mut packets = vec![];
    let end = loop {
        match capture.next() {
            Ok(Some(frame)) => {
                assert_eq!(frame.number, packets.len() as u64 + 1);
                packets.push(Packet {
                    ts_ns: frame.ts_ns.0,
                    orig_len: frame.orig_len,
                    link: frame.link.0,
                    data: frame.data.to_vec(),
                });
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(matches!(capture.next(), Ok(None)), "the walk is over");
    (packets, capture.warnings(), end)
}

/// Walks `bytes` as a capture; an error while opening counts as one of the walk.
pub fn walk_bytes(bytes: &[u8]) -> (Vec<Packet>, Vec<Warning>, Result<()>) {
    match ByteSource::from_bytes("memory", bytes.to_vec()).and_then(Capture::new) {
        Ok(capture) => walk(capture),
        Err(error) => (vec![], vec![], Err(error)),
    }
}

/// `bytes` as a gzip file.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// `bytes` as a zstd file.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).expect("memory")
}

/// A classic pcap of `packets`, written by the `pcap-file` crate. Times are cut to its resolution.
pub fn pcap(
    packets: &[Packet],
    endianness: Endianness,
    ts_resolution: TsResolution,
    snaplen: u32,
) -> Vec<u8> {
    let datalink = DataLink::from(packets.first().map_or(1, |packet| u32::from(packet.link)));
    let header = PcapHeader {
        version_major: 2,
        version_minor: 4,
        ts_correction: 0,
        ts_accuracy: 0,
        snaplen,
        datalink,
        ts_resolution,
        endianness,
    };
    let mut writer = PcapWriter::with_header(vec![], header).expect("memory");
    for packet in packets {
        let time = Duration::from_nanos(packet.ts_ns);
        let ts_frac = match ts_resolution {
            TsResolution::MicroSecond => time.subsec_micros(),
            TsResolution::NanoSecond => time.subsec_nanos(),
        };
        let raw = RawPcapPacket {
            ts_sec: time.as_secs() as u32,
            ts_frac,
            incl_len: packet.data.len() as u32,
            orig_len: packet.orig_len,
            data: Cow::Borrowed(&packet.data),
        };
        writer.write_raw_packet(&raw).expect("memory");
    }
    writer.into_writer()
}

/// `count` packets of growing length, a millisecond and a nanosecond apart.
pub fn packets(count: u64) -> Vec<Packet> {
    let packet = |n: u64| {
        let payload: Vec<u8> = (0..n * 3).map(|byte| (byte * 7 + n) as u8).collect();
        let data = ethernet(&[], 0x0800, &ipv4(17, &udp(26_477, &payload)));
        let ts_ns = 1_692_710_999_999_000_000 + n * 1_000_001;
        Packet { ts_ns, orig_len: data.len() as u32, link: 1, data }
    };
    (1..=count).map(packet).collect()
}

/// An Ethernet II frame with `tags` (TPID, TCI) before its type.
pub fn ethernet(tags: &[(u16, u16)], ethertype: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x01, 0x00, 0x5E, 0x36, 0x0C, 0x6F, 0x02, 0, 0, 0, 0, 0x01];
    for (tpid, tci) in tags {
        frame.extend(tpid.to_be_bytes());
        frame.extend(tci.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(body);
    frame
}

/// An IPv4 packet from 10.0.0.1 to 233.54.12.111, no options.
pub fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + body.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, high, low, 0, 1, 0x40, 0, 16, protocol, 0, 0];
    packet.extend([10, 0, 0, 1, 233, 54, 12, 111]);
    packet.extend(body);
    packet
}

/// A UDP datagram from port 40000.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = 40_000u16.to_be_bytes().to_vec();
    datagram.extend(port.to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}
