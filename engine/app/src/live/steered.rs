//! What control does to the engine: pages of parameters, models, requests.
//!
//! Model: each comes as an input, is judged here from what the engine was told before, and what became
//! of it is an output: so a journal that is run again has to judge alike. A request that the threads
//! around the core have to carry out (a snapshot of the views, a new segment of the journal) changes
//! nothing in here.

use nofx_gate::KillScope;
use nofx_mailbox::{ControlCommand, Refusal, Request, Scope, Why};
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::{AccountId, InstrumentId, Nanos};

use super::core::Outside;
use super::record::Answer;
use crate::hot_path::HotPath;
use crate::params::Refused;
use crate::params::page::{Page, PageKind, Taken};

/// What the engine remembers of control.
pub struct Steered {
    epoch: u32,
    /// The card takes no limits any more.
    gate_failed: bool,
    /// The last page of parameters, and the last model.
    last: [Option<Taken>; 2],
    /// Room for the words of a model.
    words: Box<[u64]>,
}

impl Steered {
    /// Of an engine that begins as `path` stands.
    pub fn new<S: Strategy, G>(path: &HotPath<S, G>) -> Steered {
        let words = path.strategy.model().map_or(0, |model| model.words);
        Steered {
            epoch: path.orders.epoch(),
            gate_failed: false,
            last: [None; 2],
            words: vec![0; words].into_boxed_slice(),
        }
    }

    /// Requests of an older epoch are refused from here on.
    pub fn fence(&mut self, epoch: u32) {
        self.epoch = self.epoch.max(epoch);
    }

    /// The gate has failed for good.
    pub fn gate_failed(&mut self) {
        self.gate_failed = true;
    }

    /// A page of parameters.
    pub fn params<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        path: &mut HotPath<S, G>,
        out: &mut impl Outside,
    ) {
        let Some(page) = Page::decode(bytes) else { return };
        let judged = match page.why {
            Why::None if self.gate_failed => Err(Refused::whole(Why::Gate)),
            Why::None => path.take_params(page.rows()),
            why => Err(Refused::whole(why)),
        };
        self.taken(now, PageKind::Params, &page, judged, out);
    }

    /// A model.
    pub fn model<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        path: &mut HotPath<S, G>,
        out: &mut impl Outside,
    ) {
        let Some(page) = Page::decode(bytes) else { return };
        let judged = match (page.why, path.strategy.model()) {
            (_, None) => Err(Refused::whole(Why::NotSupported)),
            (Why::None, _) if page.head.words == 0 => path.take_model(&[]),
            (Why::None, Some(shape)) if page.head.words as usize == shape.words => {
                self.words.iter_mut().zip(page.words()).for_each(|(place, word)| *place = word);
                path.take_model(&self.words)
            }
            (Why::None, Some(_)) => Err(Refused::whole(Why::Schema)),
            (why, Some(_)) => Err(Refused::whole(why)),
        };
        self.taken(now, PageKind::Model, &page, judged, out);
    }

    fn taken(
        &mut self,
        now: Nanos,
        kind: PageKind,
        page: &Page<'_>,
        judged: Result<(), Refused>,
        out: &mut impl Outside,
    ) {
        let refused = judged.err().unwrap_or_default();
        let taken = Taken { kind, head: page.head, refused };
        self.last[kind as usize] = Some(taken);
        out.taken(now, &taken);
    }

    /// A request, carried out as far as it concerns the core.
    pub fn request<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        request: Request,
        path: &mut HotPath<S, G>,
        out: &mut impl Outside,
    ) {
        let (refusal, value) = match self.obey(&request, path) {
            Ok(()) => (None, 0),
            Err((refusal, value)) => (Some(refusal), value),
        };
        out.answered(now, &Answer { request, refusal, value });
    }

    fn obey<S: Strategy, G: LimitGate>(
        &self,
        request: &Request,
        path: &mut HotPath<S, G>,
    ) -> Result<(), (Refusal, u64)> {
        let command = request.command.ok_or((Refusal::UnknownCommand, 0))?;
        if request.epoch < self.epoch {
            return Err((Refusal::Fenced, self.epoch.into()));
        }
        match command {
            ControlCommand::Halt => path.halt(true),
            ControlCommand::Resume => path.halt(false),
            ControlCommand::CancelAll(scope) => {
                let scope = scope_of(scope, path).ok_or((Refusal::UnknownScope, 0))?;
                path.sweep(scope);
            }
            ControlCommand::SetLimits { publication } => {
                self.is_in_force(PageKind::Params, publication)?;
            }
            ControlCommand::SwapModel { publication } => {
                self.is_in_force(PageKind::Model, publication)?;
            }
            ControlCommand::Snapshot | ControlCommand::RotateJournal => {}
        }
        Ok(())
    }

    /// Pages are taken as they are published: the last one is the one meant, or there is none.
    fn is_in_force(&self, kind: PageKind, publication: u64) -> Result<(), (Refusal, u64)> {
        match self.last[kind as usize] {
            Some(taken) if taken.head.publication == publication => match taken.refused.why {
                Why::None => Ok(()),
                why => Err((Refusal::PageRefused, why as u64)),
            },
            last => Err((Refusal::NotCurrent, last.map_or(0, |taken| taken.head.publication))),
        }
    }
}

/// The scope, if there is such an account or instrument.
fn scope_of<S, G>(scope: Scope, path: &HotPath<S, G>) -> Option<KillScope> {
    match scope {
        Scope::Global => Some(KillScope::Global),
        Scope::Account(account) => (usize::from(account) < path.params.accounts())
            .then_some(KillScope::Account(AccountId(account))),
        Scope::Symbol(id) => {
            (id < path.instruments.capacity()).then_some(KillScope::Symbol(InstrumentId(id)))
        }
    }
}
