//! Numbers of channels.

/// Channels that are followed.
const CHANNELS_MAX: usize = 256;

/// What a number is to its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next one (or simply a later one, where holes mean nothing).
    Next,
    /// The last one again.
    Again,
    /// Lower than the last.
    Back,
    /// Numbers before it are missing.
    Gap,
}

struct Channel {
    channel: u16,
    last: u64,
    gap: bool,
}

pub(super) struct Channels {
    rows: Vec<Channel>,
    /// Index of the channel of the last tick.
    recent: usize,
    contiguous: bool,
    from_one: bool,
    gaps: u64,
    missing: u64,
    without_room: u64,
}

impl Channels {
    pub fn new(contiguous: bool, from_one: bool) -> Channels {
        let rows = Vec::with_capacity(CHANNELS_MAX);
        Channels { rows, recent: 0, contiguous, from_one, gaps: 0, missing: 0, without_room: 0 }
    }

    #[inline]
    pub fn step(&mut self, channel: u16, seq: u64) -> Step {
        match self.rows.get_mut(self.recent) {
            Some(row) if row.channel == channel && row.last.wrapping_add(1) == seq => {
                row.last = seq;
                Step::Next
            }
            _ => self.other(channel, seq),
        }
    }

    /// Another channel than before, or not the next number.
    fn other(&mut self, channel: u16, seq: u64) -> Step {
        let Some(recent) = self.rows.iter().position(|row| row.channel == channel) else {
            return self.open(channel, seq);
        };
        self.recent = recent;
        let Some(row) = self.rows.get_mut(recent) else { return Step::Next };
        if seq == row.last {
            return Step::Again;
        }
        if seq < row.last {
            return Step::Back;
        }
        let missing = seq - row.last - 1;
        row.last = seq;
        if !self.contiguous || missing == 0 {
            return Step::Next;
        }
        row.gap = true;
        self.gap(missing)
    }

    /// The first number of a channel.
    fn open(&mut self, channel: u16, seq: u64) -> Step {
        if self.rows.len() == CHANNELS_MAX {
            self.without_room += 1; // it goes unchecked
            return Step::Next;
        }
        let missing = if self.contiguous && self.from_one { seq.saturating_sub(1) } else { 0 };
        self.recent = self.rows.len();
        self.rows.push(Channel { channel, last: seq, gap: missing > 0 });
        if missing > 0 { self.gap(missing) } else { Step::Next }
    }

    fn gap(&mut self, missing: u64) -> Step {
        self.gaps += 1;
        self.missing = self.missing.saturating_add(missing);
        Step::Gap
    }

    /// Whether numbers of the channel are missing.
    pub fn has_gap(&self, channel: u16) -> bool {
        self.rows.iter().any(|row| row.channel == channel && row.gap)
    }

    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    pub fn missing(&self) -> u64 {
        self.missing
    }

    pub fn without_room(&self) -> u64 {
        self.without_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_by_channel() {
        let mut channels = Channels::new(true, false);
        let steps = [(1, 5), (1, 6), (2, 1), (1, 7), (2, 2), (1, 7), (1, 6), (1, 9), (2, 3)];
        let seen = steps.map(|(channel, seq)| channels.step(channel, seq));
        use Step::{Again, Back, Gap, Next};
        assert_eq!(seen, [Next, Next, Next, Next, Next, Again, Back, Gap, Next]);
        assert_eq!((channels.gaps(), channels.missing()), (1, 1));
        assert!(channels.has_gap(1) && !channels.has_gap(2));
        let mut extracts = Channels::new(false, false);
        assert_eq!([3, 9, 9, 8].map(|seq| extracts.step(1, seq)), [Next, Next, Again, Back]);
        let mut whole = Channels::new(true, true);
        assert_eq!([2, 3].map(|seq| whole.step(1, seq)), [Gap, Next]);
    }
}
