//! Captures and message files made by us: [`PcapWriter`], [`TcpPcapWriter`] and [`BinaryFileWriter`].
//!
//! Both write through [`AtomicFile`], so a run that fails leaves no half a file under a good name.
//! A file dropped without `finish` is not published.

mod binary_file;
mod pcap;
mod tcp;

#[cfg(doc)]
use crate::atomic::AtomicFile;
pub use binary_file::BinaryFileWriter;
pub use pcap::{Link, PcapWriter, append_datagram, file_header};
pub use tcp::{End, TCP_PAYLOAD_MAX, TcpPcapWriter};
