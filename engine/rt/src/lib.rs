//! What the hot path runs on: cycle clock, latency histogram, huge-page memory, allocation guard,
//! fixed-capacity hash table, seeded generator.
//!
//! Model: everything is sized and touched before the loop starts; after [`guard::seal`] an
//! allocation on a sealed thread is counted (and aborts where asked). Time is a cycle count read
//! with one instruction and turned into nanoseconds only when a report is written.
//!
//! Worst case: a histogram records in constant time into a flat array; a clock read is one
//! unserialised `rdtsc` (about 10 ns on a virtual machine).
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod arena;
pub mod budget;
pub mod clock;
pub mod guard;
pub mod hist;
pub mod link;
pub mod mem;
pub mod pool;
pub mod ring;
pub mod rng;
pub mod sched;
mod sync;
pub mod table;
pub mod tile;
pub mod topology;
pub mod usage;
