//! [`KillDesk`]: engages at one person's word, releases at two.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nofx_mailbox::{MailboxError, Watcher};
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::Answers;
use super::checks::{self, Check, Finding};
use super::file;
use super::scope::Covered;
use super::target::{self, Mark, Outcome, Target};
use crate::config::Config;
use crate::failure::Failure;
use crate::identity::{Caller, Peer};
use crate::policy::{Action, Policy, Resource};
use crate::time;

/// Proposals at a time: people make them.
const PROPOSALS_MAX: usize = 64;

/// The version of limits that each engine should run, as the store says; 0 or absent: no version.
pub type Wanted = HashMap<String, u64>;

/// Engagements and pending releases of the configured engines.
pub struct KillDesk {
    targets: Vec<Target>,
    file: Option<PathBuf>,
    window: Duration,
    checks: Vec<Check>,
    proposals: Mutex<Vec<Proposal>>,
    answers: Answers,
}

/// A release that one person asked for.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its id: not to be guessed.
    pub id: String,
    /// The engine, or `*`.
    pub engine: String,
    /// What is to be released.
    pub covered: Covered,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub by: Caller,
    /// Their certificate: judged again when somebody agrees.
    pub peer: Peer,
    /// When, nanoseconds since 1970.
    pub at: u64,
    /// Until when somebody else may agree, nanoseconds since 1970; for people.
    pub expires: u64,
    /// The same by the monotonic clock, which decides.
    deadline: Instant,
    /// The state that it is for.
    marks: Vec<(Target, Mark)>,
}

impl EngineKill {
    fn of(target: &Target) -> Result<EngineKill, MailboxError> {
        let watcher = Watcher::attach(&target.mailbox)?;
        Ok(EngineKill {
            engine: target.name.clone(),
            readable: true,
            alive: watcher.is_alive(time::now()),
            engaged: target::engaged(&watcher),
            epoch: watcher.kill_words().epoch(),
            generation: watcher.kill_words().generation() << 1 >> 1,
            detail: String::new(),
        })
    }

    fn unknown(target: &Target, detail: String) -> EngineKill {
        EngineKill {
            engine: target.name.clone(),
            readable: false,
            alive: false,
            engaged: Vec::new(),
            epoch: 0,
            generation: 0,
            detail,
        }
    }
}

impl Proposal {
    /// Judges whoever proposed it as of now: time and revocation of the certificate, and the policy.
    fn may_still_release(&self, policy: &Policy) -> Result<(), String> {
        let caller = self.peer.caller().map_err(|refusal| refusal.to_string())?;
        let (on, each) =
            (Resource::engine(&self.engine), self.marks.iter().map(|(of, _)| &*of.name));
        policy.check_each(&caller, Action::Release, &on, each).map_err(|denied| denied.to_string())
    }
}

/// The kill words of one engine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EngineKill {
    /// Its name.
    pub engine: String,
    /// Whether its mailbox can be read; if not, `detail` says why, and nothing else is known.
    pub readable: bool,
    /// Whether its process runs.
    pub alive: bool,
    /// Everything that is engaged.
    pub engaged: Vec<String>,
    /// Epochs below are fenced off.
    pub epoch: u32,
    /// Changes of the kill words so far.
    pub generation: u64,
    /// What is wrong.
    pub detail: String,
}

/// Why a release is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// There is no such engine.
    #[error("there is no engine {0:?}")]
    NoEngine(String),
    /// No reason was given.
    #[error("a release needs a reason")]
    NoReason,
    /// There is nothing to release.
    #[error("{0} is not engaged on {1}")]
    NotEngaged(String, String),
    /// A check failed.
    #[error("{}", failed(.0))]
    Checks(Vec<Finding>),
    /// Nobody proposed it, or it was used or withdrawn, or this process started anew.
    #[error(
        "there is no proposal of this id: it was used, withdrawn or void, or this process started anew"
    )]
    NoProposal,
    /// Too late.
    #[error("the time for the second person is over")]
    WindowOver,
    /// One person twice.
    #[error("{0} proposed it: another person must agree, another certificate is not enough")]
    SamePerson(String),
    /// Whoever proposed it may not release any more.
    #[error("void: {0} proposed it, and may not release any more: {1}")]
    ProposerOut(String, String),
    /// Somebody engaged again, or the engine is another one.
    #[error(
        "void: since it was proposed, somebody engaged or released something on {0}, or it started anew"
    )]
    Changed(String),
    /// People make few proposals.
    #[error("too many proposals wait already")]
    TooMany,
}

