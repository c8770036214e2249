//! Two frame ports joined in memory: what one sends, the other receives.
//!
//! Model: per direction, one ring carries full frames and one brings the empty ones back, so the
//! frames are made once and only move. Each end may be on a thread of its own. When no empty frame
//! is left the sender is refused; nothing is ever lost.

use std::fmt;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::port::{
    BURST_MAX, FramePort, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

/// A frame of memory that travels.
struct Parcel {
    bytes: Box<[u8]>,
    len: usize,
}

/// One end.
pub struct Loopback {
    mac: [u8; 6],
    frame_max: usize,
    /// Full frames to the other end, and empty ones back.
    out: Producer<Parcel>,
    empty: Consumer<Parcel>,
    /// Full frames from the other end, and empty ones back.
    income: Consumer<Parcel>,
    used: Producer<Parcel>,
    /// What the last poll took.
    burst: Vec<Parcel>,
    /// Written, but not flushed.
    queued: Vec<Parcel>,
    counters: PortCounters,
}

/// Two joined ends with room for `frames` frames of `frame_max` bytes on the way in each direction.
pub fn pair(frames: usize, frame_max: usize) -> (Loopback, Loopback) {
    let frames = frames.max(1);
    let (there, here_in) = RingBuffer::new(frames);
    let (here, there_in) = RingBuffer::new(frames);
    let (there_back, here_empty) = stock(frames, frame_max);
    let (here_back, there_empty) = stock(frames, frame_max);
    let end = |last, out, empty, income, used| Loopback {
        mac: [0x02, 0, 0, 0, 0, last],
        frame_max,
        out,
        empty,
        income,
        used,
        burst: Vec::with_capacity(BURST_MAX),
        queued: Vec::with_capacity(frames),
        counters: PortCounters::default(),
    };
    (end(1, here, here_empty, here_in, here_back), end(2, there, there_empty, there_in, there_back))
}

/// A ring of empty frames: (where they come back, where they are taken).
fn stock(frames: usize, frame_max: usize) -> (Producer<Parcel>, Consumer<Parcel>) {
    let (mut back, empty) = RingBuffer::new(frames);
    for _ in 0..frames {
        let parcel = Parcel { bytes: vec![0; frame_max].into(), len: 0 };
        // The ring holds as many.
        let _ = back.push(parcel);
    }
    (back, empty)
}

impl FramePort for Loopback {
    fn poll(&mut self) -> usize {
        for parcel in self.burst.drain(..) {
            // There are as many places as frames: it is refused only when the other end is gone.
            let _ = self.used.push(parcel);
        }
        while self.burst.len() < BURST_MAX {
            let Ok(parcel) = self.income.pop() else { break };
            self.counters.rx_bytes += parcel.len as u64;
            self.burst.push(parcel);
        }
        self.counters.rx_packets += self.burst.len() as u64;
        self.counters.burst(self.burst.len());
        self.burst.len()
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        let bytes = self.burst.get(index).and_then(|parcel| parcel.bytes.get(..parcel.len));
        RxFrame { bytes: bytes.unwrap_or(&[]), at: RxStamp::default() }
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        if len > self.frame_max {
            return Err(SendError::TooLong);
        }
        if self.out.is_abandoned() {
            return Err(SendError::Unreachable);
        }
        let Ok(mut parcel) = self.empty.pop() else {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        };
        parcel.len = len;
        if let Some(place) = parcel.bytes.get_mut(..len) {
            fill(place);
        }
        self.queued.push(parcel);
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += len as u64;
        Ok(())
    }

    fn flush(&mut self) {
        for parcel in self.queued.drain(..) {
            // There are as many places as frames.
            let _ = self.out.push(parcel);
        }
    }

    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    fn frame_max(&self) -> usize {
        self.frame_max
    }

    fn counters(&mut self) -> PortCounters {
        self.counters.clone()
    }

    fn describe(&self) -> PortDescription {
        PortDescription {
            kind: "loopback".into(),
            place: "memory".into(),
            mode: format!("frames of {} bytes", self.frame_max),
            notes: Vec::new(),
        }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("mac", &self.mac).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_wire_refuses_and_takes_again_when_frames_come_back() {
        let (mut here, mut there) = pair(2, 64);
        here.send(b"one").expect("room");
        assert_eq!(there.poll(), 0, "not flushed yet");
        here.send(b"two").expect("room");
        assert_eq!(here.send(b"three"), Err(SendError::Full));
        assert_eq!(here.send(&[0; 65]), Err(SendError::TooLong));
        here.flush();
        assert_eq!(there.poll(), 2);
        assert_eq!((there.frame(0).bytes, there.frame(1).bytes), (&b"one"[..], &b"two"[..]));
        assert_eq!(here.send(b"three"), Err(SendError::Full), "both are lent");
        assert_eq!(there.poll(), 0);
        assert_eq!(there.frame(0).bytes, b"");
        here.send(b"three").expect("they came back");
        drop(there);
        assert_eq!(here.send(b"four"), Err(SendError::Unreachable));
        assert_eq!(here.counters().tx_full, 2);
    }

    #[test]
    fn two_threads_keep_order_and_lose_nothing() {
        const FRAMES: u32 = 200_000;
        let (mut here, mut there) = pair(256, 8);
        let sender = std::thread::spawn(move || {
            for number in 0..FRAMES {
                while here.send(&number.to_be_bytes()).is_err() {
                    here.flush();
                    std::thread::yield_now();
                }
            }
            here.flush();
            here
        });
        let mut next = 0u32;
        while next < FRAMES {
            let burst = there.poll();
            for index in 0..burst {
                assert_eq!(there.frame(index).bytes, next.to_be_bytes());
                next += 1;
            }
            if burst == 0 {
                std::thread::yield_now();
            }
        }
        drop(sender.join().expect("the sender"));
        let counters = there.counters();
        assert_eq!((counters.rx_packets, counters.rx_bytes), (200_000, 800_000));
        let seen: u64 = counters.bursts.iter().sum();
        assert!(seen > 0 && seen <= 200_000);
    }
}
