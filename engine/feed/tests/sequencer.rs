//! Line arbitration: seeded lines with loss, copies and overtaking against what they carried, and
//! each rule in a scene of its own.

use std::collections::BTreeSet;

use nofx_feed::sequencer::{Datagram, Gap, Receiver, Reset, Run, Sequencer};
use nofx_feed::{ConfigError, FeedConfig, Sequencing, Start};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

/// What a sequencer released, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Message(u64),
    Gap(u64, u64),
    Reset(Reset),
}

#[derive(Default)]
struct Log(Vec<Out>);

impl Receiver for Log {
    fn run(&mut self, run: &Run<'_>) {
        // Each block holds its own number, so a wrong skip or a wrong count shows.
        let numbers: Vec<u64> =
            run.blocks.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(numbers.len(), usize::from(run.count));
        let released = numbers.get(usize::from(run.skip)..).expect("skip within count");
        assert_eq!(released.first(), Some(&run.seq));
        self.0.extend(released.iter().map(|number| Out::Message(*number)));
    }

    fn gap(&mut self, gap: &Gap, _: Nanos) {
        self.0.push(Out::Gap(gap.first, gap.count));
    }

    fn reset(&mut self, reset: Reset, _: Nanos) {
        self.0.push(Out::Reset(reset));
    }
}

impl Log {
    fn messages(&self) -> Vec<u64> {
        self.0
            .iter()
            .filter_map(|o| if let Out::Message(n) = o { Some(*n) } else { None })
            .collect()
    }

    fn lost(&self) -> BTreeSet<u64> {
        let gaps = self.0.iter().filter_map(|o| match o {
            Out::Gap(first, count) => Some(*first..first + count),
            _ => None,
        });
        gaps.flatten().collect()
    }
}

/// Messages `from..to` as a datagram's blocks.
fn blocks(from: u64, to: u64) -> Vec<u8> {
    (from..to).flat_map(u64::to_le_bytes).collect()
}

/// A sequencer with its log, fed by `(line, from, to)`.
struct Scene {
    sequencer: Sequencer,
    log: Log,
    packet_no: u64,
    now: u64,
    session: u128,
}

impl Scene {
    fn new(config: FeedConfig) -> Scene {
        let sequencer = Sequencer::new(config).expect("a good configuration");
        Scene { sequencer, log: Log::default(), packet_no: 0, now: 1_000, session: 1 }
    }

    fn datagram(&mut self, line: usize, datagram: Datagram<'_>) {
        self.packet_no += 1;
        self.sequencer.on_packet(line, self.packet_no, Nanos(self.now), &datagram, &mut self.log);
    }

    /// Messages `from..to`; none is a heartbeat.
    fn send(&mut self, line: usize, from: u64, to: u64) {
        self.send_at(line, from, to, 0, false);
    }

    fn send_at(&mut self, line: usize, from: u64, to: u64, send_ns: u64, stream_start: bool) {
        let blocks = blocks(from, to);
        let (count, session) = ((to - from) as u16, self.session);
        let datagram = Datagram {
            session,
            seq: from,
            count,
            end_of_session: false,
            stream_start,
            send_ns,
            blocks: &blocks,
        };
        self.datagram(line, datagram);
    }

    fn finish(&mut self) {
        self.sequencer.finish(self.packet_no, Nanos(self.now), &mut self.log);
    }
}

/// One line: random cuts of `1..=messages`, with losses and copies; a datagram is overtaken by at
/// most `overtake` others.
fn line(rng: &mut Rng, messages: u64, overtake: u64, loss: u64) -> Vec<(u64, u64)> {
    let (mut sent, mut from) = (Vec::new(), 1);
    while from <= messages {
        let to = (from + 1 + rng.below(9)).min(messages + 1);
        if !rng.chance(loss, 1_000) {
            sent.push((from, to));
            if rng.chance(30, 1_000) {
                sent.push((from, to));
            }
        }
        from = to;
    }
    let keys = (0..sent.len() as u64).map(|at| at + rng.below(overtake + 1));
    let mut keyed: Vec<_> = keys.zip(sent).collect();
    keyed.sort_by_key(|(key, _)| *key); // stable: equal keys keep their order
    keyed.into_iter().map(|(_, datagram)| datagram).collect()
}

