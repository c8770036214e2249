//! [`Authority`]: judges client certificates by CA, revocation list, time and subject.
//!
//! The chain is judged by webpki through rustls' own verifier; what is read here is only the subject.
//! The revocation list is read again when its file changes: looked at before every judgement (one
//! `stat`) and twice a second for streams that ask nothing any more.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, DistinguishedName, Error, RootCertStore};
use tokio::sync::watch;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::subject::Subject;
use super::{IdentityError, Refusal};

/// Who may issue certificates, and which of them were taken back.
pub struct Authority {
    roots: Arc<RootCertStore>,
    issuers: Vec<CertificateDer<'static>>,
    crl: Option<PathBuf>,
    state: Mutex<State>,
    /// Counts changes of the revocation list.
    generation: watch::Sender<u64>,
}

struct State {
    judge: Judge,
    stamp: Option<Stamp>,
    /// Whether it was said that a list should have been replaced.
    said: bool,
}

/// What the files came to.
struct Judge {
    verifier: Arc<dyn ClientCertVerifier>,
    /// When the first of the lists wants to be replaced, seconds since 1970; `None`: no list says.
    due: Option<u64>,
}

/// Which content a file has: changes with every way of writing it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64, i64, i64);

impl Authority {
    /// Reads the authorities and the revocation list.
    ///
    /// # Errors
    /// A file cannot be read, holds no certificate, or the list was signed by somebody else.
    pub fn open(client_ca: &Path, crl: Option<&Path>) -> Result<Authority, IdentityError> {
        let wrong = |what: String| IdentityError::new("client_ca", client_ca, what);
        let issuers: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(client_ca)
            .and_then(Iterator::collect)
            .map_err(|e| wrong(e.to_string()))?;
        let mut roots = RootCertStore::empty();
        for issuer in &issuers {
            roots.add(issuer.clone()).map_err(|e| wrong(e.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("holds no certificate".into()));
        }
        let roots = Arc::new(roots);
        let stamp = crl.and_then(|crl| stamp(crl).ok());
        let judge = judge(&roots, &issuers, crl)?;
        let state = Mutex::new(State { judge, stamp, said: false });
        let (generation, _) = watch::channel(1);
        Ok(Authority { roots, issuers, crl: crl.map(Path::to_owned), state, generation })
    }

    /// The judgement of a chain, end entity first, at this time.
    ///
    /// # Errors
    /// It lets nobody in.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Subject, Refusal> {
        let (first, rest) = chain.split_first().ok_or(Refusal::Missing)?;
        let (_, certificate) = X509Certificate::from_der(first)
            .map_err(|_| Refusal::Unsuitable("it cannot be read".into()))?;
        let verdict = self.state().judge.verifier.clone().verify_client_cert(first, rest, now);
        verdict.map_err(|error| refusal(&error, &certificate))?;
        Subject::of(first, &certificate)
    }

    /// Reads the revocation list again if its file changed; says which list is in force.
    pub fn refresh(&self) -> u64 {
        let Some(crl) = &self.crl else { return *self.generation.borrow() };
        let mut state = self.state();
        // A file that is gone for a moment, or for good: what was revoked stays revoked.
        let Ok(found) = stamp(crl) else { return *self.generation.borrow() };
        if state.stamp != Some(found) {
            state.stamp = Some(found);
            match judge(&self.roots, &self.issuers, Some(crl)) {
                Ok(judge) => {
                    (state.judge, state.said) = (judge, false);
                    self.generation.send_modify(|generation| *generation += 1);
                    tracing::info!(file = %crl.display(), "revocation list read again");
                }
                Err(error) => tracing::error!(%error, "the revocation list before stays in force"),
            }
        }
        *self.generation.borrow()
    }

    /// When the first list in force wants to be replaced, seconds since 1970; `None`: no list says. A
    /// list that is past it stays in force, which is said once.
    pub fn crl_due(&self, now: UnixTime) -> Option<u64> {
        let mut state = self.state();
        let due = state.judge.due;
        if !state.said && due.is_some_and(|due| due <= now.as_secs()) {
            state.said = true;
            let file = self.crl.as_deref().unwrap_or(Path::new(""));
            tracing::error!(file = %file.display(), "the revocation list is past its next update: \
                it stays in force, and who was revoked since is let in: make a new one");
        }
        due
    }

    /// The authorities' names, for clients to choose a certificate by.
    pub fn names(&self) -> Vec<DistinguishedName> {
        self.roots.subjects()
    }

    /// Changes when another revocation list is in force.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(file: &Path) -> io::Result<Stamp> {
    let of = fs::metadata(file)?;
    Ok(Stamp(of.ino(), of.len(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()))
}

fn judge(
    roots: &Arc<RootCertStore>,
    issuers: &[CertificateDer<'_>],
    crl: Option<&Path>,
) -> Result<Judge, IdentityError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider);
    let file = crl.unwrap_or(Path::new(""));
    let wrong = |what: String| IdentityError::new("crl", file, what);
    let mut due = None;
    if let Some(crl) = crl {
        let lists: Vec<CertificateRevocationListDer<'static>> =
            CertificateRevocationListDer::pem_file_iter(crl)
                .and_then(Iterator::collect)
                .map_err(|e| wrong(e.to_string()))?;
        if lists.is_empty() {
            return Err(wrong("holds no revocation list".into()));
        }
        for list in &lists {
            let next = signed(list, issuers).map_err(wrong)?;
            due = due.into_iter().chain(next).min();
        }
        // An authority without a list revoked nothing; only the holder's certificate is looked up.
        builder = builder
            .with_crls(lists)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    let verifier = builder.build().map_err(|e| wrong(e.to_string()))?;
    Ok(Judge { verifier, due })
}

/// When the list wants to be replaced. One that nobody known signed would revoke nothing: it is
/// refused when it is read.
fn signed(
    list: &CertificateRevocationListDer<'_>,
    issuers: &[CertificateDer<'_>],
) -> Result<Option<u64>, String> {
    let (_, list) = CertificateRevocationList::from_der(list).map_err(|e| e.to_string())?;
    let by = |issuer: &CertificateDer<'_>| {
        X509Certificate::from_der(issuer).is_ok_and(|(_, issuer)| {
            issuer.subject() == list.issuer() && list.verify_signature(issuer.public_key()).is_ok()
        })
    };
    match issuers.iter().any(by) {
        true => Ok(list.next_update().map(|at| u64::try_from(at.timestamp()).unwrap_or(0))),
        false => {
            Err(format!("was not signed by an authority of server.client_ca: {}", list.issuer()))
        }
    }
}

fn refusal(error: &Error, certificate: &X509Certificate<'_>) -> Refusal {
    let Error::InvalidCertificate(error) = error else {
        return Refusal::Unsuitable(error.to_string());
    };
    let validity = certificate.validity();
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Refusal::Expired(validity.not_after.to_string())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Refusal::NotYetValid(validity.not_before.to_string())
        }
        CertificateError::Revoked => {
            Refusal::Revoked { serial: super::subject::serial(certificate) }
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::Foreign,
        other => Refusal::Unsuitable(other.to_string()),
    }
}