fn failed(findings: &[Finding]) -> String {
    let bad = findings.iter().filter(|finding| !finding.ok);
    let bad = bad.map(|finding| format!("{} {}: {}", finding.engine, finding.name, finding.detail));
    bad.collect::<Vec<_>>().join("; ")
}

impl KillDesk {
    /// The desk of these engines.
    ///
    /// # Errors
    /// A check does not exist, or the folder of the kill file is not there.
    pub fn open(config: &Config) -> Result<KillDesk, Failure> {
        let checks = config.kill.release_checks.iter().map(|name| name.parse());
        let checks: Vec<Check> = checks
            .collect::<Result<_, String>>()
            .map_err(|e| Failure::usage(format!("kill.release_checks: {e}")))?;
        if let Some(path) = &config.kill.file {
            file::can_be_watched(path).map_err(|e| Failure::usage(format!("kill.file: {e}")))?;
        }
        let engines = config.engine.iter();
        Ok(KillDesk {
            targets: engines.map(|engine| Target::new(&engine.name, &engine.mailbox)).collect(),
            file: config.kill.file.clone(),
            window: Duration::from_secs(config.kill.release_window_s),
            checks,
            proposals: Mutex::default(),
            answers: Answers::default(),
        })
    }

    /// The file whose existence engages everything.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// How long the second person has.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// What was answered about releases.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The engines that `name` means; `*` means all.
    fn targets(&self, name: &str) -> Option<Vec<Target>> {
        let found = self.targets.iter().filter(|target| name == "*" || target.name == name);
        let found: Vec<Target> = found.cloned().collect();
        (name == "*" || !found.is_empty()).then_some(found)
    }

    /// Engages on one engine or all (`*`); blocks for at most two seconds. `None`: no such engine.
    pub fn engage(&self, engine: &str, covered: &Covered) -> Option<Vec<Outcome>> {
        let covered = covered.clone();
        Some(target::on_all(&self.targets(engine)?, move |target| target.engage(&covered)))
    }

    /// Every engine.
    pub fn all(&self) -> &[Target] {
        &self.targets
    }

    /// The kill words of every engine; blocks for at most two seconds.
    pub fn state(&self) -> Vec<EngineKill> {
        let found = target::ask_all(&self.targets, |target| {
            EngineKill::of(target).map_err(|error| error.to_string())
        });
        let shown = |(target, found): (&Target, Result<Result<EngineKill, String>, String>)| {
            found.and_then(|found| found).unwrap_or_else(|why| EngineKill::unknown(target, why))
        };
        self.targets.iter().zip(found).map(shown).collect()
    }

    /// Proposals that may still be agreed to.
    pub fn proposals(&self) -> Vec<Proposal> {
        let mut proposals = self.locked();
        proposals.retain(|proposal| proposal.deadline > Instant::now());
        proposals.clone()
    }

    /// One person asks for a release.
    ///
    /// # Errors
    /// It is not engaged, a check fails, or there is no reason.
    pub fn propose(
        &self,
        by: (&Caller, &Peer),
        engine: &str,
        covered: &Covered,
        reason: &str,
        wanted: &Wanted,
    ) -> Result<(Proposal, Vec<Finding>), NotReleased> {
        let targets = self.targets(engine).ok_or_else(|| NotReleased::NoEngine(engine.into()))?;
        if reason.trim().is_empty() {
            return Err(NotReleased::NoReason);
        }
        // Marks before anything is looked at: what changes later voids the proposal.
        let mut marks = Vec::new();
        for target in targets {
            let mark = Watcher::attach(&target.mailbox).map(|watcher| Mark::of(&watcher));
            match (mark, target.is_engaged(covered)) {
                (Ok(mark), Ok(true)) => marks.push((target, mark)),
                (Ok(_), Ok(false)) => {}
                // Not to be read: the check of the engine will say so.
                _ => return Err(NotReleased::Checks(self.unreadable(&target, covered))),
            }
        }
        if marks.is_empty() {
            return Err(NotReleased::NotEngaged(covered.to_string(), engine.into()));
        }
        let findings = self.look(&marks, wanted);
        if findings.iter().any(|finding| !finding.ok) {
            return Err(NotReleased::Checks(findings));
        }
        let at = time::now().0;
        let proposal = Proposal {
            id: id(),
            engine: engine.to_owned(),
            covered: covered.clone(),
            reason: reason.trim().to_owned(),
            by: by.0.clone(),
            peer: by.1.clone(),
            at,
            expires: at.saturating_add(self.window.as_nanos() as u64),
            deadline: Instant::now() + self.window,
            marks,
        };
        let mut proposals = self.locked();
        proposals.retain(|proposal| proposal.deadline > Instant::now());
        if proposals.len() >= PROPOSALS_MAX {
            return Err(NotReleased::TooMany);
        }
        proposals.push(proposal.clone());
        Ok((proposal, findings))
    }

