//! AF_XDP: frames go from the driver hook straight into memory of ours, past the kernel's stack.
//!
//! ```text
//!  interface ── filter (XDP program) ──┬─> XSKMAP[queue] ─> socket ─> receive ring ─> poll
//!                flows: (ip, port)     └─> everything else: the kernel, counted by reason
//! ```
//!
//! Model: a filter assembled at run time is attached to the interface by a BPF link, which ends
//! with the process however that ends; what it does not take, the kernel keeps. Each queue has its
//! own socket and its own frame memory, not one shared by all: a flood on one queue cannot starve
//! the others, and nothing has to be passed between them. `poll` gives the last burst back to the
//! fill ring and takes descriptors; the bytes are read where the kernel or the card put them.
//! Sending takes a free frame, `flush` does the one system call that copy mode needs.
//!
//! What the configuration demands and what was obtained are compared at opening: a demand that is
//! not met is an error, a wish that is not met a note in the description.
//!
//! A kernel that sends over veth leaves transport checksums unfilled: do not verify them. Its TCP
//! also hands over segments longer than a frame, which generic mode gives us unsplit and which are
//! lost (`xsk_rx_dropped`); one packet a segment at the sending end cures it:
//! `ip link set NAME gso_max_segs 1`. And in generic mode it renumbers queues: what was sent on
//! queue 2 arrives on 1.
//!
//! Worst case: a poll handles [`BURST_MAX`] frames and all completions; a flush makes as many calls
//! as there are frames queued, normally one for each 32.

mod asm;
mod bpf;
mod calls;
mod config;
mod device;
mod error;
mod open;
mod program;
mod queue;
mod ring;
mod stamps;

use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use nofx_types::Nanos;