/// Both lines as one arrival order, in which either may run ahead.
fn interleave(rng: &mut Rng, lines: [Vec<(u64, u64)>; 2]) -> Vec<(usize, u64, u64)> {
    let mut queues = lines.map(|line| line.into_iter().peekable());
    let mut arrivals = Vec::new();
    loop {
        let line = rng.below(2) as usize;
        for _ in 0..rng.below(20) {
            arrivals.extend(queues[line].next().map(|(from, to)| (line, from, to)));
        }
        if queues.iter_mut().all(|queue| queue.peek().is_none()) {
            return arrivals;
        }
    }
}

fn patient(lines: usize, reorder_packets: usize) -> FeedConfig {
    FeedConfig {
        lines,
        reorder_packets,
        park_packets: 65_536,
        packet_bytes: 128,
        gap_timeout_ns: u64::MAX,
        start: Start::FromOne,
        ..FeedConfig::default()
    }
}

#[test]
fn two_lossy_lines_deliver_their_union_in_order_and_gaps_only_where_both_lost() {
    let messages = 3_000;
    let (mut lost_in_all, mut overlaps) = (0, 0);
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let (overtake, loss) = (rng.below(9), [0, 10, 100, 400][rng.below(4) as usize]);
        let lines = [(); 2].map(|()| line(&mut rng, messages, overtake, loss));
        let carried = lines.clone().map(|line| numbers(&line));
        let union: BTreeSet<u64> = carried[0].union(&carried[1]).copied().collect();
        let end = union.last().copied().unwrap_or(0);

        let mut scene = Scene::new(patient(2, overtake as usize));
        for (line, from, to) in interleave(&mut rng, lines.clone()) {
            scene.now += rng.below(1_000);
            scene.send(line, from, to);
        }
        scene.finish();

        let delivered = scene.log.messages();
        assert!(delivered.is_sorted_by(|a, b| a < b), "seed {seed}: out of order");
        assert_same(&BTreeSet::from_iter(delivered), &union, seed);
        let lost: BTreeSet<u64> = (1..=end).filter(|number| !union.contains(number)).collect();
        assert_same(&scene.log.lost(), &lost, seed);

        let counters = scene.sequencer.counters();
        assert_eq!(counters.delivered, union.len() as u64, "seed {seed}");
        assert_eq!(counters.missing, lost.len() as u64, "seed {seed}");
        assert_eq!(counters.gaps, stretches(&lost), "seed {seed}");
        let tallies = [0, 1].map(|line| scene.sequencer.line(line));
        for (line, tally) in tallies.iter().enumerate() {
            let sent: u64 = lines[line].iter().map(|(from, to)| to - from).sum();
            assert_eq!(tally.messages, sent, "seed {seed} line {line}");
            assert_eq!(tally.first + tally.duplicate + tally.late, sent, "seed {seed}");
            assert_eq!(tally.missing, end - carried[line].len() as u64, "seed {seed}");
            assert_eq!(tally.packets, lines[line].len() as u64);
        }
        assert_eq!(tallies[0].first + tallies[1].first, union.len() as u64, "seed {seed}");
        lost_in_all += lost.len();
        overlaps += carried[0].intersection(&carried[1]).count();
    }
    assert!(lost_in_all > 1_000 && overlaps > 100_000, "the seeds try nothing");
}

fn assert_same(got: &BTreeSet<u64>, want: &BTreeSet<u64>, seed: u64) {
    let differ: Vec<&u64> = got.symmetric_difference(want).take(20).collect();
    assert!(differ.is_empty(), "seed {seed}: {differ:?}");
}

fn numbers(line: &[(u64, u64)]) -> BTreeSet<u64> {
    line.iter().flat_map(|(from, to)| *from..*to).collect()
}

/// Runs of consecutive numbers.
fn stretches(numbers: &BTreeSet<u64>) -> u64 {
    numbers.iter().filter(|number| !numbers.contains(&(**number - 1))).count() as u64
}

