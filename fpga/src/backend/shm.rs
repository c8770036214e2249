//! The backend `shm`: a simulator process that looks like a card.
//!
//! Model: the simulator (`nofx-fpga-sim`) listens on a Unix socket of packets. The host greets it and
//! hands over its ring; the simulator answers with its window and an event; both are memfds, passed as
//! descriptors. From then on lines cross memory as with a card ([`super::window`]); registers are one
//! message and one answer each; the event counts how often the kill was engaged. A greeting without a
//! ring opens the registers only, for a second process that looks or kills.
//!
//! Worst case: a register access waits for [`PATIENCE`] and then says that the simulator is gone; the
//! closed socket of one that died is told at once. Lines say nothing: their stream just ends.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recvmsg,
    sendmsg, socket_with,
};

use super::OpenError;
use super::window::{BYTES, HostLines, SLOTS, Stores};
use crate::device::{DeviceError, Lines, Registers};
use crate::line::{OpLine, VerdictLine};
use crate::regs::{self, reg};

/// How long the simulator may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Version of the messages.
pub const VERSION: u32 = 1;
/// Words of a message.
pub const MESSAGE_WORDS: usize = 4;
/// Descriptors that a message may carry.
const DESCRIPTORS: usize = 2;

/// What a message is for: its first word.
pub mod what {
    /// Host: magic, version, slots; with a ring, or without one for registers only.
    pub const HELLO: u32 = 1;
    /// Simulator: magic, version, slots; with window and event where a ring came.
    pub const WELCOME: u32 = 2;
    /// Simulator: why not (see `refusal`), its version, its slots. It hangs up.
    pub const REFUSED: u32 = 3;
    /// Both: address, value, 1 where it failed.
    pub const READ: u32 = 4;
    /// Both: address, value, 1 where it failed.
    pub const WRITE: u32 = 5;
}

/// Why a simulator refuses a greeting.
pub mod refusal {
    /// The greeting is none.
    pub const MAGIC: u32 = 1;
    /// Another version of the messages or of the words.
    pub const VERSION: u32 = 2;
    /// Another number of slots.
    pub const SLOTS: u32 = 3;
    /// Another host has the lines.
    pub const BUSY: u32 = 4;
}

/// One message; the version of a greeting is that of the messages and of the gate's words together.
pub type Message = [u32; MESSAGE_WORDS];

/// The greeting.
pub const HELLO: Message = [what::HELLO, regs::MAGIC, VERSION << 16 | regs::ABI, SLOTS];

/// A simulator, connected.
#[derive(Debug)]
pub struct Shm {
    socket: OwnedFd,
    /// `None` where only the registers are open.
    lines: Option<HostLines>,
    event: Option<OwnedFd>,
}

impl Shm {
    /// Connects to the simulator that listens at `path`.
    pub fn open(path: &Path) -> Result<Shm, OpenError> {
        Shm::greet(path, &HELLO, true)
    }

    /// Connects for the registers only.
    pub fn open_registers(path: &Path) -> Result<Shm, OpenError> {
        Shm::greet(path, &HELLO, false)
    }

    /// Connects with a greeting that need not be right.
    pub fn greet(path: &Path, hello: &Message, with_lines: bool) -> Result<Shm, OpenError> {
        Shm::connect(path, hello, with_lines).map_err(|error| {
            let doing = "connect to the simulator";
            let advice =
                "is nofx-fpga-sim running, of the same build, and free? Its --help says more";
            OpenError { path: path.to_owned(), doing, error, advice }
        })
    }

    fn connect(path: &Path, hello: &Message, with_lines: bool) -> io::Result<Shm> {
        let socket = packet_socket()?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        let ring = with_lines.then(|| slots("nofx-ring")).transpose()?;
        let fds: Vec<BorrowedFd<'_>> = ring.iter().map(AsFd::as_fd).collect();
        send(&socket, hello, &fds)?;
        let (answer, fds) = receive(&socket, RecvFlags::empty())?.ok_or_else(gone)?;
        check_welcome(&answer)?;
        let Some(ring) = ring else { return Ok(Shm { socket, lines: None, event: None }) };
        let Ok([window, event]) = <[OwnedFd; 2]>::try_from(fds) else {
            return Err(other("the simulator sent no window"));
        };
        let lines = HostLines::map(&File::from(window), 0, &ring, Stores::Ordered)?;
        Ok(Shm { socket, lines: Some(lines), event: Some(event) })
    }

