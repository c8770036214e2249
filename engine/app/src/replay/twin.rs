//! `--twin`: a naive book beside ours, compared after every event.

use nofx_book::{LevelBooks, TwinBooks};
use nofx_types::{BookEvent, Instrument, InstrumentId, Ladder, Level, Side};

/// Levels per side that are compared.
const DEPTH: usize = 10;

/// The naive books and the first difference.
#[derive(Default)]
pub struct Twin {
    books: TwinBooks,
    compared: u64,
    difference: Option<String>,
}

impl Twin {
    /// An instrument was defined.
    pub fn define(&mut self, instrument: &Instrument) {
        self.books.define(instrument);
    }

    /// Applies the event and compares what both books show. After a difference nothing more is
    /// compared: the first one is what matters.
    #[cold]
    pub fn check(&mut self, event: &BookEvent, ours: &LevelBooks) {
        if self.difference.is_some() {
            return;
        }
        self.books.apply(event);
        self.compared += 1;
        if event.instrument == InstrumentId::ALL {
            let ids: Vec<_> = self.books.instruments().collect();
            ids.into_iter().for_each(|id| self.compare(event, id, ours));
        } else {
            self.compare(event, event.instrument, ours);
        }
    }

    fn compare(&mut self, event: &BookEvent, id: InstrumentId, ours: &LevelBooks) {
        let (mine, theirs) = (ours.touch(id), self.books.touch(id));
        if mine != theirs {
            self.note(event, id, format!("touch {mine:?}, the twin has {theirs:?}"));
            return;
        }
        for side in Side::BOTH {
            let (mut a, mut b) = ([Level::default(); DEPTH], [Level::default(); DEPTH]);
            let n = ours.book(id).levels(side, &mut a);
            let m = self.books.levels(id, side, &mut b);
            if (n, a) != (m, b) {
                let text = format!("{side:?} levels {:?}, the twin has {:?}", &a[..n], &b[..m]);
                self.note(event, id, text);
                return;
            }
        }
    }

    fn note(&mut self, event: &BookEvent, id: InstrumentId, what: String) {
        let text = format!("instrument {} after message {}: {what} ({event:?})", id.0, event.seq);
        self.difference.get_or_insert(text);
    }

    /// Events compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The first difference.
    pub fn difference(&self) -> Option<&str> {
        self.difference.as_deref()
    }
}
