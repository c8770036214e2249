//! Images from a refresh line: a multicast line that sends one image after another
//! (hkex-omd-c.md, "Recovery").
//!
//! Model: the line numbers its packets by itself. An image begins behind the end of the one before,
//! or with number 1, and must come without a hole; one that does not is passed over, and the next one
//! is waited for. Copies, from a second line, are let go. The line is joined when an image is needed
//! and left when it was had; packets that come otherwise are ignored.

use nofx_types::Nanos;

/// What a packet of the line is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its messages from this one on.
    From(u64),
    /// A copy, or nobody waits for it.
    Nothing,
    /// Something was lost before it: the image at hand is of no use. Its messages are new.
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
    /// An image is coming, whole so far.
    pub in_image: bool,
    todo: [bool; 2],
}

impl RefreshLine {
    pub fn new(timeout_ns: u64) -> RefreshLine {
        RefreshLine {
            timeout_ns,
            active: false,
            started: Nanos(0),
            expected: 0,
            in_image: false,
            todo: [false; 2],
        }
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// An image is needed.
    pub fn start(&mut self, now: Nanos) {
        (self.active, self.started) = (true, now);
        (self.expected, self.in_image) = (0, false);
        self.todo = [false, true];
    }

    /// It was had, or is given up.
    pub fn stop(&mut self) {
        if std::mem::take(&mut self.active) {
            let joining = self.todo[Todo::Join as usize];
            self.todo = [!joining, false];
        }
    }

    /// Where a packet `seq..seq + count` stands.
    pub fn place(&mut self, seq: u64, count: u64) -> Place {
        if !self.active {
            return Place::Nothing;
        }
        let end = seq.saturating_add(count);
        let first = self.expected == 0;
        // A line whose numbers start again with each image.
        let again = seq == 1 && count > 0 && !self.in_image;
        if again || (first && seq == 1) {
            self.expected = end;
            self.in_image = count > 0;
            return Place::From(0);
        }
        if !first && end <= self.expected {
            return Place::Nothing;
        }
        let torn = !first && seq > self.expected;
        let skip = if first || torn { 0 } else { self.expected - seq };
        self.expected = end;
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
        let order = [Todo::Leave, Todo::Join];
        order.into_iter().find(|todo| std::mem::take(&mut self.todo[*todo as usize]))
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
        assert_eq!(line.place(40, 3), Place::From(0));
        assert!(!line.in_image, "the middle of an image");
        assert_eq!(line.place(40, 3), Place::Nothing);
        assert_eq!(line.place(41, 4), Place::From(2));
        line.in_image = true; // its end was seen
        assert_eq!(line.place(46, 1), Place::Torn);
        assert!(!line.in_image);
        assert_eq!(line.place(1, 2), Place::From(0));
        assert!(line.in_image);
        assert_eq!(line.place(1, 2), Place::Nothing);
        assert_eq!(line.place(3, 1), Place::From(0));
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
        assert_eq!(line.place(1, 1), Place::Nothing);
    }
}
