//! Effects on an engine: making a version current, sending a command.
//!
//! Model: an [`Effect`] is data that is written down before it happens. [`carry_out`] makes it happen
//! and waits for the engine's word; `look` (used after a crash) only reads what the engine's mailbox
//! says of it. Both end in an [`Outcome`], which is what the store, the audit log and the answer
//! speak of.
//!
//! Making a version current is one thing, whether it is new, an older one, or one that the engine
//! lost in a reboot: a slot that still holds it is named again (one store), else it is published
//! from the store. When the engine refuses it, the version before is made current again, so that an
//! engine that starts later finds a page that is good.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use nofx_mailbox::param::rows;
use nofx_mailbox::{
    AckView, ControlCommand, MailboxError, ParamRow, Refusal, Reply, Scope, Steering, Watcher, Why,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ACK_WAIT, Answer, Record, Schema, Setting, now, rollout};
use crate::app::App;
use crate::problem::Problem;
use crate::store::{Configuration, Kept, Kind, StoreError, Transition, VersionState};

/// Most characters of a reason that the audit log keeps.
const WHY_MAX: usize = 1_000;

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A version becomes current.
    MakeCurrent {
        /// The engine.
        engine: String,
        /// Page or model.
        kind: Kind,
        /// The version; 0 is what the configuration file says.
        version: u64,
        /// The version before.
        base: u64,
        /// Number of the publication before.
        publication: u64,
    },
    /// A command is sent. Its id is the number of the change.
    Send {
        /// The engine.
        engine: String,
        /// The command.
        command: CommandName,
        /// `everything`, `account N`, `instrument N`; empty for commands without one.
        scope: String,
    },
    /// A configuration is written.
    Draft {
        /// What it is, its number still 0.
        draft: Box<Configuration>,
    },
    /// A configuration goes a step on.
    Transit {
        /// Its number.
        configuration: u64,
        /// The step.
        to: Transition,
        /// The engine of a canary.
        only: Option<String>,
    },
}

impl Effect {
    /// The engine it is on; `None` for what is done to configurations.
    pub fn engine(&self) -> Option<&str> {
        match self {
            Effect::MakeCurrent { engine, .. } | Effect::Send { engine, .. } => Some(engine),
            Effect::Draft { .. } | Effect::Transit { .. } => None,
        }
    }
}

/// Commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandName {
    /// Send no new orders.
    Halt,
    /// Undo a halt.
    Resume,
    /// Cancel open orders.
    CancelAll,
    /// Write all views now.
    Snapshot,
    /// Begin a new segment of the journal.
    RotateJournal,
}

impl CommandName {
    /// The name in JSON and policies.
    pub const fn name(self) -> &'static str {
        match self {
            CommandName::Halt => "halt",
            CommandName::Resume => "resume",
            CommandName::CancelAll => "cancel_all",
            CommandName::Snapshot => "snapshot",
            CommandName::RotateJournal => "rotate_journal",
        }
    }

    fn command(self, scope: Scope) -> ControlCommand {
        match self {
            CommandName::Halt => ControlCommand::Halt,
            CommandName::Resume => ControlCommand::Resume,
            CommandName::CancelAll => ControlCommand::CancelAll(scope),
            CommandName::Snapshot => ControlCommand::Snapshot,
            CommandName::RotateJournal => ControlCommand::RotateJournal,
        }
    }
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The engine acknowledged it.
    Applied,
    /// The engine refused it and kept what it had.
    Refused,
    /// It is known not to have happened.
    NotDone,
    /// The engine has not said.
    Unknown,
}

