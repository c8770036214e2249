//! One frame at a time: what passes, what is dropped and why, what a refused message becomes.
#![cfg(feature = "fpga-sim")]

mod common;

use common::card::{Card, word};
use common::frames::*;
use common::{ACCOUNT, EPOCH, FIRST, ISN, open, seam, session, symbol};
use nofx_fpga_wire::control::Policy;
use nofx_fpga_wire::regs::{self, Drop, Refuse, counter};
use nofx_fpga_wire::rig::Rig;

fn opened(seed: u32) -> (Rig, Card) {
    let (mut rig, mut core) = seam(seed);
    open(&mut rig, &mut core);
    (rig, core)
}

fn good(user_ref: u32) -> Vec<u8> {
    enter(user_ref, b'B', 100, &symbol(3), 150_000, Some(&[]))
}

/// More than the card lets through in one order.
fn bad(user_ref: u32) -> Vec<u8> {
    enter(user_ref, b'B', 1_001, &symbol(3), 150_000, Some(&[]))
}

fn drops(rig: &mut Rig, why: Drop) -> u32 {
    rig.count(counter::DROP + why as u32)
}

fn refusals(rig: &mut Rig, why: Refuse) -> u32 {
    rig.count(counter::REFUSE + why as u32)
}

#[track_caller]
fn passes(rig: &mut Rig, core: &mut Card, frame: &[u8]) {
    assert_eq!(rig.pass(frame, core).as_deref(), Some(frame));
}

#[track_caller]
fn dropped(rig: &mut Rig, core: &mut Card, frame: &[u8], why: Drop) {
    let before = drops(rig, why);
    assert_eq!(rig.pass(frame, core), None, "{why:?}");
    assert_eq!(drops(rig, why), before + 1, "{why:?}");
}

#[test]
fn an_order_within_the_limits_passes_untouched_and_is_asked_in_full() {
    let (mut rig, mut core) = opened(1);
    let frame = Segment::data(FIRST, &good(9)).bytes();
    passes(&mut rig, &mut core, &frame);
    let (line, rejects) = core.asked[0];
    assert_eq!((core.asked.len(), rejects), (1, 0));
    assert_eq!((line[0], line[1]), (1, 0), "a new order that buys");
    assert_eq!(word(&line, 2, 2), ACCOUNT.into());
    assert_eq!(word(&line, 4, 4), 3);
    assert_eq!((word(&line, 8, 8), word(&line, 16, 8)), (150_000, 100));
    assert_eq!(word(&line, 44, 4), EPOCH.into());
    assert_eq!(word(&line, 56, 4), 9);
}

#[test]
fn a_refused_message_of_each_kind_is_overwritten_and_the_checksum_follows() {
    let (mut rig, mut core) = opened(2);
    let mut seq = FIRST;
    let mut send = |rig: &mut Rig, core: &mut Card, message: &[u8]| {
        let frame = Segment::data(seq, message).bytes();
        seq += message.len() as u32;
        let out = rig.pass(&frame, core).expect("forwarded");
        assert!(sums_are_right(&out));
        assert_eq!(out.len(), frame.len());
        payload(&out).to_vec()
    };
    let out = send(&mut rig, &mut core, &bad(1));
    assert_eq!(out, enter(1, b'B', 0, &symbol(3), 150_000, Some(&[])));
    assert_eq!(send(&mut rig, &mut core, &good(2)), good(2));
    let out = send(&mut rig, &mut core, &replace(2, 3, 1_001, 150_000, Some(&[])));
    assert_eq!(out, replace(0, 3, 0, 150_000, Some(&[])));
    let out = send(&mut rig, &mut core, &cancel(1, 0));
    assert_eq!(out, cancel(1, u32::MAX), "order 1 never passed");
    let out = send(&mut rig, &mut core, &modify(1, b'B', 5));
    assert_eq!(out, modify(1, b'B', u32::MAX));
    assert_eq!(send(&mut rig, &mut core, &cancel(2, 0)), cancel(2, 0));
    assert_eq!(send(&mut rig, &mut core, &modify(2, b'B', 5)), modify(2, b'B', 5));
    assert_eq!(refusals(&mut rig, Refuse::Gate), 2);
    assert_eq!(refusals(&mut rig, Refuse::Order), 2);
    assert_eq!(rig.count(counter::ORDERS), core.asked.len() as u32);
}

