//! GLIMPSE 5.0: the image of TotalView-ITCH books, over SoupBinTCP.
//!
//! An image is `S` `R` `H` `Y` `N` `h` `A` `F` in their ITCH layouts, and at its end the one message
//! that is its own:
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 1 | kind `G` |
//! | 1 | 20 | ASCII sequence number, right-justified, of the first ITCH message that is not in the image |
//!
//! A client logs in with sequence 1: anything else would leave out the front of the image. That the
//! marker has 21 bytes stands on one public source.

use crate::record::record;
use crate::soup;

record! {
    /// Snapshot marker, the last message of an image.
    SnapshotMark, 21, b'G' {
        0 kind: u8,
        /// Number at which live messages go on.
        1 sequence: [u8; 20],
    }
}

impl SnapshotMark {
    /// The marker in front of message `next`.
    pub fn new(next: u64) -> SnapshotMark {
        SnapshotMark { kind: SnapshotMark::KIND, sequence: soup::digits(next) }
    }

    /// Number of the first live message; `None` when it is not a number or is 0.
    pub fn next_sequence(&self) -> Option<u64> {
        soup::number(&self.sequence).filter(|next| *next > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_reads_as_it_was_written_and_refuses_what_is_no_number() {
        let mark = SnapshotMark::new(1_234);
        assert_eq!(mark.bytes(), b"G                1234");
        assert_eq!(mark.next_sequence(), Some(1_234));
        let of = |text: &[u8; 21]| SnapshotMark::parse(text).and_then(SnapshotMark::next_sequence);
        assert_eq!(of(b"G18446744073709551615"), Some(u64::MAX));
        for bad in [b"G18446744073709551616", b"G                   0", b"G                12x4"] {
            assert_eq!(of(bad), None);
        }
        assert!(SnapshotMark::parse(&mark.bytes()[..20]).is_none());
    }
}
