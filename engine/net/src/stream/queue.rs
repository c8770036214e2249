//! Bytes that wait, in one piece of memory of fixed size.
//!
//! Model: the bytes lie in one piece between `head` and `tail`, so that a message is always seen
//! whole. An empty queue starts again at the front; one that reached the end moves what is left to
//! the front. Worst case: moving a full queue by one byte, which needs a reader that always leaves
//! nearly everything.

/// The queue.
#[derive(Debug)]
pub(super) struct ByteQueue {
    bytes: Box<[u8]>,
    head: usize,
    tail: usize,
}

impl ByteQueue {
    /// Room for `capacity` bytes, each page of it touched.
    pub fn new(capacity: usize) -> ByteQueue {
        ByteQueue { bytes: vec![0xA5; capacity].into(), head: 0, tail: 0 }
    }

    /// What waits.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.head..self.tail]
    }

    /// Bytes that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.tail - self.head
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Bytes that still fit.
    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.len()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.head, self.tail) = (0, 0);
    }

    /// Forgets the first `len` bytes, at most all.
    #[inline]
    pub fn consume(&mut self, len: usize) {
        self.head += len.min(self.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Where the next bytes go; empty only when the queue is full. [`ByteQueue::filled`] says how
    /// many were written.
    #[inline]
    pub fn place(&mut self) -> &mut [u8] {
        if self.tail == self.bytes.len() && self.head > 0 {
            self.bytes.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.len());
        }
        &mut self.bytes[self.tail..]
    }

    /// Takes the first `len` bytes of [`ByteQueue::place`] in.
    #[inline]
    pub fn filled(&mut self, len: usize) {
        self.tail = (self.tail + len).min(self.bytes.len());
    }

    /// Takes all of `bytes` in, or nothing: whether it fitted.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.room() {
            return false;
        }
        if self.bytes.len() - self.tail < bytes.len() {
            self.bytes.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.len());
        }
        self.bytes[self.tail..self.tail + bytes.len()].copy_from_slice(bytes);
        self.tail += bytes.len();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_rt::rng::Rng;
    use std::collections::VecDeque;

    #[test]
    fn behaves_like_a_deque_of_fixed_size() {
        let seed = 5;
        println!("seed {seed}");
        let mut rng = Rng::new(seed);
        let (mut queue, mut twin) = (ByteQueue::new(100), VecDeque::new());
        for step in 0..20_000_u64 {
            let bytes: Vec<u8> = (0..rng.below(60)).map(|at| (step + at) as u8).collect();
            match rng.below(3) {
                0 => {
                    let fits = twin.len() + bytes.len() <= 100;
                    assert_eq!(queue.push(&bytes), fits, "step {step}");
                    if fits {
                        twin.extend(&bytes);
                    }
                }
                1 => {
                    let full = queue.room() == 0;
                    let place = queue.place();
                    assert_eq!(place.is_empty(), full, "step {step}");
                    let len = place.len().min(bytes.len());
                    place[..len].copy_from_slice(&bytes[..len]);
                    queue.filled(len);
                    twin.extend(&bytes[..len]);
                }
                _ => {
                    let len = bytes.len().min(twin.len());
                    twin.drain(..len);
                    queue.consume(bytes.len());
                }
            }
            assert_eq!(queue.bytes(), twin.make_contiguous(), "step {step}");
            assert_eq!(queue.room(), 100 - twin.len());
        }
    }
}
