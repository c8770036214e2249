//! A capture file as a frame port for receiving.
//!
//! Model: a poll walks up to [`BURST_MAX`] packets on and copies them into places made before,
//! because a compressed file's window moves under what it lent. `at.wall` is the capture time.
//! Nothing paces it: every poll brings a full burst until the file ends.
//!
//! Worst case: one copy of each frame; frames above [`FRAME_MAX`] are dropped and counted.

use std::path::Path;

use crate::Result;
use crate::capture::{Capture, LinkType};
use crate::port::{
    BURST_MAX, FramePort, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

/// Longest frame that is replayed: jumbo frames fit.
const FRAME_MAX: usize = 16_384;

/// Replays a capture.
pub struct Replay {
    capture: Capture,
    places: Box<[u8]>,
    burst: [(usize, RxStamp); BURST_MAX],
    count: usize,
    ended: bool,
    failure: Option<Box<crate::Error>>,
    counters: PortCounters,
    snapped: u64,
    unknown_link: u64,
    too_long: u64,
}

impl Replay {
    /// Opens a capture at its first packet.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Replay> {
        Ok(Replay {
            capture: Capture::open(path)?,
            places: vec![0; BURST_MAX * FRAME_MAX].into(),
            burst: [(0, RxStamp::default()); BURST_MAX],
            count: 0,
            ended: false,
            failure: None,
            counters: PortCounters::default(),
            snapped: 0,
            unknown_link: 0,
            too_long: 0,
        })
    }

    /// Whether every packet was handed out.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What ended it before the file did, if anything.
    pub fn failure(&self) -> Option<&crate::Error> {
        self.failure.as_deref()
    }

    /// Takes the next packet into the next place; false when there is none.
    fn take(&mut self) -> bool {
        let frame = match self.capture.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => return self.end(None),
            Err(failure) => return self.end(Some(failure)),
        };
        if frame.link != LinkType::ETHERNET {
            self.unknown_link += 1;
        } else if (frame.data.len() as u64) < u64::from(frame.orig_len) {
            self.snapped += 1;
        } else if let Some(place) = place(&mut self.places, self.count, frame.data.len()) {
            place.copy_from_slice(frame.data);
            if let Some(slot) = self.burst.get_mut(self.count) {
                *slot = (frame.data.len(), RxStamp { wall: frame.ts_ns, ..RxStamp::default() });
                self.count += 1;
                self.counters.rx_packets += 1;
                self.counters.rx_bytes += frame.data.len() as u64;
            }
        } else {
            self.too_long += 1;
        }
        true
    }

    #[cold]
    fn end(&mut self, failure: Option<Box<crate::Error>>) -> bool {
        self.counters.errors += u64::from(failure.is_some());
        self.failure = failure.or(self.failure.take());
        self.ended = true;
        false
    }
}

fn place(places: &mut [u8], index: usize, len: usize) -> Option<&mut [u8]> {
    places.get_mut(index * FRAME_MAX..(index + 1) * FRAME_MAX)?.get_mut(..len)
}

impl FramePort for Replay {
    fn poll(&mut self) -> usize {
        self.count = 0;
        // Bounded also where nothing in the file can be used.
        for _ in 0..BURST_MAX {
            if self.ended || !self.take() {
                break;
            }
        }
        self.counters.burst(self.count);
        self.count
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        let Some((len, at)) = self.burst.get(index).filter(|_| index < self.count) else {
            return RxFrame { bytes: &[], at: RxStamp::default() };
        };
        let start = index * FRAME_MAX;
        RxFrame { bytes: self.places.get(start..start + len).unwrap_or(&[]), at: *at }
    }

    fn send_with(
        &mut self,
        _: usize,
        _: &mut dyn FnMut(&mut [u8]),
    ) -> std::result::Result<(), SendError> {
        Err(SendError::Unreachable)
    }

    fn flush(&mut self) {}

    fn mac(&self) -> [u8; 6] {
        [0; 6]
    }

    fn frame_max(&self) -> usize {
        0
    }

    fn counters(&mut self) -> PortCounters {
        let drops = vec![
            ("snapped", self.snapped),
            ("unknown_link", self.unknown_link),
            ("too_long", self.too_long),
        ];
        PortCounters { drops, ..self.counters.clone() }
    }

    fn describe(&self) -> PortDescription {
        PortDescription {
            kind: "pcap".into(),
            place: self.capture.file().display().to_string(),
            mode: "as fast as it is polled".into(),
            notes: vec!["for receiving only".into()],
        }
    }
}
