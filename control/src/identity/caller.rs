//! [`Caller`]: who makes a request, as the certificate says.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do, as the organisational units (OU) of the certificate say; several may hold.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks, and may engage the kill switch.
    Viewer,
    /// Sets parameters of strategies, swaps models, halts.
    Trader,
    /// Sets limits, resumes, reads the audit log.
    Risk,
    /// Applies configurations, reads the audit log.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Trader, Role::Risk, Role::Admin];

    /// The name in certificates, policies and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Trader => "trader",
            Role::Risk => "risk",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: viewer, trader, risk or admin")]
pub struct NoSuchRole(String);

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(name: &str) -> Result<Role, NoSuchRole> {
        let found = Role::ALL.into_iter().find(|role| role.name() == name);
        found.ok_or_else(|| NoSuchRole(name.to_owned()))
    }
}

/// Who makes a request: read from a certificate that was proven for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person: CN of the certificate.
    pub person: String,
    /// The roles: OUs of the certificate; at least one, in order, each once.
    pub roles: Vec<Role>,
    /// Serial number of the certificate, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// Where the connection comes from.
    pub peer: SocketAddr,
}

impl Caller {
    /// Whether both certificates name one person. Names are compared as RFC 5280 (section 7.1)
    /// compares them: without regard to case and to the amount of white space.
    pub fn is_same_person(&self, person: &str) -> bool {
        folded(&self.person) == folded(person)
    }

    /// The roles as text: `risk,admin`.
    pub fn roles_text(&self) -> String {
        self.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",")
    }
}

fn folded(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_one_person_however_written() {
        let caller = |person: &str| Caller {
            person: person.to_owned(),
            roles: vec![Role::Risk],
            serial: String::new(),
            fingerprint: String::new(),
            peer: ([127, 0, 0, 1], 1).into(),
        };
        assert!(caller("Alice  Smith").is_same_person(" alice smith"));
        assert!(!caller("alice").is_same_person("alicia"));
    }

    #[test]
    fn roles_have_names() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
