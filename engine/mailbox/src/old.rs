//! What a starting engine takes over from the file before.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::engine::{self, kill_words, versions};
use crate::error::MailboxError;
use crate::journal::RingState;
use crate::kill::KillWords;
use crate::layout::{ACKS, Kind, Layout};
use crate::process;
use crate::versions::Versions;
use crate::views;
use crate::words::Words;

/// The file of the engine before, mapped for loads; what it holds is not trusted.
pub(crate) struct Old {
    pub(crate) kill: KillWords,
    words: Words,
    layout: Layout,
}

impl Old {
    /// `None` where there is no file yet. Refuses while taking the file over would lose or repeat
    /// journal records, of which the new engine's first is `first`.
    pub(crate) fn read(path: &Path, first: u64) -> Result<Option<Old>, MailboxError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(MailboxError::io(path, "open", engine::ADVICE, e)),
        };
        let (words, layout, identity) = engine::read(path, &file)?;
        let journal = layout.row(&words, Kind::Journal, 0);
        let ring = journal.map_or(RingState::default(), |journal| RingState::read(&journal));
        // After a crash of the machine the ring is what the disk happened to have: nothing to recover.
        if identity.boot == process::boot() {
            let (bytes, last) = (ring.waiting, ring.last);
            if bytes > 0 {
                return Err(MailboxError::Undrained { file: path.to_owned(), bytes });
            }
            if first <= last {
                return Err(MailboxError::NumbersAgain { file: path.to_owned(), last, first });
            }
        }
        let damaged =
            || MailboxError::Damaged { file: path.to_owned(), what: "no kill words".into() };
        let kill = kill_words(&words, &layout).ok_or_else(damaged)?;
        Ok(Some(Old { kill, words, layout }))
    }

    /// Copies the pages of this kind that were made for `schema` into `pages`, and their publication
    /// numbers. Returns the word that names the page the engine before ran on, if it came over.
    pub(crate) fn hand_over(&self, kind: Kind, pages: &Versions, schema: u64) -> Option<u64> {
        let old = versions(&self.words, 0, &self.layout, kind)?;
        let row = ACKS.into_iter().position(|pages| pages == kind)?;
        let ack = views::ack(&self.words, &self.layout, row)?.read();
        pages.inherit(&old, schema, ack.map_or(0, |ack| ack.value.applied))
    }
}
