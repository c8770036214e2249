//! The server's watch over the kill file.

use std::sync::Arc;

use super::act::{self, By};
use super::file::{LOOK, Stop, Watch};
use super::hold::Hold;
use crate::app::App;

/// Keeps everything engaged on every engine while `[kill] file` is there; runs until the process ends.
pub async fn watch(app: Arc<App>) {
    let Some(path) = app.kill.file().map(ToOwned::to_owned) else { return };
    let (mut seen, mut hold) = (Watch::default(), Hold::default());
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let Some(Stop { first, why }) = seen.look(&path) else { continue };
        let (by, engines) = (By::system("kill file"), app.kill.all().to_vec());
        act::hold(&app, by, &mut hold, (first, engines), &why).await;
    }
}
