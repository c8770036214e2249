//! Configurations on their way to every engine.
//!
//! Model: a transition is a change like any other (policy, key, write-ahead, audit) whose effect is
//! a row of changes on engines, each of them again written ahead and audited, under the same
//! correlation id. The configuration's own row says before each engine that it is about to be
//! changed and after it what came of it. A process that dies in the middle leaves `doing` in the
//! row; the next one settles the engines first and then ends the transition with what it finds: all
//! have it, or `failed` with the engines that have it and those that do not. Nothing is rolled back
//! by itself: the answer says how.
//!
//! A roll back goes to the version that an engine had before, and only where the configuration's own
//! version is still current: what somebody else changed since is not undone. An engine that cannot
//! be rolled back leaves the stage at `failed`, never at `rolled_back`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pages::{self, Present};
use super::{
    Answer, Ask, Difference, Effect, Intent, Outcome, Prepared, Record, Side, Verdict, allow,
    carry, now, settle, store_failed,
};
use crate::app::App;
use crate::identity::Caller;
use crate::policy::{Action, Resource};
use crate::problem::{FieldError, Problem};
use crate::store::{
    Configuration, Entry, Kind, Member, MemberState, Stage, StoreError, Transition, VersionState,
};

/// What is to be done to a configuration.
#[derive(Clone, Debug)]
pub struct Move {
    /// Its number.
    pub id: u64,
    /// The step.
    pub to: Transition,
    /// The engine of a canary.
    pub only: Option<String>,
    /// The revision that the caller read.
    pub if_match: Option<u64>,
}

/// Looks whether a draft can be written.
///
/// # Errors
/// It names no engine, or one that is not configured.
pub async fn prepare_draft(app: Arc<App>, draft: Configuration) -> Result<Prepared, Problem> {
    let mut errors = Vec::new();
    for (at, engine) in draft.engines.iter().enumerate() {
        let problem = match app.engines.names().any(|name| name == engine) {
            false => format!("{engine:?} is not configured, want one of: {}", names(&app)),
            true if draft.engines[..at].contains(engine) => "named twice".into(),
            true => continue,
        };
        errors.push(FieldError { field: format!("engines[{at}]"), problem });
    }
    if draft.engines.is_empty() {
        let problem = format!("empty, want at least one of: {}", names(&app));
        errors.push(FieldError { field: "engines".into(), problem });
    }
    if draft.set.is_empty() && draft.unset.is_empty() {
        let problem = "neither set nor unset has an item: nothing would change".into();
        errors.push(FieldError { field: "set".into(), problem });
    }
    if !errors.is_empty() {
        let problem = Problem::invalid("the configuration cannot be");
        return Err(Problem { errors, ..problem }.todo("correct the fields named in errors"));
    }
    let after = json!({ "name": draft.name, "engines": draft.engines, "set": draft.set, "unset": draft.unset });
    Ok(Prepared::Intent(Box::new(Intent {
        object: format!("configuration/{}", draft.name),
        effect: Effect::Draft { draft: Box::new(draft) },
        before: Value::Null,
        after,
        detail: Value::Null,
        new_values: true,
    })))
}

fn names(app: &App) -> String {
    app.engines.names().collect::<Vec<_>>().join(", ")
}

/// Looks whether a step is possible, and whether this person may take it: by the engines it reaches
/// and what it changes there.
///
/// # Errors
/// There is no such configuration, another revision is current, the step does not follow its stage,
/// or it is not allowed.
pub async fn prepare(app: Arc<App>, ask: Ask, step: Move) -> Result<Prepared, Problem> {
    let found = read(&app, step.id).await?;
    allow(&app, &ask, &needs(&found, &step)).await?;
    if let Some(named) = step.if_match.filter(|named| *named != found.revision) {
        let detail = format!("you named revision {named}, revision {} is current", found.revision);
        return Err(Problem::stale_version(detail)
            .todo(format!("read it again, and send If-Match: \"{}\"", found.revision)));
    }
    if found.doing.is_some() {
        return Err(Problem::conflict("a step of this configuration is not settled yet")
            .todo("wait until GET shows doing: null; a lost engine must come back first"));
    }
    follows(&found, &step)?;
    if step.to == Transition::Validate {
        validate(&app, &found)?;
    }
    let object = format!("configuration/{}", found.id);
    let before = json!({ "stage": found.stage, "revision": found.revision });
    let after = json!({ "step": step.to, "engine": step.only });
    let effect = Effect::Transit { configuration: step.id, to: step.to, only: step.only };
    let detail = Value::Null;
    let intent = Intent { effect, object, before, after, detail, new_values: true };
    Ok(Prepared::Intent(Box::new(intent)))
}

