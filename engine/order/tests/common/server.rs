//! A venue behind a SoupBinTCP server: connections that break, reports sent again, history lost.

use std::collections::{BTreeSet, VecDeque};

use nofx_rt::rng::Rng;
use nofx_wire::soup::{self, Frame};

use super::far::{self, Asked, Say};
use super::venue::Venue;

pub struct Server {
    pub venue: Venue,
    pub name: String,
    pub logged_in: bool,
    /// Refuses a login now and then, and starts earlier than asked.
    pub moody: bool,
    /// Requests wait between the session and the book: a query overtakes their reports.
    pub slow: bool,
    /// Refuses a session that is not the current one, instead of giving the current one.
    pub strict: bool,
    /// Messages up to this one are gone.
    pub gone: usize,
    /// Bytes on their way to the client.
    pub out: VecDeque<u8>,
    /// Where in what was said the first answer to a query of this connection stands.
    pub answered_at: Option<usize>,
    /// Every id that was taken.
    pub taken: BTreeSet<u32>,
    /// Requests whose id did not rise.
    pub stale: u64,
    waiting: VecDeque<Vec<u8>>,
    last_id: u32,
    inbox: Vec<u8>,
    /// Messages that this connection was sent.
    cursor: usize,
}

impl Server {
    pub fn new(venue: Venue) -> Server {
        Server {
            venue,
            name: "DAY1".into(),
            logged_in: false,
            moody: true,
            slow: false,
            strict: true,
            gone: 0,
            out: VecDeque::new(),
            answered_at: None,
            taken: BTreeSet::new(),
            stale: 0,
            waiting: VecDeque::new(),
            last_id: 0,
            inbox: Vec::new(),
            cursor: 0,
        }
    }

    /// Takes bytes of the connection.
    pub fn read(&mut self, bytes: &[u8], rng: &mut Rng) {
        self.inbox.extend(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = &inbox[..];
        while let Some((frame, used)) = soup::next_frame(rest).expect("a client's frames") {
            match frame {
                Frame::LoginRequest(request) => self.login(request, rng),
                Frame::Unsequenced(_) => {
                    assert!(self.logged_in, "a request before the login");
                    self.request(&rest[..used], rng);
                }
                Frame::ClientHeartbeat | Frame::Logout => {}
                other => panic!("{other:?}"),
            }
            rest = &rest[used..];
        }
        self.inbox = rest.to_vec();
    }

    fn login(&mut self, request: &soup::LoginRequest, rng: &mut Rng) {
        let named = String::from_utf8_lossy(request.session.trim_ascii()).into_owned();
        let from = request.next_sequence().expect("a number") as usize;
        let elsewhere = !named.is_empty() && named != self.name;
        if elsewhere && self.strict || self.moody && rng.chance(1, 8) {
            return self.out.extend(soup::login_rejected(b'S'));
        }
        let from = if elsewhere { 1 } else { from };
        let earlier = if self.moody { rng.below(3) as usize } else { 0 };
        let from = from.saturating_sub(earlier).clamp(1, self.venue.said.len() + 1);
        self.cursor = from.max(self.gone + 1) - 1;
        self.logged_in = true;
        let name = soup::session_name(&self.name).expect("short");
        self.out.extend(soup::login_accepted(name, self.cursor as u64 + 1));
    }

    fn request(&mut self, frame: &[u8], rng: &mut Rng) {
        let id = match far::read(self.venue.protocol, frame) {
            Asked::Query => {
                self.answered_at.get_or_insert(self.venue.said.len());
                return self.venue.say(&Say::NextId { id: self.last_id + 1 });
            }
            Asked::Enter { id, .. } | Asked::Replace { id, .. } => id,
            Asked::Cancel { .. } => 0,
        };
        if id > 0 && id <= self.last_id {
            self.stale += 1;
            return;
        }
        if id > 0 {
            assert!(self.taken.insert(id), "{id} was taken twice");
            self.last_id = id;
        }
        self.waiting.push_back(frame.to_vec());
        if !self.slow {
            self.work(usize::MAX, rng);
        }
    }

    /// The book takes requests that wait.
    pub fn work(&mut self, most: usize, rng: &mut Rng) {
        for _ in 0..most {
            let Some(frame) = self.waiting.pop_front() else { break };
            self.venue.on_request(&frame, rng);
        }
    }

    /// What was said goes out.
    pub fn pump(&mut self) {
        if self.logged_in {
            for frame in self.venue.said.iter().skip(self.cursor) {
                self.out.extend(frame);
            }
            self.cursor = self.venue.said.len();
        }
    }

    pub fn heartbeat(&mut self) {
        if self.logged_in {
            self.out.extend(soup::SERVER_HEARTBEAT);
        }
    }

    /// The connection is gone.
    pub fn hang_up(&mut self) {
        self.logged_in = false;
        self.answered_at = None;
        self.inbox.clear();
        self.out.clear();
    }

    /// Everything that is open is cancelled.
    pub fn cancel_all(&mut self) {
        let ids: Vec<u32> = self.venue.open.keys().copied().collect();
        ids.into_iter().for_each(|id| self.venue.take_off(id, u32::MAX, b'S'));
    }

    /// Another day: no orders, no messages, ids from 1.
    pub fn new_session(&mut self, name: String) {
        self.hang_up();
        (self.name, self.gone, self.cursor, self.last_id) = (name, 0, 0, 0);
        self.venue.last_id = 0;
        self.venue.said.clear();
        self.venue.open.clear();
        self.waiting.clear();
        self.taken.clear();
    }

    /// Requests under way inside the venue.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
