//! What the public documents leave open, as options; and how much is remembered.

use crate::ConfigError;

/// What `order_book_position` of an Add Order counts. No readable source says it; the run counts
/// which reading fits ([`FitCounts`](super::FitCounts)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PositionMeaning {
    /// Rank in the price level, 1 is the head.
    #[default]
    LevelRank1Based,
    /// Rank in the price level, 0 is the head.
    LevelRank0Based,
    /// Rank in the whole side, 1 is the head. Needs the queues to be followed.
    SideRank1Based,
    /// Rank in the whole side, 0 is the head. Needs the queues to be followed.
    SideRank0Based,
    /// Nothing: orders queue as they come.
    Ignore,
}

impl PositionMeaning {
    /// All of them.
    pub const ALL: [PositionMeaning; 5] = [
        PositionMeaning::LevelRank1Based,
        PositionMeaning::LevelRank0Based,
        PositionMeaning::SideRank1Based,
        PositionMeaning::SideRank0Based,
        PositionMeaning::Ignore,
    ];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            PositionMeaning::LevelRank1Based => "level_rank_1based",
            PositionMeaning::LevelRank0Based => "level_rank_0based",
            PositionMeaning::SideRank1Based => "side_rank_1based",
            PositionMeaning::SideRank0Based => "side_rank_0based",
            PositionMeaning::Ignore => "ignore",
        }
    }

    /// The number that stands for the head.
    pub(super) const fn first(self) -> i64 {
        match self {
            PositionMeaning::LevelRank1Based | PositionMeaning::SideRank1Based => 1,
            _ => 0,
        }
    }
}

/// Where a Modify Order leaves its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModifyPlace {
    /// Less keeps its place, more goes to the back. Needs the queues to be followed; where they are
    /// not, an order keeps its place.
    #[default]
    ByQuantity,
    /// At the rank that the message names.
    ByRank,
    /// It keeps its place, whatever happens.
    Kept,
}

impl ModifyPlace {
    /// All of them.
    pub const ALL: [ModifyPlace; 3] =
        [ModifyPlace::ByQuantity, ModifyPlace::ByRank, ModifyPlace::Kept];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            ModifyPlace::ByQuantity => "by_quantity",
            ModifyPlace::ByRank => "by_rank",
            ModifyPlace::Kept => "kept",
        }
    }
}

/// Options of the OMD-C feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OmdcConfig {
    /// The channel, which requests name and packets do not.
    pub channel: u16,
    /// What a position counts.
    pub position: PositionMeaning,
    /// Where a modified order goes.
    pub modify: ModifyPlace,
    /// Instruments whose queues are followed to check positions, the first that appear; 0 for none.
    /// Each order of them costs a look into a table of its own.
    pub followed: u32,
    /// Orders of followed instruments that live at once; with more, following ends.
    pub followed_orders: u32,
    /// Odd-lot orders kept of each security, for their touch; 0 for none.
    pub odd_lots: u32,
    /// Whether a Sequence Reset takes a number itself when its packet bears the number that it
    /// announces. If not, the next message has that number.
    pub reset_is_numbered: bool,
    /// By how much the times of a phase may miss the clock.
    pub clock_tolerance_ns: u64,
}

impl Default for OmdcConfig {
    fn default() -> Self {
        OmdcConfig {
            channel: 0,
            position: PositionMeaning::LevelRank1Based,
            modify: ModifyPlace::ByQuantity,
            followed: 16,
            followed_orders: 1 << 16,
            odd_lots: 0,
            reset_is_numbered: true,
            clock_tolerance_ns: 2_000_000_000,
        }
    }
}

impl OmdcConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, want| Err(ConfigError::Value { key, want });
        if self.followed > 1 << 17 {
            return bad("omdc.followed", "at most 131072");
        }
        if !(1..=1 << 23).contains(&self.followed_orders) {
            return bad("omdc.followed_orders", "1 to 8388608");
        }
        if self.odd_lots > 4_096 {
            return bad("omdc.odd_lots", "at most 4096");
        }
        Ok(())
    }
}
