//! Message files: BinaryFILE and DBN, what is recognised as what, and every cut.

mod support;

use std::fs;

use nofx_net::bytes::ByteSource;
use nofx_net::detect::{BINARY_FILE_PROBE, Container, Input, detect};
use nofx_net::records::{BinaryFile, Dbn};
use nofx_net::write::BinaryFileWriter;
use nofx_net::{Result, Warning, WarningKind};
use support::*;

/// Lengths of three types (TotalView-ITCH 5.0).
fn itch_length(kind: u8) -> Option<usize> {
    match kind {
        b'S' => Some(12),
        b'D' => Some(19),
        b'A' => Some(36),
        _ => None,
    }
}

fn message(n: usize) -> Vec<u8> {
    let kind = b"SDA"[n % 3];
    let mut message = vec![n as u8; itch_length(kind).expect("known")];
    message[0] = kind;
    message
}

fn binary_file(count: usize) -> Vec<u8> {
    let record = |n| [&(message(n).len() as u16).to_be_bytes(), &*message(n)].concat();
    (0..count).flat_map(record).collect()
}

fn recognise(bytes: &[u8]) -> Result<Container> {
    detect(&mut ByteSource::from_bytes("memory", bytes.to_vec())?, itch_length)
}

fn records(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<Warning>, bool) {
    let mut file =
        BinaryFile::new(ByteSource::from_bytes("memory", bytes.to_vec()).expect("opens"));
    let mut found = vec![];
    while let Some(record) = file.next().expect("no error in a plain file") {
        assert_eq!(record.number, found.len() as u64 + 1);
        assert_eq!(record.ahead, &bytes[record.offset as usize + 2 + record.data.len()..]);
        found.push(record.data.to_vec());
    }
    assert!(file.next().expect("at the end").is_none());
    (found, file.warnings(), file.ended_orderly())
}

#[test]
fn binary_file_is_recognised_by_its_first_lengths() {
    let probe = BINARY_FILE_PROBE;
    for count in [1, 2, probe - 1, probe, probe + 40] {
        assert_eq!(recognise(&binary_file(count)).expect("ITCH"), Container::BinaryFile, "{count}");
        let closed = [binary_file(count), vec![0, 0]].concat();
        assert_eq!(recognise(&closed).expect("ITCH"), Container::BinaryFile, "{count}");
    }
    let bytes = binary_file(probe + 40);
    let starts: Vec<usize> = (0..probe).map(|n| binary_file(n).len()).collect();
    for start in &starts {
        let (mut kind, mut length) = (bytes.clone(), bytes.clone());
        kind[start + 2] = b'?';
        length[start + 1] += 1;
        for bad in [kind, length] {
            let text = recognise(&bad).expect_err("a record of another length").to_string();
            assert!(text.contains("unknown format"), "{text}");
        }
    }
    let mut later = bytes.clone();
    later[binary_file(probe).len() + 2] = b'?';
    assert!(recognise(&later).is_ok(), "what comes later is the decoder's to count");
    for alien in [&b"hello, world"[..], &[0; 64], b"\x00", b"{}\n"] {
        assert!(recognise(alien).is_err(), "{alien:?}");
    }
}

#[test]
fn binary_file_cut_at_every_length() {
    let bytes = [binary_file(7), vec![0, 0]].concat();
    for length in 1..=bytes.len() {
        let (found, warnings, orderly) = records(&bytes[..length]);
        let whole = (1..=7).take_while(|n| binary_file(*n).len() <= length).count();
        assert_eq!(found, (0..whole).map(message).collect::<Vec<_>>(), "cut at {length}");
        assert_eq!(orderly, length == bytes.len());
        let start = binary_file(whole).len();
        let kind = warnings.first().map(|warning| warning.kind);
        match kind {
            None => assert!(orderly),
            Some(WarningKind::NoEndOfSession { records }) => {
                assert_eq!((start, records), (length, whole as u64));
            }
            Some(WarningKind::CutRecord { number, offset, present, .. }) => {
                assert_eq!((number, offset), (whole as u64 + 1, start as u64));
                assert_eq!(start as u64 + present, length as u64);
            }
            Some(other) => panic!("{other:?}"),
        }
    }
    let (found, warnings, orderly) = records(&[&*bytes, b"more"].concat());
    let behind = WarningKind::BytesBehindEnd { offset: bytes.len() as u64 };
    assert!(found.len() == 7 && orderly && warnings[0].kind == behind, "{warnings:?}");
}

