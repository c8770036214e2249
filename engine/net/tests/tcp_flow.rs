//! TCP in captures: the view of a segment, and streams out of segments in any order.

mod support;

#[path = "../../../fuzz/src/tcp_flow.rs"]
mod checks;

use nofx_net::capture::{Frame, LinkType};
use nofx_net::frame::{DropReason, NoSegment, Segment, segment, tcp_flags};
use nofx_net::tcp_flow::{FlowConfig, Piece, TcpFlow};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;
use support::{ethernet, ipv4};

fn tcp(seq: u32, flags: u8, options: usize, payload: &[u8]) -> Vec<u8> {
    let mut out = [9_000u16.to_be_bytes(), 40_000u16.to_be_bytes()].concat();
    out.extend(seq.to_be_bytes());
    out.extend([0; 4]);
    out.extend([((5 + options / 4) << 4) as u8, flags, 1, 0, 0, 0, 0, 0]);
    out.extend(vec![1; options]);
    out.extend(payload);
    out
}

fn frame(data: &[u8]) -> Frame<'_> {
    let orig_len = data.len() as u32;
    let link = LinkType::ETHERNET;
    Frame { data, ts_ns: Nanos(5), orig_len, number: 1, offset: 24, link }
}

#[test]
fn a_segment_is_seen_with_its_options_and_without_its_padding() {
    for options in [0, 4, 12, 40] {
        let packet = ipv4(6, &tcp(0xFFFF_FFFE, tcp_flags::SYN, options, b"payload"));
        let data = [ethernet(&[(0x8100, 7)], 0x0800, &packet), vec![0; 9]].concat();
        let seen = segment(&frame(&data)).expect("a segment");
        assert_eq!((seen.seq, seen.flags, seen.payload), (0xFFFF_FFFE, 2, &b"payload"[..]));
        assert_eq!((seen.src_port, seen.dst_port, seen.src), (9_000, 40_000, [10, 0, 0, 1]));
        assert_eq!((seen.dst, seen.ts_ns), ([233, 54, 12, 111], Nanos(5)));
    }
}

#[test]
fn what_is_no_segment_says_why_and_no_length_is_believed() {
    let packet = ipv4(6, &tcp(1, 0, 4, b"payload"));
    let data = ethernet(&[], 0x0800, &packet);
    assert!(segment(&frame(&data)).is_ok());
    for length in 0..data.len() {
        assert!(segment(&frame(&data[..length])).is_err(), "cut at {length}");
    }
    let udp = ethernet(&[], 0x0800, &ipv4(17, &[0; 30]));
    assert_eq!(segment(&frame(&udp)), Err(NoSegment::NotTcp));
    for words in [0u8, 4, 15] {
        let mut bad = tcp(1, 0, 0, b"payload");
        bad[12] = words << 4;
        let data = ethernet(&[], 0x0800, &ipv4(6, &bad));
        assert_eq!(segment(&frame(&data)), Err(NoSegment::BadTcpLength), "{words}");
    }
    let short = ethernet(&[], 0x0800, &ipv4(6, &tcp(1, 0, 0, b"")[..19]));
    assert_eq!(segment(&frame(&short)), Err(NoSegment::BadTcpLength));
    let arp = ethernet(&[], 0x0806, &[0; 40]);
    assert_eq!(segment(&frame(&arp)), Err(NoSegment::Frame(DropReason::Arp)));
}

const BASE: Segment<'static> = Segment {
    src: [1; 4],
    dst: [2; 4],
    src_port: 9,
    dst_port: 40_000,
    seq: 0,
    flags: 0,
    payload: &[],
    ts_ns: Nanos(0),
};

fn flow(park_bytes: usize) -> TcpFlow {
    let config = FlowConfig { src_port: 9, park_bytes, ..FlowConfig::default() };
    TcpFlow::new(config).expect("a power of two")
}

/// The bytes of each connection, and how it ended.
fn run(flow: &mut TcpFlow, segments: &[Segment<'_>]) -> Vec<(Vec<u8>, Option<u64>)> {
    let mut streams: Vec<(Vec<u8>, Option<u64>)> = Vec::new();
    let mut take = |piece: Piece<'_>| match piece {
        Piece::Opened => streams.push((Vec::new(), None)),
        Piece::Bytes(bytes) => streams.last_mut().expect("opened").0.extend(bytes),
        Piece::Broken { missing } => streams.last_mut().expect("opened").1 = Some(missing),
        Piece::Closed => {}
    };
    segments.iter().for_each(|segment| flow.take(segment, &mut take));
    flow.finish(&mut take);
    streams
}

#[test]
fn segments_cut_repeated_overlapping_and_out_of_order_make_the_stream() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let isn = rng.next() as u32; // the numbers wrap now and then
        let stream: Vec<u8> = (0..20_000).map(|_| rng.next() as u8).collect();
        let cut = |from: usize, to: usize| Segment {
            seq: isn.wrapping_add(1 + from as u32),
            payload: &stream[from..to],
            ..BASE
        };
        let syn = Segment { seq: isn, flags: tcp_flags::SYN, ..BASE };
        let (mut segments, mut at) = (vec![syn], 0);
        while at < stream.len() {
            let to = (at + 1 + rng.below(1_400) as usize).min(stream.len());
            segments.push(cut(at, to));
            if rng.chance(1, 8) {
                let from = at - rng.below(at as u64 + 1).min(3_000) as usize;
                segments.push(cut(from, (from + 700).min(to)));
            }
            if rng.chance(1, 20) {
                segments.push(syn);
            }
            at = to;
        }
        segments.push(Segment {
            seq: isn.wrapping_add(1 + stream.len() as u32),
            flags: tcp_flags::FIN,
            ..BASE
        });
        let lossless = segments.clone();
        for at in 1..segments.len() {
            let other = (at + rng.below(6) as usize).min(segments.len() - 1);
            segments.swap(at, other);
        }
        for order in [&lossless, &segments] {
            let mut flow = flow(1 << 15);
            let streams = run(&mut flow, order);
            assert_eq!(streams.len(), 1, "seed {seed}");
            assert!(streams[0] == (stream.clone(), None), "seed {seed}");
            assert_eq!(flow.counts().bytes, 20_000);
        }
    }
}

