//! Where the captures are.
#![allow(dead_code)] // each test binary uses its part

use std::path::{Path, PathBuf};

/// A file of the captures; `None`, said loudly, where they are absent.
pub fn capture(name: &str) -> Option<PathBuf> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let root = std::env::var_os("NOFX_CAPTURES").map_or(below, PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED {name}: no captures at {} (set NOFX_CAPTURES)", root.display());
    None
}
