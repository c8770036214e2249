//! IEX against the Python encoder, single captured messages and real captures.

mod support;

use std::collections::BTreeMap;

use nofx_wire::iex::{self, HEADER_LEN, Protocol, Segment, SegmentError};
use proptest::prelude::*;
use support::checks::{self, iex_text};
use support::{capture, hex, pcaps, udp_payloads, unhex, vectors};

const MESSAGES: &str = include_str!("vectors/iex.txt");
const SEGMENTS: &str = include_str!("vectors/segment.txt");

fn protocol_of(text: &str) -> Protocol {
    let id = u16::from_str_radix(text.trim_start_matches("0x"), 16).expect("a protocol id");
    let protocol = Protocol::from_id(id).expect("a known protocol");
    assert_eq!(protocol.id(), id);
    protocol
}

#[test]
fn every_field_of_every_kind_reads_as_the_python_encoder_wrote_it() {
    let mut kinds = BTreeMap::new();
    for (id, body, fields) in vectors(MESSAGES) {
        let protocol = protocol_of(id);
        assert_eq!(iex_text(protocol, &body).as_deref(), Some(fields));
        assert_eq!(iex::min_length_of(protocol, body[0]), Some(body.len()));
        *kinds.entry((id, body[0])).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 51);
    assert!(kinds.values().all(|&styles| styles == 3), "{kinds:?}");
    for protocol in [Protocol::Tops15, Protocol::Tops16, Protocol::Deep, Protocol::DeepPlus] {
        let known = (0..=u8::MAX).filter(|&kind| iex::min_length_of(protocol, kind).is_some());
        let listed = kinds.keys().filter(|(id, _)| protocol_of(id) == protocol);
        assert_eq!(known.count(), listed.count());
    }
}

#[test]
fn a_message_cut_at_any_length_is_refused_and_a_longer_one_is_read() {
    for (id, body, fields) in vectors(MESSAGES) {
        for length in 0..body.len() {
            let text = iex_text(protocol_of(id), &body[..length]);
            assert_eq!(text, None, "{length} bytes of {fields}");
        }
        let longer = [&body[..], b"appended by the venue"].concat();
        assert_eq!(iex_text(protocol_of(id), &longer).as_deref(), Some(fields));
    }
}

/// Messages out of public captures (HIST), with their meaning by the specifications.
const SHEET: &[(Protocol, &str, &str)] = &[
    (
        Protocol::Deep,
        "3801be7f13353ae25d165620202020202020be000000b4f01e0000000000",
        "PriceLevelUpdate { kind: '8', event_flags: 0x01, ts_ns: 1611692981294956478, symbol: \"V       \", shares: 190, price_e4: 2027700 }",
    ),
    (
        Protocol::Deep,
        "35012ab9d8623ae25d16554e48202020202052000000f882340000000000",
        "PriceLevelUpdate { kind: '5', event_flags: 0x01, ts_ns: 1611692982062856490, symbol: \"UNH     \", shares: 82, price_e4: 3441400 }",
    ),
    (
        Protocol::DeepPlus,
        "61351e7711156155fa1749424b52202020200a000000000063006400000008d4140000000000",
        "AddOrder { kind: 'a', side: '5', ts_ns: 1727787282503661342, symbol: \"IBKR    \", order_id: 27866022694354954, shares: 100, price_e4: 1365000 }",
    ),
    (
        Protocol::DeepPlus,
        "4d00ce8b8436a455fa1749424b5220202020ae00000000006300c8000000841b150000000000",
        "OrderModify { kind: 'M', flags: 0x00, ts_ns: 1727787570827660238, symbol: \"IBKR    \", order_id: 27866022694355118, shares: 200, price_e4: 1383300 }",
    ),
    (
        Protocol::DeepPlus,
        "52204a97fec26155fa1749424b52202020200a00000000006300",
        "OrderDelete { kind: 'R', reserved: ' ', ts_ns: 1727787285421659978, symbol: \"IBKR    \", order_id: 27866022694354954 }",
    ),
    (
        Protocol::DeepPlus,
        "4c409c378e7c6855fa1749424b52202020200d0000000000630064000000a00e1500000000001800000000006300",
        "OrderExecuted { kind: 'L', sale_flags: '@', ts_ns: 1727787314304661404, symbol: \"IBKR    \", order_id: 27866022694354957, shares: 100, price_e4: 1380000, trade_id: 27866022694354968 }",
    ),
    (
        Protocol::DeepPlus,
        "5440ecfd4fba8a55fa1749424b52202020206400000074f41400000000009000000000006300",
        "Trade { kind: 'T', sale_flags: '@', ts_ns: 1727787461369658860, symbol: \"IBKR    \", shares: 100, price_e4: 1373300, trade_id: 27866022694355088 }",
    ),
    (
        Protocol::DeepPlus,
        "42002728e4dd2858fa175446432020202020640000007070060000000000ee01000000006300",
        "TradeBreak { kind: 'B', sale_flags: 0x00, ts_ns: 1727790339594659879, symbol: \"TFC     \", shares: 100, price_e4: 422000, trade_id: 27866022694355438 }",
    ),
    (
        Protocol::DeepPlus,
        "4480ec9cc97bba45fa175a4558495420202064000000a08601000000000001",
        "SecurityDirectory { kind: 'D', flags: 0x80, ts_ns: 1727770074293050604, symbol: \"ZEXIT   \", round_lot_size: 100, adjusted_close_e4: 100000, luld_tier: 0x01 }",
    ),
    (
        Protocol::DeepPlus,
        "454f307fca1e4e57fa174120202020202020",
        "SecurityEvent { kind: 'E', event: 'O', ts_ns: 1727789400085659440, symbol: \"A       \" }",
    ),
    (
        Protocol::DeepPlus,
        "534f653658deb745fa17",
        "SystemEvent { kind: 'S', event_code: 'O', ts_ns: 1727770063061661285 }",
    ),
];

