//! MoldUDP64 against the Python encoder and real captures.

mod support;

use std::collections::BTreeMap;

use nofx_wire::mold::{
    COUNT_MAX, HEADER_LEN, Header, Kind, MoldError, Packet, PacketBuilder, PacketFull,
};
use proptest::prelude::*;
use support::{capture, checks, hex, pcaps, udp_payloads, vectors};

const VECTORS: &str = include_str!("vectors/mold.txt");

/// What a packet holds, as the Python encoder states it.
fn summary(datagram: &[u8]) -> String {
    let packet = match Packet::parse(datagram) {
        Ok(packet) => packet,
        Err(error) => return format!("!{error:?}"),
    };
    let session = String::from_utf8_lossy(packet.session()).into_owned();
    let blocks: Vec<String> = packet.blocks().map(hex).collect();
    let (seq, kind, trailing) = (packet.seq(), packet.kind(), packet.trailing());
    format!("{session}|{seq}|{kind:?}|{}|{trailing}", blocks.join(","))
}

#[test]
fn packets_read_as_the_python_encoder_wrote_them() {
    let rows = vectors(VECTORS);
    assert_eq!(rows.len(), 13);
    for (name, datagram, expected) in rows {
        assert_eq!(summary(&datagram), expected, "{name}");
    }
}

#[test]
fn a_packet_cut_anywhere_before_its_last_block_ends_is_dropped_whole() {
    let rows = vectors(VECTORS);
    let (_, datagram, _) = rows.iter().find(|(name, ..)| *name == "all_kinds").expect("a vector");
    for length in 0..datagram.len() {
        let expected = if length < HEADER_LEN { MoldError::Short } else { MoldError::Overrun };
        assert_eq!(Packet::parse(&datagram[..length]).err(), Some(expected), "{length} bytes");
    }
    assert!(Packet::parse(datagram).is_ok());
}

#[test]
fn a_straddling_packet_is_entered_at_the_expected_message() {
    let rows = vectors(VECTORS);
    let (_, datagram, _) = rows.iter().find(|(name, ..)| *name == "all_kinds").expect("a vector");
    let packet = Packet::parse(datagram).expect("a whole packet");
    let kinds: Vec<u8> = packet.blocks().skip(20).map(|block| block[0]).collect();
    assert_eq!(kinds, b"INO");
    assert_eq!(packet.next_seq(), 0x0102_0304_0506_0708 + 23);
}

#[test]
fn the_builder_stops_at_the_end_of_its_buffer() {
    let mut buffer = [0xEE; HEADER_LEN + 2 + 5 + 1];
    let mut builder = PacketBuilder::new(&mut buffer, b"SESSION   ", 7).expect("room for a header");
    assert_eq!(builder.push(b"12345"), Ok(()));
    assert_eq!(builder.push(b""), Err(PacketFull));
    assert_eq!((builder.count(), builder.len()), (1, HEADER_LEN + 7));
    let expected = [&b"SESSION   \0\0\0\0\0\0\0\x07\0\x01\0\x0512345"[..]].concat();
    assert_eq!(builder.finish(), expected);
    assert!(PacketBuilder::new(&mut [0; HEADER_LEN - 1], b"SESSION   ", 7).is_none());
}

#[test]
fn a_full_count_does_not_turn_into_the_end_of_session() {
    let mut buffer = vec![0; HEADER_LEN + 2 * 0xFFFF];
    let mut builder = PacketBuilder::new(&mut buffer, b"SESSION   ", 1).expect("room for a header");
    while builder.push(b"").is_ok() {}
    assert_eq!(builder.count(), COUNT_MAX);
    let packet = Packet::parse(builder.finish()).expect("a whole packet");
    assert_eq!(packet.kind(), Kind::Data(0xFFFE));
    assert_eq!(packet.blocks().count(), 0xFFFE);
}

#[test]
fn a_request_is_the_header_alone() {
    let bytes = b"000010059B\0\0\0\0\0\0\x01\x02\x00\x05";
    let request = Header::parse(bytes).expect("twenty bytes");
    assert_eq!((request.seq.get(), request.count.get()), (0x102, 5));
    assert_eq!(request.bytes(), bytes);
}

#[test]
fn captured_packets_have_the_session_and_counts_that_the_readme_states() {
    let Some(folder) = capture("omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0")
    else {
        return;
    };
    let mut counts = BTreeMap::new();
    let mut multiple = Vec::new();
    let files = pcaps(&folder);
    assert_eq!(files.len(), 8);
    for file in files {
        for payload in udp_payloads(&file) {
            let packet = Packet::parse(&payload).expect("a whole packet");
            assert_eq!(packet.session(), b"000010059B");
            assert_eq!(packet.trailing(), 0);
            if file.ends_with("Multiple.Packets.pcap") {
                multiple.push((packet.seq(), packet.kind()));
            }
            for block in packet.blocks() {
                assert_eq!(nofx_wire::itch::length_of(block[0]), Some(block.len()));
                *counts.entry(char::from(block[0])).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(multiple, [(14_764_496, Kind::Data(1)), (19_009_117, Kind::Data(38))]);
    let expected =
        [('A', 37), ('D', 2), ('E', 1), ('F', 2), ('H', 1), ('I', 1), ('L', 1), ('U', 1)];
    assert_eq!(counts, BTreeMap::from(expected));
}

proptest! {
    #[test]
    fn no_datagram_makes_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::mold(&bytes);
    }

    #[test]
    fn a_damaged_packet_is_refused_or_adds_up(
        row in 0..13usize,
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut datagram = vectors(VECTORS).swap_remove(row).1;
        let at = at.index(datagram.len());
        datagram[at] = value;
        checks::mold(&datagram);
    }
}
