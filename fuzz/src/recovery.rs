//! A recovering channel under bytes of any kind, from lines, re-request servers and the snapshot
//! server, at any time: it must not panic, what it tells of its books must be what it believes, and
//! a deadline that was served must move on.

use nofx_feed::{FeedConfig, Join, RecoveringFeed, RecoveryConfig};
use nofx_types::{BookEvent, EventKind, EventSink, Nanos, StaleReason};
use nofx_wire::glimpse::SnapshotMark;
use nofx_wire::soup;

/// Follows what is told of the books as a whole.
#[derive(Default)]
struct Told {
    stale: bool,
}

impl EventSink for Told {
    fn on_event(&mut self, event: &BookEvent) {
        if event.instrument == nofx_types::InstrumentId::ALL {
            match event.kind {
                EventKind::Stale(StaleReason::Gap) => self.stale = true,
                EventKind::Recovered | EventKind::Clear { side: None } => self.stale = false,
                _ => {}
            }
        }
    }
}

/// `data` as a script: a byte that chooses the channel, then steps of what, how long after the last
/// one, how many bytes, and the bytes.
pub fn recovery(data: &[u8]) {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let join = [Join::Snapshot, Join::FromOne, Join::Live, Join::Snapshot][usize::from(choice & 3)];
    let feed = FeedConfig {
        lines: 1 + usize::from(choice >> 2 & 1),
        instruments: 8,
        packet_bytes: 64,
        reorder_packets: 1,
        ..FeedConfig::default()
    };
    let recovery = RecoveryConfig {
        join,
        buffer_packets: 4,
        servers: usize::from(choice >> 3 & 3),
        snapshot: join == Join::Snapshot || choice & 0x20 != 0,
        request_timeout_ns: 1_000_000,
        snapshot_timeout_ns: 1 << 34,
        retry_ns: 5_000_000,
        ..RecoveryConfig::default()
    };
    let mut channel = RecoveringFeed::new(feed, recovery).expect("sizes are good");
    let (mut told, mut now) = (Told::default(), Nanos(1));
    let mut number = 0;
    while let Some((&[what, wait, length], behind)) = rest.split_first_chunk::<3>() {
        let (bytes, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        now = now.plus(1 << (wait & 35));
        number += 1;
        let sink = &mut told;
        match what % 11 {
            0 => channel.on_packet(0, number, now, bytes, sink),
            1 => channel.on_packet(usize::from(what >> 4), number, now, bytes, sink),
            2 => channel.on_reply(usize::from(what >> 4), now, bytes, sink),
            3 => channel.on_snapshot_opened(now),
            4 => channel.on_snapshot_bytes(now, bytes, sink),
            5 => channel.on_snapshot_closed(now, sink),
            6 => channel.on_packet(usize::from(what >> 7), number, now, &packet(bytes), sink),
            7 => channel.on_reply(usize::from(what >> 7), now, &packet(bytes), sink),
            8 => channel.on_snapshot_bytes(now, &frame(bytes), sink),
            9 => channel.on_snapshot_bytes(now, &soup::login_accepted(*b"A         ", 1), sink),
            _ => {
                let next = u64::from(bytes.first().copied().unwrap_or(1));
                let mark = frame(SnapshotMark::new(next).bytes());
                channel.on_snapshot_bytes(now, &mark, sink);
            }
        }
        assert_eq!(told.stale, !channel.is_trusted(), "{:?}", channel.state());
        channel.on_time(now, &mut told);
        assert_eq!(told.stale, !channel.is_trusted(), "{:?}", channel.state());
        let deadline = channel.next_deadline();
        assert!(deadline.is_none_or(|due| due > now), "{deadline:?} at {now:?}");
        let mut actions = 0;
        while channel.poll_action().is_some() {
            actions += 1;
        }
        assert!(actions <= 21, "{actions} actions");
    }
}

/// A packet of the session `A` or `B`: number, count and messages chosen by the first bytes.
fn packet(bytes: &[u8]) -> Vec<u8> {
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut packet = if at(0) & 0x80 == 0 { *b"A         " } else { *b"B         " }.to_vec();
    packet.extend(u64::from(at(0) & 0x7f).to_be_bytes());
    let count = u16::from(at(1) % 4);
    packet.extend(if at(1) == 255 { 0xffff } else { count }.to_be_bytes());
    for _ in 0..count {
        let message = bytes.get(2..).unwrap_or(&[]);
        packet.extend((message.len() as u16).to_be_bytes());
        packet.extend(message);
    }
    packet
}

/// `bytes` as a sequenced message.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; bytes.len() + soup::HEADER_LEN];
    soup::put_frame(&mut frame, b'S', bytes).expect("it fits");
    frame
}
