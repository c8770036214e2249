//! [`Refusal`]: why a certificate does not let its holder in.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// Why there is no caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The connection brought none.
    #[error("this connection brought no client certificate")]
    Missing,
    /// Signed by another authority, or not properly signed at all.
    #[error(
        "the certificate was not issued by an authority that this server knows (server.client_ca)"
    )]
    Foreign,
    /// Its time is over.
    #[error("the certificate expired at {0}")]
    Expired(String),
    /// Its time has not begun.
    #[error("the certificate is valid only from {0}")]
    NotYetValid(String),
    /// It stands in the revocation list.
    #[error("certificate {serial} was revoked")]
    Revoked {
        /// Serial number, hexadecimal.
        serial: String,
    },
    /// A certificate of a server or an authority, say.
    #[error("the certificate is not one for clients: {0}")]
    Unsuitable(String),
    /// It names no person, or more than one.
    #[error("the certificate names no person: its subject needs exactly one CN")]
    Nobody,
    /// It names a person without a role.
    #[error("the certificate of {person} names no role: its subject has {units}")]
    Roleless {
        /// The person.
        person: String,
        /// What stands in place of roles.
        units: String,
    },
}

impl Refusal {
    /// Its name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::Missing => "certificate_missing",
            Refusal::Foreign => "certificate_foreign",
            Refusal::Expired(_) => "certificate_expired",
            Refusal::NotYetValid(_) => "certificate_not_yet_valid",
            Refusal::Revoked { .. } => "certificate_revoked",
            Refusal::Unsuitable(_) => "certificate_unsuitable",
            Refusal::Nobody => "certificate_names_nobody",
            Refusal::Roleless { .. } => "certificate_roleless",
        }
    }

    /// What to do about it.
    pub const fn todo(&self) -> &'static str {
        match self {
            Refusal::Missing => {
                "present a certificate: curl --cert NAME.crt --key NAME.key, or import NAME.p12 \
                 into the browser; `nofx-control pki issue` makes both"
            }
            Refusal::Foreign => {
                "present the certificate that was issued for this server, or have one issued: \
                 `nofx-control pki issue`"
            }
            Refusal::Expired(_) => "have a new one issued: `nofx-control pki issue`",
            Refusal::NotYetValid(_) => "wait, or set the clocks of both machines right",
            Refusal::Revoked { .. } => {
                "ask whoever revoked it; if you may still act, have a new one issued: \
                 `nofx-control pki issue`"
            }
            Refusal::Unsuitable(_) => {
                "present a certificate with extended key usage clientAuth: `nofx-control pki issue`"
            }
            Refusal::Nobody => {
                "have one issued with a name: `nofx-control pki issue --person NAME`"
            }
            Refusal::Roleless { .. } => {
                "have one issued with a role: `nofx-control pki issue --person NAME --role \
                 viewer|trader|risk|admin`"
            }
        }
    }

    /// 401: who are you; 403: we know, and it is not enough.
    pub const fn status(&self) -> StatusCode {
        match self {
            Refusal::Roleless { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let title = match refusal.status() {
            StatusCode::FORBIDDEN => "The certificate has no role",
            _ => "A valid client certificate is needed",
        };
        Problem::new(refusal.status(), refusal.code(), title, refusal.to_string())
            .todo(refusal.todo())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
