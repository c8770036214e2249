//! One source for the words of the seam: hw/wire/data/wire.toml. The SystemVerilog package, the Rust
//! constants and the table in hw/wire/doc state them too; each must state all of them, the same, and no others.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn number(text: &str) -> i64 {
    let text = text.replace('_', "");
    let split = [("'h", 16), ("'d", 10), ("0x", 16)]
        .into_iter()
        .find_map(|(mark, radix)| text.split_once(mark).map(|(_, digits)| (digits, radix)));
    let (digits, radix) = split.unwrap_or((&text, 10));
    i64::from_str_radix(digits, radix).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Name and value of every `PREFIX name SEPARATOR = value` of a text.
fn constants(text: &str, prefixes: &[&str]) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let Some((left, right)) = line.split_once(" = ") else { continue };
        let Some(name) = left.trim_end_matches(": u32").split_whitespace().last() else { continue };
        let value = right.split([';', ',']).next().unwrap_or_default();
        if prefixes.iter().any(|prefix| left.starts_with(prefix)) {
            found.insert(name.to_lowercase(), number(value));
        }
    }
    found
}

/// Entries of one list of the data file by name, with a prefix.
fn listed(words: &Table, list: &str, key: &str, prefix: &str) -> Vec<(String, i64)> {
    let entries = words[list].as_array().expect("a list");
    let entry = |entry: &Value| {
        let name = entry["name"].as_str().expect("a name");
        (format!("{prefix}{name}"), entry[key].as_integer().expect("a number"))
    };
    entries.iter().map(entry).collect()
}

fn words() -> Table {
    read("hw/wire/data/wire.toml").parse().expect("TOML")
}

#[test]
fn the_package_has_the_words_of_the_data_file_and_no_others() {
    let words = words();
    let mut want: BTreeMap<String, i64> =
        listed(&words, "register", "at", "reg_").into_iter().collect();
    want.extend(listed(&words, "counter", "index", "cnt_"));
    want.extend(listed(&words, "drop", "value", "drop_"));
    want.extend(listed(&words, "refuse", "value", "refuse_"));
    want.insert("magic".into(), words["abi"]["magic"].as_integer().expect("a number"));
    want.insert("abi".into(), words["abi"]["version"].as_integer().expect("a number"));
    let package = read("hw/wire/rtl/wire_pkg.sv");
    let found = constants(&package, &["localparam logic", "localparam int CNT_"]);
    assert_eq!(found, want);
}

#[test]
fn the_rust_constants_have_the_words_of_the_data_file_and_no_others() {
    let words = words();
    let mut want: BTreeMap<String, i64> =
        listed(&words, "register", "at", "reg_").into_iter().collect();
    want.insert("magic".into(), words["abi"]["magic"].as_integer().expect("a number"));
    want.insert("abi".into(), words["abi"]["version"].as_integer().expect("a number"));
    let text = read("fpga/wire/src/regs.rs");
    let (registers, rest) = text.split_once("pub mod counter").expect("counters");
    assert_eq!(constants(registers, &["pub const"]), want);
    let counters = rest.split("\n}\n").next().expect("a module");
    let want = listed(&words, "counter", "index", "").into_iter().collect();
    assert_eq!(constants(counters, &["pub const"]), want);
    for (name, list) in [("Refuse", "refuse"), ("Drop", "drop")] {
        let block = text.split_once(&format!("pub enum {name} {{")).expect("the enum").1;
        let block = block.split("\n}\n").next().expect("its end");
        let camel = |name: &str| name.replace('_', "");
        let want: BTreeMap<_, _> = listed(&words, list, "value", "")
            .into_iter()
            .map(|(name, v)| (camel(&name), v))
            .collect();
        assert_eq!(constants(block, &[""]), want);
    }
}

#[test]
fn the_table_lists_every_register_counter_and_reason() {
    let (words, table) = (words(), read("hw/wire/doc/words.md"));
    for (name, at) in listed(&words, "register", "at", "") {
        assert!(
            table.contains(&format!("| `{name}` | {at:#05x} |")),
            "register {name} at {at:#05x}"
        );
    }
    for (list, key) in [("drop", "value"), ("refuse", "value"), ("counter", "index")] {
        for (name, value) in listed(&words, list, key, "") {
            assert!(table.contains(&format!("| `{name}` | {value} |")), "{list} {name}");
        }
    }
}