use crate::interface::Interface;
use crate::multicast::{self, Membership};
use crate::port::{
    BURST_MAX, FramePort, OpenError, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

pub use config::{BusyPoll, Mode, XskConfig, ZeroCopy};
pub use program::FLOWS_MAX;
pub use queue::HEADROOM;
pub use stamps::TxStamps;

use program::Filter;
use queue::{Queue, TX_HEAD};

const ETHERNET_HEADER: usize = 14;

/// One frame of the burst.
#[derive(Clone, Copy, Default)]
struct Lent {
    queue: usize,
    address: u64,
    len: u32,
}

/// A port over AF_XDP. Fields are dropped in order: detached first, then closed.
pub struct XskPort {
    _link: OwnedFd,
    filter: Filter,
    queues: Box<[Queue]>,
    burst: [Lent; BURST_MAX],
    burst_len: usize,
    /// The queue that is looked at first.
    first: usize,
    counters: PortCounters,
    stamps: TxStamps,
    frame_max: usize,
    mac: [u8; 6],
    /// Groups joined for the flows, and how many flows want each.
    groups: Vec<(Membership, u32)>,
    interface: String,
    description: PortDescription,
}

/// A port is opened by one thread and used by another.
const _: () = {
    const fn can_move<T: Send>() {}
    can_move::<XskPort>();
};

impl XskPort {
    /// Opens the port in the network namespace of the calling thread: loads and attaches the
    /// filter, binds one socket a queue, joins the multicast groups among the flows. Waits up to
    /// 1.5 s for a queue that was just closed.
    ///
    /// # Errors
    /// Bad configuration, interface or queue missing or down, no privilege, or a mode demanded and
    /// not obtained: in words, with what to do.
    pub fn open(config: &XskConfig) -> Result<XskPort, OpenError> {
        config.check()?;
        let interface = Interface::find(&config.interface)?;
        open::check_device(config, &interface)?;
        let slots = config.queues.iter().max().map_or(1, |queue| queue + 1);
        let filter = Filter::load(slots, config.own_ip, config.hook_stamp)?;
        let (link, native, mut notes) = open::attach(&filter, config, &interface)?;
        let mut queues = Vec::new();
        for number in &config.queues {
            let queue = Queue::open(config, &interface, *number, native)?;
            filter.set_socket(*number, queue.socket())?;
            queues.push(queue);
        }
        let zero_copy = queues.iter().all(Queue::zero_copy);
        open::check_copy(config, zero_copy, &mut notes)?;
        let frame_max =
            (interface.mtu + ETHERNET_HEADER).min((config.frame_size - TX_HEAD) as usize);
        let description = open::describe(config, &interface, native, zero_copy, notes, &queues);
        let mut port = XskPort {
            _link: link,
            filter,
            queues: queues.into(),
            burst: [Lent::default(); BURST_MAX],
            burst_len: 0,
            first: 0,
            counters: PortCounters::default(),
            stamps: TxStamps { comparable: !zero_copy, ..TxStamps::default() },
            frame_max,
            mac: interface.mac,
            groups: Vec::new(),
            interface: interface.name,
            description,
        };
        for (address, udp_port) in &config.flows {
            port.add_flow(*address, *udp_port)?;
        }
        Ok(port)
    }

    /// Takes UDP datagrams to (`address`, `port`) from now on; joins `address` where it is a group,
    /// on a thread in the port's network namespace. Not for the hot path.
    ///
    /// # Errors
    /// More than [`FLOWS_MAX`] flows, or the group cannot be joined; the flow is not taken then.
    pub fn add_flow(&mut self, address: Ipv4Addr, port: u16) -> Result<(), OpenError> {
        if !self.filter.add_flow(address, port)? || !address.is_multicast() {
            return Ok(());
        }
        if let Some((_, flows)) = self.groups.iter_mut().find(|(g, _)| g.group() == address) {
            *flows += 1;
            return Ok(());
        }
        match multicast::join(address, &self.interface) {
            Ok(group) => self.groups.push((group, 1)),
            Err(error) => {
                self.filter.remove_flow(address, port)?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Leaves datagrams to (`address`, `port`) to the kernel from now on, and the group with its
    /// last flow; whether there was such a flow. Not for the hot path.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn remove_flow(&mut self, address: Ipv4Addr, port: u16) -> Result<bool, OpenError> {
        let was_there = self.filter.remove_flow(address, port)?;
        if was_there {
            for (_, flows) in self.groups.iter_mut().filter(|(g, _)| g.group() == address) {
                *flows -= 1;
            }
            self.groups.retain(|(_, flows)| *flows > 0);
        }
        Ok(was_there)
    }

    /// When frames left; empty unless [`XskConfig::tx_stamp`] was set.
    pub fn tx_stamps(&self) -> &TxStamps {
        &self.stamps
    }

    /// Bytes of frame memory, all queues together.
    pub fn frame_bytes(&self) -> usize {
        self.queues.iter().map(|queue| queue.memory().len()).sum()
    }

    /// Whether `address` points into the frame memory: what proves that bytes were not copied.
    pub fn holds(&self, address: *const u8) -> bool {
        self.queues.iter().any(|queue| queue.memory().offset_of(address).is_some())
    }

    #[inline]
    fn give_back(&mut self) {
        if self.burst_len == 0 {
            return;
        }
        for lent in self.burst.iter().take(self.burst_len) {
            if let Some(queue) = self.queues.get_mut(lent.queue) {
                queue.give_back(lent.address);
            }
        }
        self.burst_len = 0;
        self.queues.iter_mut().for_each(Queue::refilled);
    }

    /// Fills the burst from one queue.
    #[inline]
    fn take(&mut self, index: usize) {
        let Some(queue) = self.queues.get_mut(index) else { return };
        let before = self.burst_len;
        for place in self.burst.iter_mut().skip(before) {
            let Some((address, len)) = queue.receive() else { break };
            *place = Lent { queue: index, address, len };
            self.burst_len += 1;
            self.counters.rx_bytes += u64::from(len);
        }
        if self.burst_len != before {
            queue.received();
        } else {
            queue.idle();
        }
    }

    fn flush_queue(&mut self, index: usize) {
        if let Some(Err(_)) = self.queues.get_mut(index).map(Queue::flush) {
            self.counters.errors += 1;
        }
    }
}

impl FramePort for XskPort {
    #[inline]
    fn poll(&mut self) -> usize {
        self.give_back();
        let count = self.queues.len();
        for turn in 0..count {
            let at = self.first + turn;
            self.take(if at < count { at } else { at - count });
        }
        self.first = if self.first + 1 < count { self.first + 1 } else { 0 };
        if let Some(queue) = self.queues.first_mut() {
            queue.reap(&mut self.stamps);
        }
        self.flush_queue(0); // only what a flush could not get rid of
        self.counters.burst(self.burst_len);
        self.counters.rx_packets += self.burst_len as u64;
        self.burst_len
    }

    #[inline]
    fn frame(&self, index: usize) -> RxFrame<'_> {
        let nothing = RxFrame { bytes: &[], at: RxStamp::default() };
        if index >= self.burst_len {
            return nothing;
        }
        let Some(lent) = self.burst.get(index) else { return nothing };
        let Some(queue) = self.queues.get(lent.queue) else { return nothing };
        let at = RxStamp { wall: Nanos(0), hook: queue.hook(lent.address) };
        RxFrame { bytes: queue.bytes(lent.address, lent.len), at }
    }

    /// Frames leave on the first queue. Shorter than an Ethernet header is refused with EINVAL.
    #[inline]
    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        if len > self.frame_max {
            return Err(SendError::TooLong);
        }
        if len < ETHERNET_HEADER {
            return Err(SendError::Refused(libc::EINVAL));
        }
        let Some(queue) = self.queues.first_mut() else { return Err(SendError::Unreachable) };
        if !queue.send(len, fill, &mut self.stamps) {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        }
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += len as u64;
        Ok(())
    }

    #[inline]
    fn flush(&mut self) {
        self.flush_queue(0);
    }

    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    fn frame_max(&self) -> usize {
        self.frame_max
    }

    /// Drops: the six words of XDP_STATISTICS, summed over the queues, and what the filter left to
    /// the kernel. A packet that found no frame counts in `xsk_rx_dropped` and again, as the
    /// reason, in `xsk_rx_fill_ring_empty`; packets lost are `xsk_rx_dropped + xsk_rx_ring_full`.
    /// `xsk_tx_ring_empty` says how often the kernel looked and found nothing to send.
    fn counters(&mut self) -> PortCounters {
        let mut words = [
            ("xsk_rx_dropped", 0),
            ("xsk_rx_ring_full", 0),
            ("xsk_rx_fill_ring_empty", 0),
            ("xsk_rx_invalid_descs", 0),
            ("xsk_tx_invalid_descs", 0),
            ("xsk_tx_ring_empty", 0),
        ];
        for queue in &self.queues {
            let Ok(s) = queue.statistics() else {
                self.counters.errors += 1;
                continue;
            };
            let counts = [
                s.rx_dropped,
                s.rx_ring_full,
                s.rx_fill_ring_empty_descs,
                s.rx_invalid_descs,
                s.tx_invalid_descs,
                s.tx_ring_empty_descs,
            ];
            words.iter_mut().zip(counts).for_each(|((_, sum), count)| *sum += count);
        }
        let drops = words.into_iter().chain(self.filter.passed()).collect();
        PortCounters { drops, ..self.counters.clone() }
    }

    fn describe(&self) -> PortDescription {
        self.description.clone()
    }
}