#[test]
fn the_captured_messages_of_the_sheet_mean_what_it_says() {
    for (protocol, bytes, fields) in SHEET {
        assert_eq!(iex_text(*protocol, &unhex(bytes)).as_deref(), Some(*fields));
    }
}

#[test]
fn the_captured_headers_of_the_sheet_mean_what_it_says() {
    let heartbeat = unhex(
        "01000480 01000000 0000dd48 0000 0000 0000000000000000 0100000000000000 af326a0223e05d16",
    );
    let segment = Segment::parse(&heartbeat).expect("a heartbeat");
    let header = segment.header();
    assert_eq!(Protocol::from_id(header.protocol_id.get()), Some(Protocol::Deep));
    assert_eq!((header.channel_id.get(), header.session_id.get()), (1, 0x48DD_0000));
    assert_eq!((segment.next_seq(), segment.next_offset()), (1, 0));
    assert_eq!(header.send_ns.get(), 1_611_690_682_637_497_007);
    assert!(segment.is_heartbeat());

    let mut data = unhex(
        "01000580 01000000 00001d4e 2800 0100 cd490f0000000000 2eb8000000000000 db289e166155fa17",
    );
    assert_eq!(Segment::parse(&data).err(), Some(SegmentError::PayloadOverrun));
    data.extend([38, 0]);
    data.extend(unhex(SHEET[2].1));
    let segment = Segment::parse(&data).expect("a whole segment");
    assert_eq!((segment.seq(), segment.count(), segment.missing()), (47_150, 1, 0));
    assert_eq!((segment.next_seq(), segment.next_offset()), (47_151, 1_001_933 + 40));
}

/// What a segment holds, as the Python encoder states it.
fn summary(datagram: &[u8]) -> String {
    let segment = match Segment::parse(datagram) {
        Ok(segment) => segment,
        Err(error) => return format!("!{error:?}"),
    };
    let blocks: Vec<String> = segment.blocks().map(hex).collect();
    assert_eq!(blocks.len(), usize::from(segment.count()));
    [
        segment.seq().to_string(),
        segment.next_seq().to_string(),
        segment.next_offset().to_string(),
        blocks.join(","),
        segment.missing().to_string(),
        segment.trailing().to_string(),
    ]
    .join("|")
}

#[test]
fn segments_read_as_the_python_encoder_wrote_them() {
    let rows = vectors(SEGMENTS);
    assert_eq!(rows.len(), 18);
    for (name, datagram, expected) in rows {
        assert_eq!(summary(&datagram), expected, "{name}");
    }
}

#[test]
fn a_segment_cut_at_any_length_is_refused() {
    for (name, datagram, expected) in vectors(SEGMENTS) {
        let whole = !expected.starts_with('!') && expected.ends_with("|0");
        for length in (0..datagram.len()).filter(|_| whole) {
            let error = Segment::parse(&datagram[..length]).err();
            let short = length < HEADER_LEN;
            let expected = if short { SegmentError::Short } else { SegmentError::PayloadOverrun };
            assert_eq!(error, Some(expected), "{length} bytes of {name}");
        }
    }
}

#[test]
fn captured_segments_have_the_counts_that_the_readme_states() {
    let Some(folder) = capture("omi-data-packets/Iex/Deep.IexTp.v1.0") else { return };
    for file in pcaps(&folder) {
        for payload in udp_payloads(&file) {
            let segment = Segment::parse(&payload).expect("a whole segment");
            assert_eq!(segment.header().protocol_id.get(), Protocol::DEEP);
            assert_eq!((segment.missing(), segment.trailing()), (0, 0));
        }
    }

    let Some(folder) = capture("omi-data-packets/Iex/DeepPlus.IexTp.1.0.2") else { return };
    assert_eq!(pcaps(&folder).len(), 14);
    let mut counts = BTreeMap::new();
    for payload in udp_payloads(&folder.join("all_message_types.pcap")) {
        let segment = Segment::parse(&payload).expect("a whole segment");
        assert_eq!((segment.missing(), segment.trailing()), (0, 0));
        for block in segment.blocks() {
            assert_eq!(iex::min_length_of(Protocol::DeepPlus, block[0]), Some(block.len()));
            assert!(iex_text(Protocol::DeepPlus, block).is_some());
            *counts.entry(char::from(block[0])).or_insert(0) += 1;
        }
    }
    let expected = [
        ('S', 5),
        ('D', 1),
        ('H', 97),
        ('I', 96),
        ('O', 101),
        ('P', 101),
        ('E', 35),
        ('a', 1),
        ('M', 1),
        ('R', 1),
        ('L', 3),
        ('T', 4),
        ('B', 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

proptest! {
    #[test]
    fn no_datagram_makes_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::iex(&bytes);
    }

    #[test]
    fn a_damaged_segment_is_refused_or_adds_up(
        row in 0..18usize,
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut datagram = vectors(SEGMENTS).swap_remove(row).1;
        let at = at.index(datagram.len());
        datagram[at] = value;
        checks::iex(&datagram);
    }
}
