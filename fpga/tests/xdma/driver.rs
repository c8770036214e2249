//! What the XDMA driver's nodes answer, without a kernel and without a card: the oracle is
//! `hw/xdma_abi.h`, written down from the driver, not our code in front of it.

use std::sync::{Condvar, Mutex, MutexGuard};

use nofx_fpga::{Lines, OpLine, Registers, SoftCard};

/// The nodes that there are, all of card 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    User,
    ToCard,
    FromCard,
    Events,
}

pub const NODES: [(Node, &str); 4] = [
    (Node::User, "xdma0_user"),
    (Node::ToCard, "xdma0_h2c_0"),
    (Node::FromCard, "xdma0_c2h_0"),
    (Node::Events, "xdma0_events_0"),
];

/// Slots of the window behind h2c.
pub const SLOTS: u32 = 16;
/// What the DMA engine wants of addresses, bytes.
pub const ALIGNMENT: usize = 64;

/// An errno.
pub type Errno = i32;

struct State {
    card: SoftCard,
    window: Vec<u8>,
    next: u32,
    streaming: bool,
    packets: bool,
    events: u32,
    measuring: Option<u32>,
    denied: Option<Node>,
    gone: bool,
    calls: Vec<(Node, u64, usize)>,
}

/// The driver with one card.
pub struct Driver {
    state: Mutex<State>,
    changed: Condvar,
}

impl Driver {
    pub fn new(card: SoftCard) -> Driver {
        let state = State {
            card,
            window: vec![0; SLOTS as usize * 64],
            next: 1,
            streaming: false,
            packets: false,
            events: 0,
            measuring: None,
            denied: None,
            gone: false,
            calls: Vec::new(),
        };
        Driver { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test thread panicked with it")
    }

    /// The user interrupt fires.
    pub fn raise(&self, events: u32) {
        self.state().events |= events;
        self.changed.notify_all();
    }

    /// The card leaves the bus: reads give ones.
    pub fn pull(&self) {
        self.state().gone = true;
    }

    /// The node may not be opened.
    pub fn deny(&self, node: Node) {
        self.state().denied = Some(node);
    }

    /// Node, offset and count of the reads and writes so far.
    pub fn calls(&self) -> Vec<(Node, u64, usize)> {
        self.state().calls.clone()
    }

    pub fn open(&self, node: Node, truncate: bool) -> Result<(), Errno> {
        let mut state = self.state();
        if state.denied == Some(node) {
            return Err(libc::EACCES);
        }
        if node == Node::FromCard {
            if state.streaming {
                return Err(libc::EBUSY);
            }
            (state.streaming, state.packets) = (true, truncate);
        }
        Ok(())
    }

    pub fn close(&self, node: Node) {
        if node == Node::FromCard {
            self.state().streaming = false;
        }
    }

    pub fn has_event(&self) -> bool {
        self.state().events != 0
    }

    /// Sleeps until [`Driver::raise`].
    pub fn wait_for_event(&self) {
        let state = self.state();
        drop(self.changed.wait_while(state, |state| state.events == 0).expect("not poisoned"));
    }

    /// What a read gives; `None`: it sleeps.
    pub fn read(&self, node: Node, at: u64, count: usize) -> Option<Result<Vec<u8>, Errno>> {
        let mut state = self.state();
        state.calls.push((node, at, count));
        match node {
            Node::User if !at.is_multiple_of(4) => Some(Err(libc::EPROTO)),
            Node::User if state.gone => Some(Ok(vec![0xff; 4])),
            Node::User => Some(Ok(state.read_word(at).to_le_bytes().into())),
            Node::Events if count != 4 || !at.is_multiple_of(4) => Some(Err(libc::EPROTO)),
            Node::Events if state.events == 0 => None,
            Node::Events => Some(Ok(std::mem::take(&mut state.events).to_le_bytes().into())),
            Node::ToCard => Some(Err(libc::EINVAL)),
            Node::FromCard => Some(state.stream(count)),
        }
    }

    pub fn write(&self, node: Node, at: u64, from: &[u8]) -> Result<usize, Errno> {
        let mut state = self.state();
        state.calls.push((node, at, from.len()));
        match node {
            Node::User if !at.is_multiple_of(4) => Err(libc::EPROTO),
            Node::User => {
                let word = [0, 1, 2, 3].map(|i| from.get(i).copied().unwrap_or(0));
                state.write_word(at, u32::from_le_bytes(word));
                Ok(4)
            }
            Node::ToCard => state.transfer(at, from),
            Node::FromCard | Node::Events => Err(libc::EINVAL),
        }
    }

    /// ALIGN_GET.
    pub fn alignment(&self) -> i32 {
        ALIGNMENT as i32
    }

    /// ADDRMODE_GET: h2c is memory-mapped, c2h streams.
    pub fn address_mode(&self, node: Node) -> i32 {
        i32::from(node == Node::FromCard)
    }

    /// PERF_START.
    pub fn measure(&self, version: u32, bytes: u32) -> Result<(), Errno> {
        let mut state = self.state();
        match (state.measuring, version) {
            (Some(_), _) => Err(libc::EBUSY),
            (None, 1) => {
                state.measuring = Some(bytes);
                Ok(())
            }
            _ => Err(libc::EINVAL),
        }
    }

    /// PERF_GET: the bytes of the transfer that is measured.
    pub fn measured(&self) -> Result<u32, Errno> {
        self.state().measuring.ok_or(libc::EPROTO)
    }

    /// PERF_STOP.
    pub fn stop(&self) -> Result<u32, Errno> {
        self.state().measuring.take().ok_or(libc::EINVAL)
    }
}

impl State {
    fn read_word(&mut self, at: u64) -> u32 {
        self.card.read(at as u32).unwrap_or(0)
    }

    fn write_word(&mut self, at: u64, value: u32) {
        if !self.gone {
            self.card.write(at as u32, value).unwrap_or(());
        }
    }

    /// The window: a line is the card's when its slot holds the seq that comes next.
    fn transfer(&mut self, at: u64, from: &[u8]) -> Result<usize, Errno> {
        let at = at as usize;
        let window = self.window.get_mut(at..at + from.len()).ok_or(libc::EIO)?;
        window.copy_from_slice(from);
        while let Some(line) = self.next_line() {
            if !self.card.put(&line) {
                return Err(libc::ETIMEDOUT);
            }
            self.next = self.next.wrapping_add(1);
        }
        Ok(from.len())
    }

    fn next_line(&self) -> Option<OpLine> {
        let at = (self.next % SLOTS) as usize * 64;
        let bytes = self.window.get(at..at + 64)?.try_into().ok()?;
        Some(OpLine::from_bytes(bytes)).filter(|line| line.seq() == self.next)
    }

    /// Verdicts, one a packet. The kernel's ERESTARTSYS cannot be answered by a file system, so a
    /// stream with nothing in it says ETIMEDOUT, at once.
    fn stream(&mut self, count: usize) -> Result<Vec<u8>, Errno> {
        let most = if self.packets { 1 } else { count / 64 };
        let mut bytes = Vec::new();
        while bytes.len() < most * 64 {
            let Some(verdict) = self.card.take() else { break };
            bytes.extend_from_slice(verdict.bytes());
        }
        bytes.truncate(count);
        if bytes.is_empty() { Err(libc::ETIMEDOUT) } else { Ok(bytes) }
    }
}
