//! Pools of fixed size behind `u32` handles: objects of one thread, and byte blocks that move
//! between threads.
//!
//! Taking and giving back is a push or pop on a stack of free indices: constant time, no
//! allocation after construction.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::mem::{Mapping, Pages};

const INDEX_BITS: u32 = 24;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// Names an object of a [`Pool`]: 24 bits of index, 8 bits of generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(u32);

impl Handle {
    /// The number itself, for records of 32 bits.
    pub const fn raw(self) -> u32 {
        self.0
    }

    const fn index(self) -> usize {
        (self.0 & INDEX_MASK) as usize
    }

    const fn generation(self) -> u8 {
        (self.0 >> INDEX_BITS) as u8
    }
}

struct Object<T> {
    value: Option<T>,
    generation: u8,
}

/// Objects of one thread.
///
/// A handle is dead once its object was taken out. Debug builds notice a dead one, by its
/// generation, until the place was used 256 times again, and panic; release builds answer with
/// what is at the place, or `None`.
pub struct Pool<T> {
    objects: Box<[Object<T>]>,
    free: Vec<u32>,
}

impl<T> Pool<T> {
    /// Room for `capacity` objects, at most 2^24.
    pub fn new(capacity: u32) -> Pool<T> {
        let capacity = capacity.min(1 << INDEX_BITS);
        let object = || Object { value: None, generation: 0 };
        Pool {
            objects: std::iter::repeat_with(object).take(capacity as usize).collect(),
            free: (0..capacity).rev().collect(),
        }
    }

    /// Puts an object in; gives it back when there is no room.
    #[inline]
    pub fn insert(&mut self, value: T) -> Result<Handle, T> {
        let Some(index) = self.free.last().copied() else { return Err(value) };
        let Some(object) = self.objects.get_mut(index as usize) else { return Err(value) };
        self.free.pop();
        object.value = Some(value);
        Ok(Handle(index | u32::from(object.generation) << INDEX_BITS))
    }

    /// The object of `handle`.
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        let object = self.objects.get(handle.index())?;
        debug_assert_eq!(object.generation, handle.generation(), "a dead handle");
        object.value.as_ref()
    }

    /// The object of `handle`, to change in place.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let object = self.objects.get_mut(handle.index())?;
        debug_assert_eq!(object.generation, handle.generation(), "a dead handle");
        object.value.as_mut()
    }

    /// Takes an object out.
    #[inline]
    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        let object = self.objects.get_mut(handle.index())?;
        debug_assert_eq!(object.generation, handle.generation(), "a dead handle");
        let value = object.value.take()?;
        object.generation = object.generation.wrapping_add(1);
        self.free.push(handle.0 & INDEX_MASK);
        Some(value)
    }

    /// Objects it holds.
    pub fn len(&self) -> usize {
        self.objects.len() - self.free.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Objects that fit.
    pub fn capacity(&self) -> usize {
        self.objects.len()
    }
}

const BLOCK_BITS: u32 = 20;
const BLOCKS_MAX: u32 = 1 << BLOCK_BITS;
const POOLS_MAX: u32 = 1 << (32 - BLOCK_BITS);

/// The right to one block: who holds it, and nobody else, may read and write its bytes. It moves
/// between threads over a ring like any value. Dropped instead of given back, its block is lost to
/// the pool.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a block that is not given back is lost to its pool"]
pub struct Block(u32);

impl Block {
    /// Index of the block in its pool.
    pub const fn index(&self) -> usize {
        (self.0 & (BLOCKS_MAX - 1)) as usize
    }
}

struct Region {
    map: Mapping,
    block_bytes: usize,
    /// Upper bits of the blocks of this pool, by which no other pool of the process takes them.
    id: u32,
}

/// The memory of a pool, for whoever holds blocks of it.
#[derive(Clone)]
pub struct BlockView(Arc<Region>);

