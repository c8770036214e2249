//! [`Helm`]: the writing end of one mailbox, and the commands that wait for an answer.

use std::collections::VecDeque;
use std::path::Path;

use nofx_mailbox::{ControlCommand, Reply, Request};
use nofx_mailbox::{MailboxError, Steering, Watcher};
use tokio::sync::oneshot;

/// Answers kept for those who ask later.
const KEPT: usize = 256;
/// Commands that may wait for an answer.
const WAITING: usize = 64;

/// The writing end, opened when it is first needed.
#[derive(Default)]
pub(super) struct Helm {
    steering: Option<Steering>,
    waiting: Vec<(u64, oneshot::Sender<Reply>)>,
    replies: VecDeque<Reply>,
}

impl Helm {
    /// The writing end of the file that is at `path` now.
    pub(super) fn at(&mut self, path: &Path) -> Result<&mut Steering, MailboxError> {
        if self.steering.as_ref().is_some_and(|steering| !steering.is_current()) {
            self.let_go();
        }
        match &mut self.steering {
            Some(steering) => Ok(steering),
            none => Ok(none.insert(Steering::open(path)?)),
        }
    }

    /// Gives the writing end up: the file is another engine's by now. Who waits for an answer will
    /// not get it; what became of the command is unknown.
    pub(super) fn let_go(&mut self) {
        self.steering = None;
        self.waiting.clear();
    }

    /// Sends, under the fencing epoch in force.
    pub(super) fn send(
        &mut self,
        path: &Path,
        watcher: &Watcher,
        (id, command): (u64, ControlCommand),
        answer: oneshot::Sender<Reply>,
    ) -> Result<(), MailboxError> {
        self.waiting.retain(|(_, waiting)| !waiting.is_closed());
        let full = |waiting: u64| {
            let e =
                std::io::Error::other(format!("{waiting} commands wait for the engine already"));
            let (doing, advice) = ("send a command", "see whether the engine still takes commands");
            MailboxError::Io { file: path.to_owned(), doing, advice, source: e }
        };
        if self.waiting.len() >= WAITING {
            return Err(full(WAITING as u64));
        }
        let epoch = watcher.kill_words().epoch();
        let request = Request { id, epoch, at: crate::time::now(), command: Some(command) };
        self.at(path)?.send(&request).map_err(|busy| full(busy.waiting))?;
        self.waiting.push((id, answer));
        Ok(())
    }

    /// Takes what the engine answered; says whether somebody still waits.
    pub(super) fn take_replies(&mut self) -> bool {
        let Some(steering) = &mut self.steering else { return false };
        // One ring's worth at most: the engine waits for nobody.
        for _ in 0..1_024 {
            let Some(reply) = steering.next_reply() else { break };
            if let Some(at) = self.waiting.iter().position(|(id, _)| *id == reply.id) {
                _ = self.waiting.swap_remove(at).1.send(reply); // who gave up finds it in `replies`
            }
            if self.replies.len() >= KEPT {
                self.replies.pop_front();
            }
            self.replies.push_back(reply);
        }
        self.waiting.retain(|(_, waiting)| !waiting.is_closed());
        !self.waiting.is_empty()
    }

    /// The answer to a command sent earlier.
    pub(super) fn reply(&self, id: u64) -> Option<Reply> {
        self.replies.iter().rev().find(|reply| reply.id == id).copied()
    }
}