#[test]
fn each_reason_of_the_seam_itself_refuses_without_asking_the_core() {
    let (mut rig, mut core) = opened(3);
    let mut seq = FIRST;
    let cases: Vec<(Vec<u8>, Refuse)> = vec![
        (enter(0, b'B', 100, &symbol(3), 150_000, None), Refuse::Ref),
        (enter(10, b'Z', 100, &symbol(3), 150_000, None), Refuse::Side),
        (enter(11, b'B', 100, "NOBODY", 150_000, None), Refuse::Symbol),
        (replace(11, 12, 100, 150_000, None), Refuse::Order),
        (cancel(77, 0), Refuse::Order),
        (enter(13, b'B', 100, &symbol(3), 150_000, Some(&[2, 6, b'P'])), Refuse::Option),
        (enter(14, b'B', 100, &symbol(3), 150_000, Some(&[9, 12, b'P'])), Refuse::Option),
        (enter(15, b'B', 100, &symbol(3), 150_000, Some(&[0])), Refuse::Option),
        (enter(15, b'B', 100, &symbol(3), 150_000, None), Refuse::Ref),
    ];
    for (message, why) in cases {
        let before = refusals(&mut rig, why);
        let out = rig.pass(&Segment::data(seq, &message).bytes(), &mut core).expect("forwarded");
        assert!(sums_are_right(&out) && payload(&out) != message, "{why:?}");
        assert_eq!(refusals(&mut rig, why), before + 1, "{why:?}");
        seq += message.len() as u32;
    }
    assert!(core.asked.is_empty());
    let permitted =
        enter(16, b'S', 100, &symbol(3), 150_000, Some(&[2, 12, b'P', 5, 3, 0, 0, 0, 0]));
    passes(&mut rig, &mut core, &Segment::data(seq, &permitted).bytes());
    assert_eq!((core.asked.len(), core.asked[0].0[1]), (1, 1), "asked, and it sells");
}

#[test]
fn several_messages_in_one_segment_are_judged_one_by_one() {
    let (mut rig, mut core) = opened(4);
    let parts =
        [soup(b'R', &[]), good(1), bad(2), cancel(1, 0), mass_cancel(3), good(4), soup(b'+', b"x")];
    let frame = Segment { vlan: Some(5), ..Segment::data(FIRST, &parts.concat()) }.bytes();
    let out = rig.pass(&frame, &mut core).expect("forwarded");
    let mut want = parts.clone();
    want[2] = enter(2, b'B', 0, &symbol(3), 150_000, Some(&[]));
    assert_eq!(payload(&out), want.concat());
    assert!(sums_are_right(&out));
    assert_eq!(core.asked.len(), 4);
    assert_eq!((rig.count(counter::SESSION), rig.count(counter::CONTROL)), (2, 1));
}

#[test]
fn a_retransmission_is_byte_identical_charged_once_and_cannot_carry_other_bytes() {
    let (mut rig, mut core) = opened(5);
    let (first, second) = (good(1), bad(2));
    let out1 = rig.pass(&Segment::data(FIRST, &first).bytes(), &mut core).expect("out");
    let at2 = FIRST + first.len() as u32;
    let out2 = rig.pass(&Segment::data(at2, &second).bytes(), &mut core).expect("out");
    let asked = core.asked.len();
    let again = rig.pass(&Segment::data(FIRST, &first).bytes(), &mut core).expect("out");
    assert_eq!(again, out1);
    let again = rig.pass(&Segment::data(at2, &second).bytes(), &mut core).expect("out");
    assert_eq!(again, out2);
    // Both at once, in another cut, and with another order where the first was.
    let both = [&first[..], &second].concat();
    let seen = [payload(&out1), payload(&out2)].concat();
    let again = rig.pass(&Segment::data(FIRST, &both).bytes(), &mut core).expect("out");
    assert_eq!(payload(&again), seen);
    let again = rig.pass(&Segment::data(FIRST + 7, &both[7..90]).bytes(), &mut core).expect("out");
    assert_eq!(payload(&again), &seen[7..90]);
    let other = [&enter(1, b'S', 999, &symbol(9), 1_999_999, Some(&[]))[..], &bad(2)].concat();
    let again = rig.pass(&Segment::data(FIRST, &other).bytes(), &mut core).expect("out");
    assert_eq!(payload(&again), seen, "the venue never sees bytes that were not judged");
    assert!(sums_are_right(&again));
    assert_eq!(core.asked.len(), asked);
    // Old bytes and new ones: the new are judged.
    let more = [&both[..], &good(3)].concat();
    let out = rig.pass(&Segment::data(FIRST, &more).bytes(), &mut core).expect("out");
    assert_eq!(payload(&out), [&seen[..], &good(3)].concat());
    assert_eq!(core.asked.len(), asked + 1);
    assert_eq!(rig.count(counter::SEEN_AGAIN), 6);
}

