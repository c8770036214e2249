//! The house rules as tests: which crate may import which, where `unsafe` may stand, who may issue a
//! gate key and who may encode an order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Importer -> what of ours it may import. `bench` may import everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("rt", &["types"]),
    ("net", &["rt", "types"]),
    ("wire", &["types"]),
    ("feed", &["wire", "rt", "types"]),
    ("book", &["rt", "types"]),
    ("model", &["types"]),
    ("signal", &["model", "types"]),
    ("gate", &["types"]),
    ("rules", &["types"]),
    ("ticks", &["net", "types"]),
    ("risk", &["gate", "rules", "types"]),
    ("order", &["gate", "wire", "rt", "types"]),
    ("venue", &["book", "rules", "wire", "rt", "types"]),
    ("mailbox", &["types"]),
    ("shot", &["gate", "mailbox", "types"]),
    (
        "app",
        &[
            "venue", "order", "risk", "signal", "book", "feed", "net", "rt", "types", "wire",
            "model", "gate", "mailbox", "rules", "ticks", "fpga", "fpga-sim", "shot",
        ],
    ),
    ("control", &["mailbox", "model", "types", "shot"]),
    ("hwgen", &[]),
    ("fpga-abi", &[]),
    ("fpga", &["fpga-abi", "gate", "risk", "types"]),
    ("fpga-sim", &["fpga", "gate", "risk", "rt", "types"]),
    ("fpga-wire", &["fpga", "risk", "wire", "rt", "types"]),
];

const UNSAFE_ALLOWED: &[&str] = &["rt", "net", "mailbox", "fpga", "fpga-sim", "fpga-wire"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("workspace root")
}

/// Crate (without the `nofx-` prefix) -> its normal and build imports of ours, from cargo itself.
fn imports() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ours = |name: &str| name.strip_prefix("nofx-").map(str::to_owned);
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .filter_map(|package| {
            let name = ours(package["name"].as_str()?)?;
            let dependencies = package["dependencies"].as_array()?.iter();
            let imports = dependencies
                .filter(|d| d["kind"].as_str() != Some("dev"))
                .filter_map(|d| ours(d["name"].as_str()?));
            Some((name, imports.collect()))
        })
        .collect()
}

fn wrong_arrows(imports: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (importer, imported) in imports.iter().filter(|(name, _)| *name != "bench") {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == importer) else {
            wrong.push(format!("{importer} has no row in ARROWS"));
            continue;
        };
        let bad = imported.iter().filter(|name| !allowed.contains(&name.as_str()));
        wrong.extend(bad.map(|name| format!("{importer} -> {name}")));
    }
    wrong
}

#[test]
fn imports_point_one_way() {
    let imports = imports();
    assert!(imports.len() >= ARROWS.len(), "cargo named only {:?}", imports.keys());
    assert_eq!(wrong_arrows(&imports), Vec::<String>::new());
}

#[test]
fn a_stage_that_imports_a_stage_is_caught() {
    let mut imports = imports();
    imports.get_mut("feed").expect("feed is a crate").push("book".into());
    assert_eq!(wrong_arrows(&imports), ["feed -> book"]);
}

/// Every Rust source of the engine, of the card's host side and of control as (crate, path below the crate, text).
fn sources() -> Vec<(String, String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = workspace();
    let mut paths = Vec::new();
    walk(&root.join("engine"), &mut paths);
    walk(&root.join("fpga"), &mut paths);
    walk(&root.join("control"), &mut paths);
    paths
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            let (name, below) = crate_of(path.strip_prefix(&root).ok()?.to_str()?)?;
            Some((name, below.to_owned(), text))
        })
        .collect()
}

/// The crate that a path below the workspace belongs to, and the path below that crate.
fn crate_of(path: &str) -> Option<(String, &str)> {
    let (top, below) = path.split_once('/')?;
    let (folder, rest) = below.split_once('/')?;
    Some(match (top, folder) {
        ("fpga" | "control", "src" | "tests") => (top.into(), below),
        ("fpga", "gen") => ("hwgen".into(), rest),
        ("fpga", folder) => (format!("fpga-{folder}"), rest),
        (_, folder) => (folder.to_owned(), rest),
    })
}

#[test]
fn unsafe_stands_only_where_the_architecture_allows_it() {
    for (name, below, text) in sources().iter().filter(|(_, below, _)| below == "src/lib.rs") {
        let forbids = text.contains("#![forbid(unsafe_code)]");
        assert_eq!(forbids, !UNSAFE_ALLOWED.contains(&name.as_str()), "{name}/{below}");
    }
}

/// The part of a source that ships: what stands before its test module.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn only_the_application_issues_gate_keys() {
    let issuers: Vec<_> = sources()
        .into_iter()
        .filter(|(name, below, text)| {
            name != "gate" && below.starts_with("src/") && shipped(text).contains("GateKey::issue")
        })
        .map(|(name, _, _)| name)
        .collect();
    assert!(issuers.iter().all(|name| name == "app"), "{issuers:?}");
    assert_eq!(issuers.len(), 1, "one place issues keys: {issuers:?}");
}

#[test]
fn the_strategy_in_the_readme_is_the_compiled_example() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect("a file");
    let example = read("engine/signal/examples/join_the_touch.rs");
    let strategy = example
        .split("// The strategy begins here.\n")
        .nth(1)
        .and_then(|rest| rest.split("// The strategy ends here.").next())
        .expect("marked");
    let lines = strategy.trim().lines().filter(|line| !line.is_empty()).count();
    assert!((25..=45).contains(&lines), "{lines} lines: the README promises about 30");
    assert!(read("README.md").contains(strategy.trim()), "README.md shows another strategy");
}

/// The encoders of messages that a client sends.
const CLIENTS: [&str; 5] =
    ["ouch50::client", "ouch42::client", "ocg::client", "tgw::client", "tdgw::client"];

#[test]
fn only_order_entry_encodes_orders() {
    // The encoders of `wire` for messages that a client sends: `order` calls them, behind `Cleared`.
    let callers: Vec<_> = sources()
        .into_iter()
        .filter(|(name, below, text)| {
            !["wire", "order"].contains(&name.as_str())
                && below.starts_with("src/")
                && CLIENTS.iter().any(|path| shipped(text).contains(path))
        })
        .map(|(name, below, _)| format!("{name}/{below}"))
        .collect();
    assert_eq!(callers, Vec::<String>::new());
}
