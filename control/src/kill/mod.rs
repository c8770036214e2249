//! The kill switch: engaged by one person at once, released by two with reasons and checks.
//!
//! ```text
//!   POST /kill ──┐                                             ┌─ kill words of engine A
//!   kill file ───┼──> KillDesk ──> a thread per engine ──────> ├─ of engine B
//!   clock ───────┘        └──> audit, after the effect         └─ of engine C: cannot be opened,
//!                                                                 named in the answer
//!   nofx-control kill, nofx kill: the same words, without this process
//!
//!   propose (one person, reason, checks) ──window──> approve (another person, checks again)
//!           ──> audit on disk ──> release
//! ```
//!
//! Model: a kill is a bit in the engine's mailbox that its gate reads on every order
//! (`nofx_mailbox`); it holds from the store on, and over restarts. Engaging needs nothing but that
//! file: neither the audit log, nor the engine, nor the others. Releasing needs everything: two
//! people (names differ; a second certificate of one person is one person), a reason, checks at both
//! times, the audit entry on disk first. Proposals live in memory and end with the process: fail
//! closed. They are void when the kill words changed since, or the engine is another one.
//!
//! Worst case: a hung mailbox holds a thread, at most sixteen each; the answer comes after two
//! seconds and says "unknown" for it. Where no thread can be had, engines are engaged one after the
//! other. Between release and the look that nobody engaged meanwhile lie
//! some microseconds in which orders may pass.

mod act;
mod answers;
mod checks;
pub mod cli;
mod desk;
pub mod file;
mod hold;
mod scope;
mod target;
mod watch;

pub use act::{By, Engaged, engage, hold};
pub use answers::{Answers, once};
pub use checks::{Check, Finding};
pub use desk::{EngineKill, KillDesk, NotReleased, Proposal, Wanted};
pub use hold::Hold;
pub use scope::{Covered, NoSuchScope};
pub use target::{Outcome, Target};
pub use watch::watch;
