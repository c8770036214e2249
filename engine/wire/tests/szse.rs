//! Shenzhen frames and messages against the Python encoder.

mod support;

#[path = "../../../fuzz/src/szse.rs"]
mod checks;

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::num::BeI64;
use nofx_wire::szse::{
    BODY_MAX, Entry, EntryHead, Frame, FrameError, FrameWriter, HEARTBEAT_FRAME, LocalTime, Logon,
    Message, Order, Resend, Short, SnapshotHead, entry_price, entry_type, frame_len, local_time,
    next_frame, price_of, price_of_entry, put_frame, put_snapshot, qty_e2, shares_of, text,
};
use support::vectors;

const VECTORS: &str = include_str!("vectors/szse.txt");

/// The frame at the front of `bytes`, which is all of them.
fn whole(bytes: &[u8]) -> Frame<'_> {
    let (frame, used) = next_frame(bytes).expect("a sound frame").expect("a whole frame");
    assert_eq!(used, bytes.len());
    frame
}

#[test]
fn frames_read_as_the_python_encoder_wrote_them_and_write_back_equal() {
    let rows = vectors(VECTORS);
    let mut kinds: Vec<&str> = rows.iter().map(|(kind, ..)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 14);
    for (kind, bytes, expected) in rows {
        let frame = whole(&bytes);
        assert_eq!(frame.msg_type.to_string(), kind);
        assert_eq!(frame_len(&bytes), bytes.len());
        assert_eq!(checks::text(frame).as_deref(), Some(expected));
        let again = checks::again(frame).expect("long enough");
        if frame.msg_type == Order::TYPE && frame.body.len() == Order::WIDE {
            assert_eq!(whole(&again).body, &frame.body[..51], "what is behind is not known");
        } else {
            assert_eq!(again, bytes, "{expected}");
        }
    }
}

#[test]
fn a_frame_cut_anywhere_waits_and_a_body_cut_anywhere_is_short() {
    for (_, bytes, expected) in vectors(VECTORS) {
        for length in 0..bytes.len() {
            assert_eq!(next_frame(&bytes[..length]), Ok(None), "{expected} cut to {length}");
            let told = frame_len(&bytes[..length]);
            assert_eq!(told, if length < 8 { 8 } else { bytes.len() });
        }
        let Frame { msg_type, body } = whole(&bytes);
        let fixed = match Message::parse(Frame { msg_type, body }).expect(expected) {
            Message::Other(_) => continue,
            Message::Order(_) => 51,
            _ => body.len(),
        };
        for got in 0..fixed {
            let cut = Frame { msg_type, body: &body[..got] };
            assert_eq!(Message::parse(cut), Err(Short { msg_type, got }), "{expected}");
        }
        let longer = [body, b"appended"].concat();
        let read = checks::text(Frame { msg_type, body: &longer });
        assert_eq!(read.as_deref(), Some(expected), "fields are appended over the years");
    }
}

#[test]
fn a_byte_that_changed_breaks_the_stream() {
    for (_, bytes, _) in vectors(VECTORS) {
        for at in (0..bytes.len()).filter(|at| !(4..8).contains(at)) {
            let mut bad = bytes.clone();
            bad[at] = bad[at].wrapping_add(1);
            assert!(matches!(next_frame(&bad), Err(FrameError::Checksum { .. })), "byte {at}");
        }
    }
    let mut long = put(3, &[]);
    long[4..8].copy_from_slice(&(BODY_MAX as u32 + 1).to_be_bytes());
    let length = BODY_MAX as u32 + 1;
    assert_eq!(next_frame(&long), Err(FrameError::TooLong { msg_type: 3, length }));
}

fn put(msg_type: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 12];
    assert_eq!(put_frame(&mut out, msg_type, body), Some(body.len() + 12));
    out
}

#[test]
fn a_frame_that_does_not_fit_is_not_written() {
    for room in 0..16 {
        assert_eq!(put_frame(&mut vec![0; room], 1, b"four"), None, "{room}");
    }
    let mut out = [0; 16];
    let mut frame = FrameWriter::new(&mut out, 1);
    frame.push(b"fo");
    frame.push(b"ur");
    frame.push(b"");
    assert_eq!(frame.finish(), Some(16));
    assert_eq!(out.as_slice(), put(1, b"four"));
    assert_eq!(put(3, &[]), HEARTBEAT_FRAME);
}