/// What a step needs on each engine that it reaches: the step itself and the changes that it makes.
fn needs(found: &Configuration, step: &Move) -> Vec<(Action, Resource)> {
    let reached = found.engines.iter().map(String::as_str);
    let reached: Vec<&str> = match &step.only {
        Some(only) => reached.filter(|engine| engine == only).collect(),
        None => reached.collect(),
    };
    let what = match step.to {
        Transition::Validate => "validate",
        Transition::Canary => "canary",
        Transition::Apply => "apply",
        Transition::RollBack => "roll_back",
    };
    let changes = Resource::all().by_configuration();
    let mut needs = vec![(Action::Configure, Resource::all().what(what))];
    for (side, set) in [("strategy", Action::SetParameters), ("limits", Action::SetLimits)] {
        match step.to {
            Transition::Validate => {}
            _ if !contains(found, side) => {}
            Transition::RollBack => needs.push((Action::RollBack, changes.clone().what(side))),
            Transition::Canary | Transition::Apply => needs.push((set, changes.clone())),
        }
    }
    let each = |(action, on): &(Action, Resource)| {
        let on_each = on.on_each(reached.iter().copied()).into_iter();
        on_each.map(|on| (*action, on)).collect::<Vec<_>>()
    };
    needs.iter().flat_map(each).collect()
}

/// Whether it changes this side of an engine's page.
fn contains(found: &Configuration, side: &str) -> bool {
    let set = found.set.iter().map(|setting| &setting.table);
    let mut tables = set.chain(found.unset.iter().map(|target| &target.table));
    tables.any(|table| (table == "strategy") == (side == "strategy"))
}

fn follows(found: &Configuration, step: &Move) -> Result<(), Problem> {
    use Stage::{Applied, Canary, Draft, Failed, RolledBack, Validated};
    use Transition as To;
    let (from, want): (&[Stage], _) = match step.to {
        To::Validate => (&[Draft, Validated, RolledBack], "draft, validated or rolled_back"),
        To::Canary => (&[Validated], "validated: POST validate first"),
        To::Apply => (&[Canary], "canary: POST canary on one engine first"),
        To::RollBack => (&[Canary, Applied, Failed], "canary, applied or failed"),
    };
    if !from.contains(&found.stage) {
        let detail = format!("it is {}, the step needs {want}", found.stage.name());
        return Err(Problem::conflict(detail));
    }
    match &step.only {
        Some(engine) if !found.engines.contains(engine) => {
            let problem =
                format!("{engine:?} is not in it, want one of: {}", found.engines.join(", "));
            Err(Problem::invalid("no such engine").field("engine", problem))
        }
        _ => Ok(()),
    }
}

/// One configuration.
///
/// # Errors
/// There is none of this number.
pub async fn read(app: &App, id: u64) -> Result<Configuration, Problem> {
    let found = app.store.configuration(id).await.map_err(store_failed)?;
    found.ok_or_else(|| Problem::not_found(format!("there is no configuration {id}")))
}

/// What a configuration would change on an engine now.
///
/// # Errors
/// The engine cannot be seen, or does not take it; the fields are named.
pub fn diff(
    app: &App,
    found: &Configuration,
    engine: &str,
) -> Result<(u64, Vec<Difference>), Problem> {
    let present = Present::of_running(app, engine)?;
    let after = present.merged(Side::All, &found.set, &applicable(&present, found))?;
    Ok((present.version, present.differences(&after)))
}

/// What it unsets, but for what the page does not set: that is as it should be already.
fn applicable(present: &Present, found: &Configuration) -> Vec<super::Target> {
    let needed =
        |target: &&super::Target| present.overlay.says(&present.schema, target) != Ok(false);
    found.unset.iter().filter(needed).cloned().collect()
}

