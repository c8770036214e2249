//! [`PageReader`]: the engine's end of a section of pages.

use crate::kill::KillWords;
use crate::param::{PageHead, Why};
use crate::versions::{Copied, Versions, buffer};

/// What a look at the pages came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// Nothing new.
    Nothing,
    /// The writer published over the page while it was copied: there is a newer one; look again.
    Lapped,
    /// A whole page that this engine may look at: its words are a private copy.
    Page(PageHead, &'a [u64]),
    /// A page that must not be used: checksum, schema, fence or length.
    Refused(PageHead, Why),
}

/// Takes each published page once, in a private buffer. An engine that starts is given first the page
/// on which the engine before ran, then the current one if that is another.
///
/// Worst case: one load when nothing is new; else the copy and checksum of one page (`versions`). No
/// allocation, no wait, no call to the system, whatever control writes.
pub struct PageReader {
    versions: Versions,
    kill: KillWords,
    schema: u64,
    /// A page is a multiple of this many words.
    unit: usize,
    /// The word that named what was taken last.
    seen: u64,
    /// Names the page that the engine before ran on, until it is taken: its fence was passed then.
    inherited: Option<u64>,
    buffer: Box<[u64]>,
}

impl PageReader {
    pub(crate) fn new(
        versions: Versions,
        kill: KillWords,
        schema: u64,
        unit: usize,
        inherited: Option<u64>,
    ) -> PageReader {
        let named = versions.named();
        // 0 names publication 0, which there is not.
        let seen = if Versions::is_none(named) && inherited.is_none() { named } else { 0 };
        let buffer = buffer(versions.room());
        PageReader { versions, kill, schema, unit, seen, inherited, buffer }
    }

    /// Whether something was published since the last [`PageReader::take`]: one load.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.versions.named() != self.seen
    }

    /// The page published last, unless it was taken already.
    #[inline]
    pub fn take(&mut self) -> Taken<'_> {
        let named = self.versions.named();
        if named == self.seen {
            return Taken::Nothing;
        }
        self.take_new(named)
    }

    #[cold]
    fn take_new(&mut self, current: u64) -> Taken<'_> {
        let inherited = self.inherited.take();
        let named = inherited.unwrap_or(current);
        if Versions::is_none(named) {
            self.seen = named;
            return Taken::Nothing;
        }
        let copied = self.versions.copy(named, &mut self.buffer);
        if copied == Copied::Lapped {
            return Taken::Lapped;
        }
        self.seen = named;
        match copied {
            Copied::Bad(head, why) => Taken::Refused(head, why),
            Copied::Whole(head) => match self.refuses(&head, inherited.is_some()) {
                Some(why) => Taken::Refused(head, why),
                None => Taken::Page(head, self.versions.body(&self.buffer, &head)),
            },
            Copied::Lapped => Taken::Lapped,
        }
    }

    fn refuses(&self, head: &PageHead, passed_fence: bool) -> Option<Why> {
        if head.schema != self.schema || !(head.words as usize).is_multiple_of(self.unit) {
            return Some(Why::Schema);
        }
        (!passed_fence && head.epoch < self.kill.epoch()).then_some(Why::Fenced)
    }
}
