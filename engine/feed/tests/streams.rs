//! Packet feeds as a whole: what loss, sessions and restarts do to the events, and bytes that lie.

mod common;

use common::{Log, capture, config, mold, mold_of, payloads, segment};
use nofx_feed::{
    DbnMbo, FeedConfig, IexDeep, IexDeepPlus, IexTops, ItchFile, ItchMold, PacketFeed,
    PacketFeedKind, Start, detect_packet_feed,
};
use nofx_rt::rng::Rng;
use nofx_types::{BookEvent, EventKind, InstrumentId, Nanos, Phase, StaleReason};
use proptest::prelude::*;

const STALE: EventKind = EventKind::Stale(StaleReason::Gap);
const CLEAR: EventKind = EventKind::Clear { side: None };

/// An ITCH front: kind, locate, tracking, time.
fn itch(kind: u8, locate: u16, ts: u64, tail: &[u8]) -> Vec<u8> {
    let front = [&[kind][..], &locate.to_be_bytes(), &[0; 2], &ts.to_be_bytes()[2..]].concat();
    [front, tail.to_vec()].concat()
}

fn delete(locate: u16, ts: u64) -> Vec<u8> {
    itch(b'D', locate, ts, &ts.to_be_bytes())
}

fn trading(locate: u16, ts: u64) -> Vec<u8> {
    itch(b'H', locate, ts, b"AAPL    T     ")
}

#[test]
fn a_gap_makes_every_instrument_stale_and_the_stream_goes_on() {
    let patient = FeedConfig { reorder_packets: 0, ..config() };
    let (mut feed, mut log) = (ItchMold::new(patient).unwrap(), Log::default());
    feed.on_packet(0, 1, Nanos(10), &mold(1, &[&delete(1, 100)]), &mut log);
    feed.on_packet(0, 2, Nanos(20), &mold(4, &[&delete(2, 300)]), &mut log);
    let gap = BookEvent {
        instrument: InstrumentId::ALL,
        seq: 2,
        exch_ns: Nanos(100),
        capture_ns: Nanos(20),
        last: true,
        kind: STALE,
    };
    assert_eq!(log.events[1], gap);
    assert_eq!((log.events[2].seq, log.events[2].exch_ns), (4, Nanos(300)));
    let report = feed.report();
    assert_eq!((report.total, report.stream.gaps, report.stream.missing), (2, 1, 2));
    assert_eq!(report.stream.gap_list[0].packet_no, 2);
}

#[test]
fn a_datagram_that_lies_about_its_length_is_lost_and_its_numbers_become_a_gap() {
    let patient = FeedConfig { reorder_packets: 0, ..config() };
    let (mut feed, mut log) = (ItchMold::new(patient).unwrap(), Log::default());
    feed.on_packet(0, 1, Nanos(1), &mold(1, &[&delete(1, 1)]), &mut log);
    let mut bad = mold(2, &[&delete(1, 2), &delete(1, 3)]);
    bad.truncate(bad.len() - 1);
    feed.on_packet(0, 2, Nanos(2), &bad, &mut log);
    feed.on_packet(0, 3, Nanos(3), &mold(4, &[&delete(1, 4)]), &mut log);
    assert_eq!(log.events.iter().filter(|event| event.kind == STALE).count(), 1);
    assert_eq!(feed.report().malformed, [("packet_overrun", 1)]);

    // IEX keeps the front of such a segment: only what is not there is lost.
    let (mut feed, mut log) = (IexDeep::new(patient).unwrap(), Log::default());
    let level =
        |qty: u8| [b"8\x01".as_slice(), &[1; 8], b"AAA     ", &[qty, 0, 0, 0], &[1; 8]].concat();
    let mut bad = segment(0x8004, 1, &[&level(1), &level(2), &level(3)]);
    bad[12] -= 1; // the payload ends inside the third block
    feed.on_packet(0, 1, Nanos(1), &bad, &mut log);
    feed.on_packet(0, 2, Nanos(2), &segment(0x8004, 4, &[&level(4)]), &mut log);
    assert_eq!(log.events.len(), 4);
    assert_eq!((log.events[2].kind, log.events[2].seq), (STALE, 3));
}

#[test]
fn a_new_session_clears_books_and_phases_before_its_first_message() {
    let (mut feed, mut log) = (ItchMold::new(config()).unwrap(), Log::default());
    let open = itch(b'S', 0, 5, b"Q");
    feed.on_packet(0, 1, Nanos(1), &mold(7, &[&open, &trading(3, 6)]), &mut log);
    feed.on_packet(0, 2, Nanos(2), &mold_of(b"SESSION002", 1, &[&delete(3, 7)]), &mut log);
    let kinds = log.kinds();
    assert_eq!(kinds[2..4], [CLEAR, EventKind::Phase(Phase::Unknown)]);
    assert!(log.events[2..4].iter().all(|event| event.instrument == InstrumentId::ALL));
    assert!(matches!(kinds[4], EventKind::Delete { .. }));
    // The state of the instrument is forgotten: the end of a halt does not bring it back.
    let resumed = itch(b'h', 3, 8, b"AAPL    QT");
    feed.on_packet(0, 3, Nanos(3), &mold_of(b"SESSION002", 2, &[&resumed]), &mut log);
    assert_eq!(log.phase(InstrumentId(3)), Some(Phase::Unknown));
    assert_eq!(feed.report().stream.sessions, 2);
}

