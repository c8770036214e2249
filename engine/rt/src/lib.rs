//! What the hot path runs on: tiles and their layout, rings and links between them, pools, huge-page
//! memory, cycle clock, latency histogram, allocation guard, fixed-capacity hash table, seeded
//! generator.
//!
//! Model: a [`tile`] is one thread with one loop; [`topology`] says which stages it runs and which
//! [`link`]s join it to others. A link is a [`ring`] with a rule for when it is full. Everything is
//! sized as a [`budget`] and touched before the loop starts; after [`guard::seal`] an allocation on a
//! sealed thread is counted (and aborts where asked). Time is a cycle count read with one
//! instruction and turned into nanoseconds only when a report is written.
//!
//! Worst case: push, pop, take and give are constant time and never wait; a histogram records in
//! constant time into a flat array; a clock read is one unserialised `rdtsc` (about 10 ns on a
//! virtual machine). A turn of a tile is as long as its work's burst, command and house-keeping.
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
