//! [`View`]: what control knows of an engine at one moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nofx_mailbox::SILENCE;
use nofx_shot::Shot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an engine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It runs, and some tile beat within a second.
    Live,
    /// Its process is there, but no tile beats, or control itself did not look lately.
    Silent,
    /// It left its mailbox, and its process is not there.
    Gone,
    /// There is no mailbox.
    Absent,
    /// There is one that cannot be read: another ABI, damaged, foreign.
    Problem,
}

/// What control knows of an engine at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// How it stands.
    pub standing: Standing,
    /// Why, in words.
    pub detail: String,
    /// Everything the mailbox shows, while one is attached.
    pub shot: Option<Arc<Shot>>,
    /// When this was looked at.
    pub at: Instant,
    /// Mailboxes attached so far: rises when an engine is started again.
    pub attached: u64,
}

impl View {
    /// Before the first look.
    pub(super) fn begin() -> View {
        View {
            standing: Standing::Absent,
            detail: "not looked at yet".into(),
            shot: None,
            at: Instant::now(),
            attached: 0,
        }
    }

    /// How the engine stands, counting a view that is too old as silence.
    pub fn standing_now(&self) -> (Standing, String) {
        let age = self.at.elapsed();
        if self.standing == Standing::Live && age > Duration::from_nanos(SILENCE) {
            let detail = format!("control looked {} ms ago", age.as_millis());
            return (Standing::Silent, detail);
        }
        (self.standing, self.detail.clone())
    }

    /// Whether it is live now.
    pub fn is_live(&self) -> bool {
        self.standing_now().0 == Standing::Live
    }
}

/// How the engine of a shot stands.
pub(super) fn standing(shot: &Shot) -> (Standing, String) {
    let engine = &shot.engine;
    match (engine.alive, engine.running) {
        (true, _) => (Standing::Live, engine.state.clone()),
        (false, true) => {
            let beat = engine
                .heartbeat_age_ns
                .map_or("never".into(), |age| format!("{} ms ago", age / 1_000_000));
            (
                Standing::Silent,
                format!("process {} runs, its last heartbeat was {beat}", engine.pid),
            )
        }
        (false, false) => (
            Standing::Gone,
            format!("process {} is not there; it said {:?} last", engine.pid, engine.state),
        ),
    }
}
