//! A page as an input of the engine: what the mailbox showed, as bytes of the journal.
//!
//! ```text
//! publication u64 | version u64 | schema u64 | written at u64 | epoch u32 | why u32 | words u32 | 0
//! then the words, little-endian; none when the mailbox's reader refused the page already (why)
//! ```

use nofx_mailbox::param::{PageHead, ParamRow, Why};
use nofx_types::Nanos;

use super::Refused;

/// Bytes before the words.
pub const HEAD_LEN: usize = 48;
/// Bytes of a row of parameters.
const ROW: usize = 16;

/// What a page is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Parameters.
    Params,
    /// A model.
    Model,
}

/// A page, read from bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// What stands before its words.
    pub head: PageHead,
    /// Why it must not be used, if so.
    pub why: Why,
    body: &'a [u8],
}

impl<'a> Page<'a> {
    /// Reads what [`encode`] wrote.
    pub fn decode(bytes: &'a [u8]) -> Option<Page<'a>> {
        let (head, body) = bytes.split_first_chunk::<HEAD_LEN>()?;
        let long = |at: usize| head.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        let short = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let (epoch, why, words) = (short(32)?, Why::from_number(short(36)?)?, short(40)?);
        let [publication, version, schema, at] = [long(0)?, long(8)?, long(16)?, long(24)?];
        let head = PageHead { publication, version, schema, epoch, words, at: Nanos(at) };
        (why != Why::None || body.len() as u64 == u64::from(words) * 8).then_some(Page {
            head,
            why,
            body,
        })
    }

    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = u64> + Clone + 'a {
        self.body.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
    }

    /// Its words as rows of parameters.
    pub fn rows(&self) -> impl Iterator<Item = ParamRow> + Clone + 'a {
        self.body.as_chunks::<ROW>().0.iter().map(|row| {
            let [a, b, c, d, e, f, g, h, value @ ..] = *row;
            ParamRow {
                table: u16::from_le_bytes([a, b]),
                key: u16::from_le_bytes([c, d]),
                scope: u32::from_le_bytes([e, f, g, h]),
                value: i64::from_le_bytes(value),
            }
        })
    }
}

/// Writes a page into `room`; how many bytes it takes, `None` when there is no room for it.
pub fn encode(head: &PageHead, why: Why, words: &[u64], room: &mut [u8]) -> Option<usize> {
    let len = HEAD_LEN + words.len() * 8;
    let (start, body) = room.get_mut(..len)?.split_first_chunk_mut::<HEAD_LEN>()?;
    let longs = [head.publication, head.version, head.schema, head.at.0];
    let shorts = [head.epoch, why as u32, head.words, 0];
    let longs = longs.into_iter().flat_map(u64::to_le_bytes);
    let shorts = shorts.into_iter().flat_map(u32::to_le_bytes);
    start.iter_mut().zip(longs.chain(shorts)).for_each(|(byte, value)| *byte = value);
    for (place, word) in body.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    Some(len)
}

/// What became of a page, as the journal says it: an output, so that a re-run has to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is of.
    pub kind: PageKind,
    /// What stood before its words.
    pub head: PageHead,
    /// Why it was refused; [`Why::None`] in the first field: it is in force.
    pub refused: Refused,
}

impl Taken {
    /// Whether it is in force.
    pub fn is_applied(&self) -> bool {
        self.refused.why == Why::None
    }

    /// 40 bytes: kind, publication, version, why, row, value.
    pub fn encode(&self) -> [u8; 40] {
        let Refused { why, row, value } = self.refused;
        let longs = [self.kind as u64, self.head.publication, self.head.version];
        let longs = longs.into_iter().flat_map(u64::to_le_bytes);
        let shorts = [why as u32, row].into_iter().flat_map(u32::to_le_bytes);
        let mut bytes = [0; 40];
        let all = longs.chain(shorts).chain(value.to_le_bytes());
        bytes.iter_mut().zip(all).for_each(|(byte, value)| *byte = value);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_back_from_its_bytes_and_a_cut_one_does_not() {
        let rows = [
            ParamRow { table: 2, key: 3, scope: ParamRow::ALL, value: -5 },
            ParamRow { table: 1, key: 0, scope: 7, value: i64::MAX },
        ];
        let words: Vec<u64> = rows
            .iter()
            .flat_map(|r| {
                let first = u64::from(r.table) | u64::from(r.key) << 16 | u64::from(r.scope) << 32;
                [first, r.value as u64]
            })
            .collect();
        let at = Nanos(9);
        let head = PageHead { publication: 5, version: 6, schema: 7, epoch: 8, words: 4, at };
        let mut room = [0xAA; 100];
        let len = encode(&head, Why::None, &words, &mut room).expect("room");
        let page = Page::decode(&room[..len]).expect("whole");
        assert_eq!((page.head, page.why), (head, Why::None));
        assert!(page.rows().eq(rows) && page.words().eq(words.iter().copied()));
        for cut in 0..len {
            assert_eq!(Page::decode(&room[..cut]), None, "{cut}");
        }
        assert_eq!(encode(&head, Why::None, &words, &mut room[..len - 1]), None);
        let len = encode(&head, Why::Fenced, &[], &mut room).expect("room");
        let refused = Page::decode(&room[..len]).expect("whole");
        assert_eq!((refused.why, refused.rows().count()), (Why::Fenced, 0));
    }
}
