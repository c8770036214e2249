//! Images from a refresh line: a multicast line that sends one image after another
//! (OMD-C Binary Interface Specifications 1.45, refresh).
//!
//! Model: the line numbers its packets by itself. An image begins behind the end of the one before,
//! or with number 1, and must come without a hole; one that does not is passed over, and the next one
//! is waited for. Copies, from a second line, are let go: they were sent at the same time. The line is joined when an image is needed
//! and left when it was had; packets that come otherwise are ignored.

use nofx_types::Nanos;

/// What a packet of the line is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its messages from this one on.
    From(u64),
    /// A copy, or nobody waits for it.
    Nothing,
    /// Something was lost before it, or its numbers begin anew: the image at hand is of no use. Its
    /// messages are new.
    Torn,
}

/// What is to be done to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    Leave,
    Join,
}

pub(super) struct RefreshLine {
    timeout_ns: u64,
    /// An image is waited for.
    active: bool,
    started: Nanos,
    /// Next number of the line, 0 before any was seen.
    expected: u64,
    /// When the newest packet was sent.
    sent_ns: u64,
    /// An image is coming, whole so far.
    pub in_image: bool,
    /// The line was joined, as far as we said.
    joined: bool,
}

impl RefreshLine {
    pub fn new(timeout_ns: u64) -> RefreshLine {
        RefreshLine {
            timeout_ns,
            active: false,
            started: Nanos(0),
            expected: 0,
            sent_ns: 0,
            in_image: false,
            joined: false,
        }
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// An image is needed.
    pub fn start(&mut self, now: Nanos) {
        (self.active, self.started) = (true, now);
        (self.expected, self.sent_ns, self.in_image) = (0, 0, false);
    }

    /// It was had, or is given up.
    pub fn stop(&mut self) {
        self.active = false;
    }

    /// Where a packet `seq..seq + count` stands that was sent at `send_ns`.
    pub fn place(&mut self, seq: u64, count: u64, send_ns: u64) -> Place {
        if !self.active {
            return Place::Nothing;
        }
        let end = seq.saturating_add(count);
        let first = self.expected == 0;
        let newer = send_ns > self.sent_ns;
        if !first && end <= self.expected && !newer {
            return Place::Nothing;
        }
        // A line whose numbers start again with each image goes back; copies are no newer.
        let torn = !first && (seq > self.expected || (seq < self.expected && newer));
        let skip = if first || torn { 0 } else { self.expected - seq };
        (self.expected, self.sent_ns) = (end, self.sent_ns.max(send_ns));
        if seq == 1 && (first || torn) {
            self.in_image = count > 0;
            return if torn { Place::Torn } else { Place::From(0) };
        }
        if torn {
            self.in_image = false;
            return Place::Torn;
        }
        Place::From(skip)
    }

    /// Whether patience has not ended.
    pub fn on_time(&mut self, now: Nanos) -> bool {
        !self.active || now < self.started.plus(self.timeout_ns)
    }

    pub fn deadline(&self) -> Option<Nanos> {
        self.active.then(|| self.started.plus(self.timeout_ns))
    }

    pub fn poll(&mut self) -> Option<Todo> {
        let was_joined = std::mem::replace(&mut self.joined, self.active);
        match (was_joined, self.active) {
            (false, true) => Some(Todo::Join),
            (true, false) => Some(Todo::Leave),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active() -> RefreshLine {
        let mut line = RefreshLine::new(1_000);
        line.start(Nanos(1));
        line
    }

    #[test]
    fn copies_are_let_go_holes_tear_and_one_begins_anew() {
        let mut line = active();
        assert_eq!(line.place(40, 3, 10), Place::From(0));
        assert!(!line.in_image, "the middle of an image");
        assert_eq!(line.place(40, 3, 10), Place::Nothing);
        assert_eq!(line.place(41, 4, 10), Place::From(2));
        line.in_image = true; // its end was seen
        assert_eq!(line.place(46, 1, 12), Place::Torn);
        assert!(!line.in_image);
        assert_eq!(line.place(1, 2, 20), Place::Torn);
        assert!(line.in_image, "number 1 begins an image");
        assert_eq!(line.place(1, 2, 20), Place::Nothing);
        assert_eq!(line.place(3, 1, 20), Place::From(0));
        // Its end was lost, and the next image loses its first packet.
        assert_eq!(line.place(3, 1, 30), Place::Torn);
        assert!(!line.in_image);
    }

    #[test]
    fn a_line_is_joined_once_and_left_once() {
        let mut line = active();
        assert_eq!((line.poll(), line.poll()), (Some(Todo::Join), None));
        line.stop();
        line.stop();
        assert_eq!((line.poll(), line.poll()), (Some(Todo::Leave), None));
        line.start(Nanos(2));
        line.stop();
        assert_eq!(line.poll(), None, "never joined");
        assert_eq!(line.place(1, 1, 9), Place::Nothing);
    }
}
