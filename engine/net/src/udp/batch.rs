//! Places for one burst of datagrams, and the one system call that fills them.
//!
//! Model: [`BURST_MAX`] places, each with room for payload, sender and control bytes. The structures
//! that tell the kernel so are built once and point into vectors that never move or grow; a poll
//! only sets back the lengths that the kernel wrote.
#![allow(unsafe_code)]

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, RawFd};
use std::{mem, ptr, slice};

use crate::port::BURST_MAX;

/// Control bytes of a place: a time stamp of three and a count, with room to spare.
const CONTROL: usize = 128;

/// Where a burst lies.
pub struct Batch {
    headers: Vec<libc::mmsghdr>,
    /// Pointed to by `headers`; touched only through raw pointers after construction.
    _vectors: Vec<libc::iovec>,
    names: Vec<libc::sockaddr_in>,
    /// Words, because control messages are aligned to 8.
    control: Vec<u64>,
    data: Vec<u8>,
    place: usize,
    used: usize,
}

// SAFETY: the pointers in `headers` and `_vectors` lead to the heap blocks of the vectors beside
// them, which move with this value and are nobody else's.
unsafe impl Send for Batch {}

impl Batch {
    /// Places for payloads of `place` bytes.
    pub fn new(place: usize) -> Batch {
        // SAFETY: all-zero is valid: integers and pointers that nobody follows while null.
        let (header, name) = unsafe { (mem::zeroed::<libc::mmsghdr>(), mem::zeroed()) };
        let mut batch = Batch {
            headers: vec![header; BURST_MAX],
            _vectors: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: place }; BURST_MAX],
            names: vec![name; BURST_MAX],
            control: vec![0; BURST_MAX * CONTROL / 8],
            data: vec![0; BURST_MAX * place],
            place,
            used: BURST_MAX,
        };
        let vectors = batch._vectors.as_mut_ptr();
        for (index, header) in batch.headers.iter_mut().enumerate() {
            let message = &mut header.msg_hdr;
            // SAFETY: `index` is below BURST_MAX, and each block has BURST_MAX places.
            unsafe {
                let vector = vectors.add(index);
                (*vector).iov_base = batch.data.as_mut_ptr().add(index * place).cast();
                message.msg_iov = vector;
                message.msg_name = batch.names.as_mut_ptr().add(index).cast();
                message.msg_control = batch.control.as_mut_ptr().add(index * CONTROL / 8).cast();
            }
            message.msg_iovlen = 1;
        }
        batch.clear();
        batch
    }

    /// Gives all places back.
    #[inline]
    pub fn clear(&mut self) {
        for header in self.headers.iter_mut().take(self.used) {
            let message = &mut header.msg_hdr;
            message.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            message.msg_controllen = CONTROL as _;
            message.msg_flags = 0;
        }
        self.used = 0;
    }

    /// Places taken.
    #[inline]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Takes what `socket` has into the free places; how many there were.
    ///
    /// # Errors
    /// The system's, other than "nothing there".
    #[inline]
    pub fn receive(&mut self, socket: RawFd) -> io::Result<usize> {
        let Some(free) = self.headers.get_mut(self.used..).filter(|free| !free.is_empty()) else {
            return Ok(0);
        };
        // SAFETY: `free` is that many headers; what they point to is writable, has the lengths
        // they state, and is not borrowed: whoever borrows it borrows `self`.
        let got = unsafe {
            libc::recvmmsg(
                socket,
                free.as_mut_ptr(),
                free.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        if got >= 0 {
            self.used += got as usize;
            return Ok(got as usize);
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            error => Err(error),
        }
    }

    /// Payload in place `index`; empty when nothing was taken there.
    #[inline]
    pub fn payload(&self, index: usize) -> &[u8] {
        let Some(header) = self.taken(index) else { return &[] };
        let len = (header.msg_len as usize).min(self.place);
        // SAFETY: `index` is below BURST_MAX and `len` at most a place, so this lies in `data`; it
        // is initialised, and the kernel writes it only inside `receive`, which borrows `self`
        // mutably.
        unsafe { slice::from_raw_parts(self.data.as_ptr().add(index * self.place), len) }
    }

    /// Control bytes in place `index`.
    #[inline]
    pub fn control(&self, index: usize) -> &[u8] {
        let Some(header) = self.taken(index) else { return &[] };
        let len = header.msg_hdr.msg_controllen.min(CONTROL);
        // SAFETY: as in `payload`, with CONTROL bytes a place.
        unsafe { slice::from_raw_parts(self.control.as_ptr().add(index * CONTROL / 8).cast(), len) }
    }

    /// Who sent what is in place `index`.
    #[inline]
    pub fn sender(&self, index: usize) -> SocketAddrV4 {
        // SAFETY: `taken` proved that `index` is below BURST_MAX; as in `payload`.
        let name = self.taken(index).map(|_| unsafe { self.names.as_ptr().add(index).read() });
        name.map_or(SocketAddrV4::new([0; 4].into(), 0), |name| address(&name))
    }

    /// Whether the payload in place `index` was longer than the place.
    #[inline]
    pub fn truncated(&self, index: usize) -> bool {
        self.taken(index).is_some_and(|header| header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0)
    }

    fn taken(&self, index: usize) -> Option<&libc::mmsghdr> {
        self.headers.get(index).filter(|_| index < self.used)
    }
}

/// Sends one datagram without waiting.
///
/// # Errors
/// The system's.
#[inline]
pub fn send(socket: &impl AsRawFd, to: SocketAddrV4, payload: &[u8]) -> io::Result<()> {
    let name = name(to);
    // SAFETY: `payload` and `name` are readable for the lengths given and only read.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            payload.as_ptr().cast(),
            payload.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            (&raw const name).cast(),
            size_of::<libc::sockaddr_in>() as libc::socklen_t,
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives `socket` its own address.
///
/// # Errors
/// The system's.
pub fn bind(socket: &impl AsRawFd, address: SocketAddrV4) -> io::Result<()> {
    let name = name(address);
    let len = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: `name` is a whole sockaddr_in of `len` bytes and only read.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const name).cast(), len) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn name(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*address.ip()).to_be() },
        sin_zero: [0; 8],
    }
}

fn address(name: &libc::sockaddr_in) -> SocketAddrV4 {
    SocketAddrV4::new(u32::from_be(name.sin_addr.s_addr).into(), u16::from_be(name.sin_port))
}
