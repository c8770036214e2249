//! Queue position where the feed shows price levels and no orders (DEEP, TOPS).
//!
//! An own order that joins a level has the level's quantity ahead of it. What then happens at that
//! price is seen in two ways only: trades, which take from the front, and new totals of the level.
//! A total that fell by more than what traded means that somebody cancelled, ahead of us or behind;
//! nobody can know. [`QueueModel`] chooses what to assume:
//!
//! | model | a cancel of `d` at a level with `ahead` before us and `behind` after us | also known as |
//! |---|---|---|
//! | conservative | is behind us, as far as there is anything behind | hftbacktest `RiskAdverseQueueModel` |
//! | proportional | takes `d * ahead / (ahead + behind)` from before us, rounded down | hftbacktest `ProbQueueModel` with `PowerProbQueueFunc(1)` |
//! | probabilistic | is behind us with probability `behind^n / (ahead^n + behind^n)`, else ahead | hftbacktest `ProbQueueModel` with `PowerProbQueueFunc(n)` |
//!
//! The formula is that of nkaz001/hftbacktest `src/backtest/models/queue.rs`, which follows
//! quant.stackexchange.com question 3782; that code moves by the expected share in floating point,
//! this one draws whole cancels in integers with a seed, so the mean agrees and the spread is real.
//! As there, what traded is taken off a falling total before the rest counts as cancelled (DEEP
//! sends the trades of an event before its level updates, without exception in the sample), and
//! what is ahead never exceeds the level's total. A rising total joins behind us.

use serde::Deserialize;

use nofx_rt::rng::Rng;

/// What to assume of cancels at our level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Keys")]
pub enum QueueModel {
    /// Cancels are behind us: only trades move us forward. Fills come late rather than early.
    #[default]
    Conservative,
    /// Cancels are spread evenly over the level.
    Proportional,
    /// A cancel is behind us with probability `behind^n / (ahead^n + behind^n)`.
    Probabilistic {
        /// Exponent, 1 to 4: larger means that cancels come more surely from the longer part.
        n: u32,
    },
}

/// The model as it is written: a tagged enum would let unknown keys of a plain variant pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    kind: String,
    n: Option<u32>,
}

impl TryFrom<Keys> for QueueModel {
    type Error = String;

    fn try_from(keys: Keys) -> Result<QueueModel, String> {
        match (keys.kind.as_str(), keys.n) {
            ("conservative", None) => Ok(QueueModel::Conservative),
            ("proportional", None) => Ok(QueueModel::Proportional),
            ("probabilistic", Some(n)) => Ok(QueueModel::Probabilistic { n }),
            ("probabilistic", None) => Err("kind probabilistic wants the exponent n".into()),
            ("conservative" | "proportional", Some(_)) => {
                Err(format!("kind {} has no exponent n", keys.kind))
            }
            (other, _) => {
                Err(format!("kind {other:?}: want conservative, proportional or probabilistic"))
            }
        }
    }
}

/// Largest exponent of [`QueueModel::Probabilistic`].
pub const EXPONENT_MAX: u32 = 4;

/// Place of an own order in a level of which only the total is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelPlace {
    /// Quantity that is assumed to rest before us.
    pub ahead: u64,
    /// The level's total when it was last seen.
    total: u64,
    /// What traded at this price since then.
    traded: u64,
}

impl LevelPlace {
    /// Joins at the back of a level that shows `total`.
    pub const fn back_of(total: u64) -> LevelPlace {
        LevelPlace { ahead: total, total, traded: 0 }
    }

    /// `qty` traded at our price; what exceeds the quantity ahead of us reached us.
    #[inline]
    pub fn on_trade(&mut self, qty: u64) -> u64 {
        let before = self.ahead;
        self.ahead = before.saturating_sub(qty);
        self.traded = self.traded.saturating_add(qty);
        qty.saturating_sub(before)
    }

    /// The level now shows `total`.
    #[inline]
    pub fn on_total(&mut self, total: u64, model: QueueModel, rng: &mut Rng) {
        let fell = self.total.saturating_sub(total);
        let cancelled = fell.saturating_sub(self.traded);
        // Before the cancel, so that both parts are those that the cancelled order stood in.
        let before = self.total.saturating_sub(self.traded.min(fell));
        let behind = before.saturating_sub(self.ahead);
        self.ahead =
            self.ahead.saturating_sub(ahead_share(cancelled, self.ahead, behind, model, rng));
        self.ahead = self.ahead.min(total);
        (self.total, self.traded) = (total, 0);
    }
}

