//! The far end of the wire: reads what the client sends and writes what a venue says, in OUCH 5.0 or
//! 4.2. It uses the records of `wire`, which the codec vectors prove on their own.

use nofx_order::Protocol;
use nofx_types::Side;
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::soup::{self, Frame};
use nofx_wire::{ouch42, ouch50};

/// A request as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Enter { id: u32, side: Side, qty: u32, price: u64, symbol: [u8; 8], ioc: bool },
    Replace { orig: u32, id: u32, qty: u32, price: u64, ioc: bool },
    Cancel { id: u32, down_to: u32 },
    Query,
}

/// A report as it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    Accepted { id: u32, side: Side, qty: u32, price: u64, order_ref: u64, dead: bool },
    Replaced { orig: u32, id: u32, side: Side, qty: u32, price: u64, order_ref: u64, dead: bool },
    Canceled { id: u32, qty: u32, reason: u8 },
    Aiq { id: u32, qty: u32 },
    Executed { id: u32, qty: u32, price: u64, flag: u8, match_number: u64 },
    Broken { id: u32, match_number: u64 },
    Corrected { id: u32, qty: u32, price: u64, match_number: u64 },
    Rejected { id: u32 },
    RejectedFor { id: u32, reason: u16 },
    NextId { id: u32 },
    CancelPending { id: u32 },
    CancelRejected { id: u32 },
    Modified { id: u32, side: Side, qty: u32 },
    Priority { id: u32, price: u64, order_ref: u64 },
    Day,
}

fn letter(side: Side) -> u8 {
    if side == Side::Buy { b'B' } else { b'S' }
}

fn side(letter: u8) -> Side {
    if letter == b'B' { Side::Buy } else { Side::Sell }
}

/// Reads one client frame.
pub fn read(protocol: Protocol, frame: &[u8]) -> Asked {
    let (frame, used) = soup::next_frame(frame).expect("a frame").expect("a whole frame");
    let Frame::Unsequenced(body) = frame else { panic!("{frame:?}") };
    assert_eq!(used, body.len() + soup::HEADER_LEN);
    match protocol {
        Protocol::Ouch50 => read50(body),
        Protocol::Ouch42 => read42(body),
        other => panic!("{other:?} is read by its gateway"),
    }
}

fn read50(body: &[u8]) -> Asked {
    use ouch50::Inbound;
    match ouch50::Inbound::parse(body).expect("a request").0 {
        Inbound::Enter(m) => Asked::Enter {
            id: m.user_ref_num.get(),
            side: side(m.side),
            qty: m.quantity.get(),
            price: m.price.get(),
            symbol: m.symbol,
            ioc: m.time_in_force == b'3',
        },
        Inbound::Replace(m) => Asked::Replace {
            orig: m.orig_user_ref_num.get(),
            id: m.user_ref_num.get(),
            qty: m.quantity.get(),
            price: m.price.get(),
            ioc: m.time_in_force == b'3',
        },
        Inbound::Cancel(m) => Asked::Cancel { id: m.user_ref_num.get(), down_to: m.quantity.get() },
        Inbound::Query(_) => Asked::Query,
        other => panic!("{other:?}"),
    }
}

fn read42(body: &[u8]) -> Asked {
    use ouch42::Inbound;
    let id = |token| ouch42::token_id(token).expect("our token");
    match ouch42::Inbound::parse(body).expect("a request") {
        Inbound::Enter(m) => Asked::Enter {
            id: id(&m.token),
            side: side(m.side),
            qty: m.shares.get(),
            price: m.price.get().into(),
            symbol: m.stock,
            ioc: m.time_in_force.get() == 0,
        },
        Inbound::Replace(m) => Asked::Replace {
            orig: id(&m.existing_token),
            id: id(&m.replacement_token),
            qty: m.shares.get(),
            price: m.price.get().into(),
            ioc: m.time_in_force.get() == 0,
        },
        Inbound::Cancel(m) => Asked::Cancel { id: id(&m.token), down_to: m.shares.get() },
        other => panic!("{other:?}"),
    }
}

/// The sequenced frame of a report.
pub fn frame(protocol: Protocol, say: &Say) -> Vec<u8> {
    let body = match protocol {
        Protocol::Ouch50 => body50(say),
        Protocol::Ouch42 => body42(say),
        other => panic!("{other:?} is written by its gateway"),
    };
    sequenced(&body)
}

/// A sequenced frame of any body.
pub fn sequenced(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + soup::HEADER_LEN];
    assert_eq!(soup::put_frame(&mut out, b'S', body), Some(out.len()));
    out
}

fn state(dead: bool) -> u8 {
    if dead { b'D' } else { b'L' }
}

