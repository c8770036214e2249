//! OCG-C and the two mainland gateways: no byte string may make a decoder panic, and what a decoder
//! accepts must re-emit as it was.

use nofx_wire::{ocg, tdgw, tgw};

/// A message as it was read: its text, and its frame written anew.
pub type Read = (String, Vec<u8>);

/// Bytes that any frame below fits.
const ROOM: usize = 70_000;

/// The message of an OCG-C frame.
pub fn read_ocg(frame: &ocg::Frame<'_>) -> Result<Read, ocg::OcgError> {
    use ocg::Message::*;
    let message = ocg::Message::parse(frame)?;
    let head = ocg::Head {
        sequence: frame.sequence(),
        poss_dup: frame.is_dup(),
        comp_id: frame.header.comp_id,
    };
    let mut out = vec![0; ROOM];
    macro_rules! put {
        ($($variant:ident)*) => {
            match &message {
                $($variant(fields) => ocg::put(&mut out, &head, fields),)*
                Unread(_) => None,
            }
        };
    }
    let length = put!(Heartbeat TestRequest ResendRequest Reject SequenceReset Logon Logout
        LookupRequest LookupResponse BusinessReject Execution New Amend Cancel MassCancel
        MassCancelReport);
    out.truncate(length.unwrap_or(0));
    let state = format!("{} {}", head.sequence, u8::from(head.poss_dup));
    Ok((format!("{state} {message:?}"), out))
}

/// `data` as a stream of OCG-C frames.
pub fn ocg(data: &[u8]) {
    let mut rest = data;
    loop {
        match ocg::next_frame(rest) {
            Ok(Some((frame, used))) => {
                let (whole, after) = rest.split_at(used);
                if let Ok((text, again)) = read_ocg(&frame) {
                    holds_ocg(whole, &text, &again);
                }
                rest = after;
            }
            Ok(None) => break,
            Err(error) => break assert!(error.breaks_stream()),
        }
    }
}

/// A text without its NUL, and flags other than 0 and 1, are written as specified; then the
/// message is the same.
fn holds_ocg(whole: &[u8], text: &str, again: &[u8]) {
    if again.is_empty() || again == whole {
        return;
    }
    let (frame, used) = ocg::next_frame(again).expect("our frame").expect("a whole frame");
    assert_eq!(used, again.len());
    assert_eq!(read_ocg(&frame).expect("our message").0, *text);
}

/// The message of a frame of Shenzhen's gateway.
pub fn read_tgw(frame: tgw::Frame<'_>) -> Result<Read, tgw::Short> {
    use tgw::Message::*;
    let message = tgw::Message::parse(frame)?;
    let mut out = vec![0; ROOM + frame.body.len()];
    macro_rules! body {
        ($($variant:ident)*) => {
            match &message {
                $($variant(record) => tgw::put_frame(&mut out, frame.msg_type, record.bytes()),)*
                Heartbeat => tgw::put_frame(&mut out, frame.msg_type, &[]),
                BusinessReject(reject) => {
                    let before = frame.body.len() - reject.bytes().len();
                    tgw::put_business_reject(&mut out, &frame.body[..before], reject)
                }
                ReportSync(sync) => tgw::put_report_sync(&mut out, sync.partitions),
                PartitionList(list) => {
                    let partitions: Vec<i32> = list.partitions().collect();
                    tgw::put_partition_list(&mut out, list.platform_id, &partitions)
                }
                Other(_) => None,
            }
        };
    }
    let length = body!(Logon Logout PlatformState ReportFinished TradingSession New Cancel Confirm
        Execution CancelReject);
    out.truncate(length.unwrap_or(0));
    Ok((format!("{message:?}"), out))
}

/// `data` as a stream of frames of Shenzhen's gateway.
pub fn tgw(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((frame, used))) = tgw::next_frame(rest) {
        if let Ok((_, again)) = read_tgw(frame) {
            holds(frame.body, &again, 8);
        }
        rest = &rest[used..];
    }
}

/// The message of a frame of Shanghai's gateway.
pub fn read_tdgw(frame: tdgw::Frame<'_>) -> Result<Read, tdgw::Short> {
    use tdgw::Message::*;
    let message = tdgw::Message::parse(frame)?;
    let (kind, sequence) = (frame.msg_type, frame.sequence);
    let mut out = vec![0; ROOM + frame.body.len()];
    macro_rules! body {
        ($($variant:ident)*) => {
            match &message {
                $($variant(record) => tdgw::put_frame(&mut out, kind, sequence, record.bytes()),)*
                Heartbeat => tdgw::put_frame(&mut out, kind, sequence, &[]),
                Sync(sync) => tdgw::put_sync(&mut out, sequence, sync.rows),
                SyncResponse(response) => {
                    tdgw::put_sync_response(&mut out, sequence, response.rows)
                }
                ReportInfo(info) => {
                    _ = info.pairs(tdgw::InfoForm::Flat).map(Iterator::count);
                    _ = info.pairs(tdgw::InfoForm::Nested).map(Iterator::count);
                    None
                }
                Other(_) => None,
            }
        };
    }
    let length = body!(Logon Logout New Cancel Confirm CancelReject Execution OrderReject
        PlatformState EndOfStream);
    out.truncate(length.unwrap_or(0));
    Ok((format!("{sequence} {message:?}"), out))
}

/// `data` as a stream of frames of Shanghai's gateway.
pub fn tdgw(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((frame, used))) = tdgw::next_frame(rest) {
        if let Ok((_, again)) = read_tdgw(frame) {
            holds(frame.body, &again, tdgw::HEADER_LEN);
        }
        rest = &rest[used..];
    }
}

/// What was written anew is the front of what was read: fields may be appended.
fn holds(body: &[u8], again: &[u8], header: usize) {
    if let Some(end) = again.len().checked_sub(4) {
        assert!(body.starts_with(&again[header..end]));
    }
}
