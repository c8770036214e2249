//! The odd-lot display: orders of less than a board lot, never part of the book.
//!
//! Model: room for a fixed number of orders per security, in no order. A touch is found by walking
//! them; nothing on the hot path asks for it. Orders that find no room are counted, and the
//! display of their security is not to be trusted until it is cleared.

use nofx_types::{InstrumentId, Price, Qty, Side, Touch};

#[derive(Clone, Copy, Debug, Default)]
struct Order {
    id: u64,
    price: i32,
    /// 0: the place is free.
    qty: u32,
    side: u8,
}

pub(super) struct OddLots {
    places: Box<[Order]>,
    each: usize,
    pub adds: u64,
    pub deletes: u64,
    /// Orders that found no room, and deletes of orders that are not there.
    pub lost: u64,
}

impl OddLots {
    pub fn new(each: u32, instruments: u32) -> OddLots {
        let each = each as usize;
        let places = vec![Order::default(); each * instruments as usize];
        OddLots { places: places.into_boxed_slice(), each, adds: 0, deletes: 0, lost: 0 }
    }

    pub fn add(&mut self, id: InstrumentId, side: Side, order: u64, price: i32, qty: u32) {
        self.adds += 1;
        let new = Order { id: order, price, qty, side: side as u8 };
        let Some(places) = self.places_mut(id) else { return };
        match places.iter_mut().find(|place| place.qty == 0) {
            Some(place) => *place = new,
            None => self.lost += 1,
        }
    }

    pub fn delete(&mut self, id: InstrumentId, side: Side, order: u64) {
        self.deletes += 1;
        let is =
            |place: &&mut Order| place.qty > 0 && place.id == order && place.side == side as u8;
        let Some(places) = self.places_mut(id) else { return };
        match places.iter_mut().find(is) {
            Some(place) => *place = Order::default(),
            None => self.lost += 1,
        }
    }

    /// Best prices, with the sum of what is there at each.
    pub fn touch(&self, id: InstrumentId) -> Touch {
        let mut touch = Touch::default();
        let start = id.index().saturating_mul(self.each);
        let places = self.places.get(start..start + self.each).unwrap_or(&[]);
        for order in places.iter().filter(|order| order.qty > 0) {
            let side = if order.side == 0 { Side::Buy } else { Side::Sell };
            let (price, qty) = (Price(i64::from(order.price) * 10), u64::from(order.qty));
            let (best_px, best_qty) = match side {
                Side::Buy => (&mut touch.bid_px, &mut touch.bid_qty),
                Side::Sell => (&mut touch.ask_px, &mut touch.ask_qty),
            };
            if best_qty.0 == 0 || side.better(price, *best_px) {
                (*best_px, *best_qty) = (price, Qty(qty));
            } else if *best_px == price {
                best_qty.0 += qty;
            }
        }
        touch
    }

    pub fn clear(&mut self) {
        self.places.fill(Order::default());
    }

    fn places_mut(&mut self, id: InstrumentId) -> Option<&mut [Order]> {
        let start = id.index().checked_mul(self.each).filter(|_| self.each > 0)?;
        self.places.get_mut(start..start + self.each)
    }

    pub fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.places) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touch_sums_what_is_at_the_best_price() {
        let id = InstrumentId(1);
        let mut lots = OddLots::new(4, 2);
        lots.add(id, Side::Buy, 1, 500, 7);
        lots.add(id, Side::Buy, 2, 510, 3);
        lots.add(id, Side::Buy, 3, 510, 4);
        lots.add(id, Side::Sell, 3, 520, 5);
        let touch = lots.touch(id);
        assert_eq!((touch.bid_px, touch.bid_qty), (Price(5_100), Qty(7)));
        assert_eq!((touch.ask_px, touch.ask_qty), (Price(5_200), Qty(5)));
        lots.add(id, Side::Sell, 9, 1, 1);
        assert_eq!(lots.lost, 1);
        lots.delete(id, Side::Buy, 2);
        lots.delete(id, Side::Buy, 3);
        assert_eq!(lots.touch(id).bid_px, Price(5_000));
        lots.delete(id, Side::Buy, 3);
        assert_eq!((lots.lost, lots.deletes), (2, 3));
        assert_eq!(lots.touch(InstrumentId(9)), Touch::default());
    }
}
