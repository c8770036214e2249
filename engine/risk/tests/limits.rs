//! Limits and sizes that do not fit are refused by name; nothing is permitted until limits are written.

mod common;

use common::*;
use nofx_gate::Rule;
use nofx_risk::card::{AccountLimits, AccountRegs, CardSize, CardState, SymbolLimits, SymbolRegs};
use nofx_types::Side::Buy;

#[test]
fn limits_that_do_not_fit_are_named() {
    for (limits, key) in [
        (SymbolLimits { lot: 0, ..WIDE_SYMBOL }, "lot"),
        (SymbolLimits { long_max: 1 << 47, ..WIDE_SYMBOL }, "long_max"),
        (SymbolLimits { short_max: u64::MAX, ..WIDE_SYMBOL }, "short_max"),
    ] {
        let error = SymbolRegs::new(&limits).expect_err(key);
        assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
    }
    for (limits, key) in [
        (AccountLimits { gross_max: 1 << 62, ..WIDE_ACCOUNT }, "gross_max"),
        (AccountLimits { net_max: 1 << 62, ..WIDE_ACCOUNT }, "net_max"),
        (AccountLimits { rate_per_s: 0, ..WIDE_ACCOUNT }, "rate_per_s"),
        (AccountLimits { rate_per_s: 1_000_000_001, ..WIDE_ACCOUNT }, "rate_per_s"),
        (AccountLimits { rate_burst: 0, ..WIDE_ACCOUNT }, "rate_burst"),
        (AccountLimits { rate_burst: (1 << 20) + 1, ..WIDE_ACCOUNT }, "rate_burst"),
    ] {
        let error = AccountRegs::new(&limits).expect_err(key);
        assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn table_that_would_be_empty_or_too_large_is_refused() {
    let size =
        |accounts, symbols| CardSize { accounts, symbols, holdings_max: 100, day_start_ns: 0 };
    assert!(CardState::new(size(4, 25)).is_ok());
    for (accounts, symbols) in [(4, 26), (0, 5), (5, 0), (u16::MAX, u32::MAX)] {
        let error = CardState::new(size(accounts, symbols)).expect_err("too large or empty");
        let text = error.to_string();
        assert!(text.contains("`holdings_max` = 100"), "{text}");
    }
}

#[test]
fn card_begins_closed() {
    let size = CardSize { accounts: 1, symbols: 1, holdings_max: 1, day_start_ns: 0 };
    let mut card = CardState::new(size).unwrap();
    let rejects = ask(&mut card, &order(Buy, 1, 1));
    assert!(rejects.has(Rule::Permission) && rejects.has(Rule::OpenOrders), "{rejects:?}");
}
