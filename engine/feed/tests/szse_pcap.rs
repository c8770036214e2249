//! A capture of the TCP session, read as `nofx replay` reads it: frames, segments, stream, ticks.

#[path = "szse/gateway.rs"]
#[allow(dead_code)] // each test binary uses a part
mod gateway;

use gateway::{Numbered, at, day, frame};
use nofx_feed::szse::{ChannelSink, SzseConfig, SzseFeed};
use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::frame::segment;
use nofx_net::tcp_flow::{FlowConfig, Piece, TcpFlow};
use nofx_rt::rng::Rng;
use nofx_types::{BookEvent, Nanos};
use nofx_wire::szse::{HEARTBEAT_FRAME, Logon};

#[derive(Default, PartialEq)]
struct Sink(Vec<(u16, BookEvent)>);

impl ChannelSink for Sink {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.0.push((channel, BookEvent { capture_ns: Nanos(0), ..*event }));
    }
}

const PORT: u16 = 9_999;

/// One packet: Ethernet, IPv4, TCP.
fn packet(from_server: bool, client: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut tcp = Vec::new();
    let ports = if from_server { [PORT, client] } else { [client, PORT] };
    ports.iter().for_each(|port| tcp.extend(port.to_be_bytes()));
    tcp.extend(seq.to_be_bytes());
    tcp.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    tcp.extend(payload);
    let mut ip = vec![0x45, 0];
    ip.extend((20 + tcp.len() as u16).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    ip.extend(if from_server { [10, 0, 0, 1, 10, 0, 0, 2] } else { [10, 0, 0, 2, 10, 0, 0, 1] });
    [&[0; 12][..], &[8, 0], &ip, &tcp].concat()
}

/// A nanosecond pcap.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xA1B2_3C4Du32.to_le_bytes());
    out.extend([2, 0, 4, 0]);
    out.extend([0; 8]);
    out.extend(65_535u32.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    for (packet, n) in packets.iter().zip(0u32..) {
        for word in [1_675_216_800 + n / 1_000, n % 1_000 * 1_000_000] {
            out.extend(word.to_le_bytes());
        }
        (0..2).for_each(|_| out.extend((packet.len() as u32).to_le_bytes()));
        out.extend(packet);
    }
    out
}

fn connection(rng: &mut Rng, client: u16, rows: &[Numbered], packets: &mut Vec<Vec<u8>>) {
    let isn = rng.next() as u32;
    packets.push(packet(false, client, 1, 2, &[]));
    packets.push(packet(true, client, isn, 0x12, &[]));
    packets.push(packet(false, client, 2, 0x18, &frame(Logon::TYPE, &[b' '; 92])));
    let mut stream = frame(Logon::TYPE, &[b' '; 92]);
    rows.iter().for_each(|row| stream.extend(&row.2));
    stream.extend(HEARTBEAT_FRAME);
    let (mut at, mut segments) = (0, Vec::new());
    while at < stream.len() {
        let to = (at + 1 + rng.below(1_460) as usize).min(stream.len());
        segments.push((isn.wrapping_add(1 + at as u32), &stream[at..to]));
        if rng.chance(1, 20) {
            segments.push(*segments.last().expect("one")); // sent again
        }
        at = to;
    }
    for at in 1..segments.len() {
        if rng.chance(1, 30) {
            segments.swap(at - 1, at);
        }
    }
    packets.extend(segments.iter().map(|(seq, bytes)| packet(true, client, *seq, 0x18, bytes)));
    let end = isn.wrapping_add(1 + stream.len() as u32);
    packets.push(packet(true, client, end, 0x11, &[]));
}

fn replay(capture: Vec<u8>) -> (Sink, SzseFeed, TcpFlow) {
    let mut capture =
        ByteSource::from_bytes("memory", capture).and_then(Capture::new).expect("one");
    let mut feed = SzseFeed::new(SzseConfig { instruments: 16, ..SzseConfig::default() })
        .expect("values in range");
    let config = FlowConfig { src_port: PORT, park_bytes: 1 << 14, ..FlowConfig::default() };
    let (mut flow, mut sink) = (TcpFlow::new(config).expect("sizes in range"), Sink::default());
    let mut sound = true;
    while let Some(captured) = capture.next().expect("a sound capture") {
        let Ok(segment) = segment(&captured) else { continue };
        flow.take(&segment, |piece| match piece {
            Piece::Opened => {
                feed.listen();
                sound = true;
            }
            Piece::Bytes(bytes) if sound => {
                sound = feed.overhear(segment.ts_ns, bytes, &mut sink).is_ok();
            }
            Piece::Bytes(_) | Piece::Broken { .. } | Piece::Closed => {}
        });
    }
    feed.finish(Nanos(0), &mut sink);
    (sink, feed, flow)
}

#[test]
fn captured_connections_say_what_the_day_says() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let day = day(&mut rng, 1_500);
        let mut whole = SzseFeed::new(SzseConfig { instruments: 16, ..SzseConfig::default() })
            .expect("values in range");
        let mut want = Sink::default();
        day.iter().for_each(|row| whole.on_datagram(at(row.1), &row.2, &mut want));
        let mut packets = Vec::new();
        connection(&mut rng, 40_000, &day[..700], &mut packets);
        connection(&mut rng, 40_001, &day[700..], &mut packets);
        let (sink, feed, flow) = replay(pcap(&packets));
        assert!(sink == want, "seed {seed}");
        assert_eq!((flow.counts().opened, flow.counts().broken), (2, 0));
        assert_eq!((feed.counters().lost, feed.counters().checksum), (0, 0));
        // A packet that the capture does not have: the first connection ends there, the numbers of
        // the second tell what is gone.
        let gone = packets[20].clone();
        packets.retain(|packet| *packet != gone);
        let (sink, feed, flow) = replay(pcap(&packets));
        assert_eq!(flow.counts().broken, 1, "seed {seed}");
        assert!(feed.counters().lost > 0 && sink.0.len() < want.0.len(), "seed {seed}");
    }
}
