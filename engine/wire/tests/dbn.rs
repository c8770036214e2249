//! The market-by-order record against the bytes of Databento's own crate.

use dbn::record::HasRType;
use dbn::{FlagSet, MboMsg, RecordHeader, rtype};
use nofx_wire::dbn::RecordHeader as Front;
use nofx_wire::dbn::{Mbo, RTYPE_MBO, UNDEF_PRICE, UNDEF_TIME, flags, split_record};

fn reference() -> MboMsg {
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 0x0102, 0x0304_0506, 0x0708_090A_0B0C_0D0E),
        order_id: 0x1112_1314_1516_1718,
        price: -0x2122_2324_2526_2728,
        size: 0x3132_3334,
        flags: FlagSet::new(0xA9),
        channel_id: 0x42,
        action: b'M' as _,
        side: b'A' as _,
        ts_recv: 0x5152_5354_5556_5758,
        ts_in_delta: -0x6162_6364,
        sequence: 0x7172_7374,
    }
}

#[test]
fn every_field_is_where_the_dbn_crate_puts_it() {
    let message = reference();
    let bytes: &[u8] = message.as_ref();
    assert_eq!(bytes.len(), 56);
    let view = Mbo::parse(bytes).expect("a whole record");
    assert_eq!(usize::from(view.length_words) * 4, message.hd.record_size());
    assert_eq!(view.rtype, RTYPE_MBO);
    assert_eq!(view.publisher_id.get(), message.hd.publisher_id);
    assert_eq!(view.instrument_id.get(), message.hd.instrument_id);
    assert_eq!(view.ts_event_ns.get(), message.hd.ts_event);
    assert_eq!(view.order_id.get(), message.order_id);
    assert_eq!(view.price_e9.get(), message.price);
    assert_eq!(view.size.get(), message.size);
    assert_eq!(view.flags, message.flags.raw());
    assert_eq!(view.channel_id, message.channel_id);
    assert_eq!((view.action, view.side), (b'M', b'A'));
    assert_eq!(view.ts_recv_ns.get(), message.ts_recv);
    assert_eq!(view.ts_in_delta_ns.get(), message.ts_in_delta);
    assert_eq!(view.sequence.get(), message.sequence);
    assert_eq!(view.bytes(), bytes);
}

#[test]
fn constants_are_those_of_the_dbn_crate() {
    assert_eq!(UNDEF_PRICE, dbn::UNDEF_PRICE);
    assert_eq!(UNDEF_TIME, dbn::UNDEF_TIMESTAMP);
    let ours = [
        flags::LAST,
        flags::TOB,
        flags::SNAPSHOT,
        flags::MBP,
        flags::BAD_TS_RECV,
        flags::MAYBE_BAD_BOOK,
    ];
    let theirs = [
        dbn::flags::LAST,
        dbn::flags::TOB,
        dbn::flags::SNAPSHOT,
        dbn::flags::MBP,
        dbn::flags::BAD_TS_RECV,
        dbn::flags::MAYBE_BAD_BOOK,
    ];
    assert_eq!(ours, theirs);
    assert!(MboMsg::has_rtype(RTYPE_MBO.into()));
}

#[test]
fn a_record_cut_at_any_length_is_refused() {
    let message = reference();
    let bytes: &[u8] = message.as_ref();
    for length in 0..bytes.len() {
        assert!(Mbo::parse(&bytes[..length]).is_none());
        assert!(split_record(&bytes[..length]).is_none());
        assert_eq!(Front::parse(&bytes[..length]).is_some(), length >= 16);
    }
    let two = [bytes, &bytes[..20]].concat();
    assert_eq!(split_record(&two), Some((bytes, &bytes[..20])));
}

#[test]
fn a_record_that_says_less_than_its_header_is_refused() {
    for words in 0..4 {
        assert_eq!(split_record(&[words; 64]), None);
    }
    assert_eq!(split_record(&[4; 64]).map(|(record, _)| record.len()), Some(16));
}