#[test]
fn a_hole_that_stays_breaks_the_stream_until_the_next_connection() {
    let stream: Vec<u8> = (0..9_000u32).map(checks::byte_at).collect();
    let cut = |isn: u32, n: usize| Segment {
        seq: isn + 1 + n as u32 * 100,
        payload: &stream[n * 100..(n + 1) * 100],
        ..BASE
    };
    let syn = |isn: u32| Segment { seq: isn, flags: tcp_flags::SYN, ..BASE };
    let fin = |isn: u32, n: u32| Segment { seq: isn + 1 + n * 100, flags: tcp_flags::FIN, ..BASE };
    // The memory runs full, the connection ends, another begins, the capture ends.
    let lossy = |isn, upto| (0..upto).filter(|n| *n != 3).map(move |n| cut(isn, n));
    let ends: [Vec<Segment<'_>>; 4] = [
        lossy(7, 80).collect(),
        lossy(7, 6)
            .chain([fin(7, 6)])
            .chain([Segment { flags: tcp_flags::RST, ..fin(7, 6) }])
            .collect(),
        lossy(7, 6).collect(),
        lossy(7, 5).collect(),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let mut segments = vec![syn(7)];
        segments.extend(end);
        segments.push(Segment { seq: 700_000, ..syn(0) });
        segments.extend((0..9).map(|n| cut(700_000, n)));
        let mut flow = flow(1 << 10);
        let streams = run(&mut flow, &segments);
        assert_eq!(streams.len(), 2, "end {n}");
        assert_eq!(streams[0], (stream[..300].to_vec(), Some(100)), "end {n}");
        assert_eq!(streams[1], (stream[..900].to_vec(), None), "end {n}");
        assert_eq!(flow.counts().broken, 1);
    }
}

#[test]
fn more_than_the_memory_behind_a_hole_is_never_delivered_wrongly() {
    let stream: Vec<u8> = (0..1_500u32).map(checks::byte_at).collect();
    let cut = |n: usize| Segment {
        seq: 1 + n as u32 * 100,
        payload: &stream[n * 100..(n + 1) * 100],
        ..BASE
    };
    for last in 1..15 {
        let mut segments = vec![Segment { flags: tcp_flags::SYN, ..BASE }];
        segments.extend((1..=last).map(cut));
        segments.push(cut(0));
        let streams = run(&mut flow(1 << 10), &segments);
        let fits = (last + 1) * 100 <= 1 << 10;
        let whole = (stream[..(last + 1) * 100].to_vec(), None);
        assert_eq!(streams, [if fits { whole } else { (vec![], Some(100)) }], "{last}");
    }
}

#[test]
fn other_directions_and_connections_are_not_mixed_in() {
    let mut flow = flow(1 << 10);
    let data = Segment { seq: 1, payload: b"ours", ..BASE };
    let streams = run(
        &mut flow,
        &[
            Segment { flags: tcp_flags::SYN, ..BASE },
            data,
            Segment { src_port: 40_000, dst_port: 9, payload: b"theirs", seq: 5, ..BASE },
            Segment { dst_port: 40_001, payload: b"another", seq: 5, ..BASE },
            Segment { seq: 5, payload: b" too", ..BASE },
            Segment { seq: 9, flags: tcp_flags::RST, ..BASE },
            Segment { seq: 9, payload: b"late", ..BASE },
        ],
    );
    assert_eq!(streams, [(b"ours too".to_vec(), None)]);
    assert_eq!((flow.counts().other, flow.counts().opened), (2, 1));
}

#[test]
fn a_capture_without_the_beginning_is_adopted_once_or_not_at_all() {
    let data = [
        Segment { seq: 900, payload: b"middle", ..BASE },
        Segment { seq: 906, flags: tcp_flags::FIN, ..BASE },
        Segment { seq: 900, payload: b"middle", ..BASE },
    ];
    assert_eq!(run(&mut flow(1 << 10), &data), [(b"middle".to_vec(), None)]);
    let config = FlowConfig { src_port: 9, adopt: false, ..FlowConfig::default() };
    assert_eq!(run(&mut TcpFlow::new(config).expect("sizes"), &data), []);
    for park_bytes in [0, 512, 3_000, 1 << 31] {
        assert!(TcpFlow::new(FlowConfig { park_bytes, ..config }).is_none());
    }
}

#[test]
fn seeds_and_damage_to_them_pass() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tcp_flow");
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the seed corpus is part of the tree") {
        let seed = std::fs::read(entry.expect("a folder entry").path()).expect("a readable seed");
        checks::tcp_flow(&seed);
        seeds += 1;
        let mut rng = Rng::new(seeds);
        for _ in 0..300 {
            let mut damaged = seed.clone();
            for _ in 0..=rng.below(5) {
                let at = rng.below(damaged.len() as u64) as usize;
                damaged[at] = rng.next() as u8;
            }
            checks::tcp_flow(&damaged);
        }
    }
    assert!(seeds >= 20, "{seeds} seeds");
}
