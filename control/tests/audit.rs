//! The audit log against what others define: RFC 9162, RFC 8785, C2SP, `openssl`; and against crashes,
//! full disks and people who change its file.

#[path = "audit/crash.rs"]
mod crash;
#[path = "audit/desk.rs"]
mod desk;
#[path = "audit/merkle.rs"]
mod merkle;
#[path = "audit/note.rs"]
mod note;
#[path = "audit/place.rs"]
mod place;
#[path = "audit/syslog.rs"]
mod syslog;
#[path = "audit/tamper.rs"]
mod tamper;
