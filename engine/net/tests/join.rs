//! Several files as one stream, against a stable sort.

mod support;

use std::fs;
use std::path::PathBuf;

use nofx_net::join::{Chain, FrameStream, Merge};
use nofx_rt::rng::Rng;
use pcap_file::{Endianness, TsResolution};
use support::*;
use tempfile::TempDir;

/// Files of `counts` packets whose times rise inside a file, with many equal between files.
fn write(counts: &[u64], rng: &mut Rng) -> (TempDir, Vec<PathBuf>, Vec<Vec<Packet>>) {
    let directory = tempfile::tempdir().expect("tempdir");
    let (mut paths, mut contents) = (vec![], vec![]);
    for (file, count) in counts.iter().enumerate() {
        let mut time = 1_000;
        let mut content = packets(*count);
        for (n, packet) in content.iter_mut().enumerate() {
            time += rng.below(3);
            packet.ts_ns = time;
            packet.data.extend([file as u8, n as u8, (n >> 8) as u8]);
            packet.orig_len = packet.data.len() as u32;
        }
        let endianness = if file % 2 == 0 { Endianness::Little } else { Endianness::Big };
        let bytes = pcap(&content, endianness, TsResolution::NanoSecond, 65_535);
        let bytes = match file % 3 {
            0 => bytes,
            1 => gzip(&bytes),
            _ => zstd(&bytes),
        };
        let path = directory.path().join(format!("{file}"));
        fs::write(&path, bytes).expect("write");
        paths.push(path);
        contents.push(content);
    }
    (directory, paths, contents)
}

fn all(mut stream: impl FrameStream) -> Vec<(usize, u64, u64, Vec<u8>)> {
    let mut found = vec![];
    while let Some(next) = stream.next().expect("good files") {
        let frame = next.frame;
        found.push((next.file, frame.number, frame.ts_ns.0, frame.data.to_vec()));
    }
    assert!(stream.next().expect("at the end").is_none());
    assert!(stream.warnings().is_empty());
    let (done, size) = stream.progress();
    assert_eq!(done, size, "all bytes are done at the end");
    found
}

#[test]
fn chain_keeps_the_order_given_and_merge_the_order_of_time() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let counts: Vec<u64> = (0..rng.below(6)).map(|_| rng.below(300)).collect();
        let (_directory, paths, contents) = write(&counts, &mut rng);
        let mut want = vec![];
        for (file, content) in contents.iter().enumerate() {
            for (n, packet) in content.iter().enumerate() {
                want.push((file, n as u64 + 1, packet.ts_ns, packet.data.clone()));
            }
        }
        assert_eq!(all(Chain::open(&paths).expect("opens")), want, "seed {seed}");
        want.sort_by_key(|(file, number, ts_ns, _)| (*ts_ns, *file, *number));
        assert_eq!(all(Merge::open(&paths).expect("opens")), want, "seed {seed}");
    }
}

#[test]
fn missing_file_is_known_before_the_first_packet() {
    let (directory, mut paths, _) = write(&[3], &mut Rng::new(1));
    paths.push(directory.path().join("absent.pcap"));
    for error in [Chain::open(&paths).err(), Merge::open(&paths).err()] {
        assert!(error.expect("absent").to_string().contains("absent.pcap: cannot open"));
    }
}

#[test]
fn file_that_fails_counts_as_ended_and_the_others_go_on() {
    let (_directory, paths, contents) = write(&[5, 5, 5], &mut Rng::new(2));
    let mut bytes = pcap(&contents[0], Endianness::Little, TsResolution::NanoSecond, 65_535);
    let second = 24 + 16 + contents[0][0].data.len();
    bytes[second + 11] = 0xFF; // an impossible captured length
    fs::write(&paths[0], bytes).expect("write");
    let cut = zstd(&pcap(&contents[2], Endianness::Big, TsResolution::NanoSecond, 65_535)[..300]);
    fs::write(&paths[2], cut).expect("write");
    fn drive(mut stream: impl FrameStream) {
        let (mut seen, mut errors) = ([0; 3], 0);
        loop {
            match stream.next() {
                Ok(Some(next)) => seen[next.file] += 1,
                Ok(None) => break,
                Err(error) => {
                    errors += 1;
                    assert!(error.to_string().contains("packet 2 at byte"), "{error}");
                }
            }
        }
        assert_eq!((seen[0], seen[1], errors), (1, 5, 1));
        assert!(seen[2] < 5);
        let warnings = stream.warnings();
        assert!(warnings.len() == 1 && warnings[0].kind.is_loss(), "{warnings:?}");
    }
    drive(Chain::open(&paths).expect("opens"));
    drive(Merge::open(&paths).expect("opens"));
}
