//! The house-keeping thread of a live run: from the ring in the mapped file to the disk.
//!
//! Model: records are taken in order; the bytes of packets go to a capture, everything to the
//! segments; the room in the ring is given back only when what was read is in its files, so a killed
//! process loses nothing. A crash of the machine loses at most what was written since the last sync.
//! When the disk refuses, the ring fills meanwhile, the tile is told to send no new orders, and the
//! write is tried again; nothing is thrown away here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nofx_mailbox::journal::{Consumer, Record, SegmentWriter};
use nofx_mailbox::{Heart, IdFile};
use nofx_types::Nanos;

use super::clock::{EngineClock, wall};
use super::packets::PacketWriter;
use super::record::{Kind, PacketPlace};
use super::shared::Shared;

/// Records of one drain, at most.
const BATCH: usize = 4_096;
/// Pause when there is nothing to write.
const PAUSE: Duration = Duration::from_micros(500);
/// Pause before a refused write is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// See the module.
pub struct Writer {
    consumer: Consumer,
    files: Files,
    ids: IdFile,
    id_block: u32,
    shared: Arc<Shared>,
    heart: Heart,
    clock: EngineClock,
    complaint: Option<String>,
    /// Writes that were refused.
    pub refused: u64,
}

/// Segments and captures together.
pub struct Files {
    segments: SegmentWriter,
    packets: PacketWriter,
    places: Vec<PacketPlace>,
    fsync_ms: u32,
    synced: Nanos,
    disk_max: u64,
}

impl Files {
    /// Both; the captures are forced to the disk as often as the segments, and the two together
    /// take `disk_max` bytes at most.
    pub fn new(
        segments: SegmentWriter,
        packets: PacketWriter,
        fsync_ms: u32,
        disk_max: u64,
    ) -> Files {
        let places = Vec::with_capacity(BATCH);
        Files { segments, packets, places, fsync_ms, synced: Nanos(0), disk_max }
    }

    /// The segments.
    pub fn segments(&mut self) -> &mut SegmentWriter {
        &mut self.segments
    }

    /// Writes a batch of what waits in the ring and gives its room back; returns the number of its
    /// last record. In two passes, so that a packet is in its capture before the record that names
    /// it can be in a segment, whatever is killed when.
    ///
    /// # Errors
    /// The system refuses: nothing was given back, and the same batch comes again.
    pub fn drain(&mut self, ring: &mut Consumer, now: Nanos) -> io::Result<Option<u64>> {
        let done = self.passes(ring, now);
        match &done {
            Ok(_) => ring.release(),
            Err(_) => ring.rewind(),
        }
        done
    }

    fn passes(&mut self, ring: &mut Consumer, now: Nanos) -> io::Result<Option<u64>> {
        self.packets.flush()?; // what a refused write left: not appended once more before it is out
        self.check_room()?;
        let known = self.segments.last().unwrap_or(0);
        let mut last = None;
        self.places.clear();
        for _ in 0..BATCH {
            let Some(record) = ring.next() else { break };
            last = Some(record.number);
            if let Some((line, payload)) = packet(&record).filter(|_| record.number > known) {
                self.places.push(self.packets.append(line, record.at, payload)?);
            }
        }
        self.packets.flush()?;
        if self.fsync_ms > 0 && now.since(self.synced) >= u64::from(self.fsync_ms) * 1_000_000 {
            self.packets.sync()?;
            self.synced = now;
        }
        let Some(last) = last else {
            return self.segments.sync(now).map(|()| None).map_err(io::Error::other);
        };
        ring.rewind();
        let mut places = self.places.iter();
        while let Some(record) = ring.next() {
            let place;
            let named = match packet(&record).filter(|_| record.number > known) {
                Some(_) => {
                    place = places.next().map_or([0; PacketPlace::LEN], PacketPlace::encode);
                    Record { payload: &place, ..record }
                }
                None => record,
            };
            self.segments.append(&named).map_err(io::Error::other)?;
            if named.number == last {
                break;
            }
        }
        self.segments.sync(now).map_err(io::Error::other)?;
        Ok(Some(last))
    }

