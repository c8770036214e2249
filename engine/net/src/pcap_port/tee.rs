//! Writes what passes a port to a capture file.
//!
//! Model: packets are appended to a buffer as they pass, and every poll and flush that saw any ends
//! with one `write` of it. The file therefore grows in place and is whole up to the last burst
//! even when the process is killed; a reader takes a cut last packet as what it is. Not for the hot
//! path: it copies, reads the clock and waits for the disk.
//!
//! Worst case: when the disk refuses, recording ends there, once and for all, with the count of
//! what was not recorded; packets pass as before.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nofx_types::Nanos;

use crate::port::{Arrival, FramePort, Port, PortCounters, PortDescription, RxFrame, SendError};
use crate::write::{Link, append_datagram, file_header};
use crate::{Error, Result};

/// A capture file that grows.
pub struct Recorder {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    packets: u64,
    pending: u64,
    unrecorded: u64,
}

impl Recorder {
    /// Begins the file `path`, which is emptied when it is there.
    ///
    /// # Errors
    /// It cannot be created or written.
    pub fn create(path: impl AsRef<Path>) -> Result<Recorder> {
        const ADVICE: &str = "check that the directory exists, is writable and has space left";
        let path = path.as_ref().to_owned();
        let mut file = File::create(&path).map_err(|e| Error::io(&path, "create", ADVICE, e))?;
        file.write_all(&file_header()).map_err(|e| Error::io(&path, "write", ADVICE, e))?;
        let (file, buffer) = (Some(file), Vec::with_capacity(256 << 10));
        Ok(Recorder { path, file, buffer, packets: 0, pending: 0, unrecorded: 0 })
    }

    /// Appends an Ethernet frame.
    pub fn frame(&mut self, at: Nanos, bytes: &[u8]) {
        let Ok(seconds) = u32::try_from(at.0 / 1_000_000_000) else {
            self.unrecorded += 1;
            return;
        };
        let len = bytes.len() as u32;
        for field in [seconds, (at.0 % 1_000_000_000) as u32, len, len] {
            self.buffer.extend_from_slice(&field.to_le_bytes());
        }
        self.buffer.extend_from_slice(bytes);
        self.pending += 1;
    }

    /// Appends a datagram, in an Ethernet frame made for it.
    pub fn datagram(&mut self, at: Nanos, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) {
        let link = Link { src: from.ip().octets(), src_port: from.port(), vlan: None };
        let (number, to) = (self.packets + self.pending, (to.ip().octets(), to.port()));
        match append_datagram(&mut self.buffer, &link, number, at, to, payload) {
            Some(_) => self.pending += 1,
            None => self.unrecorded += 1,
        }
    }

    /// Gives what was appended to the system.
    pub fn write(&mut self) {
        if self.pending == 0 {
            return;
        }
        let written = self.file.as_mut().is_some_and(|file| file.write_all(&self.buffer).is_ok());
        if written {
            self.packets += self.pending;
        } else {
            self.file = None;
            self.unrecorded += self.pending;
        }
        self.pending = 0;
        self.buffer.clear();
    }

    /// Packets in the file, and packets that passed but are not in it.
    pub fn counts(&self) -> (u64, u64) {
        (self.packets, self.unrecorded)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write();
    }
}

/// A port whose packets, both ways, are written to a file.
pub struct Tee<P> {
    port: P,
    recorder: Recorder,
    /// Source of what a datagram port sends, which only it knows.
    own: SocketAddrV4,
}

impl<P> Tee<P> {
    /// Records what passes `port`. `own` is written as the source of the datagrams it sends; frame
    /// ports have it in their frames.
    pub fn new(port: P, recorder: Recorder, own: SocketAddrV4) -> Tee<P> {
        Tee { port, recorder, own }
    }

    /// The port.
    pub fn inner_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// The file.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn counted(&self, mut counters: PortCounters) -> PortCounters {
        counters.drops.push(("unrecorded", self.recorder.unrecorded));
        counters
    }

    fn described(&self, mut description: PortDescription) -> PortDescription {
        description.notes.push(format!("recorded in {}", self.recorder.path.display()));
        description
    }
}

impl<P: FramePort> FramePort for Tee<P> {
    fn poll(&mut self) -> usize {
        let count = self.port.poll();
        for index in 0..count {
            let RxFrame { bytes, at } = self.port.frame(index);
            self.recorder.frame(or_now(at.wall), bytes);
        }
        self.recorder.write();
        count
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        self.port.frame(index)
    }

    fn send_with(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> std::result::Result<(), SendError> {
        let recorder = &mut self.recorder;
        self.port.send_with(len, &mut |place| {
            fill(place);
            recorder.frame(now(), place);
        })
    }

    fn flush(&mut self) {
        self.port.flush();
        self.recorder.write();
    }

    fn mac(&self) -> [u8; 6] {
        self.port.mac()
    }

    fn frame_max(&self) -> usize {
        self.port.frame_max()
    }

    fn counters(&mut self) -> PortCounters {
        let counters = self.port.counters();
        self.counted(counters)
    }

    fn describe(&self) -> PortDescription {
        self.described(self.port.describe())
    }
}

impl<P: Port> Port for Tee<P> {
    fn poll(&mut self) -> usize {
        let count = self.port.poll();
        for index in 0..count {
            let Arrival { datagram, at } = self.port.arrival(index);
            let from = SocketAddrV4::new(datagram.src.into(), datagram.src_port);
            let to = SocketAddrV4::new(datagram.dst.into(), datagram.dst_port);
            self.recorder.datagram(or_now(at.wall), from, to, datagram.payload);
        }
        self.recorder.write();
        count
    }

    fn arrival(&self, index: usize) -> Arrival<'_> {
        self.port.arrival(index)
    }

    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> std::result::Result<(), SendError> {
        self.port.send(to, payload)?;
        self.recorder.datagram(now(), self.own, to, payload);
        Ok(())
    }

    fn flush(&mut self) {
        self.port.flush();
        self.recorder.write();
    }

    fn counters(&mut self) -> PortCounters {
        let counters = self.port.counters();
        self.counted(counters)
    }

    fn describe(&self) -> PortDescription {
        self.described(self.port.describe())
    }
}

fn or_now(at: Nanos) -> Nanos {
    if at.0 > 0 { at } else { now() }
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Nanos(since.map_or(0, |since| since.as_nanos() as u64))
}
