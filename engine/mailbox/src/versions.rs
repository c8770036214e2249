//! The version protocol: pages that control writes and the engine reads, the older ones kept.
//!
//! ```text
//! word 0        current: publication << 8 | slot; slot 255: none yet        (a line of its own)
//! word 16       slot 0 … slot 7, each:
//!        + 0    stamp: the publication it was filled for, 0 while it is being filled
//!        + 1    last publication that named it, noted when another takes its place
//!        + 2    fencing epoch of who published it last
//!        + 3    CRC32C of the words from here on
//!        + 4    version
//!        + 5    schema hash
//!        + 6    time it was written
//!        + 7    words of the body
//!        + 8    the body
//! ```
//!
//! Model: the writer fills a slot that is not current and makes it current with one release store; to
//! roll back is that store alone, naming a slot of before under a new publication number. Of eight
//! slots one is current and one may be being filled, so six are kept; the one that was current longest
//! ago is filled next, but never the one that the engine says it runs on. A reader copies the slot that
//! `current` names and looks at its stamp again: a slot that is filled again has a stamp above the
//! publication the reader went for, so a stamp that stayed, at or below, proves the copy whole. What a
//! writer left half done when it died has no name, and is swept by the next writer.
//!
//! Everything here is written by control and is outside bytes for the reader: slot, stamp and length
//! are checked, and the checksum tells a page that another hand spoiled.
//!
//! Worst case: a reader does one load when nothing is new, else W + 11 loads and a checksum of W + 4
//! words, one try per call, whatever the writer does or left. It is lapped only by seven publications
//! within one copy. A writer does W + 11 stores to publish, 3 to roll back.

use nofx_types::Nanos;

use crate::param::{PageHead, Why};
use crate::sync::{AtomicU64, Ordering, acquire, fence};
use crate::words::Words;

/// Slots of a section: the current page, one being filled, six kept.
#[cfg(not(loom))]
pub const SLOTS: usize = 8;
/// As few as there can be, so that loom comes round them.
#[cfg(loom)]
pub const SLOTS: usize = 3;

const CURRENT: usize = 0;
const FIRST_SLOT: usize = 16;

const STAMP: usize = 0;
const USED: usize = 1;
const EPOCH: usize = 2;
const CRC: usize = 3;
/// From here on the checksum counts: what the reader's buffer begins with.
const SUMMED: usize = 4;
const BODY: usize = 8;
/// Words of the buffer before the body: version, schema, time, length.
const BUFFER_HEAD: usize = BODY - SUMMED;

/// The stamp of a slot that is being filled, or never was; publications count from 1.
const FILLING: u64 = 0;
/// The slot number that names none.
const NONE: u64 = 0xFF;

const _: () = assert!(FIRST_SLOT * 8 == 128 && SUMMED * 8 == 32 && BODY * 8 == 64);
const _: () = assert!((SLOTS as u64) < NONE);

/// Words of a section whose pages hold up to `words` words each.
pub(crate) const fn version_words(words: usize) -> usize {
    FIRST_SLOT + SLOTS * slot_words(words)
}

const fn slot_words(words: usize) -> usize {
    (BODY + words).next_multiple_of(8)
}

/// Room for a copy of any page of up to `words` words.
pub(crate) fn buffer(words: usize) -> Box<[u64]> {
    vec![0; BUFFER_HEAD + words].into_boxed_slice()
}

/// The two parts of the word `current`.
fn split(named: u64) -> (u64, u64) {
    (named >> 8, named & 0xFF)
}

fn load(slot: &[AtomicU64], at: usize) -> u64 {
    slot.get(at).map_or(0, |word| word.load(Ordering::Relaxed))
}

fn store(slot: &[AtomicU64], at: usize, value: u64) {
    if let Some(word) = slot.get(at) {
        word.store(value, Ordering::Relaxed);
    }
}

fn crc(words: &[u64]) -> u64 {
    u64::from(crc32c::crc32c(bytemuck::cast_slice(words)))
}

/// What copying a page came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// It is whole.
    Whole(PageHead),
    /// The writer published over it meanwhile: look again.
    Lapped,
    /// It is no page.
    Bad(PageHead, Why),
}

/// One section of pages, as both sides see it.
#[derive(Clone)]
pub(crate) struct Versions {
    words: Words,
    /// Words that a body may have.
    room: usize,
}

impl Versions {
    /// `None` when `words` are not as many as such a section has.
    pub(crate) fn new(words: Words, room: usize) -> Option<Versions> {
        (words.len() >= version_words(room)).then_some(Versions { words, room })
    }

    /// Words that a body may have.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// The word that names the current page: one load.
    #[inline]
    pub(crate) fn named(&self) -> u64 {
        self.words.get(CURRENT).map_or(NONE, acquire)
    }

    /// Whether `named` says that nothing was published yet.
    pub(crate) fn is_none(named: u64) -> bool {
        split(named).1 == NONE
    }

    #[inline]
    fn slot(&self, index: u64) -> Option<&[AtomicU64]> {
        let index = usize::try_from(index).ok().filter(|index| *index < SLOTS)?;
        let words = slot_words(self.room);
        self.words.get(FIRST_SLOT + index * words..)?.get(..words)
    }

