//! The build hash: what a card and its host were built from.
//!
//! Model: XXH3-64 over name, length and bytes of the data file and of every source of the gate in the
//! order of their names. The generated package is left out, since it carries the hash. It tells
//! builds apart; it proves nothing against somebody who wants to deceive.

use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::{DATA, GenError, PACKAGE, RTL, read};

/// The hash of the sources below `workspace`; `data` is the text of the data file.
pub fn build(workspace: &Path, data: &str) -> Result<u64, GenError> {
    let mut hash = Xxh3::new();
    mix(&mut hash, DATA, data);
    for path in sources(workspace)? {
        mix(&mut hash, &path, &read(workspace, &path)?);
    }
    Ok(hash.digest())
}

/// Every source of the gate below `workspace`, in the order of their names.
pub fn sources(workspace: &Path) -> Result<Vec<String>, GenError> {
    let failed = |error| GenError::File { path: RTL.to_owned(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(workspace.join(RTL)).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sv") && name != PACKAGE {
            names.push(format!("{RTL}/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

fn mix(hash: &mut Xxh3, name: &str, text: &str) {
    for part in [name, text] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
}
