//! [`Hold`]: everything stays engaged on every engine while a reason lasts.

use std::collections::BTreeSet;

use super::scope::Covered;
use super::target::{self, Outcome, Target};

/// Engages what says that it is not engaged, look by look, and tells each change once: what is engaged
/// already is left alone, so that nothing is counted as a change that is none.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    /// Engines that could not be engaged, and were told of.
    failed: BTreeSet<String>,
}

/// What a look came to.
#[derive(Debug, Default)]
pub struct Looked {
    /// What is to be told: engaged now, or that an engine cannot be.
    pub news: Vec<Outcome>,
    /// Engines that are not known to be engaged.
    pub open: Vec<Target>,
}

impl Hold {
    /// Engages all of them, engaged or not; blocks for at most two seconds.
    pub fn engage(&mut self, targets: &[Target], covered: &Covered) -> Looked {
        let covered = covered.clone();
        let outcomes = target::on_all(targets, move |target| target.engage(&covered));
        let is_open = |name: &str| outcomes.iter().any(|o| o.engine == name && !o.is_engaged());
        let open: Vec<Target> = targets.iter().filter(|t| is_open(&t.name)).cloned().collect();
        for outcome in &outcomes {
            match outcome.is_engaged() {
                true => self.failed.remove(&outcome.engine),
                false => self.failed.insert(outcome.engine.clone()),
            };
        }
        Looked { news: outcomes, open }
    }

    /// Engages those that say they are not engaged; blocks for at most four seconds. One that cannot
    /// be read is tried once, and again when it can be.
    pub fn look(&mut self, targets: &[Target], covered: &Covered) -> Looked {
        let scope = covered.clone();
        let found = target::ask_all(targets, move |target| target.is_engaged(&scope));
        let (mut open, mut silent) = (Vec::new(), Vec::new());
        for (target, is_engaged) in targets.iter().zip(found) {
            match is_engaged.and_then(|answer| answer) {
                Ok(true) => _ = self.failed.remove(&target.name),
                Ok(false) => open.push(target.clone()),
                Err(_) if self.failed.contains(&target.name) => silent.push(target.clone()),
                Err(_) => open.push(target.clone()),
            }
        }
        let told = self.failed.clone();
        let mut looked = self.engage(&open, covered);
        looked.news.retain(|outcome| outcome.is_engaged() || !told.contains(&outcome.engine));
        looked.open.extend(silent);
        looked
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nofx_mailbox::{Engine, Scope, Spec, Switch, Watcher};

    use super::*;

    const EVERYTHING: Covered = Covered::Exactly(Scope::Global);

    fn engine(mailbox: &Path) -> Engine {
        Engine::create(mailbox, &Spec { engine: "test".into(), ..Spec::default() }).expect("a file")
    }

    fn generation(mailbox: &Path) -> u64 {
        Watcher::attach(mailbox).expect("readable").kill_words().generation()
    }

    fn told(looked: &Looked) -> Vec<(&str, &str)> {
        looked.news.iter().map(|outcome| (outcome.engine.as_str(), outcome.result)).collect()
    }

    #[test]
    fn what_is_engaged_is_left_alone_and_what_is_absent_is_told_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let (here, later) = (dir.path().join("here"), dir.path().join("later"));
        let _here = engine(&here);
        let targets = [Target::new("here", &here), Target::new("later", &later)];
        let mut hold = Hold::default();
        let first = hold.engage(&targets, &EVERYTHING);
        assert_eq!(told(&first), [("here", "engaged"), ("later", "failed")]);
        let before = generation(&here);
        for _ in 0..3 {
            let again = hold.look(&targets, &EVERYTHING);
            assert!(told(&again).is_empty(), "{again:?}");
            assert_eq!(again.open.len(), 1, "the absent one");
        }
        assert_eq!(generation(&here), before, "no change that is none");
        // It comes, goes and comes.
        let came = engine(&later);
        assert_eq!(told(&hold.look(&targets, &EVERYTHING)), [("later", "engaged")]);
        assert!(hold.look(&targets, &EVERYTHING).open.is_empty());
        drop(came);
        std::fs::remove_file(&later).expect("removed");
        assert_eq!(told(&hold.look(&targets, &EVERYTHING)), [("later", "failed")]);
        assert!(told(&hold.look(&targets, &EVERYTHING)).is_empty());
        // Somebody lets orders pass beside this process.
        let mut switch = Switch::open(&here).expect("a switch");
        switch.release(Scope::Global).expect("released");
        assert_eq!(told(&hold.look(&targets, &EVERYTHING)), [("here", "engaged")]);
    }
}
