//! pcapng: byte orders, sections, interfaces, clocks, cuts. Blocks are written by `pcap-file` where it
//! can, and byte by byte from the draft where it cannot.

mod support;

use std::borrow::Cow;
use std::time::Duration;

use nofx_net::capture::LinkType;
use nofx_net::{Error, Problem, WarningKind};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, Endianness};
use support::*;

fn interface(link: DataLink, resolution: Option<u8>) -> InterfaceDescriptionBlock<'static> {
    let mut block = InterfaceDescriptionBlock::new(link, 0);
    block.options.push(InterfaceDescriptionOption::IfName(Cow::Borrowed("line a")));
    block.options.extend(resolution.map(InterfaceDescriptionOption::IfTsResol));
    block
}

/// `count` is in units of the interface's clock: the writer stores what it gets.
fn enhanced(interface_id: u32, count: u64, packet: &Packet) -> EnhancedPacketBlock<'_> {
    EnhancedPacketBlock {
        interface_id,
        timestamp: Duration::from_nanos(count),
        original_len: packet.orig_len,
        data: Cow::Borrowed(&packet.data),
        options: vec![],
    }
}

/// One section, two interfaces (ns and us), packets on each in turn.
fn section(endianness: Endianness, packets: &[Packet]) -> Vec<u8> {
    let mut writer = PcapNgWriter::with_endianness(vec![], endianness).expect("memory");
    writer.write_pcapng_block(interface(DataLink::ETHERNET, Some(9))).expect("memory");
    writer.write_pcapng_block(interface(DataLink::ETHERNET, None)).expect("memory");
    for (n, packet) in packets.iter().enumerate() {
        let (id, unit) = if n % 2 == 0 { (0, 1) } else { (1, 1_000) };
        writer.write_pcapng_block(enhanced(id, packet.ts_ns / unit, packet)).expect("memory");
    }
    writer.into_inner()
}

/// What [`section`] reads back as: every other time is cut to microseconds.
fn read_back(packets: &[Packet]) -> Vec<Packet> {
    let cut = |(n, packet): (usize, &Packet)| {
        let unit = if n % 2 == 0 { 1 } else { 1_000 };
        Packet { ts_ns: packet.ts_ns / unit * unit, ..packet.clone() }
    };
    packets.iter().enumerate().map(cut).collect()
}

#[test]
fn sections_choose_their_byte_order_and_interfaces_their_clock() {
    let all = packets(40);
    let want = read_back(&all);
    for first in [Endianness::Little, Endianness::Big] {
        let second = match first {
            Endianness::Big => Endianness::Little,
            Endianness::Little => Endianness::Big,
        };
        let bytes = [section(first, &all), section(second, &all), section(first, &all)].concat();
        for content in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
            let (got, warnings, end) = walk_bytes(&content);
            assert!(warnings.is_empty() && end.is_ok(), "{warnings:?} {end:?}");
            assert_eq!(got, [&want[..], &want[..], &want[..]].concat());
        }
    }
}

#[test]
fn interfaces_do_not_outlive_their_section() {
    let (all, mut bytes) = (packets(2), section(Endianness::Little, &packets(2)));
    let mut writer = PcapNgWriter::with_endianness(vec![], Endianness::Little).expect("memory");
    writer.write_pcapng_block(interface(DataLink::ETHERNET, None)).expect("memory");
    writer.write_pcapng_block(interface(DataLink::ETHERNET, None)).expect("memory");
    writer.write_pcapng_block(enhanced(1, 5, &all[0])).expect("memory");
    let mut other = writer.into_inner();
    // Take the second interface away: the packet now names one that this section lacks.
    let section_len = u32::from_le_bytes(other[4..8].try_into().expect("four")) as usize;
    let at = section_len + 4;
    let interface_len = u32::from_le_bytes(other[at..at + 4].try_into().expect("four")) as usize;
    other.drain(section_len..section_len + interface_len);
    bytes.extend(other);
    let (got, _, end) = walk_bytes(&bytes);
    assert_eq!(got.len(), 2);
    let error = end.expect_err("no such interface");
    let text = error.to_string();
    let Error::Damaged { problem, .. } = *error else { panic!("{text}") };
    assert_eq!(problem, Problem::UnknownInterface { interface: 1, known: 1 });
    assert!(text.contains("packet 3 at byte"), "{text}");
}

