//! IEX: DEEP 1.0, DEEP+, TOPS 1.5 and 1.6 as book events.
//!
//! Model: one [`Segments`] reads the transport, gives symbols their ids in order of appearance, and
//! translates what the three feeds share; each feed adds the messages that are its own. A feed is
//! a [`Decoder`](crate::Decoder) made of a [`Feed`], so framing stands here once.
//!
//! | feed | book messages | `last` |
//! |---|---|---|
//! | DEEP | `8` `5` as LevelSet | the venue's event flag, closed by us where it never comes |
//! | DEEP+ | `a` `M` `R` `L` `C` as Add, Replace, Delete, Execute, Clear | symbol or time of the next message differs |
//! | TOPS | `Q` as Clear and two LevelSet | on the last of them |

mod deep;
mod deep_plus;
mod segments;
mod shared;
mod tops;

pub use deep::Deep;
pub use deep_plus::DeepPlus;
pub use segments::{Feed, Iex, Segments};
pub use tops::Tops;

use crate::packet::LineFeed;

/// DEEP 1.0 over IEX-TP: price levels.
pub type IexDeep = LineFeed<Iex<Deep>>;
/// DEEP+ over IEX-TP: orders.
pub type IexDeepPlus = LineFeed<Iex<DeepPlus>>;
/// TOPS 1.5 and 1.6 over IEX-TP: the touch.
pub type IexTops = LineFeed<Iex<Tops>>;
