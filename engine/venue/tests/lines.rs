//! Lines A and B of the generated day: what they carry is what the truth says.

mod recorded;

use std::collections::BTreeMap;

use nofx_types::Nanos;
use nofx_venue::day::{DayConfig, Faults, LINES, Share, Truth};
use nofx_wire::mold::{Kind, Packet};
use recorded::Recorded;

fn day(seed: u64, faults: Faults) -> (Recorded, Truth) {
    let lines = Some(faults);
    Recorded::day(&DayConfig {
        seed,
        instruments: 12,
        messages: 20_000,
        lines,
        ..Default::default()
    })
}

fn faults(seed: u64, loss: f64, duplicate: f64, reorder: f64) -> Faults {
    let [loss, duplicate, reorder] = [loss, duplicate, reorder].map(Share::of);
    DayConfig::faults(seed, loss, duplicate, reorder)
}

/// What arrived on a line.
#[derive(Default)]
struct Arrived {
    messages: BTreeMap<u64, Vec<u8>>,
    packets: u64,
    copies: u64,
    late: u64,
    heartbeats: u64,
    ends: u64,
    next: u64,
    last: Nanos,
}

impl Arrived {
    fn take(&mut self, at: Nanos, payload: &[u8]) {
        assert!(at > self.last, "times of a line rise");
        self.last = at;
        assert!(payload.len() <= 1_400);
        let packet = Packet::parse(payload).expect("a packet");
        assert_eq!((packet.session(), packet.trailing()), (b"0000000001", 0));
        match packet.kind() {
            Kind::Heartbeat => self.heartbeats += 1,
            Kind::EndOfSession => self.ends += 1,
            Kind::Data(_) => self.data(&packet),
        }
    }

    fn data(&mut self, packet: &Packet<'_>) {
        if self.messages.contains_key(&packet.seq()) {
            self.copies += 1;
            return;
        }
        self.packets += 1;
        self.late += u64::from(packet.seq() < self.next);
        self.next = self.next.max(packet.next_seq());
        for (seq, block) in (packet.seq()..).zip(packet.blocks()) {
            self.messages.insert(seq, block.to_vec());
        }
    }
}

fn arrived(recorded: &Recorded) -> [Arrived; LINES] {
    let mut lines = [(); LINES].map(|()| Arrived::default());
    for datagram in &recorded.datagrams {
        lines[datagram.line].take(datagram.at, &datagram.payload);
    }
    lines
}

#[test]
fn whole_lines_both_carry_every_message_once_and_in_order() {
    let (recorded, truth) = day(1, Faults::default());
    for line in arrived(&recorded) {
        assert_eq!((line.copies, line.late, line.ends), (0, 0, 3));
        assert!(line.heartbeats > 10_000, "{}", line.heartbeats);
        assert!(line.messages.values().eq(recorded.messages.iter()));
        assert!(line.messages.keys().copied().eq(1..=truth.total()));
        assert_eq!(line.packets, truth.losses.packets);
    }
    let losses = &truth.losses;
    assert_eq!((losses.packets_lost, losses.messages_lost_both), ([0, 0], 0));
    assert!(losses.ranges.is_empty());
}

#[test]
fn what_neither_line_carried_is_listed_exactly() {
    for (seed, loss) in [(1, 0.001), (2, 0.01), (3, 0.05), (4, 0.3)] {
        println!("seed {seed} loss {loss}");
        let (recorded, truth) = day(seed, faults(seed, loss, 0.02, 0.05));
        let [a, b] = arrived(&recorded);
        let losses = &truth.losses;
        let total = truth.total();
        let lost = [&a, &b].map(|line| total - line.messages.len() as u64);
        assert_eq!(lost, losses.messages_lost);
        assert_eq!([&a, &b].map(|line| losses.packets - line.packets), losses.packets_lost);

        let neither = |seq: &u64| !a.messages.contains_key(seq) && !b.messages.contains_key(seq);
        let holes: Vec<u64> = (1..=total).filter(neither).collect();
        let listed = losses.ranges.iter().flat_map(|(first, last)| *first..=*last);
        assert!(listed.eq(holes.iter().copied()));
        assert_eq!(losses.messages_lost_both, holes.len() as u64);
        assert_eq!(losses.ranges_lost_both, losses.ranges.len() as u64);
        let apart = losses.ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
        assert!(apart, "adjacent ranges are one");
        assert!(!holes.is_empty(), "the common outage");

        for line in [&a, &b] {
            for (seq, message) in &line.messages {
                assert_eq!(*message, recorded.messages[*seq as usize - 1]);
            }
        }
    }
}

#[test]
fn shares_of_faults_are_those_asked_for() {
    let (recorded, truth) = day(5, faults(5, 0.05, 0.02, 0.04));
    let sent = truth.losses.packets;
    for (line, lost) in arrived(&recorded).iter().zip(truth.losses.packets_lost) {
        let per_mille = |count: u64| count * 1_000 / sent;
        assert!((35..=60).contains(&per_mille(lost)), "{lost} of {sent} lost");
        assert!((12..=28).contains(&per_mille(line.copies)), "{} copies", line.copies);
        // Some of those held back are not data, and a packet whose overtakers were lost is not late.
        assert!((10..=45).contains(&per_mille(line.late)), "{} late", line.late);
    }
}

#[test]
fn lines_differ_in_what_they_lose_and_in_who_is_first() {
    let (recorded, truth) = day(6, faults(6, 0.02, 0.0, 0.0));
    let losses = &truth.losses;
    assert!(losses.messages_lost_both * 4 < losses.messages_lost[0]);
    let mut first = [0u32; LINES];
    let mut seen = std::collections::HashSet::new();
    let mut by_time: Vec<_> = recorded.datagrams.iter().collect();
    by_time.sort_by_key(|datagram| datagram.at);
    for datagram in by_time {
        let packet = Packet::parse(&datagram.payload).expect("a packet");
        if packet.count() > 0 && seen.insert(packet.seq()) {
            first[datagram.line] += 1;
        }
    }
    assert!(first[0] > first[1] && first[1] * 10 > first[0], "{first:?}");
}
