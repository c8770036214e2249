//! What can go wrong with a file, as text for the person who has to act on it: which file, where in
//! it, what was expected there, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Shorthand for this crate's results. The error is boxed: it is rare and large, and the walk
/// returns by the million.
pub type Result<T> = std::result::Result<T, Box<Error>>;

/// Why an input cannot be read on, or an output cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source} ({advice})", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was being done, after "cannot".
        doing: &'static str,
        /// What to do about it.
        advice: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// There is not one byte in the file.
    #[error("{}: the file is empty; want a capture or a message file", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The compressed bytes do not decompress (a cut is a [`Warning`], not this).
    #[error(
        "{}: damaged {compression} data after {offset} decompressed bytes (near byte \
         {compressed_offset} of the file): {source}; fetch the file again, or test it with \
         `{compression} -t`", file.display()
    )]
    Compressed {
        /// The file.
        file: PathBuf,
        /// How it is compressed.
        compression: Compression,
        /// Bytes decompressed so far.
        offset: u64,
        /// Bytes of the file consumed so far.
        compressed_offset: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// The content matches no format we read.
    #[error(
        "{}: unknown format, it begins with [{head}]; want pcap (us or ns), pcapng, Nasdaq \
         BinaryFILE (length-prefixed ITCH 5.0) or Databento DBN, each plain, gzip or zstd; \
         `--feed` overrides the detection of BinaryFILE", file.display()
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// The first bytes in hexadecimal.
        head: Hex,
    },
    /// A record contradicts its format.
    #[error("{}: {unit} {number} at byte {offset}: {problem}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is counted by `number`.
        unit: Unit,
        /// 1-based.
        number: u64,
        /// Where the record begins in the decompressed file.
        offset: u64,
        /// What is wrong.
        problem: Problem,
    },
    /// A DBN file of another schema.
    #[error(
        "{}: this DBN file holds schema `{schema}`, want `mbo` (market by order): ask Databento \
         for schema mbo of the same dataset and dates", file.display()
    )]
    DbnSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        schema: &'static str,
    },
    /// The DBN header cannot be used.
    #[error("{}: DBN metadata at byte 0: {detail}; want DBN version 1 to 3", file.display())]
    DbnMetadata {
        /// The file.
        file: PathBuf,
        /// What the `dbn` crate says.
        detail: String,
    },
    /// A frame was to be written that the format cannot hold.
    #[error("{}: packet {number} not written: {problem}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// 1-based number the record would have had.
        number: u64,
        /// What does not fit.
        problem: Problem,
    },
}

impl Error {
    pub(crate) fn io(
        file: &Path,
        doing: &'static str,
        advice: &'static str,
        source: io::Error,
    ) -> Box<Error> {
        Box::new(Error::Io { file: file.to_owned(), doing, advice, source })
    }

    /// The file the error is about.
    pub fn file(&self) -> &Path {
        match self {
            Error::Io { file, .. }
            | Error::Empty { file }
            | Error::Compressed { file, .. }
            | Error::UnknownFormat { file, .. }
            | Error::Damaged { file, .. }
            | Error::DbnSchema { file, .. }
            | Error::DbnMetadata { file, .. }
            | Error::Unwritable { file, .. } => file,
        }
    }
}

