//! Where the bytes are: lent from the mapping, never loaded, never allocated on the walk.

mod support;

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::join::{FrameStream, Merge};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use pcap_file::{Endianness, TsResolution};
use support::*;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn plain(count: u64) -> Vec<u8> {
    pcap(&packets(count), Endianness::Little, TsResolution::NanoSecond, 65_535)
}

/// Where the kernel has mapped `path`: first address and length.
fn mapping(path: &std::path::Path) -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
    let name = path.to_str().expect("a plain name");
    let line = maps.lines().find(|line| line.ends_with(name)).expect("the file is mapped");
    let (from, to) = line.split(' ').next().expect("a range").split_once('-').expect("two ends");
    let address = |text| usize::from_str_radix(text, 16).expect("hexadecimal");
    (address(from), address(to) - address(from))
}

#[test]
fn payloads_are_lent_from_the_mapping_at_their_offset_in_the_file() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("mapped.pcap");
    fs::write(&path, plain(40)).expect("write");
    let mut capture = Capture::open(&path).expect("a capture");
    let (base, length) = mapping(&path);
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    while let Some(frame) = capture.next().expect("good") {
        let at = frame.data.as_ptr() as usize;
        assert_eq!(at, base + frame.offset as usize + 16, "packet {}", frame.number);
        let found = decode(&frame, &options, &mut counts).expect("a datagram");
        let payload = found.payload.as_ptr() as usize;
        assert_eq!(payload, at + 14 + 20 + 8);
        assert!(payload + found.payload.len() <= base + length);
    }
    assert_eq!(counts.datagrams(), 40);
}

/// Kilobytes of this process in memory.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn file_of_many_gigabytes_is_walked_without_loading_it() {
    // Section, interface, packet, a block of 4 GiB that is a hole on disk, packet.
    let word = |n: u32| n.to_le_bytes();
    let section =
        [word(0x0A0D_0D0A), word(28), word(0x1A2B_3C4D), word(1), word(!0), word(!0), word(28)];
    let interface = [word(1), word(20), word(1), word(0), word(20)];
    let packet =
        [word(6), word(36), word(0), word(0), word(7), word(4), word(4), *b"data", word(36)];
    let hole: u32 = 0xFFFF_FFF0;
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("large");
    let mut file = File::create(&path).expect("create");
    let front = [section.concat(), interface.concat(), packet.concat()].concat();
    file.write_all(&front).expect("write");
    file.write_all(&[word(0x0BAD), word(hole)].concat()).expect("write");
    let behind = front.len() as u64 + u64::from(hole);
    if file.seek(SeekFrom::Start(behind - 4)).and_then(|_| file.write_all(&word(hole))).is_err() {
        return println!("SKIPPED file_of_many_gigabytes: no sparse files of 4 GiB here");
    }
    file.write_all(&packet.concat()).expect("write");
    drop(file);

    let before = resident_kb();
    let mut capture = Capture::open(&path).expect("a capture");
    let first = capture.next().expect("good").expect("a packet");
    assert_eq!((first.data, first.offset), (&b"data"[..], 48));
    let second = capture.next().expect("good").expect("a packet");
    assert_eq!((second.data, second.offset), (&b"data"[..], behind));
    assert!(second.offset > 1 << 32);
    assert!(capture.next().expect("good").is_none() && capture.warnings().is_empty());
    let grown = resident_kb() - before;
    assert!(grown < 64 << 10, "{grown} KiB for a file of 4 GiB");
}

/// Allocations of a walk with decoding, from its first packet to its end.
fn allocations(mut stream: impl FrameStream) -> (u64, u64) {
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    let before = sealed_allocations();
    let sealed = seal(OnSealed::Count);
    while let Ok(Some(next)) = stream.next() {
        decode(&next.frame, &options, &mut counts);
    }
    drop(sealed);
    (sealed_allocations() - before, counts.datagrams())
}

#[test]
fn walks_allocate_nothing() {
    let bytes = plain(600);
    let open = |bytes: Vec<u8>| {
        Capture::new(ByteSource::from_bytes("m", bytes).expect("opens")).expect("a capture")
    };
    for content in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
        let merge = Merge::new(vec![open(content.clone()), open(content)]);
        assert_eq!(allocations(merge), (0, 1_200));
    }
}
