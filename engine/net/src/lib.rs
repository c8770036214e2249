//! Captures, ports and streams: everything between a file or a wire and the bytes inside.
//!
//! Files: a [`bytes::ByteSource`] is a window over the decompressed content of one file. A plain
//! file is mapped and the window is the whole of it; gzip, zstd and pipes run through one bounded
//! buffer that is refilled in place. On top of it stand the containers: [`capture::Capture`] (pcap,
//! pcapng) yields link-layer frames, [`records::BinaryFile`] and [`records::Dbn`] yield messages.
//! [`frame::decode`] turns a frame into a UDP datagram or counts why not; [`frame::segment`] and
//! [`tcp_flow`] make a byte stream of captured TCP. [`join`] makes several
//! captures one stream; [`write`](mod@write) makes captures; [`atomic`] publishes files whole or
//! not at all.
//!
//! ```text
//!  file -> bytes -> detect -> capture -> join -> frame -> Datagram
//!          window             Frame                       (payload, addresses, time)
//!                          -> records -> Record
//! ```
//!
//! Wires: a [`port::FramePort`] moves Ethernet frames ([`xsk`], [`packet`], `dpdk`, [`loopback`],
//! [`pcap_port`]), [`datagrams::Datagrams`] makes it a [`port::Port`] of UDP datagrams, which
//! kernel sockets ([`udp`]) are by themselves; [`fault`] and [`pcap_port::Tee`] wrap either. A
//! [`stream::Stream`] is a TCP connection. All are polled, never wait, and lend what came until the
//! next poll.
//!
//! ```text
//!  xsk packet dpdk loopback pcap -> FramePort -> Datagrams -> Port <- udp
//!                                   RxFrame                   Arrival (payload, addresses, stamp)
//! ```
//!
//! All containers are lending: `next` returns a view that lives until the next call, so walking
//! copies nothing. After construction a walk allocates nothing, except for the header of a further
//! gzip member inside the file. Whatever the bytes say, nothing panics: a cut ends the walk with a
//! [`Warning`], a contradiction with an [`Error`] that names file, record and byte offset.
//!
//! Worst case: memory is one window of [`bytes::WINDOW`] per compressed file plus the
//! decompressor's own (zstd: at most 128 MiB, as its default allows), whatever the file's size;
//! time is linear in the bytes of the file.
#![deny(unsafe_code)] // modules that call the system allow it for themselves

pub mod atomic;
pub mod bytes;
pub mod capture;
pub mod datagrams;
pub mod detect;
#[cfg(feature = "dpdk")]
pub mod dpdk;
mod error;
pub mod fault;
pub mod frame;
pub mod interface;
pub mod join;
pub mod loopback;
pub mod multicast;
#[doc(hidden)]
pub mod netns;
pub mod onload;
pub mod packet;
pub mod pcap_port;
pub mod port;
pub mod records;
mod socket;
pub mod stream;
pub mod tcp_flow;
pub mod udp;
pub mod write;
pub mod xsk;

pub use error::{Compression, Error, Hex, Problem, Result, Unit, Warning, WarningKind};
