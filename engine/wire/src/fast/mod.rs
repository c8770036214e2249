//! FAST 1.1 with templates that are read at start (FIX Adapted for Streaming, specification 1.1).
//!
//! Model: [`Templates`] come from the exchange's XML and are compiled into lists of instructions whose
//! dictionary entries are slots. A [`Decoder`] holds the slots and walks a message over them, telling
//! a [`FastSink`] each value by name as it is met. Shanghai's own meaning of the values is in
//! [`sse`]. No template of an exchange is compiled in: none is public.
//!
//! Supported: presence maps, integers of 32 and 64 bits, ASCII and Unicode strings, byte vectors,
//! decimals (one operator or two), sequences, groups, static template references; operators none,
//! constant, copy, default, increment, delta and tail; dictionaries global, template and named. Not
//! supported, and refused at start: dynamic template references, dictionary `type`.
//!
//! Worst case: [`ELEMENTS_MAX`] sequence elements a message; a string is at most [`TEXT_MAX`] bytes.
//! After a few messages strings have grown to their size and nothing allocates. What is no message
//! is an error, never a panic; after one the dictionaries are not what the sender's are, so a stream
//! starts anew ([`Decoder::reset`]).

mod bits;
mod decode;
pub mod sse;
mod template;

pub use decode::{Decoder, FastError, FastSink, Value};
pub use template::{TemplateError, Templates};

/// Sequence elements of a message, at most.
pub const ELEMENTS_MAX: u32 = 65_536;
/// Bytes of a string, at most.
pub const TEXT_MAX: usize = 4_096;
