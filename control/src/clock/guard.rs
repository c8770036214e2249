//! What the alarm does: says so, and stops trading when that is wanted.

use std::sync::Arc;

use nofx_mailbox::Scope;

use super::{ClockState, ClockWatch};
use crate::app::App;
use crate::kill::{self, By, Covered};

/// Has the alarm engage the kill switch of every engine, where the configuration wants that.
pub fn enforce(app: &Arc<App>) {
    let mine = app.clone();
    let stop = move |reason: String| {
        let app = mine.clone();
        async move {
            let everything = Covered::Exactly(Scope::Global);
            let engaged = kill::engage(&app, By::system("clock"), "*", &everything, &reason).await;
            engaged.is_some_and(|engaged| engaged.is_whole())
        }
    };
    tokio::spawn(guard(app.clock.clone(), stop));
}

/// Calls `stop` with the reason whenever the alarm is raised and the configuration wants trading
/// stopped; until `stop` says it is done, it is called again at every look. Runs for ever.
///
/// Raised, not on: once people have released the switch although the clock is still bad, that
/// decision holds until the clock has been good in between.
pub async fn guard<F, R>(clock: ClockWatch, mut stop: F)
where
    F: FnMut(String) -> R,
    R: Future<Output = bool>,
{
    let mut states = clock.subscribe();
    let mut stopped = false;
    let mut alarmed = false;
    loop {
        let state = states.borrow_and_update().clone();
        tell(&state, alarmed);
        alarmed = state.alarm;
        match stop_reason(&state) {
            Some(reason) if !stopped => stopped = stop(reason).await,
            Some(_) => {}
            None => stopped = false,
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
