//! What a mailbox shows at one moment, as one record.
//!
//! Model: a [`Shot`] is everything a [`nofx_mailbox::Watcher`] can read, with codes turned into words
//! and rates taken from two [`Look`]s; it is the JSON object of `nofx top --json` and of the control
//! process alike, so that the two never differ. [`Looks`] keeps the earlier looks that rates are
//! compared with. [`words`] holds what the codes of the pages mean.
//!
//! [`record`] is what the journal holds, for whoever reads it.
//!
//! Worst case: a look copies every page and histogram, some hundred kilobytes; the engine notices
//! nothing of it.
#![forbid(unsafe_code)]

mod looks;
pub mod record;
mod shot;
pub mod words;

pub use looks::Looks;
pub use shot::*;