fn body50(say: &Say) -> Vec<u8> {
    let (timestamp, clordid) = (Be64::new(34_200_000_000_000), [b' '; 14]);
    let r = Be32::new;
    let (bytes, listed) = match *say {
        Say::Accepted { id, side, qty, price, order_ref, dead } => {
            let m = ouch50::Accepted {
                kind: b'A',
                timestamp,
                user_ref_num: r(id),
                side: letter(side),
                quantity: r(qty),
                symbol: *b"AAA     ",
                price: Be64::new(price),
                time_in_force: b'0',
                display: b'Y',
                order_reference_number: Be64::new(order_ref),
                capacity: b'P',
                sweep: b'N',
                cross_type: b'N',
                order_state: state(dead),
                clordid,
            };
            (m.bytes().to_vec(), true)
        }
        Say::Replaced { orig, id, side, qty, price, order_ref, dead } => {
            let m = ouch50::Replaced {
                kind: b'U',
                timestamp,
                orig_user_ref_num: r(orig),
                user_ref_num: r(id),
                side: letter(side),
                quantity: r(qty),
                symbol: *b"AAA     ",
                price: Be64::new(price),
                time_in_force: b'0',
                display: b'Y',
                order_reference_number: Be64::new(order_ref),
                capacity: b'P',
                sweep: b'N',
                cross_type: b'N',
                order_state: state(dead),
                clordid,
            };
            (m.bytes().to_vec(), true)
        }
        Say::Canceled { id, qty, reason } => {
            let m = ouch50::Canceled {
                kind: b'C',
                timestamp,
                user_ref_num: r(id),
                quantity: r(qty),
                reason,
            };
            (m.bytes().to_vec(), false)
        }
        Say::Aiq { id, qty } => {
            let m = ouch50::AiqCanceled {
                kind: b'D',
                timestamp,
                user_ref_num: r(id),
                decrement_shares: r(qty),
                reason: b'Q',
                quantity_prevented: r(qty),
                execution_price: Be64::new(1),
                liquidity_flag: b'R',
            };
            (m.bytes().to_vec(), false)
        }
        Say::Executed { id, qty, price, flag, match_number } => {
            let m = ouch50::Executed {
                kind: b'E',
                timestamp,
                user_ref_num: r(id),
                quantity: r(qty),
                price: Be64::new(price),
                liquidity_flag: flag,
                match_number: Be64::new(match_number),
            };
            (m.bytes().to_vec(), true)
        }
        Say::Broken { id, match_number } => {
            let m = ouch50::Broken {
                kind: b'B',
                timestamp,
                user_ref_num: r(id),
                match_number: Be64::new(match_number),
                reason: b'E',
                clordid,
            };
            (m.bytes().to_vec(), false)
        }
        Say::Corrected { id, qty, price, match_number } => {
            let m = ouch50::Correction {
                kind: b'F',
                timestamp,
                user_ref_num: r(id),
                quantity: r(qty),
                price: Be64::new(price),
                liquidity_flag: b'A',
                match_number: Be64::new(match_number),
                reason: b'N',
                clordid,
            };
            (m.bytes().to_vec(), false)
        }
        Say::Rejected { id } => return body50(&Say::RejectedFor { id, reason: 0x0f }),
        Say::RejectedFor { id, reason } => {
            let m = ouch50::Rejected {
                kind: b'J',
                timestamp,
                user_ref_num: r(id),
                reason: Be16::new(reason),
                clordid,
            };
            (m.bytes().to_vec(), false)
        }
        Say::NextId { id } => {
            let m = ouch50::QueryResponse { kind: b'Q', timestamp, next_user_ref_num: r(id) };
            (m.bytes().to_vec(), false)
        }
        Say::CancelPending { id } => {
            let m = ouch50::CancelPending { kind: b'P', timestamp, user_ref_num: r(id) };
            (m.bytes().to_vec(), false)
        }
        Say::CancelRejected { id } => {
            let m = ouch50::CancelReject { kind: b'I', timestamp, user_ref_num: r(id) };
            (m.bytes().to_vec(), false)
        }
        Say::Modified { id, side, qty } => {
            let m = ouch50::Modified {
                kind: b'M',
                timestamp,
                user_ref_num: r(id),
                side: letter(side),
                quantity: r(qty),
            };
            (m.bytes().to_vec(), false)
        }
        Say::Priority { id, price, order_ref } => {
            let m = ouch50::PriorityUpdate {
                kind: b'T',
                timestamp,
                user_ref_num: r(id),
                price: Be64::new(price),
                display: b'Y',
                order_reference_number: Be64::new(order_ref),
            };
            (m.bytes().to_vec(), false)
        }
        Say::Day => {
            let m = ouch50::SystemEvent { kind: b'S', timestamp, event_code: b'S' };
            (m.bytes().to_vec(), false)
        }
    };
    if listed { [bytes, vec![0, 0]].concat() } else { bytes }
}