/// The engine's word on pages of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ack {
    /// Last publication it looked at.
    pub seen: u64,
    /// Publication in force; 0: what the configuration file says.
    pub applied: u64,
    /// Its version.
    pub applied_version: u64,
    /// When it came into force.
    pub applied_at_ns: u64,
    /// First decision made under it; 0: none yet.
    pub first_used_ns: u64,
    /// Last publication it refused; 0: none.
    pub refused: u64,
    /// Its version.
    pub refused_version: u64,
    /// When.
    pub refused_at_ns: u64,
    /// Why, in words; empty: none was refused.
    pub why: String,
    /// The row that is wrong, where it is one.
    pub row: Option<u32>,
    /// Its value as the page holds it.
    pub value: Option<i64>,
}

impl Ack {
    /// In words.
    pub fn of(ack: &AckView) -> Ack {
        let why = Why::from_number(ack.why);
        let refused = ack.refused != 0;
        let of_a_row = matches!(
            why,
            Some(Why::UnknownKey | Why::UnknownScope | Why::OutOfBounds | Why::Contradiction)
        );
        Ack {
            seen: ack.seen,
            applied: ack.applied,
            applied_version: ack.applied_version,
            applied_at_ns: ack.applied_at_ns,
            first_used_ns: ack.first_used_ns,
            refused: ack.refused,
            refused_version: ack.refused_version,
            refused_at_ns: ack.refused_at_ns,
            why: match why {
                _ if !refused => String::new(),
                Some(why) => why.to_string(),
                None => format!("reason {} of a later release", ack.why),
            },
            row: (refused && of_a_row).then_some(ack.row),
            value: (refused && of_a_row).then_some(ack.value),
        }
    }

    /// What it says of a publication; `None`: nothing yet.
    fn verdict(&self, publication: u64) -> Option<Verdict> {
        match publication {
            _ if self.applied == publication => Some(Verdict::Applied),
            _ if self.refused == publication => Some(Verdict::Refused),
            // It was taken for good by a later one before it was looked at.
            _ if self.seen > publication => Some(Verdict::Unknown),
            _ => None,
        }
    }
}

/// An effect's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// In one word.
    pub verdict: Verdict,
    /// Why, where it was not applied.
    pub why: String,
    /// The publication.
    pub publication: u64,
    /// The engine's word.
    pub ack: Option<Ack>,
    /// The row that the engine refused, in words.
    pub row: Option<Setting>,
    /// The publication that made the version before current again after a refusal.
    pub restored: Option<u64>,
    /// A command's answer: result, time, cycles, value.
    pub reply: Option<Value>,
    /// When it became known.
    pub at_ns: u64,
}

impl Outcome {
    fn new(verdict: Verdict, why: impl Into<String>) -> Outcome {
        let (why, at_ns) = (why.into(), now());
        let (ack, row, restored, reply) = (None, None, None, None);
        Outcome { verdict, why, publication: 0, ack, row, restored, reply, at_ns }
    }

    /// It did not happen.
    pub fn not_done(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::NotDone, why)
    }

    /// Nobody knows.
    pub fn unknown(why: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Unknown, why)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the audit log keeps of it: the values of a configuration stand in the intent of its
    /// draft, its history in the entries before.
    pub(super) fn brief(&self) -> Value {
        let mut brief = serde_json::to_value(self).unwrap_or_default();
        brief["why"] = self.why.chars().take(WHY_MAX).collect::<String>().into();
        if let Some(reply) = brief["reply"].as_object_mut() {
            ["set", "unset", "history"].iter().for_each(|long| _ = reply.remove(*long));
        }
        brief
    }
}

/// Makes it happen and waits for the engine's word.
pub(super) async fn carry_out(app: &Arc<App>, id: u64, record: &Record) -> Outcome {
    match &record.effect {
        Effect::MakeCurrent { engine, kind, version, base, publication } => {
            make_current(app, id, engine, *kind, *version, (*base, *publication)).await
        }
        Effect::Send { engine, command, scope } => send(app, id, engine, *command, scope).await,
        Effect::Draft { draft } => rollout::write_draft(app, id, draft).await,
        Effect::Transit { configuration, to, only } => {
            // Boxed: a transition carries changes of its own.
            Box::pin(rollout::transit(app, id, record, *configuration, *to, only.as_deref())).await
        }
    }
}

