use nofx_net::{bytes::ByteSource, capture::Capture, frame::*, write::*};
use nofx_types::Nanos;
use std::hint::black_box;
use std::time::Instant;
fn main() {
    let path = "/tmp/t/net/walk.pcap";
    let n = 1_000_000u64;
    if !std::path::Path::new(path).exists() {
        let mut w = PcapWriter::create(path, Link { vlan: None, ..Link::default() }).unwrap();
        for i in 0..n {
            let len = 58 + (i * 7919 % 90) as usize;
            w.datagram(
                Nanos(1_700_000_000_000_000_000 + i * 1000),
                [233, 54, 12, 111],
                26477,
                &vec![i as u8; len],
            )
            .unwrap();
        }
        w.finish().unwrap();
    }
    let bytes = std::fs::read(path).unwrap();
    for _ in 0..7 {
        let t = Instant::now();
        let mut c = Capture::new(ByteSource::open(path).unwrap()).unwrap();
        let (mut sum, mut packets) = (0u64, 0u64);
        while let Some(f) = c.next().unwrap() {
            sum = sum.wrapping_add(f.ts_ns.0 ^ f.data.len() as u64);
            packets += 1;
        }
        let walk = t.elapsed();
        black_box(sum);
        assert_eq!(packets, n);

        let t = Instant::now();
        let mut c = Capture::new(ByteSource::open(path).unwrap()).unwrap();
        let mut counts = FrameCounts::default();
        let options = DecodeOptions::default();
        let mut sum = 0u64;
        while let Some(f) = c.next().unwrap() {
            if let Some(d) = decode(&f, &options, &mut counts) {
                sum = sum.wrapping_add(d.ts_ns.0 ^ d.payload.len() as u64 ^ d.dst_port as u64);
            }
        }
        let both = t.elapsed();
        black_box(sum);
        assert_eq!(counts.datagrams(), n);

        let t = Instant::now();
        let (mut rest, parser) = pcap_file::pcap::PcapParser::new(&bytes).unwrap();
        let (mut sum, mut packets) = (0u64, 0u64);
        loop {
            if rest.is_empty() {
                break;
            }
            let (r, p) = parser.next_packet(rest).unwrap();
            sum = sum.wrapping_add(p.timestamp.as_nanos() as u64 ^ p.data.len() as u64);
            packets += 1;
            rest = r;
        }
        let theirs = t.elapsed();
        black_box(sum);
        assert_eq!(packets, n);
        println!(
            "walk {:.2} ns, walk+decode {:.2} ns, pcap-file {:.2} ns  ratio {:.2} {:.2}",
            walk.as_nanos() as f64 / n as f64,
            both.as_nanos() as f64 / n as f64,
            theirs.as_nanos() as f64 / n as f64,
            walk.as_secs_f64() / theirs.as_secs_f64(),
            both.as_secs_f64() / theirs.as_secs_f64()
        );
    }
}
