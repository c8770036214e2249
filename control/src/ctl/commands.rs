//! The commands and their requests.

use std::path::PathBuf;

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::changes::Rows;
use super::client::{Answer, Ask, Client, escaped};
use crate::failure::Failure;

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Engines and whether they live.
    Engines(Paging),
    /// Everything that an engine shows, or one part of it.
    Show {
        /// The engine.
        engine: String,
        /// The part.
        part: Option<Part>,
        #[command(flatten)]
        page: Paging,
    },
    /// Books of an engine, or one book with its levels.
    Books {
        /// The engine.
        engine: String,
        /// The symbol.
        symbol: Option<String>,
        /// Levels of each side.
        #[arg(long, requires = "symbol")]
        levels: Option<u32>,
    },
    /// Working orders of an engine.
    Orders {
        /// The engine.
        engine: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Positions of an engine.
    Positions {
        /// The engine.
        engine: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Limits of an engine: shown, or changed by --set and --unset.
    Limits {
        /// The engine.
        engine: String,
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        once: Once,
    },
    /// Parameters of an engine's strategy: shown, or changed by --set and --unset.
    Parameters {
        /// The engine.
        engine: String,
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        once: Once,
    },
    /// Versions of limits and parameters.
    Versions {
        /// The engine.
        engine: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Go back to an earlier version of limits and parameters, or of the model.
    Rollback {
        /// The engine.
        engine: String,
        /// The version.
        version: u64,
        /// Of the model.
        #[arg(long)]
        model: bool,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Only if this is the version now.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
        #[command(flatten)]
        once: Once,
    },
    /// Models of an engine: shown, or another one by --file.
    Models {
        /// The engine.
        engine: String,
        /// TOML file of a model to swap in.
        #[arg(long, requires_all = ["name", "reason"])]
        file: Option<PathBuf>,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        once: Once,
    },
    /// Tell an engine: halt, resume, cancel_all, snapshot, rotate_journal.
    #[command(name = "command")]
    Tell {
        /// The engine.
        engine: String,
        /// The command.
        command: String,
        /// For cancel_all: everything, account N, symbol X.
        #[arg(long)]
        scope: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        once: Once,
    },
    /// Stop orders: without an engine on all of them.
    Kill {
        /// The engine.
        #[arg(default_value = "*")]
        engine: String,
        /// everything, account N, symbol X or instrument N.
        #[arg(long, default_value = "everything")]
        scope: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Only show what is engaged, and which releases wait.
        #[arg(long)]
        show: bool,
    },
    /// Propose that orders pass again; another person must approve.
    Release {
        /// The engine, or * for all.
        engine: String,
        /// everything, account N, symbol X or instrument N.
        #[arg(long, default_value = "everything")]
        scope: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        once: Once,
    },
    /// Approve a release that another person proposed.
    Approve {
        /// Id of the proposal.
        id: String,
        /// Take the proposal back instead.
        #[arg(long)]
        withdraw: bool,
        /// A remark.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        once: Once,
    },
    /// The audit log, one entry, or a check of the whole.
    Audit(Audit),
    /// The report of a day, or which there are.
    Report {
        /// The engine.
        #[arg(requires = "day")]
        engine: Option<String>,
        /// The day, YYYY-MM-DD.
        day: Option<String>,
        /// As a page.
        #[arg(long)]
        html: bool,
    },
    /// Configurations: draft, validate, canary, apply, roll back.
    #[command(subcommand)]
    Configuration(Configuration),
    /// How far the clock may be off.
    Clock,
    /// Who you are, as your certificate says.
    Whoami,
    /// Read any other path below /api/v1.
    Get {
        /// The path with its query, as /engines/alpha/counters.
        path: String,
    },
}

/// Parts of what an engine shows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Part {
    Tiles,
    Feeds,
    Sessions,
    Links,
    Latency,
    Orders,
    Positions,
    Rejects,
    Counters,
    Events,
    Journal,
}

impl Part {
    fn path(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// Which page of a list.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Paging {
    /// Most items.
    #[arg(long)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[arg(long)]
    cursor: Option<String>,
}

/// A change that is made once, however often it is sent.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Once {
    /// Key of an earlier try whose outcome is not known.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// What to see of the audit log.
#[derive(Clone, Debug, clap::Args)]
pub struct Audit {
    /// One entry.
    seq: Option<u64>,
    /// Its proof.
    #[arg(long, requires = "seq")]
    proof: bool,
    /// Check the whole log.
    #[arg(long, conflicts_with = "seq")]
    verify: bool,
    /// The last signed checkpoint.
    #[arg(long, conflicts_with = "seq")]
    checkpoint: bool,
    /// What each person did.
    #[arg(long, conflicts_with = "seq")]
    activity: bool,
    /// Only of this person.
    #[arg(long)]
    user: Option<String>,
    /// Only on this type of object.
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    /// Only this action.
    #[arg(long)]
    action: Option<String>,
    /// Only with this result.
    #[arg(long)]
    result: Option<String>,
    /// From this time on, nanoseconds since 1970.
    #[arg(long, value_name = "NS")]
    from: Option<u64>,
    /// Until this time, nanoseconds since 1970.
    #[arg(long, value_name = "NS")]
    to: Option<u64>,
    /// Only with these words.
    #[arg(long)]
    text: Option<String>,
    #[command(flatten)]
    page: Paging,
}

/// What to do with configurations.
#[derive(Clone, Debug, Subcommand)]
pub enum Configuration {
    /// List them.
    List(Paging),
    /// Show one.
    Show {
        /// Its id.
        id: String,
    },
    /// Make a draft of a JSON file (the body of POST /configurations).
    Create {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        once: Once,
    },
    /// What it would change on an engine.
    Diff {
        /// Its id.
        id: String,
        /// The engine.
        engine: String,
    },
    /// Check it against every engine.
    Validate(Step),
    /// Put it on one engine.
    Canary {
        #[command(flatten)]
        step: Step,
        /// The engine.
        #[arg(long)]
        engine: String,
    },
    /// Put it on all engines.
    Apply(Step),
    /// Take it back.
    Rollback(Step),
}

/// A step of one configuration.
#[derive(Clone, Debug, clap::Args)]
pub struct Step {
    /// Its id.
    id: String,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// Only if this is its version now; without it the one that is current.
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    #[command(flatten)]
    once: Once,
}

impl Command {
    /// Asks the server.
    ///
    /// # Errors
    /// Usage, or no connection.
    pub async fn perform(self, client: &Client) -> Result<Answer, Failure> {
        match self {
            Command::Engines(page) => get(client, "/engines".into(), &page.query()).await,
            Command::Show { engine, part: None, .. } => get(client, of(&engine), &[]).await,
            Command::Show { engine, part: Some(part), page } => {
                get(client, format!("{}/{}", of(&engine), part.path()), &page.query()).await
            }
            Command::Orders { engine, page } => {
                get(client, of(&engine) + "/orders", &page.query()).await
            }
            Command::Positions { engine, page } => {
                get(client, of(&engine) + "/positions", &page.query()).await
            }
            Command::Books { engine, symbol: None, .. } => {
                get(client, of(&engine) + "/books", &[]).await
            }
            Command::Books { engine, symbol: Some(symbol), levels } => {
                let path = format!("{}/books/{}", of(&engine), escaped(&symbol));
                get(client, path, &[("levels", text(levels))]).await
            }
            Command::Limits { engine, rows, once } => {
                change_rows(client, of(&engine) + "/limits", &rows, once).await
            }
            Command::Parameters { engine, rows, once } => {
                change_rows(client, of(&engine) + "/parameters", &rows, once).await
            }
            Command::Versions { engine, page } => {
                get(client, of(&engine) + "/versions", &page.query()).await
            }
            Command::Rollback { engine, version, model, reason, if_match, once } => {
                let kind = if model { "models" } else { "versions" };
                let path = format!("{}/{kind}/rollback", of(&engine));
                let body = json!({ "version": version, "reason": reason });
                send(client, matching(post(path, body), if_match), once).await
            }
            Command::Models { engine, file: None, .. } => {
                get(client, of(&engine) + "/models", &[]).await
            }
            Command::Models { engine, file: Some(file), name, reason, once } => {
                let body = json!({ "name": name, "toml": read(&file)?, "reason": reason });
                send(client, post(of(&engine) + "/models", body), once).await
            }
            Command::Tell { engine, command, scope, reason, once } => {
                let mut body = json!({ "command": command, "reason": reason });
                scope.into_iter().for_each(|scope| body["scope"] = json!(scope));
                send(client, post(of(&engine) + "/commands", body), once).await
            }
            Command::Kill { show: true, .. } => get(client, "/kill".into(), &[]).await,
            Command::Kill { engine, scope, reason, .. } => {
                let body = json!({ "engine": engine, "scope": scope, "reason": reason });
                client.ask(post("/kill".into(), body)).await
            }
            Command::Release { engine, scope, reason, once } => {
                let body = json!({ "engine": engine, "scope": scope, "reason": reason });
                send(client, post("/kill/releases".into(), body), once).await
            }
            Command::Approve { id, withdraw: true, once, .. } => {
                let path = format!("/kill/releases/{}", escaped(&id));
                send(client, Ask::change(Method::DELETE, path, None), once).await
            }
            Command::Approve { id, reason, once, .. } => {
                let path = format!("/kill/releases/{}/approve", escaped(&id));
                send(client, post(path, json!({ "reason": reason })), once).await
            }
            Command::Audit(audit) => audit.perform(client).await,
            Command::Report { engine: Some(engine), day: Some(day), html } => {
                let path = format!("/reports/{}/{}", escaped(&engine), escaped(&day));
                get(client, path, &[("format", html.then(|| "html".to_owned()))]).await
            }
            Command::Report { .. } => get(client, "/reports".into(), &[]).await,
            Command::Configuration(configuration) => configuration.perform(client).await,
            Command::Clock => get(client, "/clock".into(), &[]).await,
            Command::Whoami => get(client, "/whoami".into(), &[]).await,
            Command::Get { path } if path.starts_with('/') => client.ask(Ask::get(path)).await,
            Command::Get { path } => Err(Failure::usage(format!("{path}: a path begins with /"))),
        }
    }
}

impl Audit {
    async fn perform(self, client: &Client) -> Result<Answer, Failure> {
        match (self.seq, self.proof) {
            (Some(seq), true) => return get(client, format!("/audit/{seq}/proof"), &[]).await,
            (Some(seq), false) => return get(client, format!("/audit/{seq}"), &[]).await,
            (None, _) if self.verify => {
                return client.ask(post("/audit/verify".into(), json!({}))).await;
            }
            (None, _) if self.checkpoint => {
                return get(client, "/audit/checkpoint".into(), &[]).await;
            }
            (None, _) if self.activity => return get(client, "/audit/activity".into(), &[]).await,
            (None, _) => {}
        }
        let mut query = vec![
            ("user", self.user),
            ("type", self.r#type),
            ("action", self.action),
            ("result", self.result),
            ("from", text(self.from)),
            ("to", text(self.to)),
            ("text", self.text),
        ];
        query.extend(self.page.query());
        get(client, "/audit".into(), &query).await
    }
}

impl Configuration {
    async fn perform(self, client: &Client) -> Result<Answer, Failure> {
        let at = |id: &str| format!("/configurations/{}", escaped(id));
        match self {
            Configuration::List(page) => get(client, "/configurations".into(), &page.query()).await,
            Configuration::Show { id } => get(client, at(&id), &[]).await,
            Configuration::Create { file, once } => {
                let body = serde_json::from_str(&read(&file)?)
                    .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
                send(client, post("/configurations".into(), body), once).await
            }
            Configuration::Diff { id, engine } => {
                get(client, at(&id) + "/diff", &[("engine", Some(engine))]).await
            }
            Configuration::Validate(step) => step.perform(client, "validate", None).await,
            Configuration::Canary { step, engine } => {
                step.perform(client, "canary", Some(engine)).await
            }
            Configuration::Apply(step) => step.perform(client, "apply", None).await,
            Configuration::Rollback(step) => step.perform(client, "rollback", None).await,
        }
    }
}

impl Step {
    async fn perform(
        self,
        client: &Client,
        step: &str,
        engine: Option<String>,
    ) -> Result<Answer, Failure> {
        let path = format!("/configurations/{}", escaped(&self.id));
        let tag = match self.if_match {
            Some(tag) => tag,
            None => match current(client, &path).await? {
                Ok(tag) => tag,
                Err(answer) => return Ok(answer),
            },
        };
        let mut body = json!({});
        self.reason.into_iter().for_each(|reason| body["reason"] = json!(reason));
        engine.into_iter().for_each(|engine| body["engine"] = json!(engine));
        let ask = matching(post(format!("{path}/{step}"), body), Some(tag));
        send(client, ask, self.once).await
    }
}

impl Paging {
    fn query(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("limit", text(self.limit)), ("cursor", self.cursor.clone())]
    }
}

/// Shows the rows, or changes those of the version that is current.
async fn change_rows(
    client: &Client,
    path: String,
    rows: &Rows,
    once: Once,
) -> Result<Answer, Failure> {
    if rows.is_empty() {
        return get(client, path, &[]).await;
    }
    let body = rows.body()?;
    let tag = match &rows.if_match {
        Some(tag) => tag.clone(),
        None => match current(client, &path).await? {
            Ok(tag) => tag,
            Err(answer) => return Ok(answer),
        },
    };
    let path = if rows.dry_run { path + "?dry_run=true" } else { path };
    send(client, matching(Ask::change(Method::PATCH, path, Some(body)), Some(tag)), once).await
}

/// The etag of a resource, or the answer that has none.
async fn current(client: &Client, path: &str) -> Result<Result<String, Answer>, Failure> {
    let answer = client.ask(Ask::get(path)).await?;
    let tag = ["etag", "version"].into_iter().find_map(|key| answer.body.get(key));
    Ok(match tag {
        Some(Value::String(tag)) => Ok(tag.clone()),
        Some(Value::Number(version)) => Ok(version.to_string()),
        _ => Err(answer),
    })
}

/// With If-Match: an etag in its quotes.
fn matching(ask: Ask, tag: Option<String>) -> Ask {
    match tag {
        Some(tag) if tag.starts_with('"') || tag == "*" => ask.header("if-match", tag),
        Some(tag) => ask.header("if-match", format!("\"{tag}\"")),
        None => ask,
    }
}

fn post(path: String, body: Value) -> Ask {
    Ask::change(Method::POST, path, Some(body))
}

/// Sends a change under a key of its own.
async fn send(client: &Client, ask: Ask, once: Once) -> Result<Answer, Failure> {
    let key = match once.idempotency_key {
        Some(key) => key,
        None => {
            let mut bytes = [0; 16];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| Failure::wrong("no random numbers for --idempotency-key: give one"))?;
            crate::identity::subject::hex(&bytes)
        }
    };
    client.ask(ask.header("idempotency-key", key)).await
}

async fn get(
    client: &Client,
    path: String,
    query: &[(&str, Option<String>)],
) -> Result<Answer, Failure> {
    let pairs = query.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    let path = if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) };
    client.ask(Ask::get(path)).await
}

fn of(engine: &str) -> String {
    format!("/engines/{}", escaped(engine))
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))
}
