//! The one mapped file that the engine shares with whoever watches and steers it.
//!
//! ```text
//!          tile                house-keeping        nofx top, control      nofx kill      control
//!           │ views, counters,    │                      │                    │            │ pages,
//!           │ heart, journal,     │ drain                │ read-only map      │ kill words,│ models,
//!           │ acks, events        │                      │                    │ epoch      │ commands
//!           ▼                     ▼                      ▼                    ▼            ▼
//!  ┌────────┬───────┬──────────┬───────┬───────────┬─────────┬──────┬─────────┬────────┬─────────┐
//!  │ header │ tiles │ counters │ kill  │ books,    │ journal │ acks │ replies,│ params │ commands│
//!  │ table  │ links │ histogr. │ words │ orders .. │ ring    │      │ events  │ models │         │
//!  └────────┴───────┴──────────┴───────┴───────────┴─────────┴──────┴─────────┴────────┴─────────┘
//! ```
//!
//! Model: an [`Engine`] makes the file and writes all of it but for what others steer it with: a
//! [`Switch`] stores kill words and epoch, a [`Steering`] (one at a time, by its lock file) stores
//! pages of parameters, models and commands, and has nothing else mapped for writing; a [`Watcher`]
//! maps the file read-only. Every word of the file is an atomic, every word has one writer, and no
//! side ever waits for another: views change by the two-slot protocol, pages of control by the version
//! protocol, records become visible by one store, counters are plain stores. Whatever side dies, hangs
//! or is stopped, the others go on. What control wrote is outside bytes for the engine. The exact
//! layout is drawn in `layout`, the protocols in `slots`, `versions`, `kill`, `command_ring`, `event`
//! and `journal::ring`.
//!
//! The file belongs on a memory file system (`/dev/shm`): on a disk the system's write-back makes
//! pages read-only now and then, and the tile's next store would wait in the kernel.
//!
//! Worst case: whatever a tile calls here after construction is a bounded number of loads and stores:
//! no call to the system, no lock, no allocation. What a reader shows may be one publication old; it
//! is stamped with the time, so that age can be shown.
#![deny(unsafe_code)] // one exception: the words of a map, in `words`
#![cfg_attr(loom, allow(dead_code))] // the model checker uses a part

mod command;
mod command_ring;
#[cfg(not(loom))]
mod engine;
#[cfg(not(loom))]
mod error;
pub mod event;
#[cfg(not(loom))]
mod ids;
pub mod journal;
mod kill;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod lock;
mod metrics;
#[cfg(not(loom))]
mod old;
mod page;
mod pages;
pub mod param;
#[cfg(not(loom))]
mod process;
mod slots;
#[cfg(not(loom))]
mod spec;
#[cfg(not(loom))]
mod state;
#[cfg(not(loom))]
mod steering;
#[cfg(not(loom))]
mod switch;
mod sync;
mod text;
#[cfg(loom)]
pub mod under_loom;
mod versions;
pub mod view;
#[cfg(not(loom))]
mod views;
#[cfg(not(loom))]
mod watcher;
#[allow(unsafe_code)]
mod words;

pub use command::{ControlCommand, Refusal, Reply, Request};
pub use command_ring::{Busy, CommandCounts, CommandReader};
#[cfg(not(loom))]
pub use engine::{Engine, Heart};
#[cfg(not(loom))]
pub use error::MailboxError;
pub use event::{Event, EventKind, EventReader, EventWriter};
#[cfg(not(loom))]
pub use ids::IdFile;
pub use kill::{KillWords, Scope, Settled};
#[cfg(not(loom))]
pub use layout::{ABI, Identity};
pub use metrics::{Counter, Counts, Histogram};
pub use page::{Rows, Stamped};
pub use pages::{PageReader, Taken};
pub use param::{AckView, PageHead, ParamRow, ParamSpec, Why};
#[cfg(not(loom))]
pub use spec::Spec;
#[cfg(not(loom))]
pub use state::EngineState;
#[cfg(not(loom))]
pub use steering::{Steering, steered_by};
#[cfg(not(loom))]
pub use switch::Switch;
pub use versions::SLOTS;
#[cfg(not(loom))]
pub use views::Views;
#[cfg(not(loom))]
pub use watcher::{Named, SILENCE, Watcher};
