//! [`Gate`]: the TLS side of the server, and [`Peer`]: one connection through it.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;
use super::proof::ProofOfKey;
use super::subject::Subject;
use super::{Caller, IdentityError, Refusal};
use crate::config;

/// How often the revocation list is looked at when nobody asks anything.
const LOOK: Duration = Duration::from_millis(500);
/// Longest sleep towards an expiry: the wall clock may be set meanwhile.
const NAP: Duration = Duration::from_secs(30);

/// Certificate of the server, and the judge of its clients.
pub struct Gate {
    tls: Arc<ServerConfig>,
    authority: Arc<Authority>,
}

impl Gate {
    /// Reads what `[server]` names.
    ///
    /// # Errors
    /// A file cannot be read, does not hold what it should, or two do not belong together; the key
    /// is named.
    pub fn open(config: &config::ServerConfig) -> Result<Arc<Gate>, IdentityError> {
        let authority = Authority::open(&config.client_ca, config.crl.as_deref())?;
        let tls = server_config(&config.certificate, &config.key, &authority)?;
        Ok(Arc::new(Gate { tls: Arc::new(tls), authority: Arc::new(authority) }))
    }

    /// What turns TCP into TLS.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.tls.clone())
    }

    /// The other end of a connection whose handshake is done.
    pub fn peer(&self, connection: &ServerConnection, address: SocketAddr) -> Peer {
        let chain = connection.peer_certificates().unwrap_or(&[]);
        let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
        let (authority, last) = (self.authority.clone(), Mutex::new(None));
        Peer { inner: Arc::new(Inner { authority, chain, address, last }) }
    }

    /// When the revocation list wants to be replaced, seconds since 1970; `None`: it does not say.
    /// One that is past it is told in the log, once.
    pub fn crl_due(&self) -> Option<u64> {
        self.authority.crl_due(UnixTime::now())
    }

    /// Reads the revocation list again when its file changes; runs until the process ends.
    pub async fn watch(self: Arc<Gate>) {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tick.tick().await;
            self.authority.refresh();
        }
    }
}

fn server_config(
    certificate: &Path,
    key: &Path,
    authority: &Authority,
) -> Result<ServerConfig, IdentityError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| IdentityError::new("certificate", certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(IdentityError::new("certificate", certificate, "holds no certificate".into()));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| IdentityError::new("key", key, e.to_string()))?;
    let wrong = |e: rustls::Error| IdentityError::new("key", key, e.to_string());
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_client_cert_verifier(Arc::new(ProofOfKey::new(authority.names(), provider)))
        .with_single_cert(chain, private)
        .map_err(wrong)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// One connection: the certificate it brought, judged whenever asked, also after it was closed.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

struct Inner {
    authority: Arc<Authority>,
    chain: Box<[CertificateDer<'static>]>,
    address: SocketAddr,
    /// The last judgement, under which revocation list, by one subject.
    last: Mutex<Option<(u64, Subject)>>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("address", &self.inner.address).finish_non_exhaustive()
    }
}

impl Peer {
    /// Who is at the other end, as of now.
    ///
    /// # Errors
    /// The certificate lets nobody in, or not any more.
    pub fn caller(&self) -> Result<Caller, Refusal> {
        let subject = self.subject()?;
        Ok(Caller {
            person: subject.person,
            roles: subject.roles,
            serial: subject.serial,
            fingerprint: subject.fingerprint,
            peer: self.inner.address,
        })
    }

    /// Waits until the certificate lets nobody in any more, and says why.
    pub async fn ended(self) -> Refusal {
        let mut lists = self.inner.authority.generation();
        loop {
            lists.borrow_and_update();
            let left = match self.subject() {
                Err(refusal) => return refusal,
                Ok(subject) => subject.until.saturating_sub(UnixTime::now().as_secs()) + 1,
            };
            let nap = Duration::from_secs(left).min(NAP);
            tokio::select! {
                changed = lists.changed() => if changed.is_err() { return Refusal::Missing },
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    fn subject(&self) -> Result<Subject, Refusal> {
        let inner = &self.inner;
        let (generation, now) = (inner.authority.refresh(), UnixTime::now());
        let mut last = inner.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Signatures do not change: only the list and the time can.
        let same = last.as_ref().filter(|(under, subject)| {
            *under == generation && (subject.from..=subject.until).contains(&now.as_secs())
        });
        if let Some((_, subject)) = same {
            return Ok(subject.clone());
        }
        *last = None;
        let subject = inner.authority.judge(&inner.chain, now)?;
        *last = Some((generation, subject.clone()));
        Ok(subject)
    }
}
