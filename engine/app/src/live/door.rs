//! Where control comes in: pages of parameters, models, requests.
//!
//! Model: the tile knocks once a turn. A page is copied out of the mailbox, whole and checked by its
//! reader, and becomes the bytes of an input; a request becomes an input as it is. What a refused page
//! was refused for travels with it, so that the journal says it too. Answers go out by the same door.
//!
//! Worst case: one or two loads when there is nothing; else the copy of one page, or of one request.

use nofx_mailbox::{
    CommandReader, ControlCommand, Engine, PageHead, PageReader, Refusal, Reply, Request, Taken,
    Why,
};
use nofx_rt::clock::cycles;
use nofx_types::Nanos;

use super::record::Answer;
use crate::params::page::{HEAD_LEN, PageKind, encode};

/// See the module.
pub struct Door {
    params: PageReader,
    models: PageReader,
    commands: CommandReader,
    page: Box<[u8]>,
    turns: u32,
    /// Requests that others carry out, answered when they have.
    snapshot: Option<u64>,
    rotation: Option<u64>,
    /// Answers that found no room.
    pub unanswered: u64,
}

/// Who knocked.
pub enum Knock {
    /// A page of this kind, so many bytes of it: see [`Door::lend`].
    Page(PageKind, usize),
    /// A request.
    Request(Request),
}

impl Door {
    /// The ends of a mailbox that nobody took yet; pages have `words` words at most.
    pub fn new(engine: &mut Engine, words: usize) -> Option<Door> {
        Some(Door {
            params: engine.params()?,
            models: engine.models()?,
            commands: engine.commands()?,
            page: vec![0; HEAD_LEN + words * 8].into_boxed_slice(),
            turns: 0,
            snapshot: None,
            rotation: None,
            unanswered: 0,
        })
    }

    /// Looks for pages in one turn and for a request in the next.
    #[inline]
    pub fn knock(&mut self) -> Option<Knock> {
        self.turns = self.turns.wrapping_add(1);
        match self.turns & 1 {
            0 => self.commands.next().map(Knock::Request),
            _ => self.page(),
        }
    }

    /// The next page: of parameters first.
    #[inline]
    pub fn page(&mut self) -> Option<Knock> {
        if self.params.is_new() {
            return self.copy(PageKind::Params);
        }
        if self.models.is_new() {
            return self.copy(PageKind::Model);
        }
        None
    }

    #[cold]
    fn copy(&mut self, kind: PageKind) -> Option<Knock> {
        let reader = match kind {
            PageKind::Params => &mut self.params,
            PageKind::Model => &mut self.models,
        };
        let (head, why, words): (PageHead, Why, &[u64]) = match reader.take() {
            Taken::Nothing | Taken::Lapped => return None,
            Taken::Page(head, words) => (head, Why::None, words),
            Taken::Refused(head, why) => (head, why, &[]),
        };
        encode(&head, why, words, &mut self.page).map(|len| Knock::Page(kind, len))
    }

    /// Lends the bytes of the page that knocked; to be [given back](Door::give_back).
    pub fn lend(&mut self) -> Box<[u8]> {
        std::mem::take(&mut self.page)
    }

    /// See [`Door::lend`].
    pub fn give_back(&mut self, page: Box<[u8]>) {
        self.page = page;
    }

    /// Answers, unless others have to carry it out first: then what they have to do.
    pub fn answer(&mut self, now: Nanos, answer: &Answer) -> Option<ControlCommand> {
        let id = answer.request.id;
        let (waits, command) = match answer.request.command {
            Some(command @ ControlCommand::Snapshot) => (&mut self.snapshot, command),
            Some(command @ ControlCommand::RotateJournal) => (&mut self.rotation, command),
            _ => return self.reply(now, answer),
        };
        if answer.refusal.is_some() {
            return self.reply(now, answer);
        }
        if waits.is_some() {
            self.say(now, id, Refusal::NotNow as u32, 0); // the one before is not done yet
            return None;
        }
        *waits = Some(id);
        Some(command)
    }

    fn reply(&mut self, now: Nanos, answer: &Answer) -> Option<ControlCommand> {
        self.say(now, answer.request.id, answer.result(), answer.value);
        None
    }

    /// The views have been written.
    pub fn snapshot_done(&mut self, now: Nanos) {
        if let Some(id) = self.snapshot.take() {
            self.say(now, id, 0, 0);
        }
    }

    /// The journal writer began a new segment, or could not (`result`, as in a reply).
    pub fn rotation_done(&mut self, now: Nanos, result: u32) {
        if let Some(id) = self.rotation.take() {
            self.say(now, id, result, 0);
        }
    }

    /// Whether a request waits for the journal writer.
    pub fn is_rotating(&self) -> bool {
        self.rotation.is_some()
    }

    fn say(&mut self, now: Nanos, id: u64, result: u32, value: u64) {
        let reply = Reply { id, result, at: now, cycles: cycles(), value };
        self.unanswered += u64::from(!self.commands.answer(&reply));
    }
}