#[test]
fn a_re_transmit_request_is_the_one_of_the_sheet() {
    let mut want = vec![1, 0x07, 0xDD];
    want.extend(7i64.to_be_bytes());
    want.extend(0i64.to_be_bytes());
    want.extend([b' '; 8]);
    want.push(0);
    want.extend([b' '; 16]);
    assert_eq!(Resend::ticks(2_013, 7, 0).bytes(), want);
    assert_eq!(text::<16>("secret"), Some(*b"secret          "));
    assert_eq!(text::<4>("secret"), None);
    assert_eq!(Logon::TYPE, 1);
}

#[test]
fn numbers_have_the_units_of_the_sheet() {
    // A share quantity of 100 travels as 10,000; 18.64 as 186,400 in ticks, 18,640,000 in snapshots.
    assert_eq!(shares_of(BeI64::new(10_000)), Some(Qty(100)));
    assert_eq!(price_of(BeI64::new(186_400)), Price(186_400));
    assert_eq!(price_of_entry(BeI64::new(18_640_000)), Some(Price(186_400)));
    assert_eq!(qty_e2(Qty(100)), BeI64::new(10_000));
    assert_eq!(entry_price(Price(186_400)), BeI64::new(18_640_000));
    for odd in [1, 99, 101, -100, -1, i64::MIN] {
        assert_eq!(shares_of(BeI64::new(odd)), None, "{odd}");
    }
    assert_eq!(price_of_entry(BeI64::new(18_640_050)), None);
    assert_eq!(qty_e2(Qty(u64::MAX)).get() % 100, 0);
}

#[test]
fn local_times_are_china_s() {
    let mut clock = LocalTime::default();
    // 2023-02-01 09:15:00.123 in Shenzhen is 01:15:00.123 UTC; seconds from the date command.
    let at = Nanos(1_675_214_100_123_000_000);
    let stamp = BeI64::new(20_230_201_091_500_123);
    assert_eq!(clock.nanos(stamp), Some(at));
    assert_eq!(clock.nanos(stamp), Some(at), "the remembered one");
    assert_eq!(local_time(at), stamp);
    assert_eq!(local_time(Nanos(at.0 + 999_999)), stamp, "cut to milliseconds");
    for no_time in [
        0,
        -1,
        i64::MIN,
        i64::MAX,
        91_500_123,
        20_230_229_091_500_000,
        20_230_201_240_000_000,
        20_230_201_096_000_000,
        20_230_201_091_560_000,
        19_700_101_010_000_000,
    ] {
        assert_eq!(clock.nanos(BeI64::new(no_time)), None, "{no_time}");
    }
    assert_eq!(clock.nanos(stamp), Some(at), "a bad one leaves no trace");
    for ms in (0..2_000_000_000_000u64).step_by(86_399_999) {
        let at = Nanos((86_400_000 + ms) * 1_000_000);
        assert_eq!(clock.nanos(local_time(at)), Some(at));
    }
}

#[test]
fn a_snapshot_is_written_with_its_counts() {
    let head = SnapshotHead {
        orig_time: BeI64::new(20_230_201_093_000_000),
        channel_no: 1_011.into(),
        md_stream_id: *b"010",
        security_id: *b"000001  ",
        security_id_source: *b"102 ",
        trading_phase_code: *b"T0      ",
        prev_close_px: BeI64::new(149_900),
        num_trades: BeI64::new(1),
        total_volume_trade: qty_e2(Qty(100)),
        total_value_trade: BeI64::new(15_000_000),
        no_md_entries: 9.into(),
    };
    let level = EntryHead {
        md_entry_type: entry_type::BID,
        md_entry_px: entry_price(Price(149_900)),
        md_entry_size: qty_e2(Qty(300)),
        md_price_level: 1.into(),
        number_of_orders: BeI64::new(2),
        no_orders: 9.into(),
    };
    let queue = [qty_e2(Qty(100)), qty_e2(Qty(200))];
    let mut out = [0; 256];
    let entries = [Entry { head: level, queue: &queue }, Entry { head: level, queue: &[] }];
    let length = put_snapshot(&mut out, &head, &entries).expect("it fits");
    let Ok(Message::Snapshot(read)) = Message::parse(whole(&out[..length])) else { panic!("one") };
    let counts: Vec<_> = read.entries().map(|e| (e.head.no_orders.get(), e.queue.len())).collect();
    assert_eq!((read.head.no_md_entries.get(), counts), (2, vec![(2, 2), (0, 0)]));
    assert_eq!(put_snapshot(&mut out[..length - 1], &head, &entries), None);
}

#[test]
fn seeds_of_szse_md_pass() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/szse_md");
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        (0..=seed.len()).for_each(|length| checks::szse_md(&seed[..length]));
        seeds += 1;
    }
    assert!(seeds >= 60, "{seeds} seeds");
}
