//! Measurements of the engine against baselines in the same run.
//!
//! Model: a measurement is a [`harness::Contest`]: contenders that do the same work, run in turn,
//! round after round, on one pinned core, timed by CPU time. Each lap returns what it computed (a
//! touch hash, a sum); laps that disagree make the contest fail, so a fast wrong book is no result.
//! What is published are the minimum and the median of at least five laps, and ratios between
//! contenders of one contest: absolute times belong to the machine and its neighbours.
//!
//! Worst case: a contest that is disturbed in every lap shows it as a median far above the minimum.
#![forbid(unsafe_code)]

pub mod days;
pub mod harness;
pub mod machine;
pub mod market_days;
pub mod market_walk;
pub mod measure;
pub mod row;
pub mod std_books;
pub mod walk;
