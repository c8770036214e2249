//! What a file holds, told by its first bytes, never by its name.
//!
//! pcap, pcapng and DBN begin with a magic. BinaryFILE has none: it is believed when each of its
//! first [`BINARY_FILE_PROBE`] records has exactly the length that ITCH 5.0 gives its type.

use std::fmt;
use std::path::Path;

use crate::bytes::ByteSource;
use crate::capture::Capture;
use crate::error::Hex;
use crate::records::{BinaryFile, Dbn};
use crate::{Error, Result};

/// Records of a BinaryFILE that are looked at.
pub const BINARY_FILE_PROBE: usize = 64;

/// Bytes that hold that many records: 2 of length and at most 50 of message (ITCH 5.0, NOII).
const PROBE_BYTES: usize = BINARY_FILE_PROBE * 64;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    PcapNg,
    /// Nasdaq BinaryFILE of ITCH 5.0 messages.
    BinaryFile,
    /// Databento DBN.
    Dbn,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Container::Pcap => "pcap",
            Container::PcapNg => "pcapng",
            Container::BinaryFile => "BinaryFILE",
            Container::Dbn => "DBN",
        })
    }
}

/// Recognises the container of a source at its first byte; consumes nothing. `itch_length` is the
/// length of an ITCH 5.0 message by its type.
///
/// # Errors
/// The file cannot be read, or matches nothing we know.
pub fn detect(source: &mut ByteSource, itch_length: fn(u8) -> Option<usize>) -> Result<Container> {
    let head = source.ensure(PROBE_BYTES)?;
    match head {
        [0x0A, 0x0D, 0x0D, 0x0A, ..] => Ok(Container::PcapNg),
        [0xD4, 0xC3, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0xC3, 0xD4, ..]
        | [0x4D, 0x3C, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0x3C, 0x4D, ..] => Ok(Container::Pcap),
        [b'D', b'B', b'N', _, ..] => Ok(Container::Dbn),
        _ if is_binary_file(head, itch_length) => Ok(Container::BinaryFile),
        _ => Err(unknown(source)),
    }
}

/// Whether all records at hand, up to [`BINARY_FILE_PROBE`], have the length of their type, and
/// there is at least one. The last may be cut.
fn is_binary_file(head: &[u8], itch_length: fn(u8) -> Option<usize>) -> bool {
    let mut rest = head;
    for seen in 0..BINARY_FILE_PROBE {
        match *rest {
            [] | [0, 0, ..] => return seen > 0, // end of file, or orderly end of session
            [hi, lo, kind, ..] => {
                let length = usize::from(u16::from_be_bytes([hi, lo]));
                if itch_length(kind) != Some(length) {
                    return false;
                }
                let Some(next) = rest.get(2 + length..) else { return seen > 0 };
                rest = next;
            }
            _ => return seen > 0,
        }
    }
    true
}

/// An opened input.
pub enum Input {
    /// Packets.
    Capture(Capture),
    /// Length-prefixed messages.
    BinaryFile(BinaryFile),
    /// Market-by-order records.
    Dbn(Dbn),
}

impl Input {
    /// Opens `path` as what its content says it is.
    ///
    /// # Errors
    /// The file is missing, empty, damaged at its head, or matches nothing we know.
    pub fn open(path: impl AsRef<Path>, itch_length: fn(u8) -> Option<usize>) -> Result<Input> {
        let mut source = ByteSource::open(path)?;
        Ok(match detect(&mut source, itch_length)? {
            Container::Pcap | Container::PcapNg => Input::Capture(Capture::new(source)?),
            Container::BinaryFile => Input::BinaryFile(BinaryFile::new(source)),
            Container::Dbn => Input::Dbn(Dbn::new(source)?),
        })
    }
}

#[cold]
pub(crate) fn unknown(source: &ByteSource) -> Box<Error> {
    let head = Hex::of(source.window());
    Box::new(Error::UnknownFormat { file: source.file().to_owned(), head })
}
