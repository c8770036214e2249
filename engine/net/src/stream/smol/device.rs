//! A frame port as the device of the stack.
//!
//! Model: frames that came are lent to the stack where they lie, and what it sends by itself is
//! written where it will leave from. Only an answer that the stack makes while it still reads the
//! question (address resolution, resets, duplicate acknowledgements) is written aside first, because
//! the port is lent out at that moment; so is a frame that found no room. What is aside leaves
//! first, and while something is, the stack is told that there is no room.
//!
//! Worst case: one answer aside per frame of a burst; beyond that answers are lost and counted, as
//! on any network.

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::port::{BURST_MAX, FramePort, SendError};

/// Longest Ethernet frame that is used: 1,500 bytes of IP and the header.
pub(super) const FRAME_MAX: usize = 1514;

/// The port, the place in its burst, and what waits for it.
pub(super) struct Device<F> {
    pub port: F,
    burst: usize,
    next: usize,
    aside: Aside,
    capabilities: DeviceCapabilities,
}

/// Frames that wait for room, oldest first.
struct Aside {
    frames: Box<[Frame]>,
    first: usize,
    count: usize,
    lost: u64,
}

#[derive(Clone)]
struct Frame {
    bytes: [u8; FRAME_MAX],
    len: usize,
}

impl<F: FramePort> Device<F> {
    /// `window` is how many full frames the peer may have under way.
    pub fn new(port: F, window: usize, verify: bool) -> Device<F> {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = port.frame_max().min(FRAME_MAX);
        capabilities.max_burst_size = Some(window);
        let above_ip = if verify { Checksum::Both } else { Checksum::Tx };
        capabilities.checksum.tcp = above_ip;
        capabilities.checksum.icmpv4 = above_ip;
        Device { port, burst: 0, next: 0, aside: Aside::new(), capabilities }
    }

    /// Takes the next burst: how many frames.
    pub fn poll(&mut self) -> usize {
        (self.burst, self.next) = (self.port.poll(), 0);
        self.aside.drain(&mut self.port);
        self.burst
    }

    /// Sees to it that everything written leaves.
    pub fn flush(&mut self) {
        self.aside.drain(&mut self.port);
        self.port.flush();
    }

    /// Frames that were lost for want of room.
    pub fn lost(&self) -> u64 {
        self.aside.lost
    }
}

impl Aside {
    fn new() -> Aside {
        let empty = Frame { bytes: [0xA5; FRAME_MAX], len: 0 };
        Aside { frames: vec![empty; BURST_MAX].into(), first: 0, count: 0, lost: 0 }
    }

    fn drain(&mut self, port: &mut impl FramePort) {
        while self.count > 0 {
            let frame = &self.frames[self.first];
            match port.send(&frame.bytes[..frame.len]) {
                Ok(()) => {}
                Err(SendError::Full) => return,
                Err(_) => self.lost += 1,
            }
            self.first = (self.first + 1) % self.frames.len();
            self.count -= 1;
        }
    }

    fn write<R>(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        if self.count == self.frames.len() {
            // The newest gives way: its sender sends it again.
            self.count -= 1;
            self.lost += 1;
        }
        let frame = &mut self.frames[(self.first + self.count) % BURST_MAX];
        frame.len = len.min(FRAME_MAX);
        self.count += 1;
        fill(&mut frame.bytes[..frame.len])
    }
}

impl<F: FramePort> phy::Device for Device<F> {
    type RxToken<'a>
        = Received<'a>
    where
        F: 'a;
    type TxToken<'a>
        = Place<'a, F>
    where
        F: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Place<'_, F>)> {
        if self.next >= self.burst {
            return None;
        }
        self.next += 1;
        let frame = Received(self.port.frame(self.next - 1).bytes);
        Some((frame, Place { port: None, aside: &mut self.aside }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Place<'_, F>> {
        self.aside.drain(&mut self.port);
        if self.aside.count > 0 {
            return None;
        }
        Some(Place { port: Some(&mut self.port), aside: &mut self.aside })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

/// A frame of the burst, lent.
pub(super) struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, W: FnOnce(&[u8]) -> R>(self, work: W) -> R {
        work(self.0)
    }
}

/// Where one frame to send is written: in the port, or aside.
pub(super) struct Place<'a, F> {
    port: Option<&'a mut F>,
    aside: &'a mut Aside,
}

impl<F: FramePort> phy::TxToken for Place<'_, F> {
    fn consume<R, W: FnOnce(&mut [u8]) -> R>(self, len: usize, work: W) -> R {
        let (mut work, mut made) = (Some(work), None);
        if let Some(port) = self.port {
            let sent = port.send_with(len, &mut |place| {
                made = work.take().map(|work| work(place));
            });
            self.aside.lost += u64::from(sent.is_err() && made.is_some());
        }
        match (made, work) {
            (Some(made), _) => made,
            (None, Some(work)) => self.aside.write(len, work),
            (None, None) => unreachable!("the work is gone only when it made something"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback;
    use smoltcp::phy::{Device as _, RxToken as _, TxToken as _};

    fn write(place: Place<'_, impl FramePort>, mark: u8) {
        place.consume(60, |bytes| bytes.fill(mark));
    }

    #[test]
    fn frames_without_room_wait_in_order_and_hold_later_ones_back() {
        let (here, mut there) = loopback::pair(2, FRAME_MAX);
        let (mut device, now) = (Device::new(here, 32, false), Instant::ZERO);
        for mark in 1..=3 {
            write(device.transmit(now).expect("room"), mark); // the third finds none
        }
        assert!(device.transmit(now).is_none(), "what waits goes first");
        device.flush();
        assert_eq!((there.poll(), there.frame(0).bytes[0], there.frame(1).bytes[0]), (2, 1, 2));
        assert!(device.transmit(now).is_none(), "the frames are not back yet");
        there.poll();
        write(device.transmit(now).expect("room again"), 4);
        device.flush();
        assert_eq!((there.poll(), there.frame(0).bytes[0], there.frame(1).bytes[0]), (2, 3, 4));
        assert_eq!(device.lost(), 0);
    }

    #[test]
    fn answers_wait_for_the_burst_and_the_newest_gives_way() {
        let (here, mut there) = loopback::pair(2, FRAME_MAX);
        let (mut device, now) = (Device::new(here, 32, false), Instant::ZERO);
        let answers = BURST_MAX + 2 + 5;
        for mark in 0..answers {
            there.send(&[mark as u8; 60]).expect("room");
            there.flush();
            assert_eq!(device.poll(), 1);
            let (question, answer) = device.receive(now).expect("a frame");
            question.consume(|bytes| write(answer, bytes[0]));
            device.flush();
            device.poll(); // gives the frame back
        }
        assert_eq!(device.lost(), 5);
        let mut got = Vec::new();
        while there.poll() > 0 {
            got.extend((0..2).filter_map(|at| there.frame(at).bytes.first().copied()));
            there.poll();
            device.flush();
        }
        assert_eq!(got.len(), answers - 5);
        assert!(got.is_sorted(), "{got:?}");
    }
}
