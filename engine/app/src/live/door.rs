//! Where control comes in: pages of parameters, models, requests.
//!
//! Model: the tile knocks once a turn. A page is copied out of the mailbox, whole and checked by its
//! reader, and becomes the bytes of an input; a request becomes an input as it is. What a refused page
//! was refused for travels with it, so that the journal says it too. Answers go out by the same door.
//! What came in shuts the door until the next house-keeping opens it: a control that knocks without end
//! costs the engine, and the journal, one page or request a house-keeping.
//!
//! Worst case: one or two loads when there is nothing; else the copy of one page, or of one request
//! and the pages before it.

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
    is_open: bool,
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
            is_open: true,
            snapshot: None,
            rotation: None,
            unanswered: 0,
        })
    }

    /// Lets the next one in: part of each house-keeping.
    pub fn open(&mut self) {
        self.is_open = true;
    }

    /// Looks for pages in one turn and for a request in the next.
    #[inline]
    pub fn knock(&mut self) -> Option<Knock> {
        if !self.is_open {
            return None;
        }
        self.turns = self.turns.wrapping_add(1);
        match self.turns & 1 {
            0 => self.request(),
            _ => self.page(),
        }
    }

    fn request(&mut self) -> Option<Knock> {
        let request = self.commands.next()?;
        self.is_open = false;
        Some(Knock::Request(request))
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
        self.is_open = false; // a page that was written over meanwhile has cost its copy too
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

#[cfg(test)]
mod tests {
    use nofx_mailbox::{Spec, Steering};

    use super::*;

    /// Knocks in so many turns: pages and requests that came in.
    fn knocks(door: &mut Door, turns: usize) -> (usize, usize) {
        (0..turns).filter_map(|_| door.knock()).fold((0, 0), |(pages, requests), knock| match knock
        {
            Knock::Page(..) => (pages + 1, requests),
            Knock::Request(_) => (pages, requests + 1),
        })
    }

    #[test]
    fn between_two_house_keepings_one_knock_is_heard() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mailbox");
        let spec = Spec { param_rows: 4, commands: 8, ..Spec::default() };
        let mut engine = Engine::create(&path, &spec).expect("made");
        let mut door = Door::new(&mut engine, 8).expect("not taken yet");
        let mut control = Steering::open(&path).expect("the lock is free");
        assert_eq!(knocks(&mut door, 10), (0, 0));
        let request =
            Request { id: 1, epoch: 0, at: Nanos(1), command: Some(ControlCommand::Halt) };
        let mut heard = (0, 0);
        for round in 1..=20 {
            control.publish_params(round, 0, Nanos(round), &[]).expect("room");
            _ = control.send(&request); // eight wait: then it is full
            let (pages, requests) = knocks(&mut door, 1_000);
            assert_eq!(pages + requests, 1, "round {round}");
            heard = (heard.0 + pages, heard.1 + requests);
            door.open();
        }
        assert!(heard.0 > 0 && heard.1 > 0, "{heard:?}: each kind has its turn");
    }
}
