//! Venue protocols as records: layouts, framing, encode and decode, no state.
//!
//! Model: a message is a `#[repr(C)]` view of bytes with alignment 1 whose fields are read in place;
//! its length is proven once, by `parse`, and its size and offsets are asserted at compile time.
//! Beside each codec stands the table of its fields. Feeds, order entry and the venue share these
//! records; nothing here keeps state, allocates or fails on outside bytes other than by `None` or a
//! typed error.
//!
//! | module | protocol | byte order | the specification |
//! |---|---|---|---|
//! | [`itch`] | 23 messages, BinaryFILE | big | Nasdaq, TotalView-ITCH 5.0 (2026-02); BinaryFILE 1.00 |
//! | [`mold`] | packets | big | Nasdaq, MoldUDP64 Protocol Specification 1.00 |
//! | [`glimpse`] | snapshot marker | big | Nasdaq, GLIMPSE 5.0 |
//! | [`iex`] | segments, messages | little | IEX, Transport Specification 1.25; DEEP 1.06 and 1.08; DEEP+ 1.02 and 1.04; TOPS 1.56, 1.64 and 1.66 |
//! | [`dbn`] | market-by-order record | little | Databento, DBN |
//! | [`soup`] | frames | big | Nasdaq, SoupBinTCP 3.00 |
//! | [`ouch50`], [`ouch42`] | order entry | big | Nasdaq, OUCH 5.0 (2023-04) and 4.2 |
//! | [`omdc`] | packets and 32 messages | little | HKEX, OMD-C Binary Interface Specifications 1.45 |
//! | [`ocg`] | order entry | little | HKEX, OCG-C Binary Trading Protocol |
//! | [`szse`] | frame (also of its gateway), session, ticks, snapshots | big | Shenzhen, Binary Market Data Interface Specification 1.01 to 1.17 |
//! | [`tgw`] | order entry (layouts experimental) | big | Shenzhen, Binary Trading Data Interface Specification 1.29 |
//! | [`tdgw`] | order entry (layouts experimental) | big | Shanghai, binary trading interface of the auction platform 0.57 |
//! | [`step`], [`fast`] | envelope, transfer encoding, merged ticks | text, bits | Shanghai, LDDS Level-2 interface 2.0.6; FIX Adapted for Streaming 1.1 |
//!
//! Not all of these documents could be read: layouts were compared over public codecs of them and
//! real captures. \[?\] marks what none of these says, "from memory" what nobody could confirm.
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
