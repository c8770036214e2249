//! What the threads of a live run tell each other: a few words, each with one writer.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use nofx_mailbox::Refusal;
use nofx_order::{SessionState, Unreconciled};

/// Orders that an alarm names.
pub const STRANDED_MAX: usize = 64;

/// The words.
#[derive(Debug)]
pub struct Shared {
    /// The run is to end: cancel, log out, flush.
    pub stop: AtomicBool,
    /// The journal cannot be written; set and cleared by its writer.
    pub journal_broken: AtomicBool,
    /// Room in the ring of the journal: 0 enough, 1 not enough for new orders, 2 records were lost.
    pub journal_room: AtomicU8,
    /// Order ids up to this are reserved on disk; raised by the writer.
    pub id_limit: AtomicU32,
    /// The lowest order id that is not used; raised by the tile.
    pub id_used: AtomicU32,
    /// The trade tile has ended: nothing more comes into the journal.
    pub tile_ended: AtomicBool,
    /// Records in the files, by their last number.
    pub written: AtomicU64,
    /// State of the order session, packed.
    session: AtomicU64,
    /// State of the channel, by its code.
    pub channel: AtomicU8,
    /// The risk gate failed: its code and one, 0 while it has not.
    gate_failed: AtomicU8,
    /// A bit for each line that is silent.
    silent: AtomicU8,
    /// New segments of the journal: how many were asked for, and the last of them that was tried,
    /// twice its number, and one more where it could not be made.
    rotation_asked: AtomicU64,
    rotation_tried: AtomicU64,
    /// Open orders that nothing of ours can cancel: how many, and the first of them.
    stranded: AtomicU32,
    stranded_ids: [AtomicU32; STRANDED_MAX],
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            stop: AtomicBool::default(),
            journal_broken: AtomicBool::default(),
            journal_room: AtomicU8::default(),
            id_limit: AtomicU32::default(),
            id_used: AtomicU32::default(),
            tile_ended: AtomicBool::default(),
            written: AtomicU64::default(),
            session: AtomicU64::default(),
            channel: AtomicU8::default(),
            gate_failed: AtomicU8::default(),
            silent: AtomicU8::default(),
            rotation_asked: AtomicU64::default(),
            rotation_tried: AtomicU64::default(),
            stranded: AtomicU32::default(),
            stranded_ids: [const { AtomicU32::new(0) }; STRANDED_MAX],
        }
    }
}

impl Shared {
    /// The tile names the orders that nothing of ours can cancel now.
    pub fn set_stranded(&self, ids: impl Iterator<Item = u32>) {
        let mut count = 0u32;
        for id in ids {
            if let Some(place) = self.stranded_ids.get(count as usize) {
                place.store(id, Ordering::Relaxed);
            }
            count += 1;
        }
        self.stranded.store(count, Ordering::Release);
    }

    /// How many there are, and the ids of the first of them.
    pub fn stranded(&self) -> (u32, Vec<u32>) {
        let count = self.stranded.load(Ordering::Acquire);
        let ids = self.stranded_ids.iter().take(count as usize);
        (count, ids.map(|id| id.load(Ordering::Relaxed)).collect())
    }

    /// The tile says where the order session stands.
    pub fn set_session(&self, state: SessionState) {
        self.session.store(pack(state), Ordering::Release);
    }

    /// Where it stands; `None` before the first word of the tile.
    pub fn session(&self) -> Option<SessionState> {
        unpack(self.session.load(Ordering::Acquire))
    }

    /// The tile says that the risk gate failed, and why.
    pub fn set_gate_failed(&self, why: u8) {
        self.gate_failed.store(why.saturating_add(1), Ordering::Release);
    }

    /// Why the risk gate failed, if it has.
    pub fn gate_failed(&self) -> Option<u8> {
        self.gate_failed.load(Ordering::Acquire).checked_sub(1)
    }

    /// The tile asks for a new segment of the journal.
    pub fn ask_rotation(&self) {
        self.rotation_asked.fetch_add(1, Ordering::AcqRel);
    }

    /// For the writer: the number of a rotation that is asked for and was not tried yet.
    pub fn wanted_rotation(&self) -> Option<u64> {
        let asked = self.rotation_asked.load(Ordering::Acquire);
        (asked > self.rotation_tried.load(Ordering::Acquire) / 2).then_some(asked)
    }

