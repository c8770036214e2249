//! What the tests of the mailbox share.
#![allow(dead_code)] // each test binary uses a part

use nofx_mailbox::{Engine, MailboxError, Spec};
use nofx_types::Nanos;

/// A specification with a little of everything.
pub fn spec() -> Spec {
    Spec {
        engine: "nofx test".into(),
        started: Nanos(1_000),
        tiles: vec!["trade".into(), "house".into()],
        links: vec!["port_trade".into()],
        counters: vec!["packets".into(), "orders".into()],
        histograms: vec!["tick_to_trade".into()],
        accounts: 3,
        instruments: 100,
        book_rows: 4,
        orders: 8,
        positions: 16,
        lines: 2,
        sessions: 1,
        journal_bytes: 1 << 18,
        first_number: 1,
    }
}

/// The error, as text.
pub fn refused<T>(result: Result<T, MailboxError>) -> String {
    result.err().expect("must be refused").to_string()
}

/// Makes an engine of [`spec`] there.
pub fn engine(path: &std::path::Path) -> Engine {
    Engine::create(path, &spec()).expect("a mailbox")
}
