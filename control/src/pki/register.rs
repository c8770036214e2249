//! [`Register`]: which certificates were issued, and what became of them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PkiError;
use super::files::{self, For};
use crate::identity::Role;

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person.
    Client,
    /// A server.
    Server,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// What it is for.
    pub kind: Kind,
    /// The person; of a server its first name.
    pub name: String,
    /// The person's roles.
    pub roles: Vec<Role>,
    /// First second of its validity, since 1970.
    pub from: u64,
    /// Last second of its validity, since 1970.
    pub until: u64,
    /// When it was revoked, seconds since 1970.
    pub revoked: Option<u64>,
    /// Why.
    pub reason: Option<String>,
}

impl Entry {
    /// What it is worth at `now`: `valid`, `expired` or `revoked`.
    pub fn state(&self, now: u64) -> &'static str {
        match self.revoked {
            Some(_) => "revoked",
            None if now > self.until => "expired",
            None => "valid",
        }
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Number of the last revocation list.
    crl: u64,
    certificates: Vec<Entry>,
}

/// Every certificate of one authority.
pub struct Register {
    path: PathBuf,
    content: Content,
}

impl Register {
    /// A new one.
    pub fn create(path: &Path) -> Result<Register, PkiError> {
        let content = Content { crl: 0, certificates: Vec::new() };
        let register = Register { path: path.to_owned(), content };
        files::create(path, &register.text(), For::Owner)?;
        Ok(register)
    }

    /// The one at `path`.
    pub fn open(path: &Path) -> Result<Register, PkiError> {
        let content = serde_json::from_str(&files::read(path)?).map_err(|e| PkiError::Damaged {
            file: path.display().to_string(),
            what: e.to_string(),
        })?;
        Ok(Register { path: path.to_owned(), content })
    }

    /// Every certificate, in order of issue.
    pub fn entries(&self) -> &[Entry] {
        &self.content.certificates
    }

    /// Adds a certificate; on the disk when this returns.
    pub fn add(&mut self, entry: Entry) -> Result<(), PkiError> {
        self.content.certificates.push(entry);
        self.save()
    }

    /// Marks what `which` names as revoked; returns the entries, and the number for the next list.
    pub fn revoke(
        &mut self,
        which: impl Fn(&Entry) -> bool,
        now: u64,
        reason: &str,
    ) -> Result<(Vec<Entry>, u64), PkiError> {
        let mut revoked = Vec::new();
        for entry in &mut self.content.certificates {
            if entry.revoked.is_none() && which(entry) {
                (entry.revoked, entry.reason) = (Some(now), Some(reason.to_owned()));
                revoked.push(entry.clone());
            }
        }
        self.content.crl += 1;
        self.save()?;
        Ok((revoked, self.content.crl))
    }

    fn save(&self) -> Result<(), PkiError> {
        files::replace(&self.path, &self.text(), For::Owner)
    }

    fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(&self.content).unwrap_or_default();
        text.push(b'\n');
        text
    }
}
