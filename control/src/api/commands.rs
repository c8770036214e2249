//! Commands to an engine: halt, resume, cancel all, snapshot, rotate the journal.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Path;
use super::asked::{self, Asked, ChangeHeaders};
use crate::app::App;
use crate::change::pages::running;
use crate::change::{
    self, Answer, Ask, CommandName, Effect, Intent, Prepared, Verdict, schema, settle,
};
use crate::policy::{Action, Resource};
use crate::problem::{Problem, ProblemBody};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(send))
}

/// A command.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    /// What to do.
    command: CommandName,
    /// Of `cancel_all`: `everything`, `account N`, `symbol X` or `instrument N`.
    scope: Option<String>,
    /// Why.
    reason: String,
}

/// What became of a command.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(dead_code)] // the description of an answer that is made elsewhere
struct CommandAnswer {
    /// The command.
    command: CommandName,
    /// Its scope as the engine numbers it.
    scope: String,
    /// What became of it.
    result: Verdict,
    /// The engine's answer: `result` (0: done), `at_ns`, `cycles`, `value`.
    #[schema(value_type = Object, nullable)]
    reply: Value,
}

/// Sends a command and waits for the engine's answer.
#[utoipa::path(post, path = "/engines/{e}/commands", tag = "commands",
    params(("e" = String, Path, description = "engine"), ChangeHeaders),
    request_body = CommandBody, responses(
    (status = 200, body = CommandAnswer),
    (status = 202, body = CommandAnswer, description = "the engine has not answered in time"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn send(
    State(app): State<Arc<App>>,
    Path(engine): Path<String>,
    asked: Asked<CommandBody>,
) -> Result<Answer, Problem> {
    let Asked { caller, key, body, .. } = asked;
    let CommandBody { command, scope, reason } = body;
    let ask = Ask {
        caller,
        action: Action::Command,
        needs: vec![(Action::Command, Resource::engine(engine.clone()).what(command.name()))],
        turn: format!("engine {engine}"),
        reason: asked::reason(&reason)?,
        key,
    };
    change::perform(&app, ask, move |app| prepare(app, engine, command, scope)).await
}

async fn prepare(
    app: Arc<App>,
    engine: String,
    command: CommandName,
    scope: Option<String>,
) -> Result<Prepared, Problem> {
    settle(&app, &engine).await?;
    let watcher = running(&app, &engine)?;
    let scope = match (command, scope) {
        (CommandName::CancelAll, Some(scope)) => {
            let named = schema(&watcher).kill_scope(&scope);
            named.map_err(|e| Problem::invalid("the scope cannot be").field("scope", e))?
        }
        (CommandName::CancelAll, None) => "everything".into(),
        (_, None) => String::new(),
        (_, Some(_)) => {
            let problem = "only cancel_all has one: leave it out";
            return Err(Problem::invalid("the command has no scope").field("scope", problem));
        }
    };
    Ok(Prepared::Intent(Box::new(Intent {
        object: format!("engine/{engine}/commands"),
        effect: Effect::Send { engine, command, scope: scope.clone() },
        before: Value::Null,
        after: json!({ "command": command, "scope": scope }),
        detail: Value::Null,
        new_values: true,
    })))
}
