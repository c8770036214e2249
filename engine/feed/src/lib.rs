//! From datagrams and records to [`BookEvent`](nofx_types::BookEvent)s: line arbitration, gaps,
//! translation.
//!
//! Model: a packet feed is two things in a row. The [`sequencer`] makes one stream of numbered
//! messages out of one or two lossy lines; it knows transport numbers and nothing of messages. A
//! [`Decoder`] knows one protocol: how a datagram is framed and what each message means for a book.
//! [`LineFeed`] joins the two, so arbitration is written once and each protocol is one file. Message
//! files ([`ItchFile`], [`DbnMbo`]) have no lines: they are the translation alone.
//!
//! ```text
//!  datagram -> Decoder::datagram -> Sequencer -> run of blocks -> Decoder::message -> EventSink
//!              lengths proven       lines A/B    in order         one event or two
//!                                   gap, reset  ----------------> Stale, Clear on every instrument
//! ```
//!
//! A live channel is more than its lines: [`recovery`] puts a re-request client and a snapshot session
//! around the same sequencer, which then keeps its holes open instead of giving them up.
//!
//! A message is read in place and becomes an event on the stack; everything is generic over the
//! sink, so each message type compiles to straight-line code down to the book. A stream that lost
//! messages cannot say whose they were, so a gap makes every instrument stale. A message whose type
//! changes books but that cannot be read makes its instrument inconsistent, which no recovery of
//! sequence numbers ends.
//!
//! | module | feed | source |
//! |---|---|---|
//! | [`itch`] | MoldUDP64 + TotalView-ITCH 5.0, and ITCH in a BinaryFILE | Nasdaq, TotalView-ITCH 5.0; MoldUDP64 1.00 |
//! | [`iex`] | IEX-TP + DEEP 1.0, DEEP+, TOPS 1.5 and 1.6 | IEX, Transport, DEEP, DEEP+ and TOPS Specification |
//! | [`omdc`] | OMD-C 1.45 full tick | HKEX, OMD-C Binary Interface Specifications 1.45 |
//! | [`szse`] | Shenzhen binary Level-2 over TCP, or in datagrams | Shenzhen, Binary Market Data Interface Specification |
//! | [`dbn`] | Databento DBN, market by order | Databento, DBN |
//! | [`ticks`] | ticks of Shanghai and Shenzhen, from files or a decoder | Shanghai, LDDS Level-2 interface (UA5803); Shenzhen as above |
//!
//! Worst case: one datagram releases everything that waited behind a hole
//! ([`FeedConfig::park_packets`]). Memory is sized by [`FeedConfig`]; nothing allocates after
//! construction but [`PacketFeed::report`]. Bytes from outside are dropped and counted
//! ([`FeedReport::malformed`]), never believed.
#![forbid(unsafe_code)]

mod config;
pub mod dbn;
mod detect;
pub mod iex;
pub mod itch;
pub mod omdc;
mod packet;
pub mod recovery;
mod report;
pub mod sequencer;
mod status;
mod symbols;
pub mod szse;
mod tally;
pub mod ticks;

pub use config::{ConfigError, FeedConfig};
pub use dbn::DbnMbo;
pub use detect::{PacketFeedKind, detect_packet_feed};
pub use iex::{IexDeep, IexDeepPlus, IexTops};
pub use itch::{ItchFile, ItchMold};
pub use omdc::{Omdc, OmdcConfig, OmdcLines, OmdcListing};
pub use packet::{Decoder, LineFeed, PacketFeed, Stamp};
pub use recovery::{
    Action, ChannelState, Join, LineAlarm, LiveFeed, Recovering, RecoveringFeed, RecoveringOmdc,
    RecoveryConfig, RecoveryCounters,
};
pub use report::{FeedReport, LineReport};
pub use sequencer::{Sequencing, Start, StreamCounters};
pub use szse::{ChannelSink, SzseAction, SzseConfig, SzseFeed};
pub use tally::{Fault, Tally};
pub use ticks::{Schedule, TickConfig, TickFeed};
