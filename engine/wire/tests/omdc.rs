//! OMD-C against the Python encoder: fields, groups, packets, both ways and cut at every length.

mod support;

use std::collections::BTreeMap;

use nofx_wire::omdc::{
    self, AddOrder, BookEntry, HEADER_LEN, NAMES, PACKET_MAX, Packet, PacketError, PacketFull,
    PacketWriter, SecurityDefinition, UnderlyingEntry, order_type,
};
use proptest::prelude::*;
use support::{hex, unhex, vectors};

#[path = "../../../fuzz/src/omdc.rs"]
mod checks;
use checks::text;

const MESSAGES: &str = include_str!("vectors/omdc.txt");
const PACKETS: &str = include_str!("vectors/omdc_packet.txt");

#[test]
fn every_field_of_every_type_reads_as_the_python_encoder_wrote_it() {
    let mut kinds = BTreeMap::new();
    for (kind, bytes, fields) in vectors(MESSAGES) {
        let kind: u16 = kind.parse().expect("a type");
        assert_eq!(text(&bytes).as_deref(), Some(fields));
        assert_eq!(omdc::type_of(&bytes), Some(kind));
        assert!(bytes.len() >= omdc::min_length_of(kind).expect("a known type"));
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 32);
    assert!(kinds.values().all(|styles| *styles == 3), "{kinds:?}");
    assert!(NAMES.iter().all(|row| kinds.contains_key(&row.kind)));
}

#[test]
fn a_message_cut_at_any_length_is_refused_and_a_longer_one_is_read() {
    for (kind, bytes, fields) in vectors(MESSAGES) {
        let fixed = omdc::min_length_of(kind.parse().expect("a type")).expect("a known type");
        for length in 0..fixed {
            assert_eq!(text(&bytes[..length]), None, "{length} bytes of {fields}");
        }
        for length in fixed..bytes.len() {
            // A group that is cut loses entries and nothing else.
            let front = text(&bytes[..length]).expect("the fixed part");
            assert!(fields.starts_with(&front) && front.len() < fields.len(), "{length}: {front}");
        }
        let longer = [&bytes[..], b"appended by the venue"].concat();
        assert_eq!(text(&longer).as_deref(), Some(fields));
    }
}

/// What a packet holds, as the Python encoder states it.
fn summary(datagram: &[u8]) -> String {
    let packet = match Packet::parse(datagram) {
        Ok(packet) => packet,
        Err(error) => return format!("!{error:?}"),
    };
    let messages: Vec<String> = packet.messages().map(hex).collect();
    let (seq, next, sent) = (packet.seq(), packet.next_seq(), packet.header().send_time.get());
    format!("{seq}|{next}|{sent}|{}", messages.join(","))
}

#[test]
fn packets_read_as_the_python_encoder_wrote_them_and_are_written_the_same() {
    let mut good = 0;
    for (name, bytes, want) in vectors(PACKETS) {
        assert_eq!(summary(&bytes), want, "{name}");
        let Ok(packet) = Packet::parse(&bytes) else { continue };
        let (seq, sent) = (packet.seq(), packet.header().send_time.get());
        let mut buffer = [0xAA; PACKET_MAX];
        let mut writer = PacketWriter::new(&mut buffer, seq, sent).expect("room for a header");
        packet.messages().for_each(|message| writer.push(message).expect("room"));
        assert_eq!(writer.is_empty(), packet.is_heartbeat());
        assert_eq!(hex(writer.finish()), hex(&bytes), "{name}");
        good += 1;
    }
    assert_eq!(good, 10);
}

#[test]
fn a_packet_cut_at_any_length_is_refused_whole() {
    for (_, bytes, want) in vectors(PACKETS).into_iter().filter(|row| !row.2.starts_with('!')) {
        for length in 0..bytes.len() {
            let short = if length < HEADER_LEN { PacketError::Short } else { PacketError::Size };
            assert_eq!(Packet::parse(&bytes[..length]).err(), Some(short), "{length} of {want}");
        }
    }
}

#[test]
fn an_order_is_the_thirty_two_bytes_of_the_sheet() {
    let add = AddOrder {
        security_code: 700.into(),
        order_id: 0x0102_0304_0506_0708.into(),
        price_e3: 345_600.into(),
        quantity: 500.into(),
        side: 1.into(),
        order_type: order_type::LIMIT,
        order_book_position: 3.into(),
        ..AddOrder::blank()
    };
    let want = unhex("2000 1e00 bc020000 0807060504030201 00460500 f4010000 0100 32 00 03000000");
    assert_eq!(hex(add.bytes()), hex(&want));
}

#[test]
fn a_group_is_written_behind_its_front_and_read_back() {
    let mut buffer = [0; PACKET_MAX];
    let mut writer = PacketWriter::new(&mut buffer, 1, 2).expect("room");
    let mut definition = SecurityDefinition::blank();
    definition.no_underlying_securities = 2.into();
    let codes = [5u32, 99_999];
    let entries =
        codes.map(|code| UnderlyingEntry { underlying_security_code: code.into(), filler: [0; 4] });
    writer.push_group(definition.bytes(), &entries).expect("room");
    let packet = Packet::parse(writer.finish()).expect("a packet");
    let message = packet.messages().next().expect("a message");
    assert_eq!(message.len(), 560);
    let read = SecurityDefinition::parse(message).expect("a definition");
    assert_eq!(read.header.msg_size.get(), 560);
    let underlyings = read.underlyings(message);
    assert!(underlyings.is_whole());
    let found: Vec<u32> = underlyings.map(|entry| entry.underlying_security_code.get()).collect();
    assert_eq!(found, codes);
    assert!(!read.underlyings(&message[..559]).is_whole());
}

#[test]
fn a_full_packet_takes_no_more_and_stays_whole() {
    let mut buffer = [0; 4_096];
    let mut writer = PacketWriter::new(&mut buffer, 1, 2).expect("room");
    let add = AddOrder::blank();
    let room = (PACKET_MAX - HEADER_LEN) / 32;
    (0..room).for_each(|_| writer.push(add.bytes()).expect("room"));
    assert_eq!(writer.push(add.bytes()), Err(PacketFull));
    assert_eq!(writer.push_group(add.bytes(), &[0u64; 9_000]), Err(PacketFull));
    assert_eq!(writer.push(&[1, 2, 3]), Err(PacketFull), "no header");
    let packet = Packet::parse(writer.finish()).expect("a packet");
    assert_eq!((usize::from(packet.count()), packet.next_seq()), (room, 1 + room as u32));

    let mut buffer = [0; 4_096];
    let mut writer = PacketWriter::limited(&mut buffer, 4_096, 1, 2).expect("room");
    (0..255).for_each(|_| writer.push(&[4, 0, 1, 0]).expect("room"));
    assert_eq!(writer.push(&[4, 0, 1, 0]), Err(PacketFull), "the count is a byte");
    assert_eq!(PacketWriter::new(&mut [0; 15], 1, 2).map(|writer| writer.len()), None);
    assert_eq!(size_of::<BookEntry>(), 24);
}

#[test]
fn seeds_of_omdc_pass() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/omdc");
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        checks::omdc(&seed);
        seeds += 1;
    }
    assert!(seeds >= 22, "{seeds} seeds of omdc");
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::omdc(&data);
    }
}
