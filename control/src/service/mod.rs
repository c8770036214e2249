//! What the service manager is told (sd_notify(3)): ready, alive, ending.
//!
//! Model: a thread of its own asks every [`Vital`] part whether it lives, twice per watchdog period,
//! and says WATCHDOG=1 only when all do. It is no task of the runtime, so a runtime that hangs is one
//! of the parts it finds dead. Parts: the runtime, the audit writer, the thread of each engine.
//! Without a service manager nothing is sent.
//!
//! Worst case: a part that hangs is noticed after [`SILENT`]; the service manager ends the process
//! one watchdog period after that, and the engines go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::app::App;

/// A part that did nothing for this long counts as dead.
const SILENT: Duration = Duration::from_secs(5);

/// A part without which the process is of no use.
struct Vital {
    name: String,
    alive: Box<dyn Fn() -> bool + Send>,
}

/// Says that connections are accepted from now on, and keeps the watchdog quiet while the parts live.
pub fn ready(app: &Arc<App>) {
    let engines: Vec<&str> = app.engines.names().collect();
    let status = format!("serving {}; engines: {}", app.config.server.listen, engines.join(", "));
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let parts = parts(app);
    let watch = move || watch(&parts, period / 2, &status, &mut tell);
    if let Err(e) = thread::Builder::new().name("watchdog".into()).spawn(watch) {
        tracing::error!("no thread for the watchdog, the service manager will end us: {e}");
    }
}

/// Says that it ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told: {e}");
    }
}

fn parts(app: &Arc<App>) -> Vec<Vital> {
    let beat = Arc::new(AtomicU64::new(0));
    tokio::spawn(beats(beat.clone()));
    let runtime = moves(move || beat.load(Ordering::Relaxed));
    let mut parts = vec![Vital { name: "runtime".into(), alive: runtime }, writer(app)];
    for link in app.engines.all() {
        let (name, link) = (format!("link {}", link.name()), Arc::clone(link));
        parts.push(Vital { name, alive: Box::new(move || link.view().at.elapsed() < SILENT) });
    }
    parts
}

/// Beats while the runtime runs tasks.
async fn beats(beat: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        beat.fetch_add(1, Ordering::Relaxed);
    }
}

/// The audit writer: what waits is written, or it says why not.
fn writer(app: &Arc<App>) -> Vital {
    let (counted, asked) = (app.audit.clone(), app.audit.clone());
    let writes = moves(move || {
        let status = counted.status();
        status.batches.wrapping_add(status.failures)
    });
    let alive = move || {
        let status = asked.status();
        let moved = writes();
        moved || status.queued == 0 || status.failure.is_some()
    };
    Vital { name: "audit".into(), alive: Box::new(alive) }
}

/// Whether a count moved within [`SILENT`], as seen each time this is asked.
fn moves(count: impl Fn() -> u64 + Send + 'static) -> Box<dyn Fn() -> bool + Send> {
    let seen = std::cell::Cell::new((count(), Instant::now()));
    Box::new(move || {
        let now = count();
        if now != seen.get().0 {
            seen.set((now, Instant::now()));
        }
        seen.get().1.elapsed() < SILENT
    })
}

/// Says WATCHDOG=1 every `pause` while all parts live, and STATUS when that changes. For ever.
fn watch(parts: &[Vital], pause: Duration, good: &str, tell: &mut dyn FnMut(&[NotifyState<'_>])) {
    let mut dead_before = Vec::new();
    loop {
        dead_before = round(parts, dead_before, good, tell);
        thread::sleep(pause);
    }
}

fn round(
    parts: &[Vital],
    before: Vec<String>,
    good: &str,
    tell: &mut dyn FnMut(&[NotifyState<'_>]),
) -> Vec<String> {
    let dead = parts.iter().filter(|part| !(part.alive)());
    let dead: Vec<String> = dead.map(|part| part.name.clone()).collect();
    let status = match dead.is_empty() {
        true => good.to_owned(),
        false => format!("dead: {}", dead.join(", ")),
    };
    let mut states = Vec::new();
    if dead.is_empty() {
        states.push(NotifyState::Watchdog);
    }
    if dead != before {
        tracing::error!(%status, "parts of this process changed");
        states.push(NotifyState::Status(&status));
    }
    if !states.is_empty() {
        tell(&states);
    }
    dead
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn the_watchdog_is_fed_only_while_every_part_lives() {
        let flags = [const { AtomicBool::new(true) }; 2].map(Arc::new);
        let part = |(flag, name): (&Arc<AtomicBool>, &str)| {
            let flag = flag.clone();
            let alive = Box::new(move || flag.load(Ordering::Relaxed));
            Vital { name: name.to_owned(), alive }
        };
        let parts: Vec<Vital> = flags.iter().zip(["audit", "link a"]).map(part).collect();
        let mut said = Vec::new();
        let mut before = Vec::new();
        for alive in [[true, true], [true, false], [true, false], [true, true]] {
            flags.iter().zip(alive).for_each(|(flag, alive)| flag.store(alive, Ordering::Relaxed));
            let mut tell = |states: &[NotifyState<'_>]| {
                said.push(states.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            };
            before = round(&parts, before, "fine", &mut tell);
        }
        assert_eq!(said, ["WATCHDOG=1", "STATUS=dead: link a", "WATCHDOG=1 STATUS=fine"]);
    }

    #[test]
    fn a_count_is_alive_at_first_and_when_it_moves() {
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let alive = moves(move || counted.load(Ordering::Relaxed));
        assert!(alive());
        count.store(1, Ordering::Relaxed);
        assert!(alive());
    }
}
