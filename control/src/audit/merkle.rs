//! The Merkle tree of RFC 6962 and RFC 9162: growing it, proving from it, checking proofs.
//!
//! Model: a tree of `n` leaves is a row of complete subtrees, one per set bit of `n`. [`Frontier`]
//! keeps their roots, so a new leaf costs at most log2(n) hashes, and one on average. Each complete
//! subtree is a node (level, index) that never changes again; proofs are put together from stored
//! nodes. Leaves are level 0.
//!
//! Worst case: an append 64 hashes, a proof 64 hashes wide and O(log² n) nodes read.

use super::hash::{Hash, empty_root, node_hash};

/// Where the nodes of a tree are stored.
pub trait Nodes {
    /// Why a node cannot be had.
    type Error;

    /// The root of the complete subtree over leaves `index << level .. (index + 1) << level`.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The roots of the complete subtrees of a growing tree, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the first `size` leaves.
    pub fn load<N: Nodes>(nodes: &N, size: u64) -> Result<Frontier, N::Error> {
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        let peaks = levels.map(|level| nodes.node(level, (size >> level) - 1));
        Ok(Frontier { size, peaks: peaks.collect::<Result<_, _>>()? })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `completed(level, index, hash)` is told of each inner node that it completes.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u32, u64, Hash)) {
        let (mut hash, mut level) = (leaf, 0);
        while self.size >> level & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(left, hash);
            level += 1;
            completed(level, self.size >> level, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(last, |right, left| node_hash(left, right))
    }
}

/// The largest power of two below `n`, for `n` of 2 and more: where the tree of `n` leaves splits.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The root over leaves `from..to` (`MTH`, RFC 9162, 2.1.1), where `from..to` is a subtree of one.
pub fn range_root<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Hash, N::Error> {
    match to.saturating_sub(from) {
        0 => Ok(empty_root()),
        n if n.is_power_of_two() => nodes.node(n.ilog2(), from >> n.ilog2()),
        n => {
            let middle = from + split(n);
            Ok(node_hash(range_root(nodes, from, middle)?, range_root(nodes, middle, to)?))
        }
    }
}

/// The audit path of leaf `index` in the tree of `size` leaves (`PATH`, RFC 9162, 2.1.3.1), from the
/// leaf up. `index` below `size`; otherwise empty.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while index < size && to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_root(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range_root(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `old` leaves is the beginning of that of `size` (`PROOF`, RFC 9162,
/// 2.1.4.1). Empty for `old` of 0 or `size`.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    if old == 0 || old >= size {
        return Ok(path);
    }
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range_root(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range_root(nodes, from, middle)?);
            from = middle;
        }
    }
    if from != 0 {
        path.push(range_root(nodes, from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that the leaf with this hash is number `index` of the tree with `root`
/// (RFC 9162, 2.1.3.2).
pub fn check_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for &sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, hash);
            skip_left_edge(&mut at, &mut last);
        } else {
            hash = node_hash(hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// A head of a tree: how many leaves, and their root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Whether `path` proves that the tree of `old` is the beginning of the tree of `new` (RFC 9162,
/// 2.1.4.2). Of an empty old tree there is nothing to prove: the path must be empty too.
pub fn check_consistency(old: Head, new: Head, path: &[Hash]) -> bool {
    if old.size > new.size {
        return false;
    }
    if old.size == new.size {
        return path.is_empty() && old.root == new.root;
    }
    if old.size == 0 {
        return path.is_empty() && old.root == empty_root();
    }
    let mut path = path.iter().copied();
    let start = if old.size.is_power_of_two() { Some(old.root) } else { path.next() };
    let Some(start) = start else { return false };
    let shift = (old.size - 1).trailing_ones();
    let (mut at, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut old_root, mut new_root) = (start, start);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_root = node_hash(sibling, old_root);
            new_root = node_hash(sibling, new_root);
            skip_left_edge(&mut at, &mut last);
        } else {
            new_root = node_hash(new_root, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_root == old.root && new_root == new.root
}

/// Goes up while the node is a left child, as RFC 9162 says in step 4 of both checks.
fn skip_left_edge(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}
