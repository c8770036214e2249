//! Each rule of recovery in a scene of its own.

mod common;

use common::{Log, mold, mold_of, unhex};
use nofx_feed::recovery::{REQUEST_LEN, SERVERS_MAX};
use nofx_feed::{
    Action, ChannelState, ConfigError, FeedConfig, Join, RecoveringFeed, RecoveryConfig,
};
use nofx_types::{EventKind, InstrumentId, Nanos, Phase, StaleReason};
use nofx_wire::glimpse::SnapshotMark;
use nofx_wire::soup;

const MS: u64 = 1_000_000;
const STALE: EventKind = EventKind::Stale(StaleReason::Gap);
const SESSION: &[u8; 10] = b"SESSION001";

/// A delete of an order nobody has: one event, and the number it came under.
fn delete(order: u64) -> Vec<u8> {
    [b"D\0\x01\0\0\0\0\0\0\0\x07".as_slice(), &order.to_be_bytes()].concat()
}

/// Messages `from..to` in one packet.
fn packet(from: u64, to: u64) -> Vec<u8> {
    let messages: Vec<Vec<u8>> = (from..to).map(delete).collect();
    mold(from, &messages.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn feed_config() -> FeedConfig {
    FeedConfig { lines: 2, instruments: 16, reorder_packets: 0, ..FeedConfig::default() }
}

fn recovery_config() -> RecoveryConfig {
    RecoveryConfig {
        servers: 2,
        request_max_messages: 10,
        requests_in_flight: 2,
        request_interval_ns: 100_000,
        request_timeout_ns: 10 * MS,
        attempts: 3,
        snapshot_user: "NOFX".into(),
        snapshot_password: "secret".into(),
        retry_ns: 1_000 * MS,
        ..RecoveryConfig::default()
    }
}

/// A channel with its sink and what it asked for.
struct Scene {
    feed: RecoveringFeed,
    log: Log,
    number: u64,
}

impl Scene {
    fn new(recovery: RecoveryConfig) -> Scene {
        let feed = RecoveringFeed::new(feed_config(), recovery).expect("sizes are good");
        Scene { feed, log: Log::default(), number: 0 }
    }

    /// Live behind message 1, on both lines.
    fn live(recovery: RecoveryConfig) -> Scene {
        let mut scene = Scene::new(recovery);
        scene.both(0, &packet(1, 2));
        assert_eq!(scene.feed.state(), ChannelState::Live);
        scene
    }

    fn line(&mut self, line: usize, at: u64, bytes: &[u8]) {
        self.number += 1;
        self.feed.on_packet(line, self.number, Nanos(at), bytes, &mut self.log);
    }

    fn both(&mut self, at: u64, bytes: &[u8]) {
        self.line(0, at, bytes);
        self.line(1, at, bytes);
    }

    fn reply(&mut self, at: u64, bytes: &[u8]) {
        self.feed.on_reply(0, Nanos(at), bytes, &mut self.log);
    }

    fn time(&mut self, at: u64) {
        self.feed.on_time(Nanos(at), &mut self.log);
    }

    fn bytes(&mut self, at: u64, bytes: &[u8]) {
        self.feed.on_snapshot_bytes(Nanos(at), bytes, &mut self.log);
    }

    /// What is asked for now: requests as `server: first +count`.
    fn actions(&mut self) -> Vec<String> {
        let mut actions = Vec::new();
        while let Some(action) = self.feed.poll_action() {
            actions.push(match action {
                Action::Request { server, bytes } => {
                    assert_eq!((bytes.len(), &bytes[..10]), (REQUEST_LEN, SESSION.as_slice()));
                    let first = u64::from_be_bytes(bytes[10..18].try_into().expect("eight"));
                    let count = u16::from_be_bytes(bytes[18..].try_into().expect("two"));
                    format!("{server}: {first} +{count}")
                }
                Action::SnapshotConnect => "connect".into(),
                Action::SnapshotClose => "close".into(),
                Action::SnapshotSend(bytes) => format!("send {}", char::from(bytes[2])),
                other => panic!("not of this protocol: {other:?}"),
            });
        }
        actions
    }

    /// Numbers of the deletes that were delivered, and marks between them.
    fn told(&self) -> String {
        let told = self.log.events.iter().map(|event| match event.kind {
            EventKind::Delete { order } => {
                // A message of a snapshot has no number.
                assert!(order.0 == event.seq || event.seq == 0, "{event:?}");
                order.0.to_string()
            }
            STALE => "stale".into(),
            EventKind::Recovered => "recovered".into(),
            EventKind::Clear { .. } => "clear".into(),
            EventKind::Phase(Phase::Unknown) => "phase".into(),
            ref other => format!("{other:?}"),
        });
        told.collect::<Vec<_>>().join(" ")
    }
}

/// Image of nothing but one message, with its end at `next`.
fn image(session: [u8; 10], next: u64) -> Vec<u8> {
    let mut bytes = soup::login_accepted(session, 1).to_vec();
    for message in [&delete(77)[..], SnapshotMark::new(next).bytes()] {
        let mut frame = [0; 64];
        let length = soup::put_frame(&mut frame, b'S', message).expect("short");
        bytes.extend(&frame[..length]);
    }
    bytes
}

#[test]
fn what_the_other_line_brings_in_time_is_never_a_loss() {
    let mut scene = Scene::live(recovery_config());
    scene.line(0, 10, &packet(3, 4));
    assert_eq!((scene.feed.state(), scene.feed.is_trusted()), (ChannelState::Gap, true));
    assert_eq!(scene.feed.next_deadline(), Some(Nanos(10 + MS)), "the age of the hole");
    scene.line(1, 20, &packet(2, 3));
    scene.time(2 * MS);
    assert_eq!((scene.told().as_str(), scene.actions().len()), ("1 2 3", 0));
}

#[test]
fn a_hole_that_both_lines_passed_is_asked_for_and_books_are_stale_until_it_is_filled() {
    let mut scene = Scene::live(recovery_config());
    scene.both(10, &packet(4, 6));
    assert_eq!(scene.feed.state(), ChannelState::Retransmission);
    assert_eq!(scene.actions(), ["0: 2 +2"]);
    scene.both(20, &packet(6, 7));
    scene.reply(30, &packet(2, 4));
    assert_eq!(scene.told(), "1 stale 2 3 4 5 6 recovered");
    let seqs: Vec<u64> = scene.log.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [1, 2, 2, 3, 4, 5, 6, 7], "first missing, and next to come");
    let counters = scene.feed.recovery();
    assert_eq!((counters.holes, counters.recovered, counters.stale_episodes), (1, 2, 1));
    assert_eq!((counters.recover_ns.count(), counters.recover_ns.max()), (1, 20));
}

#[test]
fn a_trailing_hole_is_revealed_by_a_heartbeat_and_stays_lost_while_it_is_filled_in_parts() {
    let mut scene = Scene::live(recovery_config());
    scene.both(10, &mold(6, &[]));
    scene.time(10 + MS);
    assert_eq!(scene.actions(), ["0: 2 +4"]);
    scene.reply(2 * MS, &packet(2, 3));
    assert!(!scene.feed.is_trusted());
    scene.time(3 * MS);
    assert_eq!(scene.actions(), ["0: 3 +3"], "what a partial answer left");
    scene.reply(3 * MS, &packet(3, 6));
    assert_eq!(scene.told(), "1 stale 2 3 4 5 recovered");
}

#[test]
fn requests_keep_their_rate_and_number_and_go_round_the_servers() {
    let mut scene = Scene::live(recovery_config());
    scene.both(0, &packet(100, 101));
    assert_eq!(scene.actions(), ["0: 2 +10"]);
    scene.time(99_999);
    assert_eq!(scene.actions().len(), 0, "the rate");
    assert_eq!(scene.feed.next_deadline(), Some(Nanos(100_000)));
    scene.time(100_000);
    assert_eq!(scene.actions(), ["0: 12 +10"]);
    scene.time(200_000);
    assert_eq!(scene.actions().len(), 0, "two are under way");
    scene.time(10 * MS);
    assert_eq!(scene.actions(), ["1: 2 +10"], "nobody answered: the next server");
    scene.time(10 * MS + 100_000);
    assert_eq!(scene.actions(), ["1: 12 +10"]);
    scene.time(20 * MS);
    assert_eq!(scene.actions(), ["connect"], "three in a row");
    assert_eq!(scene.feed.recovery().request_timeouts, 3);
    assert_eq!(scene.feed.state(), ChannelState::Snapshot);
}

#[test]
fn answers_of_other_sessions_ranges_and_servers_are_refused() {
    let mut scene = Scene::live(recovery_config());
    scene.both(0, &packet(5, 6));
    let message = delete(2);
    scene.reply(1, &mold_of(b"SESSION000", 2, &[&message]));
    scene.reply(1, &packet(5, 9)); // beyond what the lines have shown
    scene.reply(1, &mold(2, &[])); // nothing
    scene.reply(1, &packet(2, 5)[..50]); // cut
    scene.feed.on_reply(2, Nanos(1), &packet(2, 5), &mut scene.log); // no such server
    assert_eq!(scene.feed.recovery().replies_refused, 5);
    scene.reply(1, &packet(1, 2)); // long known
    scene.reply(2, &packet(1, 5)); // more than was asked for
    assert_eq!(scene.told(), "1 stale 2 3 4 5 recovered");
    assert_eq!((scene.feed.recovery().replies_late, scene.feed.recovery().recovered), (1, 3));
}

#[test]
fn a_mid_day_start_joins_by_snapshot_at_its_marker() {
    let mut scene = Scene::new(recovery_config());
    assert_eq!(scene.feed.state(), ChannelState::Waiting);
    scene.both(0, &packet(50, 52));
    assert_eq!((scene.told().as_str(), scene.actions()), ("stale", vec!["connect".to_owned()]));
    scene.feed.on_snapshot_opened(Nanos(1));
    let login = soup::login_request("NOFX", "secret", soup::ANY_SESSION, 1).expect("short");
    assert_eq!(scene.feed.poll_action(), Some(Action::SnapshotSend(&login)));
    scene.both(2, &packet(52, 53));
    scene.bytes(3, &image(*SESSION, 52));
    assert_eq!(scene.told(), "stale clear phase stale 77 52 recovered");
    assert_eq!(scene.actions(), ["send O", "close"]);
    assert_eq!(scene.feed.state(), ChannelState::Live);
    let lasts: Vec<bool> = scene.log.events.iter().map(|event| event.last).collect();
    assert_eq!(lasts[1..4], [false, false, true], "no strategy sees the cleared books as whole");
    assert!(scene.log.events[..4].iter().all(|event| event.instrument == InstrumentId::ALL));
}

#[test]
fn a_marker_before_the_buffer_is_joined_by_requests_and_one_ahead_waits_for_the_lines() {
    let mut scene = Scene::new(recovery_config());
    scene.both(0, &packet(50, 52));
    scene.feed.on_snapshot_opened(Nanos(1));
    scene.bytes(3, &image(*SESSION, 48));
    assert_eq!(scene.feed.state(), ChannelState::Retransmission);
    assert_eq!(scene.actions(), ["send O", "close", "0: 48 +2"]);
    scene.reply(4, &packet(48, 50));
    assert!(scene.told().ends_with("stale 77 48 49 50 51 recovered"), "{}", scene.told());

    let mut scene = Scene::new(recovery_config());
    scene.both(0, &packet(50, 52));
    scene.feed.on_snapshot_opened(Nanos(1));
    scene.bytes(3, &image(*SESSION, 54));
    assert_eq!((scene.feed.state(), scene.feed.is_trusted()), (ChannelState::Snapshot, false));
    scene.both(4, &packet(52, 55));
    assert!(scene.told().ends_with("stale 77 54 recovered"), "{}", scene.told());
}

#[test]
fn a_full_buffer_keeps_the_newest_for_a_snapshot_and_the_oldest_for_answers() {
    let recovery = RecoveryConfig { buffer_packets: 2, ..recovery_config() };
    let mut scene = Scene::new(recovery.clone());
    (50..60).for_each(|number| scene.both(0, &packet(number, number + 1)));
    scene.feed.on_snapshot_opened(Nanos(1));
    scene.bytes(3, &image(*SESSION, 58));
    assert!(scene.told().ends_with("stale 77 58 59 recovered"), "{}", scene.told());
    assert_eq!(scene.feed.recovery().requests, 0);

    let mut scene = Scene::live(recovery);
    (3..8).for_each(|number| scene.both(0, &packet(number, number + 1)));
    assert_eq!((scene.actions(), scene.feed.recovery().buffer_full), (vec!["0: 2 +1".into()], 6));
    scene.reply(1, &packet(2, 3));
    scene.time(MS);
    assert_eq!(scene.told(), "1 stale 2 3 4");
    assert_eq!(
        scene.actions(),
        ["0: 5 +2"],
        "7 came on both lines, found no room, and is no loss yet"
    );
    scene.reply(2 * MS, &packet(5, 8));
    assert!(scene.told().ends_with("5 6 7 recovered"));
}

#[test]
fn an_image_that_the_lines_never_reach_is_asked_for_again() {
    let mut scene = Scene::new(recovery_config());
    scene.both(0, &packet(50, 52));
    scene.feed.on_snapshot_opened(Nanos(1));
    scene.bytes(3, &image(*SESSION, 1_000));
    scene.actions();
    let until = 3 + recovery_config().snapshot_timeout_ns;
    scene.both(until - 1, &packet(52, 53));
    scene.time(until);
    assert_eq!((scene.actions(), scene.feed.is_trusted()), (vec!["connect".to_owned()], false));
}

#[test]
fn a_snapshot_of_another_session_is_refused_where_that_can_be_known() {
    for (name, same, joined) in
        [(*b" SESSION00", true, 0), (*b" SESSION00", false, 1), (*b"SESSION001", true, 1)]
    {
        let recovery = RecoveryConfig { snapshot_same_session: same, ..recovery_config() };
        let mut scene = Scene::new(recovery);
        scene.both(0, &packet(50, 52));
        scene.feed.on_snapshot_opened(Nanos(1));
        scene.bytes(3, &image(name, 52));
        assert_eq!(scene.feed.recovery().snapshots_joined, joined, "{same}");
    }
}

#[test]
fn the_snapshot_session_beats_is_left_when_silent_and_is_tried_again_after_a_rest() {
    let mut scene = Scene::new(recovery_config());
    scene.both(0, &packet(50, 52));
    scene.feed.on_snapshot_opened(Nanos(0));
    assert_eq!(scene.actions(), ["connect", "send L"]);
    scene.bytes(0, &soup::login_accepted(*SESSION, 1));
    for second in 1..15 {
        scene.both(second * 1_000 * MS, &mold(52, &[]));
        assert_eq!(scene.actions(), ["send R"], "{second}");
    }
    scene.both(15_000 * MS, &mold(52, &[]));
    assert_eq!(scene.actions(), ["send O", "close"]);
    assert_eq!(scene.feed.state(), ChannelState::Stale);
    scene.time(16_000 * MS - 1);
    assert_eq!(scene.actions().len(), 0);
    scene.both(16_000 * MS, &mold(52, &[]));
    assert_eq!(scene.actions(), ["connect"]);
    scene.feed.on_snapshot_closed(Nanos(16_001 * MS), &mut scene.log);
    assert_eq!(
        (scene.feed.state(), scene.feed.recovery().snapshots_failed),
        (ChannelState::Stale, 2)
    );
    // One that opens too late is closed again.
    scene.feed.on_snapshot_opened(Nanos(16_002 * MS));
    assert_eq!(scene.actions(), ["close"]);
}

#[test]
fn a_late_copy_makes_a_snapshot_unnecessary_until_its_image_begins() {
    let mut scene = Scene::live(RecoveryConfig { servers: 0, ..recovery_config() });
    scene.both(10, &packet(3, 5));
    scene.feed.on_snapshot_opened(Nanos(11));
    scene.bytes(12, &soup::login_accepted(*SESSION, 1));
    scene.line(1, 13, &packet(2, 3));
    assert_eq!(scene.told(), "1 stale 2 3 4 recovered");
    assert_eq!(scene.actions(), ["send O", "close"]);
    scene.bytes(14, &image(*SESSION, 2)[33..]);
    assert_eq!(scene.told(), "1 stale 2 3 4 recovered", "bytes of a session that was left");
}

#[test]
fn silent_lines_raise_alarms_and_all_of_them_make_books_stale() {
    let mut scene = Scene::live(RecoveryConfig { silence_ns: 3_000 * MS, ..recovery_config() });
    scene.line(0, 2_000 * MS, &mold(2, &[]));
    scene.time(3_000 * MS);
    let silent = |scene: &Scene| [0, 1].map(|line| scene.feed.line_alarm(line).silent);
    assert_eq!((silent(&scene), scene.feed.is_trusted()), ([false, true], true));
    scene.time(5_000 * MS);
    assert_eq!((silent(&scene), scene.feed.state()), ([true, true], ChannelState::Stale));
    assert_eq!(scene.feed.line_silence_ns(1, Nanos(5_000 * MS)), 5_000 * MS);
    scene.line(1, 6_000 * MS, &packet(2, 3));
    assert_eq!((silent(&scene), scene.told().as_str()), ([true, false], "1 stale 2 recovered"));
    let alarm = scene.feed.line_alarm(1);
    assert_eq!((alarm.episodes, alarm.longest_ns), (1, 6_000 * MS));
}

#[test]
fn after_its_end_a_session_is_still_re_requested_and_silence_is_no_alarm() {
    let mut scene = Scene::live(recovery_config());
    let mut end = mold(4, &[]);
    end[18..20].fill(0xff);
    scene.both(10, &end);
    scene.time(10 + MS);
    assert_eq!(scene.actions(), ["0: 2 +2"]);
    scene.reply(2 * MS, &packet(2, 4));
    assert_eq!(
        (scene.told().as_str(), scene.feed.state()),
        ("1 stale 2 3 recovered", ChannelState::Ended)
    );
    scene.time(60_000 * MS);
    assert!(scene.feed.is_trusted() && !scene.feed.line_alarm(0).silent);
    assert_eq!(scene.feed.next_deadline(), None);
}

#[test]
fn a_new_session_clears_the_books_and_forgets_what_was_missing() {
    let mut scene = Scene::live(recovery_config());
    scene.both(10, &packet(5, 7));
    assert_eq!(scene.actions(), ["0: 2 +3"]);
    let message = delete(1);
    scene.line(0, 15, &mold_of(b"SESSION002", 1, &[&message]));
    assert_eq!(scene.feed.state(), ChannelState::Retransmission, "one alone may be a stray");
    scene.line(1, 20, &mold_of(b"SESSION002", 1, &[&message]));
    assert_eq!(scene.told(), "1 stale clear phase 1");
    assert_eq!((scene.feed.state(), scene.feed.is_trusted()), (ChannelState::Live, true));
    scene.reply(30, &packet(2, 5)); // of the former session
    assert_eq!(scene.feed.recovery().replies_refused, 1);
}

/// Live up to `end` on both lines; a venue that starts again then sends `first..` one by one.
fn restarted(recovery: RecoveryConfig, end: u64, sent: std::ops::Range<u64>) -> Scene {
    let mut scene = Scene::live(recovery);
    (2..end).for_each(|number| scene.both(number, &packet(number, number + 1)));
    scene.log.events.clear();
    for number in sent {
        scene.both(2_000 * MS + number * MS, &packet(number, number + 1));
    }
    scene
}

#[test]
fn a_venue_that_starts_again_under_its_session_clears_the_books_and_they_are_joined() {
    for lost in [0, 1, 5, 20] {
        let mut scene = restarted(recovery_config(), 100, 1 + lost..31);
        assert_eq!(scene.told(), "clear phase stale", "{lost} lost");
        assert_eq!(scene.feed.sequencer().counters().restarts, 1);
        assert_eq!(
            (scene.feed.state(), scene.actions()[0].as_str()),
            (ChannelState::Snapshot, "connect")
        );
        scene.feed.on_snapshot_opened(Nanos(2_100 * MS));
        scene.bytes(2_101 * MS, &image(*SESSION, 29));
        assert!(scene.told().ends_with("clear phase stale 77 29 30 recovered"), "{}", scene.told());
        (31..150).for_each(|n| scene.both(2_200 * MS + n * MS, &packet(n, n + 1)));
        let rest: Vec<String> = (31..150).map(|number| number.to_string()).collect();
        assert!(scene.told().ends_with(&format!("recovered {}", rest.join(" "))));
        assert_eq!(scene.feed.sequencer().counters().restarts, 1);
    }
}

#[test]
fn a_restart_joined_from_one_is_the_lossless_stream_again() {
    let recovery = RecoveryConfig { join: Join::FromOne, ..recovery_config() };
    for lost in [0, 1, 5] {
        let mut scene = restarted(recovery.clone(), 100, 1 + lost..11);
        assert!(scene.told().starts_with("clear phase"), "{}", scene.told());
        assert!(scene.actions()[0].starts_with("0: 1 +"));
        scene.reply(2_020 * MS, &packet(1, 10));
        let told = scene.told();
        assert_eq!(told, "clear phase stale 1 2 3 4 5 6 7 8 9 10 recovered", "{lost} lost");
    }
}

#[test]
fn a_restart_that_climbs_over_the_known_end_lands_on_no_old_book() {
    // Too few numbers for the rule of lines, and line 1 is late.
    let mut scene = Scene::live(recovery_config());
    scene.both(1, &packet(2, 4));
    scene.log.events.clear();
    (1..6).for_each(|n| scene.line(0, 2_000 * MS + n, &packet(n, n + 1)));
    assert_eq!(scene.told(), "clear phase stale");
}

#[test]
fn heartbeats_of_the_past_are_no_sign_of_life() {
    let mut scene = restarted(recovery_config(), 100, 0..0);
    for second in 3..6 {
        scene.time(second * 1_000 * MS);
        scene.line(0, second * 1_000 * MS, &mold(1, &[]));
        scene.time(second * 1_000 * MS + 1);
    }
    assert_eq!(scene.told(), "stale clear phase", "they begin anew with nothing missing");
    assert_eq!(scene.feed.state(), ChannelState::Live);
}

#[test]
fn a_line_that_replays_or_lags_while_the_other_is_at_the_front_is_no_restart() {
    let mut scene = restarted(recovery_config(), 1_000, 0..0);
    for number in 1..900 {
        let at = 10 * MS + number * MS;
        scene.line(0, at, &packet(number, number + 1));
        if number % 10 == 0 {
            scene.line(1, at, &mold(1_000, &[]));
        }
    }
    // Nor when the other one has only not spoken yet.
    (1..50).for_each(|number| scene.line(0, 1_000 * MS + number, &packet(number, number + 1)));
    scene.both(1_001 * MS, &packet(1_000, 1_001));
    assert_eq!((scene.told().as_str(), scene.feed.state()), ("1000", ChannelState::Live));
    assert_eq!(scene.feed.sequencer().counters().restarts, 0);
}

#[test]
fn one_stray_datagram_far_ahead_is_taken_back_when_no_line_stands_by_it() {
    for (lines, allowance) in [(1, 0), (1, 8), (2, 0), (2, 8)] {
        let mut scene = Scene::new(RecoveryConfig { servers: 0, ..recovery_config() });
        let config = FeedConfig { lines, reorder_packets: allowance, ..feed_config() };
        let recovery = RecoveryConfig { servers: 0, ..recovery_config() };
        scene.feed = RecoveringFeed::new(config, recovery).expect("sizes are good");
        let both = |scene: &mut Scene, at: u64, bytes: &[u8]| {
            (0..lines).for_each(|line| scene.line(line, at, bytes));
        };
        (1..10).for_each(|n| both(&mut scene, n * MS, &packet(n, n + 1)));
        scene.line(0, 10 * MS, &packet(500_000, 500_001));
        for n in 10..50 {
            let at = n * 100 * MS;
            both(&mut scene, at, &packet(n, n + 1));
            scene.time(at + 50 * MS);
            if scene.actions().contains(&"connect".to_owned()) {
                scene.feed.on_snapshot_opened(Nanos(at + 51 * MS));
                scene.bytes(at + 52 * MS, &image(*SESSION, n + 1));
            }
        }
        assert!(scene.feed.is_trusted(), "{lines} {allowance}: {}", scene.told());
        assert_eq!(scene.feed.state(), ChannelState::Live);
        assert_eq!(scene.feed.expected(), 50);
        assert!(scene.told().ends_with("47 48 49"));
    }
}

#[test]
fn an_end_of_session_is_believed_at_the_known_end_only() {
    let end = |seq: u64| {
        let mut end = mold(seq, &[]);
        end[18..20].fill(0xff);
        end
    };
    let mut scene = Scene::live(recovery_config());
    (2..10).for_each(|number| scene.both(number, &packet(number, number + 1)));
    scene.line(0, 20, &end(3));
    assert_eq!(scene.feed.state(), ChannelState::Live, "long past it");
    scene.line(0, 30, &end(10));
    assert_eq!(scene.feed.state(), ChannelState::Ended);
    scene.both(40, &packet(10, 11));
    assert_eq!(scene.feed.state(), ChannelState::Live, "it went on");
    scene.time(10_000 * MS);
    assert_eq!(scene.feed.state(), ChannelState::Stale, "silence is an alarm");
}

#[test]
fn without_any_server_a_hole_is_given_up_for_good() {
    let recovery =
        RecoveryConfig { join: Join::Live, servers: 0, snapshot: false, ..recovery_config() };
    let mut scene = Scene::live(recovery);
    scene.both(10, &packet(3, 5));
    assert_eq!(scene.feed.state(), ChannelState::Stale);
    scene.both(20, &packet(5, 6));
    assert!(scene.told().starts_with("1 stale") && scene.told().ends_with("3 4 5"));
    assert!(!scene.feed.is_trusted());
}

#[test]
fn a_snapshot_in_two_chunks_cut_anywhere_is_the_snapshot_and_cut_off_it_is_none() {
    let whole = image(*SESSION, 52);
    let run = |chunks: &[&[u8]]| {
        let mut scene = Scene::new(recovery_config());
        scene.both(0, &packet(50, 53));
        scene.feed.on_snapshot_opened(Nanos(1));
        chunks.iter().for_each(|chunk| scene.bytes(3, chunk));
        scene.feed.on_snapshot_closed(Nanos(4), &mut scene.log);
        scene
    };
    let want = run(&[&whole]).log;
    for cut in 0..whole.len() {
        let (front, back) = whole.split_at(cut);
        assert_eq!(run(&[front, back]).log, want, "cut at {cut}");
        let scene = run(&[front]);
        assert!(!scene.feed.is_trusted(), "cut off at {cut}");
        assert_eq!(scene.feed.state(), ChannelState::Stale, "cut off at {cut}");
    }
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(run(&bytes).log, want);
}

#[test]
fn a_reply_cut_anywhere_brings_nothing() {
    let reply = packet(2, 5);
    for cut in 0..reply.len() {
        let mut scene = Scene::live(recovery_config());
        scene.both(0, &packet(5, 6));
        scene.reply(1, &reply[..cut]);
        assert_eq!(scene.told(), "1 stale", "cut at {cut}");
        assert_eq!(scene.feed.recovery().replies_refused, 1);
    }
}

#[test]
fn a_request_is_the_twenty_bytes_of_the_sheet() {
    let mut scene = Scene::live(recovery_config());
    scene.both(0, &packet(0x0102, 0x0103));
    let Some(Action::Request { bytes, .. }) = scene.feed.poll_action() else { panic!("none") };
    assert_eq!(bytes, unhex("53455353494f4e303031 0000000000000002 000a"));
}

#[test]
fn bad_sizes_are_refused_by_name() {
    let good = recovery_config;
    let long = "12345678901";
    let cases: [(&str, RecoveryConfig); 12] = [
        ("buffer_packets", RecoveryConfig { buffer_packets: 0, ..good() }),
        ("servers", RecoveryConfig { servers: SERVERS_MAX + 1, ..good() }),
        ("requests_in_flight", RecoveryConfig { requests_in_flight: 17, ..good() }),
        ("request_max_messages", RecoveryConfig { request_max_messages: 0, ..good() }),
        ("attempts", RecoveryConfig { attempts: 0, ..good() }),
        ("request_timeout_ns", RecoveryConfig { request_timeout_ns: 0, ..good() }),
        ("retry_ns", RecoveryConfig { retry_ns: 0, ..good() }),
        ("silence_ns", RecoveryConfig { silence_ns: 0, ..good() }),
        ("snapshot_timeout_ns", RecoveryConfig { snapshot_timeout_ns: 0, ..good() }),
        ("join", RecoveryConfig { snapshot: false, ..good() }),
        ("snapshot_user", RecoveryConfig { snapshot_user: "1234567".into(), ..good() }),
        ("snapshot_password", RecoveryConfig { snapshot_password: long.into(), ..good() }),
    ];
    for (want, recovery) in cases {
        match RecoveringFeed::new(feed_config(), recovery) {
            Err(ConfigError::Value { key, .. }) => assert_eq!(key, want),
            Ok(_) => panic!("{want} was taken"),
        }
    }
}
