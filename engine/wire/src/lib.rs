//! Venue protocols as records: layouts, framing, encode and decode, no state.
//!
//! Model: a message is a `#[repr(C)]` view of bytes with alignment 1 whose fields are read in place;
//! its length is proven once, by `parse`, and its size and offsets are asserted at compile time.
//! Beside each codec stands the table of its fields. Feeds, order entry and the venue share these
//! records; nothing here keeps state, allocates or fails on outside bytes other than by `None` or a
//! typed error.
//!
//! | module | protocol | byte order |
//! |---|---|---|
//! | [`itch`] | Nasdaq TotalView-ITCH 5.0, 23 messages | big |
//! | [`mold`] | MoldUDP64 1.00 packets | big |
//! | [`glimpse`] | GLIMPSE 5.0 snapshot marker | big |
//! | [`iex`] | IEX-TP v1, DEEP 1.0, DEEP+, TOPS 1.5/1.6 | little |
//! | [`dbn`] | Databento DBN market-by-order record | little |
//! | [`soup`] | SoupBinTCP 3.00 frames | big |
//! | [`ocg`] | HKEX OCG-C order entry | little |
//! | [`tgw`] | Shenzhen trading gateway 1.29, order entry (layouts experimental) | big |
//! | [`tdgw`] | Shanghai trading gateway 0.57, order entry (layouts experimental) | big |
//! | [`ouch50`], [`ouch42`] | Nasdaq OUCH order entry | big |
//! | [`omdc`] | HKEX OMD-C 1.45, packets and 32 messages | little |
//! | [`szse`] | Shenzhen binary Level-2: frame (also of its gateway), session, ticks, snapshots | big |
#![no_std]
#![forbid(unsafe_code)]

extern crate std;

pub mod dbn;
pub mod fast;
pub mod glimpse;
pub mod iex;
pub mod itch;
pub mod mold;
pub mod num;
pub mod ocg;
pub mod omdc;
pub mod ouch42;
pub mod ouch50;
mod record;
pub mod soup;
pub mod step;
pub mod szse;
pub mod tdgw;
pub mod text;
pub mod tgw;
