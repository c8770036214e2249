//! A layout as a table for people.

use std::fmt;

use super::{Policy, Topology};
use crate::tile::Idle;

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16}{:<6}{:<12}{:<7}stages", "tile", "core", "idle", "class")?;
        for tile in &self.tiles {
            let core = tile.core.map_or("any".into(), |core| core.to_string());
            let class = if self.placement(tile).fifo { "fifo" } else { "other" };
            let idle = self.idle(tile).to_string();
            let stages: Vec<&str> = tile.stages.iter().map(|stage| stage.name()).collect();
            writeln!(f, "{:<16}{core:<6}{idle:<12}{class:<7}{}", tile.name, stages.join(" "))?;
        }
        if self.links.is_empty() {
            return Ok(());
        }
        writeln!(f, "{:<32}{:<9}when full", "link", "depth")?;
        for link in &self.links {
            let full = match link.policy {
                Policy::Overrun => "overrun: the newest is lost and counted",
                Policy::Credit => "credit: the producer waits",
            };
            writeln!(f, "{:<32}{:<9}{full}", link.name, link.depth)?;
        }
        Ok(())
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Idle::Spin => f.pad("spin"),
            Idle::Pause => f.pad("pause"),
            Idle::Yield => f.pad("yield"),
            Idle::Sleep(ns) => write!(f, "sleep {} us", ns / 1_000),
        }
    }
}
