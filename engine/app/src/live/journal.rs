//! Opening the journal of a live run: what the run before left is brought in order first.

use std::path::Path;

use nofx_mailbox::journal::{Fsync, JournalError, Reader, SegmentConfig, SegmentWriter, recover};
use nofx_types::Nanos;

use super::clock::wall;
use super::config::{LiveSection, NetworkSection};
use super::packets::PacketWriter;
use super::record::Kind;
use super::writer::Files;
use crate::failure::Failure;
use crate::hot_path::HotPath;
use crate::live::restart::Restored;

/// An opened journal.
pub struct Opened {
    /// Its files, with what the run before left in the ring already in them.
    pub files: Files,
    /// Number of the next record.
    pub next: u64,
    /// Whether the ring held something that was not yet in the files.
    pub completed: bool,
}

/// Opens the journal. A new folder begins where the mailbox ended, so that numbers go on.
///
/// # Errors
/// Another engine runs, a file is damaged (named, with its offset), the ring holds records of another
/// folder, or the system refuses.
pub fn open(
    live: &LiveSection,
    network: &NetworkSection,
    started: Nanos,
) -> Result<Opened, Failure> {
    let folder = &live.journal;
    let io = |e: std::io::Error| Failure::output(format!("{}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(io)?;
    let segments = SegmentWriter::open(folder, segment_config(live, started)).map_err(unusable)?;
    if let Some(cut) = segments.cut() {
        crate::outputs::complain(format_args!("journal: {cut}"));
    }
    let last = segments.last();
    let groups = network.heard().map(|l| (l.group.ip().octets(), l.group.port())).collect();
    let packets = PacketWriter::open(folder, groups, u64::from(live.segment_mib) << 20);
    let mut files =
        Files::new(segments, packets.map_err(io)?, live.fsync_ms, live.disk_max_mib << 20);
    let (mut next, mut completed) = (last.unwrap_or(0) + 1, false);
    if let Some(mut ring) = recover(&live.mailbox).map_err(Failure::usage)? {
        let state = ring.state();
        if last.is_none() && state.waiting > 0 {
            return Err(Failure::usage(format!(
                "{}: still holds records of another journal folder: start once with that one as \
                 live.journal, or name another live.mailbox",
                live.mailbox.display()
            )));
        }
        while files.drain(&mut ring, wall()).map_err(io)?.is_some() {
            completed = true;
        }
        if ring.is_damaged() {
            return Err(Failure::input(format!(
                "{}: the ring of the journal is damaged; remove the file to start without what it \
                 still held",
                live.mailbox.display()
            )));
        }
        let last = files.segments().last().unwrap_or(state.last);
        next = next.max(last + 1);
    }
    files.sync().map_err(io)?;
    Ok(Opened { files, next, completed })
}

fn segment_config(live: &LiveSection, started: Nanos) -> SegmentConfig {
    SegmentConfig {
        segment_bytes: u64::from(live.segment_mib) << 20,
        disk_max_bytes: live.disk_max_mib << 20,
        fsync: match live.fsync_ms {
            0 => Fsync::Never,
            ms => Fsync::EveryMs(ms.into()),
        },
        session: started,
        engine: format!("nofx {}", env!("CARGO_PKG_VERSION")),
    }
}

/// Brings orders, positions and instruments of the runs in `folder` back into `path`.
///
/// # Errors
/// A record that cannot be read, or is not what its kind says: named by its number.
pub fn restore<S, G>(folder: &Path, path: &mut HotPath<S, G>) -> Result<Restored, Failure>
where
    S: nofx_signal::Strategy,
    G: nofx_risk::LimitGate,
{
    let mut reader = Reader::open(folder).map_err(unusable)?;
    let mut restored = Restored::default();
    while let Some(record) = reader.next().map_err(unusable)? {
        let Some(kind) = Kind::of(record.kind) else { continue };
        restored.take((kind, record.at, record.payload), path).map_err(|what| {
            Failure::input(format!("{}: record {}: {what}", folder.display(), record.number))
        })?;
    }
    restored.end(path);
    Ok(restored)
}

/// A journal that cannot be used.
pub fn unusable(error: JournalError) -> Failure {
    Failure::input(format!("journal: {error}"))
}
