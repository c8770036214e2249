//! [`Views`]: the writer's end of the view pages.

use nofx_types::Nanos;

use crate::layout::{Kind, Layout, NAMED};
use crate::page::{List, Page};
use crate::param::{AckView, ParamRow};
use crate::view::{BookView, FeedView, LinkView, OrderView, PositionView, SessionView, TileView};
use crate::words::Words;

/// Writes view pages, some 20 times a second. Each page has one writer at a time: clones may go to
/// several threads when they write different pages. A row outside the specification is not written.
///
/// Worst case: one write is about as many stores as the record has words (a book: 70).
#[derive(Clone)]
pub struct Views {
    pub(crate) books: Vec<Page<BookView>>,
    pub(crate) orders: List<OrderView>,
    pub(crate) positions: List<PositionView>,
    pub(crate) lines: Vec<Page<FeedView>>,
    pub(crate) sessions: Vec<Page<SessionView>>,
    pub(crate) tiles: Vec<Page<TileView>>,
    pub(crate) links: Vec<Page<LinkView>>,
    /// Of parameters, and of models.
    pub(crate) acks: [Page<AckView>; 2],
    pub(crate) in_force: List<ParamRow>,
}

impl Views {
    /// `None` when the layout has no room for them, which a proven one always has.
    pub(crate) fn new(words: &Words, layout: &Layout) -> Option<Views> {
        Some(Views {
            books: layout.rows(words, Kind::Books).filter_map(|row| Page::new(&row)).collect(),
            orders: List::new(layout.row(words, Kind::Orders, 0)?),
            positions: List::new(layout.row(words, Kind::Positions, 0)?),
            lines: layout.rows(words, Kind::Lines).filter_map(|row| Page::new(&row)).collect(),
            sessions: layout
                .rows(words, Kind::Sessions)
                .filter_map(|row| Page::new(&row))
                .collect(),
            tiles: layout.rows(words, Kind::Tiles).filter_map(below_name).collect(),
            links: layout.rows(words, Kind::Links).filter_map(below_name).collect(),
            acks: [ack(words, layout, 0)?, ack(words, layout, 1)?],
            in_force: List::new(layout.row(words, Kind::InForce, 0)?),
        })
    }

    /// Touch and levels of the instrument in this row.
    #[inline]
    pub fn book(&mut self, now: Nanos, row: usize, view: &BookView) {
        write(&mut self.books, now, row, view);
    }

    /// All working orders.
    #[inline]
    pub fn orders(&mut self, now: Nanos, rows: impl IntoIterator<Item = OrderView>) {
        self.orders.write(now, rows);
    }

    /// All positions.
    #[inline]
    pub fn positions(&mut self, now: Nanos, rows: impl IntoIterator<Item = PositionView>) {
        self.positions.write(now, rows);
    }

    /// One feed line.
    #[inline]
    pub fn feed(&mut self, now: Nanos, line: usize, view: &FeedView) {
        write(&mut self.lines, now, line, view);
    }

    /// One order session.
    #[inline]
    pub fn session(&mut self, now: Nanos, session: usize, view: &SessionView) {
        write(&mut self.sessions, now, session, view);
    }

    /// One tile.
    #[inline]
    pub fn tile(&mut self, now: Nanos, tile: usize, view: &TileView) {
        write(&mut self.tiles, now, tile, view);
    }

    /// What became of the pages of parameters.
    #[inline]
    pub fn params_ack(&mut self, now: Nanos, ack: &AckView) {
        self.acks[0].write(now, ack);
    }

    /// What became of the models.
    #[inline]
    pub fn model_ack(&mut self, now: Nanos, ack: &AckView) {
        self.acks[1].write(now, ack);
    }

    /// All parameters with the values that hold now.
    #[inline]
    pub fn in_force(&mut self, now: Nanos, rows: impl IntoIterator<Item = ParamRow>) {
        self.in_force.write(now, rows);
    }

    /// One link.
    #[inline]
    pub fn link(&mut self, now: Nanos, link: usize, view: &LinkView) {
        write(&mut self.links, now, link, view);
    }
}

/// The page of acknowledgements of parameters (0) or models (1).
pub(crate) fn ack(words: &Words, layout: &Layout, row: usize) -> Option<Page<AckView>> {
    below_name(layout.row(words, Kind::Acks, row)?)
}

/// The page below a row's name.
fn below_name<T: bytemuck::Pod>(row: Words) -> Option<Page<T>> {
    Page::new(&row.part(NAMED..row.len())?)
}

#[inline]
fn write<T: bytemuck::Pod>(pages: &mut [Page<T>], now: Nanos, row: usize, view: &T) {
    if let Some(page) = pages.get_mut(row) {
        page.write(now, view);
    }
}