#[test]
fn written_binary_file_reads_back() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("day.bin");
    let mut writer = BinaryFileWriter::create(&path).expect("creates");
    (0..90).for_each(|n| writer.message(&message(n)).expect("fits"));
    assert!(writer.message(&[]).is_err() && writer.message(&vec![0; 65_536]).is_err());
    assert!(!path.exists(), "not before it is finished");
    assert_eq!(writer.finish().expect("publishes"), 90);
    assert_eq!(fs::read(&path).expect("read"), [binary_file(90), vec![0, 0]].concat());
    assert!(matches!(Input::open(&path, itch_length), Ok(Input::BinaryFile(_))));
}

/// A DBN file of market-by-order records, written by Databento's own crate.
fn dbn(version: u8, count: u32) -> Vec<u8> {
    use dbn::encode::EncodeRecord;
    let day =
        |day| time::Date::from_calendar_date(2020, time::Month::December, day).expect("a day");
    let metadata = dbn::MetadataBuilder::new()
        .version(version)
        .dataset("XNAS.ITCH")
        .schema(Some(dbn::Schema::Mbo))
        .start(1_609_160_400_000_000_000)
        .stype_in(Some(dbn::SType::RawSymbol))
        .stype_out(dbn::SType::InstrumentId)
        .mappings(vec![dbn::SymbolMapping {
            raw_symbol: "AAPL".to_owned(),
            intervals: vec![dbn::MappingInterval {
                start_date: day(28),
                end_date: day(29),
                symbol: "38".to_owned(),
            }],
        }])
        .build();
    let mut bytes = vec![];
    let mut encoder = dbn::encode::dbn::Encoder::new(&mut bytes, &metadata).expect("memory");
    for n in 0..count {
        let record = dbn::MboMsg { order_id: u64::from(n), size: n, ..Default::default() };
        encoder.encode_record(&record).expect("memory");
    }
    bytes
}

fn dbn_records(bytes: &[u8]) -> Result<(Dbn, u64)> {
    let mut file = Dbn::new(ByteSource::from_bytes("memory", bytes.to_vec())?)?;
    let mut count = 0u64;
    while let Some((kind, record)) = file.next()? {
        assert_eq!((kind, record.data.len()), (dbn::rtype::MBO, 56));
        let order = record.data[16..24].try_into().expect("eight bytes");
        assert_eq!(u64::from_le_bytes(order), count);
        count += 1;
    }
    Ok((file, count))
}

#[test]
fn every_dbn_version_reads_and_every_cut_ends_cleanly() {
    for version in 1..=3 {
        let bytes = dbn(version, 5);
        assert_eq!(bytes[..4], [b'D', b'B', b'N', version]);
        assert_eq!(recognise(&bytes).expect("DBN"), Container::Dbn);
        let (file, count) = dbn_records(&bytes).expect("whole");
        assert!(count == 5 && file.warnings().is_empty());
        let metadata = file.metadata();
        assert_eq!((metadata.version, &*metadata.dataset), (version, "XNAS.ITCH"));
        assert_eq!((metadata.schema, &*metadata.symbols), ("mbo", &[(38, "AAPL".to_owned())][..]));
        let head = bytes.len() - 5 * 56;
        for length in 1..bytes.len() {
            match dbn_records(&bytes[..length]) {
                Err(error) => assert!(length < head, "cut at {length}: {error}"),
                Ok((file, count)) => {
                    assert_eq!(count as usize, (length - head) / 56);
                    let cut = !(length - head).is_multiple_of(56);
                    assert_eq!(file.warnings().len(), usize::from(cut), "cut at {length}");
                }
            }
        }
        for compressed in [zstd(&bytes), gzip(&bytes)] {
            assert_eq!(dbn_records(&compressed).expect("whole").1, 5);
        }
    }
}

#[test]
fn bad_dbn_is_an_error_that_says_what_is_wanted() {
    let refused = |bytes: &[u8]| dbn_records(bytes).err().expect("refused").to_string();
    let good = dbn(3, 2);
    let head = good.len() - 2 * 56;
    let mut version = good.clone();
    version[3] = 9;
    assert!(refused(&version).contains("DBN metadata"), "{}", refused(&version));
    let mut length = good.clone();
    length[7] = 0xFF;
    assert!(refused(&length).contains("is impossible"), "{}", refused(&length));
    let mut short = good;
    short[head + 56] = 3;
    let text = refused(&short);
    assert!(text.contains(&format!("record 2 at byte {}", head + 56)), "{text}");
}
