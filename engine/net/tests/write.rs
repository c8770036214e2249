//! What is written reads back, by us and by the peer.

use std::fs;

use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::write::{Link, PcapWriter};
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
            assert_eq!(ones_sum(&frame.data[if vlan.is_some() { 18 } else { 14 }..][..20]), 0xFFFF);
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

/// RFC 1071: a header with its checksum sums to all ones.
fn ones_sum(header: &[u8]) -> u32 {
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    (sum & 0xFFFF) + (sum >> 16)
}
