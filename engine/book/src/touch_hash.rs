//! One number for the touches of all books, so that two builders of books can be compared.

use nofx_types::{InstrumentId, Touch};

/// Hash over the touches of all instruments.
///
/// Instruments with two empty sides do not count, so tables of different size agree; each touch is
/// mixed alone and the results are added, so the order of instruments does not matter.
pub fn touch_hash(touches: impl Iterator<Item = (InstrumentId, Touch)>) -> u64 {
    touches
        .filter(|(_, touch)| touch.bid_qty.0 > 0 || touch.ask_qty.0 > 0)
        .fold(0, |sum: u64, (id, touch)| sum.wrapping_add(hash_one(id, &touch)))
}

fn hash_one(id: InstrumentId, touch: &Touch) -> u64 {
    [touch.bid_px.0 as u64, touch.bid_qty.0, touch.ask_px.0 as u64, touch.ask_qty.0]
        .into_iter()
        .fold(mix(u64::from(id.0) + 1), |hash, word| mix(hash ^ word))
}

/// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use nofx_types::{Price, Qty};

    use super::*;

    fn touch(bid: i64, ask: i64) -> Touch {
        Touch { bid_px: Price(bid), bid_qty: Qty(5), ask_px: Price(ask), ask_qty: Qty(6) }
    }

    #[test]
    fn order_of_instruments_and_empty_books_do_not_matter_all_else_does() {
        let (a, b) = ((InstrumentId(1), touch(10, 12)), (InstrumentId(2), touch(20, 21)));
        let empty = (InstrumentId(3), Touch::default());
        let hash = touch_hash([a, b].into_iter());
        assert_eq!(hash, touch_hash([b, empty, a].into_iter()));
        assert_ne!(hash, touch_hash([(a.0, b.1), (b.0, a.1)].into_iter()));
        assert_ne!(hash, touch_hash([a, (b.0, touch(20, 22))].into_iter()));
        assert_ne!(touch_hash([(a.0, touch(10, 12))].into_iter()), 0);
    }
}