#[test]
fn an_impatient_sequencer_loses_but_never_repeats_or_swaps() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let lines = [(); 2].map(|()| line(&mut rng, 2_000, 12, 50));
        let config = FeedConfig {
            reorder_packets: rng.below(4) as usize,
            park_packets: 1 + rng.below(20) as usize,
            packet_bytes: 64,
            gap_timeout_ns: rng.below(5_000),
            ..patient(2, 0)
        };
        let mut scene = Scene::new(config);
        for (line, from, to) in interleave(&mut rng, lines) {
            scene.now += rng.below(1_000);
            scene.send(line, from, to);
            if rng.chance(1, 10) {
                scene.sequencer.on_time(Nanos(scene.now), &mut scene.log);
            }
        }
        scene.finish();
        // Every number up to the end is delivered or lost, once, in order.
        let mut expected = 1;
        for out in &scene.log.0 {
            match *out {
                Out::Message(number) => {
                    assert_eq!(number, expected, "seed {seed}");
                    expected += 1;
                }
                Out::Gap(first, count) => {
                    assert_eq!(first, expected, "seed {seed}");
                    assert!(count > 0, "seed {seed}");
                    expected += count;
                }
                Out::Reset(_) => panic!("seed {seed}: one session only"),
            }
        }
        assert_eq!(scene.sequencer.expected(), expected, "seed {seed}");
    }
}

#[test]
fn arbitrary_datagrams_keep_the_books_balanced() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let config = FeedConfig {
            park_packets: 8,
            packet_bytes: 64,
            jump_max: 1 << 20,
            ..FeedConfig { start: Start::Live, ..patient(2, 3) }
        };
        let mut scene = Scene::new(config);
        for _ in 0..400 {
            let base = [0, 1, 5_000, u64::MAX - 40][rng.below(4) as usize];
            let from = base.saturating_add(rng.below(60));
            let to = from.saturating_add(rng.below(10));
            scene.session = 1 + u128::from(rng.chance(1, 40));
            scene.now = scene.now.wrapping_add(rng.below(2_000));
            let start = rng.chance(1, 20);
            let send_ns = [0, scene.now, rng.next()][rng.below(3) as usize];
            scene.send_at(rng.below(3) as usize, from, to, send_ns, start);
        }
        scene.finish();
        let counters = scene.sequencer.counters();
        assert_eq!(counters.delivered as usize, scene.log.messages().len(), "seed {seed}");
        for line in [0, 1].map(|line| scene.sequencer.line(line)) {
            assert!(line.messages == line.first + line.duplicate + line.late, "seed {seed}");
        }
    }
}

#[test]
fn one_line_waits_for_the_allowance_and_then_declares_the_gap() {
    let mut scene = Scene::new(FeedConfig { start: Start::Live, ..patient(1, 2) });
    scene.send(0, 10, 12);
    scene.send(0, 15, 16);
    scene.send(0, 16, 17);
    assert_eq!(scene.log.messages(), [10, 11], "two overtook, the third may still come");
    scene.send(0, 17, 18);
    assert_eq!(scene.log.0[2], Out::Gap(12, 3));
    assert_eq!(scene.log.messages(), [10, 11, 15, 16, 17]);
    scene.send(0, 12, 15);
    assert_eq!(scene.sequencer.line(0).late, 3);
    assert_eq!(scene.log.messages(), [10, 11, 15, 16, 17], "given up is given up");
}

#[test]
fn datagrams_that_overtook_count_whatever_their_order() {
    let mut scene = Scene::new(patient(1, 2));
    scene.send(0, 1, 2);
    for from in [5, 4] {
        scene.send(0, from, from + 1);
        assert_eq!(scene.log.messages(), [1]);
    }
    scene.send(0, 3, 4);
    let out = [Out::Message(1), Out::Gap(2, 1), Out::Message(3), Out::Message(4), Out::Message(5)];
    assert_eq!(scene.log.0, out);
}

#[test]
fn the_other_line_fills_the_hole_and_a_straddling_datagram_gives_its_new_part() {
    let mut scene = Scene::new(patient(2, 0));
    scene.send(0, 1, 4);
    scene.send(0, 6, 9);
    assert_eq!(scene.log.messages(), [1, 2, 3]);
    scene.send(1, 1, 7);
    assert_eq!(scene.log.messages(), (1..9).collect::<Vec<_>>());
    let [a, b] = [0, 1].map(|line| scene.sequencer.line(line));
    assert_eq!((a.first, a.duplicate, a.missing), (6, 0, 2));
    assert_eq!((b.first, b.duplicate, b.missing), (2, 4, 2));
    assert_eq!(scene.sequencer.counters().gaps, 0);
}

