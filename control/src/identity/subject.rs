//! [`Subject`]: what a proven certificate says about its holder.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::AttributeTypeAndValue;

use super::{Refusal, Role};

/// Person, roles and validity of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// CN.
    pub person: String,
    /// OUs that are roles, in order, each once.
    pub roles: Vec<Role>,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// First second of its validity, since 1970.
    pub from: u64,
    /// Last second of its validity, since 1970.
    pub until: u64,
}

/// Longest name (X.520: ub-common-name).
pub(crate) const NAME_MAX: usize = 64;

impl Subject {
    /// What `certificate`, encoded as `der`, says.
    ///
    /// # Errors
    /// It names no person, or no role.
    pub fn of(
        der: &CertificateDer<'_>,
        certificate: &X509Certificate<'_>,
    ) -> Result<Subject, Refusal> {
        let names: Vec<&str> = texts(certificate.subject().iter_common_name()).collect();
        let [name] = names[..] else { return Err(Refusal::Nobody) };
        if !is_name(name) {
            return Err(Refusal::Nobody);
        }
        let units: Vec<&str> = texts(certificate.subject().iter_organizational_unit()).collect();
        let mut roles: Vec<Role> = units.iter().flat_map(|unit| roles_of(unit)).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            let units = match units.is_empty() {
                true => "no OU".to_owned(),
                false => format!("OU {}", units.join(", ")),
            };
            return Err(Refusal::Roleless { person: name.to_owned(), units });
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        Ok(Subject {
            person: name.to_owned(),
            roles,
            serial: serial(certificate),
            fingerprint: hex(digest.as_ref()),
            from: seconds(certificate.validity().not_before.timestamp()),
            until: seconds(certificate.validity().not_after.timestamp()),
        })
    }
}

/// The roles of one OU: `risk`, or several as `risk/viewer`; any other unit has none.
pub(crate) fn roles_of(unit: &str) -> Vec<Role> {
    unit.split('/').map(str::parse).collect::<Result<_, _>>().unwrap_or_default()
}

/// Whether it can name a person: something to read, one line, no white space around it.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= NAME_MAX
        && name.trim() == name
        && !name.chars().any(char::is_control)
}

/// Serial number, lower-case hexadecimal.
pub(crate) fn serial(certificate: &X509Certificate<'_>) -> String {
    // DER puts a zero byte before a number whose first bit is set; it is no digit.
    let bytes = certificate.raw_serial();
    hex(bytes.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts<'a>(
    attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>,
) -> impl Iterator<Item = &'a str> {
    attributes.map(|attribute| attribute.as_str().unwrap_or(""))
}
