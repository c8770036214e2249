//! The one mapped file that the engine shares with whoever watches and steers it.
//!
//! ```text
//!            tile                house-keeping          nofx top, control        nofx kill
//!             │ views, counters,    │                        │                      │
//!             │ heart, journal      │ drain                  │ read-only map        │ kill words,
//!             ▼                     ▼                        ▼                      ▼ epoch
//!  ┌────────┬───────┬───────┬──────────┬────────────┬───────┬──────────┬────────┬─────────┐
//!  │ header │ tiles │ links │ counters │ histograms │ kill  │ books,   │ feeds, │ journal │
//!  │ table  │       │       │          │            │ words │ orders.. │ sess.  │ ring    │
//!  └────────┴───────┴───────┴──────────┴────────────┴───────┴──────────┴────────┴─────────┘
//! ```
//!
//! Model: an [`Engine`] makes the file and is its only writer but for two things that a [`Switch`] may
//! store, kill words and epoch; a [`Watcher`] maps it read-only. Every word of the file is an atomic,
//! every word has one writer, and no side ever waits for another: views change by the two-slot
//! protocol, journal records become visible by one store, counters are plain stores. Whatever side
//! dies, hangs or is stopped, the others go on. The exact layout is drawn in `layout`, the protocols
//! in `slots`, `kill` and `journal::ring`.
//!
//! The file belongs on a memory file system (`/dev/shm`): on a disk the system's write-back makes
//! pages read-only now and then, and the tile's next store would wait in the kernel.
//!
//! Worst case: whatever a tile calls here after construction is a bounded number of loads and stores:
//! no call to the system, no lock, no allocation. What a reader shows may be one publication old; it
//! is stamped with the time, so that age can be shown.
#![deny(unsafe_code)] // one exception: the words of a map, in `words`
#![cfg_attr(loom, allow(dead_code))] // the model checker uses a part

#[cfg(not(loom))]
mod engine;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod ids;
pub mod journal;
mod kill;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod lock;
mod metrics;
mod page;
#[cfg(not(loom))]
mod process;
mod slots;
#[cfg(not(loom))]
mod spec;
#[cfg(not(loom))]
mod state;
#[cfg(not(loom))]
mod switch;
mod sync;
#[cfg(loom)]
pub mod under_loom;
pub mod view;
#[cfg(not(loom))]
mod views;
#[cfg(not(loom))]
mod watcher;
#[allow(unsafe_code)]
mod words;

#[cfg(not(loom))]
pub use engine::{Engine, Heart};
#[cfg(not(loom))]
pub use error::MailboxError;
#[cfg(not(loom))]
pub use ids::IdFile;
pub use kill::{KillWords, Scope, Settled};
#[cfg(not(loom))]
pub use layout::{ABI, Identity};
pub use metrics::{Counter, Counts, Histogram};
pub use page::{Rows, Stamped};
#[cfg(not(loom))]
pub use spec::Spec;
#[cfg(not(loom))]
pub use state::EngineState;
#[cfg(not(loom))]
pub use switch::Switch;
#[cfg(not(loom))]
pub use views::Views;
#[cfg(not(loom))]
pub use watcher::{Named, SILENCE, Watcher};
