//! The measurements, one per file.

use std::path::PathBuf;

use crate::row::Row;

pub mod book_walk;
pub mod histogram;
#[cfg(feature = "engine")]
pub mod live;
#[cfg(feature = "engine")]
pub mod markets;
#[cfg(feature = "engine")]
pub mod packet_to_order;
#[cfg(feature = "pages")]
pub mod pages;
pub mod pcap_walk;
pub mod queue_walk;
#[cfg(feature = "engine")]
pub mod replay;
pub mod rings;

/// What a measurement may need.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Rounds that count.
    pub rounds: usize,
    /// Where generated days are kept.
    pub days: PathBuf,
    /// Core that is measured on; programs that are started pin themselves to it.
    pub core: usize,
}

/// Rows, or why there are none.
pub type Measured = Result<Vec<Row>, Box<dyn std::error::Error>>;

/// A measurement: its name, what it shows, and how to run it.
pub struct Measurement {
    /// Name on the command line and in the table.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&Setup) -> Measured,
}

/// All of them, in the order of the table.
pub const ALL: &[Measurement] = &[
    Measurement { name: "book_walk", about: book_walk::ABOUT, run: book_walk::run },
    Measurement { name: "queue_walk", about: queue_walk::ABOUT, run: queue_walk::run },
    Measurement { name: "pcap_walk", about: pcap_walk::ABOUT, run: pcap_walk::run },
    Measurement { name: "histogram", about: histogram::ABOUT, run: histogram::run },
    #[cfg(feature = "engine")]
    Measurement { name: "markets", about: markets::ABOUT, run: markets::run },
    Measurement { name: "rings", about: rings::ABOUT, run: rings::run },
    #[cfg(feature = "pages")]
    Measurement { name: "pages", about: pages::ABOUT, run: pages::run },
    #[cfg(feature = "engine")]
    Measurement {
        name: "packet_to_order",
        about: packet_to_order::ABOUT,
        run: packet_to_order::run,
    },
    #[cfg(feature = "engine")]
    Measurement { name: "replay", about: replay::ABOUT, run: replay::run },
];
