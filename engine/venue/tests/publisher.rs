//! The publisher: literal bytes, when packets leave, heartbeats, the end.

use std::convert::Infallible;

use nofx_types::{Nanos, Side, Symbol};
use nofx_venue::publisher::{Happening, Outlet, PAYLOAD_MIN, Publisher, PublisherConfig};
use nofx_wire::mold::{Kind, Packet};

#[derive(Default)]
struct Said {
    messages: Vec<Vec<u8>>,
    packets: Vec<(u64, Vec<u8>)>,
}

impl Outlet for Said {
    type Error = Infallible;

    fn message(&mut self, message: &[u8]) -> Result<(), Infallible> {
        self.messages.push(message.to_vec());
        Ok(())
    }

    fn packet(&mut self, at: Nanos, payload: &[u8]) -> Result<(), Infallible> {
        self.packets.push((at.0, payload.to_vec()));
        Ok(())
    }
}

impl Said {
    /// Time, first sequence number and kind of each packet.
    fn outline(&self) -> Vec<(u64, u64, Kind)> {
        let outline = |(at, payload): &(u64, Vec<u8>)| {
            let packet = Packet::parse(payload).expect("a packet");
            (*at, packet.seq(), packet.kind())
        };
        self.packets.iter().map(outline).collect()
    }
}

fn publisher(payload_max: usize) -> Publisher {
    let config =
        PublisherConfig { payload_max, slot_ns: 100, heartbeat_ns: 1_000, ..Default::default() };
    Publisher::new(&config, Nanos(0))
}

const DELETE: Happening = Happening::Deleted { order: 1 };

fn ok(result: Result<(), Infallible>) {
    let Ok(()) = result;
}

#[test]
fn bytes_are_those_of_an_independent_encoder() {
    // Python: struct.pack('>10sQH', b'0000000001', 1, 2), then for each message its length ('>H') and
    // struct.pack('>cHH', b'A', 513, 1) + (34200000000001).to_bytes(6, 'big')
    //   + struct.pack('>QcI8sI', 2**40 + 7, b'S', 300, b'ZVZZT   ', 1234500), and
    // struct.pack('>cHH', b'C', 513, 2) + (34200000000002).to_bytes(6, 'big')
    //   + struct.pack('>QIQcI', 2**40 + 7, 100, 99, b'N', 1234600)
    let want = "3030303030303030303100000000000000010002002441020100011f1aced9f00100000100000000\
        07530000012c5a565a5a542020200012d644002443020100021f1aced9f002000001000000000700\
        00006400000000000000634e0012d6a8";
    let start = Nanos(34_200_000_000_000);
    let mut publisher = Publisher::new(&PublisherConfig::default(), start);
    let (mut said, order) = (Said::default(), (1 << 40) + 7);
    let add = Happening::Add {
        order,
        side: Side::Sell,
        shares: 300,
        symbol: Symbol(*b"ZVZZT   "),
        price: 1_234_500,
        mpid: None,
    };
    let fill = Happening::ExecutedAt {
        order,
        shares: 100,
        match_number: 99,
        printable: false,
        price: 1_234_600,
    };
    ok(publisher.publish(Nanos(34_200_000_000_001), 513, &add, &mut said));
    ok(publisher.publish(Nanos(34_200_000_000_002), 513, &fill, &mut said));
    ok(publisher.flush(&mut said));
    assert_eq!(said.packets.len(), 1);
    let packet = &said.packets[0].1;
    let hex: String = packet.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, want);
    assert_eq!([said.messages[0].len(), said.messages[1].len()], [36, 36]);
}

#[test]
fn packets_leave_with_their_slot_heartbeats_fill_silence_and_the_end_is_told() {
    let (mut publisher, mut said) = (publisher(1_400), Said::default());
    for at in [10, 60, 99, 101, 3_500] {
        ok(publisher.publish(Nanos(at), 1, &DELETE, &mut said));
    }
    ok(publisher.end(&mut said));
    let want = [
        (99, 1, Kind::Data(3)),
        (101, 4, Kind::Data(1)),
        (1_101, 5, Kind::Heartbeat),
        (2_101, 5, Kind::Heartbeat),
        (3_101, 5, Kind::Heartbeat),
        (3_500, 5, Kind::Data(1)),
        (4_500, 6, Kind::EndOfSession),
        (5_500, 6, Kind::EndOfSession),
        (6_500, 6, Kind::EndOfSession),
    ];
    assert_eq!(said.outline(), want);
    assert_eq!(publisher.next_seq(), 6);
}

#[test]
fn poll_sends_what_waits_once_its_slot_is_over() {
    let (mut publisher, mut said) = (publisher(1_400), Said::default());
    ok(publisher.publish(Nanos(10), 1, &DELETE, &mut said));
    ok(publisher.poll(Nanos(90), &mut said));
    assert!(said.packets.is_empty());
    ok(publisher.poll(Nanos(100), &mut said));
    // It left at the last moment of its slot that the publisher was told of.
    assert_eq!(said.outline(), [(90, 1, Kind::Data(1))]);
}

#[test]
fn full_packet_leaves_and_the_payload_is_never_exceeded() {
    let delete = 2 + 19;
    for payload_max in [0, PAYLOAD_MIN, 20 + 4 * delete, 20 + 5 * delete - 1] {
        let (mut publisher, mut said) = (publisher(payload_max), Said::default());
        for _ in 0..10 {
            ok(publisher.publish(Nanos(5), 1, &DELETE, &mut said));
        }
        ok(publisher.flush(&mut said));
        let most = (payload_max.max(PAYLOAD_MIN) - 20) / delete;
        let counts: Vec<_> = said.outline().iter().map(|packet| packet.2).collect();
        let full = vec![Kind::Data(most as u16); 10 / most];
        assert_eq!(counts[..full.len()], full, "{payload_max}");
        assert!(said.packets.iter().all(|packet| packet.1.len() <= payload_max.max(PAYLOAD_MIN)));
    }
}

#[test]
fn time_that_runs_back_is_raised() {
    let (mut publisher, mut said) = (publisher(1_400), Said::default());
    ok(publisher.publish(Nanos(50), 1, &DELETE, &mut said));
    ok(publisher.publish(Nanos(40), 1, &DELETE, &mut said));
    assert_eq!(said.messages[0][5..11], said.messages[1][5..11]);
}
