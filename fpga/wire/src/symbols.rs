//! Places symbols in the seam's table: two ways, one row of each per key (cuckoo hashing, Pagh and
//! Rodler 2001).
//!
//! Model: the rows of a key are two halves of its CRC-32C, so hardware reads both and compares the
//! whole key. An insertion may move keys that lie already; it gives up after a bounded number of
//! moves, and the caller is told instead of a symbol missing. Two ways of one row each fill up to about
//! half; the seam is built with twice that room (16,384 rows of each way for 8,192 symbols).

use std::fmt;

/// Most moves of one insertion.
const MOVES_MAX: usize = 512;

/// One row as the registers take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which way.
    pub way: usize,
    /// Which row of it.
    pub row: usize,
    /// Symbol as on the wire, padded with spaces.
    pub key: [u8; 8],
    /// Its dense index.
    pub index: u16,
}

/// Why a symbol has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceError {
    /// It is there already.
    Twice([u8; 8]),
    /// Both its rows and all they could be moved to are taken: build the seam with more rows.
    Full([u8; 8]),
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (PlaceError::Twice(key) | PlaceError::Full(key)) = self;
        let why = match self {
            PlaceError::Twice(_) => "is listed twice",
            PlaceError::Full(_) => "finds no place: the seam needs more symbol rows",
        };
        write!(f, "symbol `{}` {why}", key.escape_ascii())
    }
}

impl std::error::Error for PlaceError {}

/// CRC-32C (Castagnoli, RFC 3720) of a key.
pub const fn crc32c(key: [u8; 8]) -> u32 {
    let mut crc = u32::MAX;
    let mut byte = 0;
    while byte < key.len() {
        crc ^= key[byte] as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1));
            bit += 1;
        }
        byte += 1;
    }
    !crc
}

/// A symbol and its index, where the row is taken.
type Entry = Option<([u8; 8], u16)>;

/// The table as the control plane keeps it.
#[derive(Clone, Debug)]
pub struct Symbols {
    ways: [Vec<Entry>; 2],
}

impl Symbols {
    /// Empty, with `rows` of each way (a power of two up to 65,536, as the seam says).
    pub fn new(rows: usize) -> Symbols {
        let rows = rows.clamp(2, 1 << 16).next_power_of_two();
        Symbols { ways: [vec![None; rows], vec![None; rows]] }
    }

    fn rows_of(&self, key: [u8; 8]) -> [usize; 2] {
        let (hash, mask) = (crc32c(key) as usize, self.ways[0].len() - 1);
        [hash & mask, (hash >> 16) & mask]
    }

    /// The index of a symbol.
    pub fn index(&self, key: [u8; 8]) -> Option<u16> {
        let rows = self.rows_of(key);
        let find = |way: usize| self.ways[way][rows[way]].filter(|entry| entry.0 == key);
        find(0).or_else(|| find(1)).map(|entry| entry.1)
    }

    /// Gives a symbol a place, moving others where it must.
    ///
    /// # Errors
    /// Listed twice, or no place found; the table then is as before, but for equally good places.
    pub fn insert(&mut self, key: [u8; 8], index: u16) -> Result<(), PlaceError> {
        if self.index(key).is_some() {
            return Err(PlaceError::Twice(key));
        }
        let before = self.ways.clone();
        let (mut entry, mut way) = ((key, index), 0);
        for _ in 0..MOVES_MAX {
            let row = self.rows_of(entry.0)[way];
            match self.ways[way][row].replace(entry) {
                None => return Ok(()),
                Some(moved) => entry = moved,
            }
            way = 1 - way;
        }
        self.ways = before;
        Err(PlaceError::Full(key))
    }

    /// Every row that holds a symbol.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.ways.iter().enumerate().flat_map(|(way, rows)| {
            rows.iter().enumerate().filter_map(move |(row, entry)| {
                entry.map(|(key, index)| Row { way, row, key, index })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // RFC 3720, B.4 has 32-byte vectors; this is the common check value cut to eight bytes,
        // from an independent implementation: crc32c("12345678").
        assert_eq!(crc32c(*b"12345678"), 0x6087_809a);
    }

    #[test]
    fn a_table_at_a_quarter_of_its_load_takes_everything_and_finds_it() {
        let mut table = Symbols::new(8192);
        let key = |n: u32| -> [u8; 8] {
            let mut key = [b' '; 8];
            key.iter_mut().zip(format!("S{n}").bytes()).for_each(|(slot, byte)| *slot = byte);
            key
        };
        for n in 0..4000 {
            table.insert(key(n), n as u16).expect("room");
        }
        assert!((0..4000).all(|n| table.index(key(n)) == Some(n as u16)));
        assert_eq!(table.index(key(4000)), None);
        assert_eq!(table.rows().count(), 4000);
        assert_eq!(table.insert(key(7), 1), Err(PlaceError::Twice(key(7))));
    }

    #[test]
    fn a_full_table_says_so_and_loses_nobody() {
        let mut table = Symbols::new(2);
        let key = |n: u8| [n; 8];
        let placed: Vec<u8> = (0..40).filter(|n| table.insert(key(*n), 1).is_ok()).collect();
        assert!(placed.len() <= 4);
        assert!(placed.iter().all(|n| table.index(key(*n)) == Some(1)));
    }
}
