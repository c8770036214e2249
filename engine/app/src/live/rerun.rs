//! `nofx replay --journal DIR`: live runs once more, from what they wrote down.
//!
//! Model: for each run in the folder a core is built from the configuration in its first record,
//! orders and positions of the runs before are restored as the live start did, and every input is
//! taken in the order of its number. What comes out is compared, record by record, with what the
//! journal says came out; the decision log of both sides must have one hash. A run that was killed
//! has no last record: its decisions are compared up to the last one there is.

use std::fmt;
use std::path::{Path, PathBuf};

use nofx_feed::Action;
use nofx_gate::Rejects;
use nofx_mailbox::journal::Reader;
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::{Instrument, Nanos, OrderIntent};
use serde::Serialize;

use super::core::{Core, Input, Outside};
use super::journal::unusable;
use super::packets::PacketReader;
use super::record::{
    Answer, Command, Decision, EndRecord, KillSeen, Kind, PacketPlace, decode_request,
    encode_instrument, encode_intent,
};
use super::restart::Restored;
use super::run::{StartRecord, definitions, feed, path};
use crate::assemble::{WithStrategy, with_strategy};
use crate::config;
use crate::decision::DecisionLog;
use crate::failure::Failure;
use crate::gate::GateSection;
use crate::hot_path::{HotPath, OrderPort};
use crate::params::page::Taken;
use crate::stamps::StampMode;

/// What the re-run of a folder came to.
#[derive(Clone, Debug, Serialize)]
pub struct Rerun {
    /// The folder.
    pub journal: PathBuf,
    /// Its runs, oldest first.
    pub runs: Vec<RunResult>,
}

/// One run, live and again.
#[derive(Clone, Debug, Serialize)]
pub struct RunResult {
    /// Number of its first record.
    pub first: u64,
    /// Number of its last record.
    pub last: u64,
    /// Inputs taken.
    pub inputs: u64,
    /// Packets among them.
    pub packets: u64,
    /// Outputs compared.
    pub compared: u64,
    /// How it ended: `in order`, or `killed`.
    pub ended: &'static str,
    /// Hash of the decisions in the journal.
    pub hash_journal: String,
    /// Hash of the decisions of the re-run.
    pub hash_rerun: String,
    /// Hash that the live run itself wrote at its end.
    pub hash_live: Option<String>,
    /// Records that the live run could not write, by its own count.
    pub lost: u64,
    /// The first thing that was not as in the journal.
    pub difference: Option<String>,
}

impl RunResult {
    /// Whether everything came out as it had.
    pub fn is_equal(&self) -> bool {
        let live = self.hash_live.as_ref().is_none_or(|hash| *hash == self.hash_rerun);
        self.difference.is_none() && self.hash_journal == self.hash_rerun && live
    }
}

impl Rerun {
    /// Whether all runs came out as they had.
    pub fn is_equal(&self) -> bool {
        self.runs.iter().all(RunResult::is_equal)
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
    }
}

/// One record, kept.
struct Kept {
    number: u64,
    kind: Kind,
    at: Nanos,
    payload: Vec<u8>,
}

/// Runs everything in `folder` again.
///
/// # Errors
/// A file or record that cannot be read: named by file, number or offset.
pub fn rerun(folder: &Path) -> Result<Rerun, Failure> {
    let starts = starts(folder)?;
    if starts.is_empty() {
        return Err(Failure::input(format!("{}: no run in this journal", folder.display())));
    }
    let mut runs = Vec::new();
    for (index, (first, start)) in starts.iter().enumerate() {
        let next = starts.get(index + 1).map_or(u64::MAX, |(next, _)| *next);
        let config = config::from_text(&start.config)?;
        let traded: Vec<_> = start.traded.iter().map(|id| nofx_types::InstrumentId(*id)).collect();
        let again = Again { folder, start, config: &config, first: *first, next };
        runs.push(with_strategy(&config, &traded, again)?);
    }
    Ok(Rerun { journal: folder.to_owned(), runs })
}

/// Number and first record of each run.
pub(super) fn starts(folder: &Path) -> Result<Vec<(u64, StartRecord)>, Failure> {
    let mut reader = Reader::open(folder).map_err(unusable)?;
    let mut starts = Vec::new();
    while let Some(record) = reader.next().map_err(unusable)? {
        if record.kind == Kind::Start as u8 {
            let start = serde_json::from_slice(record.payload).map_err(|e| {
                Failure::input(format!("{}: record {}: {e}", folder.display(), record.number))
            })?;
            starts.push((record.number, start));
        }
    }
    Ok(starts)
}