#[test]
fn an_open_event_ends_before_a_gap_and_at_the_end_of_the_input() {
    let patient = FeedConfig { reorder_packets: 0, ..config() };
    let (mut feed, mut log) = (IexDeep::new(patient).unwrap(), Log::default());
    let open =
        |qty: u8| [b"8\x00".as_slice(), &[1; 8], b"AAA     ", &[qty, 0, 0, 0], &[1; 8]].concat();
    feed.on_packet(0, 1, Nanos(1), &segment(0x8004, 1, &[&open(1)]), &mut log);
    feed.on_packet(0, 2, Nanos(2), &segment(0x8004, 9, &[&open(2)]), &mut log);
    assert_eq!(log.kinds()[1..3], [EventKind::EndOfEvent, STALE]);
    feed.finish(2, Nanos(3), &mut log);
    assert_eq!(log.kinds()[4..], [EventKind::EndOfEvent]);
    assert_eq!(feed.report().implicit_closes, 2);
}

#[test]
fn another_feed_or_channel_in_the_same_capture_is_left_out() {
    let (mut feed, mut log) = (IexDeep::new(config()).unwrap(), Log::default());
    let event = [b"SO".as_slice(), &[1; 8]].concat();
    let mut other_channel = segment(0x8004, 2, &[&event]);
    other_channel[4] = 2;
    for packet in [segment(0x8004, 1, &[&event]), segment(0x8003, 2, &[&event]), other_channel] {
        feed.on_packet(0, 1, Nanos(1), &packet, &mut log);
    }
    assert_eq!((feed.report().total, feed.report().malformed), (1, vec![("other_stream", 2)]));
}

/// A day of one-message and many-message packets, cut anew for each line.
fn cut(rng: &mut Rng, messages: &[Vec<u8>], loss: u64) -> Vec<(u64, u64, Vec<u8>)> {
    let mut packets = Vec::new();
    let mut from = 0;
    while from < messages.len() {
        let to = (from + 1 + rng.below(5) as usize).min(messages.len());
        let blocks: Vec<&[u8]> = messages[from..to].iter().map(Vec::as_slice).collect();
        if !rng.chance(loss, 100) {
            packets.push((from as u64 + 1, to as u64 + 1, mold(from as u64 + 1, &blocks)));
        }
        from = to;
    }
    packets
}

#[test]
fn lossy_lines_give_the_events_of_the_lossless_one_wherever_one_carried_them() {
    let mut gaps = 0;
    for seed in 0..50 {
        let mut rng = Rng::new(seed);
        let day: Vec<Vec<u8>> = (1..=2_000).map(|ts| delete(rng.below(50) as u16, ts)).collect();
        let lines = [(); 2].map(|()| cut(&mut rng, &day, 10));
        let mut carried = vec![false; day.len() + 1];
        for (from, to, _) in lines.iter().flatten() {
            carried[*from as usize..*to as usize].fill(true);
        }
        let config =
            FeedConfig { lines: 2, start: Start::FromOne, gap_timeout_ns: u64::MAX, ..config() };
        let (mut feed, mut log) = (ItchMold::new(config).unwrap(), Log::default());
        let mut queues = lines.each_ref().map(|line| line.iter());
        let mut left = [true; 2];
        while left != [false; 2] {
            let line = rng.below(2) as usize;
            match queues[line].next() {
                Some((_, _, packet)) => feed.on_packet(line, 1, Nanos(1), packet, &mut log),
                None => left[line] = false,
            }
        }
        feed.finish(1, Nanos(1), &mut log);

        let mut alone = ItchFile::new(config).unwrap();
        let mut lossless = Log::default();
        for message in &day {
            alone.on_message(message, &mut lossless);
        }
        let of = |log: &Log, keep: &dyn Fn(&BookEvent) -> bool| -> Vec<(u64, u32, EventKind)> {
            let kept = log.events.iter().filter(|event| keep(event));
            kept.map(|event| (event.seq, event.instrument.0, event.kind)).collect()
        };
        let got = of(&log, &|event| event.kind != STALE);
        let want = of(&lossless, &|event| carried[event.seq as usize]);
        assert!(got == want, "seed {seed}: {} events, want {}", got.len(), want.len());
        let stale: Vec<u64> =
            log.events.iter().filter(|e| e.kind == STALE).map(|e| e.seq).collect();
        assert!(stale.iter().all(|seq| !carried[*seq as usize]), "seed {seed}");
        assert_eq!(stale.len() as u64, feed.report().stream.gaps, "seed {seed}");
        gaps += stale.len();
    }
    assert!(gaps > 50, "the seeds try no gap");
}

