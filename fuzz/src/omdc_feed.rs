//! OMD-C channels under bytes of any kind: none may make them panic, what a channel tells of its books
//! must be what it believes, and a deadline that was served must move on.

use nofx_feed::omdc::{ModifyPlace, OmdcConfig, PositionMeaning};
use nofx_feed::{FeedConfig, Join, OmdcLines, PacketFeed, RecoveringOmdc, RecoveryConfig};
use nofx_types::{BookEvent, EventKind, EventSink, InstrumentId, Nanos, StaleReason};
use nofx_wire::omdc::*;

/// `data` as a datagram, once and again.
pub fn omdc_lines(data: &[u8]) {
    let mut feed = OmdcLines::new(feed_config(data.len() as u8)).expect("sizes are good");
    for number in 1..3 {
        feed.on_packet(0, number, Nanos(number), data, &mut Told::default());
    }
    feed.finish(3, Nanos(9), &mut Told::default());
    let _ = feed.report();
}

/// Follows what is told of the books as a whole.
#[derive(Default)]
struct Told {
    stale: bool,
}

impl EventSink for Told {
    fn on_event(&mut self, event: &BookEvent) {
        if event.instrument == InstrumentId::ALL {
            match event.kind {
                EventKind::Stale(StaleReason::Gap) => self.stale = true,
                EventKind::Recovered | EventKind::Clear { side: None } => self.stale = false,
                _ => {}
            }
        }
    }
}

fn feed_config(choice: u8) -> FeedConfig {
    let place = usize::from(choice);
    FeedConfig {
        lines: 1 + place % 2,
        instruments: 4,
        packet_bytes: 64,
        reorder_packets: 1,
        look_ahead: place % 3,
        omdc: OmdcConfig {
            position: PositionMeaning::ALL[place % PositionMeaning::ALL.len()],
            modify: ModifyPlace::ALL[place % ModifyPlace::ALL.len()],
            followed: u32::from(choice % 3),
            followed_orders: 4,
            odd_lots: u32::from(choice % 4),
            reset_is_numbered: choice & 4 == 0,
            ..OmdcConfig::default()
        },
        ..FeedConfig::default()
    }
}

/// `data` as a script for a recovering channel: a byte that chooses it, then steps of what, how long
/// after the last one, how many bytes, and the bytes.
pub fn omdc_recovery(data: &[u8]) {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let join = [Join::Snapshot, Join::FromOne, Join::Live, Join::Snapshot][usize::from(choice & 3)];
    let recovery = RecoveryConfig {
        join,
        buffer_packets: 4,
        servers: usize::from(choice >> 3 & 3),
        snapshot: join == Join::Snapshot || choice & 0x20 != 0,
        request_timeout_ns: 1_000_000,
        snapshot_timeout_ns: 1 << 34,
        retry_ns: 5_000_000,
        ..RecoveryConfig::omdc()
    };
    let mut channel = RecoveringOmdc::new(feed_config(choice), recovery).expect("sizes are good");
    let (mut told, mut now) = (Told::default(), Nanos(1));
    let mut number = 0;
    while let Some((&[what, wait, length], behind)) = rest.split_first_chunk::<3>() {
        let (bytes, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        now = now.plus(1 << (wait & 35));
        number += 1;
        let sink = &mut told;
        let made = made(bytes, now.0);
        match what % 12 {
            0 => channel.on_packet(usize::from(what >> 7), number, now, bytes, sink),
            1 | 2 => channel.on_packet(usize::from(what >> 7), number, now, &made, sink),
            3 => channel.on_refresh(now, bytes, sink),
            4 | 5 => channel.on_refresh(now, &made, sink),
            6 => channel.on_retransmit_opened(now),
            7 => channel.on_retransmit_bytes(now, bytes, sink),
            8 | 9 => channel.on_retransmit_bytes(now, &made, sink),
            10 => channel.on_retransmit_closed(now, sink),
            _ => channel.on_reply(usize::from(what >> 6), now, &made, sink),
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
        assert!(actions <= 8, "{actions} actions");
    }
}

/// A packet whose number and messages are chosen by `bytes`, each a byte.
fn made(bytes: &[u8], sent: u64) -> Vec<u8> {
    let (&seq, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut buffer = [0; PACKET_MAX];
    let mut writer = PacketWriter::new(&mut buffer, u32::from(seq & 0x3f), sent).expect("room");
    for &byte in rest {
        let security_code = u32::from(byte >> 5).into();
        let order_id = u64::from(byte >> 3 & 3).into();
        let pushed = match byte % 13 {
            0 => {
                writer.push(DeleteOrder { security_code, order_id, ..DeleteOrder::blank() }.bytes())
            }
            1 => {
                let quantity = u32::from(byte).into();
                let modify =
                    ModifyOrder { security_code, order_id, quantity, ..ModifyOrder::blank() };
                writer.push(modify.bytes())
            }
            2 => writer
                .push(SequenceReset { new_seq_no: 1.into(), ..SequenceReset::blank() }.bytes()),
            3 => {
                let dr_status = u32::from(byte >> 6).into();
                writer.push(DisasterRecovery { dr_status, ..DisasterRecovery::blank() }.bytes())
            }
            4 | 5 => {
                let last_seq_num = u32::from(byte >> 2).into();
                writer.push(RefreshComplete { last_seq_num, ..RefreshComplete::blank() }.bytes())
            }
            6 => {
                let session_status = if byte & 0x80 == 0 { 0 } else { 5 };
                writer.push(LogonResponse { session_status, ..LogonResponse::blank() }.bytes())
            }
            7 => {
                let retrans_status = [0, 1, 2, 100, 101, 9, 0, 0][usize::from(byte >> 5)];
                let end_seq_num = u32::from(byte >> 2).into();
                let answer = RetransmissionResponse {
                    retrans_status,
                    end_seq_num,
                    ..RetransmissionResponse::blank()
                };
                writer.push(answer.bytes())
            }
            8 => {
                let cooling_off_end_time = (sent + 1_000).into();
                let vcm = VcmTrigger { security_code, cooling_off_end_time, ..VcmTrigger::blank() };
                writer.push(vcm.bytes())
            }
            _ => {
                let add = AddOrder {
                    security_code,
                    order_id,
                    price_e3: i32::from(byte).into(),
                    quantity: 100.into(),
                    side: u16::from(byte & 1).into(),
                    order_type: order_type::LIMIT,
                    order_book_position: i32::from(byte >> 4).into(),
                    ..AddOrder::blank()
                };
                writer.push(add.bytes())
            }
        };
        if pushed.is_err() {
            break;
        }
    }
    writer.finish().to_vec()
}
