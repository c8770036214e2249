//! What the engine says it is doing.

use std::fmt;

/// State of the engine; rises through its life, but may go back from `Stopped` to `Trading`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EngineState {
    /// Made, not running yet.
    #[default]
    Starting = 0,
    /// Books, orders or sessions are being brought back; no new orders.
    Recovering = 1,
    /// New orders may go out.
    Trading = 2,
    /// Runs, but sends no new orders: a kill, a stale book, a full disk, a session down.
    Stopped = 3,
    /// Cancels, logs out, flushes.
    Ending = 4,
    /// Ended in order.
    Ended = 5,
}

impl EngineState {
    const ALL: [EngineState; 6] = [
        EngineState::Starting,
        EngineState::Recovering,
        EngineState::Trading,
        EngineState::Stopped,
        EngineState::Ending,
        EngineState::Ended,
    ];

    /// From its number.
    pub(crate) fn from_word(word: u64) -> Option<EngineState> {
        EngineState::ALL.into_iter().find(|state| *state as u64 == word)
    }
}

impl fmt::Display for EngineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EngineState::Starting => "starting",
            EngineState::Recovering => "recovering",
            EngineState::Trading => "trading",
            EngineState::Stopped => "stopped",
            EngineState::Ending => "ending",
            EngineState::Ended => "ended",
        })
    }
}
