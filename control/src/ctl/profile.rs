//! Where to connect, and with which certificate.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::Failure;

/// Options of the connection; what is missing comes from the profile.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Connection {
    /// Address of the server.
    #[arg(long, global = true, value_name = "https://HOST:PORT")]
    server: Option<String>,
    /// Your certificate, PEM.
    #[arg(long, global = true, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, global = true, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The authority that issued the server's certificate, PEM.
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A TOML file with server, cert, key, ca.
    #[arg(long, global = true, value_name = "FILE")]
    profile: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
}

/// Everything that is needed to connect.
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Certificate of the person.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Authority of the server.
    pub ca: PathBuf,
}

impl Connection {
    /// Options before the profile's.
    ///
    /// # Errors
    /// Something is missing or cannot be read; the option is named.
    pub fn resolve(&self) -> Result<Target, Failure> {
        let file = self.file()?;
        let missing = |name: &str| {
            Failure::usage(format!(
                "--{name} is missing: give it, or a profile that has it (--profile)"
            ))
        };
        let server = self.server.clone().or(file.server).ok_or_else(|| missing("server"))?;
        let (host, port) = split(&server)
            .ok_or_else(|| Failure::usage(format!("--server {server}: write https://HOST:PORT")))?;
        Ok(Target {
            host,
            port,
            cert: self.cert.clone().or(file.cert).ok_or_else(|| missing("cert"))?,
            key: self.key.clone().or(file.key).ok_or_else(|| missing("key"))?,
            ca: self.ca.clone().or(file.ca).ok_or_else(|| missing("ca"))?,
        })
    }

    fn file(&self) -> Result<File, Failure> {
        let named = std::env::var_os("NOFX_CTL_PROFILE").map(PathBuf::from);
        let home =
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/nofx/ctl.toml"));
        let usual = home.filter(|path| path.exists());
        let Some(path) = self.profile.clone().or(named).or(usual) else {
            return Ok(File::default());
        };
        let wrong = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(&e))?;
        let file: File = toml::from_str(&text).map_err(|e| wrong(&e))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let placed = |path: Option<PathBuf>| path.map(|path| folder.join(path));
        Ok(File { cert: placed(file.cert), key: placed(file.key), ca: placed(file.ca), ..file })
    }
}

/// `https://HOST:PORT`; the port may be left out, the host may be `[IPv6]`.
fn split(server: &str) -> Option<(String, u16)> {
    let rest = server.strip_prefix("https://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, 8443),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let good = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    (!host.is_empty() && host.chars().all(good)).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn servers_are_https_with_a_port() {
        let of = |text| split(text).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(of("https://localhost:1"), Some("localhost 1".into()));
        assert_eq!(of("https://[::1]:2/"), Some("::1 2".into()));
        assert_eq!(of("https://[::1]"), Some("::1 8443".into()));
        assert_eq!(of("https://a.b"), Some("a.b 8443".into()));
        for wrong in
            ["http://a:1", "a:1", "https://", "https://a:x", "https://a b:1", "https://a/b:1"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
