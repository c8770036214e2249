//! Segment files: what is written is read, every cut leaves the prefix, every flipped bit is found,
//! no record is lost or there twice, and the disk has a bound.

use std::fs;
use std::path::{Path, PathBuf};

use nofx_mailbox::journal::{
    Cut, Fsync, JournalError, PAYLOAD_MAX, RECORD_BYTES, Reader, Record, SEGMENT_BYTES,
    SegmentConfig, SegmentWriter,
};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

fn config() -> SegmentConfig {
    SegmentConfig {
        segment_bytes: 128 << 10,
        disk_max_bytes: 1 << 20,
        fsync: Fsync::Never,
        session: Nanos(77),
        engine: "nofx test".into(),
    }
}

fn writer(folder: &Path) -> SegmentWriter {
    SegmentWriter::open(folder, config()).expect("a folder")
}

/// Record `number`: everything in it follows from the number.
fn payload(number: u64, longest: u64) -> Vec<u8> {
    let mut rng = Rng::new(number);
    let length = rng.below(longest + 1) as usize;
    (0..length).map(|_| rng.next() as u8).collect()
}

fn append(writer: &mut SegmentWriter, number: u64, longest: u64) -> Result<bool, JournalError> {
    let payload = payload(number, longest);
    let (kind, at) = (number as u8, Nanos(number * 10));
    writer.append(&Record { number, kind, at, payload: &payload })
}

/// First and last number of a folder, and its torn end.
type Content = (Option<(u64, u64)>, Option<Cut>);

/// Reads a whole folder, proving each record.
fn read(folder: &Path, longest: u64) -> Result<Content, JournalError> {
    let mut reader = Reader::open(folder)?;
    let mut range = None;
    while let Some(record) = reader.next()? {
        let number = record.number;
        assert_eq!((record.kind, record.at), (number as u8, Nanos(number * 10)));
        assert_eq!(record.payload, payload(number, longest), "record {number}");
        let (first, last) = range.unwrap_or((number, number - 1));
        assert_eq!(number, last + 1);
        range = Some((first, number));
    }
    Ok((range, reader.cut().cloned()))
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("list").flatten().map(|entry| entry.path());
    let mut found: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "journal")).collect();
    found.sort();
    found
}

/// A folder with one small segment of `records` records.
fn small(records: u64) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(folder.path());
    (1..=records).for_each(|number| assert!(append(&mut writer, number, 40).expect("room")));
    writer.sync(Nanos(0)).expect("room");
    drop(writer);
    let path = segments(folder.path()).remove(0);
    let bytes = fs::read(&path).expect("bytes");
    (folder, path, bytes)
}

/// Where each record of a segment of records from 1 on begins, and the end.
fn ends(bytes: usize) -> Vec<usize> {
    let mut ends = vec![SEGMENT_BYTES];
    while ends[ends.len() - 1] < bytes {
        let number = ends.len() as u64;
        ends.push(ends[ends.len() - 1] + RECORD_BYTES + payload(number, 40).len());
    }
    assert_eq!(ends[ends.len() - 1], bytes);
    ends
}

#[test]
fn records_of_every_length_come_back_over_segments_and_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(read(&folder.path().join("absent"), 0).expect("no records"), (None, None));
    assert_eq!(read(folder.path(), 0).expect("no records"), (None, None));
    let longest = PAYLOAD_MAX as u64;
    let mut number = 0;
    for session in 1..=3 {
        let config = SegmentConfig { session: Nanos(session), ..config() };
        let mut writer = SegmentWriter::open(folder.path(), config).expect("a folder");
        assert_eq!(writer.last(), (number > 0).then_some(number));
        for _ in 0..7 {
            number += 1;
            assert!(append(&mut writer, number, longest).expect("room"));
        }
        writer.sync(Nanos(0)).expect("room");
        assert_eq!(writer.written(), Some(number));
    }
    assert_eq!(read(folder.path(), longest).expect("whole"), (Some((1, number)), None));
    assert!(segments(folder.path()).len() > 3);
    let mut reader = Reader::open(folder.path()).expect("opens");
    let mut sessions = Vec::new();
    while let Some(number) = reader.next().expect("whole").map(|record| record.number) {
        let head = reader.head().expect("a segment");
        assert!(head.first <= number && head.engine == "nofx test");
        sessions.push(head.session.0);
    }
    let want: Vec<_> = (1..=3).flat_map(|session| [session; 7]).collect();
    assert_eq!(sessions, want);
    for path in segments(folder.path()) {
        assert!(fs::metadata(path).expect("there").len() <= config().segment_bytes);
    }
}

