//! The rate rule against the textbook token bucket, which it must equal on any rising clock.

mod common;

use common::{Rng, WIDE_ACCOUNT, WIDE_SYMBOL, ask, at, card, order};
use nofx_gate::{Rejects, Rule};
use nofx_risk::card::AccountLimits;
use nofx_types::{ClOrdId, InstrumentId, OrderIntent, Side};

/// Tokens counted in nanoseconds of refill, so that nothing is rounded. Cancels take a token
/// whether there is one or not: the bucket may go below zero.
struct Bucket {
    interval: i128,
    capacity: i128,
    level: i128,
    last: i128,
}

impl Bucket {
    fn refill(&mut self, now: i128) {
        self.level = (self.level + now - self.last).min(self.capacity);
        self.last = now;
    }
}

#[test]
fn gcra_equals_a_token_bucket() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut rng = Rng(seed);
        let limits = AccountLimits {
            rate_per_s: rng.pick(&[1, 7, 300, 10_000, 999_999_999]),
            rate_burst: rng.pick(&[1, 2, 3, 50]),
            ..WIDE_ACCOUNT
        };
        let mut card = card(WIDE_SYMBOL, limits);
        let interval =
            (1_000_000_000 + i128::from(limits.rate_per_s) - 1) / i128::from(limits.rate_per_s);
        let capacity = interval * i128::from(limits.rate_burst);
        let mut now = 1_700_000_000_000_000_000u64;
        let mut bucket = Bucket { interval, capacity, level: capacity, last: now.into() };
        let (mut passed, mut refused) = (0, 0);
        for _ in 0..3_000 {
            now += match rng.below(4) {
                0 => 0,
                1 => rng.below(interval as u64 * 2),
                2 => interval as u64,
                _ => rng.below(interval as u64 / 2 + 1),
            };
            bucket.refill(now.into());
            if rng.one_in(5) {
                let cancel = OrderIntent::cancel(InstrumentId(0), ClOrdId(1), Side::Buy);
                assert_eq!(ask(&mut card, &at(cancel, now)), Rejects::NONE);
                bucket.level -= bucket.interval;
                continue;
            }
            let allowed = bucket.level >= bucket.interval;
            let answer = ask(&mut card, &at(order(Side::Buy, 1, 1), now));
            assert_eq!(answer, Rejects::NONE.with(Rule::Rate, !allowed), "at {now}");
            bucket.level -= if allowed { bucket.interval } else { 0 };
            passed += u32::from(allowed);
            refused += u32::from(!allowed);
        }
        assert!(passed > 100 && refused > 100, "{limits:?}: {passed} passed, {refused} refused");
    }
}

#[test]
fn rate_is_never_above_the_one_asked_for() {
    // 3 a second: the interval is rounded up to 333,333,334 ns, so ten seconds hold 30 at most.
    let mut card =
        card(WIDE_SYMBOL, AccountLimits { rate_per_s: 3, rate_burst: 1, ..WIDE_ACCOUNT });
    let start = 1_700_000_000_000_000_000u64;
    let tries = (0..10_000u64).map(|ms| at(order(Side::Buy, 1, 1), start + ms * 1_000_000));
    assert_eq!(tries.filter(|intent| ask(&mut card, intent).is_pass()).count(), 30);
}
