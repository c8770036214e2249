//! Configuration of a venue of the mainland or of Hong Kong.
//!
//! A file with a section `[venue]` is one of these; any other is the ITCH and OUCH venue.
//! `docs/venue-{hkex,szse,sse}.toml` are whole examples; a test reads them.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use nofx_types::{Date, Market, Nanos};
use nofx_venue::ConfigError;
use nofx_venue::board::BoardConfig;
use nofx_venue::config::within;
use nofx_venue::exchange::{LineConfig, ProcessConfig};
use nofx_venue::gateway::SESSIONS_MAX;
use serde::Deserialize;

use crate::failure::Failure;

/// Most firms.
const FIRMS_MAX: u64 = 64;
/// Most background requests a second: more than a process can play in time.
const RATE_MAX: u64 = 1_000_000;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardVenueConfig {
    /// The loop of the process.
    #[serde(default)]
    pub process: ProcessConfig,
    /// Which market, on which day.
    pub venue: VenueSection,
    /// Securities, course, holdings, background orders.
    pub board: BoardConfig,
    /// Hong Kong: the multicast lines, A first; one or two of each channel.
    #[serde(default)]
    pub lines: Vec<LineConfig>,
    /// Hong Kong: the refresh line.
    pub refresh: Option<RefreshSection>,
    /// Hong Kong: the retransmission server.
    pub retransmission: Option<RetransmissionSection>,
    /// Shenzhen: the market data gateway.
    pub market_data: Option<MarketDataSection>,
    /// Shanghai: where its ticks are written.
    pub ticks: Option<TicksSection>,
    /// Who may send orders.
    #[serde(default)]
    pub firms: Vec<FirmSection>,
}

/// Section `[venue]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueSection {
    /// `sse`, `szse` or `hkex`.
    pub market: String,
    /// The day whose rules hold, `YYYY-MM-DD`; absent for today.
    pub date: Option<String>,
    /// A rule file instead of the one that is built in.
    pub rules: Option<PathBuf>,
    /// Whether the day begins when the process does, stage after stage, instead of at its own hours.
    #[serde(default = "yes")]
    pub now: bool,
}

fn yes() -> bool {
    true
}

/// Section `[refresh]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshSection {
    /// Multicast group and port.
    pub group: SocketAddrV4,
    /// Address of the interface it leaves by.
    pub interface: Ipv4Addr,
    /// Between two cycles, milliseconds.
    #[serde(default = "a_second")]
    pub every_ms: u32,
}

fn a_second() -> u32 {
    1_000
}

/// Section `[retransmission]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetransmissionSection {
    /// Where it listens.
    pub listen: SocketAddrV4,
    /// Names that may log on; empty for all.
    #[serde(default)]
    pub users: Vec<String>,
    /// Most messages of one request.
    #[serde(default = "ten_thousand")]
    pub range_max: u32,
    /// Most requests of a name in a day.
    #[serde(default = "ten_thousand")]
    pub requests_max: u32,
}

fn ten_thousand() -> u32 {
    10_000
}

/// Section `[market_data]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketDataSection {
    /// Where it listens.
    pub listen: SocketAddrV4,
    /// SenderCompID that may log on; empty for all.
    #[serde(default)]
    pub sender: String,
    /// Its password; empty for any.
    #[serde(default)]
    pub password: String,
    /// Most ticks of one re-request.
    #[serde(default = "ten_thousand")]
    pub resend_max: u32,
}

/// Section `[ticks]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicksSection {
    /// The file.
    pub file: PathBuf,
}

/// One of `[[firms]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirmSection {
    /// Its name, as `disconnect` and the dump have it.
    pub name: String,
    /// Where its order port listens.
    pub listen: SocketAddrV4,
    /// Hong Kong: comp id of the client. Mainland: comp id of the gateway. It is needed.
    #[serde(default)]
    pub comp_id: String,
    /// Its password as it goes over the wire; empty takes any.
    #[serde(default)]
    pub password: String,
    /// Mainland: its trading unit.
    #[serde(default = "a_pbu")]
    pub pbu: String,
    /// Mainland: sessions that may be open at one time.
    #[serde(default = "two")]
    pub sessions: usize,
    /// Hong Kong: seconds between heartbeats.
    #[serde(default = "three")]
    pub heartbeat_s: u32,
    /// Hong Kong: messages in a second; 0 for no limit.
    #[serde(default)]
    pub throttle: u32,
    /// Hong Kong: whether open orders are cancelled when the session ends.
    #[serde(default = "yes")]
    pub cancel_on_disconnect: bool,
}

fn a_pbu() -> String {
    "000001".into()
}

fn two() -> usize {
    2
}

fn three() -> u32 {
    3
}

impl BoardVenueConfig {
    /// The market.
    ///
    /// # Errors
    /// Another word.
    pub fn market(&self) -> Result<Market, Failure> {
        let name = self.venue.market.as_str();
        Market::ALL.into_iter().find(|market| market.name() == name).ok_or_else(|| {
            Failure::usage(format!("venue.market: {name:?}: want sse, szse or hkex"))
        })
    }

    /// The day, today where none is given.
    ///
    /// # Errors
    /// Not a day.
    pub fn date(&self, now: Nanos) -> Result<Date, Failure> {
        match &self.venue.date {
            None => Ok(Date::of_ns(now.0, Market::HOURS_EAST)),
            Some(text) => {
                text.parse().map_err(|e| Failure::usage(format!("venue.date: {text:?}: {e}")))
            }
        }
    }

    /// What the market needs, and does not need.
    ///
    /// # Errors
    /// A section that is missing, or of another market.
    pub fn check(&self) -> Result<(), Failure> {
        let market = self.market()?;
        let of = |key: &str, given: bool, wanted: Market| match given && market != wanted {
            true => Err(Failure::usage(format!("{key}: only {wanted} has it, this is {market}"))),
            false => Ok(()),
        };
        of("lines", !self.lines.is_empty(), Market::Hkex)?;
        of("refresh", self.refresh.is_some(), Market::Hkex)?;
        of("retransmission", self.retransmission.is_some(), Market::Hkex)?;
        of("market_data", self.market_data.is_some(), Market::Szse)?;
        of("ticks", self.ticks.is_some(), Market::Sse)?;
        if self.lines.len() > 2 {
            return Err(Failure::usage(format!("lines: {}: want at most two", self.lines.len())));
        }
        self.check_ranges().map_err(Failure::usage)?;
        let twice = |at: usize| self.firms[..at].iter().any(|f| f.name == self.firms[at].name);
        if let Some(at) = (0..self.firms.len()).find(|at| twice(*at)) {
            let name = &self.firms[at].name;
            return Err(Failure::usage(format!("firms.name: {name:?} stands there twice")));
        }
        Ok(())
    }

    /// Numbers out of range; the board knows its own.
    fn check_ranges(&self) -> Result<(), ConfigError> {
        within("firms", self.firms.len() as u64, 0..=FIRMS_MAX)?;
        for firm in &self.firms {
            within("firms.sessions", firm.sessions as u64, 1..=SESSIONS_MAX as u64)?;
        }
        for line in &self.lines {
            within("lines.loss_ppm", line.loss_ppm.into(), 0..=1_000_000)?;
        }
        if let Some(refresh) = &self.refresh {
            within("refresh.every_ms", refresh.every_ms.into(), 1..=u64::from(u32::MAX))?;
        }
        within("board.flow.rate", self.board.flow.rate.into(), 0..=RATE_MAX)
    }
}
