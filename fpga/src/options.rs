//! How a card is used; part of the configuration file.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::regs::BUILD_HASH;

/// How a card is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FpgaOptions {
    /// How often the ring is looked at for one verdict, or the window tried for one line, before the
    /// card counts as stalled and the gate closes.
    pub spin_max: u32,
    /// How often the status is read before a scrub counts as failed.
    pub ready_max: u32,
    /// Cycles of silence after which the card closes by itself; 0 never. The engine writes a
    /// heartbeat in every turn.
    pub heartbeat_cycles: u32,
    /// Cycles for which a verdict may wait for the host's ring before the card closes; 0 never.
    pub stall_cycles: u32,
    /// Hash of the sources that the card must have been built from; in the file sixteen hexadecimal
    /// digits as text, since its numbers have a sign.
    #[serde(deserialize_with = "hash")]
    pub build: u64,
}

impl Default for FpgaOptions {
    fn default() -> Self {
        FpgaOptions {
            spin_max: 20_000_000,
            ready_max: 1_000_000,
            heartbeat_cycles: 0,
            stall_cycles: 0,
            build: BUILD_HASH,
        }
    }
}

/// A hash from text as `nofx fpga info` prints it: `0x` and hexadecimal digits.
fn hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u64::from_str_radix(digits, 16).map_err(|_| {
        D::Error::custom(format!("`{text}` is no hash: write `0x` and up to 16 hexadecimal digits"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_by_their_keys() {
        let read = |text: &str| toml::from_str::<FpgaOptions>(text).map_err(|e| e.to_string());
        assert_eq!(read(""), Ok(FpgaOptions::default()));
        let options = read("spin_max = 5\nbuild = \"0xfedcba9876543210\"").expect("good");
        assert_eq!((options.spin_max, options.build), (5, 0xfedc_ba98_7654_3210));
        assert!(read("build = \"0x1g\"").is_err_and(|error| error.contains("build")));
        assert!(read("spinmax = 5").is_err_and(|error| error.contains("spinmax")));
        assert!(read("spin_max = -1").is_err_and(|error| error.contains("spin_max")));
    }
}
