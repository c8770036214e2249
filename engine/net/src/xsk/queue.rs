//! One receive queue of the interface: its socket, four rings and frames.
//!
//! ```text
//!  frame memory   | tx_ring frames for sending | all others for receiving          |
//!  sending        | 0 handed over | 40 metadata, 24 bytes | 64 frame ...           |
//!  receiving      | ... 248 hook stamp, 8 bytes | 256 frame ...                    |
//! ```
//!
//! A frame for receiving is in exactly one of: fill ring, receive ring, lent burst. A frame for
//! sending is in exactly one of: free list, transmit ring, kernel, completion ring. The rings are
//! large enough for all of their frames, so moving one on never fails.
#![allow(unsafe_code)] // frame memory shared with the kernel, socket calls

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nofx_rt::mem::FrameMemory;
use nofx_types::Nanos;

use super::config::XskConfig;
use super::error::{self, Result};
use super::program::STAMP_LEN;
use super::ring::{Consumer, Producer};
use super::stamps::TxStamps;
use crate::interface::Interface;
use crate::socket::set;

/// Bytes that the kernel keeps at the front of each frame it receives into (XDP_PACKET_HEADROOM).
pub const HEADROOM: u32 = 256;
/// Bytes before a frame to be sent.
pub(super) const TX_HEAD: u32 = 64;

const METADATA_LEN: u32 = 24; // struct xsk_tx_metadata
const HANDED_OVER_AT: u64 = 0;
const METADATA_AT: u64 = (TX_HEAD - METADATA_LEN) as u64;
const TX_STAMP_AT: u64 = METADATA_AT + 8;

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

/// One queue; fields are dropped in order: rings, socket, memory.
pub(super) struct Queue {
    fill: Producer<u64>,
    rx: Consumer<libc::xdp_desc>,
    tx: Producer<libc::xdp_desc>,
    completion: Consumer<u64>,
    socket: OwnedFd,
    memory: FrameMemory,
    /// Frames for sending that nobody holds.
    free: Vec<u64>,
    /// Frames put into the transmit ring that the kernel has not taken.
    unsent: bool,
    zero_copy: bool,
    need_wakeup: bool,
    busy_poll: bool,
    hook_stamp: bool,
    tx_stamp: bool,
}

impl Queue {
    /// Binds a socket to `number` of `interface`, with its own frames. `may_zero_copy` is whether
    /// the attached program allows it.
    pub(super) fn open(
        config: &XskConfig,
        interface: &Interface,
        number: u32,
        may_zero_copy: bool,
    ) -> Result<Queue> {
        let fail = |doing| move |e| error::queue(&interface.name, number, doing, e);
        let socket = open_socket().map_err(fail("open a socket"))?;
        let memory =
            FrameMemory::new(config.queue_bytes()).map_err(fail("map its frame memory"))?;
        register(&socket, &memory, config).map_err(fail("register its frame memory"))?;
        let (fill, completion, rx, tx) =
            rings(socket.as_fd(), config).map_err(fail("make its rings"))?;
        poll_busily(&socket, config).map_err(fail("set preferred busy polling"))?;
        // Room for all frames on their way; without privilege the default has to do.
        let room = (config.tx_ring * config.frame_size * 2).min(i32::MAX as u32) as i32;
        let _ = set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &room);
        let flags = bind_flags(config, may_zero_copy);
        patiently(|| bind(&socket, interface.index, number, flags)).map_err(fail("bind to it"))?;
        let mut queue = Queue {
            zero_copy: is_zero_copy(&socket).map_err(fail("read the mode obtained"))?,
            fill,
            rx,
            tx,
            completion,
            socket,
            memory,
            free: (0..config.tx_ring).map(|frame| address(config, frame, TX_HEAD)).collect(),
            unsent: false,
            need_wakeup: config.need_wakeup,
            busy_poll: config.busy_poll.is_some(),
            hook_stamp: config.hook_stamp,
            tx_stamp: config.tx_stamp,
        };
        for frame in config.tx_ring..config.frames {
            queue.fill.push(address(config, frame, 0));
        }
        queue.fill.publish();
        Ok(queue)
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn memory(&self) -> &FrameMemory {
        &self.memory
    }

