//! What is written reads back, by us and by the peer.

use std::fs;

use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::write::{End, Link, PcapWriter, TcpPcapWriter};
use nofx_types::Nanos;
use pcap_file::pcap::PcapParser;

#[test]
fn datagrams_come_back_as_they_went() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("out.pcap");
    for vlan in [None, Some(0x0FFF)] {
        let link = Link { src: [10, 9, 8, 7], src_port: 4_242, vlan };
        let mut writer = PcapWriter::create(&path, link).expect("creates");
        let payload = |n: usize| vec![n as u8; n * n];
        for n in 0..200 {
            let time = Nanos(1_692_711_000_000_000_001 + n as u64);
            writer
                .datagram(time, [233, 54, 12, n as u8], 26_400 + n as u16, &payload(n))
                .expect("fits");
        }
        writer.datagram(Nanos(0), [1, 2, 3, 4], 5, &[0; 65_508]).expect_err("too long");
        writer.datagram(Nanos(1 << 63), [1, 2, 3, 4], 5, &[0; 8]).expect_err("beyond 2106");
        assert_eq!(writer.finish().expect("publishes"), 200);

        let mut capture = Capture::open(&path).expect("a capture");
        let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
        for n in 0..200 {
            let frame = capture.next().expect("good").expect("a packet");
            assert!(frame.data.len() >= 60, "the shortest frame");
            let found = decode(&frame, &options, &mut counts).expect("a datagram");
            assert_eq!((found.src, found.src_port), ([10, 9, 8, 7], 4_242));
            assert_eq!((found.dst, found.dst_port), ([233, 54, 12, n as u8], 26_400 + n as u16));
            assert_eq!(found.ts_ns, Nanos(1_692_711_000_000_000_001 + n as u64));
            assert_eq!(found.payload, payload(n));
            let ip = &frame.data[if vlan.is_some() { 18 } else { 14 }..];
            assert_eq!(ones_sum(&ip[..20]), 0xFFFF);
            assert_eq!(with_pseudo_header(ip), 0xFFFF, "{n}");
        }
        assert!(capture.next().expect("good").is_none());

        let bytes = fs::read(&path).expect("read");
        let (mut rest, parser) = PcapParser::new(&bytes).expect("the peer reads the header");
        for _ in 0..200 {
            rest = parser.next_packet(rest).expect("the peer reads the packet").0;
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn a_tcp_conversation_has_right_sums_numbers_and_sizes() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("tcp.pcap");
    let [client, server] = ["10.1.0.1:40000", "10.1.0.2:9016"].map(|at| at.parse().expect("good"));
    let begin = Nanos(1_692_711_000_000_000_000);
    let mut writer = TcpPcapWriter::create(&path, client, server, begin).expect("creates");
    let mut said: [Vec<u8>; 2] = Default::default();
    for n in 0..40usize {
        let bytes = vec![n as u8; n * 331];
        let end = if n % 7 == 0 { End::Client } else { End::Server };
        said[end as usize].extend_from_slice(&bytes);
        writer.send(begin.plus(n as u64), end, &bytes).expect("fits");
    }
    let packets = writer.finish(begin.plus(100)).expect("publishes");

    let mut capture = Capture::open(&path).expect("a capture");
    let mut heard: [Vec<u8>; 2] = Default::default();
    let mut next = [1_000_000u32, 2_000_000];
    for n in 0..packets {
        let frame = capture.next().expect("good").expect("a packet");
        let ip = &frame.data[14..];
        assert_eq!(ones_sum(&ip[..20]), 0xFFFF, "packet {n}");
        assert_eq!(with_pseudo_header(ip), 0xFFFF, "packet {n}");
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        assert!(total <= 1_500 && frame.data.len() == (14 + total).max(60), "packet {n}");
        let tcp = &ip[20..total];
        let end = usize::from(tcp[..2] != 40_000u16.to_be_bytes());
        assert_eq!(tcp[4..8], next[end].to_be_bytes(), "packet {n}");
        if n > 0 {
            assert_eq!(tcp[8..12], next[1 - end].to_be_bytes(), "packet {n} acknowledges all");
        }
        let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
        heard[end].extend_from_slice(payload);
        next[end] += payload.len() as u32 + u32::from(tcp[13] & 3 != 0);
    }
    assert!(capture.next().expect("good").is_none());
    assert_eq!(heard, said);
}

/// RFC 1071: a header with its checksum sums to all ones.
fn ones_sum(header: &[u8]) -> u32 {
    let low = |pair: &[u8]| pair.get(1).copied().unwrap_or(0);
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(low(pair)));
    let sum: u32 = words.sum();
    let sum = (sum & 0xFFFF) + (sum >> 16);
    (sum & 0xFFFF) + (sum >> 16)
}

/// The sum of UDP or TCP in an IPv4 packet: addresses, protocol, length, then all of it.
fn with_pseudo_header(ip: &[u8]) -> u32 {
    let length = u16::from_be_bytes([ip[2], ip[3]]) - 20;
    let mut all = ip[12..20].to_vec();
    all.extend_from_slice(&[0, ip[9]]);
    all.extend_from_slice(&length.to_be_bytes());
    all.extend_from_slice(&ip[20..20 + usize::from(length)]);
    ones_sum(&all)
}
