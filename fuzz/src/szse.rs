//! Shenzhen frames and messages: no byte string may make a decoder panic, and what a decoder accepts
//! must re-emit as it was and add up to the length of the input.

use std::fmt::Write;

use nofx_wire::szse::{
    Entry, Frame, FrameError, FrameWriter, Message, Snapshot, next_frame, put_frame, put_snapshot,
};

/// The fields of a message; `None` when it is too short.
pub fn text(frame: Frame<'_>) -> Option<String> {
    match Message::parse(frame).ok()? {
        Message::Snapshot(snapshot) => Some(snapshot_text(&snapshot)),
        message => Some(format!("{message:?}")),
    }
}

fn snapshot_text(snapshot: &Snapshot<'_>) -> String {
    let mut text = format!("Snapshot({:?}", snapshot.head);
    for (n, entry) in snapshot.entries().enumerate() {
        let queue: Vec<i64> = entry.queue.iter().map(|qty| qty.get()).collect();
        let gap = if n == 0 { " " } else { "; " };
        write!(text, "{gap}{:?} {queue:?}", entry.head).expect("memory is enough");
    }
    text + ")"
}

/// The frame written anew from what was read of it, as far as the layouts reach.
pub fn again(frame: Frame<'_>) -> Option<Vec<u8>> {
    let mut out = vec![0; frame.body.len() + 12];
    let length = match Message::parse(frame).ok()? {
        Message::Logon(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Logout(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Heartbeat => put_frame(&mut out, frame.msg_type, &[]),
        Message::Reject(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::ChannelHeartbeat(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Resend(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::MarketStatus(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Order(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Execution(record) => put_frame(&mut out, frame.msg_type, record.bytes()),
        Message::Announcement(news) => {
            pieces(&mut out, frame.msg_type, &[news.head.bytes(), news.data])
        }
        Message::SecurityStatus(status) => {
            let rows: Vec<u8> =
                status.switches.iter().flat_map(|row| row.bytes().to_vec()).collect();
            pieces(&mut out, frame.msg_type, &[status.head.bytes(), &rows])
        }
        Message::Statistics(statistics) => {
            let rows: Vec<u8> =
                statistics.streams.iter().flat_map(|row| row.bytes().to_vec()).collect();
            pieces(&mut out, frame.msg_type, &[statistics.head.bytes(), &rows])
        }
        Message::Snapshot(snapshot) => {
            let entries: Vec<Entry<'_>> = snapshot.entries().collect();
            put_snapshot(&mut out, snapshot.head, &entries)
        }
        Message::Other(kind) => put_frame(&mut out, kind, frame.body),
    };
    out.truncate(length.expect("what was read fits where it stood"));
    Some(out)
}

fn pieces(out: &mut [u8], kind: u32, parts: &[&[u8]]) -> Option<usize> {
    let mut frame = FrameWriter::new(out, kind);
    parts.iter().for_each(|part| frame.push(part));
    frame.finish()
}

/// `data` as a stream of frames, and as the body of each type.
pub fn szse_md(data: &[u8]) {
    let (mut rest, mut used) = (data, 0);
    loop {
        match next_frame(rest) {
            Ok(Some((frame, length))) => {
                used += length;
                check(frame);
                rest = &rest[length..];
                assert_eq!(used + rest.len(), data.len());
            }
            Ok(None) => break,
            Err(FrameError::TooLong { length, .. }) => break assert!(length > 1 << 20),
            Err(FrameError::Checksum { stated, computed, .. }) => {
                break assert!(stated != computed && computed < 256);
            }
        }
    }
    for msg_type in [
        1, 2, 3, 8, 300_111, 300_191, 300_192, 390_012, 390_013, 390_019, 390_090, 390_094, 390_095,
    ] {
        check(Frame { msg_type, body: data });
    }
}

fn check(frame: Frame<'_>) {
    let Some(written) = again(frame) else { return };
    let (read, _) = next_frame(&written).expect("a sound frame").expect("a whole frame");
    assert_eq!(Some(read.body), frame.body.get(..read.body.len()));
    assert_eq!(text(read), text(frame));
}