/// The verdict behind which the gate of the run between two record numbers failed, if it did.
fn gate_failure(folder: &Path, first: u64, next: u64) -> Result<Option<u32>, Failure> {
    let mut reader = Reader::open(folder).map_err(unusable)?;
    while let Some(record) = reader.next().map_err(unusable)? {
        let ours = (first..next).contains(&record.number) && record.kind == Kind::Command as u8;
        let command = if ours { Command::decode(record.payload) } else { None };
        if let Some(Command::GateFailed { verdicts, .. }) = command {
            return Ok(Some(verdicts));
        }
    }
    Ok(None)
}

/// One run, about to be run again.
struct Again<'a> {
    folder: &'a Path,
    start: &'a StartRecord,
    config: &'a config::Config,
    first: u64,
    /// Number of the first record that is no more of it.
    next: u64,
}

impl WithStrategy for Again<'_> {
    type Output = RunResult;

    fn with<S: Strategy + Send + 'static>(self, strategy: S) -> Result<RunResult, Failure> {
        let known = definitions(self.config)?;
        let gate = GateSection::default(); // the software judges as the card did
        let mut path = path(self.config, &gate, &known, self.start, StampMode::None, strategy)?;
        if let Some(verdict) = gate_failure(self.folder, self.first, self.next)? {
            path.gate.fail_at(verdict.into());
        }
        let mut records = Records::open(self.folder)?;
        self.restore(&mut records, &mut path)?;
        let clean_up = self.start.open_orders > 0;
        let core = Core::new(path, feed(self.config)?, known, clean_up);
        let mut live = Side { core, echo: Echo::default(), log: DecisionLog::default() };
        let mut result = RunResult::new(self.first);
        // What stands before the first input came of the definitions that were known.
        let mut group = Group::default();
        while let Some(record) = records.next(self.next)? {
            result.last = record.number;
            match record.kind {
                Kind::End => result.end(&record),
                kind if kind.is_input() => {
                    live.take(&group, &mut result);
                    group.begin(record);
                }
                _ => group.outputs.push(record),
            }
        }
        if result.hash_live.is_none() {
            live.hash(&mut result);
            live.echo.killed = true;
            live.take(&group, &mut result);
        } else {
            live.take(&group, &mut result);
            live.hash(&mut result);
        }
        Ok(result)
    }
}

impl Again<'_> {
    /// Takes the records of the runs before into `path`, up to the first of this one.
    fn restore<S: Strategy, G: LimitGate>(
        &self,
        records: &mut Records,
        path: &mut HotPath<S, G>,
    ) -> Result<(), Failure> {
        let mut restored = Restored::default();
        while let Some((number, kind)) = records
            .peek_former(self.first, |kind, at, payload| restored.take((kind, at, payload), path))?
        {
            if number == self.first && kind == Kind::Start {
                break;
            }
        }
        restored.end(path);
        Ok(())
    }
}

/// An input and the outputs that stand behind it.
#[derive(Default)]
struct Group {
    input: Option<Kept>,
    outputs: Vec<Kept>,
}

impl Group {
    fn begin(&mut self, input: Kept) {
        self.input = Some(input);
        self.outputs.clear();
    }
}

/// The re-run, and the log of what the journal says.
struct Side<S, G> {
    core: Core<S, G>,
    echo: Echo,
    log: DecisionLog,
}

impl<S: Strategy, G: LimitGate> Side<S, G> {
    fn take(&mut self, group: &Group, result: &mut RunResult) {
        if result.difference.is_some() {
            return;
        }
        self.log_of(group);
        self.echo.expect(&group.outputs);
        match &group.input {
            None => self.core.define_known(&mut self.echo),
            Some(record) => match record.input() {
                Some(input) => {
                    result.inputs += 1;
                    result.packets += u64::from(record.kind == Kind::Packet);
                    self.core.take(record.at, input, &mut self.echo);
                }
                None => {
                    let number = record.number;
                    result.difference = Some(format!("record {number} is no input"));
                    return;
                }
            },
        }
        result.compared += self.echo.compared;
        let number = group.input.as_ref().map_or(result.first, |record| record.number);
        result.difference = self.echo.settle().map(|what| format!("input {number}: {what}"));
    }

    /// What the journal says went into the decision log.
    fn log_of(&mut self, group: &Group) {
        if let Some(record) = group
            .input
            .as_ref()
            .filter(|r| r.kind == Kind::OrderBytes || r.kind == Kind::RescueBytes)
        {
            self.log.received(record.at, &record.payload);
        }
        for record in &group.outputs {
            match (record.kind, Decision::decode(&record.payload)) {
                (Kind::Decision | Kind::RescueDecision, Some(decision)) => {
                    self.log.decided(&decision.intent, decision.rejects);
                    if !decision.message.is_empty() {
                        self.log.sent(decision.intent.now_ns, decision.message);
                    }
                }
                (Kind::Control | Kind::RescueControl, _) => {
                    self.log.sent(record.at, &record.payload)
                }
                _ => {}
            }
        }
    }

