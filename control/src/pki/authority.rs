//! [`Authority`]: makes, issues, revokes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der as EncodedPublicKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, RevocationReason, RevokedCertParams, SerialNumber,
};

use super::PkiError;
use super::files::{self, For};
use super::register::{Entry, Kind, Register};
use crate::identity::Role;
use crate::identity::subject::{hex, is_name};
use crate::lock::Lock;

const DAY: u64 = 86_400;
/// Clocks of clients may be behind by so much.
const BEFORE: u64 = 300;
const DAYS_MAX: u32 = 36_500;

/// A certificate that somebody wants.
pub enum Wanted<'a> {
    /// For a person with roles.
    Client {
        /// The name.
        person: &'a str,
        /// At least one.
        roles: &'a [Role],
    },
    /// For a server that answers to these names and addresses.
    Server {
        /// At least one.
        hosts: &'a [String],
    },
}

/// What was issued.
pub struct Issued {
    /// As in the register.
    pub entry: Entry,
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, 0600.
    pub key: PathBuf,
}

/// A certificate authority in a folder.
pub struct Authority {
    folder: PathBuf,
    register: Register,
    issuer: Issuer<'static, KeyPair>,
    _lock: Lock,
}

impl Authority {
    /// Makes one: authority, server certificate for `hosts`, key of the audit log, empty list.
    ///
    /// # Errors
    /// One of its files is there already, or the system refuses.
    pub fn init(
        folder: &Path,
        name: &str,
        hosts: &[String],
        days: u32,
    ) -> Result<Issued, PkiError> {
        check_days(days)?;
        check_hosts(hosts)?;
        if !is_name(name) {
            return Err(PkiError::Asked(format!("--name {name:?}: 1 to 64 characters to read")));
        }
        files::make_folder(folder)?;
        let lock = files::lock(folder)?;
        let names = [
            "ca.crt",
            "ca.key",
            "crl.pem",
            "audit.key",
            "audit.pub",
            "register.json",
            "server.crt",
            "server.key",
        ];
        names.iter().try_for_each(|name| files::must_be_new(&folder.join(name)))?;
        let issuer = make(folder, name, days)?;
        let register = Register::create(&folder.join("register.json"))?;
        let write = |name, text: String, readers| {
            files::create(&folder.join(name), text.as_bytes(), readers)
        };
        let (private, public) = audit_key()?;
        write("audit.key", private, For::Owner)?;
        write("audit.pub", public, For::All)?;
        let folder = folder.to_owned();
        let mut authority = Authority { folder, register, issuer, _lock: lock };
        authority.revoke(|_| false, RevocationReason::Unspecified)?;
        authority.issue(&Wanted::Server { hosts }, days, &authority.folder.join("server"))
    }

    /// Opens the one in `folder`.
    ///
    /// # Errors
    /// There is none, it is damaged, or another process is at work there.
    pub fn open(folder: &Path) -> Result<Authority, PkiError> {
        let (certificate, key) = (folder.join("ca.crt"), folder.join("ca.key"));
        let (pem, secret) = (files::read(&certificate)?, files::read(&key)?);
        let lock = files::lock(folder)?;
        let damaged = |file: &Path, e: rcgen::Error| PkiError::Damaged {
            file: file.display().to_string(),
            what: e.to_string(),
        };
        let pair = KeyPair::from_pem(&secret).map_err(|e| damaged(&key, e))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, pair).map_err(|e| damaged(&certificate, e))?;
        let register = Register::open(&folder.join("register.json"))?;
        Ok(Authority { folder: folder.to_owned(), register, issuer, _lock: lock })
    }

    /// Every certificate, in order of issue.
    pub fn entries(&self) -> &[Entry] {
        self.register.entries()
    }

    /// Issues a certificate as `out.crt` and `out.key`.
    ///
    /// # Errors
    /// What is wanted cannot be, a file is there already, or the system refuses.
    pub fn issue(
        &mut self,
        wanted: &Wanted<'_>,
        days: u32,
        out: &Path,
    ) -> Result<Issued, PkiError> {
        check_days(days)?;
        let file = |extension| out.with_added_extension(extension);
        let (certificate, key) = (file("crt"), file("key"));
        [&certificate, &key].into_iter().try_for_each(|path| files::must_be_new(path))?;
        let (serial, now) = (serial()?, now());
        let (kind, name, roles) = match wanted {
            Wanted::Client { person, roles } => (Kind::Client, *person, roles.to_vec()),
            Wanted::Server { hosts } => {
                (Kind::Server, hosts.first().map_or("", String::as_str), Vec::new())
            }
        };
        let until = now + u64::from(days) * DAY;
        let entry = Entry {
            serial: hex(&serial),
            kind,
            name: name.to_owned(),
            roles,
            from: now - BEFORE,
            until,
            revoked: None,
            reason: None,
        };
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params(wanted)?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        (params.not_before, params.not_after) = (date(entry.from), date(entry.until));
        let pem = params.signed_by(&pair, &self.issuer)?.pem();
        self.register.add(entry.clone())?;
        files::create(&key, pair.serialize_pem().as_bytes(), For::Owner)?;
        files::create(&certificate, pem.as_bytes(), For::All)?;
        Ok(Issued { entry, certificate, key })
    }

    /// Revokes what `which` names, and writes the revocation list.
    ///
    /// # Errors
    /// The system refuses.
    pub fn revoke(
        &mut self,
        which: impl Fn(&Entry) -> bool,
        reason: RevocationReason,
    ) -> Result<Vec<Entry>, PkiError> {
        let (revoked, number) = self.register.revoke(which, now(), &format!("{reason:?}"))?;
        let certificates = self.register.entries().iter().filter_map(|entry| {
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&bytes(&entry.serial)),
                revocation_time: date(entry.revoked?),
                reason_code: None,
                invalidity_date: None,
            })
        });
        let list = CertificateRevocationListParams {
            this_update: date(now()),
            // The server reads the file, not the calendar: a list holds until the next one.
            next_update: date(now() + u64::from(DAYS_MAX) * DAY),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: certificates.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer)?.pem()?;
        files::replace(&self.folder.join("crl.pem"), pem.as_bytes(), For::All)?;
        Ok(revoked)
    }
}