    fn slots(&self) -> impl Iterator<Item = (u64, &[AtomicU64])> {
        (0..SLOTS as u64).filter_map(|index| Some((index, self.slot(index)?)))
    }

    /// Copies the page that `named` names into `buffer`, made by [`buffer`] for this section's room.
    #[inline]
    pub(crate) fn copy(&self, named: u64, buffer: &mut [u64]) -> Copied {
        let (publication, index) = split(named);
        let nothing = PageHead { publication, ..PageHead::default() };
        let Some(slot) = self.slot(index) else { return Copied::Bad(nothing, Why::Checksum) };
        let stamp = load(slot, STAMP);
        fence(Ordering::Acquire); // the words of this stamp, or of a later one
        let says = load(slot, BODY - 1);
        let length = says.min(self.room as u64) as usize;
        let (epoch, sum) = (load(slot, EPOCH), load(slot, CRC));
        let summed = buffer.get_mut(..BUFFER_HEAD + length).unwrap_or_default();
        for (place, word) in summed.iter_mut().zip(slot.get(SUMMED..).unwrap_or_default()) {
            *place = word.load(Ordering::Relaxed);
        }
        // Whoever saw one word of a later fill sees its FILLING: pairs with the fence of `publish`.
        fence(Ordering::Acquire);
        if stamp == FILLING || stamp > publication || load(slot, STAMP) != stamp {
            // Who saw FILLING sees that another page is current. If none is, no writer did this.
            let bad = look_again(&self.words) == named;
            return if bad { Copied::Bad(nothing, Why::Checksum) } else { Copied::Lapped };
        }
        let [version, schema, at, _] = *summed.first_chunk().unwrap_or(&[0; BUFFER_HEAD]);
        let (epoch, words) = (epoch as u32, says.min(u64::from(u32::MAX)) as u32);
        let head = PageHead { publication, version, schema, epoch, words, at: Nanos(at) };
        match says == length as u64 {
            false => Copied::Bad(head, Why::TooManyRows),
            true if crc(summed) != sum => Copied::Bad(head, Why::Checksum),
            true => Copied::Whole(head),
        }
    }

    /// The body in a buffer that [`Versions::copy`] filled.
    #[inline]
    pub(crate) fn body<'a>(&self, buffer: &'a [u64], head: &PageHead) -> &'a [u64] {
        buffer.get(BUFFER_HEAD..).and_then(|body| body.get(..head.words as usize)).unwrap_or(&[])
    }

    /// The current page, for displays and for the engine that follows: tries again when lapped.
    pub(crate) fn current(&self) -> Option<(PageHead, Vec<u64>)> {
        let mut buffer = buffer(self.room).into_vec();
        for _ in 0..100 {
            let named = self.named();
            match self.copy(named, &mut buffer) {
                _ if Versions::is_none(named) => return None,
                Copied::Whole(head) => {
                    buffer.truncate(BUFFER_HEAD + head.words as usize);
                    buffer.drain(..BUFFER_HEAD);
                    return Some((head, buffer));
                }
                Copied::Lapped => {}
                Copied::Bad(..) => return None,
            }
        }
        None
    }

    /// Last publication that named the slot; 0 for one that none names.
    fn last_named(&self, slot: &[AtomicU64]) -> u64 {
        match load(slot, STAMP) {
            FILLING => 0,
            stamp => stamp.max(load(slot, USED)),
        }
    }

    /// The pages that can be rolled back to, the latest in force first; not the current one.
    pub(crate) fn kept(&self) -> Vec<PageHead> {
        let (publication, current) = split(self.named());
        let mut buffer = buffer(self.room);
        let others = self.slots().filter(|(index, _)| *index != current);
        let mut kept: Vec<_> = others
            .filter_map(|(index, slot)| match self.copy(publication << 8 | index, &mut buffer) {
                Copied::Whole(head) => {
                    Some(PageHead { publication: self.last_named(slot), ..head })
                }
                _ => None,
            })
            .collect();
        kept.sort_by_key(|head| std::cmp::Reverse(head.publication));
        kept
    }
}

/// A look at `current` after a slot's stamp.
fn look_again(words: &[AtomicU64]) -> u64 {
    fence(Ordering::Acquire); // the stamp seen before: pairs with the store of FILLING
    words.get(CURRENT).map_or(NONE, |word| word.load(Ordering::Relaxed))
}

// The engine's side before the file has its name.
impl Versions {
    /// An empty section.
    pub(crate) fn begin(&self) {
        store(&self.words, CURRENT, NONE);
    }

