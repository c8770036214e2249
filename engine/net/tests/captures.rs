//! The real captures, against `pcap-file`, Databento's decoder and the counts of their README.

mod support;

use std::fs;
use std::io::Read;
use std::time::Duration;

use dbn::decode::{DbnMetadata, DecodeRecord};
use flate2::read::GzDecoder;
use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::detect::{Container, detect};
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::join::{Chain, FrameStream, Merge};
use nofx_net::records::{BinaryFile, Dbn};
use nofx_net::{Unit, WarningKind};
use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::{Block, PcapNgParser};
use support::*;

const PCAPNG: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];

/// What `pcap-file` reads, until it ends or fails.
fn peer(bytes: &[u8]) -> Vec<(Duration, u32, Vec<u8>)> {
    let mut found = vec![];
    if bytes.starts_with(&PCAPNG) {
        let (mut rest, mut parser) = PcapNgParser::new(bytes).expect("a section");
        while let Ok((next, block)) = parser.next_block(rest) {
            if let Block::EnhancedPacket(packet) = block {
                found.push((packet.timestamp, packet.original_len, packet.data.into_owned()));
            }
            rest = next;
        }
    } else {
        let (mut rest, parser) = PcapParser::new(bytes).expect("a header");
        while let Ok((next, packet)) = parser.next_packet(rest) {
            found.push((packet.timestamp, packet.orig_len, packet.data.into_owned()));
            rest = next;
        }
    }
    found
}

#[test]
fn small_captures_read_as_the_peer_reads_them() {
    let Some(folder) = captures("small_captures") else { return };
    let paths = files(&folder.join("omi-data-packets"), ".pcap");
    assert!(paths.len() >= 60, "{} captures", paths.len());
    let (mut packets, mut datagrams) = (0, 0);
    for path in &paths {
        let bytes = fs::read(path).expect("readable");
        let want = peer(&bytes);
        let (got, warnings, end) = walk(Capture::open(path).expect("a capture"));
        assert!(end.is_ok() && warnings.is_empty(), "{}: {warnings:?}", path.display());
        assert_eq!(got.len(), want.len(), "{}", path.display());
        for (mine, (time, orig_len, data)) in got.iter().zip(&want) {
            assert_eq!((mine.orig_len, &mine.data), (*orig_len, data), "{}", path.display());
            if !bytes.starts_with(&PCAPNG) {
                assert_eq!(u128::from(mine.ts_ns), time.as_nanos(), "{}", path.display());
            }
        }
        packets += got.len();
        datagrams += count_frames(Capture::open(path).expect("a capture")).datagrams();
    }
    println!("{} captures, {packets} packets, {datagrams} datagrams", paths.len());
    assert!(datagrams > 0);
}

fn count_frames(mut capture: Capture) -> FrameCounts {
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    while let Some(frame) = capture.next().expect("good") {
        decode(&frame, &options, &mut counts);
    }
    counts
}

#[test]
fn each_small_capture_is_cut_at_every_length() {
    let Some(folder) = captures("cut_at_every_length") else { return };
    for path in files(&folder.join("omi-data-packets"), ".pcap") {
        let bytes = fs::read(&path).expect("readable");
        let whole = walk_bytes(&bytes).0;
        for length in 1..bytes.len() {
            let (got, warnings, end) = walk_bytes(&bytes[..length]);
            assert_eq!(got, whole[..got.len()], "{} cut at {length}", path.display());
            if let Err(error) = end {
                assert!(length < 4, "{} cut at {length}: {error}", path.display());
            } else if got.len() == whole.len() {
                assert!(bytes.starts_with(&PCAPNG), "only a later block can be cut");
            } else if warnings.is_empty() {
                // Between two records: the file says nothing of what should follow.
                let (next, ..) = walk_bytes(&bytes[..length + 1]);
                assert_eq!(next.len(), got.len());
                let (_, warnings, _) = walk_bytes(&bytes[..length + 1]);
                assert_eq!(warnings.len(), 1, "{} cut at {length}", path.display());
            }
        }
    }
}

#[test]
fn nasdaq_packets_carry_what_the_readme_says() {
    let Some(folder) = captures("nasdaq_packets") else { return };
    let folder = folder.join("omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0");
    let paths = files(&folder, ".pcap");
    assert_eq!(paths.len(), 8);
    let mut blocks = vec![];
    for path in &paths {
        let mut capture = Capture::open(path).expect("a capture");
        let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
        while let Some(frame) = capture.next().expect("good") {
            assert_eq!(frame.data[12..14], [0x81, 0x00], "one 802.1Q tag");
            let found = decode(&frame, &options, &mut counts).expect("a datagram");
            assert_eq!((found.dst, found.dst_port), ([233, 54, 12, 111], 26_477));
            assert!(found.payload.starts_with(b"000010059B"));
            blocks.push(u16::from_be_bytes([found.payload[18], found.payload[19]]));
        }
        assert_eq!(counts.dropped_all(), 0);
    }
    blocks.sort_unstable();
    assert_eq!(blocks, [1, 1, 1, 1, 1, 1, 1, 1, 38]);
    // As one stream, in the order given and by time.
    let mut chain = Chain::open(&paths).expect("opens");
    let mut times = vec![];
    while let Some(next) = chain.next().expect("good") {
        times.push(next.frame.ts_ns);
    }
    let mut merge = Merge::open(&paths).expect("opens");
    let mut merged = vec![];
    while let Some(next) = merge.next().expect("good") {
        merged.push(next.frame.ts_ns);
    }
    times.sort_unstable();
    assert_eq!(merged, times);
}

