//! A simulated OMD-C channel: a day published on two bad lines, bad retransmission servers, a bad
//! refresh line, and time. Everything follows from the seed.
#![allow(dead_code)] // each test binary uses a part

pub mod day;
pub mod far;
pub mod truth;
pub mod world;
