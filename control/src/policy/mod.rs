//! Who may do what: every change and every look goes through [`Policy::check`].
//!
//! Model: rules in Cedar, deny by default. The built-in rules are the text of `nofx.cedar`; a file
//! of one's own (`[policy] file`) takes their place as a whole. Either is validated against
//! `nofx.cedarschema` before the process starts: a rule with a misspelt action or role is a refusal
//! to start that names rule and line, never a rule that silently does not hold. An evaluation error
//! denies. What is done to several engines is asked for on each of them, so that a rule about one engine
//! holds however the engine is reached.
//!
//! Worst case: a check walks a handful of rules over one person and four roles, some microseconds,
//! no I/O, no lock.

mod action;

use std::fmt;
use std::path::{Path, PathBuf};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::identity::Caller;

pub use action::{Action, Resource};

/// The built-in rules.
pub const BUILT_IN: &str = include_str!("nofx.cedar");
/// What rules may speak of.
pub const SCHEMA: &str = include_str!("nofx.cedarschema");

/// Rules that were validated.
pub struct Policy {
    schema: Schema,
    rules: PolicySet,
    authorizer: Authorizer,
    source: String,
}

impl Policy {
    /// The rules of `file`, or the built-in ones.
    ///
    /// # Errors
    /// The file cannot be read, is no Cedar, or does not fit the schema.
    pub fn open(file: Option<&Path>) -> Result<Policy, PolicyError> {
        let Some(file) = file else { return Policy::parse(BUILT_IN, "built-in policy") };
        let read = |e| PolicyError::Read { file: file.to_owned(), error: e };
        Policy::parse(&std::fs::read_to_string(file).map_err(read)?, &file.display().to_string())
    }

    /// The rules of a text; `source` names it in errors.
    ///
    /// # Errors
    /// It is no Cedar, or does not fit the schema.
    pub fn parse(text: &str, source: &str) -> Result<Policy, PolicyError> {
        let wrong =
            |line, what: String| PolicyError::Rule { source_name: source.into(), line, what };
        let (schema, _) =
            Schema::from_cedarschema_str(SCHEMA).map_err(|e| PolicyError::Schema(e.to_string()))?;
        let rules: PolicySet = text.parse().map_err(|e: cedar_policy::ParseErrors| {
            wrong(e.iter().next().map_or(1, |first| line(text, first)), e.to_string())
        })?;
        let found = Validator::new(schema.clone()).validate(&rules, ValidationMode::Strict);
        if let Some(error) = found.validation_errors().next() {
            let line = line(text, error);
            return Err(wrong(line, format!("{}: {error}", rule_name(&rules, error.policy_id()))));
        }
        if rules.policies().next().is_none() {
            return Err(wrong(
                1,
                "no rule: nobody could do anything, not even stop trading".into(),
            ));
        }
        Ok(Policy { schema, rules, authorizer: Authorizer::new(), source: source.to_owned() })
    }

    /// Where the rules come from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the caller may do it.
    ///
    /// # Errors
    /// No rule permits it, one forbids it, or a rule could not be evaluated.
    pub fn check(&self, caller: &Caller, action: Action, on: &Resource) -> Result<(), Denied> {
        let denied = |because| Denied {
            who: format!("{} ({})", caller.person, caller.roles_text()),
            action,
            on: on.clone(),
            because,
        };
        let (request, entities) = self.question(caller, action, on).map_err(denied)?;
        let answer = self.authorizer.is_authorized(&request, &self.rules, &entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            return Err(denied(format!("a rule could not be evaluated: {error}")));
        }
        if answer.decision() == Decision::Allow {
            return Ok(());
        }
        // The reasons of a denial are the `forbid`s; without one nothing permitted it.
        let forbids = answer.diagnostics().reason().map(|id| rule_name(&self.rules, id));
        let forbids: Vec<String> = forbids.collect();
        Err(denied(match forbids.is_empty() {
            true => "no rule permits it".to_owned(),
            false => format!("forbidden by {}", forbids.join(", ")),
        }))
    }

    /// Whether the caller may do it to whatever `engine` means: one of `engines`, or, for `*`, all of
    /// them at once and each.
    ///
    /// # Errors
    /// As for [`Policy::check`], of the first that is denied.
    pub fn check_each<'a>(
        &self,
        caller: &Caller,
        action: Action,
        on: &Resource,
        engines: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Denied> {
        self.check(caller, action, on)?;
        let each = if on.engine == "*" { on.on_each(engines) } else { Vec::new() };
        each.iter().try_for_each(|on| self.check(caller, action, on))
    }

    fn question(
        &self,
        caller: &Caller,
        action: Action,
        on: &Resource,
    ) -> Result<(Request, Entities), String> {
        let person = uid("Person", &caller.person)?;
        let roles = caller.roles.iter().map(|role| uid("Role", role.name()));
        let name = RestrictedExpression::new_string(caller.person.clone());
        let entity = Entity::new(
            person.clone(),
            [("name".to_owned(), name)].into(),
            roles.collect::<Result<_, _>>()?,
        );
        let entities = Entities::from_entities([entity.map_err(text)?], Some(&self.schema));
        let context = Context::from_pairs([
            ("what".to_owned(), RestrictedExpression::new_string(on.what.clone())),
            ("own".to_owned(), RestrictedExpression::new_bool(on.own)),
            ("configuration".to_owned(), RestrictedExpression::new_bool(on.configuration)),
        ]);
        let request = Request::new(
            person,
            uid("Action", action.name())?,
            uid("Engine", &on.engine)?,
            context.map_err(text)?,
            Some(&self.schema),
        );
        Ok((request.map_err(text)?, entities.map_err(text)?))
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind: EntityTypeName = kind.parse().map_err(text)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// The rule as its author names it: its `@id`, else its place in the file.
fn rule_name(rules: &PolicySet, id: &PolicyId) -> String {
    let named = rules.policy(id).and_then(|rule| rule.annotation("id"));
    named.map_or_else(|| format!("rule {id}"), |name| format!("rule {name:?}"))
}

/// The line that an error of Cedar points at, from 1.
fn line(text: &str, error: &dyn miette::Diagnostic) -> usize {
    let label = error.labels().and_then(|mut labels| labels.next());
    let before = label.and_then(|label| text.get(..label.offset()));
    1 + before.map_or(0, |before| before.matches('\n').count())
}

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("policy.file {}: {error}: name a file that this user may read, or leave the key away", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A rule is wrong.
    #[error(
        "{source_name}, line {line}: {what}: correct the rule; `nofx-control check` looks again"
    )]
    Rule {
        /// Name of the text.
        source_name: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The built-in schema is wrong: a defect of this program.
    #[error("the built-in policy schema is wrong: {0}")]
    Schema(String),
}

/// Somebody may not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{who} may not {} on {}: {because}", self.doing(), self.on.engine)]
pub struct Denied {
    /// Who, and their roles.
    pub who: String,
    /// What they wanted.
    pub action: Action,
    /// On what.
    pub on: Resource,
    /// Which rule says so, or that none permits it.
    pub because: String,
}

impl Denied {
    fn doing(&self) -> String {
        match self.on.what.as_str() {
            "" => self.action.name().to_owned(),
            what => format!("{} {what}", self.action.name()),
        }
    }

    /// What to do.
    pub fn todo(&self) -> String {
        format!(
            "ask somebody whose certificate has a role that may {}, or an administrator to change \
             the policy; GET /api/v1/whoami shows your roles",
            self.doing()
        )
    }
}

#[cfg(test)]
mod tests;