#[test]
fn every_cut_leaves_the_records_before_it_and_the_writer_goes_on_behind_them() {
    let (folder, path, bytes) = small(12);
    let ends = ends(bytes.len());
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).expect("write");
        let whole = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1) as u64;
        let (range, found) = read(folder.path(), 40).expect("a torn end is no error");
        assert_eq!(range, (whole > 0).then_some((1, whole)), "cut at {cut}");
        assert_eq!(found.is_some(), !ends.contains(&cut), "cut at {cut}");
        let mut writer = writer(folder.path());
        assert_eq!(writer.cut().is_some(), found.is_some(), "cut at {cut}");
        assert_eq!(writer.last(), (whole > 0).then_some(whole));
        assert!(append(&mut writer, whole + 1, 40).expect("room"));
        drop(writer);
        assert_eq!(read(folder.path(), 40).expect("mended"), (Some((1, whole + 1)), None));
        segments(folder.path()).into_iter().for_each(|path| fs::remove_file(path).expect("gone"));
    }
}

#[test]
fn zeros_of_a_machine_crash_are_a_torn_end() {
    let (folder, path, bytes) = small(5);
    let ends = ends(bytes.len());
    for end in [0, ends[0], ends[3], ends[3] + 20] {
        let mut spoiled = bytes.clone();
        spoiled[end..].fill(0);
        fs::write(&path, spoiled).expect("write");
        let whole = ends.iter().filter(|e| **e <= end).count().saturating_sub(1) as u64;
        let (range, cut) = read(folder.path(), 40).expect("a torn end is no error");
        assert_eq!((range, cut.is_some()), ((whole > 0).then_some((1, whole)), true), "{end}");
    }
}

#[test]
fn every_flipped_bit_is_found_and_its_place_named() {
    let (folder, path, bytes) = small(12);
    let ends = ends(bytes.len());
    let last = ends[ends.len() - 2];
    for at in 0..bytes.len() {
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 1 << (at % 8);
        fs::write(&path, spoiled).expect("write");
        let found = read(folder.path(), 40);
        if at >= last {
            // In the last record it looks like a torn end: that record is cut, and told.
            let (range, cut) = found.expect("a torn end is no error");
            assert_eq!((range, cut.map(|cut| cut.offset)), (Some((1, 11)), Some(last as u64)));
            continue;
        }
        let said = found.expect_err("must be found").to_string();
        let record = ends.iter().rev().find(|end| **end <= at).copied().unwrap_or(0);
        let named = match at {
            8..12 => said.contains("version"),
            _ => said.contains(&format!("damaged at byte {record}:")),
        };
        assert!(named && said.contains(".journal"), "byte {at}: {said}");
        assert!(SegmentWriter::open(folder.path(), config()).is_err(), "byte {at}");
    }
}

#[test]
fn a_lost_or_doubled_piece_of_a_segment_is_damage() {
    let (folder, path, bytes) = small(12);
    let ends = ends(bytes.len());
    let piece = |from: usize, to: usize| bytes[ends[from]..ends[to]].to_vec();
    let whole = |pieces: &[Vec<u8>]| [&bytes[..SEGMENT_BYTES], &pieces.concat()].concat();
    for spoiled in [
        whole(&[piece(0, 4), piece(5, 12)]),
        whole(&[piece(0, 5), piece(4, 12)]),
        whole(&[piece(1, 12)]),
        whole(&[piece(0, 3), piece(4, 5), piece(3, 4), piece(5, 12)]),
    ] {
        fs::write(&path, spoiled).expect("write");
        assert!(matches!(read(folder.path(), 40), Err(JournalError::Damaged { .. })));
    }
}

