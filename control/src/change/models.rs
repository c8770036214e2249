//! Models: upload, go back.
//!
//! Model: a model comes as the TOML text that training writes (`nofx_model::load`), is read and
//! checked here before anything else, and becomes the words of a page that the engine takes between
//! two inputs and checks again. It is kept with its text, so that who looks later sees what ran.

use std::sync::Arc;

use nofx_mailbox::{PageHead, Watcher};
use nofx_model::load;
use serde_json::json;

use super::pages::{etag, running};
use super::{Answer, Ask, Effect, Intent, Prepared, effect, now, settle, store_failed};
use crate::app::App;
use crate::problem::Problem;
use crate::store::{Kept, Kind, VersionState};

/// The kind of model that is a linear one over the engine's features.
const LINEAR: u32 = 1;
/// Longest name of a model.
const NAME_MAX: usize = 64;

/// What is current on an engine.
pub struct Present {
    /// The page; `None`: the model of the configuration file.
    pub head: Option<PageHead>,
    newest: u64,
}

impl Present {
    /// Of a mailbox.
    pub fn of(watcher: &Watcher) -> Present {
        let kept = watcher.models_kept();
        let newest = kept.iter().map(|head| head.version).max().unwrap_or(0);
        Present { head: watcher.current_model().map(|(head, _)| head), newest }
    }

    /// The version; 0: the model of the configuration file.
    pub fn version(&self) -> u64 {
        self.head.map_or(0, |head| head.version)
    }

    fn check(&self, if_match: Option<u64>) -> Result<(), Problem> {
        let version = self.version();
        match if_match.filter(|named| *named != version) {
            Some(named) => Err(Problem::stale_version(format!(
                "you named version {named}, version {version} is current"
            ))
            .todo(format!("look at what runs now, and send If-Match: \"{version}\""))),
            None => Ok(()),
        }
    }
}

/// A new model.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The engine.
    pub engine: String,
    /// Its name.
    pub name: String,
    /// Its text.
    pub toml: String,
    /// The version that the caller saw.
    pub if_match: Option<u64>,
}

/// Looks whether a model can be swapped in.
///
/// # Errors
/// The text is no model, or one for other features; the strategy takes none.
pub async fn prepare(app: Arc<App>, ask: Ask, upload: Upload) -> Result<Prepared, Problem> {
    let Upload { engine, name, toml, if_match } = upload;
    check_name(&name)?;
    let words = load::words_from_text(&toml).map_err(|e| {
        Problem::invalid("the model cannot be used").field("toml", e.to_string()).todo(
            "send the text of a model file (docs/imbalance.toml is one), fitted for this release",
        )
    })?;
    settle(&app, &engine).await?;
    let watcher = running(&app, &engine)?;
    takes_models(&watcher, &engine)?;
    let present = Present::of(&watcher);
    present.check(if_match)?;
    let kept = Kept {
        version: 0,
        base: present.version(),
        schema: watcher.model_schema(),
        words: words.to_vec(),
        name,
        source: toml,
        person: ask.caller.person.clone(),
        reason: ask.reason.clone(),
        configuration: None,
        at_ns: now(),
        state: VersionState::Intended,
        acknowledged_ns: None,
        why: String::new(),
    };
    let name = kept.name.clone();
    let kept = app.store.keep(&engine, Kind::Model, present.newest.max(present.version()), kept);
    let version = kept.await.map_err(store_failed)?;
    Ok(Prepared::Intent(Box::new(intent(&engine, &present, version, &name))))
}

/// Looks whether a roll back is possible.
///
/// # Errors
/// There is no such version, or it was made for other features.
pub async fn prepare_roll_back(
    app: Arc<App>,
    engine: String,
    version: u64,
    if_match: Option<u64>,
) -> Result<Prepared, Problem> {
    settle(&app, &engine).await?;
    let watcher = running(&app, &engine)?;
    takes_models(&watcher, &engine)?;
    let present = Present::of(&watcher);
    present.check(if_match)?;
    let name = match version {
        0 => "the model of the configuration file".to_owned(),
        _ => {
            let kept = app.store.version(&engine, Kind::Model, version).await;
            let kept = kept.map_err(store_failed)?.ok_or_else(|| {
                Problem::not_found(format!("engine {engine} never had model {version}"))
                    .todo("GET models lists those that can be gone back to")
            })?;
            if kept.schema != watcher.model_schema() {
                let detail = format!("model {version} was fitted for other features");
                return Err(Problem::conflict(detail).todo("fit it again, and upload it"));
            }
            kept.name
        }
    };
    if version == present.version() {
        let body = json!({
            "version": version, "etag": etag(version), "result": "applied",
            "publication": present.head.map_or(0, |head| head.publication),
            "ack": effect::ack(&watcher, Kind::Model), "name": name,
        });
        return Ok(Prepared::Answer(Answer::ok(body)));
    }
    Ok(Prepared::Intent(Box::new(intent(&engine, &present, version, &name))))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let good = !name.trim().is_empty()
        && name.chars().count() <= NAME_MAX
        && !name.chars().any(char::is_control);
    match good {
        true => Ok(()),
        false => Err(Problem::invalid("the model needs a name")
            .field("name", format!("want 1 to {NAME_MAX} characters that can be printed"))),
    }
}

fn takes_models(watcher: &Watcher, engine: &str) -> Result<(), Problem> {
    if watcher.model_kind() != LINEAR {
        let detail = format!("the strategy of engine {engine} takes no model");
        return Err(Problem::conflict(detail).todo("run it with strategy.name = \"imbalance\""));
    }
    let (engine_has, ours) = (watcher.model_schema(), nofx_model::schema_hash());
    if engine_has != ours {
        let detail = format!(
            "engine {engine} computes features {engine_has:016x}, this program knows {ours:016x}"
        );
        return Err(Problem::conflict(detail).todo("use engine and control of one release"));
    }
    Ok(())
}

pub(super) fn intent(engine: &str, present: &Present, version: u64, name: &str) -> Intent {
    Intent {
        effect: Effect::MakeCurrent {
            engine: engine.to_owned(),
            kind: Kind::Model,
            version,
            base: present.version(),
            publication: present.head.map_or(0, |head| head.publication),
        },
        object: format!("engine/{engine}/model"),
        before: json!({ "version": present.version() }),
        after: json!({ "version": version, "name": name }),
        detail: json!({ "name": name }),
        new_values: true,
    }
}