/// How much of `cancelled` is taken from before us.
fn ahead_share(cancelled: u64, ahead: u64, behind: u64, model: QueueModel, rng: &mut Rng) -> u64 {
    if cancelled == 0 || ahead == 0 {
        return 0;
    }
    match model {
        QueueModel::Conservative => cancelled.saturating_sub(behind),
        QueueModel::Proportional => {
            let all = u128::from(ahead) + u128::from(behind);
            (u128::from(cancelled) * u128::from(ahead) / all) as u64
        }
        QueueModel::Probabilistic { n } => {
            let (front, back) = powers(ahead, behind, n);
            if rng.chance(back, front + back) {
                cancelled.saturating_sub(behind) // the part behind cannot lose more than it has
            } else {
                cancelled.min(ahead)
            }
        }
    }
}

/// `ahead^n` and `behind^n`, both scaled down alike until their sum fits 64 bits.
fn powers(ahead: u64, behind: u64, n: u32) -> (u64, u64) {
    let n = n.clamp(1, EXPONENT_MAX);
    // Each base keeps 63 / n bits: n = 4 keeps 15, a part in 32,768, finer than any level is known.
    let bits = 64 - (ahead | behind).leading_zeros();
    let drop = bits.saturating_sub(62 / n);
    ((ahead >> drop).pow(n), (behind >> drop).pow(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(model: QueueModel, ahead: u64, total: u64, events: &[(char, u64)]) -> (u64, u64) {
        let (mut place, mut rng, mut reached) = (LevelPlace::back_of(ahead), Rng::new(1), 0);
        place.on_total(total, model, &mut rng);
        for (kind, qty) in events {
            match kind {
                't' => reached += place.on_trade(*qty),
                _ => place.on_total(*qty, model, &mut rng),
            }
        }
        (place.ahead, reached)
    }

    #[test]
    fn each_model_on_the_same_script() {
        use QueueModel::{Conservative, Proportional};
        for (model, ahead, total, events, want) in [
            // Joined behind 300; 100 more joined behind us.
            (Conservative, 300, 400, &[('l', 320)][..], (300, 0)),
            (Conservative, 300, 400, &[('l', 250)], (250, 0)), // 50 must have been ahead
            (Conservative, 300, 400, &[('t', 100), ('l', 300)], (200, 0)), // the fall is the trade
            (Conservative, 300, 400, &[('t', 100), ('l', 280)], (200, 0)),
            (Conservative, 300, 400, &[('t', 350)], (0, 50)),
            (Conservative, 300, 400, &[('l', 900), ('l', 400)], (300, 0)), // came and went behind
            (Conservative, 300, 400, &[('l', 0), ('t', 10)], (0, 10)),
            (Proportional, 300, 400, &[('l', 320)], (240, 0)), // 80 * 300 / 400
            (Proportional, 300, 400, &[('t', 100), ('l', 210)], (140, 0)), // 90 * 200 / 300
            (Proportional, 300, 400, &[('l', 399)], (300, 0)), // 1 * 3/4 rounds down
        ] {
            assert_eq!(after(model, ahead, total, events), want, "{model:?} {events:?}");
        }
    }

    #[test]
    fn probabilistic_draws_have_the_stated_mean() {
        // 300 ahead, 100 behind, n = 2: behind with probability 1/10.
        let mut rng = Rng::new(11);
        let model = QueueModel::Probabilistic { n: 2 };
        let moved: u64 = (0..20_000).map(|_| ahead_share(10, 300, 100, model, &mut rng)).sum();
        assert!((177_000..183_000).contains(&moved), "{moved} of 180000 expected");
        assert_eq!(ahead_share(10, 300, 0, model, &mut rng), 10, "nothing behind: it was ahead");
    }

    #[test]
    fn powers_of_the_largest_levels_do_not_overflow() {
        for n in 1..=EXPONENT_MAX {
            let (front, back) = powers(u64::MAX, u64::MAX, n);
            assert!(front == back && front.checked_add(back).is_some(), "n {n}");
        }
        assert_eq!(powers(3, 1, 4), (81, 1));
    }

    #[test]
    fn whatever_happens_ahead_stays_within_the_level() {
        for n in 0..=3 {
            let model = match n {
                0 => QueueModel::Proportional,
                n => QueueModel::Probabilistic { n },
            };
            let (mut place, mut rng, mut last) =
                (LevelPlace::back_of(500), Rng::new(n.into()), 500);
            for _ in 0..10_000 {
                if rng.chance(1, 3) {
                    place.on_trade(rng.below(50));
                } else {
                    let total = rng.below(1_000);
                    place.on_total(total, model, &mut rng);
                    assert!(place.ahead <= total.min(last), "never back, never beyond the level");
                }
                last = place.ahead;
                if last == 0 {
                    place = LevelPlace::back_of(700);
                    last = 700;
                }
            }
        }
    }
}
