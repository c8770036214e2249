//! What the service manager hears of a live run: from the mapped file, as anybody could see it.
//!
//! Model: the thread that waits for the tiles tells it, never a tile. Ready is an engine that runs:
//! one that still recovers, or that a kill keeps from trading, is not to be started again for it.
//! The ping is the heartbeat of the trade tile: a tile that hangs goes silent, although the thread
//! that pings lives.

use std::path::Path;

use nofx_mailbox::{EngineState, Watcher};

use crate::notify::Notify;

/// The service manager, and what it is told about.
pub struct Service {
    notify: Notify,
    /// `None` where nobody asked.
    seen: Option<Watcher>,
    /// Name of the trade tile.
    tile: String,
}

impl Service {
    /// Watches the mailbox for `notify`.
    pub fn new(notify: Notify, mailbox: &Path, tile: &str) -> Service {
        let seen = notify.is_asked().then(|| Watcher::attach(mailbox).ok()).flatten();
        Service { notify, seen, tile: tile.to_owned() }
    }

    /// Looks, and passes on what is new.
    pub fn look(&mut self) {
        let Some(seen) = &self.seen else { return };
        let beat = seen.heartbeats().find(|heart| heart.name == self.tile);
        let beat = beat.map_or(0, |heart| heart.value.0);
        if beat > 0 && seen.state().is_some_and(|state| state != EngineState::Starting) {
            self.notify.ready();
        }
        self.notify.watchdog(beat);
    }

    /// The end has begun.
    pub fn stopping(&mut self) {
        self.notify.stopping();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use nofx_mailbox::{Engine, Spec};
    use nofx_types::Nanos;

    use super::*;

    fn next(socket: &UnixDatagram) -> Option<String> {
        let mut got = [0; 64];
        let len = socket.recv(&mut got).ok()?;
        Some(String::from_utf8_lossy(got.get(..len)?).into_owned())
    }

    #[test]
    fn ready_comes_with_the_first_beat_of_a_running_engine_and_pings_follow_its_heart() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mailbox, name) = (folder.path().join("mailbox"), folder.path().join("notify"));
        let manager = UnixDatagram::bind(&name).expect("a socket");
        manager.set_nonblocking(true).expect("a socket");
        let spec = Spec { tiles: vec!["trade".into()], ..Spec::default() };
        let engine = Engine::create(&mailbox, &spec).expect("a mailbox");
        let notify = Notify::to(name.as_os_str(), Some(Duration::ZERO));
        let mut service = Service::new(notify, &mailbox, "trade");
        service.look();
        assert_eq!(next(&manager), None, "it starts");
        engine.set_state(EngineState::Recovering);
        engine.beat(0, Nanos(5));
        service.look();
        assert_eq!(next(&manager).as_deref(), Some("READY=1"));
        assert_eq!(next(&manager).as_deref(), Some("WATCHDOG=1"));
        service.look();
        assert_eq!(next(&manager), None, "the heart has not moved");
        engine.set_state(EngineState::Trading);
        engine.beat(0, Nanos(6));
        service.look();
        assert_eq!(next(&manager).as_deref(), Some("WATCHDOG=1"));
        service.stopping();
        assert_eq!(next(&manager).as_deref(), Some("STOPPING=1"));
    }
}
