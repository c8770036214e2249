//! Orders outside the cage: one list per instrument, in the order of entry, in one pool.

use nofx_types::OrderRef;

use super::held::Held;

/// Names no row of the pool.
const NIL: u32 = u32::MAX;

/// The list of one instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
}

impl List {
    pub const EMPTY: List = List { head: NIL, tail: NIL };

    #[inline]
    pub fn is_empty(self) -> bool {
        self.head == NIL
    }
}

#[derive(Clone, Copy)]
struct Node {
    held: Held,
    next: u32,
}

pub(super) struct Pool {
    nodes: Box<[Node]>,
    free: u32,
}

impl Pool {
    pub fn new(capacity: u32) -> Pool {
        let next = |row| if row + 1 < capacity { row + 1 } else { NIL };
        let nodes = (0..capacity).map(|row| Node { held: Held::NONE, next: next(row) }).collect();
        Pool { nodes, free: if capacity > 0 { 0 } else { NIL } }
    }

    /// Appends; false when the pool is full.
    pub fn push(&mut self, list: &mut List, held: Held) -> bool {
        let row = self.free;
        let Some(node) = self.nodes.get_mut(row as usize) else { return false };
        self.free = std::mem::replace(node, Node { held, next: NIL }).next;
        match self.nodes.get_mut(list.tail as usize) {
            Some(tail) => tail.next = row,
            None => list.head = row,
        }
        list.tail = row;
        true
    }

    /// Takes out the first order that `wanted` says yes to; `wanted` may change what it sees.
    pub fn take_first(
        &mut self,
        list: &mut List,
        mut wanted: impl FnMut(&mut Held) -> bool,
    ) -> Option<Held> {
        let (mut before, mut row) = (NIL, list.head);
        while let Some(node) = self.nodes.get_mut(row as usize) {
            if wanted(&mut node.held) {
                let (held, next) = (node.held, std::mem::replace(&mut node.next, self.free));
                self.free = row;
                match self.nodes.get_mut(before as usize) {
                    Some(before) => before.next = next,
                    None => list.head = next,
                }
                if list.tail == row {
                    list.tail = before;
                }
                return Some(held);
            }
            (before, row) = (row, node.next);
        }
        None
    }

    /// Looks an order up, to change it in place.
    pub fn find(&mut self, list: List, order: OrderRef) -> Option<&mut Held> {
        let mut row = list.head;
        loop {
            let node = self.nodes.get(row as usize)?;
            if node.held.order == order {
                break;
            }
            row = node.next;
        }
        self.nodes.get_mut(row as usize).map(|node| &mut node.held)
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.nodes) as u64
    }
}
