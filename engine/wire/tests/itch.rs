//! ITCH against the Python encoder and real captures: each field, each length, each kind.

mod support;

use std::collections::BTreeMap;

use nofx_wire::itch::{self, file};
use nofx_wire::mold::Packet;
use proptest::prelude::*;
use support::checks::{self, itch_text};
use support::{capture, pcaps, udp_payloads, vectors};

const VECTORS: &str = include_str!("vectors/itch.txt");

#[test]
fn every_field_of_every_kind_reads_as_the_python_encoder_wrote_it() {
    let mut kinds = BTreeMap::new();
    for (kind, body, fields) in vectors(VECTORS) {
        assert_eq!(itch_text(&body).as_deref(), Some(fields));
        let (name, _) = fields.split_once(' ').expect("a record name");
        assert_eq!(itch::name_of(body[0]), Some(name));
        assert_eq!(itch::length_of(body[0]), Some(body.len()));
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 23);
    assert!(kinds.values().all(|&styles| styles == 3), "{kinds:?}");
}

#[test]
fn a_message_cut_at_any_length_is_refused_and_a_longer_one_is_read() {
    for (_, body, fields) in vectors(VECTORS) {
        for length in 0..body.len() {
            assert_eq!(itch_text(&body[..length]), None, "{length} bytes of {fields}");
        }
        let longer = [&body[..], b"appended by the venue"].concat();
        assert_eq!(itch_text(&longer).as_deref(), Some(fields));
    }
}

#[test]
fn the_kind_tables_know_exactly_23_kinds() {
    let known: Vec<u8> = (0..=u8::MAX).filter(|&kind| itch::length_of(kind).is_some()).collect();
    let mut named: Vec<u8> = itch::NAMES.iter().map(|row| row.kind).collect();
    named.sort_unstable();
    assert_eq!(known, named);
    assert_eq!(known, b"ABCDEFHIJKLNOPQRSUVWXYh");
    for kind in 0..=u8::MAX {
        assert_eq!(itch::name_of(kind).is_some(), itch::length_of(kind).is_some());
    }
    assert_eq!(itch::LENGTH_MAX, 50);
}

/// Fields of captured messages as read by Python `struct`, one of each kind that was captured.
const CAPTURED: &[(&str, &str)] = &[
    (
        "AddOrderNoMPID",
        "AddOrder { kind: 'A', stock_locate: 5528, tracking: 0, ts_ns: 34199999894278, order_ref: 23508286, side: 'B', shares: 1600, stock: \"IVOO    \", price_e4: 873900 }",
    ),
    (
        "AddOrderWithMPID",
        "AddOrderMpid { kind: 'F', stock_locate: 1738, tracking: 0, ts_ns: 34199999977782, order_ref: 18923125, side: 'S', shares: 100, stock: \"CASY    \", price_e4: 2555200, mpid: \"FLTU\" }",
    ),
    (
        "CrossTrade",
        "CrossTrade { kind: 'Q', stock_locate: 8231, tracking: 2, ts_ns: 34200000781447, shares: 5577, stock: \"PTGX    \", price_e4: 195600, match_number: 255561, cross_type: 'O' }",
    ),
    (
        "LULDAuctionCollar",
        "LuldCollar { kind: 'J', stock_locate: 11320, tracking: 0, ts_ns: 34516303768822, stock: \"ZVZZT   \", reference_price_e4: 270200, upper_price_e4: 330200, lower_price_e4: 243200, extension_cnt: 1 }",
    ),
    (
        "MarketParticipantPosition",
        "ParticipantPosition { kind: 'L', stock_locate: 3586, tracking: 0, ts_ns: 34320828893814, mpid: \"RILY\", stock: \"FBIO    \", primary_market_maker: 'Y', market_maker_mode: 'N', participant_state: 'E' }",
    ),
    (
        "NetOrderImbalanceIndicator",
        "Noii { kind: 'I', stock_locate: 6462, tracking: 0, ts_ns: 34200000268978, paired_shares: 1, imbalance_shares: 0, imbalance_direction: 'N', stock: \"MDC     \", far_price_e4: 464400, near_price_e4: 464400, reference_price_e4: 464400, cross_type: 'O', price_variation: 'L' }",
    ),
    (
        "NonCrossTrade",
        "Trade { kind: 'P', stock_locate: 749, tracking: 4, ts_ns: 34200000997052, order_ref: 0, side: 'B', shares: 4, stock: \"ASML    \", price_e4: 6795200, match_number: 255574 }",
    ),
    (
        "OrderCancel",
        "OrderCancel { kind: 'X', stock_locate: 6485, tracking: 0, ts_ns: 34200006901693, order_ref: 21259975, shares: 2000 }",
    ),
    (
        "OrderDelete",
        "OrderDelete { kind: 'D', stock_locate: 1109, tracking: 0, ts_ns: 34199999912765, order_ref: 18906389 }",
    ),
    (
        "OrderExecuted",
        "OrderExecuted { kind: 'E', stock_locate: 11214, tracking: 2, ts_ns: 34200000566216, order_ref: 26890664, shares: 699, match_number: 255552 }",
    ),
    (
        "OrderExecutedWithPrice",
        "OrderExecutedWithPrice { kind: 'C', stock_locate: 11233, tracking: 1, ts_ns: 34200001652818, order_ref: 10138168, shares: 4, match_number: 255626, printable: 'N', price_e4: 8500 }",
    ),
    (
        "OrderReplace",
        "OrderReplace { kind: 'U', stock_locate: 3709, tracking: 0, ts_ns: 34199999842535, order_ref: 22987054, new_order_ref: 23508278, shares: 100, price_e4: 1614000 }",
    ),
    (
        "RegSHORestriction",
        "RegSho { kind: 'Y', stock_locate: 11203, tracking: 0, ts_ns: 34200161634344, stock: \"YCBD-A  \", action: '1' }",
    ),
    (
        "StockTradingAction",
        "TradingAction { kind: 'H', stock_locate: 6285, tracking: 0, ts_ns: 34241583109014, stock: \"LTRY    \", trading_state: 'P', reserved: ' ', reason: \"LUDP\" }",
    ),
    (
        "SystemEvent",
        "SystemEvent { kind: 'S', stock_locate: 0, tracking: 0, ts_ns: 34200000070384, event_code: 'Q' }",
    ),
];

