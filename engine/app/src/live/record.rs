//! What the journal of a live run holds: the records stand where control can read them too.

pub use nofx_shot::record::*;
