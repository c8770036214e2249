//! After a restart: orders, positions and limits of the former runs, rebuilt from the journal.
//!
//! Model: what the record says was sent and received goes through the same order manager, gate and
//! positions once more, in its order, so they stand where they stood when the process died. Books
//! are not rebuilt: they come back with a snapshot, which is shorter and newer. The strategy starts
//! anew; orders it no longer knows of are cancelled once the session has been reconciled.

use std::fmt;

use nofx_gate::KillScope;
use nofx_mailbox::ControlCommand;
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::record::{Command, Decision, Kind, decode_instrument, decode_request};
use crate::hot_path::HotPath;

/// A run tells in its first turns what is engaged; after so long all of it was told, nanoseconds.
const TOLD_NS: u64 = 1_000_000_000;

/// Kills by the record. One that a run does not tell again was released between two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kills {
    of_run: Vec<KillScope>,
    /// Of the runs before.
    former: Vec<KillScope>,
    begun: Nanos,
}

impl Kills {
    /// Another run begins; the last record of the one before is of `last`.
    fn run(&mut self, last: Nanos, at: Nanos) {
        self.former = self.before(last).to_vec();
        self.former.append(&mut self.of_run);
        self.begun = at;
    }

    /// Those of the runs before that still count at this time.
    fn before(&self, at: Nanos) -> &[KillScope] {
        if at.since(self.begun) < TOLD_NS { &self.former } else { &[] }
    }

    fn kill(&mut self, scope: KillScope) {
        self.release(scope);
        self.of_run.push(scope);
    }

    fn release(&mut self, scope: KillScope) {
        self.of_run.retain(|killed| *killed != scope);
        self.former.retain(|killed| *killed != scope);
    }
}

/// What was brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// Runs in the record.
    pub runs: u64,
    /// Orders, replaces and cancels that had been sent.
    pub sent: u64,
    /// Pieces of the venue's stream.
    pub received: u64,
    /// Instruments.
    pub definitions: u64,
    /// Records that did not fit the state: the session will find out what is true.
    pub misfits: u64,
    /// Time of the last record.
    #[serde(skip)]
    pub last: Nanos,
    /// What was killed and not released.
    #[serde(skip)]
    kills: Kills,
    /// The last fencing epoch.
    #[serde(skip)]
    pub epoch: u32,
    /// The request that was answered last, or next.
    #[serde(skip)]
    asked: Option<ControlCommand>,
}

impl Restored {
    /// Takes one record of a former run.
    ///
    /// # Errors
    /// The payload is not what its kind says.
    pub fn take<S: Strategy, G: LimitGate>(
        &mut self,
        (kind, at, payload): (Kind, Nanos, &[u8]),
        path: &mut HotPath<S, G>,
    ) -> Result<(), &'static str> {
        let before = self.last;
        self.last = before.max(at);
        match kind {
            Kind::Start => {
                if self.runs > 0 {
                    path.restore_end(self.last);
                }
                self.runs += 1;
                self.kills.run(before, at);
            }
            Kind::Definition => {
                let instrument = decode_instrument(payload).ok_or("no instrument")?;
                path.on_definition(&instrument);
                self.definitions += 1;
            }
            Kind::Decision | Kind::RescueDecision => {
                let decision = Decision::decode(payload).ok_or("no decision")?;
                if decision.rejects.is_pass() && !decision.message.is_empty() {
                    self.sent += 1;
                    self.misfits += u64::from(!path.restore_sent(&decision.intent));
                }
            }
            Kind::Control => path.restore_control(at, payload),
            Kind::OrderBytes => {
                self.received += 1;
                path.restore_received(at, payload);
            }
            Kind::OrderClosed => path.on_disconnect(at),
            Kind::RescueControl => path.restore_rescue_control(at, payload),
            Kind::RescueBytes => {
                self.received += 1;
                path.restore_rescue_received(at, payload);
            }
            Kind::RescueClosed => path.on_rescue_disconnect(at),
            Kind::Command => match Command::decode(payload).ok_or("no command")? {
                Command::Epoch(epoch) => {
                    path.gate.on_epoch(epoch);
                    self.epoch = self.epoch.max(epoch);
                }
                Command::Kill(scope) => self.kills.kill(scope),
                Command::Release(scope) => self.kills.release(scope),
                _ => {}
            },
            // A halt outlives its run: only who may undo it does.
            Kind::Request => {
                let request = decode_request(payload).ok_or("no request")?;
                self.asked = request.command;
            }
            Kind::Answered => match (self.asked.take(), payload.get(8..12)) {
                (Some(ControlCommand::Halt), Some([0, 0, 0, 0])) => path.halt(true),
                (Some(ControlCommand::Resume), Some([0, 0, 0, 0])) => path.halt(false),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// What is killed where the kill words were lost with the memory that held them.
    pub fn kills(&self) -> impl Iterator<Item = KillScope> {
        self.kills.of_run.iter().chain(self.kills.before(self.last)).copied()
    }

    /// The record is at its end.
    pub fn end<S: Strategy, G: LimitGate>(&self, path: &mut HotPath<S, G>) {
        if self.runs > 0 {
            path.restore_end(self.last);
        }
    }
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restored { runs, sent, received, definitions, misfits, .. } = self;
        write!(
            f,
            "{runs} runs, {sent} messages sent, {received} pieces received, {definitions} definitions"
        )?;
        if *misfits > 0 {
            write!(f, ", {misfits} that did not fit")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use nofx_types::InstrumentId;

    use super::*;

    #[test]
    fn kills_outlive_runs_until_they_are_released_or_not_told_again() {
        const SYMBOL: KillScope = KillScope::Symbol(InstrumentId(7));
        let second = |n: u64| Nanos(n * 1_000_000_000);
        let left = |kills: &Kills, at| [&kills.of_run, kills.before(at)].concat();
        let mut kills = Kills::default();
        kills.run(second(0), second(10));
        kills.kill(KillScope::Global);
        kills.kill(SYMBOL);
        assert_eq!(left(&kills, second(90)), [KillScope::Global, SYMBOL]);
        // Two runs that crashed, one before it had told anything, one before it had told all.
        kills.run(second(90), second(100));
        kills.run(second(100), second(150));
        kills.kill(SYMBOL);
        assert_eq!(left(&kills, second(150)), [SYMBOL, KillScope::Global]);
        // One that went on, and one during which the last was released.
        kills.run(second(150), second(200));
        kills.kill(SYMBOL);
        assert_eq!(left(&kills, second(201)), [SYMBOL]);
        kills.run(second(290), second(300));
        kills.release(SYMBOL);
        assert_eq!(left(&kills, second(300)), []);
    }
}