    fn hash(&self, result: &mut RunResult) {
        result.hash_journal = self.log.hex();
        result.hash_rerun = self.core.path.log.hex();
    }
}

impl RunResult {
    fn new(first: u64) -> RunResult {
        RunResult {
            first,
            last: first,
            inputs: 0,
            packets: 0,
            compared: 0,
            ended: "killed",
            hash_journal: String::new(),
            hash_rerun: String::new(),
            hash_live: None,
            lost: 0,
            difference: None,
        }
    }

    fn end(&mut self, record: &Kept) {
        self.ended = "in order";
        match serde_json::from_slice::<EndRecord>(&record.payload) {
            Ok(end) => (self.hash_live, self.lost) = (Some(end.hash), end.lost),
            Err(error) => self.difference = Some(format!("record {}: {error}", record.number)),
        }
    }
}

/// The records of a folder, with the packets in them.
struct Records {
    folder: PathBuf,
    reader: Reader,
    packets: PacketReader,
}

impl Records {
    fn open(folder: &Path) -> Result<Records, Failure> {
        Ok(Records {
            folder: folder.to_owned(),
            reader: Reader::open(folder).map_err(unusable)?,
            packets: PacketReader::new(folder),
        })
    }

    /// The next record below `end`.
    fn next(&mut self, end: u64) -> Result<Option<Kept>, Failure> {
        while let Some(record) = self.reader.next().map_err(unusable)? {
            if record.number >= end {
                return Ok(None);
            }
            let Some(kind) = Kind::of(record.kind) else { continue };
            let (number, at) = (record.number, record.at);
            let payload = match kind {
                Kind::Packet => {
                    let place = PacketPlace::decode(record.payload).ok_or_else(|| {
                        let folder = self.folder.display();
                        Failure::input(format!("{folder}: record {number}: no place of a packet"))
                    })?;
                    let bytes = self.packets.read(&place).map_err(Failure::input)?;
                    [&[place.line], bytes].concat()
                }
                _ => record.payload.to_vec(),
            };
            return Ok(Some(Kept { number, kind, at, payload }));
        }
        Ok(None)
    }

    /// Hands the next record to `take` if it is below `first`; its number and kind.
    fn peek_former(
        &mut self,
        first: u64,
        take: impl FnOnce(Kind, Nanos, &[u8]) -> Result<(), &'static str>,
    ) -> Result<Option<(u64, Kind)>, Failure> {
        let Some(record) = self.reader.next().map_err(unusable)? else { return Ok(None) };
        let number = record.number;
        let Some(kind) = Kind::of(record.kind) else { return Ok(Some((number, Kind::Time))) };
        if number < first {
            take(kind, record.at, record.payload).map_err(|what| {
                let folder = self.folder.display();
                Failure::input(format!("{folder}: record {number}: {what}"))
            })?;
        }
        Ok(Some((number, kind)))
    }
}

impl Kept {
    /// As the core takes it.
    fn input(&self) -> Option<Input<'_>> {
        let payload = &*self.payload;
        Some(match self.kind {
            Kind::Packet => {
                let (line, payload) = payload.split_first()?;
                Input::Packet { line: *line, payload }
            }
            Kind::Reply => {
                let (server, payload) = payload.split_first()?;
                Input::Reply { server: *server, payload }
            }
            Kind::SnapshotOpened => Input::SnapshotOpened,
            Kind::SnapshotBytes => Input::SnapshotBytes(payload),
            Kind::SnapshotClosed => Input::SnapshotClosed,
            Kind::OrderOpened => Input::OrderOpened,
            Kind::OrderBytes => Input::OrderBytes(payload),
            Kind::OrderClosed => Input::OrderClosed,
            Kind::RescueOpened => Input::RescueOpened,
            Kind::RescueBytes => Input::RescueBytes(payload),
            Kind::RescueClosed => Input::RescueClosed,
            Kind::Time => Input::Time,
            Kind::Command => Input::Command(Command::decode(payload)?),
            Kind::Params => Input::Params(payload),
            Kind::Model => Input::Model(payload),
            Kind::Request => Input::Request(decode_request(payload)?),
            _ => return None,
        })
    }
}

