//! The capture port of a live run: the bytes of every packet taken, as captures that other tools open.
//!
//! Model: one capture after another in the folder of the journal, `packets-000000000001.pcap` and so
//! on; a new one at each start and whenever one has reached its size. The journal keeps the place of
//! each packet (file, offset, CRC), so a reader goes straight to it and notices a single changed bit.
//! A capture is written before the record that names it, so a record never names what is not there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nofx_net::write::{Link, append_datagram, file_header};
use nofx_types::Nanos;

use super::record::PacketPlace;

/// The file with this number.
pub fn path_of(dir: &Path, file: u64) -> PathBuf {
    dir.join(format!("packets-{file:012}.pcap"))
}

/// Appends packets.
pub struct PacketWriter {
    dir: PathBuf,
    file: Option<File>,
    number: u64,
    size: u64,
    size_max: u64,
    packets: u64,
    groups: Vec<([u8; 4], u16)>,
    buffer: Vec<u8>,
    /// Bytes of all captures in the folder.
    disk: u64,
}

impl PacketWriter {
    /// Writes behind what is in `dir`; `groups` are the addresses of the lines.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path, groups: Vec<([u8; 4], u16)>, size_max: u64) -> io::Result<Self> {
        let (mut last, mut disk) = (0, 0);
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|n| n.strip_prefix("packets-"));
            let number = number.and_then(|n| n.strip_suffix(".pcap")).and_then(|n| n.parse().ok());
            let Some(number) = number else { continue };
            last = last.max(number);
            disk += entry.metadata()?.len();
        }
        Ok(PacketWriter {
            dir: dir.to_owned(),
            file: None,
            number: last,
            size: 0,
            size_max,
            packets: 0,
            groups,
            buffer: Vec::with_capacity(1 << 20),
            disk,
        })
    }

    /// Takes one packet; it is in the file after the next [`PacketWriter::flush`].
    ///
    /// # Errors
    /// A new file cannot be made, or the packet does not fit a capture.
    pub fn append(&mut self, line: u8, at: Nanos, payload: &[u8]) -> io::Result<PacketPlace> {
        if self.file.is_none() || self.size >= self.size_max {
            self.flush()?;
            self.next_file()?;
        }
        let group = self.groups.get(usize::from(line)).copied().unwrap_or(([0; 4], line.into()));
        let before = self.buffer.len();
        let link = Link::default();
        let begin = append_datagram(&mut self.buffer, &link, self.packets, at, group, payload)
            .ok_or_else(|| io::Error::other("a packet does not fit a capture"))?;
        let offset = self.size + (begin - before) as u64;
        self.size += (self.buffer.len() - before) as u64;
        self.packets += 1;
        let seq = payload.get(10..18).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes);
        let crc = crc32c::crc32c(payload);
        let len = payload.len() as u32;
        Ok(PacketPlace { line, seq, file: self.number, offset, len, crc })
    }

    /// Writes what was taken.
    ///
    /// # Errors
    /// The file cannot be written; what was not written is written at the next call.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        while !self.buffer.is_empty() {
            let done = file.write(&self.buffer)?;
            if done == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.disk += done as u64;
            self.buffer.drain(..done);
        }
        Ok(())
    }

    /// Sees to it that what was written survives a crash of the machine.
    ///
    /// # Errors
    /// The system says so.
    pub fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Bytes that all captures of the folder take, those waiting to be written included.
    pub fn disk_bytes(&self) -> u64 {
        self.disk + self.buffer.len() as u64
    }

    fn next_file(&mut self) -> io::Result<()> {
        let path = path_of(&self.dir, self.number + 1);
        let file = File::options().write(true).create_new(true).open(path)?;
        self.number += 1;
        self.file = Some(file);
        self.buffer.extend_from_slice(&file_header());
        self.size = file_header().len() as u64;
        Ok(())
    }
}

/// Finds packets by their place.
pub struct PacketReader {
    dir: PathBuf,
    open: Option<(u64, File)>,
    buffer: Vec<u8>,
}

impl PacketReader {
    /// Reads the captures of `dir`.
    pub fn new(dir: &Path) -> PacketReader {
        PacketReader { dir: dir.to_owned(), open: None, buffer: Vec::new() }
    }

    /// The payload at `place`.
    ///
    /// # Errors
    /// In words: file and offset, and what is wrong there.
    pub fn read(&mut self, place: &PacketPlace) -> Result<&[u8], String> {
        let path = path_of(&self.dir, place.file);
        let wrong = |what: String| format!("{}: byte {}: {what}", path.display(), place.offset);
        if place.len > 65_535 {
            return Err(wrong(format!("a packet of {} bytes", place.len)));
        }
        if self.open.as_ref().is_none_or(|(number, _)| *number != place.file) {
            let file = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            self.open = Some((place.file, file));
        }
        let Some((_, file)) = &mut self.open else { return Err(wrong("not open".into())) };
        self.buffer.resize(place.len as usize, 0);
        file.seek(SeekFrom::Start(place.offset)).map_err(|e| wrong(e.to_string()))?;
        file.read_exact(&mut self.buffer)
            .map_err(|_| wrong(format!("the file ends inside this packet of {}", place.len)))?;
        if crc32c::crc32c(&self.buffer) != place.crc {
            return Err(wrong("the packet is not what was journaled (CRC)".into()));
        }
        Ok(&self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_again_over_files_and_a_changed_bit_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let groups = vec![([233, 0, 0, 1], 5000), ([233, 0, 0, 2], 5001)];
        let payload = |n: u8| vec![n; 20 + usize::from(n)];
        let mut places = Vec::new();
        for run in 0..2u8 {
            let mut writer = PacketWriter::open(dir.path(), groups.clone(), 400).expect("opens");
            for n in 0..10 {
                let n = run * 10 + n;
                let at = Nanos(1_700_000_000_000_000_000 + u64::from(n));
                places.push((n, writer.append(n % 2, at, &payload(n)).expect("fits")));
            }
            writer.flush().expect("written");
        }
        let mut reader = PacketReader::new(dir.path());
        for (n, place) in &places {
            assert_eq!(reader.read(place), Ok(&*payload(*n)), "{place:?}");
        }
        let files = places.iter().map(|(_, p)| p.file).max().expect("some");
        assert!(files > 2, "rotated");
        // Each file is a capture that the reader of captures takes whole.
        let mut seen = 0;
        for file in 1..=files {
            let mut capture =
                nofx_net::capture::Capture::open(path_of(dir.path(), file)).expect("a capture");
            while let Some(frame) = capture.next().expect("sound") {
                seen += usize::from(frame.data.len() >= 60);
            }
        }
        assert_eq!(seen, 20);
        let (_, place) = places[3];
        let path = path_of(dir.path(), place.file);
        let mut bytes = std::fs::read(&path).expect("there");
        bytes[place.offset as usize + 5] ^= 4;
        std::fs::write(&path, bytes).expect("written");
        let error = reader.read(&place).expect_err("changed");
        assert!(error.contains("CRC") && error.contains("packets-"), "{error}");
    }
}
