//! What the tests of this crate share: a sink that keeps everything, captures, vectors.
#![allow(dead_code)] // each test binary uses a part

use std::path::{Path, PathBuf};

use nofx_feed::{FeedConfig, FeedReport, PacketFeed};
use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Phase,
};

/// Keeps every event, definition and hint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    pub events: Vec<BookEvent>,
    pub definitions: Vec<Instrument>,
    pub hints: Vec<(InstrumentId, OrderRef)>,
}

impl EventSink for Log {
    fn on_event(&mut self, event: &BookEvent) {
        self.events.push(*event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.definitions.push(*instrument);
    }

    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        self.hints.push((instrument, order));
    }
}

impl Log {
    /// The kinds of the events, in order.
    pub fn kinds(&self) -> Vec<EventKind> {
        self.events.iter().map(|event| event.kind).collect()
    }

    /// The last phase of an instrument.
    pub fn phase(&self, id: InstrumentId) -> Option<Phase> {
        self.events.iter().rev().find_map(|event| match event.kind {
            EventKind::Phase(phase) if event.instrument == id => Some(phase),
            _ => None,
        })
    }

    /// The last definition of an instrument.
    pub fn definition(&self, id: InstrumentId) -> Option<&Instrument> {
        self.definitions.iter().rev().find(|instrument| instrument.id == id)
    }
}

/// A configuration with room for every locate.
pub fn config() -> FeedConfig {
    FeedConfig { instruments: 1 << 16, ..FeedConfig::default() }
}

/// A file or folder of the captures, or `None` with a loud line when they are not there.
pub fn capture(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NOFX_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"),
        PathBuf::from,
    );
    let path = root.join(path);
    if !path.exists() {
        println!("SKIPPED captures not found ({}; set NOFX_CAPTURES)", path.display());
        return None;
    }
    Some(path)
}

/// The pcap files of a folder, in the order of their names.
pub fn pcaps(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "pcap"))
        .collect();
    files.sort();
    files
}

/// Calls `each` with number, time and payload of every datagram; returns the warnings.
pub fn payloads(path: &Path, mut each: impl FnMut(u64, Nanos, &[u8])) -> Vec<String> {
    let mut capture = Capture::open(path).expect("a readable capture");
    let mut counts = FrameCounts::default();
    while let Some(frame) = capture.next().expect("a whole capture") {
        let datagram = decode(&frame, &DecodeOptions::default(), &mut counts).expect("a datagram");
        each(frame.number, datagram.ts_ns, datagram.payload);
    }
    capture.warnings().iter().map(ToString::to_string).collect()
}

/// Runs one capture through a feed to its end.
pub fn replay<F: PacketFeed>(path: &Path, feed: &mut F, log: &mut Log) -> Vec<String> {
    let (mut last, mut now) = (0, Nanos(0));
    let warnings = payloads(path, |number, at, payload| {
        feed.on_packet(0, number, at, payload, log);
        (last, now) = (number, at);
    });
    feed.finish(last, now, log);
    warnings
}

/// The counts of a report as text: `A 36 F 2`.
pub fn by_type(report: &FeedReport) -> String {
    let rows: Vec<String> = report.by_type.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    rows.join(" ")
}

/// The bytes of a hex text.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit") as u8;
    digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

/// A MoldUDP64 packet of messages.
pub fn mold(seq: u64, messages: &[&[u8]]) -> Vec<u8> {
    mold_of(b"SESSION001", seq, messages)
}

/// A MoldUDP64 packet of a session.
pub fn mold_of(session: &[u8; 10], seq: u64, messages: &[&[u8]]) -> Vec<u8> {
    let mut packet = session.to_vec();
    packet.extend(seq.to_be_bytes());
    packet.extend((messages.len() as u16).to_be_bytes());
    for message in messages {
        packet.extend((message.len() as u16).to_be_bytes());
        packet.extend(*message);
    }
    packet
}

/// An IEX-TP segment of messages.
pub fn segment(protocol: u16, seq: u64, messages: &[&[u8]]) -> Vec<u8> {
    let payload: usize = messages.iter().map(|message| message.len() + 2).sum();
    let mut packet = vec![1, 0];
    packet.extend(protocol.to_le_bytes());
    packet.extend([1, 0, 0, 0, 9, 0, 0, 0]);
    packet.extend((payload as u16).to_le_bytes());
    packet.extend((messages.len() as u16).to_le_bytes());
    packet.extend((seq * 100).to_le_bytes());
    packet.extend(seq.to_le_bytes());
    packet.extend((1_000_000 + seq).to_le_bytes());
    for message in messages {
        packet.extend((message.len() as u16).to_le_bytes());
        packet.extend(*message);
    }
    packet
}
