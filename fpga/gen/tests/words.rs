//! What is checked in is what the data file says, and a data file that contradicts itself is refused.

use std::path::{Path, PathBuf};

use nofx_hwgen::{DATA, Words};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn what_is_checked_in_is_what_the_data_file_says() {
    let stale = nofx_hwgen::stale(&workspace()).expect("the data file is good");
    assert_eq!(stale, Vec::<&str>::new(), "run `cargo run -p nofx-hwgen`");
}

#[test]
fn a_source_that_changes_changes_the_build_hash() {
    let folder = std::env::temp_dir().join(format!("nofx-hwgen-{}", std::process::id()));
    let rtl = folder.join(nofx_hwgen::RTL);
    std::fs::create_dir_all(&rtl).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(rtl.join(name), text).expect("a file");
    let hash = || nofx_hwgen::hash::build(&folder, "data").expect("readable");
    write("a.sv", "one");
    let first = hash();
    write("gate_pkg.sv", "the package carries the hash and is no part of it");
    write("notes.txt", "no source");
    assert_eq!(hash(), first);
    write("a.sv", "two");
    let second = hash();
    assert_ne!(second, first);
    write("b.sv", "");
    assert_ne!(hash(), second);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_data_file_that_contradicts_itself_is_refused_by_name() {
    let good = std::fs::read_to_string(workspace().join(DATA)).expect("the data file");
    assert!(Words::parse(&good).is_ok());
    let cases = [
        ("name = \"seq\", at = 60, width = 32", "name = \"seq\", at = 61, width = 32", "op.seq"),
        ("name = \"kind\", at = 0, width = 8,", "name = \"flags\", at = 0, width = 8,", "`flags`"),
        ("name = \"fill\", value = 1", "name = \"fill\", value = 2", "effect.break"),
        ("name = \"barrier\", value = 12", "name = \"barrier\", value = 256", "kind.barrier"),
        ("name = \"long_max\", width = 47", "name = \"long_max\", width = 65", "symbol.long_max"),
        ("name = \"halted\", width = 1", "name = \"killed\", width = 1", "`killed`"),
        ("bit = 17", "bit = 16", "rule.kill_global"),
        ("bit = 36", "bit = 37", "consecutive"),
        ("name = \"parity\", bit = 2", "name = \"parity\", bit = 16", "sticky.parity"),
        ("at = 0x034", "at = 0x030", "register.sticky"),
        ("at = 0x034", "at = 0x035", "register.sticky"),
        ("access = \"w1c\"", "access = \"x\"", "register.sticky"),
        ("count = 16", "count = 33", "register.counters"),
        ("count = 21", "count = 20", "register.rule_counters"),
        ("index = 9", "index = 10", "counter.scrubs"),
        ("name = \"scrubs\"", "name = \"Scrubs\"", "`Scrubs`"),
        ("magic = 0x4758464e", "magic = 0x4758464e\nmagick = 1", "magick"),
    ];
    for (from, to, named) in cases {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let error = Words::parse(&bad).expect_err(to).to_string();
        assert!(error.contains(named), "{to}: {error}");
    }
}
