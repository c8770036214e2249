//! `nofx report`: the output folder of a replay as one self-contained HTML page.
//!
//! Model: the page is a fixed template with one JSON value put in; it draws everything itself and
//! loads nothing from anywhere. The value holds `run.json`, `latency.json` and, for the instruments
//! that traded most, touches, orders and fills thinned to what a screen can show.

mod series;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nofx_net::atomic::AtomicFile;
use serde_json::{Value, json};

const PAGE: &str = include_str!("page.html");
const DATA_MARK: &str = "\"NOFX_DATA\"";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the folder cannot be used.
    #[error("{}: {reason}; run `nofx replay … --out {}` first", path.display(), dir.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The page cannot be written.
    #[error("{}: cannot be written: {reason}", path.display())]
    Output {
        /// The page.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Writes the page of the replay in `dir` to `output`.
///
/// # Errors
/// The folder is not the output of a replay, or the page cannot be written.
pub fn write_page(dir: &Path, output: &Path) -> Result<(), ReportError> {
    let run = read_json(dir, "run.json")?;
    let latency = read_json(dir, "latency.json")?;
    let instruments = series::read(dir, lost_from(&run))?;
    let data = json!({ "run": run, "latency": latency, "instruments": instruments });
    let failed = |e: &dyn std::fmt::Display| ReportError::Output {
        path: output.to_owned(),
        reason: e.to_string(),
    };
    let mut file = AtomicFile::create(output).map_err(|e| failed(&e))?;
    file.write_all(page(&data).as_bytes()).map_err(|e| failed(&e))?;
    file.finish().map_err(|e| failed(&e))
}

/// The first sequence number that every line lost, where the books are stale ever since: a stream
/// that starts again numbers its messages anew.
fn lost_from(run: &Value) -> Option<i64> {
    let (gaps, stale) = (&run["gaps"], &run["books"]["stale"]);
    let since = gaps["restarts"] == 0 && stale.as_u64().is_some_and(|n| n > 0);
    since.then(|| gaps["list"][0]["from"].as_i64()).flatten()
}

/// The page with its data. `<` is escaped so that no text of the data can end the script.
fn page(data: &Value) -> String {
    PAGE.replacen(DATA_MARK, &data.to_string().replace('<', "\\u003c"), 1)
}

fn read_json(dir: &Path, name: &str) -> Result<Value, ReportError> {
    let path = dir.join(name);
    let text = fs::read_to_string(&path).map_err(|e| input(dir, name, &e))?;
    serde_json::from_str(&text).map_err(|e| input(dir, name, &e))
}

fn input(dir: &Path, name: &str, reason: &dyn std::fmt::Display) -> ReportError {
    ReportError::Input { path: dir.join(name), dir: dir.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_the_script_and_loads_nothing() {
        let page = page(&json!({ "name": "</script><img src=x>" }));
        assert!(!page.contains("</script><img"));
        assert!(
            !PAGE.contains("http://")
                || PAGE.matches("http://").count() == PAGE.matches("http://www.w3.org/").count()
        );
        assert!(!PAGE.contains("https://"));
        assert_eq!(PAGE.matches(DATA_MARK).count(), 1);
    }

    #[test]
    fn a_folder_that_is_no_run_says_what_to_do() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = write_page(dir.path(), &dir.path().join("report.html")).expect_err("empty");
        assert!(error.to_string().contains("nofx replay"), "{error}");
        assert!(!dir.path().join("report.html").exists());
    }
}
