//! What is wrong with a layout, and what is unwise.

use std::fmt;

use super::{LinkSpec, Policy, Stage, TileSpec, Topology};
use crate::tile::Idle;

/// A layout that cannot run; names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyError {
    /// Key of the configuration: `tile.trade.core`.
    pub key: String,
    /// What was found and what is wanted.
    pub reason: String,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

impl std::error::Error for TopologyError {}

/// A layout that runs, but slower or less evenly than one may expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Checked = Result<(), TopologyError>;

fn refuse(key: impl Into<String>, reason: impl Into<String>) -> Checked {
    Err(TopologyError { key: key.into(), reason: reason.into() })
}

impl Topology {
    /// Checks everything that can be known without running, on a machine that offers `cores`
    /// (see [`crate::sched::allowed_cores`]).
    ///
    /// # Errors
    /// The first key that cannot be used.
    pub fn check(&self, cores: &[usize]) -> Result<Vec<Warning>, TopologyError> {
        self.check_rules()?;
        for (at, tile) in self.tiles.iter().enumerate() {
            self.check_name(at, tile)?;
            self.check_core(tile, cores)?;
        }
        self.check_stages()?;
        for (at, link) in self.links.iter().enumerate() {
            self.check_link(at, link)?;
        }
        self.check_way()?;
        Ok(self.warnings(cores))
    }

    fn check_rules(&self) -> Checked {
        let rules = &self.rules;
        if !(1..=1_000_000_000).contains(&rules.sleep_ns) {
            return refuse("topology.sleep_ns", format!("{}: want 1 to 10^9", rules.sleep_ns));
        }
        if !(1..=10_000_000_000).contains(&rules.house_keeping_ns) {
            let want = format!("{}: want 1 to 10^10", rules.house_keeping_ns);
            return refuse("topology.house_keeping_ns", want);
        }
        if !(1..=4_096).contains(&rules.burst) {
            return refuse("topology.burst", format!("{}: want 1 to 4096", rules.burst));
        }
        Ok(())
    }

    fn check_name(&self, at: usize, tile: &TileSpec) -> Checked {
        let name = &tile.name;
        let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !letters || !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.len() > 15 {
            let want = "want up to 15 lower-case letters and digits, a letter first";
            return refuse("tile.name", format!("{name:?}: {want}"));
        }
        if self.tiles.iter().take(at).any(|earlier| earlier.name == *name) {
            return refuse("tile.name", format!("two tiles are named {name}"));
        }
        Ok(())
    }

    fn check_core(&self, tile: &TileSpec, cores: &[usize]) -> Checked {
        let key = format!("tile.{}.core", tile.name);
        let Some(core) = tile.core else {
            return match self.rules.strict {
                true => refuse(key, "missing: topology.strict wants a core for every tile"),
                false => Ok(()),
            };
        };
        if !cores.contains(&core) {
            let want = format!("{core}: this process may run on {}", list(cores));
            return refuse(key, want);
        }
        let other = self.tiles.iter().find(|t| t.core == Some(core) && t.name != tile.name);
        match other.filter(|_| self.rules.strict) {
            Some(other) => refuse(
                key,
                format!("{core} is also that of {}: topology.strict refuses that", other.name),
            ),
            None => Ok(()),
        }
    }

    fn check_stages(&self) -> Checked {
        for tile in &self.tiles {
            let key = || format!("tile.{}.stages", tile.name);
            if tile.stages.is_empty() {
                return refuse(key(), "empty: want at least one stage");
            }
            let all = || self.tiles.iter().flat_map(|t| &t.stages);
            let twice = |stage: &&Stage| all().filter(|s| s == stage).count() > 1;
            if let Some(stage) = tile.stages.iter().find(twice) {
                return refuse(key(), format!("{} stands twice", stage.name()));
            }
        }
        let all = Stage::WAY.iter().chain(&[Stage::House]);
        match all.into_iter().find(|stage| self.tile_of(**stage).is_none()) {
            Some(stage) => refuse("tile.stages", format!("no tile runs {}", stage.name())),
            None => Ok(()),
        }
    }