#[test]
fn a_heartbeat_reveals_a_loss_behind_the_last_message() {
    let mut scene = Scene::new(patient(1, 0));
    scene.send(0, 1, 3);
    scene.send(0, 5, 5);
    assert_eq!(scene.log.0.last(), Some(&Out::Gap(3, 2)));
    assert_eq!(scene.sequencer.line(0).heartbeats, 1);
}

#[test]
fn a_hole_is_given_up_when_its_time_is_over() {
    let mut scene = Scene::new(FeedConfig { gap_timeout_ns: 500, ..patient(2, 0) });
    scene.send(0, 1, 2);
    scene.send(0, 3, 4);
    scene.sequencer.on_time(Nanos(1_499), &mut scene.log);
    assert_eq!(scene.log.messages(), [1]);
    scene.sequencer.on_time(Nanos(1_500), &mut scene.log);
    assert_eq!(scene.log.0, [Out::Message(1), Out::Gap(2, 1), Out::Message(3)]);
    assert_eq!(scene.sequencer.counters().timeouts, 1);
}

#[test]
fn a_full_park_closes_the_hole() {
    let mut scene = Scene::new(FeedConfig { park_packets: 2, ..patient(2, 0) });
    scene.send(0, 1, 2);
    for from in [3, 5, 7] {
        scene.send(0, from, from + 1);
    }
    assert_eq!(scene.log.0, [Out::Message(1), Out::Gap(2, 1), Out::Message(3)]);
    assert_eq!(scene.sequencer.counters().park_full, 1);
    scene.send(0, 4, 5);
    scene.send(0, 6, 7);
    assert_eq!(scene.log.messages(), [1, 3, 4, 5, 6, 7]);
}

#[test]
fn a_new_session_begins_anew_and_the_old_one_does_not_come_back() {
    let mut scene = Scene::new(FeedConfig { start: Start::Live, ..patient(2, 0) });
    scene.send(0, 100, 102);
    scene.send(0, 103, 104);
    scene.session = 2;
    scene.send(0, 1, 3);
    let out = [100, 101].map(Out::Message).into_iter().chain([
        Out::Gap(102, 1),
        Out::Message(103),
        Out::Reset(Reset::Session),
        Out::Message(1),
        Out::Message(2),
    ]);
    assert_eq!(scene.log.0, out.collect::<Vec<_>>());
    scene.session = 1;
    scene.send(1, 102, 103);
    assert_eq!((scene.log.0.len(), scene.sequencer.line(1).old_session), (7, 1));
    assert_eq!(scene.sequencer.counters().sessions, 2);
}

#[test]
fn sequence_one_sent_later_is_a_restart_and_a_late_copy_of_the_first_segment_is_none() {
    let second = 1_000_000_000;
    let mut scene = Scene::new(FeedConfig { start: Start::Live, ..patient(2, 0) });
    scene.send_at(0, 1, 3, second, true);
    scene.send_at(0, 3, 5, 2 * second, false);
    scene.send_at(1, 1, 3, second, true); // line B's copy, late
    assert_eq!(scene.sequencer.counters().restarts, 0);
    scene.send_at(0, 1, 1, 5 * second, true);
    assert_eq!(scene.log.0.last(), Some(&Out::Reset(Reset::Restart)));
    scene.send_at(1, 1, 1, 5 * second, true);
    scene.send_at(0, 1, 3, 6 * second, true);
    scene.send_at(1, 1, 3, 6 * second, true);
    scene.send_at(1, 3, 5, 2 * second, false); // of the incarnation that is over
    assert_eq!(scene.log.messages(), [1, 2, 3, 4, 1, 2]);
    let counters = scene.sequencer.counters();
    assert_eq!((counters.restarts, counters.gaps), (1, 0));
    assert_eq!(scene.sequencer.line(1).old_session, 1);
}

#[test]
fn a_restart_is_seen_although_a_later_datagram_overtook_it() {
    let mut scene = Scene::new(patient(1, 2));
    scene.send_at(0, 1, 20, 1_000, true);
    scene.send_at(0, 3, 5, 3_000, false); // of the new incarnation: taken for a late copy
    scene.send_at(0, 1, 3, 2_000, true);
    scene.send_at(0, 5, 7, 4_000, false);
    scene.finish();
    assert_eq!(scene.sequencer.counters().restarts, 1);
    assert_eq!(scene.log.messages()[19..], [1, 2, 5, 6]);
    assert_eq!(scene.log.lost(), BTreeSet::from([3, 4]));
}

