//! The two rings that the kernel and a packet socket share.
//!
//! ```text
//!  mapping:  receive ring: slot 0 | slot 1 | ..        send ring: slot 0 | slot 1 | ..
//!  slot:     tpacket2_hdr 32 | .. | frame at tp_mac    tpacket2_hdr 32 | frame at 32
//! ```
//! A slot belongs to whoever its status word says; the word is written last and read first.
//! Source: Documentation/networking/packet_mmap.rst of the kernel, TPACKET_V2.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use nofx_types::Nanos;

use crate::socket::set;

/// Bytes of a slot: a frame of 1,518 bytes and its header.
const SLOT: usize = 2_048;

/// Slots of a block. Blocks are what the kernel allocates in one piece.
const SLOTS_PER_BLOCK: usize = 32;

/// Where the frame begins in a slot to be sent (`tp_hdrlen - sizeof(sockaddr_ll)`).
const SEND_AT: usize = size_of::<libc::tpacket2_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);

/// Longest frame that a slot to be sent holds.
pub const SEND_MAX: usize = SLOT - SEND_AT;

/// What a received slot holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    pub slot: usize,
    pub at: usize,
    pub len: usize,
    /// Bytes the frame had; more than `len` when it did not fit.
    pub whole: usize,
    pub wall: Nanos,
}

/// A packet socket and its mapped rings.
pub struct Rings {
    socket: OwnedFd,
    base: NonNull<u8>,
    receive_slots: usize,
    send_slots: usize,
}

// SAFETY: the mapping is this value's alone, beside the kernel; nothing in it is tied to a thread.
unsafe impl Send for Rings {}

impl Rings {
    /// A packet socket that receives nothing yet, with rings of at least so many slots.
    ///
    /// # Errors
    /// No privilege, or no memory for the rings.
    pub fn open(receive: usize, send: usize) -> io::Result<Rings> {
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: no pointer is involved. Protocol 0: nothing arrives before `bind`.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let version = libc::tpacket_versions::TPACKET_V2 as libc::c_int;
        let packet = libc::SOL_PACKET;
        set(&socket, packet, libc::PACKET_VERSION, &version)?;
        let (receive, send) = (request(receive), request(send));
        set(&socket, packet, libc::PACKET_RX_RING, &receive)?;
        set(&socket, packet, libc::PACKET_TX_RING, &send)?;
        let (receive_slots, send_slots) = (receive.tp_frame_nr as usize, send.tp_frame_nr as usize);
        // SAFETY: a new mapping over the rings just made, of their size.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                (receive_slots + send_slots) * SLOT,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                socket.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at zero"))?;
        Ok(Rings { socket, base, receive_slots, send_slots })
    }

