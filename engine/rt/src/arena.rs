//! A start-up arena: one mapping, cut into slices that live as long as it does.
//!
//! Its size is a [`Budget`]: who is not in it gets nothing, and nobody gets more than is written
//! there. Slices start on cache lines and are never given back one by one.

use std::cell::RefCell;
use std::fmt;
use std::io;

use bytemuck::Zeroable;

use crate::budget::Budget;
use crate::mem::{Mapping, Pages};

const LINE: usize = 64;

/// The arena.
pub struct Arena {
    map: Mapping,
    holders: RefCell<Vec<Holder>>,
}

struct Holder {
    name: String,
    at: usize,
    end: usize,
}

/// A holder asked for what the budget does not give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// Who.
    pub holder: String,
    /// Bytes asked for, whole cache lines.
    pub asked: usize,
    /// Bytes left to it; `None` when it is not in the budget.
    pub left: Option<usize>,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OverBudget { holder, asked, left } = self;
        match left {
            None => write!(f, "{holder} asks for {asked} bytes and is not in the budget"),
            Some(left) => write!(f, "{holder} asks for {asked} bytes and has {left} left"),
        }
    }
}

impl std::error::Error for OverBudget {}

impl Arena {
    /// Maps and touches the sum of `budget` (bytes; each holder's share rounded up to whole cache
    /// lines), on huge pages where there are any.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(budget: &Budget) -> io::Result<Arena> {
        let overflow = || io::Error::other("size overflows the address space");
        let (mut holders, mut at) = (Vec::new(), 0usize);
        for (name, bytes) in budget.iter() {
            let bytes = usize::try_from(bytes).ok().and_then(|b| b.checked_next_multiple_of(LINE));
            let end = bytes.and_then(|bytes| at.checked_add(bytes)).ok_or_else(overflow)?;
            holders.push(Holder { name: name.to_owned(), at, end });
            at = end;
        }
        Ok(Arena { map: Mapping::touched(at)?, holders: RefCell::new(holders) })
    }

    /// `len` zeroed values out of the share of `holder`.
    ///
    /// # Errors
    /// The share does not hold them.
    #[allow(clippy::mut_from_ref)] // each call cuts off bytes that no other call returns
    pub fn slice<T: Zeroable + Copy>(
        &self,
        holder: &str,
        len: usize,
    ) -> Result<&mut [T], OverBudget> {
        const { assert!(align_of::<T>() <= LINE) };
        let bytes = len.checked_mul(size_of::<T>()).and_then(|b| b.checked_next_multiple_of(LINE));
        let asked = bytes.unwrap_or(usize::MAX);
        let refuse = |left| Err(OverBudget { holder: holder.to_owned(), asked, left });
        let mut holders = self.holders.borrow_mut();
        let Some(share) = holders.iter_mut().find(|share| share.name == holder) else {
            return refuse(None);
        };
        if asked > share.end - share.at {
            return refuse(Some(share.end - share.at));
        }
        let at = share.at;
        share.at += asked;
        // SAFETY: `at + asked` is at most the end of the share, which is inside the mapping; the
        // start is on a cache line, so aligned for T; the bytes are zero, which T allows; no other
        // call returns them, and they live as long as the arena that is borrowed.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.map.base().as_ptr().add(at).cast(), len) })
    }

    /// Bytes mapped.
    pub fn bytes(&self) -> usize {
        self.map.bytes()
    }

    /// Which pages back it.
    pub fn pages(&self) -> Pages {
        self.map.pages()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)] // no huge pages there
    fn holders_get_their_share_and_no_more() {
        let budget = Budget::new().add("orders", 1_000).add("levels", 64);
        let arena = Arena::new(&budget).expect("memory");
        let first = arena.slice::<u64>("orders", 60).expect("480 of 1,024 bytes");
        let levels = arena.slice::<u8>("levels", 1).expect("a line");
        let second = arena.slice::<u32>("orders", 128).expect("512 of 512");
        (first[59], levels[0], second[127]) = (1, 2, 3);
        assert_eq!((first.iter().sum::<u64>(), second.iter().sum::<u32>()), (1, 3));
        assert_eq!(second.as_ptr() as usize % 64, 0);
        let over = |holder, len| arena.slice::<u8>(holder, len).expect_err("over").to_string();
        assert_eq!(over("orders", 1), "orders asks for 64 bytes and has 0 left");
        assert_eq!(over("books", 1), "books asks for 64 bytes and is not in the budget");
        assert!(over("levels", usize::MAX).contains("levels"));
        assert!(arena.slice::<u8>("levels", 0).expect("nothing").is_empty());
    }
}
