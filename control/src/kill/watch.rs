//! The server's watch over the kill file.

use std::sync::Arc;

use nofx_mailbox::Scope;

use super::act::{self, By};
use super::file::{LOOK, Wanted, Watch};
use super::scope::Covered;
use crate::app::App;

/// Engages everything on every engine while `[kill] file` is there; runs until the process ends.
pub async fn watch(app: Arc<App>) {
    let Some(path) = app.kill.file().map(ToOwned::to_owned) else { return };
    let everything = Covered::Exactly(Scope::Global);
    let mut seen = Watch::default();
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let engage = match seen.look(&path) {
            Wanted::Nothing => false,
            Wanted::First => true,
            Wanted::Again => {
                let (desk, what) = (app.clone(), everything.clone());
                let holds = tokio::task::spawn_blocking(move || desk.kill.holds("*", &what)).await;
                !holds.unwrap_or(false) && app.kill.state().iter().any(|engine| engine.readable)
            }
        };
        if engage {
            let reason = format!("{} is there", path.display());
            act::engage(&app, By::system("kill file"), "*", &everything, &reason).await;
        }
    }
}