/// An Ed25519 key pair as PEM. PKCS#8 version 1: OpenSSL 3.0 does not read version 2.
fn audit_key() -> Result<(String, String), PkiError> {
    let failed = |_| PkiError::Make(rcgen::Error::RingUnspecified);
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let private = pem("PRIVATE KEY", pair.to_pkcs8v1().map_err(failed)?.as_ref());
    let public: EncodedPublicKey<'_> = pair.public_key().as_der().map_err(failed)?;
    Ok((private, pem("PUBLIC KEY", public.as_ref())))
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

fn make(folder: &Path, name: &str, days: u32) -> Result<Issuer<'static, KeyPair>, PkiError> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(&[(DnType::CommonName, name)]);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    let until = now() + u64::from(days) * DAY;
    (params.not_before, params.not_after) = (date(now() - BEFORE), date(until));
    let pem = params.self_signed(&pair)?.pem();
    files::create(&folder.join("ca.key"), pair.serialize_pem().as_bytes(), For::Owner)?;
    files::create(&folder.join("ca.crt"), pem.as_bytes(), For::All)?;
    Ok(Issuer::new(params, pair))
}

fn params(wanted: &Wanted<'_>) -> Result<CertificateParams, PkiError> {
    let mut params = match wanted {
        Wanted::Client { person, roles } => {
            check_person(person, roles)?;
            let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            let mut params = CertificateParams::default();
            let names = [
                (DnType::OrganizationalUnitName, roles.join("/")),
                (DnType::CommonName, (*person).to_owned()),
            ];
            params.distinguished_name = subject(&names);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params
        }
        Wanted::Server { hosts } => {
            check_hosts(hosts)?;
            let mut params = CertificateParams::new(hosts.to_vec())?;
            let first = hosts.first().map_or("", String::as_str);
            params.distinguished_name = subject(&[(DnType::CommonName, first)]);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params
        }
    };
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn subject<T: AsRef<str>>(names: &[(DnType, T)]) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    names.iter().for_each(|(kind, name)| subject.push(kind.clone(), name.as_ref()));
    subject
}

fn check_person(person: &str, roles: &[Role]) -> Result<(), PkiError> {
    if !is_name(person) {
        return Err(PkiError::Asked(format!(
            "--person {person:?}: 1 to 64 characters to read, without white space around them"
        )));
    }
    match roles.is_empty() {
        true => {
            Err(PkiError::Asked("--role: name at least one: viewer, trader, risk, admin".into()))
        }
        false => Ok(()),
    }
}

fn check_hosts(hosts: &[String]) -> Result<(), PkiError> {
    let good = |host: &String| {
        let label = |c: char| c.is_ascii_alphanumeric() || "-._*:".contains(c);
        !host.is_empty() && host.len() <= 253 && host.chars().all(label)
    };
    match hosts.iter().find(|host| !good(host)) {
        Some(host) => {
            Err(PkiError::Asked(format!("--host {host:?} is neither a host name nor an address")))
        }
        None if hosts.is_empty() => Err(PkiError::Asked("--host: name at least one".into())),
        None => Ok(()),
    }
}

fn check_days(days: u32) -> Result<(), PkiError> {
    match (1..=DAYS_MAX).contains(&days) {
        true => Ok(()),
        false => Err(PkiError::Asked(format!("--days {days}: 1 to {DAYS_MAX}"))),
    }
}

/// 127 random bits: positive as RFC 5280 (4.1.2.2) wants it, and not to be guessed.
fn serial() -> Result<[u8; 16], PkiError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PkiError::Make(rcgen::Error::RingUnspecified))?;
    // Never a leading zero byte, which DER would leave away: the hexadecimal form stays one.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Ok(bytes)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// Seconds since 1970.
pub fn now() -> u64 {
    crate::time::now().0 / 1_000_000_000
}

fn date(seconds: u64) -> ::time::OffsetDateTime {
    rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
}