fn body42(say: &Say) -> Vec<u8> {
    let timestamp = Be64::new(34_200_000_000_000);
    let (r, t, p) = (Be32::new, ouch42::token, |price: u64| Be32::new(price as u32));
    match *say {
        Say::Accepted { id, side, qty, price, order_ref, dead } => ouch42::Accepted {
            kind: b'A',
            timestamp,
            token: t(id),
            side: letter(side),
            shares: r(qty),
            stock: *b"AAA     ",
            price: p(price),
            time_in_force: r(99_998),
            firm: *b"NOFX",
            display: b'Y',
            order_reference_number: Be64::new(order_ref),
            capacity: b'P',
            sweep: b'N',
            minimum_quantity: r(0),
            cross_type: b'N',
            order_state: state(dead),
            bbo_weight: b'0',
        }
        .bytes()
        .to_vec(),
        Say::Replaced { orig, id, side, qty, price, order_ref, dead } => ouch42::Replaced {
            kind: b'U',
            timestamp,
            replacement_token: t(id),
            side: letter(side),
            shares: r(qty),
            stock: *b"AAA     ",
            price: p(price),
            time_in_force: r(99_998),
            firm: *b"NOFX",
            display: b'Y',
            order_reference_number: Be64::new(order_ref),
            capacity: b'P',
            sweep: b'N',
            minimum_quantity: r(0),
            cross_type: b'N',
            order_state: state(dead),
            previous_token: t(orig),
            bbo_weight: b'0',
        }
        .bytes()
        .to_vec(),
        Say::Canceled { id, qty, reason } => ouch42::Canceled {
            kind: b'C',
            timestamp,
            token: t(id),
            decrement_shares: r(qty),
            reason,
        }
        .bytes()
        .to_vec(),
        Say::Aiq { id, qty } => ouch42::AiqCanceled {
            kind: b'D',
            timestamp,
            token: t(id),
            decrement_shares: r(qty),
            reason: b'Q',
            quantity_prevented: r(qty),
            execution_price: r(1),
            liquidity_flag: b'R',
        }
        .bytes()
        .to_vec(),
        Say::Executed { id, qty, price, flag, match_number } => ouch42::Executed {
            kind: b'E',
            timestamp,
            token: t(id),
            shares: r(qty),
            price: p(price),
            liquidity_flag: flag,
            match_number: Be64::new(match_number),
        }
        .bytes()
        .to_vec(),
        Say::Broken { id, match_number } => ouch42::Broken {
            kind: b'B',
            timestamp,
            token: t(id),
            match_number: Be64::new(match_number),
            reason: b'E',
        }
        .bytes()
        .to_vec(),
        Say::Corrected { id, qty, price, match_number } => ouch42::Correction {
            kind: b'F',
            timestamp,
            token: t(id),
            shares: r(qty),
            price: p(price),
            liquidity_flag: b'A',
            match_number: Be64::new(match_number),
            reason: b'N',
        }
        .bytes()
        .to_vec(),
        Say::Rejected { id } => body42(&Say::RejectedFor { id, reason: b'O'.into() }),
        Say::RejectedFor { id, reason } => {
            let reason = reason as u8;
            ouch42::Rejected { kind: b'J', timestamp, token: t(id), reason }.bytes().to_vec()
        }
        Say::NextId { .. } => panic!("OUCH 4.2 has no query"),
        Say::CancelPending { id } => {
            ouch42::CancelPending { kind: b'P', timestamp, token: t(id) }.bytes().to_vec()
        }
        Say::CancelRejected { id } => {
            ouch42::CancelReject { kind: b'I', timestamp, token: t(id) }.bytes().to_vec()
        }
        Say::Modified { id, side, qty } => ouch42::Modified {
            kind: b'M',
            timestamp,
            token: t(id),
            side: letter(side),
            shares: r(qty),
        }
        .bytes()
        .to_vec(),
        Say::Priority { id, price, order_ref } => ouch42::PriorityUpdate {
            kind: b'T',
            timestamp,
            token: t(id),
            price: p(price),
            display: b'Y',
            order_reference_number: Be64::new(order_ref),
        }
        .bytes()
        .to_vec(),
        Say::Day => {
            ouch42::SystemEvent { kind: b'S', timestamp, event_code: b'S' }.bytes().to_vec()
        }
    }
}
