//! What the engine asks of the machine: from its configuration and the command line.

use nofx_rt::topology::{Stage, TileSpec};

use super::DoctorArgs;
use super::host::Host;
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::live::config::{PortKind, XskMode, ZeroCopy};

/// A tile and its core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Name of the tile.
    pub tile: String,
    /// Its core.
    pub core: usize,
    /// Whether it only keeps house: late without harm.
    pub house: bool,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Tiles that have a core.
    pub tiles: Vec<Placed>,
    /// Cores on which the engine spins, rising, each once.
    pub cores: Vec<usize>,
    /// What is wrong with the layout as a whole.
    pub layout: Option<String>,
    /// Whether tiles are to be SCHED_FIFO.
    pub fifo: bool,
    /// Interfaces of the lines, each once.
    pub interfaces: Vec<String>,
    /// How market data is received.
    pub port: PortKind,
    /// Keys of AF_XDP: queues, mode, zero copy.
    pub queues: Vec<u32>,
    /// Where an AF_XDP program is attached.
    pub mode: XskMode,
    /// Whether frames are shared with the driver.
    pub zero_copy: ZeroCopy,
    /// Receive buffer of a socket, bytes.
    pub receive_buffer: u64,
    /// Pages of 2 MiB.
    pub hugepages: Option<u64>,
}

impl Asked {
    /// Reads the configuration; without one, asks what a default one does.
    ///
    /// # Errors
    /// A configuration or a list of cores that cannot be read.
    pub fn of(args: &DoctorArgs, host: &Host) -> Result<Asked, Failure> {
        let config = config::load(args.config.as_deref(), &args.set)?;
        let allowed = allowed(host);
        let (tiles, layout) = match &args.cores {
            Some(list) => (named(list)?, None),
            None => placed(&config, &allowed),
        };
        let mut cores: Vec<_> = tiles.iter().filter(|t| !t.house).map(|t| t.core).collect();
        let lines = config.network.lines.iter().map(|line| line.interface.clone());
        let mut interfaces: Vec<_> = lines.chain(args.interface.iter().cloned()).collect();
        cores.sort_unstable();
        cores.dedup();
        interfaces.sort_unstable();
        interfaces.dedup();
        if let Some(bad) = interfaces.iter().find(|name| name.contains('/') || *name == "..") {
            return Err(Failure::usage(format!("interface {bad:?}: not a name")));
        }
        Ok(Asked {
            tiles,
            cores,
            layout,
            fifo: config.topology.fifo,
            interfaces,
            port: config.network.port,
            queues: config.network.xsk.queues.clone(),
            mode: config.network.xsk.mode,
            zero_copy: config.network.xsk.zero_copy,
            receive_buffer: u64::from(config.network.buffer_kib) * 1_024,
            hugepages: args.hugepages,
        })
    }

    /// Whether the engine spins on `core`.
    pub fn uses(&self, core: usize) -> bool {
        self.cores.contains(&core)
    }

    /// Those of `cores` on which the engine spins.
    pub fn overlap(&self, cores: &[usize]) -> Vec<usize> {
        cores.iter().copied().filter(|core| self.uses(*core)).collect()
    }

    /// Those of `cores` on which it does not.
    pub fn others(&self, cores: &[usize]) -> Vec<usize> {
        cores.iter().copied().filter(|core| !self.uses(*core)).collect()
    }
}

/// Cores that are there and that this process may use.
pub fn allowed(host: &Host) -> Vec<usize> {
    let online = host.cores("sys/devices/system/cpu/online").unwrap_or_default();
    let list = host.field("proc/self/status", "Cpus_allowed_list");
    match list.and_then(|list| nofx_rt::sched::parse_cores(&list)) {
        Some(may) => online.into_iter().filter(|core| may.contains(core)).collect(),
        None => online,
    }
}

fn placed(config: &Config, allowed: &[usize]) -> (Vec<Placed>, Option<String>) {
    let layout = config.layout(allowed);
    let wrong = layout.check(allowed).err().map(|error| error.to_string());
    let only_house = |tile: &TileSpec| tile.stages.iter().all(|stage| *stage == Stage::House);
    let tiles = layout.tiles.iter().filter_map(|tile| {
        let (name, house) = (tile.name.clone(), only_house(tile));
        tile.core.map(|core| Placed { tile: name, core, house })
    });
    (tiles.collect(), wrong)
}

/// Tiles of `--cores`: nobody says what they do, so all of them are to be quiet.
fn named(list: &str) -> Result<Vec<Placed>, Failure> {
    let cores = nofx_rt::sched::parse_cores(list).filter(|cores| !cores.is_empty());
    let cores = cores.ok_or_else(|| Failure::usage(format!("--cores {list:?}: want 2-3,6")))?;
    let tile = |(at, core)| Placed { tile: format!("core{at}"), core, house: false };
    Ok(cores.into_iter().enumerate().map(tile).collect())
}
