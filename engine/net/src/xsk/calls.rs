//! The system calls of an AF_XDP socket.
#![allow(unsafe_code)] // the calls themselves

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nofx_rt::mem::FrameMemory;

use super::config::{XskConfig, ZeroCopy};
use super::ring::{Consumer, Producer};
use crate::socket::set;

/// struct xsk_tx_metadata
pub(super) const METADATA_LEN: u32 = 24;

/// How long a queue may still be held by a socket that was closed: release is asynchronous.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);

/// Repeats `attempt` while it answers that something is still held, for [`PATIENCE`] at most.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(e)
                if matches!(e.raw_os_error(), Some(libc::EBUSY | libc::EEXIST))
                    && start.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            answer => return answer,
        }
    }
}

pub(super) fn open_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointer is involved.
    let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Registers the frame memory, whose pages the kernel pins.
pub(super) fn register(
    socket: &OwnedFd,
    memory: &FrameMemory,
    config: &XskConfig,
) -> io::Result<()> {
    let stamped = |value| if config.tx_stamp { value } else { 0 };
    let request = libc::xdp_umem_reg {
        addr: memory.as_ptr() as u64,
        len: memory.len() as u64,
        chunk_size: config.frame_size,
        headroom: 0,
        flags: stamped(libc::XDP_UMEM_TX_METADATA_LEN),
        tx_metadata_len: stamped(METADATA_LEN),
    };
    set(socket, libc::SOL_XDP, libc::XDP_UMEM_REG, &request)
}

/// Fill, completion, receive, transmit.
pub(super) type Rings =
    (Producer<u64>, Consumer<u64>, Consumer<libc::xdp_desc>, Producer<libc::xdp_desc>);

pub(super) fn rings(socket: BorrowedFd<'_>, config: &XskConfig) -> io::Result<Rings> {
    for (name, entries) in [
        (libc::XDP_UMEM_FILL_RING, config.fill_ring),
        (libc::XDP_UMEM_COMPLETION_RING, config.completion_ring),
        (libc::XDP_RX_RING, config.rx_ring),
        (libc::XDP_TX_RING, config.tx_ring),
    ] {
        set(&socket, libc::SOL_XDP, name, &entries)?;
    }
    // SAFETY: offsets only; all-zero is a valid value.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { std::mem::zeroed() };
    get(&socket, libc::XDP_MMAP_OFFSETS, &mut offsets)?;
    let (fill_at, completion_at) =
        (libc::XDP_UMEM_PGOFF_FILL_RING, libc::XDP_UMEM_PGOFF_COMPLETION_RING);
    let (rx_at, tx_at) = (libc::XDP_PGOFF_RX_RING as u64, libc::XDP_PGOFF_TX_RING as u64);
    Ok((
        Producer::map(socket, fill_at, offsets.fr, config.fill_ring)?,
        Consumer::map(socket, completion_at, offsets.cr, config.completion_ring)?,
        Consumer::map(socket, rx_at, offsets.rx, config.rx_ring)?,
        Producer::map(socket, tx_at, offsets.tx, config.tx_ring)?,
    ))
}

pub(super) fn poll_busily(socket: &OwnedFd, config: &XskConfig) -> io::Result<()> {
    const SO_PREFER_BUSY_POLL: libc::c_int = 69;
    const SO_BUSY_POLL_BUDGET: libc::c_int = 70;
    let Some(poll) = config.busy_poll else { return Ok(()) };
    let value = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    set(socket, libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, &1i32)?;
    set(socket, libc::SOL_SOCKET, libc::SO_BUSY_POLL, &value(poll.micros))?;
    set(socket, libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, &value(poll.budget))
}

pub(super) fn bind_flags(config: &XskConfig, may_zero_copy: bool) -> u16 {
    let copy = match config.zero_copy {
        ZeroCopy::Required => libc::XDP_ZEROCOPY,
        ZeroCopy::Wanted if may_zero_copy => 0, // the kernel falls back by itself
        ZeroCopy::Wanted | ZeroCopy::Off => libc::XDP_COPY,
    };
    copy | if config.need_wakeup { libc::XDP_USE_NEED_WAKEUP } else { 0 }
}

pub(super) fn bind(socket: &OwnedFd, interface: u32, queue: u32, flags: u16) -> io::Result<()> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: flags,
        sxdp_ifindex: interface,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    // SAFETY: the address is whole and lives through the call; its true size is passed.
    let done = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            size_of_val(&address) as libc::socklen_t,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub(super) fn is_zero_copy(socket: &OwnedFd) -> io::Result<bool> {
    let mut options = libc::xdp_options { flags: 0 };
    get(socket, libc::XDP_OPTIONS, &mut options)?;
    Ok(options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
}

/// Reads an option of level SOL_XDP; `T` is the structure of integers that it fills.
pub(super) fn get<T: Copy>(
    socket: &impl AsRawFd,
    name: libc::c_int,
    value: &mut T,
) -> io::Result<()> {
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is writable for `len` bytes, and every bit pattern of its integers is valid.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            name,
            std::ptr::from_mut(value).cast(),
            &mut len,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Has the kernel send what is in the transmit ring; the errno if it did not do all of it.
pub(super) fn kick(socket: &OwnedFd) -> Option<i32> {
    // SAFETY: no bytes and no address are passed.
    let done = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            std::ptr::null(),
            0,
            libc::MSG_DONTWAIT,
            std::ptr::null(),
            0,
        )
    };
    if done < 0 { io::Error::last_os_error().raw_os_error() } else { None }
}

/// Has the driver look at the fill ring, and poll its queue when polling busily.
pub(super) fn wake_receiver(socket: &OwnedFd) {
    // SAFETY: no bytes and no address are passed.
    unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            std::ptr::null_mut(),
            0,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
}
