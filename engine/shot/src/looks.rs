//! [`Looks`]: the looks of the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

use nofx_mailbox::Watcher;
use nofx_types::Nanos;

use crate::{Look, Shot};

/// Rates and recent latencies are those of about this time.
const WINDOW: Duration = Duration::from_secs(5);
/// Looks closer than this to the one before are not kept: a look holds every histogram.
const APART: Duration = Duration::from_millis(240);

/// What rates and recent latencies are compared with: looks at one engine, about five seconds back.
/// Keeps some twenty looks, however often somebody looks.
#[derive(Default)]
pub struct Looks {
    looks: VecDeque<Look>,
}

impl Looks {
    /// Looks at `watcher`, the same engine as before; `mailbox` names it in the record.
    pub fn shot(&mut self, watcher: &Watcher, mailbox: &str, now: Nanos) -> Shot {
        while self.looks.get(1).is_some_and(|next| next.age(now) >= WINDOW) {
            self.looks.pop_front();
        }
        let look = Look::take(watcher, now);
        let shot = Shot::take(watcher, mailbox, &look, self.looks.front());
        if self.looks.back().is_none_or(|last| last.age(now) >= APART) {
            self.looks.push_back(look);
        }
        shot
    }

    /// Forgets: what comes next is another engine.
    pub fn clear(&mut self) {
        self.looks.clear();
    }
}