    /// Another person agrees: everything is looked at again, whoever proposed it too. The proposal is
    /// taken out when the answer is good; [`KillDesk::release`] does it, [`KillDesk::put_back`] undoes
    /// the taking.
    ///
    /// # Errors
    /// It is the same person, too late, void, or a check fails.
    pub fn agree(
        &self,
        id: &str,
        by: &Caller,
        policy: &Policy,
        wanted: &Wanted,
    ) -> Result<(Proposal, Vec<Finding>), NotReleased> {
        let proposal = {
            let proposals = self.locked();
            let found = proposals.iter().find(|proposal| proposal.id == id);
            found.cloned().ok_or(NotReleased::NoProposal)?
        };
        if proposal.by.is_same_person(&by.person) || proposal.by.fingerprint == by.fingerprint {
            return Err(NotReleased::SamePerson(proposal.by.person));
        }
        if proposal.deadline <= Instant::now() {
            self.withdraw(id);
            return Err(NotReleased::WindowOver);
        }
        if let Err(why) = proposal.may_still_release(policy) {
            self.withdraw(id);
            return Err(NotReleased::ProposerOut(proposal.by.person, why));
        }
        let changed = |(target, mark): &&(Target, Mark)| {
            Watcher::attach(&target.mailbox).map_or(true, |watcher| Mark::of(&watcher) != *mark)
        };
        if let Some((target, _)) = proposal.marks.iter().find(changed) {
            self.withdraw(id);
            return Err(NotReleased::Changed(target.name.clone()));
        }
        let findings = self.look(&proposal.marks, wanted);
        if findings.iter().any(|finding| !finding.ok) {
            return Err(NotReleased::Checks(findings));
        }
        // Of two who agree at once, one finds it gone.
        self.withdraw(id).ok_or(NotReleased::NoProposal)?;
        Ok((proposal, findings))
    }

    /// Lets the orders of an agreed proposal pass; blocks for at most two seconds.
    pub fn release(&self, proposal: &Proposal) -> Vec<Outcome> {
        let targets: Vec<Target> =
            proposal.marks.iter().map(|(target, _)| target.clone()).collect();
        let (covered, marks) = (proposal.covered.clone(), proposal.marks.clone());
        target::on_all(&targets, move |target| {
            let mark = marks.iter().find(|(of, _)| of.name == target.name).map(|(_, mark)| *mark);
            // Every target comes from the marks.
            mark.map_or_else(|| target.engage(&covered), |mark| target.release(&covered, mark))
        })
    }

    /// Puts a proposal back that was agreed to and could not be carried out.
    pub fn put_back(&self, proposal: Proposal) {
        let mut proposals = self.locked();
        if proposals.len() < PROPOSALS_MAX {
            proposals.push(proposal);
        }
    }

    /// Takes a proposal back.
    pub fn withdraw(&self, id: &str) -> Option<Proposal> {
        let mut proposals = self.locked();
        let place = proposals.iter().position(|proposal| proposal.id == id)?;
        Some(proposals.swap_remove(place))
    }

    fn look(&self, marks: &[(Target, Mark)], wanted: &Wanted) -> Vec<Finding> {
        let now = time::now();
        let engines = marks.iter().flat_map(|(target, _)| {
            let wanted = wanted.get(&target.name).copied().unwrap_or(0);
            checks::look(target, &self.checks, wanted, now)
        });
        let file = self.file.as_deref().map(|path| {
            let there = file::why(path);
            let ok = there.is_none();
            let detail = there.map_or("the kill file is not there".into(), |why| {
                format!("{why}: remove the file, or make its folder again, first")
            });
            Finding { engine: "*".into(), name: "file", ok, detail }
        });
        engines.chain(file).collect()
    }

    fn unreadable(&self, target: &Target, covered: &Covered) -> Vec<Finding> {
        let mut findings = checks::look(target, &[], 0, time::now());
        if let Err(detail) = target.is_engaged(covered) {
            let engine = target.name.clone();
            findings.push(Finding { engine, name: "engine", ok: false, detail });
        }
        findings
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Proposal>> {
        self.proposals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 random bits; without random numbers an id that nobody can name.
fn id() -> String {
    let mut bytes = [0; 16];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => crate::identity::subject::hex(&bytes),
        Err(_) => String::new(),
    }
}
