//! [`ProofOfKey`]: what the handshake demands of a client.
//!
//! The handshake lets everybody through and only makes whoever presents a certificate prove that
//! they hold its key (RFC 8446 section 4.4.3). Whether the certificate is good is decided for each
//! request, where an answer can say what is wrong with it and what to do: an alert of TLS shows as
//! "handshake failure" in a browser, and a certificate that was revoked an hour ago would still hold
//! the connection it opened before.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Asks for a certificate, and for proof of its key.
pub struct ProofOfKey {
    /// Authorities whose certificates a browser should offer.
    authorities: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ProofOfKey {
    /// Names `authorities` to clients.
    pub fn new(authorities: Vec<DistinguishedName>, provider: Arc<CryptoProvider>) -> ProofOfKey {
        ProofOfKey { authorities, provider }
    }
}

impl fmt::Debug for ProofOfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofOfKey").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for ProofOfKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