#[test]
fn captured_messages_read_as_python_reads_them() {
    let folder = "omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0.20230822";
    let Some(folder) = capture(folder) else { return };
    assert_eq!(pcaps(&folder).len(), CAPTURED.len());
    for (file, fields) in CAPTURED {
        let payloads = udp_payloads(&folder.join(format!("{file}.pcap")));
        assert_eq!(payloads.len(), if *file == "SystemEvent" { 1 } else { 5 });
        let mut texts = Vec::new();
        for payload in &payloads {
            let packet = Packet::parse(payload).expect("a whole packet");
            assert_eq!((packet.count(), packet.trailing()), (1, 0));
            for block in packet.blocks() {
                assert_eq!(itch::length_of(block[0]), Some(block.len()));
                texts.extend(itch_text(block));
            }
        }
        assert!(texts.iter().any(|text| text == fields), "{file}: {texts:#?}");
    }
}

#[test]
fn the_stored_burst_has_the_counts_that_its_readme_states() {
    let Some(path) = capture("nasdaq-itch50/12302019_SNIPPET.NASDAQ_ITCH50") else { return };
    let bytes = std::fs::read(path).expect("a readable capture");
    assert_eq!(bytes.len(), 35_570);
    assert!(file::looks_like(&bytes));

    let mut counts = BTreeMap::new();
    let (mut rest, mut first_ns, mut last_ns) = (&bytes[..], None, 0);
    while let file::Front::Record { body, rest: after } = file::front(rest) {
        assert_eq!(itch::length_of(body[0]), Some(body.len()));
        let header = itch::Header::parse(body).expect("eleven bytes");
        assert!(header.ts_ns.get() >= last_ns);
        last_ns = header.ts_ns.get();
        first_ns.get_or_insert(last_ns);
        *counts.entry(char::from(body[0])).or_insert(0) += 1;
        if let Some(event) = itch::SystemEvent::parse(body).filter(|event| event.kind == b'S') {
            assert_eq!((event.event_code, last_ns), (b'Q', 34_200_000_075_566));
        }
        rest = after;
    }
    assert_eq!(file::front(rest), file::Front::Empty, "cut without a closing record");
    let expected = [
        ('A', 367),
        ('C', 1),
        ('D', 167),
        ('E', 28),
        ('F', 193),
        ('I', 4),
        ('P', 4),
        ('Q', 4),
        ('S', 1),
        ('U', 225),
        ('X', 6),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!((first_ns, last_ns), (Some(34_200_000_000_230), 34_200_002_364_611));
}

#[test]
fn a_stored_file_cut_anywhere_is_told_from_one_that_ended() {
    let records: Vec<u8> = vectors(VECTORS)
        .iter()
        .take(3)
        .flat_map(|(_, body, _)| [&(body.len() as u16).to_be_bytes()[..], body].concat())
        .collect();
    let ends = [0, 14, 55, 82];
    for length in 0..=records.len() {
        let mut rest = &records[..length];
        while let file::Front::Record { rest: after, .. } = file::front(rest) {
            rest = after;
        }
        let whole = ends.contains(&length);
        let expected = if whole { file::Front::Empty } else { file::Front::Cut };
        assert_eq!(file::front(rest), expected, "{length} bytes");
    }
    assert_eq!(file::front(&[0, 0, 9, 9]), file::Front::EndOfSession);
}

#[test]
fn content_that_is_not_a_stored_file_is_recognised() {
    let pcap = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0];
    let wrong_length = [0, 13, b'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'O', 0];
    for bytes in [&pcap[..], &wrong_length, &[], &[0, 0], &[0]] {
        assert!(!file::looks_like(bytes), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        checks::itch(&bytes);
    }

    #[test]
    fn no_bytes_after_a_known_kind_make_a_decoder_panic(
        row in 0..itch::NAMES.len(),
        tail in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        checks::itch(&[&[itch::NAMES[row].kind], &tail[..]].concat());
    }
}
