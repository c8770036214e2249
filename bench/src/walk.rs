//! The walk that all books are measured in: decode a BinaryFILE in memory, apply each event, in
//! order, one at a time, without looking ahead.

use nofx_book::{LevelBooks, QueueBooks, TwinBooks};
use nofx_feed::{ConfigError, FeedConfig, ItchFile};
use nofx_types::{BookEvent, EventSink, Instrument};

use crate::std_books::StdBooks;

/// Books of any make.
pub trait Books {
    /// Takes an event; returns whether the touch changed, where the book knows.
    fn apply(&mut self, event: &BookEvent) -> bool;

    /// Learns an instrument.
    fn define(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// One number for the touches of all books ([`nofx_book::touch_hash`]).
    fn touch_hash(&self) -> u64;
}

macro_rules! our_books {
    ($($books:ty),*) => {$(
        impl Books for $books {
            #[inline(always)]
            fn apply(&mut self, event: &BookEvent) -> bool {
                <$books>::apply(self, event).touch
            }

            fn define(&mut self, instrument: &Instrument) {
                <$books>::define(self, instrument);
            }

            fn touch_hash(&self) -> u64 {
                <$books>::touch_hash(self)
            }
        }
    )*};
}

our_books!(LevelBooks, QueueBooks, TwinBooks);

impl Books for StdBooks {
    #[inline(always)]
    fn apply(&mut self, event: &BookEvent) -> bool {
        StdBooks::apply(self, event);
        false
    }

    fn touch_hash(&self) -> u64 {
        StdBooks::touch_hash(self)
    }
}

/// No books: the price of decoding. Its hash is that of the events' order references.
#[derive(Default)]
pub struct NoBooks(u64);

impl Books for NoBooks {
    #[inline(always)]
    fn apply(&mut self, event: &BookEvent) -> bool {
        // All of the event must exist: a decoder whose fields nobody reads is compiled away.
        std::hint::black_box(event);
        self.0 += 1;
        false
    }

    fn touch_hash(&self) -> u64 {
        self.0
    }
}

struct Sink<'a, B> {
    books: &'a mut B,
    touches: u64,
}

impl<B: Books> EventSink for Sink<'_, B> {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        self.touches += u64::from(self.books.apply(event));
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.books.define(instrument);
    }
}

/// The feed that a walk drives.
///
/// # Errors
/// Never, as long as the default configuration is valid.
pub fn feed() -> Result<ItchFile, ConfigError> {
    ItchFile::new(FeedConfig::default())
}

/// Walks the messages of a BinaryFILE into `books`; returns how many there were.
#[inline(never)]
pub fn walk<B: Books>(bytes: &[u8], feed: &mut ItchFile, books: &mut B) -> u64 {
    let mut sink = Sink { books, touches: 0 };
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first_chunk::<2>()
        && let Some((message, behind)) = behind.split_at_checked(u16::from_be_bytes(*length).into())
        && !message.is_empty()
    {
        feed.on_message(message, &mut sink);
        rest = behind;
    }
    // Whether touches changed is part of the work.
    std::hint::black_box(sink.touches);
    feed.report().total
}

/// The first `most` messages of a BinaryFILE.
pub fn front(bytes: &[u8], most: u64) -> &[u8] {
    let mut end = 0;
    for _ in 0..most {
        let length = bytes.get(end..).and_then(|rest| rest.first_chunk::<2>());
        let Some(length) = length else { break };
        end += 2 + usize::from(u16::from_be_bytes(*length));
    }
    bytes.get(..end).unwrap_or(bytes)
}