    fn check_room(&self) -> io::Result<()> {
        let used = self.segments.disk_bytes() + self.packets.disk_bytes();
        match used < self.disk_max {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "segments and captures take {} MiB: live.disk_max_mib is {}",
                used >> 20,
                self.disk_max >> 20
            ))),
        }
    }

    /// Everything is on the disk.
    ///
    /// # Errors
    /// The system refuses.
    pub fn sync(&mut self) -> io::Result<()> {
        self.packets.flush()?;
        self.packets.sync()?;
        self.segments.rotate().map_err(io::Error::other)
    }
}

/// Line and payload, if the record is a packet.
fn packet<'a>(record: &Record<'a>) -> Option<(u8, &'a [u8])> {
    let (line, payload) = record.payload.split_first()?;
    (record.kind == Kind::Packet as u8).then_some((*line, payload))
}

impl Writer {
    /// A writer of what `consumer` brings.
    pub fn new(
        consumer: Consumer,
        files: Files,
        ids: IdFile,
        id_block: u32,
        shared: Arc<Shared>,
        (heart, clock): (Heart, EngineClock),
    ) -> Writer {
        Writer { consumer, files, ids, id_block, shared, heart, clock, complaint: None, refused: 0 }
    }

    /// Writes until the tile has ended and everything is on disk. Gives up then, and says so, when
    /// the disk still refuses.
    ///
    /// # Errors
    /// What is missing from the journal, and why.
    pub fn run(mut self) -> Result<(), String> {
        loop {
            let ended = Shared::is(&self.shared.tile_ended);
            self.heart.beat(self.clock.now());
            let taken = self.turn();
            self.ids_ahead();
            self.rotate();
            match (taken, ended) {
                (Ok(false), true) => return self.close(),
                (Ok(false), false) => std::thread::sleep(PAUSE),
                (Ok(true), _) => {}
                (Err(error), true) => return Err(format!("the journal is not whole: {error}")),
                (Err(error), false) => self.trouble(&error),
            }
        }
    }

    fn turn(&mut self) -> io::Result<bool> {
        let last = self.files.drain(&mut self.consumer, wall())?;
        if self.consumer.is_damaged() {
            return Err(io::Error::other("the ring in the mailbox was written by a foreign hand"));
        }
        if let Some(last) = last {
            self.shared.written.store(last, Ordering::Release);
        }
        if self.complaint.take().is_some() {
            crate::outputs::complain("the journal is written again: orders may go on");
        }
        self.shared.journal_broken.store(false, Ordering::Release);
        Ok(last.is_some())
    }

    fn trouble(&mut self, error: &io::Error) {
        self.refused += 1;
        self.shared.journal_broken.store(true, Ordering::Release);
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            crate::outputs::complain(format_args!(
                "ALARM: the journal cannot be written, no new orders are sent: {complaint}"
            ));
            self.complaint = Some(complaint);
        }
        std::thread::sleep(RETRY);
    }

    /// Begins a new segment when one is asked for.
    fn rotate(&mut self) {
        let Some(number) = self.shared.wanted_rotation() else { return };
        let rotated = self.files.segments().rotate();
        if let Err(error) = &rotated {
            crate::outputs::complain(format_args!("the journal has no new segment: {error}"));
        }
        self.shared.set_rotation(number, rotated.is_ok());
    }

    /// Reserves the next block of order ids before the last one is used up.
    fn ids_ahead(&mut self) {
        let limit = self.shared.id_limit.load(Ordering::Acquire);
        let used = self.shared.id_used.load(Ordering::Acquire);
        if limit.saturating_sub(used) < self.id_block / 2
            && let Ok(block) = self.ids.reserve(self.id_block.into())
        {
            let last = u32::try_from(block.end - 1).unwrap_or(u32::MAX);
            self.shared.id_limit.store(last, Ordering::Release);
        }
    }

    fn close(mut self) -> Result<(), String> {
        self.files.sync().map_err(|e| format!("the journal is not whole: {e}"))
    }
}