/// What exactly contradicts the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More captured bytes than any packet has.
    #[error(
        "captured length {caplen} is impossible (at most {max} here): the file is damaged, or \
         records before this one are"
    )]
    CaptureLength {
        /// What the record says.
        caplen: u32,
        /// The largest length accepted.
        max: u32,
    },
    /// A pcapng block length that is no block length.
    #[error("block length {length} is impossible (want a multiple of 4, at least {min})")]
    BlockLength {
        /// What the block says.
        length: u32,
        /// The least a block of its type has.
        min: u32,
    },
    /// The length behind a pcapng block differs from the one before it.
    #[error("block length is {front} in front and {back} behind: the file is damaged here")]
    BlockTrailer {
        /// In front.
        front: u32,
        /// Behind.
        back: u32,
    },
    /// A section header without the byte-order magic.
    #[error("byte-order magic is {0:#010x}, want 0x1a2b3c4d in either order")]
    ByteOrder(u32),
    /// A version nobody has defined.
    #[error("format version {0}, want {1}")]
    Version(u16, u16),
    /// A packet on an interface that no block described.
    #[error("packet of interface {interface}, but the section describes {known}")]
    UnknownInterface {
        /// Named by the packet.
        interface: u32,
        /// Described so far.
        known: u32,
    },
    /// More interfaces than a machine has.
    #[error("more than {0} interfaces in a section")]
    TooManyInterfaces(u32),
    /// A time resolution that no clock has.
    #[error("time resolution {0:#04x} cannot be expressed in 64 bits")]
    TimeResolution(u8),
    /// A DBN record shorter than its header or its type.
    #[error("record length {length} of type {rtype:#04x} is impossible (at least {min})")]
    RecordLength {
        /// What the record says, in bytes.
        length: u32,
        /// Its type.
        rtype: u8,
        /// The least.
        min: u32,
    },
    /// A payload that no UDP datagram holds.
    #[error("payload of {0} bytes, a UDP datagram holds at most 65,507")]
    PayloadLength(usize),
    /// A message that no BinaryFILE record holds.
    #[error("message of {0} bytes, a record holds 1 to 65,535")]
    MessageLength(usize),
    /// A time outside the 32-bit seconds of pcap.
    #[error("time {0} ns is beyond 2106, the last second of pcap")]
    Time(u64),
}

/// Something about an input that does not stop the run but belongs into its report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub file: PathBuf,
    /// What was found.
    pub kind: WarningKind,
}

/// What a [`Warning`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// The file ends inside a record: the record is dropped, what came before is whole.
    CutRecord {
        /// What is counted by `number`.
        unit: Unit,
        /// 1-based number of the cut record.
        number: u64,
        /// Where it begins in the decompressed file.
        offset: u64,
        /// Bytes promised from there, header included.
        promised: u64,
        /// Bytes that are there.
        present: u64,
    },
    /// The compressed stream ends early: what it held up to there was read.
    CutCompression {
        /// How it is compressed.
        compression: Compression,
        /// Bytes decompressed.
        offset: u64,
        /// Bytes of the file.
        compressed_offset: u64,
    },
    /// A BinaryFILE without the record of length 0 that ends a session.
    NoEndOfSession {
        /// Records read.
        records: u64,
    },
    /// Bytes behind the orderly end of a session, not read.
    BytesBehindEnd {
        /// Where they begin in the decompressed file.
        offset: u64,
    },
}

impl WarningKind {
    /// Whether data is missing (the others are remarks).
    pub fn is_loss(&self) -> bool {
        matches!(self, WarningKind::CutRecord { .. } | WarningKind::CutCompression { .. })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match self.kind {
            WarningKind::CutRecord { unit, number, offset, promised, present } => write!(
                f,
                "cut in {unit} {number} at byte {offset}: {promised} bytes promised, {present} \
                 there; everything before it was read"
            ),
            WarningKind::CutCompression { compression, offset, compressed_offset } => write!(
                f,
                "{compression} data ends early at byte {compressed_offset} of the file: the \
                 {offset} bytes decompressed up to there were read"
            ),
            WarningKind::NoEndOfSession { records } => write!(
                f,
                "no end-of-session record after record {records}: an excerpt, or the file was cut \
                 between two records"
            ),
            WarningKind::BytesBehindEnd { offset } => {
                write!(f, "bytes follow the end-of-session record at byte {offset}: not read")
            }
        }
    }
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Compression::None => "plain",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

/// What a number in an [`Error`] or [`Warning`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// The header of a file.
    Header,
    /// A captured packet.
    Packet,
    /// A pcapng block, packets included.
    Block,
    /// A record of a message file.
    Record,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Unit::Header => "header",
            Unit::Packet => "packet",
            Unit::Block => "block",
            Unit::Record => "record",
        })
    }
}

/// The first bytes of something, shown in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex {
    bytes: [u8; Hex::MAX],
    len: usize,
}

impl Hex {
    /// Most bytes shown.
    pub const MAX: usize = 16;

    pub(crate) fn of(bytes: &[u8]) -> Hex {
        let mut hex = Hex { bytes: [0; Hex::MAX], len: 0 };
        for (to, from) in hex.bytes.iter_mut().zip(bytes) {
            *to = *from;
            hex.len += 1;
        }
        hex
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.bytes.iter().take(self.len).enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(f, "{gap}{byte:02x}")?;
        }
        Ok(())
    }
}