#[test]
fn a_missing_swapped_or_torn_segment_in_the_middle_is_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(folder.path());
    for number in 1..=15 {
        assert!(append(&mut writer, number, 40).expect("room"));
        if number % 5 == 0 {
            writer.rotate().expect("room");
        }
    }
    drop(writer);
    let paths = segments(folder.path());
    assert_eq!(paths.len(), 3);
    let middle = fs::read(&paths[1]).expect("bytes");
    let check = |what: &str| {
        let said = read(folder.path(), 40).expect_err(what).to_string();
        assert!(said.contains("damaged at byte"), "{what}: {said}");
    };
    fs::remove_file(&paths[1]).expect("gone");
    check("missing");
    fs::write(&paths[1], fs::read(&paths[0]).expect("bytes")).expect("write");
    check("another's bytes");
    fs::write(&paths[1], &middle[..middle.len() - 1]).expect("write");
    check("torn");
    fs::write(&paths[1], &middle[..50]).expect("write");
    check("no header");
    fs::write(&paths[1], &middle).expect("write");
    assert_eq!(read(folder.path(), 40).expect("whole"), (Some((1, 15)), None));
    fs::write(folder.path().join("notes.txt"), "not ours").expect("write");
    fs::remove_file(&paths[0]).expect("gone");
    assert_eq!(read(folder.path(), 40).expect("the oldest may go").0, Some((6, 15)));
}

#[test]
fn records_that_are_there_are_not_written_again_and_a_hole_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = writer(folder.path());
    (5..=9).for_each(|number| assert!(append(&mut first, number, 40).expect("room")));
    assert!(SegmentWriter::open(folder.path(), config()).is_err(), "one writer at a time");
    drop(first);
    let mut second = writer(folder.path());
    for number in 1..=12 {
        assert_eq!(append(&mut second, number, 40).expect("room"), number > 9, "{number}");
    }
    let hole = append(&mut second, 14, 40);
    assert!(matches!(hole, Err(JournalError::Hole { want: 13, found: 14 })));
    assert!(append(&mut second, 13, 40).expect("room"));
    drop(second);
    assert_eq!(read(folder.path(), 40).expect("whole"), (Some((5, 13)), None));
}

#[test]
fn the_disk_is_bounded_and_only_what_may_go_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SegmentConfig { disk_max_bytes: 512 << 10, ..config() };
    let mut writer = SegmentWriter::open(folder.path(), config.clone()).expect("a folder");
    let mut number = 1;
    let refused = loop {
        match append(&mut writer, number, 30_000) {
            Ok(_) => number += 1,
            Err(e) => break e,
        }
        writer.sync(Nanos(0)).expect("room");
        assert!(writer.disk_bytes() <= config.disk_max_bytes);
    };
    let said = refused.to_string();
    assert!(said.contains("disk_max_bytes = 524288") && said.contains("below record 0"), "{said}");
    assert!(append(&mut writer, number, 30_000).is_err(), "it stays refused");
    let (range, _) = read(folder.path(), 30_000).expect("whole");
    assert_eq!(range, Some((1, number - 1)), "nothing was lost");
    writer.keep_from(number);
    assert!(append(&mut writer, number, 30_000).expect("the oldest goes"));
    writer.sync(Nanos(0)).expect("room");
    let (first, last) = read(folder.path(), 30_000).expect("whole").0.expect("records");
    assert!(first > 1 && last == number && writer.disk_bytes() <= config.disk_max_bytes);
    let bytes: u64 =
        segments(folder.path()).iter().map(|p| fs::metadata(p).expect("there").len()).sum();
    assert_eq!(bytes, writer.disk_bytes());
}

#[test]
fn a_bound_that_makes_no_sense_names_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |key: &str, config: SegmentConfig| {
        let said = SegmentWriter::open(folder.path(), config).err().expect("refused").to_string();
        assert!(said.starts_with(&format!("journal.{key}: ")), "{said}");
    };
    check("segment_bytes", SegmentConfig { segment_bytes: 1, ..config() });
    check("disk_max_bytes", SegmentConfig { disk_max_bytes: 200 << 10, ..config() });
}

#[test]
fn every_fsync_policy_writes_the_same_files() {
    let mut files = Vec::new();
    for fsync in [Fsync::Never, Fsync::EveryMs(5), Fsync::Always] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = SegmentConfig { fsync, ..config() };
        let mut writer = SegmentWriter::open(folder.path(), config).expect("a folder");
        for number in 1..=40 {
            append(&mut writer, number, 10_000).expect("room");
            writer.sync(Nanos(number * 1_000_000)).expect("room");
        }
        drop(writer);
        files.push(
            segments(folder.path()).iter().map(|p| fs::read(p).expect("bytes")).collect::<Vec<_>>(),
        );
    }
    assert!(files[0].len() > 1 && files[0] == files[1] && files[1] == files[2]);
}