/// A block byte by byte, little-endian: type, length, body padded to four, length.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = (12 + body.len() + padding) as u32;
    let mut block = kind.to_le_bytes().to_vec();
    block.extend(length.to_le_bytes());
    block.extend(body);
    block.extend(vec![0; padding]);
    block.extend(length.to_le_bytes());
    block
}

fn header() -> Vec<u8> {
    let mut body = 0x1A2B_3C4Du32.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend([0xFF; 8]); // section length: not given
    block(0x0A0D_0D0A, &body)
}

fn described(link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    let mut body = link.to_le_bytes().to_vec();
    body.extend([0, 0]);
    body.extend(snaplen.to_le_bytes());
    body.extend(options);
    block(1, &body)
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = code.to_le_bytes().to_vec();
    option.extend((value.len() as u16).to_le_bytes());
    option.extend(value);
    option.extend(vec![0; value.len().next_multiple_of(4) - value.len()]);
    option
}

fn packet_at(count: u64, data: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(((count >> 32) as u32).to_le_bytes());
    body.extend((count as u32).to_le_bytes());
    body.extend((data.len() as u32).to_le_bytes());
    body.extend((data.len() as u32).to_le_bytes());
    body.extend(data);
    block(6, &body)
}

#[test]
fn resolutions_and_offsets_come_out_in_nanoseconds() {
    let offset = |seconds: i64| option(14, &seconds.to_le_bytes());
    let unit = |resolution: u8| option(9, &[resolution]);
    let binary = (1_700_000_000u64 << 20) + (1 << 19);
    let cases: [(Vec<u8>, u64, u64); 12] = [
        (vec![], 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (unit(0), 1_700_000_000, 1_700_000_000_000_000_000),
        (unit(3), 1_700_000_000_123, 1_700_000_000_123_000_000),
        (unit(9), 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (unit(12), 1_700_000_123_456_789, 1_700_000_123_456),
        (unit(0x80 | 20), binary, 1_700_000_000_500_000_000),
        (unit(0x80), 1_700_000_000, 1_700_000_000_000_000_000),
        ([unit(6), offset(1_700_000_000)].concat(), 7, 1_700_000_000_000_007_000),
        ([unit(9), offset(-1)].concat(), 3_000_000_000, 2_000_000_000),
        (offset(-5), 1_000_000, 0),
        (unit(0), u64::MAX, u64::MAX),
        // What stands behind the end of the options says nothing.
        ([option(0, &[]), unit(0)].concat(), 1, 1_000),
    ];
    for (options, count, ts_ns) in cases {
        let bytes = [header(), described(1, 0, &options), packet_at(count, b"abcde")].concat();
        let (got, warnings, end) = walk_bytes(&bytes);
        assert!(warnings.is_empty() && end.is_ok(), "{end:?}");
        assert_eq!(got[0].ts_ns, ts_ns, "{options:?} {count}");
        assert_eq!(got[0].data, b"abcde");
    }
    for resolution in [0x80 | 64, 0xFF, 29, 0x7F] {
        let bytes = [header(), described(1, 0, &unit(resolution))].concat();
        let text = walk_bytes(&bytes).2.expect_err("no such clock").to_string();
        assert!(text.contains("time resolution") && text.contains("block 2 at byte 28"), "{text}");
    }
}

#[test]
fn simple_and_obsolete_packets_are_read_and_other_blocks_stepped_over() {
    let simple = |data: &[u8], orig_len: u32| block(3, &[&orig_len.to_le_bytes(), data].concat());
    let obsolete = |count: u64, data: &[u8]| {
        let mut body = vec![0, 0, 9, 0]; // interface, drops
        body.extend(((count >> 32) as u32).to_le_bytes());
        body.extend((count as u32).to_le_bytes());
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(77u32.to_le_bytes());
        body.extend(data);
        block(2, &body)
    };
    let bytes = [
        header(),
        described(113, 6, &[]),
        block(5, &[0; 20]),          // interface statistics
        block(0x8000_0001, b"mine"), // a vendor's
        packet_at(1_000, b"one"),
        block(4, &[0; 8]), // name resolution
        simple(b"second", 60),
        obsolete(5_000_000_000, b"third"),
    ]
    .concat();
    let (got, warnings, end) = walk_bytes(&bytes);
    assert!(warnings.is_empty() && end.is_ok(), "{end:?}");
    let want = |ts_ns, orig_len, data: &[u8]| Packet {
        ts_ns,
        orig_len,
        link: LinkType::LINUX_SLL.0,
        data: data.to_vec(),
    };
    let second = want(1_000_000, 60, b"second"); // it carries no time: that of the packet before
    let third = want(5_000_000_000_000, 77, b"third");
    assert_eq!(got, [want(1_000_000, 3, b"one"), second, third]);
}

#[test]
fn cut_at_every_length_gives_the_whole_packets_and_a_warning() {
    let all = packets(4);
    let want = read_back(&all);
    for endianness in [Endianness::Little, Endianness::Big] {
        let bytes = [section(endianness, &all), section(endianness, &all)].concat();
        let want = [&want[..], &want[..]].concat();
        let mut clean = 0;
        for length in 4..=bytes.len() {
            let (got, warnings, end) = walk_bytes(&bytes[..length]);
            end.unwrap_or_else(|error| panic!("cut at {length}: {error}"));
            assert_eq!(got, want[..got.len()], "cut at {length}");
            let Some(warning) = warnings.first() else {
                clean += 1;
                continue;
            };
            let WarningKind::CutRecord { offset, present, promised, .. } = warning.kind else {
                panic!("{warning}")
            };
            assert_eq!(offset + present, length as u64, "{warning}");
            assert!(present < promised, "{warning}");
        }
        assert_eq!(clean, 2 * (3 + 4), "one clean end behind each block");
    }
}

#[test]
fn contradictions_are_errors_that_name_block_and_byte() {
    let good = || [header(), described(1, 0, &[]), packet_at(1, b"abcd")].concat();
    let end = good().len();
    let cases: [(usize, [u8; 4], &str); 8] = [
        (4, [27, 0, 0, 0], "block 1 at byte 0: block length 27 is impossible"),
        (8, [0; 4], "block 1 at byte 0: byte-order magic is 0x00000000"),
        (12, [2, 0, 0, 0], "block 1 at byte 0: format version 2, want 1"),
        (24, [9, 0, 0, 0], "block length is 28 in front and 9 behind"),
        (48 + 4, [4, 0, 0, 0], "packet 1 at byte 48: block length 4 is impossible"),
        (48 + 4, [0, 0, 0, 0x40], "packet 1 at byte 48: captured length"),
        (48 + 20, [0xFF, 0xFF, 0, 0], "packet 1 at byte 48: captured length 65535 is impossible"),
        (end - 4, [0; 4], "packet 1 at byte 48: block length is 36 in front and 0 behind"),
    ];
    assert_eq!(walk_bytes(&good()).0.len(), 1);
    for (at, bytes, text) in cases {
        let mut bad = good();
        bad[at..at + 4].copy_from_slice(&bytes);
        let error = walk_bytes(&bad).2.expect_err(text).to_string();
        assert!(error.contains(text), "{error}, want {text}");
    }
    let many = [header(), described(1, 0, &[]).repeat(1_025)].concat();
    let error = walk_bytes(&many).2.expect_err("too many").to_string();
    assert!(error.contains("more than 1024 interfaces"), "{error}");
}
