//! What the tests of the mailbox share.
#![allow(dead_code)] // each test binary uses a part

use nofx_mailbox::param::{kind, table};
use nofx_mailbox::{Engine, MailboxError, ParamSpec, Spec};
use nofx_types::Nanos;

/// What models of [`spec`] are made for.
pub const MODEL: u64 = 0x4D0D_E100;

/// Parameters of [`spec`].
pub fn schema() -> Vec<ParamSpec> {
    let one =
        |table, key, name| ParamSpec::new(table, key, kind::INT, [name, "shares", "a test's"]);
    vec![
        one(table::ACCOUNT, 1, "max_order_qty").within(0, 1_000_000, 500),
        one(table::SYMBOL, 1, "max_position").within(0, 1_000_000, 900),
    ]
}

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
        schema: schema(),
        param_rows: 40,
        model_words: 64,
        model_schema: MODEL,
        model_kind: 1,
        commands: 4,
        events: 8,
        in_force: 12,
        first_number: 1,
        ..Spec::default()
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
