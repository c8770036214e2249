//! What the service manager is told: ready, alive, stopping (sd_notify(3), `Type=notify`).
//!
//! Model: a datagram of `KEY=VALUE` to the socket that `NOTIFY_SOCKET` names. Nobody asked, or
//! nobody listens: nothing is sent, and that is no error. Never called on a tile.

use std::env;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Where word goes, and when it went last.
#[derive(Debug, Default)]
pub struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// Time between two pings: half of what the manager waits for.
    every: Option<Duration>,
    pinged: Option<Instant>,
    beat: u64,
    ready: bool,
    stopping: bool,
}

impl Notify {
    /// As the environment says.
    pub fn from_env() -> Notify {
        let micros = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        let ours =
            env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let within = micros.filter(|_| ours).map(Duration::from_micros);
        env::var_os("NOTIFY_SOCKET").map_or_else(Notify::default, |name| Notify::to(&name, within))
    }

    /// To the socket of this name (`@` begins one without a file), which wants a ping within
    /// `within`.
    pub fn to(name: &OsStr, within: Option<Duration>) -> Notify {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        };
        let socket = UnixDatagram::unbound();
        let to = socket.and_then(|socket| {
            // The manager may be stuck; its clients must not be.
            socket.set_nonblocking(true)?;
            Ok((socket, address?))
        });
        Notify { to: to.ok(), every: within.map(|within| within / 2), ..Notify::default() }
    }

    /// Whether somebody listens.
    pub fn is_asked(&self) -> bool {
        self.to.is_some()
    }

    /// Start-up is over; said once.
    pub fn ready(&mut self) {
        if !self.ready {
            self.ready = true;
            self.send("READY=1");
        }
    }

    /// The heartbeat of the trade tile stands at `beat`: passed on when it has moved, and no more
    /// often than needed. A tile that hangs ends the pings, and the manager ends the process.
    pub fn watchdog(&mut self, beat: u64) {
        let due = |every| self.pinged.is_none_or(|pinged| pinged.elapsed() >= every);
        if beat != self.beat && self.every.is_some_and(due) {
            (self.beat, self.pinged) = (beat, Some(Instant::now()));
            self.send("WATCHDOG=1");
        }
    }

    /// The end has begun; said once.
    pub fn stopping(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.send("STOPPING=1");
        }
    }

    fn send(&self, word: &str) {
        if let Some((socket, address)) = &self.to {
            let _ = socket.send_to_addr(word.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).expect("a socket");
        let mut got = [0; 64];
        let next = || {
            let len = socket.recv(&mut got).ok()?;
            Some(String::from_utf8_lossy(&got[..len]).into_owned())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_word_is_said_when_it_holds_and_a_dead_heart_is_silent() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().join("notify");
        let manager = UnixDatagram::bind(&name).expect("a socket");
        let mut notify = Notify::to(name.as_os_str(), Some(Duration::ZERO));
        notify.ready();
        notify.ready();
        notify.watchdog(1);
        notify.watchdog(1);
        notify.watchdog(2);
        notify.stopping();
        notify.stopping();
        assert!(notify.is_asked());
        assert_eq!(words(&manager), ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]);
    }

    #[test]
    fn sockets_without_a_file_are_reached_and_pings_keep_their_distance() {
        let name = format!("nofx-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("a socket");
        let mut notify =
            Notify::to(OsStr::new(&format!("@{name}")), Some(Duration::from_secs(3_600)));
        (1..100).for_each(|beat| notify.watchdog(beat));
        assert_eq!(words(&manager), ["WATCHDOG=1"]);
        let mut unasked = Notify::to(OsStr::new(&format!("@{name}")), None);
        (1..100).for_each(|beat| unasked.watchdog(beat));
        assert!(words(&manager).is_empty());
    }

    #[test]
    fn nobody_to_tell_is_no_error() {
        for name in ["/nowhere/at/all", "", "@"] {
            let mut notify = Notify::to(OsStr::new(name), Some(Duration::ZERO));
            notify.ready();
            notify.watchdog(1);
            notify.stopping();
        }
        assert!(!Notify::default().is_asked());
    }
}