/// Byte blocks of equal size. The pool itself stays with one thread, which takes blocks out and
/// puts them back; views of its memory and the blocks go where they are used.
pub struct Blocks {
    view: BlockView,
    free: Vec<u32>,
    count: usize,
}

impl Blocks {
    /// `count` blocks (at most 2^20) of `block_bytes`, rounded up to whole cache lines, on huge
    /// pages where there are any.
    ///
    /// # Errors
    /// There is no memory, `count` is too large, or the process has made 4,096 pools.
    pub fn new(block_bytes: usize, count: u32) -> io::Result<Blocks> {
        static POOLS: AtomicU32 = AtomicU32::new(0);
        let refuse = |why| Err(io::Error::other(why));
        if count > BLOCKS_MAX {
            return refuse("more than 1048576 blocks");
        }
        let Some(block_bytes) = block_bytes.max(1).checked_next_multiple_of(64) else {
            return refuse("size overflows the address space");
        };
        let Some(bytes) = block_bytes.checked_mul(count as usize) else {
            return refuse("size overflows the address space");
        };
        let map = Mapping::touched(bytes)?;
        let next = |pools| (pools < POOLS_MAX).then_some(pools + 1);
        let Ok(pool) = POOLS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) else {
            return refuse("more than 4096 block pools in one process");
        };
        let id = pool << BLOCK_BITS;
        let view = BlockView(Arc::new(Region { map, block_bytes, id }));
        Ok(Blocks { view, free: (0..count).rev().collect(), count: count as usize })
    }

    /// A free block; its bytes are what its last holder left there.
    #[inline]
    pub fn take(&mut self) -> Option<Block> {
        self.free.pop().map(|index| Block(self.view.0.id | index))
    }

    /// Takes a block back. One of another pool is that pool's loss; debug builds panic.
    #[inline]
    pub fn give(&mut self, block: Block) {
        let ours = self.view.owns(&block);
        debug_assert!(ours, "a block of another pool");
        if ours {
            self.free.push(block.index() as u32);
        }
    }

    /// A view of the memory.
    pub fn view(&self) -> BlockView {
        self.view.clone()
    }

    /// Blocks that can be taken.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// All blocks.
    pub fn capacity(&self) -> usize {
        self.count
    }

    /// Bytes of one block.
    pub fn block_bytes(&self) -> usize {
        self.view.0.block_bytes
    }

    /// Bytes mapped.
    pub fn memory(&self) -> usize {
        self.view.0.map.bytes()
    }

    /// Which pages back it.
    pub fn pages(&self) -> Pages {
        self.view.0.map.pages()
    }
}

impl BlockView {
    #[inline]
    fn owns(&self, block: &Block) -> bool {
        block.0 & !(BLOCKS_MAX - 1) == self.0.id
    }

    #[inline]
    fn address(&self, block: &Block) -> Option<*mut u8> {
        let owns = self.owns(block);
        debug_assert!(owns, "a block of another pool");
        // SAFETY: the pool made blocks only for indices whose bytes lie inside the mapping.
        let address =
            || unsafe { self.0.map.base().as_ptr().add(block.index() * self.0.block_bytes) };
        owns.then(address)
    }

    /// The bytes of `block`; empty when it is of another pool.
    #[inline]
    pub fn bytes<'a>(&'a self, block: &'a Block) -> &'a [u8] {
        let Some(address) = self.address(block) else { return &[] };
        // SAFETY: the bytes are inside the mapping and initialised; `block` is the only right to
        // them and is borrowed as long as they are.
        unsafe { std::slice::from_raw_parts(address, self.0.block_bytes) }
    }

    /// The bytes of `block`, to write; empty when it is of another pool.
    #[inline]
    pub fn bytes_mut<'a>(&'a self, block: &'a mut Block) -> &'a mut [u8] {
        let Some(address) = self.address(block) else { return &mut [] };
        // SAFETY: as in `bytes`, and `block` is borrowed mutably, so this is the only access.
        unsafe { std::slice::from_raw_parts_mut(address, self.0.block_bytes) }
    }
}
