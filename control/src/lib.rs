//! The slow path beside the engine: it steers, records and shows, and can never slow the engine.
//!
//! ```text
//!   browser, ctl, programs                      Prometheus, OpenTelemetry
//!        │ HTTPS, client certificate                  ▲
//!  ┌─────▼──────────────────────────────────────────────────────────────┐
//!  │ server ─> identity ─> api ─> policy ─> change ─> audit             │
//!  │                        │                 │         (fsync)         │
//!  │                        ▼                 ▼                         │
//!  │                    link: one thread per engine     kill, clock     │
//!  └────────────────────────┬─────────────────┬─────────────────────────┘
//!                  read-only map      pages, commands, kill words
//!                           ▼                 ▼
//!                     mailbox of engine A, of engine B, ...
//! ```
//!
//! Model: [`App`] holds every part and is what handlers of the [`api`] are given. The engines are seen
//! and steered through their mailboxes alone ([`link`]); a restart of either side is an ordinary event.
//! What changes anything goes one way, [`change`]: allowed by the [`policy`], valid, written to the
//! [`audit`] log before its effect, and answered with what became of it, which may be "unknown".
//!
//! Worst case: memory is bounded everywhere (connections, bodies, rings, pages of lists); what cannot
//! be read, is too old or was not answered in time is never shown as healthy.
#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod audit;
pub mod change;
pub mod check;
pub mod clock;
pub mod config;
pub mod console;
pub mod ctl;
pub mod denials;
pub mod failure;
pub mod identity;
pub mod kill;
pub mod link;
pub mod lock;
pub mod metrics;
pub mod pki;
pub mod policy;
pub mod problem;
pub mod report;
pub mod server;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod time;

pub use app::App;
pub use config::Config;
pub use failure::Failure;
pub use identity::{Caller, Role};
pub use problem::Problem;
