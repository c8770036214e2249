//! Captures: no byte string may make the walk or the frame decoder panic, what is lent lies in the
//! input, and the walk through a compressed stream sees what the walk in place saw.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nofx_net::Compression as Stored;
use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, StampFormat, TrailerStamp, decode};

/// What a walk saw of a packet: its place, time, lengths and the datagram's port and length.
type Seen = (u64, u64, usize, u32, Option<(u16, usize)>);

/// `data` as the content of a capture file.
pub fn capture(data: &[u8]) {
    let Ok(source) = ByteSource::from_bytes("input", data.to_vec()) else { return };
    let compressed = source.compression() != Stored::None;
    let walked = walk(source);
    if compressed {
        return; // what it decompresses to is a seed of its own
    }
    let captured: usize = walked.0.iter().map(|(_, _, length, ..)| length).sum();
    assert!(captured <= data.len());
    let streamed = ByteSource::from_bytes("input", gzip(data)).expect("not empty");
    assert_eq!(walk(streamed), walked);
}

/// The packets, and how the walk ended: its warnings or its error as text.
fn walk(source: ByteSource) -> (Vec<Seen>, String) {
    let mut seen: Vec<Seen> = vec![];
    let mut capture = match Capture::new(source) {
        Ok(capture) => capture,
        Err(error) => return (seen, error.to_string()),
    };
    let trailer = TrailerStamp { bytes_from_end: 12, format: StampFormat::SecondsNanos32 };
    let options = DecodeOptions { wire_stamp: Some(trailer) };
    let mut counts = FrameCounts::default();
    let end = loop {
        let frame = match capture.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => break String::new(),
            Err(error) => break error.to_string(),
        };
        assert_eq!(frame.number, seen.len() as u64 + 1);
        assert!(seen.last().is_none_or(|before| before.0 < frame.offset));
        let datagram = decode(&frame, &options, &mut counts);
        if let Some(datagram) = datagram {
            let (outer, inner) = (frame.data.as_ptr_range(), datagram.payload.as_ptr_range());
            assert!(outer.start <= inner.start && inner.end <= outer.end);
        }
        let datagram = datagram.map(|datagram| (datagram.dst_port, datagram.payload.len()));
        seen.push((frame.offset, frame.ts_ns.0, frame.data.len(), frame.orig_len, datagram));
    };
    assert_eq!(counts.datagrams() + counts.dropped_all(), seen.len() as u64);
    assert!(matches!(capture.next(), Ok(None)), "the walk is over");
    let warnings: Vec<String> = capture.warnings().iter().map(ToString::to_string).collect();
    (seen, end + &warnings.join("; "))
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}
