//! Which tile runs which stages on which core, and which links join them.
//!
//! Plain data out of three parts of one TOML file: `[topology]`, `[[tile]]`, `[[link]]`. Without
//! tiles it is the default layout: `trade` takes a packet to an order, `house` keeps house. A
//! link is named `producer_consumer`; between two stages that follow each other on different
//! tiles there is exactly one. [`Topology::check`] says what is wrong, by key, and what is unwise.

mod check;
mod table;

use serde::Deserialize;

pub use check::{TopologyError, Warning};

use crate::tile::{Idle, Placement};

/// The layout of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topology {
    /// Section `[topology]`.
    #[serde(rename = "topology")]
    pub rules: Rules,
    /// Sections `[[tile]]`.
    #[serde(rename = "tile")]
    pub tiles: Vec<TileSpec>,
    /// Sections `[[link]]`.
    #[serde(rename = "link")]
    pub links: Vec<LinkSpec>,
}

/// What holds for all tiles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Refuse tiles that share a core or have none.
    pub strict: bool,
    /// Ask for SCHED_FIFO for the tiles that have a core.
    pub fifo: bool,
    /// How long a tile with `idle = "sleep"` sleeps, nanoseconds.
    pub sleep_ns: u64,
    /// Time between two house-keepings of a tile, nanoseconds.
    pub house_keeping_ns: u64,
    /// Items that a tile takes in one turn, at most.
    pub burst: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            strict: false,
            fifo: false,
            sleep_ns: 50_000,
            house_keeping_ns: 1_000_000,
            burst: 64,
        }
    }
}

/// A part of the way from packet to order, in this order; `house` is beside the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Takes packets off the ports.
    Receive,
    /// Arbitrates lines, translates to book events.
    Feed,
    /// Keeps the books.
    Book,
    /// Runs the strategy.
    Signal,
    /// Judges intents.
    Risk,
    /// Order states, bytes, the session.
    Order,
    /// Journal to disk, whatever may wait.
    House,
}

impl Stage {
    /// The stages from packet to order.
    pub const WAY: [Stage; 6] =
        [Stage::Receive, Stage::Feed, Stage::Book, Stage::Signal, Stage::Risk, Stage::Order];

    /// Name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Receive => "receive",
            Stage::Feed => "feed",
            Stage::Book => "book",
            Stage::Signal => "signal",
            Stage::Risk => "risk",
            Stage::Order => "order",
            Stage::House => "house",
        }
    }
}

/// One `[[tile]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TileSpec {
    /// Lower-case letters and digits, a letter first.
    pub name: String,
    /// Core it is pinned to; without one the kernel chooses.
    #[serde(default)]
    pub core: Option<usize>,
    /// What it runs.
    pub stages: Vec<Stage>,
    /// What it does when there is nothing to do; by default `spin` where it has a core of its
    /// own, `yield` elsewhere.
    #[serde(default)]
    pub idle: Option<IdleName>,
}

/// Idle policies by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdleName {
    /// Turn again at once.
    Spin,
    /// Turn again after a pause instruction.
    Pause,
    /// Offer the core to others.
    Yield,
    /// Sleep `sleep_ns`.
    Sleep,
}

/// One `[[link]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// `producer_consumer`, two tiles.
    pub name: String,
    /// Items it holds; a power of two.
    #[serde(default = "default_depth")]
    pub depth: usize,
    /// What happens when it is full.
    pub policy: Policy,
}

fn default_depth() -> usize {
    4_096
}

/// What a full link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The new item is lost and counted: market data.
    Overrun,
    /// The producer waits for credit and loses nothing: orders.
    Credit,
}

impl Topology {
    /// This layout, or the default one on `cores` when no tile is named.
    #[must_use]
    pub fn or_default(self, cores: &[usize]) -> Topology {
        if self.tiles.is_empty() && self.links.is_empty() {
            Topology { rules: self.rules, ..Topology::single(cores) }
        } else {
            self
        }
    }

    /// Packet to order on one tile, house-keeping on another. With two cores or more `trade` has
    /// the last one for itself, and `house` the first; with one, neither is pinned.
    pub fn single(cores: &[usize]) -> Topology {
        let (first, last) = ends(cores);
        Topology {
            rules: Rules::default(),
            tiles: vec![tile("trade", last, &Stage::WAY), house(first)],
            links: Vec::new(),
        }
    }

    /// Packets are taken on a tile of their own and reach `trade` over a link that overruns.
    pub fn split(cores: &[usize]) -> Topology {
        let (first, last) = ends(cores);
        let before = cores.len().checked_sub(2).and_then(|at| cores.get(at)).copied();
        let receive = before.filter(|core| Some(*core) != first);
        Topology {
            rules: Rules::default(),
            tiles: vec![
                tile("receive", receive, &Stage::WAY[..1]),
                tile("trade", last, &Stage::WAY[1..]),
                house(first),
            ],
            links: vec![LinkSpec {
                name: "receive_trade".into(),
                depth: default_depth(),
                policy: Policy::Overrun,
            }],
        }
    }

    /// The tile of this name.
    pub fn tile(&self, name: &str) -> Option<&TileSpec> {
        self.tiles.iter().find(|tile| tile.name == name)
    }

    /// The tile that runs `stage`.
    pub fn tile_of(&self, stage: Stage) -> Option<&TileSpec> {
        self.tiles.iter().find(|tile| tile.stages.contains(&stage))
    }

    /// The link of this name.
    pub fn link(&self, name: &str) -> Option<&LinkSpec> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Whether no other tile is pinned to the core of `tile`.
    pub fn has_own_core(&self, tile: &TileSpec) -> bool {
        tile.core.is_some() && self.tiles.iter().filter(|t| t.core == tile.core).count() == 1
    }

    /// The idle policy of `tile`, by its key or by default.
    pub fn idle(&self, tile: &TileSpec) -> Idle {
        match tile.idle {
            Some(IdleName::Spin) => Idle::Spin,
            Some(IdleName::Pause) => Idle::Pause,
            Some(IdleName::Yield) => Idle::Yield,
            Some(IdleName::Sleep) => Idle::Sleep(self.rules.sleep_ns),
            None if self.has_own_core(tile) => Idle::Spin,
            None => Idle::Yield,
        }
    }

    /// Where the thread of `tile` is to run.
    pub fn placement(&self, tile: &TileSpec) -> Placement {
        let fifo = self.rules.fifo && tile.core.is_some();
        Placement { name: tile.name.clone(), core: tile.core, fifo }
    }
}

impl LinkSpec {
    /// Names of its two tiles.
    pub fn ends(&self) -> Option<(&str, &str)> {
        self.name.split_once('_')
    }
}

fn tile(name: &str, core: Option<usize>, stages: &[Stage]) -> TileSpec {
    TileSpec { name: name.into(), core, stages: stages.to_vec(), idle: None }
}

/// House-keeping waits for disks anyway, and is late without harm.
fn house(core: Option<usize>) -> TileSpec {
    TileSpec { idle: Some(IdleName::Sleep), ..tile("house", core, &[Stage::House]) }
}

/// First and last core where there are two.
fn ends(cores: &[usize]) -> (Option<usize>, Option<usize>) {
    match cores {
        [first, .., last] => (Some(*first), Some(*last)),
        _ => (None, None),
    }
}
