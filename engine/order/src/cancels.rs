//! Ids of cancels, where a protocol wants one for each: they fall from the highest there is, orders'
//! ids rise from 1, and the two never meet.
//!
//! A cancel uses the next id whatever becomes of it, so a restart that takes the record up counts
//! them anew and goes on below. A ring remembers whom the last ones were for: some refusals name the
//! cancel alone.

/// Ids from here on are cancels'.
const FIRST: u32 = 1 << 31;

#[derive(Clone, Debug, Default)]
pub(crate) struct Cancels {
    used: u32,
    /// Orders by the number of their cancel; empty where cancels have no ids.
    orders: Box<[u32]>,
}

impl Cancels {
    /// Remembers the last `most` cancels, a power of two; 0 where cancels have no ids.
    pub fn new(most: u32) -> Cancels {
        Cancels { used: 0, orders: vec![0; most as usize].into_boxed_slice() }
    }

    /// The highest id that an order may have.
    pub const ORDERS_MAX: u32 = FIRST - 1;

    #[inline]
    pub fn is_cancel(id: u32) -> bool {
        id >= FIRST
    }

    /// The id of a cancel of `order`; 0 where cancels have none, or none is left.
    #[inline]
    pub fn next(&mut self, order: u32) -> u32 {
        let at = self.used as usize & self.orders.len().wrapping_sub(1);
        let Some(place) = self.orders.get_mut(at).filter(|_| self.used < FIRST) else { return 0 };
        *place = order;
        let id = u32::MAX - self.used;
        self.used += 1;
        id
    }

    /// The order that a cancel was for, unless it is forgotten.
    pub fn order_of(&self, id: u32) -> Option<u32> {
        let number = u32::MAX - id;
        let known = number < self.used && self.used - number <= self.orders.len() as u32;
        let at = number as usize & self.orders.len().wrapping_sub(1);
        self.orders.get(at).copied().filter(|_| known)
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.orders) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fall_and_the_last_ones_are_known() {
        let mut cancels = Cancels::new(4);
        let ids: Vec<u32> = (1..=6).map(|order| cancels.next(order)).collect();
        assert_eq!(ids[0], u32::MAX);
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1] + 1));
        let known: Vec<_> = ids.iter().map(|id| cancels.order_of(*id)).collect();
        assert_eq!(known, [None, None, Some(3), Some(4), Some(5), Some(6)]);
        assert_eq!(cancels.order_of(ids[5] - 1), None, "not used yet");
        assert!(Cancels::is_cancel(ids[5]) && !Cancels::is_cancel(Cancels::ORDERS_MAX));
        assert_eq!(Cancels::new(0).next(1), 0);
    }
}
