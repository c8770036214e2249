//! A simulated channel: a day published on two bad lines, bad re-request servers, a bad snapshot
//! server, and time. Everything follows from the seed.
#![allow(dead_code)] // each test binary uses a part

pub mod day;
pub mod truth;
pub mod world;
