//! Commands to a running engine and its answers, each a record of eight words.

use nofx_types::Nanos;

use crate::kill::Scope;

/// What the engine can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// Send no new orders.
    Halt,
    /// Undo a halt.
    Resume,
    /// Cancel all open orders of the scope.
    CancelAll(Scope),
    /// Apply the parameters of this publication.
    SetLimits {
        /// Number of the publication.
        publication: u64,
    },
    /// Use the model of this publication.
    SwapModel {
        /// Number of the publication.
        publication: u64,
    },
    /// Write all views now.
    Snapshot,
    /// Begin a new segment of the journal.
    RotateJournal,
}

/// A command on its way to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Given by the sender; the answer bears it.
    pub id: u64,
    /// Fencing epoch of the sender.
    pub epoch: u32,
    /// When it was sent.
    pub at: Nanos,
    /// What to do; `None` is a kind that the engine does not know.
    pub command: Option<ControlCommand>,
}

/// The engine's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Of the [`Request`].
    pub id: u64,
    /// 0 when done, else the number of a [`Refusal`].
    pub result: u32,
    /// When it was done or refused.
    pub at: Nanos,
    /// The same in cycles of the engine's processor.
    pub cycles: u64,
    /// More about it, by command.
    pub value: u64,
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Refusal {
    /// The engine knows no such command.
    UnknownCommand = 1,
    /// The sender's epoch is below the fence.
    Fenced = 2,
    /// No such account or instrument.
    UnknownScope = 3,
    /// The publication it names is not the current one.
    NotCurrent = 4,
    /// The page was refused; the reply's value is the number of a [`Why`](crate::param::Why).
    PageRefused = 5,
    /// Not in the state the engine is in.
    NotNow = 6,
}

impl Refusal {
    const ALL: [Refusal; 6] = [
        Refusal::UnknownCommand,
        Refusal::Fenced,
        Refusal::UnknownScope,
        Refusal::NotCurrent,
        Refusal::PageRefused,
        Refusal::NotNow,
    ];

    /// From its number; `None` for 0 (done) and for one that this program does not know.
    pub fn from_number(number: u32) -> Option<Refusal> {
        Refusal::ALL.into_iter().find(|refusal| *refusal as u32 == number)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Refusal::UnknownCommand => "unknown command",
            Refusal::Fenced => "sender's epoch below the fence",
            Refusal::UnknownScope => "unknown scope",
            Refusal::NotCurrent => "not the current publication",
            Refusal::PageRefused => "page refused",
            Refusal::NotNow => "not in this state",
        })
    }
}

/// Words of a request, and of a reply.
pub(crate) const WORDS: usize = 8;

impl ControlCommand {
    fn to_words(self) -> [u64; 3] {
        match self {
            ControlCommand::Halt => [1, 0, 0],
            ControlCommand::Resume => [2, 0, 0],
            ControlCommand::CancelAll(Scope::Global) => [3, 0, 0],
            ControlCommand::CancelAll(Scope::Account(account)) => [3, 1, account.into()],
            ControlCommand::CancelAll(Scope::Symbol(symbol)) => [3, 2, symbol.into()],
            ControlCommand::SetLimits { publication } => [4, publication, 0],
            ControlCommand::SwapModel { publication } => [5, publication, 0],
            ControlCommand::Snapshot => [6, 0, 0],
            ControlCommand::RotateJournal => [7, 0, 0],
        }
    }

    fn from_words(words: [u64; 3]) -> Option<ControlCommand> {
        Some(match words {
            [1, ..] => ControlCommand::Halt,
            [2, ..] => ControlCommand::Resume,
            [3, scope, number] => ControlCommand::CancelAll(match scope {
                0 => Scope::Global,
                1 => Scope::Account(number.try_into().ok()?),
                2 => Scope::Symbol(number.try_into().ok()?),
                _ => return None,
            }),
            [4, publication, _] => ControlCommand::SetLimits { publication },
            [5, publication, _] => ControlCommand::SwapModel { publication },
            [6, ..] => ControlCommand::Snapshot,
            [7, ..] => ControlCommand::RotateJournal,
            _ => return None,
        })
    }
}

impl Request {
    pub(crate) fn to_words(self) -> [u64; WORDS] {
        let [kind, a, b] = self.command.map_or([0; 3], ControlCommand::to_words);
        [self.id, self.at.0, self.epoch.into(), kind, a, b, 0, 0]
    }

    pub(crate) fn from_words([id, at, epoch, kind, a, b, ..]: [u64; WORDS]) -> Request {
        let command = ControlCommand::from_words([kind, a, b]);
        Request { id, epoch: epoch as u32, at: Nanos(at), command }
    }
}

impl Reply {
    pub(crate) fn to_words(self) -> [u64; WORDS] {
        [self.id, self.at.0, self.result.into(), self.cycles, self.value, 0, 0, 0]
    }

    pub(crate) fn from_words([id, at, result, cycles, value, ..]: [u64; WORDS]) -> Reply {
        Reply { id, result: result as u32, at: Nanos(at), cycles, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_comes_back_as_it_went() {
        let scopes = [Scope::Global, Scope::Account(u16::MAX), Scope::Symbol(u32::MAX)];
        let mut commands: Vec<_> = scopes.map(ControlCommand::CancelAll).to_vec();
        commands.extend([
            ControlCommand::Halt,
            ControlCommand::Resume,
            ControlCommand::SetLimits { publication: u64::MAX },
            ControlCommand::SwapModel { publication: 1 },
            ControlCommand::Snapshot,
            ControlCommand::RotateJournal,
        ]);
        for command in commands.into_iter().map(Some).chain([None]) {
            let request = Request { id: 7, epoch: 9, at: Nanos(11), command };
            assert_eq!(Request::from_words(request.to_words()), request);
        }
        let reply = Reply { id: 1, result: 2, at: Nanos(3), cycles: 4, value: 5 };
        assert_eq!(Reply::from_words(reply.to_words()), reply);
    }

    #[test]
    fn what_is_no_command_is_none() {
        for words in
            [[0, 0, 0], [8, 0, 0], [u64::MAX; 3], [3, 3, 0], [3, 1, 65_536], [3, 2, 1 << 32]]
        {
            assert_eq!(ControlCommand::from_words(words), None, "{words:?}");
        }
    }
}