#[test]
fn what_is_older_than_the_history_is_dropped() {
    let (mut rig, mut core) = opened(6);
    let debug = soup(b'+', &[b'.'; 997]); // 1,000 bytes
    for n in 0..5 {
        passes(&mut rig, &mut core, &Segment::data(FIRST + 1_000 * n, &debug).bytes());
    }
    let newest = FIRST + 5_000;
    dropped(&mut rig, &mut core, &Segment::data(newest - 4_097, &debug).bytes(), Drop::Old);
    passes(&mut rig, &mut core, &Segment::data(newest - 4_000, &debug).bytes());
    dropped(&mut rig, &mut core, &Segment::data(FIRST - 1, &debug).bytes(), Drop::Old);
}

#[test]
fn segments_that_break_the_stream_are_dropped_and_charge_nothing() {
    let (mut rig, mut core) = opened(7);
    let whole = [good(1), good(2)].concat();
    for cut in 1..whole.len() {
        if cut != good(1).len() {
            let frame = Segment::data(FIRST, &whole[..cut]).bytes();
            dropped(&mut rig, &mut core, &frame, Drop::Cut);
        }
    }
    dropped(&mut rig, &mut core, &Segment::data(FIRST + 1, &whole).bytes(), Drop::Order);
    let malformed = [
        [good(1), vec![0, 0, 0]].concat(),
        [good(1), soup(b'U', &[])].concat(),
        [good(1), soup(b'U', b"Z123456789")].concat(),
        [good(1), soup(b'U', &good(2)[3..47])].concat(),
        soup(b'U', &cancel(1, 0)[3..11]),
    ];
    for bytes in malformed {
        dropped(&mut rig, &mut core, &Segment::data(FIRST, &bytes).bytes(), Drop::Malformed);
    }
    assert!(core.asked.is_empty());
    passes(&mut rig, &mut core, &Segment::data(FIRST, &whole).bytes());
    assert_eq!(core.asked.len(), 2);
}

#[test]
fn only_the_venue_opens_a_connection() {
    let (mut rig, mut core) = seam(8);
    let frame = Segment::data(FIRST, &good(1)).bytes();
    let pure_ack = Segment::host(FIRST, ACK, &[]).bytes();
    dropped(&mut rig, &mut core, &frame, Drop::State);
    dropped(&mut rig, &mut core, &pure_ack, Drop::State);
    passes(&mut rig, &mut core, &Segment::host(ISN, SYN, &[]).bytes());
    dropped(&mut rig, &mut core, &frame, Drop::State);
    for other in [ISN - 1, ISN + 1, ISN ^ 1 << 31] {
        rig.listen(&Segment::syn_ack(other).bytes()); // another number
    }
    rig.listen(&Segment { flags: ACK, ..Segment::syn_ack(ISN) }.bytes());
    rig.listen(&Segment { src: (VENUE, 1), ..Segment::syn_ack(ISN) }.bytes());
    rig.listen(&Segment { dst: (HOST, 1), ..Segment::syn_ack(ISN) }.bytes());
    dropped(&mut rig, &mut core, &frame, Drop::State);
    rig.listen(&Segment::syn_ack(ISN).bytes());
    passes(&mut rig, &mut core, &pure_ack);
    passes(&mut rig, &mut core, &frame);
    // A SYN of its own does not move the seam: the venue does not answer it.
    passes(&mut rig, &mut core, &Segment::host(FIRST + 20, SYN, &[]).bytes());
    let hidden = Segment::data(FIRST + 21, &good(2)).bytes();
    assert_ne!(rig.pass(&hidden, &mut core).as_deref(), Some(&hidden[..]));
    assert_eq!(core.asked.len(), 1);
    // Repeated handshakes change nothing either.
    passes(&mut rig, &mut core, &Segment::host(ISN, SYN, &[]).bytes());
    rig.listen(&Segment::syn_ack(ISN).bytes());
    assert_eq!(rig.pass(&frame, &mut core).as_deref(), Some(&frame[..]));
    assert_eq!(core.asked.len(), 1, "seen before");
    assert_eq!(rig.count(counter::OPENED), 1);
}