async fn make_current(
    app: &App,
    id: u64,
    engine: &str,
    kind: Kind,
    version: u64,
    (base, before): (u64, u64),
) -> Outcome {
    let publication = match place(app, engine, kind, version).await {
        Ok(publication) => publication,
        // A new engine that took the file over meanwhile may have taken the page along.
        Err(problem) => match app
            .engines
            .watcher(engine)
            .ok()
            .and_then(|watcher| super::settle::published(&watcher, kind, version, before))
        {
            Some(publication) => publication,
            None => return Outcome::not_done(problem.to_string()),
        },
    };
    super::step(id, "published");
    let outcome = await_ack(app, engine, kind, publication).await;
    match outcome.verdict {
        Verdict::Refused => restore(app, engine, kind, base, outcome).await,
        _ => outcome,
    }
}

/// After a refusal: the version before is to be what the next start of the engine finds.
pub(super) async fn restore(
    app: &App,
    engine: &str,
    kind: Kind,
    base: u64,
    outcome: Outcome,
) -> Outcome {
    match place(app, engine, kind, base).await {
        Ok(publication) => Outcome { restored: Some(publication), ..outcome },
        Err(problem) => {
            let why = format!(
                "{}; and version {base} could not be made current again: {problem}",
                outcome.why
            );
            Outcome { why, ..outcome }
        }
    }
}

/// Names the slot that holds the version, or publishes it from the store; returns the publication.
pub(super) async fn place(
    app: &App,
    engine: &str,
    kind: Kind,
    version: u64,
) -> Result<u64, Problem> {
    let kept = match version {
        0 => None,
        _ => app.store.version(engine, kind, version).await.map_err(super::store_failed)?,
    };
    let work = move |steering: &mut Steering, watcher: &Watcher| {
        let epoch = watcher.kill_words().epoch();
        let slots = match kind {
            Kind::Params => watcher.params_kept(),
            Kind::Model => watcher.models_kept(),
        };
        let schema = schema_of(watcher, kind);
        let held = slots.iter().any(|head| head.version == version && head.schema == schema);
        match (held, &kept) {
            (false, Some(kept)) => publish(steering, kind, version, epoch, kept),
            (false, None) if version == 0 => nothing(steering, kind, epoch, schema),
            // Where no slot holds it, this says which there are.
            _ => again(steering, kind, version, epoch),
        }
    };
    app.engines.steer(engine, work).await
}

fn schema_of(watcher: &Watcher, kind: Kind) -> u64 {
    match kind {
        Kind::Params => watcher.schema_hash(),
        Kind::Model => watcher.model_schema(),
    }
}

fn again(
    steering: &mut Steering,
    kind: Kind,
    version: u64,
    epoch: u32,
) -> Result<u64, MailboxError> {
    match kind {
        Kind::Params => steering.roll_back_params(version, epoch),
        Kind::Model => steering.roll_back_model(version, epoch),
    }
}

fn publish(
    steering: &mut Steering,
    kind: Kind,
    version: u64,
    epoch: u32,
    kept: &Kept,
) -> Result<u64, MailboxError> {
    let at = crate::time::now();
    match kind {
        Kind::Params => steering.publish_params(version, epoch, at, rows(&kept.words)),
        Kind::Model => steering.publish_model(version, epoch, at, kept.schema, &kept.words),
    }
}

/// Version 0: an overlay of nothing is the configuration file.
fn nothing(
    steering: &mut Steering,
    kind: Kind,
    epoch: u32,
    schema: u64,
) -> Result<u64, MailboxError> {
    let at = crate::time::now();
    match kind {
        Kind::Params => steering.publish_params(0, epoch, at, &[]),
        Kind::Model => steering.publish_model(0, epoch, at, schema, &[]),
    }
}