/// Every engine takes it: its schema knows the keys, the values are within bounds.
fn validate(app: &App, found: &Configuration) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for engine in &found.engines {
        match diff(app, found, engine) {
            Ok(_) => {}
            Err(problem) if problem.errors.is_empty() => {
                errors.push(FieldError { field: engine.clone(), problem: problem.to_string() });
            }
            Err(problem) => {
                errors.extend(problem.errors.into_iter().map(|error| FieldError {
                    field: format!("{engine}: {}", error.field),
                    ..error
                }))
            }
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let problem = Problem::invalid("not every engine takes it; it stays as it was");
    Err(Problem { errors, ..problem }.todo("make a draft that corrects the fields named in errors"))
}

/// Writes a draft: the effect.
pub(super) async fn write_draft(app: &App, change: u64, draft: &Configuration) -> Outcome {
    let mut draft = draft.clone();
    draft.history.iter_mut().for_each(|entry| entry.change = change);
    match app.store.draft(draft).await {
        Ok(written) => done(&written),
        Err(e) => Outcome::not_done(e.to_string()),
    }
}

/// After a crash: whether a draft was written.
pub(super) async fn drafted(app: &App, change: u64) -> Result<Outcome, Problem> {
    let found = app.store.drafted_by(change).await.map_err(store_failed)?;
    Ok(found
        .map_or_else(|| Outcome::not_done("the process ended before it was written"), |c| done(&c)))
}

fn done(written: &Configuration) -> Outcome {
    let reply = serde_json::to_value(written).ok();
    Outcome { verdict: Verdict::Applied, reply, ..Outcome::not_done("") }
}

/// A step that is being taken.
struct Walk<'a> {
    app: &'a Arc<App>,
    change: u64,
    record: &'a Record,
    /// As written last.
    now: Configuration,
}

/// Takes a step: the effect.
pub(super) async fn transit(
    app: &Arc<App>,
    change: u64,
    record: &Record,
    id: u64,
    to: Transition,
    only: Option<&str>,
) -> Outcome {
    let found = match read(app, id).await {
        Ok(found) => found,
        Err(problem) => return Outcome::not_done(problem.to_string()),
    };
    let mut walk = Walk { app, change, record, now: found };
    match walk.run(to, only).await {
        Ok(()) => walk.outcome(),
        Err(e) => Outcome::unknown(format!("the step was broken off: {e}")),
    }
}

