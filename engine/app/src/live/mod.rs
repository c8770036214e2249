//! `nofx run`: the engine on real sockets, on pinned cores, with a journal.
//!
//! Model: the [`core`] is the engine of the replay with recovery and a real order session, and knows
//! no socket; a [`tile`] polls what brings inputs, and writes each into the journal before the core
//! takes it; the [`tape`] is the other way out, where an order is in the journal before its bytes
//! leave. A second thread, the [`writer`], moves the journal from the mapped file to the disk. So
//! everything that was known and done is in order on disk: [`restart`] rebuilds orders and positions
//! from it, and [`rerun`] takes it through the same core again and compares every decision.
//!
//! ```text
//!  ports, streams ─poll─> tile ──input──> core ──orders──> tape ──> order stream
//!                          │ journal ring (mapped file) <──┘  └──> re-request, snapshot servers
//!                          v
//!                        writer ──> segments, captures            top, kill <──> mapped file
//! ```
//!
//! | what happens | what holds |
//! |---|---|
//! | the process is killed | the ring is in the file: nothing that was acted on is lost |
//! | the machine goes down | at most `live.fsync_ms` of the journal is lost |
//! | the disk is full | orders stop, an alarm is raised, the tile goes on |
//! | a gap nobody fills | books are stale, orders there are cancelled, a snapshot brings them back |
//! | the venue is gone | reconnect with back-off, reconcile, and only then trade |

pub mod acks;
pub mod clock;
pub mod config;
pub mod core;
pub mod door;
pub mod events;
pub mod journal;
pub mod market_feed;
pub mod packets;
pub mod ports;
pub mod prelude;
pub mod record;
pub mod rerun;
pub mod restart;
mod run;
mod service;
pub mod shared;
pub mod split;
mod start;
pub mod steered;
pub mod summary;
mod szse_feed;
pub mod tape;
mod threads;
pub mod tile;
pub mod views;
pub mod writer;

pub use run::{RunArgs, check, run};
