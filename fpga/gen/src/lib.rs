//! The words of the gate, written from one data file for everybody who speaks them.
//!
//! Model: [`Words`] is `hw/gate/data/gate.toml`, read and checked as a whole; [`sv`], [`rust`] and
//! [`doc`] each turn it into one text. [`outputs`] is the list of files they become: the program
//! writes it, `--check` and a test compare it, so a word that two sides read differently cannot be
//! checked in. The build hash ([`hash`]) covers the sources of the gate and the data file; it stands
//! in the package and in the Rust constants, so a host notices a card built from other sources.
//!
//! Worst case: a data file that contradicts itself is refused with the name of what is wrong; nothing
//! is written then.
#![forbid(unsafe_code)]

pub mod doc;
pub mod hash;
pub mod rust;
pub mod sv;
mod text;
mod words;

use std::path::Path;

pub use words::{Bit, Bits, Counter, Enum, Field, Line, Parameter, Register, Row, Value, Words};

/// The data file, below the workspace.
pub const DATA: &str = "hw/gate/data/gate.toml";
/// Where the sources of the gate are, below the workspace.
pub const RTL: &str = "hw/gate/rtl";
/// The package, which is an output and no source.
pub const PACKAGE: &str = "gate_pkg.sv";

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The data file is no TOML of the expected shape.
    #[error("{DATA}: {0}")]
    Toml(#[from] toml::de::Error),
    /// The data file contradicts itself.
    #[error("{DATA}: {0}")]
    Words(String),
}

/// The generated files as (path below the workspace, text).
pub fn outputs(workspace: &Path) -> Result<Vec<(&'static str, String)>, GenError> {
    let data = read(workspace, DATA)?;
    let words = Words::parse(&data)?;
    let build = hash::build(workspace, &data)?;
    Ok(vec![
        ("hw/gate/rtl/gate_pkg.sv", sv::package(&words, build)),
        ("fpga/src/regs.rs", rust::constants(&words, build)),
        ("hw/gate/doc/words.md", doc::tables(&words)),
    ])
}

/// The files among [`outputs`] that are not as they should be.
pub fn stale(workspace: &Path) -> Result<Vec<&'static str>, GenError> {
    let outputs = outputs(workspace)?;
    let differs = |(path, text): &(&str, String)| read(workspace, path).ok().as_ref() != Some(text);
    Ok(outputs.iter().filter(|output| differs(output)).map(|(path, _)| *path).collect())
}

/// Writes what [`stale`] names and returns it.
pub fn write(workspace: &Path) -> Result<Vec<&'static str>, GenError> {
    let stale = stale(workspace)?;
    for (path, text) in outputs(workspace)?.iter().filter(|(path, _)| stale.contains(path)) {
        let file = workspace.join(path);
        file.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|error| GenError::File { path: (*path).to_owned(), error })?;
    }
    Ok(stale)
}

fn read(workspace: &Path, path: &str) -> Result<String, GenError> {
    std::fs::read_to_string(workspace.join(path))
        .map_err(|error| GenError::File { path: path.to_owned(), error })
}