#[test]
fn deep10_is_walked_to_its_cut_packet_which_is_named() {
    let Some(folder) = captures("deep10") else { return };
    let path = folder.join("iex-hist/DEEP10.pcap.gz");
    let mut bytes = vec![];
    GzDecoder::new(fs::File::open(&path).expect("there")).read_to_end(&mut bytes).expect("gzip");
    let want = peer(&bytes);

    let mut capture = Capture::open(&path).expect("a capture");
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    let (mut messages, mut silent, mut whole) = (0, 0, 0);
    while let Some(frame) = capture.next().expect("a cut is no error") {
        let (time, orig_len, data) = &want[whole];
        assert_eq!((u128::from(frame.ts_ns.0), frame.orig_len), (time.as_nanos(), *orig_len));
        assert_eq!(frame.data, data, "packet {}", frame.number);
        let found = decode(&frame, &options, &mut counts).expect("a datagram");
        assert_eq!((found.dst, found.dst_port), ([224, 2, 3, 10], 16_648));
        // IEX-TP: the message count is at 14, little-endian.
        let count = u16::from_le_bytes([found.payload[14], found.payload[15]]);
        messages += u32::from(count);
        silent += u32::from(count == 0);
        whole += 1;
    }
    assert_eq!(whole, want.len());
    assert_eq!((capture.packets(), whole), (121_315, 121_314));
    assert_eq!((messages, silent), (391_999, 7_937));
    let [warning] = &*capture.warnings() else { panic!("{:?}", capture.warnings()) };
    let WarningKind::CutRecord { unit, number, offset, promised, present } = warning.kind else {
        panic!("{warning}")
    };
    assert_eq!((unit, number, promised, present), (Unit::Packet, 121_315, 16 + 1_490, 16 + 460));
    assert_eq!(offset + present, bytes.len() as u64);
    let text = warning.to_string();
    assert!(text.contains(&format!("cut in packet 121315 at byte {offset}")), "{text}");
}

#[test]
fn itch_snippet_is_a_binary_file_of_a_thousand_records() {
    let Some(folder) = captures("itch_snippet") else { return };
    let path = folder.join("nasdaq-itch50/12302019_SNIPPET.NASDAQ_ITCH50");
    let length = |kind: u8| match kind {
        b'A' => Some(36),
        b'U' => Some(35),
        b'F' | b'Q' => Some(40),
        b'D' => Some(19),
        b'E' => Some(31),
        b'X' => Some(23),
        b'I' => Some(50),
        b'P' => Some(44),
        b'C' => Some(36),
        b'S' => Some(12),
        _ => None,
    };
    let mut source = ByteSource::open(&path).expect("opens");
    assert_eq!(detect(&mut source, length).expect("ITCH"), Container::BinaryFile);
    let mut file = BinaryFile::new(source);
    let mut kinds = std::collections::BTreeMap::new();
    while let Some(record) = file.next().expect("good") {
        assert_eq!(length(record.data[0]), Some(record.data.len()));
        *kinds.entry(char::from(record.data[0])).or_insert(0) += 1;
    }
    let want = [
        ('A', 367),
        ('C', 1),
        ('D', 167),
        ('E', 28),
        ('F', 193),
        ('I', 4),
        ('P', 4),
        ('Q', 4),
        ('S', 1),
        ('U', 225),
        ('X', 6),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), want);
    let [warning] = &*file.warnings() else { panic!("{:?}", file.warnings()) };
    assert_eq!(warning.kind, WarningKind::NoEndOfSession { records: 1_000 });
}

#[test]
fn databento_files_read_as_their_own_decoder_reads_them() {
    let Some(folder) = captures("databento") else { return };
    let folder = folder.join("databento");
    let mbo: Vec<_> = files(&folder, ".dbn.zst")
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("mbo."))
        .collect();
    let mut versions = vec![];
    for path in &mbo {
        let bytes = zstd::decode_all(fs::File::open(path).expect("there")).expect("zstd");
        let mut theirs = dbn::decode::dbn::Decoder::new(&*bytes).expect("DBN");
        let mut mine = Dbn::open(path).expect("DBN");
        assert_eq!(mine.metadata().dataset, theirs.metadata().dataset);
        while let Some((kind, record)) = mine.next().expect("good") {
            let want = theirs.decode_record::<dbn::MboMsg>().expect("good").expect("one more");
            assert_eq!((kind, record.data), (dbn::rtype::MBO, want.as_ref()));
        }
        assert!(theirs.decode_record::<dbn::MboMsg>().expect("good").is_none());
        assert!(mine.warnings().is_empty());
        versions.push((mine.metadata().version, mine.records()));
    }
    versions.sort_unstable();
    assert_eq!(versions, [(1, 8_725), (1, 68_792), (3, 4), (3, 4)]);
    for path in files(&folder, ".dbn.zst").into_iter().filter(|path| !mbo.contains(path)) {
        let text = Dbn::open(&path).err().expect("another schema").to_string();
        assert!(text.contains("want `mbo`"), "{text}");
    }
}
