//! Captures as ports: [`Replay`] hands the packets of a file out as if they arrived, [`Tee`] writes
//! what passes another port to a file.

mod replay;
mod tee;

pub use replay::Replay;
pub use tee::{Recorder, Tee};