#[test]
fn the_first_datagrams_may_overtake_each_other() {
    let mut scene = Scene::new(patient(1, 2));
    scene.send_at(0, 3, 5, 2_000, false);
    scene.send_at(0, 1, 3, 1_000, true);
    assert_eq!(scene.log.messages(), [1, 2, 3, 4]);
}

#[test]
fn a_single_datagram_far_ahead_is_not_believed_and_two_are() {
    let mut scene = Scene::new(FeedConfig { jump_max: 1_000, ..patient(1, 0) });
    scene.send(0, 1, 2);
    scene.send(0, 1 << 40, (1 << 40) + 1);
    scene.send(0, 2, 3);
    assert_eq!(scene.log.messages(), [1, 2]);
    assert_eq!(scene.sequencer.line(0).jumps, 1);
    scene.send(0, 1 << 41, (1 << 41) + 1);
    scene.send(0, (1 << 41) + 1, (1 << 41) + 2);
    scene.finish();
    assert_eq!(scene.log.messages(), [1, 2, (1 << 41) + 1]);
    assert_eq!(scene.sequencer.counters().gaps, 1);
}

#[test]
fn a_live_join_answers_for_nothing_before_it_and_a_full_one_for_all() {
    let mut live = Scene::new(FeedConfig { start: Start::Live, ..patient(1, 0) });
    live.send(0, 50, 52);
    assert_eq!((live.log.messages(), live.log.lost().len()), (vec![50, 51], 0));
    let mut full = Scene::new(patient(1, 0));
    full.send(0, 50, 52);
    assert_eq!((full.log.messages(), full.log.lost().len()), (vec![50, 51], 49));
}

#[test]
fn unnumbered_datagrams_are_numbered_on() {
    let off = FeedConfig { sequencing: Sequencing::Off, ..patient(1, 0) };
    let mut sequencer = Sequencer::new(off).unwrap();
    let mut seqs = Vec::new();
    struct Seqs<'a>(&'a mut Vec<(u64, u16)>);
    impl Receiver for Seqs<'_> {
        fn run(&mut self, run: &Run<'_>) {
            self.0.push((run.seq, run.count));
        }
        fn gap(&mut self, _: &Gap, _: Nanos) {}
        fn reset(&mut self, _: Reset, _: Nanos) {}
    }
    let (session, blocks) = (0, [].as_slice());
    for count in [2, 0, 3] {
        let (end_of_session, stream_start) = (false, false);
        let datagram =
            Datagram { session, seq: 0, count, end_of_session, stream_start, send_ns: 0, blocks };
        sequencer.on_packet(0, 1, Nanos(0), &datagram, &mut Seqs(&mut seqs));
    }
    assert_eq!(seqs, [(1, 2), (3, 3)]);
}

#[test]
fn a_lead_is_measured_per_pair_of_datagrams() {
    let mut scene = Scene::new(patient(2, 0));
    scene.send(0, 1, 5);
    scene.now += 300;
    scene.send(1, 1, 5);
    scene.send(1, 5, 9);
    scene.now += 700;
    scene.send(0, 5, 9);
    let leads = [0, 1].map(|line| scene.sequencer.skew(line).expect("two lines").mean_ns());
    assert_eq!(leads, [300, 700]);
}

#[test]
fn a_bad_configuration_names_its_key() {
    let good = FeedConfig::default();
    let bad = [
        (FeedConfig { lines: 0, ..good }, "lines"),
        (FeedConfig { lines: 3, ..good }, "lines"),
        (FeedConfig { reorder_packets: 64, ..good }, "reorder_packets"),
        (FeedConfig { park_packets: 0, ..good }, "park_packets"),
        (FeedConfig { packet_bytes: 0, ..good }, "packet_bytes"),
        (FeedConfig { jump_max: 0, ..good }, "jump_max"),
        (FeedConfig { instruments: 0, ..good }, "instruments"),
        (FeedConfig { look_ahead: 65, ..good }, "look_ahead"),
    ];
    assert!(Sequencer::new(good).is_ok());
    for (config, want) in bad {
        let error = Sequencer::new(config).err().expect("a refusal");
        assert!(matches!(error, ConfigError::Value { key, .. } if key == want), "{error}");
        assert!(error.to_string().contains(want), "{error}");
    }
}
