//! Background orders from a file: its ITCH messages in order, at their pace or a multiple of it.
//!
//! A first walk finds the instruments; the second plays. What is older than `flow.from` is played at
//! once, in the opening call, so that the books are those of that moment; the rest from the open on.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use nofx_net::detect::Input;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_types::{Nanos, Symbol};
use nofx_venue::exchange::{Exchange, FlowConfig, Stage, clock};
use nofx_wire::itch::{self, AddOrder, Header, StockDirectory};
use nofx_wire::mold::Packet;

use crate::failure::Failure;

/// Messages looked at for instruments, at most.
const WALK_MAX: u64 = 20_000_000;
/// Messages played in a round, at most.
const PLAY_MAX: u32 = 512;

/// A file that is played.
pub struct Capture {
    messages: Messages,
    instruments: Vec<(u16, Symbol)>,
    /// Recorded time that is played at once.
    from: u64,
    speed_percent: u64,
    /// When the paced part began here.
    began: Option<Nanos>,
    next: Option<Vec<u8>>,
}

impl Capture {
    /// Opens the file and finds its instruments.
    pub fn open(path: &Path, flow: &FlowConfig) -> Result<Capture, Failure> {
        let instruments = instruments(path)?;
        if instruments.is_empty() {
            let why = "no ITCH 5.0 order in it: want a BinaryFILE, or a capture of MoldUDP64";
            return Err(Failure::input(format!("{}: {why}", path.display())));
        }
        let mut messages = Messages::open(path)?;
        let next = messages.next()?;
        let (from, speed_percent) = (clock(&flow.from).unwrap_or(0), flow.speed_percent.into());
        Ok(Capture { messages, instruments, from, speed_percent, began: None, next })
    }

    /// Locate and symbol of its instruments.
    pub fn instruments(&self) -> &[(u16, Symbol)] {
        &self.instruments
    }

    /// Plays what is due; returns whether anything was.
    pub fn play(&mut self, exchange: &mut Exchange, now: Nanos) -> Result<bool, Failure> {
        let mut played = 0;
        while played < PLAY_MAX
            && let Some(message) = &self.next
        {
            let ts = Header::parse(message).map_or(0, |header| header.ts_ns.get());
            if ts >= self.from {
                if exchange.stage() == Stage::PreOpen {
                    break;
                }
                let began = *self.began.get_or_insert(now);
                let pace = u128::from(ts - self.from) * 100 / u128::from(self.speed_percent.max(1));
                if pace > u128::from(now.since(began)) {
                    break;
                }
                played += 1;
            }
            exchange.play(message);
            self.next = self.messages.next()?;
        }
        Ok(played > 0)
    }
}

/// The messages of a file in order, each once.
struct Messages {
    path: PathBuf,
    input: Input,
    /// Of the last packet.
    waiting: VecDeque<Vec<u8>>,
    /// Number of the next message of a stream; both lines of a capture carry all.
    expected: u64,
    counts: FrameCounts,
}

impl Messages {
    fn open(path: &Path) -> Result<Messages, Failure> {
        let input = Input::open(path, itch::length_of).map_err(Failure::input)?;
        let (waiting, counts) = (VecDeque::new(), FrameCounts::default());
        Ok(Messages { path: path.to_owned(), input, waiting, expected: 0, counts })
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(Some(message));
            }
            match &mut self.input {
                Input::BinaryFile(file) => {
                    let record = file.next().map_err(Failure::input)?;
                    return Ok(record.map(|record| record.data.to_vec()));
                }
                Input::Capture(capture) => {
                    let Some(frame) = capture.next().map_err(Failure::input)? else {
                        return Ok(None);
                    };
                    let options = DecodeOptions::default();
                    let Some(datagram) = decode(&frame, &options, &mut self.counts) else {
                        continue;
                    };
                    if let Ok(packet) = Packet::parse(datagram.payload) {
                        unpack(&packet, &mut self.expected, &mut self.waiting);
                    }
                }
                Input::Dbn(_) => {
                    let path = self.path.display();
                    return Err(Failure::input(format!("{path}: a DBN file has no ITCH messages")));
                }
            }
        }
    }
}

/// Takes the messages of a packet that are new.
fn unpack(packet: &Packet<'_>, expected: &mut u64, waiting: &mut VecDeque<Vec<u8>>) {
    let blocks = (packet.seq()..).zip(packet.blocks()).filter(|(seq, _)| *seq >= *expected);
    waiting.extend(blocks.map(|(_, message)| message.to_vec()));
    *expected = packet.next_seq().max(*expected);
}

/// Instruments by locate, as directory or orders name them, in the order of their appearance.
fn instruments(path: &Path) -> Result<Vec<(u16, Symbol)>, Failure> {
    let (mut messages, mut seen) = (Messages::open(path)?, HashMap::new());
    let mut found = Vec::new();
    for _ in 0..WALK_MAX {
        let Some(message) = messages.next()? else { break };
        let Some(header) = Header::parse(&message) else { continue };
        let named = match header.kind {
            b'R' => StockDirectory::parse(&message).map(|m| m.stock),
            b'A' | b'F' => AddOrder::parse(&message).map(|m| m.stock),
            _ => None,
        };
        let Some(stock) = named else { continue };
        let locate = header.stock_locate.get();
        if seen.insert(locate, ()).is_none() {
            found.push((locate, Symbol(stock)));
        }
    }
    Ok(found)
}
