//! Pages of limits and parameters: show, change, go back.
//!
//! Model: an engine has one page, which covers limits (tables account, symbol, host) and parameters
//! of the strategy; who may change which differs, so each side has an endpoint of its own. A change
//! names the version it was made from (`If-Match`); between that look and the publication nobody else
//! publishes, because changes of an engine take turns.

use std::sync::Arc;

use axum::http::StatusCode;
use nofx_mailbox::Watcher;
use nofx_mailbox::param::{ParamRow, rows};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    Ack, Answer, Ask, Difference, Effect, Intent, Overlay, Prepared, Schema, Setting, Side,
    SpecRow, Target, allow, effect, now, settle, store_failed,
};
use crate::app::App;
use crate::policy::{Action, Resource};
use crate::problem::Problem;
use crate::store::{Kept, Kind, VersionState};

/// A side of an engine's page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageBody {
    /// Version that is current; 0: the engine's configuration file.
    pub version: u64,
    /// Number of its publication.
    pub publication: u64,
    /// What to send as `If-Match`.
    pub etag: String,
    /// What may be changed.
    pub schema: Vec<SpecRow>,
    /// What is in force, as the engine says: configuration and page.
    pub in_force: Vec<Setting>,
    /// What the page sets.
    pub page: Vec<Setting>,
    /// The engine's word.
    pub ack: Option<Ack>,
}

/// What is current on an engine.
pub struct Present {
    /// Version; 0: the configuration file.
    pub version: u64,
    /// Its publication.
    pub publication: u64,
    /// Its rows.
    pub overlay: Overlay,
    /// What the engine says is in force.
    pub in_force: Overlay,
    /// What may be changed.
    pub schema: Schema,
    /// Hash of the schema.
    pub hash: u64,
    /// The largest version in a slot.
    pub newest: u64,
}

impl Present {
    /// Of a mailbox.
    pub fn of(watcher: &Watcher) -> Present {
        let current = watcher.current_params();
        let rows = current.as_ref().map_or(&[][..], |(_, rows)| rows);
        let kept = watcher.params_kept();
        Present {
            version: current.as_ref().map_or(0, |(head, _)| head.version),
            publication: current.as_ref().map_or(0, |(head, _)| head.publication),
            overlay: Overlay::of(rows),
            in_force: Overlay::of(&in_force(watcher)),
            schema: effect::schema(watcher),
            hash: watcher.schema_hash(),
            newest: kept.iter().map(|head| head.version).max().unwrap_or(0),
        }
    }

    /// Of an engine that can be changed.
    ///
    /// # Errors
    /// It cannot be seen, does not run, or publishes nothing to change.
    pub fn of_running(app: &App, engine: &str) -> Result<Present, Problem> {
        let watcher = running(app, engine)?;
        let present = Present::of(&watcher);
        if present.schema.is_empty() {
            let detail = format!("engine {engine} publishes no parameters");
            return Err(Problem::conflict(detail).todo("start an engine of this release"));
        }
        Ok(present)
    }

    /// Compares the version that a change was made from.
    ///
    /// # Errors
    /// Another one is current.
    pub fn check(&self, if_match: Option<u64>) -> Result<(), Problem> {
        match if_match {
            Some(named) if named != self.version => Err(Problem::stale_version(format!(
                "you named version {named}, version {} is current",
                self.version
            ))
            .todo(format!(
                "read it again, look at what changed since, and send If-Match: \"{}\"",
                self.version
            ))),
            _ => Ok(()),
        }
    }

    /// The page with a change in it.
    ///
    /// # Errors
    /// 422 with every field that is wrong.
    pub fn merged(
        &self,
        side: Side,
        set: &[Setting],
        unset: &[Target],
    ) -> Result<Overlay, Problem> {
        let merged = self.overlay.with(&self.schema, side, set, unset);
        let merged = merged.map_err(|errors| {
            let problem = Problem::invalid(format!("{} of the items cannot be", errors.len()));
            let problem = problem.todo("correct the fields named in errors; nothing was changed");
            Problem { errors, ..problem }
        })?;
        Ok(merged)
    }