    /// The writer has tried the rotation with this number.
    pub fn set_rotation(&self, number: u64, made: bool) {
        self.rotation_tried.store(number * 2 + u64::from(!made), Ordering::Release);
    }

    /// What the last rotation that was asked for came to, as in a reply; `None` until it was tried.
    pub fn rotation(&self) -> Option<u32> {
        let tried = self.rotation_tried.load(Ordering::Acquire);
        let last = tried / 2 == self.rotation_asked.load(Ordering::Acquire);
        last.then_some(if tried.is_multiple_of(2) { 0 } else { Refusal::NotNow as u32 })
    }

    /// The tile says which lines are silent.
    pub fn set_silent(&self, lines: u8) {
        self.silent.store(lines, Ordering::Release);
    }

    /// Whether a line is silent.
    pub fn silent(&self, line: usize) -> bool {
        self.silent.load(Ordering::Acquire) & (1 << line) != 0
    }

    /// Whether a flag is up.
    #[inline]
    pub fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::Acquire)
    }
}

/// State in the lowest byte, from 1; reason in the next; a number above.
fn pack(state: SessionState) -> u64 {
    let word = |state: u64, reason: u64, number: u32| state | reason << 8 | u64::from(number) << 32;
    match state {
        SessionState::Down => word(1, 0, 0),
        SessionState::LoggingIn => word(2, 0, 0),
        SessionState::Reconciling => word(3, 0, 0),
        SessionState::Up => word(4, 0, 0),
        SessionState::Refused(letter) => word(6, letter.into(), 0),
        SessionState::Ended => word(7, 0, 0),
        SessionState::LoggedOut => word(8, 0, 0),
        SessionState::Broken => word(9, 0, 0),
        SessionState::Waiting(platform) => word(10, platform.into(), 0),
        SessionState::Unreconciled(why) => match why {
            Unreconciled::Missed => word(5, 1, 0),
            Unreconciled::SessionChanged => word(5, 2, 0),
            Unreconciled::LostHistory => word(5, 3, 0),
            Unreconciled::NoAnswer => word(5, 4, 0),
            Unreconciled::Unanswered(id) => word(5, 5, id),
            Unreconciled::ForeignIds(id) => word(5, 6, id),
            Unreconciled::NextId(id) => word(5, 7, id),
            Unreconciled::Ghost(id) => word(5, 8, id),
        },
    }
}

fn unpack(word: u64) -> Option<SessionState> {
    let (reason, number) = ((word >> 8) as u8, (word >> 32) as u32);
    Some(match word as u8 {
        1 => SessionState::Down,
        2 => SessionState::LoggingIn,
        3 => SessionState::Reconciling,
        4 => SessionState::Up,
        5 => SessionState::Unreconciled(match reason {
            1 => Unreconciled::Missed,
            2 => Unreconciled::SessionChanged,
            3 => Unreconciled::LostHistory,
            4 => Unreconciled::NoAnswer,
            5 => Unreconciled::Unanswered(number),
            6 => Unreconciled::ForeignIds(number),
            7 => Unreconciled::NextId(number),
            8 => Unreconciled::Ghost(number),
            _ => return None,
        }),
        6 => SessionState::Refused(reason),
        7 => SessionState::Ended,
        8 => SessionState::LoggedOut,
        9 => SessionState::Broken,
        10 => SessionState::Waiting(reason),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_session_survives_its_word() {
        use Unreconciled as U;
        let why = [
            U::Missed,
            U::SessionChanged,
            U::LostHistory,
            U::NoAnswer,
            U::Unanswered(7),
            U::ForeignIds(u32::MAX),
            U::NextId(8),
            U::Ghost(9),
        ];
        let plain = [
            SessionState::Down,
            SessionState::LoggingIn,
            SessionState::Reconciling,
            SessionState::Up,
            SessionState::Refused(b'A'),
            SessionState::Ended,
            SessionState::LoggedOut,
            SessionState::Broken,
            SessionState::Waiting(3),
        ];
        for state in plain.into_iter().chain(why.map(SessionState::Unreconciled)) {
            assert_eq!(unpack(pack(state)), Some(state));
        }
        assert_eq!(unpack(0), None);
    }
}