    /// Whether the card writes into our frames itself.
    pub(super) fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// The next frame that arrived: address and length. Its frame is lent until
    /// [`Queue::give_back`].
    #[inline]
    pub(super) fn receive(&mut self) -> Option<(u64, u32)> {
        self.rx.pop().map(|descriptor| (descriptor.addr, descriptor.len))
    }

    /// After the frames of a poll were received: their places in the ring are free again.
    #[inline]
    pub(super) fn received(&mut self) {
        self.rx.release();
    }

    /// Nothing is there: sees to it that the driver does not sleep.
    #[inline]
    pub(super) fn idle(&mut self) {
        if self.busy_poll || (self.need_wakeup && self.fill.needs_wakeup()) {
            wake_receiver(&self.socket);
        }
    }

    /// A lent frame goes back to the kernel, after [`Queue::refilled`].
    #[inline]
    pub(super) fn give_back(&mut self, address: u64) {
        if self.hook_stamp {
            // A driver that cannot stamp leaves the place alone: an old stamp must not stand there.
            self.write(address.wrapping_sub(STAMP_LEN), 0);
        }
        self.fill.push(address); // has room for every frame
    }

    /// Shows the kernel the frames given back.
    #[inline]
    pub(super) fn refilled(&mut self) {
        self.fill.publish();
    }

    /// The bytes of a lent frame.
    #[inline]
    pub(super) fn bytes(&self, address: u64, len: u32) -> &[u8] {
        match self.memory.at(address as usize, len as usize) {
            // SAFETY: inside the memory, which is initialised; the frame is lent, so neither the
            // kernel nor we write to it while `self` is borrowed.
            Some(bytes) => unsafe { std::slice::from_raw_parts(bytes.as_ptr(), len as usize) },
            None => &[],
        }
    }

    /// When a lent frame passed the driver hook; 0 where the driver could not stamp it.
    #[inline]
    pub(super) fn hook(&self, address: u64) -> Nanos {
        Nanos(if self.hook_stamp { self.read(address.wrapping_sub(STAMP_LEN)) } else { 0 })
    }

    /// Puts one frame of `len` bytes, written by `fill`, into the transmit ring; whether there was
    /// room. `len` has been checked.
    #[inline]
    pub(super) fn send(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]),
        stamps: &mut TxStamps,
    ) -> bool {
        if self.free.is_empty() {
            self.reap(stamps);
        }
        let Some(address) = self.free.pop() else { return false };
        let Some(place) = self.memory.at(address as usize, len) else { return false };
        // SAFETY: inside the memory; the frame was on the free list, so nobody else reads or writes
        // it, and no other slice of it exists.
        fill(unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), len) });
        let mut options = 0;
        if self.tx_stamp {
            options = libc::XDP_TX_METADATA;
            let frame = address - u64::from(TX_HEAD);
            self.write(frame + HANDED_OVER_AT, stamps.now());
            self.write(frame + METADATA_AT, u64::from(libc::XDP_TXMD_FLAGS_TIMESTAMP));
            self.write(frame + TX_STAMP_AT, 0);
        }
        self.tx.push(libc::xdp_desc { addr: address, len: len as u32, options }); // has room
        self.unsent = true;
        true
    }

    /// Hands the transmit ring to the kernel. Copy mode takes some 32 frames a call; the loop ends
    /// when all are taken or a call takes none, at the latest after as many calls as there are
    /// frames. What is left goes with the next flush or poll. Answers an unusual errno.
    #[inline]
    pub(super) fn flush(&mut self) -> std::result::Result<(), i32> {
        if !self.unsent {
            return Ok(());
        }
        self.tx.publish();
        let mut waiting = self.tx.waiting();
        while waiting > 0 && self.must_kick() {
            let refused = kick(&self.socket);
            let left = self.tx.waiting();
            match refused {
                None | Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS) if left < waiting => {
                    waiting = left;
                }
                None | Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS) => break,
                Some(errno) => return Err(errno),
            }
        }
        self.unsent = self.tx.waiting() > 0;
        Ok(())
    }

    /// In copy mode our own call does the sending.
    fn must_kick(&self) -> bool {
        !self.zero_copy || !self.need_wakeup || self.tx.needs_wakeup()
    }

    /// Takes back the frames that have left.
    #[inline]
    pub(super) fn reap(&mut self, stamps: &mut TxStamps) {
        let before = self.free.len();
        while let Some(address) = self.completion.pop() {
            if self.tx_stamp {
                let frame = address.wrapping_sub(u64::from(TX_HEAD));
                let handed_over = self.read(frame.wrapping_add(HANDED_OVER_AT));
                stamps.record(handed_over, self.read(frame.wrapping_add(TX_STAMP_AT)));
            }
            self.free.push(address); // capacity: all frames for sending
        }
        if self.free.len() != before {
            self.completion.release();
        }
    }

    /// XDP_STATISTICS.
    pub(super) fn statistics(&self) -> io::Result<libc::xdp_statistics> {
        // SAFETY: six counters; all-zero is a valid value.
        let mut statistics: libc::xdp_statistics = unsafe { std::mem::zeroed() };
        get(&self.socket, libc::XDP_STATISTICS, &mut statistics)?;
        Ok(statistics)
    }

    #[inline]
    fn read(&self, address: u64) -> u64 {
        // SAFETY: inside the memory; read whole without regard to alignment.
        self.memory.at(address as usize, 8).map_or(0, |at| unsafe { at.cast().read_unaligned() })
    }

    #[inline]
    fn write(&mut self, address: u64, value: u64) {
        if let Some(at) = self.memory.at(address as usize, 8) {
            // SAFETY: inside the memory, in a frame that is ours at this moment.
            unsafe { at.cast::<u64>().write_unaligned(value) };
        }
    }
}