#[test]
fn a_session_of_any_port_follows_the_last_connection_that_the_venue_opened() {
    let (mut rig, mut core) = seam(9);
    let mut any = session();
    any.host_port = 0;
    any.write(0, |address, value| rig.write(address, value));
    open(&mut rig, &mut core);
    passes(&mut rig, &mut core, &Segment::data(FIRST, &good(1)).bytes());
    let from = |port: u16, segment: Segment| Segment { src: (HOST, port), ..segment };
    let frame = from(41_000, Segment::data(5_001, &good(2))).bytes();
    dropped(&mut rig, &mut core, &frame, Drop::State);
    passes(&mut rig, &mut core, &from(41_000, Segment::host(5_000, SYN, &[])).bytes());
    rig.listen(&Segment { dst: (HOST, 41_000), ..Segment::syn_ack(5_000) }.bytes());
    passes(&mut rig, &mut core, &frame);
    let late = Segment::data(FIRST + good(1).len() as u32, &good(3)).bytes();
    dropped(&mut rig, &mut core, &late, Drop::State);
}

#[test]
fn damaged_and_foreign_frames_are_dropped_by_their_reason() {
    let (mut rig, mut core) = opened(10);
    let frame = Segment::data(FIRST, &good(1)).bytes();
    let flipped = |at: usize, bit: u8| {
        let mut frame = frame.clone();
        frame[at] ^= bit;
        frame
    };
    dropped(&mut rig, &mut core, &flipped(14, 2), Drop::Ip);
    dropped(&mut rig, &mut core, &flipped(22, 1), Drop::IpSum);
    dropped(&mut rig, &mut core, &flipped(70, 4), Drop::TcpSum);
    dropped(&mut rig, &mut core, &flipped(12, 16), Drop::Policy);
    dropped(&mut rig, &mut core, &frame[..frame.len() - 1], Drop::Length);
    dropped(&mut rig, &mut core, &frame[..33], Drop::Length);
    dropped(&mut rig, &mut core, &frame[..13], Drop::Length);
    let mut fragment = frame.clone();
    fragment[20] = 0x20;
    fragment[24..26].fill(0);
    let sum = checksum(&fragment[14..34]);
    fragment[24..26].copy_from_slice(&sum.to_be_bytes());
    dropped(&mut rig, &mut core, &fragment, Drop::Fragment);
    for flags in [ACK | URG, SYN, SYN | ACK, RST | ACK, PSH, FIN] {
        dropped(&mut rig, &mut core, &Segment::host(FIRST, flags, &good(1)).bytes(), Drop::Tcp);
    }
    dropped(&mut rig, &mut core, &Segment::host(FIRST, SYN | ACK, &[]).bytes(), Drop::Tcp);
    dropped(&mut rig, &mut core, &Segment::host(FIRST, SYN | FIN, &[]).bytes(), Drop::Tcp);
    let long = vec![0; 2_100];
    dropped(&mut rig, &mut core, &ethernet(None, 0x0800, &long), Drop::Length);
    let stranger = Segment { src: (HOST, 1), ..Segment::data(FIRST, &good(1)) }.bytes();
    dropped(&mut rig, &mut core, &stranger, Drop::Policy);
    for flags in [ACK, RST, RST | ACK, FIN | ACK] {
        passes(&mut rig, &mut core, &Segment::host(FIRST, flags, &[]).bytes());
    }
    assert!(core.asked.is_empty());
    let options = vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    passes(&mut rig, &mut core, &Segment { options, ..Segment::data(FIRST, &good(1)) }.bytes());
}

#[test]
fn what_belongs_to_no_session_passes_only_as_the_policy_says() {
    let (mut rig, mut core) = opened(11);
    let frames = [
        ethernet(None, 0x0806, &[1; 46]),
        ethernet(None, 0x0800, &ipv4(HOST, VENUE, 17, &[0; 20])),
        ethernet(None, 0x86dd, &[6; 46]),
        Segment { dst: (VENUE, 80), ..Segment::host(1, SYN, &[]) }.bytes(),
    ];
    for bits in 0..16u32 {
        rig.write(regs::REG_POLICY, bits);
        for (at, frame) in frames.iter().enumerate() {
            match bits >> at & 1 {
                1 => passes(&mut rig, &mut core, frame),
                _ => dropped(&mut rig, &mut core, frame, Drop::Policy),
            }
        }
        let theirs = Segment { src: (HOST, 1), ..Segment::host(1, SYN, &[]) }.bytes();
        dropped(&mut rig, &mut core, &theirs, Drop::Policy);
    }
    assert_eq!(Policy { arp: true, tcp: true, ..Policy::default() }.bits(), 9);
}

