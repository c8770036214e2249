//! Who calls: mutual TLS, certificates, and what a certificate says about its holder.

mod caller;

pub use caller::{Caller, NoSuchRole, Role};
