//! The day's messages, kept for those who missed some: the re-request server of MoldUDP64 1.00.
//!
//! Model: a request (20 bytes: session, first number, how many) is answered with one ordinary downstream
//! packet that holds as many of them as fit, and with nothing where there is nothing to give.
//! Worst case: an answer copies one packet.

use nofx_wire::mold::{Header, PacketBuilder};

use crate::kept::Kept;

/// Requests by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestStats {
    /// Answered.
    pub answered: u64,
    /// Messages in the answers.
    pub messages: u64,
    /// Not 20 bytes.
    pub malformed: u64,
    /// Of another session.
    pub other_session: u64,
    /// For messages that are not there yet, not any more, or none.
    pub nothing: u64,
}

/// Messages of one session.
pub struct Archive {
    session: [u8; 10],
    kept: Kept,
    stats: RequestStats,
}

impl Archive {
    /// Keeps at least `messages_max` messages of `session`, numbered from 1.
    pub fn new(session: [u8; 10], messages_max: u64) -> Archive {
        Archive { session, kept: Kept::new(messages_max), stats: RequestStats::default() }
    }

    /// Keeps the next message.
    pub fn push(&mut self, message: &[u8]) {
        self.kept.push(message);
    }

    /// Message number `seq`.
    pub fn message(&self, seq: u64) -> Option<&[u8]> {
        self.kept.message(seq)
    }

    /// Answers a request: the packet, written to `out`; `None` where there is no answer.
    pub fn answer<'a>(&mut self, request: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
        let header = Header::parse(request).filter(|header| header.bytes().len() == request.len());
        let Some(header) = header else {
            self.stats.malformed += 1;
            return None;
        };
        if header.session != self.session {
            self.stats.other_session += 1;
            return None;
        }
        let seq = header.seq.get();
        let mut packet = PacketBuilder::new(out, &self.session, seq)?;
        for at in 0..u64::from(header.count.get()) {
            let message = seq.checked_add(at).and_then(|seq| self.message(seq));
            if message.is_none_or(|message| packet.push(message).is_err()) {
                break;
            }
        }
        if packet.is_empty() {
            self.stats.nothing += 1;
            return None;
        }
        self.stats.answered += 1;
        self.stats.messages += u64::from(packet.count());
        Some(packet.finish())
    }

    /// Requests so far.
    pub fn stats(&self) -> RequestStats {
        self.stats
    }
}

#[cfg(test)]
mod tests {
    use nofx_wire::mold::Packet;
    use nofx_wire::num::{Be16, Be64};

    use super::*;
    use crate::kept::SEGMENT;

    const SESSION: [u8; 10] = *b"SESSION   ";

    fn request(session: [u8; 10], seq: u64, count: u16) -> Vec<u8> {
        Header { session, seq: Be64::new(seq), count: Be16::new(count) }.bytes().to_vec()
    }

    fn message(seq: u64) -> Vec<u8> {
        seq.to_be_bytes()[8 - (seq % 8) as usize..].to_vec()
    }

    #[test]
    fn answers_hold_what_was_asked_as_far_as_it_fits() {
        let mut archive = Archive::new(SESSION, 0);
        let last = 3 * SEGMENT as u64;
        (1..=last).for_each(|seq| archive.push(&message(seq)));
        // Two segments are kept; the answer of 100 bytes starts inside one and ends in the next.
        let border = 2 * SEGMENT as u64;
        for (seq, count) in [(border - 3, 50), (border - 3, 4), (last, 9), (border - 3, u16::MAX)] {
            let mut out = [0; 100];
            let answer = archive.answer(&request(SESSION, seq, count), &mut out).expect("is kept");
            let packet = Packet::parse(answer).expect("a packet");
            assert_eq!((packet.seq(), packet.session()), (seq, &SESSION));
            let want: Vec<_> = (seq..seq + u64::from(packet.count())).map(message).collect();
            assert_eq!(packet.blocks().map(<[u8]>::to_vec).collect::<Vec<_>>(), want);
            let most = u64::from(count).min(last + 1 - seq);
            let full = answer.len() + 2 + message(seq + want.len() as u64).len() > 100;
            assert!(want.len() as u64 == most || full, "{seq} {count}: {}", want.len());
        }
    }

    #[test]
    fn what_cannot_be_answered_is_counted() {
        let mut archive = Archive::new(SESSION, 0);
        (1..=3 * SEGMENT as u64).for_each(|seq| archive.push(&message(seq)));
        let mut out = [0; 100];
        let good = request(SESSION, SEGMENT as u64 + 1, 1);
        for (bytes, count) in [
            (request(SESSION, 1, 5), "nothing"),
            (request(SESSION, 0, 5), "nothing"),
            (request(SESSION, u64::MAX, 5), "nothing"),
            (request(SESSION, 3 * SEGMENT as u64 + 1, 5), "nothing"),
            (request(SESSION, SEGMENT as u64 + 1, 0), "nothing"),
            (request(*b"OTHER     ", SEGMENT as u64 + 1, 5), "session"),
            (good[..19].to_vec(), "malformed"),
            ([&good[..], &[0]].concat(), "malformed"),
            (Vec::new(), "malformed"),
        ] {
            let before = archive.stats();
            assert_eq!(archive.answer(&bytes, &mut out), None, "{bytes:?}");
            let after = archive.stats();
            let risen = match count {
                "nothing" => after.nothing - before.nothing,
                "session" => after.other_session - before.other_session,
                _ => after.malformed - before.malformed,
            };
            assert_eq!(risen, 1, "{bytes:?}");
        }
        assert!(archive.answer(&good, &mut out).is_some());
    }
}
