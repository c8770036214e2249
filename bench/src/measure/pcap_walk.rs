//! Walking a nanosecond pcap that is in memory: ours against the slice parser of `pcap-file`.

use std::error::Error;
use std::fs;
use std::path::Path;

use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::frame::{self, DecodeOptions, FrameCounts};
use nofx_net::write::{Link, PcapWriter};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;
use pcap_file::pcap::PcapParser;

use super::{Measured, Setup};
use crate::harness::{Contest, Lap, lap};
use crate::row::Row;

/// One line.
pub const ABOUT: &str = "walk a pcap in memory: nofx_net against the slice parser of pcap-file";

/// A capture and how often a lap walks it.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    packets: u64,
    passes: u64,
}

/// 130 MB: as long as memory brings it.
const IN_MEMORY: Shape = Shape { name: "1 M packets", packets: 1_000_000, passes: 1 };
/// Half a megabyte: as long as the instructions take.
const IN_CACHE: Shape = Shape { name: "4,000 packets, in cache", packets: 4_000, passes: 250 };

/// Packets of one to three messages of 19 to 44 bytes behind a 20-byte header: a MoldUDP64 stream.
fn write(path: &Path, packets: u64) -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::new(1);
    let mut out = PcapWriter::create(path, Link::default())?;
    let payload = [0u8; 20 + 3 * 44];
    for packet in 0..packets {
        let length = 20 + (0..=rng.below(3)).map(|_| 19 + rng.below(26)).sum::<u64>();
        let at = Nanos(1_700_000_000_000_000_000 + packet * 1_000);
        out.datagram(at, [233, 1, 2, 3], 26_400, &payload[..length as usize])?;
    }
    out.finish()?;
    Ok(())
}

/// Sum over packets of length and time: each was seen, with the right stamp.
fn fold(sum: u64, length: usize, ts_ns: u64) -> u64 {
    sum.wrapping_mul(31).wrapping_add(length as u64 ^ ts_ns)
}

/// Frames as `pcap-file` gives them: time, lengths, bytes.
fn frames(path: &Path) -> Lap {
    let mut capture = open(path);
    lap(|| {
        let (mut sum, mut packets) = (0, 0);
        while let Some(frame) = capture.next().expect("a whole capture") {
            sum = fold(sum, frame.data.len(), frame.ts_ns.0);
            packets += 1;
        }
        (packets, sum)
    })
}

/// Frames, and the UDP datagram of each, every length proven.
fn datagrams(path: &Path) -> Lap {
    let mut capture = open(path);
    let (options, mut counts) = (DecodeOptions::default(), FrameCounts::default());
    let timed = lap(|| {
        let (mut sum, mut packets) = (0, 0);
        while let Some(frame) = capture.next().expect("a whole capture") {
            let datagram = frame::decode(&frame, &options, &mut counts);
            let payload = datagram.map_or(0, |datagram| datagram.payload.len());
            std::hint::black_box(payload);
            sum = fold(sum, frame.data.len(), frame.ts_ns.0);
            packets += 1;
        }
        (packets, sum)
    });
    assert_eq!((counts.datagrams(), counts.dropped_all()), (timed.ops, 0));
    timed
}

/// A capture whose bytes are in memory already: mapping costs no page fault inside the lap.
fn open(path: &Path) -> Capture {
    let bytes = fs::read(path).expect("the capture just written");
    Capture::new(ByteSource::from_bytes(path, bytes).expect("not empty")).expect("a pcap")
}

fn peer(bytes: &[u8]) -> Lap {
    lap(|| {
        let (mut rest, parser) = PcapParser::new(bytes).expect("a pcap");
        let (mut sum, mut packets) = (0, 0);
        while !rest.is_empty() {
            let (behind, packet) = parser.next_packet(rest).expect("a whole capture");
            sum = fold(sum, packet.data.len(), packet.timestamp.as_nanos() as u64);
            packets += 1;
            rest = behind;
        }
        (packets, sum)
    })
}

/// One lap of several passes; each pass is timed on its own.
fn passes(shape: Shape, mut pass: impl FnMut() -> Lap) -> Lap {
    let mut sum = Lap { cpu_ns: 0, ops: 0, proof: 0 };
    for _ in 0..shape.passes {
        let timed = pass();
        sum.cpu_ns += timed.cpu_ns;
        sum.ops += timed.ops;
        sum.proof = timed.proof;
    }
    sum
}

fn contest(shape: Shape, rounds: usize) -> Measured {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("walk.pcap");
    write(&path, shape.packets)?;
    let bytes = fs::read(&path)?;
    let results = Contest::new()
        .enter("frames", || passes(shape, || frames(&path)))
        .enter("datagrams", || passes(shape, || datagrams(&path)))
        .enter("pcap-file slice parser", || passes(shape, || peer(&bytes)))
        .run(rounds)?;
    let row = |name: &'static str, what: &str, target| {
        let what = format!("{what}, {}", shape.name);
        let names = [name, "pcap-file slice parser"];
        Row::versus("pcap_walk", what, "packet", &results, names, target)
    };
    Ok(vec![
        row("frames", "frames with time and length", Some(0.65)),
        row("datagrams", "frames and their UDP payload (the peer stops at frames)", None),
    ])
}

/// Measures.
///
/// # Errors
/// The capture cannot be written, or the walks saw different packets.
pub fn run(setup: &Setup) -> Measured {
    let mut rows = contest(IN_MEMORY, setup.rounds)?;
    rows.extend(contest(IN_CACHE, setup.rounds)?);
    Ok(rows)
}