    fn check_link(&self, at: usize, link: &LinkSpec) -> Checked {
        let LinkSpec { name, depth, .. } = link;
        let Some((producer, consumer)) = link.ends() else {
            return refuse("link.name", format!("{name:?}: want PRODUCER_CONSUMER, two tiles"));
        };
        if let Some(end) = [producer, consumer].into_iter().find(|end| self.tile(end).is_none()) {
            return refuse("link.name", format!("{name:?}: there is no tile {end:?}"));
        }
        if producer == consumer {
            return refuse("link.name", format!("{name:?}: a tile needs no link to itself"));
        }
        if self.links.iter().take(at).any(|earlier| earlier.name == *name) {
            return refuse("link.name", format!("two links are named {name}"));
        }
        if !depth.is_power_of_two() || !(2..=1 << 20).contains(depth) {
            let want = "want a power of two from 2 to 1048576";
            return refuse(format!("link.{name}.depth"), format!("{depth}: {want}"));
        }
        if !self.joins().any(|(_, expected)| expected == *name) {
            let reason =
                format!("{name:?}: no stage of {producer} is followed by one of {consumer}");
            return refuse("link.name", reason);
        }
        Ok(())
    }

    /// Where the way goes from one tile to another: the stage before, and the name of the link.
    fn joins(&self) -> impl Iterator<Item = (Stage, String)> + '_ {
        Stage::WAY.windows(2).filter_map(|pair| {
            let [before, after] = pair else { return None };
            let (producer, consumer) = (self.tile_of(*before)?, self.tile_of(*after)?);
            let crosses = producer.name != consumer.name;
            crosses.then(|| (*before, format!("{}_{}", producer.name, consumer.name)))
        })
    }

    fn check_way(&self) -> Checked {
        for (before, name) in self.joins() {
            let Some(link) = self.link(&name) else {
                return refuse(
                    "link",
                    format!("{name} is missing, for what {} sends on", before.name()),
                );
            };
            if before >= Stage::Signal && link.policy == Policy::Overrun {
                let want = "overrun would lose orders: want credit";
                return refuse(format!("link.{name}.policy"), want);
            }
        }
        Ok(())
    }

    fn warnings(&self, cores: &[usize]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |text: String| warnings.push(Warning(text));
        if self.tiles.len() > cores.len() {
            let (tiles, cores) = (self.tiles.len(), cores.len());
            warn(format!("{tiles} tiles on {cores} cores: some wait while others run"));
        }
        for (at, tile) in self.tiles.iter().enumerate() {
            let (name, shares) =
                (&tile.name, |t: &&TileSpec| tile.core.is_some() && t.core == tile.core);
            if let Some(other) = self.tiles.iter().take(at).find(shares) {
                warn(format!(
                    "tiles {} and {name} share core {}",
                    other.name,
                    tile.core.unwrap_or(0)
                ));
            }
            let spins = matches!(self.idle(tile), Idle::Spin | Idle::Pause);
            if spins && !self.has_own_core(tile) {
                warn(format!(
                    "tile {name} spins without a core of its own: it takes the time of others"
                ));
            }
        }
        for (before, name) in self.joins().filter(|(before, _)| *before < Stage::Signal) {
            if self.link(&name).is_some_and(|link| link.policy == Policy::Credit) {
                let what = before.name();
                warn(format!(
                    "link {name} has credit: when it is full, {what} stops taking packets"
                ));
            }
        }
        warnings
    }
}

fn list(cores: &[usize]) -> String {
    let names: Vec<String> = cores.iter().map(usize::to_string).collect();
    if names.is_empty() { "no core".into() } else { format!("cores {}", names.join(", ")) }
}