impl Walk<'_> {
    async fn run(&mut self, to: Transition, only: Option<&str>) -> Result<(), StoreError> {
        self.now.doing = Some(to);
        self.write().await?;
        super::step(self.change, "doing");
        let engines: Vec<String> = match (to, only) {
            (Transition::Canary, Some(only)) => vec![only.to_owned()],
            _ => self.now.engines.clone(),
        };
        for engine in engines {
            let good = match to {
                Transition::Validate => self.note_base(&engine),
                Transition::Canary | Transition::Apply => self.apply(&engine).await?,
                Transition::RollBack => self.roll_back(&engine).await?,
            };
            super::step(self.change, "member");
            // The first engine that does not take it ends a roll-out; a roll back goes on.
            if !good && to != Transition::RollBack {
                break;
            }
        }
        let (stage, text) = end(&self.now, to);
        self.end(stage, text).await
    }

    async fn end(&mut self, stage: Stage, text: String) -> Result<(), StoreError> {
        self.now.doing = None;
        let text = match self.record.reason.as_str() {
            "" => text,
            reason => format!("{text}; {reason}"),
        };
        let (change, person) = (self.change, self.record.person.clone());
        self.now.note(Entry { revision: 0, stage, change, person, at_ns: now(), text });
        self.write().await
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let written = self.app.store.put_configuration(self.now.clone()).await?;
        // Its turn is ours: nobody else writes it.
        self.now = written.ok_or_else(|| StoreError::Damaged("another process wrote it".into()))?;
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        found_in(&self.now, self.change)
    }

    /// Remembers what the engine has now: what a roll back goes back to.
    fn note_base(&mut self, engine: &str) -> bool {
        let base = Present::of_running(self.app, engine).map_or(0, |present| present.version);
        let member =
            Member { state: MemberState::Untouched, base, version: 0, detail: String::new() };
        self.now.members.insert(engine.to_owned(), member);
        true
    }

    fn member(&mut self, engine: &str) -> &mut Member {
        self.now.members.entry(engine.to_owned()).or_insert(Member {
            state: MemberState::Untouched,
            base: 0,
            version: 0,
            detail: String::new(),
        })
    }

    async fn set(
        &mut self,
        engine: &str,
        state: MemberState,
        detail: &str,
    ) -> Result<bool, StoreError> {
        let member = self.member(engine);
        (member.state, member.detail) = (state, detail.to_owned());
        self.write().await?;
        Ok(matches!(state, MemberState::Applied | MemberState::RolledBack))
    }

    async fn apply(&mut self, engine: &str) -> Result<bool, StoreError> {
        let _turn = self.app.store.turn(&format!("engine {engine}")).await;
        let planned = self.plan(engine).await;
        let intent = match planned {
            Ok(Some(intent)) => intent,
            Ok(None) => return self.set(engine, MemberState::Applied, "").await,
            Err(problem) => {
                return self.set(engine, MemberState::Refused, &problem.to_string()).await;
            }
        };
        if let Effect::MakeCurrent { version, .. } = intent.effect {
            self.member(engine).version = version;
        }
        self.set(engine, MemberState::UnderWay, "").await?;
        let (state, detail) = self.carry(intent).await;
        let state = if state == MemberState::RolledBack { MemberState::Applied } else { state };
        self.set(engine, state, &detail).await
    }

    /// The change of one engine; `None` where it has it already.
    async fn plan(&mut self, engine: &str) -> Result<Option<Intent>, Problem> {
        settle(self.app, engine).await?;
        let present = Present::of_running(self.app, engine)?;
        let member = self.member(engine).clone();
        if member.state == MemberState::Applied && member.version == present.version {
            return Ok(None);
        }
        if member.base != present.version {
            let detail = format!(
                "its page was version {} when it was validated, and is version {} now",
                member.base, present.version
            );
            return Err(Problem::conflict(detail).todo("roll back, validate again, and go on"));
        }
        let after = present.merged(Side::All, &self.now.set, &applicable(&present, &self.now))?;
        if present.differences(&after).is_empty() {
            self.member(engine).version = present.version;
            return Ok(None);
        }
        let (ask, id) = (self.ask(engine), self.now.id);
        pages::publish(self.app, &ask, engine, &present, &after, Some(id)).await.map(Some)
    }

    async fn roll_back(&mut self, engine: &str) -> Result<bool, StoreError> {
        let member = self.member(engine).clone();
        let untouched = matches!(
            member.state,
            MemberState::Untouched | MemberState::Refused | MemberState::RolledBack
        );
        if untouched || member.version == member.base || member.version == 0 {
            let state = if untouched { member.state } else { MemberState::RolledBack };
            return self.set(engine, state, &member.detail).await.map(|_| true);
        }
        let _turn = self.app.store.turn(&format!("engine {engine}")).await;
        let intent = match self.plan_back(engine, &member).await {
            Ok(Some(intent)) => intent,
            Ok(None) => return self.set(engine, MemberState::RolledBack, "").await,
            Err(problem) => {
                return self.set(engine, member.state, &problem.to_string()).await.map(|_| false);
            }
        };
        self.set(engine, MemberState::UnderWay, "").await?;
        match self.carry(intent).await {
            (MemberState::RolledBack, detail) => {
                self.set(engine, MemberState::RolledBack, &detail).await
            }
            // It has the configuration still, or may have it.
            (MemberState::Unknown, detail) => self.set(engine, MemberState::Unknown, &detail).await,
            (_, detail) => self.set(engine, MemberState::Applied, &detail).await.map(|_| false),
        }
    }

    async fn plan_back(&self, engine: &str, member: &Member) -> Result<Option<Intent>, Problem> {
        settle(self.app, engine).await?;
        let present = Present::of_running(self.app, engine)?;
        if present.version == member.base {
            return Ok(None);
        }
        if present.version != member.version {
            let detail = format!(
                "somebody made version {} since: not rolled back, it would undo that too",
                present.version
            );
            return Err(Problem::conflict(detail).todo("change its page by hand"));
        }
        let after = pages::rows_of(self.app, engine, &present, member.base).await?;
        Ok(Some(pages::intent(engine, &present, member.base, &after)))
    }

    /// Carries a change of one engine out; its state in words of a roll back.
    async fn carry(&self, intent: Intent) -> (MemberState, String) {
        let ask = self.ask("");
        let answer = carry(self.app, &ask, intent).await;
        let result = |answer: &Answer| answer.body["result"].as_str().map(str::to_owned);
        match answer {
            Err(problem) if problem.code == "outcome_unknown" => {
                (MemberState::Unknown, problem.to_string())
            }
            Err(problem) => (MemberState::Refused, problem.to_string()),
            Ok(answer) => {
                let detail = answer.body["detail"].as_str().unwrap_or("").to_owned();
                match result(&answer).as_deref() {
                    Some("applied") => (MemberState::RolledBack, detail),
                    Some("refused" | "not_done") => (MemberState::Refused, detail),
                    _ => (MemberState::Unknown, detail),
                }
            }
        }
    }

    /// Who asks, for the changes of single engines.
    fn ask(&self, engine: &str) -> Ask {
        let caller = Caller {
            person: self.record.person.clone(),
            roles: self.record.role.split(',').filter_map(|role| role.parse().ok()).collect(),
            serial: String::new(),
            fingerprint: String::new(),
            peer: ([0, 0, 0, 0], 0).into(),
        };
        let reason = format!("configuration {}: {}", self.now.id, self.record.reason);
        let turn = format!("engine {engine}");
        Ask { caller, action: Action::Configure, needs: Vec::new(), turn, reason, key: None }
    }
}

