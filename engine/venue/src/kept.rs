//! The messages of a numbered stream, kept for those who missed some.
//!
//! Messages lie behind each other in segments; dropping the oldest segment bounds the memory.

use std::collections::VecDeque;

/// Messages of a segment.
pub(crate) const SEGMENT: usize = 1 << 14;

#[derive(Default)]
struct Segment {
    bytes: Vec<u8>,
    /// Where each message ends.
    ends: Vec<u32>,
}

impl Segment {
    fn message(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.bytes.get(start.unwrap_or(0) as usize..end)
    }
}

/// Messages by number, from 1.
pub(crate) struct Kept {
    segments: VecDeque<Segment>,
    /// Number of the first message kept.
    first: u64,
    segments_max: usize,
}

impl Kept {
    /// Keeps at least `messages_max` messages.
    pub fn new(messages_max: u64) -> Kept {
        let segments_max = (messages_max / SEGMENT as u64) as usize + 2;
        Kept { segments: VecDeque::new(), first: 1, segments_max }
    }

    /// Keeps the next message.
    pub fn push(&mut self, message: &[u8]) {
        if self.segments.back().is_none_or(|segment| segment.ends.len() == SEGMENT) {
            if self.segments.len() == self.segments_max {
                self.segments.pop_front();
                self.first += SEGMENT as u64;
            }
            self.segments.push_back(Segment::default());
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes.extend_from_slice(message);
            segment.ends.push(segment.bytes.len() as u32);
        }
    }

    /// Message number `seq`.
    pub fn message(&self, seq: u64) -> Option<&[u8]> {
        let at = seq.checked_sub(self.first)?;
        let segment = usize::try_from(at / SEGMENT as u64).ok()?;
        self.segments.get(segment)?.message((at % SEGMENT as u64) as usize)
    }

    /// Number of the next message.
    pub fn next_seq(&self) -> u64 {
        let last = self.segments.back().map_or(0, |segment| segment.ends.len());
        let full = self.segments.len().saturating_sub(1) * SEGMENT;
        self.first + (full + last) as u64
    }
}
