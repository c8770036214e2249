//! The fence: the answer of the venue behind which nothing sent before this login can still come.
//!
//! An account query is answered by a sequenced message, so its answer stands behind every report
//! that was missed, and it names the lowest id that the venue will take: orders with that id or a
//! higher one never arrived. But answers to queries of earlier connections may be among the missed
//! messages, and they say what was true then. With `owed` queries sent whose answers have not been
//! seen, at most so many old answers can come, so the one after them is certainly ours. One query is
//! under way at a time, the next one follows an answer: a connection that breaks leaves at most one
//! more answer owed, and a login takes at most `owed` + 1 round trips.
//!
//! It rests on two things: the venue takes nothing more from a connection once it has accepted the
//! login of a later one, and it answers in the order of the requests. Should either fail, the report
//! of an order taken as lost ([`Fence::is_ghost`]) stops trading.

/// What a login still has to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Step {
    /// The answer, or the silence, that ends the missed reports.
    #[default]
    Ask,
    /// The walk over open orders, from this row.
    Sort { row: usize },
    /// An order that the venue took is not answered.
    Wait,
    /// Nothing.
    Done,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fence {
    pub step: Step,
    /// The lowest id that the venue takes, once it is known.
    pub next_id: u32,
    /// The unanswered order that the last walk met.
    pub unanswered: Option<u32>,
    /// Queries sent whose answers have not been seen, over all connections.
    owed: u64,
    /// `owed` at the login.
    stale: u64,
    /// Queries sent and answers seen since the login.
    asked: u64,
    answered: u64,
    /// Highest id sent before the login.
    sent_before: u32,
    /// Highest id that the venue reported as taken in this session.
    reported: u32,
    /// So many ids, from the first, never arrived.
    lost: (u32, u32),
}

impl Fence {
    /// A login was accepted.
    pub fn open(&mut self, last_sent: u32) {
        (self.step, self.next_id, self.unanswered) = (Step::Ask, u32::MAX, None);
        (self.stale, self.asked, self.answered) = (self.owed, 0, 0);
        self.sent_before = last_sent;
    }

    /// The login itself said the lowest id that never arrived.
    pub fn told(&mut self, next_id: u32) {
        self.next_id = next_id;
    }

    /// Whether the login said it.
    pub fn is_told(&self) -> bool {
        self.next_id != u32::MAX
    }

    /// Another session of the venue: ids begin anew.
    pub fn new_session(&mut self) {
        (self.reported, self.lost) = (0, (0, 0));
    }

    /// Whether the next query is to be sent.
    #[inline]
    pub fn wants_query(&self) -> bool {
        self.step == Step::Ask && self.asked <= self.answered
    }

    /// A query was sent.
    pub fn asked(&mut self) {
        self.asked = self.asked.saturating_add(1);
        self.owed = self.owed.saturating_add(1);
    }

    /// A query was answered; whether this is the answer that counts.
    pub fn answered(&mut self, next_id: u32) -> bool {
        self.answered = self.answered.saturating_add(1);
        self.owed = self.owed.saturating_sub(1);
        let ours = self.answered > self.stale && self.asked > 0;
        if self.step != Step::Ask || !ours {
            return false;
        }
        self.next_id = next_id;
        true
    }

    /// Whether the venue's next id fits what it reported.
    pub fn fits_reports(&self) -> bool {
        self.next_id > self.reported
    }

    /// The venue reported an id as taken. One sent since the login stands behind every query, so no
    /// earlier answer can come any more.
    #[inline]
    pub fn taken(&mut self, id: u32) {
        self.reported = self.reported.max(id);
        if id > self.sent_before && self.step == Step::Done {
            self.owed = 0;
        }
    }

    /// Ids from the venue's next one to `last_sent` never arrived.
    pub fn lost(&mut self, last_sent: u32) {
        let count = last_sent.saturating_add(1).saturating_sub(self.next_id);
        self.lost = (self.next_id, count);
    }

    /// Whether the venue reports an order that was proven never to have arrived.
    #[inline]
    pub fn is_ghost(&self, id: u32) -> bool {
        id.wrapping_sub(self.lost.0) < self.lost.1
    }

    /// Answers that may still come of queries sent.
    pub fn owed(&self) -> u64 {
        self.owed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections that break with a query under way, answers lost or seen late.
    #[test]
    fn an_old_answer_never_counts() {
        let mut fence = Fence::default();
        for round in 0..3u64 {
            fence.open(10);
            assert!(fence.wants_query());
            fence.asked();
            assert!(!fence.wants_query());
            assert_eq!(fence.owed(), round + 1); // the connection breaks
        }
        fence.open(10);
        for old in 1..=3 {
            fence.asked();
            assert!(!fence.answered(old), "three answers may be old");
        }
        fence.asked();
        assert!(fence.answered(9));
        assert_eq!((fence.next_id, fence.owed()), (9, 3));
        fence.step = Step::Done;
        fence.taken(10); // sent before the login: it says nothing of later queries
        assert_eq!(fence.owed(), 3);
        fence.taken(11);
        assert_eq!(fence.owed(), 0);
    }

    #[test]
    fn an_answer_without_a_query_counts_for_nothing() {
        let mut fence = Fence::default();
        fence.open(0);
        assert!(!fence.answered(7));
        assert!(fence.wants_query());
    }
}
