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
#![allow(unsafe_code)] // frame memory shared with the kernel

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nofx_rt::mem::FrameMemory;
use nofx_types::Nanos;

use super::calls::{self, METADATA_LEN};
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

const HANDED_OVER_AT: u64 = 0;
const METADATA_AT: u64 = (TX_HEAD - METADATA_LEN) as u64;
const TX_STAMP_AT: u64 = METADATA_AT + 8;

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
        let socket = calls::open_socket().map_err(fail("open a socket"))?;
        let memory =
            FrameMemory::new(config.queue_bytes()).map_err(fail("map its frame memory"))?;
        calls::register(&socket, &memory, config).map_err(fail("register its frame memory"))?;
        let (fill, completion, rx, tx) =
            calls::rings(socket.as_fd(), config).map_err(fail("make its rings"))?;
        calls::poll_busily(&socket, config).map_err(fail("set preferred busy polling"))?;
        // Room for all frames on their way; without privilege the default has to do.
        let room = u64::from(config.tx_ring) * u64::from(config.frame_size);
        let room = i32::try_from(room).unwrap_or(i32::MAX / 2);
        let _ = set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &room);
        let flags = calls::bind_flags(config, may_zero_copy);
        calls::patiently(|| calls::bind(&socket, interface.index, number, flags))
            .map_err(fail("bind to it"))?;
        let mut queue = Queue {
            zero_copy: calls::is_zero_copy(&socket).map_err(fail("read the mode obtained"))?,
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
            calls::wake_receiver(&self.socket);
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
            let refused = calls::kick(&self.socket);
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
        calls::get(&self.socket, libc::XDP_STATISTICS, &mut statistics)?;
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
