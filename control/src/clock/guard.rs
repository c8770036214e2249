//! What the alarm does: says so, and stops trading when that is wanted.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{ClockState, ClockWatch};
use crate::app::App;
use crate::kill::{self, By, Hold, Target};

/// Has the alarm engage the kill switch of every engine, where the configuration wants that.
pub fn enforce(app: &Arc<App>) {
    let (mine, open) = (app.clone(), Arc::new(Mutex::new(Open::default())));
    let stop = move |reason: String, first: bool| {
        let (app, open) = (mine.clone(), open.clone());
        async move { open.lock().await.stop(&app, &reason, first).await }
    };
    tokio::spawn(guard(app.clock.clone(), stop));
}

/// What an alarm has still to engage. An engine is engaged once for an alarm: what people release
/// afterwards is theirs, although another engine cannot be reached yet.
#[derive(Default)]
struct Open {
    hold: Hold,
    engines: Vec<Target>,
}

impl Open {
    /// Engages everything at first, then what is open; whether nothing is open any more.
    async fn stop(&mut self, app: &Arc<App>, reason: &str, first: bool) -> bool {
        let engines =
            if first { app.kill.all().to_vec() } else { std::mem::take(&mut self.engines) };
        let by = By::system("clock");
        self.engines = kill::hold(app, by, &mut self.hold, (first, engines), reason).await;
        self.engines.is_empty()
    }
}

/// Calls `stop` with the reason whenever the alarm is raised and the configuration wants trading
/// stopped; until `stop` says it is done, it is called again at every look. The first call for an
/// alarm says that it is one. Runs for ever.
///
/// Raised, not on: once people have released the switch although the clock is still bad, that
/// decision holds until the clock has been good in between.
pub async fn guard<F, R>(clock: ClockWatch, mut stop: F)
where
    F: FnMut(String, bool) -> R,
    R: Future<Output = bool>,
{
    let mut states = clock.subscribe();
    let (mut first, mut stopped) = (true, false);
    let mut alarmed = false;
    loop {
        let state = states.borrow_and_update().clone();
        tell(&state, alarmed);
        alarmed = state.alarm;
        match stop_reason(&state) {
            Some(reason) if !stopped => {
                stopped = stop(reason, first).await;
                first = false;
            }
            Some(_) => {}
            None => (first, stopped) = (true, false),
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}

/// Why trading has to stop, if it has to.
pub fn stop_reason(state: &ClockState) -> Option<String> {
    let wanted = state.alarm && state.stop_trading;
    wanted.then(|| format!("clock: {}", state.detail))
}

fn tell(state: &ClockState, alarmed: bool) {
    match (alarmed, state.alarm) {
        (false, true) => tracing::error!(
            state = ?state.state, error_ns = state.error_ns, bound_ns = state.bound_ns,
            detail = %state.detail, "clock alarm"
        ),
        (true, false) => tracing::info!(error_ns = state.error_ns, "clock good again"),
        _ => {}
    }
}