/// Where a step ends, by what the engines have.
fn end(now: &Configuration, to: Transition) -> (Stage, String) {
    let with = |wanted: &[MemberState]| -> Vec<&str> {
        let members = now.members.iter().filter(|(_, member)| wanted.contains(&member.state));
        members.map(|(engine, _)| engine.as_str()).collect()
    };
    let have = with(&[MemberState::Applied]);
    let bad = with(&[MemberState::Refused, MemberState::Unknown, MemberState::UnderWay]);
    let list =
        |engines: &[&str]| if engines.is_empty() { "none".into() } else { engines.join(", ") };
    match to {
        Transition::Validate => (Stage::Validated, "every engine takes it".into()),
        Transition::RollBack => {
            let left = with(&[MemberState::Applied, MemberState::Unknown, MemberState::UnderWay]);
            match left.is_empty() {
                true => (Stage::RolledBack, "every engine has what it had before".into()),
                false => (Stage::Failed, format!("not rolled back: {}", list(&left))),
            }
        }
        _ if !bad.is_empty() || (to == Transition::Apply && have.len() < now.engines.len()) => {
            let without: Vec<_> =
                now.engines.iter().map(String::as_str).filter(|e| !have.contains(e)).collect();
            let text = format!(
                "have it: {}; have it not, or have not said: {}; POST rollback takes it back where it is",
                list(&have),
                list(&without)
            );
            (Stage::Failed, text)
        }
        Transition::Canary => (Stage::Canary, format!("{} has it", list(&have))),
        Transition::Apply => (Stage::Applied, "every engine has it".into()),
    }
}

/// The outcome that a configuration's history tells of a change.
fn found_in(now: &Configuration, change: u64) -> Outcome {
    let entry = now.history.iter().rev().find(|entry| entry.change == change);
    let (verdict, why) = match entry {
        Some(entry) if entry.stage == Stage::Failed => (Verdict::Refused, entry.text.clone()),
        Some(_) => (Verdict::Applied, String::new()),
        None => (Verdict::NotDone, "the process ended before the step began".into()),
    };
    Outcome { verdict, why, ..done(now) }
}

/// After a crash: ends a step with what the engines have. The changes of the engines are settled
/// before; where one is not, this waits.
pub(super) async fn found(app: &Arc<App>, change: u64, id: u64) -> Result<Outcome, Problem> {
    let mut now_ = read(app, id).await?;
    let Some(to) = now_.doing else { return Ok(found_in(&now_, change)) };
    for (engine, member) in &mut now_.members {
        if member.state == MemberState::UnderWay {
            member.state = state_of(app, engine, member, to).await?;
            member.detail = "found after the control process ended in the middle".into();
        }
    }
    let (stage, text) = match to {
        // A look that was broken off is simply to be taken again.
        Transition::Validate => (Stage::Draft, "the look was broken off: validate again".into()),
        to => end(&now_, to),
    };
    now_.doing = None;
    let text = format!("the control process ended in the middle; {text}");
    now_.note(Entry { revision: 0, stage, change, person: "system".into(), at_ns: now(), text });
    let written = app.store.put_configuration(now_).await.map_err(store_failed)?;
    let written = written.ok_or_else(|| Problem::internal("another process wrote it"))?;
    Ok(found_in(&written, change))
}

async fn state_of(
    app: &App,
    engine: &str,
    member: &Member,
    to: Transition,
) -> Result<MemberState, Problem> {
    let current = Present::of(&*app.engines.watcher(engine)?).version;
    if to == Transition::RollBack {
        return Ok(match current {
            now if now == member.base => MemberState::RolledBack,
            _ => MemberState::Applied,
        });
    }
    let kept =
        app.store.version(engine, Kind::Params, member.version).await.map_err(store_failed)?;
    Ok(match kept.map(|kept| kept.state) {
        Some(VersionState::Applied) if current == member.version => MemberState::Applied,
        Some(VersionState::Unknown) => MemberState::Unknown,
        // Refused, never published, or never written down.
        _ => MemberState::Refused,
    })
}
