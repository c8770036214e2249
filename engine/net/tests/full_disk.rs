//! Running out of disk while results are written: a clear error, nothing under the final name.
//!
//! The limit is the system's on the size of a file. It holds for a whole process, so the test runs
//! itself again as a child under it.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nofx_net::atomic::AtomicFile;
use nofx_net::write::{BinaryFileWriter, Link, PcapWriter};
use nofx_types::Nanos;

/// Set for the child: the folder that it writes to.
const FOLDER: &str = "NOFX_TEST_FULL_DISK";

/// 512-byte blocks of the largest file, as `ulimit -f` counts in `dash` (`bash`: 1,024 bytes).
const BLOCKS: &str = "64";

const OUTPUTS: [&str; 4] = ["lines.csv", "small_but_unflushed.csv", "day.pcap", "day.bin"];

#[test]
fn full_disk_leaves_nothing_under_the_final_name() {
    if let Some(folder) = env::var_os(FOLDER) {
        return write_all(&PathBuf::from(folder));
    }
    let directory = tempfile::tempdir().expect("tempdir");
    for name in OUTPUTS {
        fs::write(directory.path().join(name), "of the run before").expect("write");
    }
    // The signal would end the child: ignored, the write fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().expect("this test"))
        .args(["--exact", "full_disk_leaves_nothing_under_the_final_name", "--nocapture"])
        .env(FOLDER, directory.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert_eq!(said.matches("REFUSED").count(), OUTPUTS.len(), "the child met the limit: {said}");
    let mut left: Vec<_> = fs::read_dir(directory.path())
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("plain"))
        .collect();
    left.sort();
    let mut want = OUTPUTS.map(str::to_owned);
    want.sort();
    assert_eq!(left, want, "no partial files");
    for name in OUTPUTS {
        let content = fs::read_to_string(directory.path().join(name)).expect("read");
        assert_eq!(content, "of the run before", "{name}");
    }
}

fn write_all(folder: &Path) {
    let refused = |name: &str, error: String| {
        assert!(error.contains(name) && error.contains("cannot write"), "{error}");
        assert!(error.contains("space left"), "what to do: {error}");
        println!("REFUSED {error}");
    };
    let [lines, unflushed, pcap, binary] = OUTPUTS;

    let mut file = AtomicFile::create(folder.join(lines)).expect("creates");
    let error = (0..100_000).find_map(|n| writeln!(file, "{n},some text").err());
    refused(lines, error.expect("the limit").to_string());
    drop(file);

    // All of it fits the buffer: only `finish` can notice.
    let mut file = AtomicFile::create(folder.join(unflushed)).expect("creates");
    file.write_all(&[b'x'; 100_000]).expect("buffered");
    refused(unflushed, file.finish().expect_err("the limit").to_string());

    let mut writer = PcapWriter::create(folder.join(pcap), Link::default()).expect("creates");
    let packet = |n| writer.datagram(Nanos(n), [239, 1, 1, 1], 5_000, &[1; 1_000]).err();
    refused(pcap, (0..10_000).find_map(packet).expect("the limit").to_string());
    drop(writer);

    let mut writer = BinaryFileWriter::create(folder.join(binary)).expect("creates");
    let error = (0..10_000).find_map(|_| writer.message(&[1; 1_000]).err());
    refused(binary, error.expect("the limit").to_string());
}