    /// What a page changes.
    pub fn differences(&self, after: &Overlay) -> Vec<Difference> {
        self.overlay.differences(after, &self.in_force, &self.schema)
    }
}

fn in_force(watcher: &Watcher) -> Vec<ParamRow> {
    watcher.in_force().map(|page| page.value.rows).unwrap_or_default()
}

/// The mailbox of an engine whose process is there.
///
/// # Errors
/// There is no such engine, or it does not run.
pub fn running(app: &App, engine: &str) -> Result<Arc<Watcher>, Problem> {
    let watcher = app.engines.watcher(engine)?;
    match watcher.has_process() {
        true => Ok(watcher),
        false => Err(Problem::unavailable("engine_gone", format!("engine {engine} does not run"))
            .todo("start it, then send this again; nothing was changed")),
    }
}

/// Shows a side of the page.
///
/// # Errors
/// The engine cannot be seen.
pub fn show(app: &App, engine: &str, side: Side) -> Result<PageBody, Problem> {
    let watcher = app.engines.watcher(engine)?;
    let present = Present::of(&watcher);
    let words = |overlay: &Overlay| {
        let rows = overlay.rows().into_iter().filter(|row| side.covers(row.table));
        rows.map(|row| present.schema.setting(&row)).collect()
    };
    Ok(PageBody {
        version: present.version,
        publication: present.publication,
        etag: etag(present.version),
        schema: present.schema.rows(side),
        in_force: words(&present.in_force),
        page: words(&present.overlay),
        ack: effect::ack(&watcher, Kind::Params),
    })
}

/// An etag.
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// A change to a side of the page.
#[derive(Clone, Debug)]
pub struct Change {
    /// The engine.
    pub engine: String,
    /// The side.
    pub side: Side,
    /// What it sets.
    pub set: Vec<Setting>,
    /// What it unsets.
    pub unset: Vec<Target>,
    /// The version it was made from.
    pub if_match: Option<u64>,
    /// Only look.
    pub dry_run: bool,
}

/// Looks whether a change is possible: what [`super::perform`] is given.
///
/// # Errors
/// Every reason why it is not.
pub async fn prepare(app: Arc<App>, ask: Ask, change: Change) -> Result<Prepared, Problem> {
    let Change { engine, side, set, unset, if_match, dry_run } = change;
    settle(&app, &engine).await?;
    let present = Present::of_running(&app, &engine)?;
    present.check(if_match)?;
    let after = present.merged(side, &set, &unset)?;
    let diff = present.differences(&after);
    if dry_run || diff.is_empty() {
        return Ok(Prepared::Answer(unchanged(&app, &engine, &present, &diff, dry_run)?));
    }
    let intent = publish(&app, &ask, &engine, &present, &after, None).await?;
    Ok(Prepared::Intent(Box::new(intent)))
}

fn unchanged(
    app: &App,
    engine: &str,
    present: &Present,
    diff: &[Difference],
    dry_run: bool,
) -> Result<Answer, Problem> {
    let watcher = app.engines.watcher(engine)?;
    Ok(Answer::ok(json!({
        "version": present.version,
        "etag": etag(present.version),
        "publication": present.publication,
        "result": if dry_run { "dry_run" } else { "applied" },
        "ack": effect::ack(&watcher, Kind::Params),
        "diff": diff,
    })))
}

/// The intent to publish a new version of the page.
///
/// # Errors
/// The store fails.
pub(super) async fn publish(
    app: &App,
    ask: &Ask,
    engine: &str,
    present: &Present,
    after: &Overlay,
    configuration: Option<u64>,
) -> Result<Intent, Problem> {
    let kept = Kept {
        version: 0,
        base: present.version,
        schema: present.hash,
        words: after.words(),
        name: String::new(),
        source: String::new(),
        person: ask.caller.person.clone(),
        reason: ask.reason.clone(),
        configuration,
        at_ns: now(),
        state: VersionState::Intended,
        acknowledged_ns: None,
        why: String::new(),
    };
    let keep = app.store.keep(engine, Kind::Params, present.newest.max(present.version), kept);
    let version = keep.await.map_err(store_failed)?;
    Ok(Intent { new_values: true, ..intent(engine, present, version, after) })
}

