//! What control is told of its pages: taken, in force or refused, and when first traded under.

use nofx_mailbox::AckView;
use nofx_rt::clock::cycles;

use super::clock::EngineClock;
use crate::params::page::Taken;

/// The acknowledgements of parameters and of models.
pub struct Acks {
    views: [AckView; 2],
    clock: EngineClock,
    /// Something is in force that nothing was decided under.
    unused: bool,
    /// What holds has changed, or what is known of the instruments it holds for.
    in_force: bool,
    changed: bool,
}

impl Acks {
    /// Nothing was taken yet.
    pub fn new(clock: EngineClock) -> Acks {
        let views = [AckView::default(); 2];
        Acks { views, clock, unused: false, in_force: true, changed: true }
    }

    /// A page is in force, or was refused.
    pub fn take(&mut self, taken: &Taken) {
        let now = self.clock.now();
        let (view, head) = (&mut self.views[taken.kind as usize], taken.head);
        view.seen = head.publication;
        match taken.is_applied() {
            true => {
                (view.applied, view.applied_version) = (head.publication, head.version);
                (view.applied_at_ns, view.applied_cycles) = (now.0, cycles());
                view.first_used_ns = 0;
                self.unused = true;
            }
            false => {
                (view.refused, view.refused_version) = (head.publication, head.version);
                let refused = taken.refused;
                (view.why, view.row) = (refused.why as u32, refused.row);
                (view.value, view.refused_at_ns) = (refused.value, now.0);
            }
        }
        self.changed = true;
        self.in_force |= taken.is_applied();
    }

    /// An order was decided, whatever came of it.
    #[inline]
    pub fn decided(&mut self) {
        if self.unused {
            self.first();
        }
    }

    #[cold]
    fn first(&mut self) {
        let now = self.clock.now();
        self.unused = false;
        self.changed = true;
        for view in self.views.iter_mut().filter(|v| v.applied > 0 && v.first_used_ns == 0) {
            view.first_used_ns = now.0;
        }
    }

    /// An instrument was defined: its limits follow from it.
    pub fn defined(&mut self) {
        self.in_force = true;
    }

    /// Whether what is in force is to be shown anew; once.
    pub fn take_in_force(&mut self) -> bool {
        std::mem::take(&mut self.in_force)
    }

    /// The acknowledgements, parameters first, when they have changed; once.
    pub fn take_changed(&mut self) -> Option<[AckView; 2]> {
        std::mem::take(&mut self.changed).then_some(self.views)
    }

    /// Whether [`Acks::take_changed`] has something.
    #[inline]
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Whether a page was put into force since it was shown what is.
    pub fn has_in_force(&self) -> bool {
        self.in_force
    }

    /// Pages of either kind that are in force: their publications.
    pub fn applied(&self) -> [u64; 2] {
        self.views.map(|view| view.applied)
    }
}
