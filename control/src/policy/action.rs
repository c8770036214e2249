//! [`Action`] and [`Resource`]: what is asked for, on what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody wants to do: one name per kind of thing, in policies and in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Look at engines.
    Read,
    /// Change limits.
    SetLimits,
    /// Change parameters of a strategy.
    SetParameters,
    /// Go back to an earlier version of limits or parameters.
    RollBack,
    /// Give the strategy another model, or an earlier one.
    SwapModel,
    /// Send a command.
    Command,
    /// Work on configurations.
    Configure,
    /// Engage the kill switch.
    Kill,
    /// Propose or approve that orders pass again.
    Release,
    /// Read the audit log.
    ReadAudit,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 10] = [
        Action::Read,
        Action::SetLimits,
        Action::SetParameters,
        Action::RollBack,
        Action::SwapModel,
        Action::Command,
        Action::Configure,
        Action::Kill,
        Action::Release,
        Action::ReadAudit,
    ];

    /// The name in policies, JSON and the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::SetLimits => "set_limits",
            Action::SetParameters => "set_parameters",
            Action::RollBack => "roll_back",
            Action::SwapModel => "swap_model",
            Action::Command => "command",
            Action::Configure => "configure",
            Action::Kill => "kill",
            Action::Release => "release",
            Action::ReadAudit => "read_audit",
        }
    }

    /// The kinds that policies may tell apart, in [`Resource::what`]; `[""]` where there is one.
    pub const fn kinds(self) -> &'static [&'static str] {
        match self {
            Action::Command => &["halt", "resume", "cancel_all", "snapshot", "rotate_journal"],
            Action::RollBack => &["limits", "strategy"],
            Action::Configure => &["draft", "validate", "canary", "apply", "roll_back"],
            _ => &[""],
        }
    }
}

/// What an action is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Name of the engine; `*` for all of them, and for what belongs to none.
    pub engine: String,
    /// The kind within the action, one of [`Action::kinds`]; empty where there is one kind.
    pub what: String,
    /// For [`Action::ReadAudit`]: whether only the caller's own entries are asked for.
    pub own: bool,
    /// Whether a configuration brings the change: it is asked for what it contains on every engine.
    pub configuration: bool,
}

impl Resource {
    /// One engine, or `*`.
    pub fn engine(name: impl Into<String>) -> Resource {
        Resource { engine: name.into(), what: String::new(), own: false, configuration: false }
    }

    /// All engines, or what belongs to none.
    pub fn all() -> Resource {
        Resource::engine("*")
    }

    /// The kind within the action.
    #[must_use]
    pub fn what(self, what: impl Into<String>) -> Resource {
        Resource { what: what.into(), ..self }
    }

    /// Only what the caller did.
    #[must_use]
    pub fn own(self) -> Resource {
        Resource { own: true, ..self }
    }

    /// By a configuration.
    #[must_use]
    pub fn by_configuration(self) -> Resource {
        Resource { configuration: true, ..self }
    }

    /// The same on each of these engines. A rule speaks of one engine: whatever is done to several
    /// must be allowed on every one of them.
    pub fn on_each<'a>(&self, engines: impl IntoIterator<Item = &'a str>) -> Vec<Resource> {
        let on = |engine: &str| Resource { engine: engine.into(), ..self.clone() };
        engines.into_iter().map(on).collect()
    }
}
