//! PKCS#12 files for browsers, by the `openssl` program: no library of good standing writes them.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::files::{self, For};
use super::{Issued, PkiError};

/// What became of the browser's file.
pub enum Bundle {
    /// It stands there.
    Written(PathBuf),
    /// There is no `openssl` program.
    NoOpenssl,
}

/// Writes `out.p12`, protected by the password.
///
/// # Errors
/// The file is there already, or `openssl` fails.
pub fn bundle(issued: &Issued, ca: &Path, out: &Path, password: &str) -> Result<Bundle, PkiError> {
    let path = out.with_added_extension("p12");
    files::must_be_new(&path)?;
    let run = Command::new("openssl")
        .args(["pkcs12", "-export", "-passout", "stdin", "-name", &issued.entry.name])
        .args([Path::new("-in"), &issued.certificate, Path::new("-inkey"), &issued.key])
        .args([Path::new("-certfile"), ca])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut run = match run {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Bundle::NoOpenssl),
        run => run.map_err(|e| files::failed(Path::new("openssl"), e))?,
    };
    if let Some(mut stdin) = run.stdin.take() {
        // A program that ended before it read says why in its output.
        _ = writeln!(stdin, "{password}");
    }
    let done = run.wait_with_output().map_err(|e| files::failed(Path::new("openssl"), e))?;
    if !done.status.success() || done.stdout.is_empty() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(PkiError::Asked(format!("openssl pkcs12: {}", said.trim())));
    }
    files::create(&path, &done.stdout, For::Owner)?;
    Ok(Bundle::Written(path))
}

/// A password to type once: 100 random bits.
pub fn password() -> Result<String, PkiError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PkiError::Make(rcgen::Error::RingUnspecified))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