/// Every feed takes the bytes, twice on two lines; what comes out must add up.
fn take(bytes: &[u8]) {
    fn packets<F: PacketFeed>(mut feed: F, bytes: &[u8]) {
        let mut log = Log::default();
        for line in [0, 1, 0, 7] {
            feed.on_packet(line, 1, Nanos(1), bytes, &mut log);
        }
        feed.on_time(Nanos(u64::MAX), &mut log);
        feed.finish(1, Nanos(2), &mut log);
        let report = feed.report();
        let counted: u64 = report.by_type.iter().map(|(_, n)| n).sum();
        let empty = report.malformed.iter().find(|(name, _)| *name == "empty_message");
        let empty = empty.map_or(0, |(_, n)| *n);
        assert_eq!(report.total, counted + report.unknown + empty);
        assert_eq!(report.total, report.stream.delivered);
    }
    let config = FeedConfig {
        lines: 2,
        instruments: 64,
        park_packets: 4,
        start: Start::FromOne,
        look_ahead: 4,
        ..FeedConfig::default()
    };
    packets(ItchMold::new(config).unwrap(), bytes);
    packets(IexDeep::new(config).unwrap(), bytes);
    packets(IexDeepPlus::new(config).unwrap(), bytes);
    packets(IexTops::new(config).unwrap(), bytes);
    let mut log = Log::default();
    let mut file = ItchFile::new(config).unwrap();
    file.on_message(bytes, &mut log);
    let mut dbn = DbnMbo::new(config).unwrap();
    dbn.on_record(1, 0xA0, bytes, &mut log);
    let _ = detect_packet_feed(bytes);
}

/// Messages of every kind in one packet of each transport.
fn samples() -> Vec<Vec<u8>> {
    let vectors = include_str!("vectors/translate.txt");
    let of = |feed: &str| -> Vec<Vec<u8>> {
        let rows = vectors.lines().filter_map(|line| line.strip_prefix(feed)?.strip_prefix('\t'));
        rows.map(|row| common::unhex(row.split('\t').next().expect("hex"))).collect()
    };
    let mut samples = of("dbn");
    for (feed, protocol) in [("itch", 0), ("deep", 0x8004), ("deep+", 0x8005), ("tops", 0x8003)] {
        let messages = of(feed);
        for chunk in messages.chunks(9) {
            let blocks: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
            samples.push(match protocol {
                0 => mold(1, &blocks),
                _ => segment(protocol, 1, &blocks),
            });
        }
    }
    samples
}

#[test]
fn every_datagram_and_record_cut_at_any_length_is_taken() {
    for sample in samples() {
        for length in 0..=sample.len() {
            take(&sample[..length]);
        }
    }
}

#[test]
fn feeds_are_recognised_by_content() {
    let order = delete(1, 1);
    let cases = [
        (mold(1, &[&order]), Some(PacketFeedKind::ItchMold)),
        (mold(1, &[&order, &[]]), Some(PacketFeedKind::ItchMold)),
        (mold(1, &[&order, b"z of no known kind"]), Some(PacketFeedKind::ItchMold)),
        (mold(1, &[&order[..18]]), None),
        (mold(1, &[]), None),
        (segment(0x8004, 1, &[]), Some(PacketFeedKind::IexDeep)),
        (segment(0x8005, 1, &[]), Some(PacketFeedKind::IexDeepPlus)),
        (segment(0x8003, 1, &[]), Some(PacketFeedKind::IexTops)),
        (segment(0x8002, 1, &[]), Some(PacketFeedKind::IexTops)),
        (segment(0x8001, 1, &[]), None),
        (vec![], None),
        (vec![0; 100], None),
    ];
    for (number, (payload, want)) in cases.into_iter().enumerate() {
        assert_eq!(detect_packet_feed(&payload), want, "case {number}");
    }
    let Some(other) = capture("omi-data-packets/Cme/Mdp3.Sbe.v1.9") else { return };
    for file in common::pcaps(&other) {
        payloads(&file, |_, _, payload| assert_eq!(detect_packet_feed(payload), None, "{file:?}"));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_feed_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        take(&bytes);
    }

    #[test]
    fn no_damage_to_a_datagram_makes_a_feed_panic(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut samples = samples();
        let mut sample = samples.swap_remove(which.index(samples.len()));
        for (at, value) in damage {
            let at = at.index(sample.len());
            sample[at] = value;
        }
        take(&sample);
    }
}
