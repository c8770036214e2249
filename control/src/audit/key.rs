//! The Ed25519 keys of the log: a private key signs heads, a public key checks them.

use std::fmt;
use std::fs;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::AuditError;
use super::hash::Hash;

/// Byte that names Ed25519 in a key id and a verifier key (C2SP signed-note).
const ED25519_TYPE: u8 = 1;

/// Header of a DER SubjectPublicKeyInfo with an Ed25519 key (RFC 8410, 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signs the heads of one log under its name.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Reads a PKCS#8 PEM file, as `nofx-control pki init` and `openssl genpkey` write it.
    pub fn load(path: &Path, name: &str) -> Result<Signer, AuditError> {
        let wrong = |why: String| AuditError::Key { path: path.to_owned(), why };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let der = pem(&text, "PRIVATE KEY").ok_or_else(|| wrong("no PKCS#8 PEM in it".into()))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = pair.map_err(|_| wrong("not an Ed25519 private key".into()))?;
        Ok(Signer { name: name.to_owned(), pair })
    }

    /// A new private key as PKCS#8 PEM.
    pub fn generate() -> Result<String, AuditError> {
        let broken = |_| AuditError::Encoding("no random numbers to make a key from".into());
        let pair = Ed25519KeyPair::generate().map_err(broken)?;
        let document = pair.to_pkcs8v1().map_err(broken)?;
        Ok(to_pem(document.as_ref(), "PRIVATE KEY"))
    }

    /// The key to check with.
    pub fn verifier(&self) -> Verifier {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        Verifier { name: Some(self.name.clone()), key }
    }

    /// The name that the signatures stand under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 64 bytes of signature.
    pub fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(text.as_bytes()).as_ref().to_vec()
    }
}

/// A public key, with the name it signs under if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: Option<String>,
    key: [u8; 32],
}

impl Verifier {
    /// From a file: PEM `PUBLIC KEY`, or a C2SP verifier key `name+id+base64`.
    pub fn load(path: &Path) -> Result<Verifier, AuditError> {
        let wrong = |why: String| AuditError::Key { path: path.to_owned(), why };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Verifier::parse(&text).ok_or_else(|| {
            wrong("neither a PEM file with an Ed25519 PUBLIC KEY nor a key name+id+base64".into())
        })
    }

    /// From text, as in [`Verifier::load`].
    pub fn parse(text: &str) -> Option<Verifier> {
        if let Some(der) = pem(text, "PUBLIC KEY") {
            let key = der.strip_prefix(&SPKI)?.try_into().ok()?;
            return Some(Verifier { name: None, key });
        }
        // The base64 of a key may itself contain '+': only the first two separate.
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = STANDARD.decode(key).ok()?;
        let key = bytes.strip_prefix(&[ED25519_TYPE])?.try_into().ok()?;
        let verifier = Verifier { name: Some(name.to_owned()), key };
        (id == hex(&verifier.id(name))).then_some(verifier)
    }

    /// Whether the key may sign under `name`.
    pub fn is_for(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|own| own == name)
    }

    /// The key id under a name: `SHA-256(name || 0x0A || 0x01 || key)[..4]` (C2SP signed-note).
    pub fn id(&self, name: &str) -> [u8; 4] {
        let hash = Hash::of(&[name.as_bytes(), b"\n", &[ED25519_TYPE], &self.key]).0;
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether `signature` is one of this key over `text` (RFC 8032).
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).is_ok()
    }

    /// The key as C2SP writes it: `name+id+base64`.
    pub fn vkey(&self, name: &str) -> String {
        let typed = [&[ED25519_TYPE][..], &self.key].concat();
        format!("{name}+{}+{}", hex(&self.id(name)), STANDARD.encode(typed))
    }

    /// The key as PEM, for `openssl` and others.
    pub fn pem(&self) -> String {
        to_pem(&[&SPKI[..], &self.key].concat(), "PUBLIC KEY")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.name)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of the first block with this label (RFC 7468).
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (base64, _) = rest.split_once(&format!("-----END {label}-----"))?;
    STANDARD.decode(base64.split_whitespace().collect::<String>()).ok()
}

fn to_pem(der: &[u8], label: &str) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