/// The engine's word on a publication, awaited.
pub(super) async fn await_ack(app: &App, engine: &str, kind: Kind, publication: u64) -> Outcome {
    let since = Instant::now();
    let mut looked = app.engines.watcher(engine);
    for turn in 1u64.. {
        match &looked {
            Ok(watcher) => match acknowledged(watcher, kind, publication) {
                Some(outcome) => return outcome,
                None if since.elapsed() >= ACK_WAIT => break,
                None => {}
            },
            Err(_) if since.elapsed() >= ACK_WAIT => break,
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        // An engine that starts anew meanwhile has another file.
        if turn.is_multiple_of(100) {
            looked = app.engines.watcher(engine);
        }
    }
    let silent = match looked {
        Ok(_) => format!("the engine did not acknowledge within {ACK_WAIT:?}"),
        Err(problem) => format!("the engine cannot be read: {problem}"),
    };
    Outcome { publication, ..Outcome::unknown(silent) }
}

/// What the engine says of a publication now; `None`: nothing yet.
pub(super) fn acknowledged(watcher: &Watcher, kind: Kind, publication: u64) -> Option<Outcome> {
    let ack = ack(watcher, kind)?;
    let verdict = ack.verdict(publication)?;
    let row = ack.row.filter(|_| verdict == Verdict::Refused && kind == Kind::Params);
    let row = row.and_then(|row| refused_row(watcher, publication, row));
    let why = match verdict {
        Verdict::Refused => ack.why.clone(),
        Verdict::Unknown => "a later publication came before the engine looked".into(),
        _ => String::new(),
    };
    Some(Outcome { publication, ack: Some(ack), row, ..Outcome::new(verdict, why) })
}

/// The engine's word on pages of a kind.
pub fn ack(watcher: &Watcher, kind: Kind) -> Option<Ack> {
    let page = match kind {
        Kind::Params => watcher.params_ack(),
        Kind::Model => watcher.model_ack(),
    };
    page.map(|page| Ack::of(&page.value))
}

fn refused_row(watcher: &Watcher, publication: u64, row: u32) -> Option<Setting> {
    let (head, rows) = watcher.current_params()?;
    let row: &ParamRow = rows.get(row as usize).filter(|_| head.publication == publication)?;
    Some(schema(watcher).setting(row))
}

/// The schema an engine publishes, with the instruments it shows by name.
pub fn schema(watcher: &Watcher) -> Schema {
    let books = watcher.books().flatten().map(|page| page.value);
    let symbols = books.map(|book| (nofx_types::Symbol(book.symbol).to_string(), book.instrument));
    Schema::new(watcher.schema(), watcher.kill_words().table(), symbols)
}

async fn send(app: &App, id: u64, engine: &str, command: CommandName, scope: &str) -> Outcome {
    let Some(scope) = scope_of(scope) else {
        return Outcome::not_done(format!("{scope:?} is no scope"));
    };
    let sent = app.engines.command(engine, id, command.command(scope), ACK_WAIT).await;
    super::step(id, "sent");
    match sent {
        Ok(Some(reply)) => replied(&reply),
        Ok(None) => Outcome::unknown(format!("the engine did not answer within {ACK_WAIT:?}")),
        Err(problem) => Outcome::not_done(problem.to_string()),
    }
}

/// The outcome that a reply tells.
pub(super) fn replied(reply: &Reply) -> Outcome {
    let refusal = Refusal::from_number(reply.result);
    let (verdict, why) = match (reply.result, refusal) {
        (0, _) => (Verdict::Applied, String::new()),
        (_, Some(refusal)) => (Verdict::Refused, refusal.to_string()),
        (number, None) => (Verdict::Refused, format!("reason {number} of a later release")),
    };
    let body = json!({
        "result": reply.result, "at_ns": reply.at.0, "cycles": reply.cycles, "value": reply.value,
    });
    Outcome { reply: Some(body), ..Outcome::new(verdict, why) }
}

/// Scope out of its text.
pub(super) fn scope_of(text: &str) -> Option<Scope> {
    match text.split_once(' ') {
        None if text.is_empty() || text == "everything" => Some(Scope::Global),
        Some(("account", number)) => number.parse().ok().map(Scope::Account),
        Some(("instrument", number)) => number.parse().ok().map(Scope::Symbol),
        _ => None,
    }
}

/// Writes down what became of a version.
pub(super) async fn judge(app: &App, record: &Record, outcome: &Outcome) -> Result<(), StoreError> {
    let Effect::MakeCurrent { engine, kind, version, .. } = &record.effect else { return Ok(()) };
    let state = match outcome.verdict {
        Verdict::Applied => VersionState::Applied,
        Verdict::Refused => VersionState::Refused,
        Verdict::NotDone => VersionState::NotPublished,
        Verdict::Unknown => VersionState::Unknown,
    };
    let ack = outcome.ack.as_ref();
    let at = ack.filter(|_| state == VersionState::Applied).map(|ack| ack.applied_at_ns);
    app.store.judge(engine, *kind, *version, state, at, &outcome.why).await
}

/// The answer to whoever asked.
pub(super) fn answer(record: &Record, outcome: &Outcome) -> Answer {
    let mut body = match &record.detail {
        Value::Object(_) => record.detail.clone(),
        _ => json!({}),
    };
    body["result"] = json!(outcome.verdict);
    match &record.effect {
        Effect::MakeCurrent { version, base, .. } => {
            let current = if outcome.verdict == Verdict::Refused { base } else { version };
            body["version"] = json!(version);
            body["etag"] = json!(format!("\"{current}\""));
            body["publication"] = json!(outcome.publication);
            body["ack"] = json!(outcome.ack);
        }
        Effect::Send { command, scope, .. } => {
            body["command"] = json!(command);
            body["scope"] = json!(scope);
            body["reply"] = json!(outcome.reply);
        }
        Effect::Draft { .. } | Effect::Transit { .. } => {
            if let Some(Value::Object(configuration)) = &outcome.reply {
                body = Value::Object(configuration.clone());
                body["etag"] = json!(format!("\"{}\"", body["revision"]));
                body["result"] = json!(outcome.verdict);
            }
        }
    }
    let status = match outcome.verdict {
        Verdict::Applied => return Answer::ok(body),
        Verdict::Unknown => StatusCode::ACCEPTED,
        Verdict::Refused => StatusCode::CONFLICT,
        Verdict::NotDone => StatusCode::SERVICE_UNAVAILABLE,
    };
    body["detail"] = json!(detail(outcome));
    if outcome.verdict == Verdict::Unknown {
        body["todo"] = json!("it may still take effect: read it again in a moment");
        return Answer { status, body, replayed: false };
    }
    let problem = refusal(status, outcome);
    if let (Value::Object(body), Ok(Value::Object(more))) =
        (&mut body, serde_json::to_value(problem.body()))
    {
        body.extend(more);
    }
    Answer { status, body, replayed: false }
}

fn detail(outcome: &Outcome) -> String {
    match &outcome.row {
        Some(Setting { table, scope, key, value }) => {
            format!("{}: {table} {scope} {key} = {value}", outcome.why)
        }
        None => outcome.why.clone(),
    }
}

fn refusal(status: StatusCode, outcome: &Outcome) -> Problem {
    match outcome.verdict {
        Verdict::Refused => {
            let title = "The engine refused it and kept what it had";
            let problem = Problem::new(status, "refused_by_engine", title, detail(outcome))
                .todo("correct it by what the engine says, and send it with a new Idempotency-Key");
            match &outcome.row {
                Some(row) => problem.field(
                    format!("{}.{}.{}", row.table, row.scope, row.key),
                    format!("{}: {}", outcome.why, row.value),
                ),
                None => problem,
            }
        }
        _ => Problem::new(status, "not_done", "It was not done", detail(outcome))
            .todo("nothing was changed; see whether the engine runs, then send it again"),
    }
}