fn address(config: &XskConfig, frame: u32, offset: u32) -> u64 {
    u64::from(frame) * u64::from(config.frame_size) + u64::from(offset)
}

fn open_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointer is involved.
    let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn register(socket: &OwnedFd, memory: &FrameMemory, config: &XskConfig) -> io::Result<()> {
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

type Rings = (Producer<u64>, Consumer<u64>, Consumer<libc::xdp_desc>, Producer<libc::xdp_desc>);

fn rings(socket: BorrowedFd<'_>, config: &XskConfig) -> io::Result<Rings> {
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

fn poll_busily(socket: &OwnedFd, config: &XskConfig) -> io::Result<()> {
    const SO_PREFER_BUSY_POLL: libc::c_int = 69;
    const SO_BUSY_POLL_BUDGET: libc::c_int = 70;
    let Some(poll) = config.busy_poll else { return Ok(()) };
    let value = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    set(socket, libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, &1i32)?;
    set(socket, libc::SOL_SOCKET, libc::SO_BUSY_POLL, &value(poll.micros))?;
    set(socket, libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, &value(poll.budget))
}

fn bind_flags(config: &XskConfig, may_zero_copy: bool) -> u16 {
    use super::config::ZeroCopy;
    let copy = match config.zero_copy {
        ZeroCopy::Required => libc::XDP_ZEROCOPY,
        ZeroCopy::Wanted if may_zero_copy => 0, // the kernel falls back by itself
        ZeroCopy::Wanted | ZeroCopy::Off => libc::XDP_COPY,
    };
    copy | if config.need_wakeup { libc::XDP_USE_NEED_WAKEUP } else { 0 }
}

fn bind(socket: &OwnedFd, interface: u32, queue: u32, flags: u16) -> io::Result<()> {
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

fn is_zero_copy(socket: &OwnedFd) -> io::Result<bool> {
    let mut options = libc::xdp_options { flags: 0 };
    get(socket, libc::XDP_OPTIONS, &mut options)?;
    Ok(options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
}

/// Reads an option of level SOL_XDP; `T` is the structure of integers that it fills.
fn get<T: Copy>(socket: &impl AsRawFd, name: libc::c_int, value: &mut T) -> io::Result<()> {
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
fn kick(socket: &OwnedFd) -> Option<i32> {
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
fn wake_receiver(socket: &OwnedFd) {
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
