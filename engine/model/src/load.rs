//! Models as files: TOML, one line per feature.
//!
//! ```toml
//! schema = "0123456789abcdef"   # schema_hash() of the features it was fitted for
//! bias = 0.0
//!
//! [features]
//! touch_imbalance = { weight = 0.4, mean = 0.0, scale = 0.5 }
//! depth_imbalance = { weight = 0.1 }   # mean 0 and scale 1 unless given
//! # ... every feature once, 0 where it has no part
//! ```
//!
//! Features are matched by name, not by position, and none may be left out: a forgotten feature is an
//! error, not a silent zero. Numbers are written with as many digits as bring back the same bits.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{FEATURE_NAMES, FEATURES, LinearModel, ModelError, Term, schema_hash};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    #[serde(default)]
    bias: f64,
    features: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    weight: f64,
    #[serde(default)]
    mean: f64,
    #[serde(default = "one")]
    scale: f64,
}

fn one() -> f64 {
    1.0
}

/// Why a model file was refused.
#[derive(Debug)]
pub enum LoadError {
    /// It could not be read.
    Read(std::io::Error),
    /// Not TOML, or a key is unknown, missing or of the wrong type; the text names key and line.
    Syntax(String),
    /// Fitted for other features than this build computes.
    Schema(String),
    /// A name under `[features]` that is no feature.
    UnknownFeature(String),
    /// A feature without a line.
    MissingFeature(&'static str),
    /// A number that cannot be used.
    Number(ModelError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read(error) => write!(f, "cannot be read: {error}"),
            LoadError::Syntax(text) => f.write_str(text.trim_end()),
            LoadError::Schema(found) => write!(
                f,
                "schema is {found:?}, expected \"{:016x}\": fit the model again with the features \
                 of this version",
                schema_hash()
            ),
            LoadError::UnknownFeature(name) => {
                write!(f, "features.{name} is no feature, expected one of {FEATURE_NAMES:?}")
            }
            LoadError::MissingFeature(name) => write!(
                f,
                "features.{name} is missing, expected a line like `{name} = {{ weight = 0.0 }}`"
            ),
            LoadError::Number(error) => error.fmt(f),
        }
    }
}

/// Why a model file was refused, and which file it is.
#[derive(Debug)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: LoadError,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model file {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for LoadError {}
impl std::error::Error for FileError {}

/// Loads a model from a file.
pub fn from_file(path: &Path) -> Result<LinearModel, FileError> {
    std::fs::read_to_string(path)
        .map_err(LoadError::Read)
        .and_then(|text| from_text(&text))
        .map_err(|error| FileError { path: path.to_owned(), error })
}

/// Reads a model from the text of a file.
pub fn from_text(text: &str) -> Result<LinearModel, LoadError> {
    let (bias, terms) = terms(text)?;
    LinearModel::new(bias, &terms).map_err(LoadError::Number)
}

/// The [words](LinearModel::from_words) of the model in the text of a file.
///
/// Fails as [`from_text`].
pub fn words_from_text(text: &str) -> Result<[u64; LinearModel::WORDS], LoadError> {
    let (bias, terms) = terms(text)?;
    LinearModel::new(bias, &terms).map_err(LoadError::Number)?;
    Ok(LinearModel::words_of(bias, &terms))
}

/// Bias and terms, as they stand in the text.
fn terms(text: &str) -> Result<(f64, [Term; FEATURES]), LoadError> {
    let mut file: File =
        toml::from_str(text).map_err(|error| LoadError::Syntax(error.to_string()))?;
    if u64::from_str_radix(&file.schema, 16) != Ok(schema_hash()) {
        return Err(LoadError::Schema(file.schema));
    }
    let unknown = |name: &&String| !FEATURE_NAMES.contains(&name.as_str());
    if let Some(name) = file.features.keys().find(unknown) {
        return Err(LoadError::UnknownFeature(name.clone()));
    }
    let mut terms = [Term { weight: 0.0, mean: 0.0, scale: 1.0 }; FEATURES];
    for (term, name) in terms.iter_mut().zip(FEATURE_NAMES) {
        let row = file.features.remove(name).ok_or(LoadError::MissingFeature(name))?;
        *term = Term { weight: row.weight, mean: row.mean, scale: row.scale };
    }
    Ok((file.bias, terms))
}

/// The text of a model file; [`from_text`] makes the same model of it, bit for bit.
pub fn to_text(bias: f64, terms: &[Term; FEATURES]) -> String {
    let mut text = format!("schema = \"{:016x}\"\nbias = {bias:?}\n\n[features]\n", schema_hash());
    for (Term { weight, mean, scale }, name) in terms.iter().zip(FEATURE_NAMES) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name} = {{ weight = {weight:?}, mean = {mean:?}, scale = {scale:?} }}"
        );
    }
    text
}
