//! Classic pcap: every variant, every compression, every cut. Files are written by `pcap-file`.

mod support;

use std::fs;

use nofx_net::bytes::{ByteSource, WINDOW};
use nofx_net::capture::{CAPLEN_MAX, Capture};
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::{Compression, Error, Problem, Unit, WarningKind};
use pcap_file::{Endianness, TsResolution};
use support::*;

const HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

fn plain() -> Vec<u8> {
    pcap(&packets(9), Endianness::Little, TsResolution::NanoSecond, 65_535)
}

#[test]
fn both_byte_orders_and_resolutions_read_the_same() {
    let want = packets(50);
    for endianness in [Endianness::Little, Endianness::Big] {
        for resolution in [TsResolution::NanoSecond, TsResolution::MicroSecond] {
            let bytes = pcap(&want, endianness, resolution, 65_535);
            let (got, warnings, end) = walk_bytes(&bytes);
            assert!(warnings.is_empty() && end.is_ok());
            let unit = if resolution == TsResolution::NanoSecond { 1 } else { 1_000 };
            let want = want.iter().map(|p| Packet { ts_ns: p.ts_ns / unit * unit, ..p.clone() });
            assert_eq!(got, want.collect::<Vec<_>>());
        }
    }
}

#[test]
fn compression_is_told_by_content_not_by_name() {
    let directory = tempfile::tempdir().expect("tempdir");
    let (want, bytes) = (packets(9), plain());
    let two_members = [gzip(&bytes[..100]), gzip(&bytes[100..])].concat();
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3], &*zstd(&bytes)].concat();
    let forms = [
        (bytes.clone(), Compression::None),
        (gzip(&bytes), Compression::Gzip),
        (two_members, Compression::Gzip),
        (zstd(&bytes), Compression::Zstd),
        (skippable, Compression::Zstd),
    ];
    for (content, compression) in forms {
        for name in ["capture.pcap", "capture.gz", "capture.zst", "capture.pcapng", "noname"] {
            let path = directory.path().join(name);
            fs::write(&path, &content).expect("write");
            let source = ByteSource::open(&path).expect("opens");
            assert_eq!(source.compression(), compression, "{name}");
            let (got, warnings, end) = walk(Capture::new(source).expect("a capture"));
            assert!(got == want && warnings.is_empty() && end.is_ok(), "{compression} {name}");
        }
        let from_memory = ByteSource::from_bytes("memory", content).expect("opens");
        assert_eq!(from_memory.compression(), compression);
        assert_eq!(walk(Capture::new(from_memory).expect("a capture")).0, want);
    }
}

#[test]
fn records_cross_the_window_of_a_stream() {
    // Lengths that never divide the window, so that records straddle its end at every phase.
    let large = |n: u64| {
        let data = vec![n as u8; 40_000 + 977 * n as usize];
        Packet { ts_ns: n, orig_len: data.len() as u32, link: 1, data }
    };
    let want: Vec<Packet> = (0..60).map(large).collect();
    let bytes = pcap(&want, Endianness::Big, TsResolution::NanoSecond, CAPLEN_MAX);
    assert!(bytes.len() > 7 * WINDOW);
    for content in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
        let (got, warnings, end) = walk_bytes(&content);
        assert!(got == want && warnings.is_empty() && end.is_ok());
    }
}

#[test]
fn cut_at_every_length_gives_the_whole_packets_and_a_warning_that_names_the_place() {
    let (bytes, all) = (plain(), packets(9));
    let mut starts = vec![HEADER];
    for packet in &all {
        starts.push(starts[starts.len() - 1] + PACKET_HEADER + packet.data.len());
    }
    for length in 1..=bytes.len() {
        let (got, warnings, end) = walk_bytes(&bytes[..length]);
        if length < 4 {
            let error = end.expect_err("no magic").to_string();
            assert!(error.contains("unknown format"), "{error}");
            continue;
        }
        end.expect("a cut is no error");
        let whole = starts.iter().filter(|start| **start <= length).count().saturating_sub(1);
        assert_eq!(got, all[..whole], "cut at {length}");
        if starts.contains(&length) {
            assert!(warnings.is_empty(), "between two records nothing is missing: {warnings:?}");
            continue;
        }
        let [warning] = &*warnings else { panic!("cut at {length}: {warnings:?}") };
        let WarningKind::CutRecord { unit, number, offset, promised, present } = warning.kind
        else {
            panic!("{warning}")
        };
        let begin = if length < HEADER { 0 } else { starts[whole] };
        let header = if length < HEADER { HEADER } else { PACKET_HEADER };
        assert_eq!((offset, present), (begin as u64, (length - begin) as u64));
        assert_eq!(unit, if length < HEADER { Unit::Header } else { Unit::Packet });
        assert_eq!(number, whole as u64 + 1);
        let known = length >= begin + header && length > HEADER;
        let want = if known { starts[whole + 1] - begin } else { header };
        assert_eq!(promised, want as u64, "cut at {length}");
        let text = warning.to_string();
        assert!(text.contains(&format!("{unit} {number} at byte {begin}")), "{text}");
        assert!(warning.kind.is_loss());
    }
}

