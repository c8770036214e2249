//! What the fuzz targets check: one file of checks per family of decoders, one target per decoder.
//!
//! Every check is a plain function of bytes. The tests of the crates run the same functions over the
//! seed corpus, so a broken seed shows without a fuzzer.
#![forbid(unsafe_code)]

pub mod capture;
pub mod fast;
pub mod gate_words;
pub mod gateways;
pub mod mailbox;
pub mod market_data;
pub mod omdc;
pub mod omdc_feed;
pub mod order_entry;
pub mod order_gateways;
pub mod order_session;
pub mod recovery;
pub mod szse;
pub mod szse_feed;
pub mod tcp_flow;
pub mod ticks;