/// The intent to make a version current whose rows are `after`.
pub(super) fn intent(engine: &str, present: &Present, version: u64, after: &Overlay) -> Intent {
    let diff = present.differences(after);
    let sides = present.overlay.sides(after);
    let object = match sides[..] {
        [Side::Strategy] => format!("engine/{engine}/parameters"),
        _ => format!("engine/{engine}/limits"),
    };
    Intent {
        effect: Effect::MakeCurrent {
            engine: engine.to_owned(),
            kind: Kind::Params,
            version,
            base: present.version,
            publication: present.publication,
        },
        object,
        before: values(present.version, &diff, |d| json!(d.before)),
        after: values(version, &diff, |d| json!(d.after)),
        detail: json!({ "diff": diff }),
        new_values: false,
    }
}

fn values(version: u64, diff: &[Difference], of: impl Fn(&Difference) -> Value) -> Value {
    let named = diff.iter().map(|d| (format!("{} {} {}", d.table, d.scope, d.key), of(d)));
    json!({ "version": version, "values": named.collect::<serde_json::Map<_, _>>() })
}

/// The rows of a version; 0 has none.
///
/// # Errors
/// It was never made, was dropped, or was made for another schema.
pub async fn rows_of(
    app: &App,
    engine: &str,
    present: &Present,
    version: u64,
) -> Result<Overlay, Problem> {
    if version == 0 {
        return Ok(Overlay::default());
    }
    let kept = app.store.version(engine, Kind::Params, version).await.map_err(store_failed)?;
    let kept = kept.ok_or_else(|| {
        Problem::not_found(format!("engine {engine} never had version {version}, or it is dropped"))
            .todo("GET versions lists those that can be gone back to; 0 is the configuration file")
    })?;
    if kept.schema != present.hash {
        let detail = format!("version {version} was made for another schema of parameters");
        return Err(Problem::conflict(detail)
            .todo("the engine was changed since: set the values anew with PATCH"));
    }
    Ok(Overlay::of(rows(&kept.words)))
}

/// Looks whether a roll back is possible, and whether this person may: by the sides it changes.
///
/// # Errors
/// Every reason why it is not.
pub async fn prepare_roll_back(
    app: Arc<App>,
    ask: Ask,
    engine: String,
    version: u64,
    if_match: Option<u64>,
) -> Result<Prepared, Problem> {
    settle(&app, &engine).await?;
    let present = Present::of_running(&app, &engine)?;
    present.check(if_match)?;
    let after = rows_of(&app, &engine, &present, version).await?;
    let sides = present.overlay.sides(&after);
    let what = |side: &Side| match side {
        Side::Strategy => "strategy",
        _ => "limits",
    };
    let need = |side| (Action::RollBack, Resource::engine(engine.clone()).what(what(side)));
    // Where nothing differs it is enough that they may roll anything back, which was asked for before.
    let needs: Vec<_> = sides.iter().map(need).collect();
    allow(&app, &ask, &needs).await?;
    if version == present.version {
        return Ok(Prepared::Answer(unchanged(&app, &engine, &present, &[], false)?));
    }
    Ok(Prepared::Intent(Box::new(intent(&engine, &present, version, &after))))
}

/// 428: the caller must say which version the change was made from.
pub fn version_needed(current: &str) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "version_needed",
        "The version that the change was made from is needed",
        "the request has no If-Match header",
    )
    .todo(format!(
        "read {current}, and send its etag as If-Match (or If-Match: * for whatever is current)"
    ))
}
