//! Message files: records without packets around them.
//!
//! [`BinaryFile`] is Nasdaq BinaryFILE 1.00, [`Dbn`] is Databento Binary Encoding. Both lend one
//! [`Record`] at a time, its bytes still where the file has them, together with the bytes that are
//! already at hand behind it, for look-ahead.

mod binary_file;
mod dbn;

pub use binary_file::BinaryFile;
pub use dbn::{Dbn, DbnMetadata};

/// One record, lent until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The message.
    pub data: &'a [u8],
    /// Bytes at hand behind the record: further records in the file's own framing, the last of them
    /// possibly cut. May be empty at any time.
    pub ahead: &'a [u8],
    /// 1-based number of the record in its file.
    pub number: u64,
    /// Where the record begins in the decompressed file.
    pub offset: u64,
}
