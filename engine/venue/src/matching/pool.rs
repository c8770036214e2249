//! A pool of equal nodes with a free list: taken and given back without moving anything.

use std::ops::{Index, IndexMut};

/// No node.
pub const NIL: u32 = u32::MAX;

pub struct Pool<T> {
    nodes: Box<[T]>,
    /// Slots that are free, the next one to be taken last.
    free: Vec<u32>,
}

impl<T: Copy> Pool<T> {
    pub fn new(capacity: usize, blank: T) -> Pool<T> {
        let capacity = capacity.min(NIL as usize);
        Pool {
            nodes: vec![blank; capacity].into_boxed_slice(),
            free: (0..capacity as u32).rev().collect(),
        }
    }

    pub fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// A slot for `node`, [`NIL`] when the pool is full.
    pub fn take(&mut self, node: T) -> u32 {
        let Some(slot) = self.free.pop() else { return NIL };
        self.nodes[slot as usize] = node;
        slot
    }

    /// Gives a slot back; it was taken before.
    pub fn give(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The node, `None` for [`NIL`].
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.nodes.get(slot as usize)
    }

    /// The node to change, `None` for [`NIL`].
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.nodes.get_mut(slot as usize)
    }
}

/// For slots that were taken: links inside a structure that only its own code writes.
impl<T> Index<u32> for Pool<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.nodes[slot as usize]
    }
}

impl<T> IndexMut<u32> for Pool<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.nodes[slot as usize]
    }
}
