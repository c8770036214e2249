//! The files of the page: embedded with the feature `console`, else one page that says how.

use std::borrow::Cow;

/// One file as it is sent.
pub struct Asset {
    /// Its bytes.
    pub body: Cow<'static, [u8]>,
    /// Media type, by the end of the name.
    pub mime: &'static str,
    /// Changes with the bytes; quoted, as the header wants it.
    pub etag: String,
}

#[cfg(feature = "console")]
#[derive(rust_embed::RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// The file of this name below the root of the page (`index.html`, `assets/…`).
#[cfg(feature = "console")]
pub fn find(name: &str) -> Option<Asset> {
    let file = Dist::get(name)?;
    let etag = etag(&file.metadata.sha256_hash());
    Some(Asset { body: file.data, mime: mime(name), etag })
}

/// The page that says how to build the console.
#[cfg(not(feature = "console"))]
pub fn find(name: &str) -> Option<Asset> {
    const PLAIN: &[u8] = include_bytes!("plain.html");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, PLAIN);
    let etag = etag(digest.as_ref());
    (name == "index.html").then(|| Asset { body: PLAIN.into(), mime: mime(name), etag })
}

/// The first 16 bytes of a SHA-256, in hexadecimal and quotes.
fn etag(sha256: &[u8]) -> String {
    let digits: String = sha256.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Only what a build makes: anything else is sent as bytes, which no browser runs.
fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
