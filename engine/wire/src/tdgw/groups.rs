//! Messages that are lists: which reports there are, which are wanted, which will come.

use super::frame::FrameWriter;
use crate::num::{Be32, Be64};
use crate::record::record;

record! {
    /// One set of a [`Sync`].
    SyncRow, 20 {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        /// Index of the first report that is wanted: the last one seen plus 1.
        12 begin_report_index: Be64,
    }
}

record! {
    /// One set of a [`SyncResponse`].
    SyncResponseRow, 96 {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        12 begin_report_index: Be64,
        /// Index of the last report so far.
        20 end_report_index: Be64,
        /// 0 when the reports will come.
        28 rej_reason: Be32,
        32 text: [u8; 64],
    }
}

/// Execution report sync, 206.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync<'a> {
    /// The sets.
    pub rows: &'a [SyncRow],
}

/// Sync response, 207.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncResponse<'a> {
    /// The sets.
    pub rows: &'a [SyncResponseRow],
}

/// Execution report info, 208: which PBUs report here, and in which sets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReportInfo<'a> {
    /// 0 auction.
    pub platform_id: u16,
    list: &'a [u8],
}

/// How a [`ReportInfo`] lists PBUs and sets; no source says it \[?\]. With one PBU both are
/// the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InfoForm {
    /// All PBUs, then the sets that each of them has (the order of the one public codec).
    #[default]
    Flat,
    /// Each PBU with its own sets (one public source).
    Nested,
}

#[derive(Clone, Copy)]
enum Form<'a> {
    Flat(&'a [[u8; 8]], &'a [[u8; 4]]),
    Nested(&'a [u8]),
}

impl<'a> Sync<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = 206;

    pub(super) fn parse(body: &'a [u8]) -> Option<Sync<'a>> {
        rows(body).map(|(rows, _)| Sync { rows })
    }
}

impl<'a> SyncResponse<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = 207;

    pub(super) fn parse(body: &'a [u8]) -> Option<SyncResponse<'a>> {
        rows(body).map(|(rows, _)| SyncResponse { rows })
    }
}

impl<'a> ReportInfo<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = 208;

    pub(super) fn parse(body: &'a [u8]) -> Option<ReportInfo<'a>> {
        let (platform, list) = body.split_first_chunk()?;
        Some(ReportInfo { platform_id: u16::from_be_bytes(*platform), list })
    }

    /// Every PBU with every set that it reports in; `None` when the message does not have this form.
    pub fn pairs(&self, form: InfoForm) -> Option<impl Iterator<Item = ([u8; 8], u32)> + 'a> {
        let form = match form {
            InfoForm::Flat => flat(self.list),
            InfoForm::Nested => nested(self.list),
        };
        let (pbus, sets, mut left) = match form? {
            Form::Flat(pbus, sets) => (pbus, sets, &[][..]),
            Form::Nested(list) => (&[][..], &[][..], list),
        };
        let flat = pbus.iter().flat_map(move |pbu| sets.iter().map(move |set| (*pbu, set)));
        let nested = core::iter::from_fn(move || {
            let ((pbu, sets), rest) = group(left)?;
            left = rest;
            Some(sets.iter().map(move |set| (pbu, set)))
        });
        Some(flat.chain(nested.flatten()).map(|(pbu, set)| (pbu, u32::from_be_bytes(*set))))
    }
}

impl core::fmt::Debug for ReportInfo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let list = self.list.escape_ascii();
        write!(f, "ReportInfo {{ platform_id: {}, list: \"{list}\" }}", self.platform_id)
    }
}

fn flat(body: &[u8]) -> Option<Form<'_>> {
    let (pbus, rest) = rows(body)?;
    let (sets, rest) = rows(rest)?;
    rest.is_empty().then_some(Form::Flat(pbus, sets))
}

fn nested(body: &[u8]) -> Option<Form<'_>> {
    let (count, list) = body.split_first_chunk()?;
    let mut left = list;
    for _ in 0..u16::from_be_bytes(*count) {
        (_, left) = group(left)?;
    }
    left.is_empty().then_some(Form::Nested(list))
}

/// A PBU and its sets.
type Group<'a> = ([u8; 8], &'a [[u8; 4]]);

/// A PBU with its sets, and what follows them.
fn group(list: &[u8]) -> Option<(Group<'_>, &[u8])> {
    let (pbu, rest) = list.split_first_chunk::<8>()?;
    let (sets, rest) = rows(rest)?;
    Some(((*pbu, sets), rest))
}

/// A u16 count, that many rows, and what follows them.
fn rows<T: bytemuck::Pod>(body: &[u8]) -> Option<(&[T], &[u8])> {
    let (count, rest) = body.split_first_chunk()?;
    let size = usize::from(u16::from_be_bytes(*count)) * size_of::<T>();
    let (rows, rest) = rest.split_at_checked(size)?;
    Some((bytemuck::try_cast_slice(rows).ok()?, rest))
}

fn count(rows: usize) -> Option<[u8; 2]> {
    u16::try_from(rows).ok().map(u16::to_be_bytes)
}

/// Writes a sync frame and returns its length; `None` when it does not fit.
pub fn put_sync(out: &mut [u8], sequence: u64, rows: &[SyncRow]) -> Option<usize> {
    let mut frame = FrameWriter::new(out);
    frame.push(&count(rows.len())?);
    rows.iter().for_each(|row| frame.push(row.bytes()));
    frame.finish(Sync::TYPE, sequence)
}

/// Writes a sync response frame and returns its length; `None` when it does not fit.
pub fn put_sync_response(out: &mut [u8], sequence: u64, rows: &[SyncResponseRow]) -> Option<usize> {
    let mut frame = FrameWriter::new(out);
    frame.push(&count(rows.len())?);
    rows.iter().for_each(|row| frame.push(row.bytes()));
    frame.finish(SyncResponse::TYPE, sequence)
}

/// Writes a report info frame in the flat form and returns its length; `None` when it does not fit.
pub fn put_report_info(
    out: &mut [u8],
    sequence: u64,
    platform_id: u16,
    pbus: &[[u8; 8]],
    sets: &[u32],
) -> Option<usize> {
    let mut frame = FrameWriter::new(out);
    frame.push(&platform_id.to_be_bytes());
    frame.push(&count(pbus.len())?);
    pbus.iter().for_each(|pbu| frame.push(pbu));
    frame.push(&count(sets.len())?);
    sets.iter().for_each(|set| frame.push(&set.to_be_bytes()));
    frame.finish(ReportInfo::TYPE, sequence)
}
