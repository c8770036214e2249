//! Hong Kong: OMD-C packets on lines A and B.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nofx_net::write::{Link, PcapWriter};
use nofx_types::{Market, Nanos};
use nofx_venue::board::{Board, Said};
use nofx_venue::day::lines::{self, Wire};
use nofx_venue::day::{Faults, LINES};
use nofx_venue::publish::omdc::{OmdcConfig, OmdcPublisher};
use nofx_wire::omdc::{self, Packet};

use super::market::{Tape, Written};
use super::{PCAPS, WriteError, faults_of};
use crate::cli::GenArgs;
use crate::failure::Failure;

/// Multicast group and port of lines A and B.
pub(super) const GROUPS: [([u8; 4], u16); LINES] =
    [([239, 3, 1, 1], 51_000), ([239, 3, 1, 2], 51_001)];

/// The tape of Hong Kong.
pub(super) struct Lines {
    publisher: OmdcPublisher,
    files: Files,
}

struct Files {
    lines: lines::Lines,
    pcaps: Pcaps,
    messages: BTreeMap<String, u64>,
    failed: Option<WriteError>,
}

/// The two files; times on the lines count from midnight.
struct Pcaps {
    midnight: Nanos,
    writers: [PcapWriter; LINES],
    paths: [PathBuf; LINES],
}

impl Lines {
    pub fn create(args: &GenArgs, board: &Board) -> Result<Lines, Failure> {
        let midnight = Nanos(board.date().midnight_ns(Market::HOURS_EAST));
        let paths = PCAPS.map(|name| args.out.join(name));
        let writer = |index: usize| {
            let link = Link { src: [10, 3, index as u8, 1], ..Link::default() };
            PcapWriter::create(&paths[index], link).map_err(Failure::output)
        };
        let writers = [writer(0)?, writer(1)?];
        let faults: Faults = faults_of(args);
        Ok(Lines {
            publisher: OmdcPublisher::new(OmdcConfig::default(), board),
            files: Files {
                lines: lines::Lines::new(args.seed, faults),
                pcaps: Pcaps { midnight, writers, paths },
                messages: BTreeMap::new(),
                failed: None,
            },
        })
    }
}

impl Files {
    fn packet(&mut self, at: Nanos, payload: &[u8]) {
        let Ok(packet) = Packet::parse(payload) else { return };
        for message in packet.messages() {
            let name = omdc::type_of(message).and_then(omdc::name_of).unwrap_or("unknown");
            match self.messages.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(self.messages.insert(name.to_owned(), 1)),
            }
        }
        let (first, count) = (u64::from(packet.seq()), u64::from(packet.count()));
        let range = (count > 0).then(|| (first, first + count - 1));
        let at = Nanos(at.since(self.pcaps.midnight));
        let sent = self.lines.send(at, payload, range, &mut self.pcaps);
        self.failed = self.failed.take().or(sent.err());
    }
}

impl Wire for Pcaps {
    type Error = WriteError;

    fn datagram(&mut self, line: usize, at: Nanos, payload: &[u8]) -> Result<(), WriteError> {
        let (Some(writer), Some((group, port))) = (self.writers.get_mut(line), GROUPS.get(line))
        else {
            return Ok(());
        };
        writer.datagram(self.midnight.plus(at.0), *group, *port, payload)
    }
}

impl Tape for Lines {
    fn open(&mut self, board: &Board) {
        let Lines { publisher, files } = self;
        publisher.open(board.now(), board, &mut |at, _: u16, bytes: &[u8]| files.packet(at, bytes));
    }

    fn said(&mut self, said: &Said, board: &Board) {
        let Lines { publisher, files } = self;
        publisher.say(said, board, &mut |at, _: u16, bytes: &[u8]| files.packet(at, bytes));
    }

    fn turn(&mut self, now: Nanos, board: &Board) {
        let Lines { publisher, files } = self;
        publisher.turn(now, board, &mut |at, _: u16, bytes: &[u8]| files.packet(at, bytes));
    }

    fn check(&mut self) -> Result<(), Failure> {
        self.files.failed.take().map_or(Ok(()), |error| Err(Failure::output(error)))
    }

    fn finish(mut self: Box<Self>, _: Nanos) -> Result<Written, Failure> {
        let Lines { publisher, files } = &mut *self;
        publisher.flush(&mut |at, _: u16, bytes: &[u8]| files.packet(at, bytes));
        let Files { lines, pcaps, .. } = files;
        lines.finish(pcaps).map_err(Failure::output)?;
        self.check()?;
        let Files { lines, pcaps, messages, .. } = self.files;
        for writer in pcaps.writers {
            writer.finish().map_err(Failure::output)?;
        }
        Ok(Written { paths: pcaps.paths.into(), messages, losses: Some(lines.losses) })
    }
}