#[test]
fn cut_compression_gives_what_was_there_and_says_so() {
    let bytes = plain();
    for content in [gzip(&bytes), zstd(&bytes)] {
        for length in 1..content.len() {
            let (got, warnings, end) = walk_bytes(&content[..length]);
            assert_eq!(got, packets(9)[..got.len()], "cut at {length}");
            let said = end.is_err() || warnings.iter().any(|warning| warning.kind.is_loss());
            assert!(said, "cut at {length} of {}: {warnings:?}", content.len());
        }
        assert!(walk_bytes(&content).1.is_empty());
    }
}

#[test]
fn damaged_compression_is_an_error_that_names_both_offsets() {
    let bytes: Vec<u8> = plain().repeat(100);
    for mut content in [gzip(&bytes), zstd(&bytes)] {
        let last = content.len() - 6; // in a checksum, or in the last block
        content[last] ^= 0xFF;
        let middle = content.len() / 2;
        content[middle] ^= 0xFF;
        let (_, warnings, end) = walk_bytes(&content);
        let noticed = end.is_err() || warnings.iter().any(|warning| warning.kind.is_loss());
        assert!(noticed, "{warnings:?}");
        if let Err(error) = end {
            let text = error.to_string();
            assert!(text.contains("memory: ") && text.contains("byte"), "{text}");
        }
    }
}

#[test]
fn impossible_length_is_an_error_that_names_packet_and_byte() {
    let (bytes, all) = (plain(), packets(9));
    let second = HEADER + PACKET_HEADER + all[0].data.len();
    for caplen in [65_535 + 65, u32::MAX, 1 << 31] {
        let mut bad = bytes.clone();
        bad[second + 8..second + 12].copy_from_slice(&caplen.to_le_bytes());
        let (got, _, end) = walk_bytes(&bad);
        assert_eq!(got, all[..1]);
        let error = end.expect_err("impossible");
        let text = error.to_string();
        assert!(text.contains(&format!("packet 2 at byte {second}")), "{text}");
        let Error::Damaged { problem, .. } = *error else { panic!("{text}") };
        assert!(matches!(problem, Problem::CaptureLength { .. }), "{text}");
    }
}

#[test]
fn wrong_magic_version_and_absence_are_errors_that_say_what_is_wanted() {
    let mut version = plain();
    version[4] = 3;
    let (_, _, end) = walk_bytes(&version);
    let text = end.expect_err("no such version").to_string();
    assert!(text.contains("version 3, want 2"), "{text}");
    let (_, _, end) = walk_bytes(b"PK\x03\x04 an archive");
    let text = end.expect_err("no capture").to_string();
    assert!(text.contains("unknown format") && text.contains("50 4b 03 04"), "{text}");
    let text = walk_bytes(b"").2.expect_err("empty").to_string();
    assert!(text.contains("the file is empty"), "{text}");
    let text = Capture::open("/nowhere/a.pcap").err().expect("absent").to_string();
    assert!(text.contains("/nowhere/a.pcap: cannot open"), "{text}");
}

#[test]
fn snapped_packets_are_walked_and_counted_as_loss() {
    let mut snapped = packets(4);
    snapped[1].data.truncate(40);
    snapped[3].data.truncate(0);
    let bytes = pcap(&snapped, Endianness::Little, TsResolution::MicroSecond, 65_535);
    let mut capture =
        Capture::new(ByteSource::from_bytes("m", bytes).expect("opens")).expect("a capture");
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    while let Some(frame) = capture.next().expect("good") {
        decode(&frame, &options, &mut counts);
    }
    assert_eq!(counts.datagrams(), 2);
    assert_eq!(counts.iter().find(|(name, _)| *name == "snapped"), Some(("snapped", 2)));
    assert_eq!(counts.dropped_all(), 2);
}