    /// Takes over from the file before: its publication number and, of the same schema, its pages.
    /// Returns the word that named publication `applied`, if that page came over.
    pub(crate) fn inherit(&self, old: &Versions, schema: u64, applied: u64) -> Option<u64> {
        let mut buffer = buffer(old.room);
        for _ in 0..100 {
            let named = old.named();
            let (publication, current) = split(named);
            store(&self.words, CURRENT, publication << 8 | NONE);
            let mut found = None;
            let mut lapped = false;
            for (index, slot) in old.slots() {
                let (used, last) = (load(slot, USED), old.last_named(slot));
                let stamp = load(slot, STAMP);
                let head = match old.copy(publication << 8 | index, &mut buffer) {
                    Copied::Whole(head) if head.schema == schema => head,
                    Copied::Lapped => {
                        lapped |= index == current;
                        continue;
                    }
                    _ => continue,
                };
                if !self.put(index, &head, old.body(&buffer, &head)) {
                    continue;
                }
                let Some(place) = self.slot(index) else { continue };
                store(place, STAMP, stamp);
                store(place, USED, used);
                if index == current {
                    store(&self.words, CURRENT, named);
                }
                let names = [stamp, last, if index == current { publication } else { 0 }];
                if applied != 0 && names.contains(&applied) {
                    found = Some(applied << 8 | index);
                }
            }
            if !lapped {
                return found;
            }
        }
        None
    }

    /// Fills a slot but for its stamp; `false` when the body does not fit.
    fn put(&self, index: u64, head: &PageHead, body: &[u64]) -> bool {
        let Some(slot) = self.slot(index).filter(|_| body.len() <= self.room) else { return false };
        let summed = [head.version, head.schema, head.at.0, body.len() as u64];
        let words = slot.get(SUMMED..).unwrap_or_default();
        words.iter().zip(summed.iter().chain(body)).for_each(|(word, value)| {
            word.store(*value, Ordering::Relaxed);
        });
        let sum = crc32c::crc32c_append(
            crc32c::crc32c(bytemuck::cast_slice(&summed)),
            bytemuck::cast_slice(body),
        );
        store(slot, CRC, u64::from(sum));
        store(slot, EPOCH, u64::from(head.epoch));
        store(slot, USED, 0);
        true
    }
}

/// Control's end of a section: its only writer.
pub(crate) struct VersionWriter {
    versions: Versions,
}

impl VersionWriter {
    /// The writer of a section; sweeps what the writer before left without a name.
    pub(crate) fn new(versions: Versions) -> VersionWriter {
        let (publication, _) = split(versions.named());
        for (_, slot) in versions.slots() {
            if load(slot, STAMP) > publication {
                store(slot, STAMP, FILLING);
            }
        }
        VersionWriter { versions }
    }

    /// What the section holds.
    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Publishes a page; the engine runs on publication `applied`, whose slot stays. Returns the
    /// number of the publication; `None` when the body is longer than the section's room.
    pub(crate) fn publish(&mut self, applied: u64, head: &PageHead, body: &[u64]) -> Option<u64> {
        let versions = &self.versions;
        let named = versions.named();
        let publication = split(named).0 + 1;
        let index = self.free(named, applied)?;
        let slot = versions.slot(index).filter(|_| body.len() <= versions.room)?;
        // Who sees FILLING sees that this slot is not current: pairs with the second look of `copy`.
        slot.first()?.store(FILLING, Ordering::Release);
        // Who sees a word of the page sees FILLING: pairs with the second fence of `copy`.
        fence(Ordering::Release);
        if !versions.put(index, head, body) {
            return None;
        }
        slot.first()?.store(publication, Ordering::Release);
        self.name(named, publication, index)
    }

    /// Makes the kept page `version` current again, published by `epoch`: one store. `None` when
    /// there is none; the latest in force where there are several.
    pub(crate) fn roll_back(&mut self, version: u64, epoch: u32) -> Option<u64> {
        let versions = &self.versions;
        let named = versions.named();
        let (publication, current) = split(named);
        let mut buffer = buffer(versions.room);
        let found = versions.slots().filter(|(index, _)| *index != current);
        let found = found.filter(|(index, _)| {
            matches!(versions.copy(publication << 8 | index, &mut buffer),
                Copied::Whole(head) if head.version == version)
        });
        let (index, slot) = found.max_by_key(|(_, slot)| versions.last_named(slot))?;
        store(slot, EPOCH, u64::from(epoch));
        self.name(named, publication + 1, index)
    }

    /// The store that makes a slot current, and before it the note which publication it follows.
    fn name(&self, before: u64, publication: u64, index: u64) -> Option<u64> {
        let (previous, current) = split(before);
        if let Some(slot) = self.versions.slot(current) {
            store(slot, USED, previous);
        }
        let word = self.versions.words.get(CURRENT)?;
        word.store(publication << 8 | index, Ordering::Release);
        Some(publication)
    }

    /// The slot to fill: the one current longest ago.
    fn free(&self, named: u64, applied: u64) -> Option<u64> {
        let (_, current) = split(named);
        let runs = |slot: &[AtomicU64]| {
            let stamp = load(slot, STAMP);
            applied != 0 && stamp != FILLING && (stamp == applied || load(slot, USED) == applied)
        };
        let free = self.versions.slots().filter(|(index, slot)| *index != current && !runs(slot));
        free.min_by_key(|(_, slot)| self.versions.last_named(slot)).map(|(index, _)| index)
    }
}