    /// How often the kill was engaged since the last call; also readable for `poll`.
    pub fn kills(&self) -> u64 {
        let Some(event) = &self.event else { return 0 };
        let mut count = [0; 8];
        match rustix::io::read(event, &mut count) {
            Ok(8) => u64::from_ne_bytes(count),
            _ => 0,
        }
    }

    /// The event of [`Shm::kills`], to be polled.
    pub fn event(&self) -> Option<BorrowedFd<'_>> {
        self.event.as_ref().map(AsFd::as_fd)
    }

    fn access(&mut self, message: Message) -> io::Result<u32> {
        send(&self.socket, &message, &[])?;
        let (answer, _) = receive(&self.socket, RecvFlags::empty())?.ok_or_else(gone)?;
        match answer {
            [what, at, value, 0] if (what, at) == (message[0], message[1]) => Ok(value),
            [_, _, _, 1] => Err(other("the simulated gate does not answer its bus")),
            _ => Err(other("an answer to another question")),
        }
    }
}

impl Registers for Shm {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        self.access([what::READ, at, 0, 0]).map_err(|error| failed("read register", at, &error))
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        let scrub = at == reg::CONTROL && value & 1 != 0;
        let written = self.access([what::WRITE, at, value, 0]);
        if scrub && let Some(lines) = &mut self.lines {
            lines.restart();
        }
        written.map(drop).map_err(|error| failed("write register", at, &error))
    }
}

impl Lines for Shm {
    #[inline]
    fn put(&mut self, line: &OpLine) -> bool {
        self.lines.as_mut().is_some_and(|lines| lines.put(line))
    }

    #[inline]
    fn take(&mut self) -> Option<VerdictLine> {
        self.lines.as_mut()?.take()
    }
}

fn check_welcome(answer: &Message) -> io::Result<()> {
    let [_, magic, version, slots] = HELLO;
    match *answer {
        [what::WELCOME, m, v, s] if (m, v, s) == (magic, version, slots) => Ok(()),
        [what::REFUSED, refusal::VERSION, v, _] => Err(other(&format!(
            "the simulator speaks version {}.{}, this host {}.{}",
            v >> 16,
            v & 0xffff,
            version >> 16,
            version & 0xffff
        ))),
        [what::REFUSED, refusal::SLOTS, _, s] => {
            Err(other(&format!("the simulator has {s} slots, this host {slots}")))
        }
        [what::REFUSED, refusal::BUSY, ..] => Err(other("another host has the simulator's lines")),
        [what::REFUSED, ..] => Err(other("the simulator did not understand the greeting")),
        _ => Err(other("what listens there is no simulator")),
    }
}

fn failed(doing: &'static str, at: u32, error: &io::Error) -> DeviceError {
    let os_error = error.raw_os_error().unwrap_or(0);
    DeviceError { doing, at, os_error, advice: "the simulator is gone or hangs: start it again" }
}

fn other(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

fn gone() -> io::Error {
    io::Error::from(io::ErrorKind::UnexpectedEof)
}

/// A socket that keeps the bounds of messages.
pub fn packet_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// A memfd of [`BYTES`] zeros.
pub fn slots(name: &str) -> io::Result<File> {
    let file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.set_len(BYTES as u64)?;
    Ok(file)
}

/// Sends a message, with descriptors.
pub fn send(socket: &OwnedFd, message: &Message, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(other("more descriptors than a message carries"));
    }
    let bytes = bytemuck::bytes_of(message);
    sendmsg(socket, &[io::IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a message and its descriptors; `None` where there is none now (`DONTWAIT`). The end of the
/// connection is an error.
pub fn receive(socket: &OwnedFd, flags: RecvFlags) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
    let mut message = [0; MESSAGE_WORDS];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let bytes: &mut [u8] = bytemuck::bytes_of_mut(&mut message);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let got = match recvmsg(socket, &mut [io::IoSliceMut::new(bytes)], &mut control, flags) {
        Err(Errno::AGAIN) if flags.contains(RecvFlags::DONTWAIT) => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(got) => got.bytes,
    };
    let fds = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    });
    let fds = fds.collect();
    match got {
        0 => Err(gone()),
        16 => Ok(Some((message, fds))),
        _ => Err(other("a message of another length")),
    }
}