    /// Receives from here on, everything that interface number `interface` hears.
    ///
    /// # Errors
    /// The interface is gone or down.
    pub fn bind(&self, interface: u32) -> io::Result<()> {
        // SAFETY: an all-zero `sockaddr_ll` is valid: integers only.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = interface as i32;
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: a whole `sockaddr_ll` of `len` bytes, only read.
        let done = unsafe { libc::bind(self.socket.as_raw_fd(), (&raw const address).cast(), len) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The socket, for options.
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Slots of the receive ring, and of the send ring.
    pub fn slots(&self) -> (usize, usize) {
        (self.receive_slots, self.send_slots)
    }

    /// What the kernel has put into receive slot `slot`, if it is ours to read.
    #[inline]
    pub fn received(&self, slot: usize) -> Option<Received> {
        let header = self.header(slot)?;
        // Acquire: pairs with the kernel's write of the word after the frame.
        if self.status(header).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the slot is ours as its status says, and lies in the mapping, aligned to 16.
        let head = unsafe { header.as_ref() };
        let at = usize::from(head.tp_mac);
        let room = SLOT.saturating_sub(at);
        Some(Received {
            slot,
            at,
            len: (head.tp_snaplen as usize).min(room),
            whole: head.tp_len as usize,
            wall: Nanos(u64::from(head.tp_sec) * 1_000_000_000 + u64::from(head.tp_nsec)),
        })
    }

    /// Bytes of a received frame. Only for what [`Rings::received`] gave and was not given back.
    #[inline]
    pub fn frame(&self, received: &Received) -> &[u8] {
        let fits = received.at.checked_add(received.len).is_some_and(|end| end <= SLOT);
        if received.slot >= self.receive_slots || !fits {
            return &[];
        }
        // SAFETY: inside one slot of the receive ring, as just checked. The kernel does not write
        // it before `give_back`, which borrows `self` mutably.
        unsafe {
            let start = self.base.add(received.slot * SLOT + received.at);
            slice::from_raw_parts(start.as_ptr(), received.len)
        }
    }

    /// Gives receive slot `slot` back to the kernel.
    #[inline]
    pub fn give_back(&mut self, slot: usize) {
        if let Some(header) = self.header(slot).filter(|_| slot < self.receive_slots) {
            // Release: the kernel writes the slot only after our reads.
            self.status(header).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
    }

    /// Writes a frame into send slot `slot` and hands it over; false when it is still on its way.
    #[inline]
    pub fn queue(&mut self, slot: usize, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> bool {
        let Some(mut header) = self.header(self.receive_slots + slot) else { return false };
        if slot >= self.send_slots || len > SEND_MAX {
            return false;
        }
        // Acquire: the kernel has read the slot's last frame.
        let busy = libc::TP_STATUS_SEND_REQUEST | libc::TP_STATUS_SENDING;
        if self.status(header).load(Ordering::Acquire) & busy != 0 {
            return false;
        }
        // SAFETY: the slot is ours as its status says; header and frame lie inside it and do not
        // overlap, since the frame begins at SEND_AT.
        unsafe {
            let start = self.base.add((self.receive_slots + slot) * SLOT + SEND_AT);
            fill(slice::from_raw_parts_mut(start.as_ptr(), len));
            header.as_mut().tp_len = len as u32;
        }
        // Release: the kernel reads the frame after the word.
        self.status(header).store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
        true
    }

    /// Makes the kernel send what was queued, without waiting.
    ///
    /// # Errors
    /// The system's; what did not leave stays queued.
    #[inline]
    pub fn kick(&self) -> io::Result<()> {
        // SAFETY: no buffer is passed: the frames are in the ring.
        let sent =
            unsafe { libc::send(self.socket.as_raw_fd(), ptr::null(), 0, libc::MSG_DONTWAIT) };
        match sent {
            0.. => Ok(()),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                error => Err(error),
            },
        }
    }

    /// (Frames seen, frames lost for want of a slot) since the last call: the kernel sets both to
    /// zero.
    pub fn statistics(&self) -> (u32, u32) {
        let mut counts = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = size_of_val(&counts) as libc::socklen_t;
        // SAFETY: `counts` is writable for `len` bytes.
        unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counts).cast(),
                &mut len,
            );
        }
        (counts.tp_packets, counts.tp_drops)
    }

    /// The status word of a slot, which both sides write.
    #[inline]
    fn status(&self, header: NonNull<libc::tpacket2_hdr>) -> &AtomicU32 {
        // SAFETY: `header` gave it, so it lies in the mapping, aligned to 16, as long as `self`
        // lives; both sides access its first word, the status, as an atomic only.
        unsafe { &*(&raw mut (*header.as_ptr()).tp_status).cast::<AtomicU32>() }
    }

    fn header(&self, slot: usize) -> Option<NonNull<libc::tpacket2_hdr>> {
        // SAFETY: inside the mapping, as checked in front.
        (slot < self.receive_slots + self.send_slots)
            .then(|| unsafe { self.base.add(slot * SLOT).cast() })
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        // SAFETY: made by `open` with this size; nothing is lent any more.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), (self.receive_slots + self.send_slots) * SLOT);
        }
    }
}

/// Rings of whole blocks with at least `slots` slots.
fn request(slots: usize) -> libc::tpacket_req {
    let blocks = slots.clamp(1, 1 << 20).div_ceil(SLOTS_PER_BLOCK);
    libc::tpacket_req {
        tp_block_size: (SLOTS_PER_BLOCK * SLOT) as u32,
        tp_block_nr: blocks as u32,
        tp_frame_size: SLOT as u32,
        tp_frame_nr: (blocks * SLOTS_PER_BLOCK) as u32,
    }
}