#[test]
fn a_core_that_does_not_answer_stops_everything_until_a_scrub() {
    let (mut rig, mut core) = opened(12);
    rig.write(regs::REG_VERDICT_CYCLES, 100);
    core.mute = true;
    dropped(&mut rig, &mut core, &Segment::data(FIRST, &good(1)).bytes(), Drop::Dead);
    core.mute = false;
    assert_eq!(rig.read(regs::REG_STATUS), 3);
    dropped(&mut rig, &mut core, &Segment::data(FIRST, &good(1)).bytes(), Drop::Dead);
    passes(&mut rig, &mut core, &Segment::host(FIRST, ACK, &[]).bytes());
    rig.write(regs::REG_CONTROL, 1);
    while rig.read(regs::REG_STATUS) != 1 {}
    common::configure(&mut rig);
    open(&mut rig, &mut core);
    passes(&mut rig, &mut core, &Segment::data(FIRST, &good(1)).bytes());
    assert_eq!(core.asked.len(), 1);
}

#[test]
fn the_clock_runs_through_second_and_day() {
    let (mut rig, mut core) = opened(13);
    // 100 microseconds before a day begins; a cycle of 3.1 ns.
    let mut clock = common::clock();
    clock.now_ns = (20_000 * 86_400 + 9 * 3600) * 1_000_000_000 - 100_000;
    clock.write(|address, value| rig.write(address, value));
    let mut seq = FIRST;
    let (mut stamps, set_at) = (Vec::new(), rig.cycles());
    for user_ref in 1..80 {
        let message = good(user_ref);
        rig.pass(&Segment::data(seq, &message).bytes(), &mut core);
        seq += message.len() as u32;
        (0..500).for_each(|_| _ = rig.step(&mut None));
        let (line, _) = core.asked[core.asked.len() - 1];
        let now = word(&line, 24, 8);
        let elapsed = (rig.cycles() - set_at) as f64 * 1e9 / 322_265_625.0;
        assert!((now - clock.now_ns) as f64 <= elapsed && now > clock.now_ns);
        assert_eq!(word(&line, 32, 5), now / 1_000_000_000);
        assert_eq!(word(&line, 40, 3), (now - 9 * 3600 * 1_000_000_000) / 86_400_000_000_000);
        stamps.push(now);
    }
    assert!(stamps.is_sorted());
    let low = rig.read(regs::REG_NOW_LO);
    let read = u64::from(rig.read(regs::REG_NOW_HI)) << 32 | u64::from(low);
    let since = read - stamps[stamps.len() - 1];
    assert!((1..10_000).contains(&since), "the clock that is read, {since} ns on");
    let boundary = clock.now_ns + 100_000;
    assert!(stamps.first() < Some(&boundary) && stamps.last() > Some(&boundary));
}

#[test]
fn cycles_of_a_frame_are_few_and_counted() {
    let (mut rig, mut core) = opened(14);
    let mut seq = FIRST;
    let mut took = |rig: &mut Rig, core: &mut Card, message: &[u8]| {
        rig.pass(&Segment::data(seq, message).bytes(), core);
        seq += message.len() as u32;
        rig.count(counter::LATENCY)
    };
    let one = took(&mut rig, &mut core, &good(1));
    let refused = took(&mut rig, &mut core, &bad(2));
    let two = took(&mut rig, &mut core, &[good(3), good(4)].concat());
    let ten = took(&mut rig, &mut core, &(5..15).flat_map(good).collect::<Vec<_>>());
    rig.pass(&Segment::host(seq, ACK, &[]).bytes(), &mut core);
    let ack = rig.count(counter::LATENCY);
    println!(
        "cycles, first beat in to last beat out: ack {ack}, one order {one}, refused {refused}, two orders {two}, ten orders {ten}"
    );
    assert!(one <= 50 && refused <= 56 && ack <= 12, "{one} {refused} {ack}");
    assert!(ten <= one + 9 * 35);
}
