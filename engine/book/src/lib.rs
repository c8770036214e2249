//! Order books: by level for strategies, by order for queue positions, and the naive twin that both
//! are tested against.
//!
//! Model: a feed's [`nofx_types::BookEvent`] goes to `apply`, which answers whether the touch or
//! any level changed. What each event means is written down once, at the top of [`TwinBooks`], and
//! holds for all three.
//!
//! - [`LevelBooks`]: aggregate levels of every instrument, touch always current; the one on the hot
//!   path.
//! - [`QueueBooks`]: every order with its place in the queue, for the instruments that the venue
//!   needs.
//! - [`TwinBooks`]: std maps, obviously right, slow.
//!
//! Shenzhen's raw events become those of a clean book in [`rebuild`], between feed and book.
//!
//! Memory is taken when books are made and never grows; what finds no room is counted and marks its
//! book stale. No event can make a book panic or disagree with itself: `check` proves the
//! invariants at any time.
#![forbid(unsafe_code)]

mod counts;
mod level;
mod queue;
pub mod rebuild;
mod touch_hash;
mod twin;

pub use counts::{BookCounts, Broken, ConfigError};
pub use level::{LevelBook, LevelBooks, LevelConfig};
pub use queue::{QueueBook, QueueBooks, QueueConfig, QueuedOrder};
pub use touch_hash::touch_hash;
pub use twin::{TwinBook, TwinBooks};