/// The outside of a re-run: compares what the engine does with what it had done.
#[derive(Default)]
struct Echo {
    expected: Vec<(u64, Kind, Vec<u8>)>,
    next: usize,
    kills: Vec<KillSeen>,
    intents: u32,
    compared: u64,
    difference: Option<String>,
    /// The process died inside this group: what is missing at its end is no difference.
    killed: bool,
}

impl Echo {
    fn expect(&mut self, outputs: &[Kept]) {
        self.kills.clear();
        self.expected.clear();
        for record in outputs {
            match record.kind {
                Kind::KillSeen => self.kills.extend(KillSeen::decode(&record.payload)),
                kind => self.expected.push((record.number, kind, record.payload.clone())),
            }
        }
        (self.next, self.intents, self.compared) = (0, 0, 0);
    }

    fn came(&mut self, kind: Kind, parts: &[&[u8]]) {
        if self.difference.is_some() {
            return;
        }
        let Some((number, wanted, payload)) = self.expected.get(self.next) else {
            if !self.killed {
                self.difference = Some(format!("a {kind:?} came out that is not in the journal"));
            }
            return;
        };
        self.next += 1;
        self.compared += 1;
        let same = *wanted == kind && parts.concat() == *payload;
        if !same {
            self.difference =
                Some(format!("record {number} is a {wanted:?}; another {kind:?} came out"));
        }
    }

    /// The first difference of this group.
    fn settle(&mut self) -> Option<String> {
        let missing = self.expected.get(self.next);
        self.difference.take().or_else(|| {
            missing
                .map(|(number, kind, _)| format!("record {number}, a {kind:?}, did not come out"))
        })
    }
}

impl OrderPort for Echo {
    fn send(&mut self, _: Nanos, bytes: &[u8]) {
        self.came(Kind::Control, &[bytes]);
    }

    fn order(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.intents += 1;
        self.came(Kind::Decision, &[&encode_intent(intent), &Rejects::NONE.0.to_le_bytes(), bytes]);
    }

    fn send_by_rescue(&mut self, _: Nanos, bytes: &[u8]) {
        self.came(Kind::RescueControl, &[bytes]);
    }

    fn order_by_rescue(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.intents += 1;
        let rejects = Rejects::NONE.0.to_le_bytes();
        self.came(Kind::RescueDecision, &[&encode_intent(intent), &rejects, bytes]);
    }

    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects) {
        self.intents += 1;
        self.came(Kind::Decision, &[&encode_intent(intent), &rejects.0.to_le_bytes()]);
    }

    fn blocked(&mut self, _: &OrderIntent) -> Rejects {
        let seen = self.kills.iter().find(|seen| seen.intent == self.intents);
        seen.map_or(Rejects::NONE, |seen| seen.rejects)
    }
}

impl Outside for Echo {
    fn defined(&mut self, instrument: &Instrument) {
        self.came(Kind::Definition, &[&encode_instrument(instrument)]);
    }

    fn connect_orders(&mut self, _: Nanos) {}

    fn close_orders(&mut self, _: Nanos) {}

    fn connect_rescue(&mut self, _: Nanos) {}

    fn close_rescue(&mut self, _: Nanos) {}

    fn recover(&mut self, _: Nanos, _: Action<'_>) {}

    fn taken(&mut self, _: Nanos, taken: &Taken) {
        self.came(Kind::Taken, &[&taken.encode()]);
    }

    fn answered(&mut self, _: Nanos, answer: &Answer) {
        self.came(Kind::Answered, &[&answer.encode()]);
    }
}

impl fmt::Display for Rerun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "journal {}", self.journal.display())?;
        for (index, run) in self.runs.iter().enumerate() {
            let verdict = if run.is_equal() { "equal" } else { "DIFFERS" };
            writeln!(
                f,
                "run {}: records {} to {}, {} inputs ({} packets), {} outputs compared, {}: {verdict}",
                index + 1,
                run.first,
                run.last,
                run.inputs,
                run.packets,
                run.compared,
                run.ended
            )?;
            writeln!(
                f,
                "  decision hash {} (journal), {} (again)",
                run.hash_journal, run.hash_rerun
            )?;
            if let Some(hash) = &run.hash_live {
                writeln!(f, "  decision hash {hash} (written by the live run)")?;
            }
            if run.lost > 0 {
                writeln!(f, "  {} records of it found no room in the journal", run.lost)?;
            }
            if let Some(difference) = &run.difference {
                writeln!(f, "  {difference}")?;
            }
        }
        let word =
            if self.is_equal() { "every run is as it was" } else { "a run is not as it was" };
        write!(f, "{word}")
    }
}
