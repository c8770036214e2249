//! [`Slots`]: how many connections there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at a time, in all and by address.
pub(super) struct Slots {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
    max_per_peer: usize,
}

/// The right to one connection; gives it back when dropped.
pub(super) struct Slot {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    peer: IpAddr,
}

impl Slots {
    pub(super) fn new(max: usize, max_per_peer: usize) -> Slots {
        Slots { held: Arc::default(), max, max_per_peer }
    }

    /// A slot for a connection of this address; `None`: there are too many.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Slot> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().sum::<usize>() >= self.max {
            return None;
        }
        let of_peer = held.entry(peer).or_default();
        if *of_peer >= self.max_per_peer {
            return None;
        }
        *of_peer += 1;
        Some(Slot { held: self.held.clone(), peer })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_peer) = held.get_mut(&self.peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                held.remove(&self.peer); // memory is bounded by connections, not by addresses seen
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_bounded_in_all_and_by_address_and_come_back() {
        let slots = Slots::new(3, 2);
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let (one, two) = (slots.take(a).expect("free"), slots.take(a).expect("free"));
        assert!(slots.take(a).is_none(), "two of one address");
        let other = slots.take(b).expect("free");
        assert!(slots.take(b).is_none(), "three in all");
        drop(one);
        let again = slots.take(b).expect("given back");
        drop((two, other, again));
        assert!(slots.held.lock().expect("whole").is_empty());
    }
}
