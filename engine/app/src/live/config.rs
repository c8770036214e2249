//! Sections of the configuration that only a live run reads: `[live]`, `[network]`, `[recovery]`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use crate::config::ConfigError;

/// Section `[live]`: files and pace of a live run.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveSection {
    /// The mapped file shared with `nofx top`, `nofx kill` and the control process. On tmpfs, so that
    /// no page of it ever waits for a disk.
    pub mailbox: PathBuf,
    /// Folder of the journal and the captured packets; one per trading day.
    pub journal: PathBuf,
    /// Ring between the tile and the journal writer, MiB; a power of two.
    pub journal_ring_mib: u32,
    /// Size of a segment of the journal and of a capture, MiB.
    pub segment_mib: u32,
    /// Most that segments and captures may take on disk, MiB; then orders stop.
    pub disk_max_mib: u64,
    /// A crash of the machine loses at most what was journaled this long ago, milliseconds; 0 leaves
    /// it to the system.
    pub fsync_ms: u32,
    /// How often the view pages are written, per second.
    pub view_hz: u32,
    /// How often the time is taken as an input when no timer asks for it earlier, milliseconds.
    pub tick_ms: u32,
    /// How long the end of a run may take, milliseconds: cancels, logout, flush.
    pub stop_timeout_ms: u32,
    /// Order ids reserved on disk at a time.
    pub id_block: u32,
    /// A wall clock that is this far from the engine's time was stepped: an alarm, milliseconds.
    pub clock_step_ms: u32,
    /// Instruments with a page of levels in the mailbox, those traded first.
    pub views: u32,
    /// Rows that a page of parameters may have.
    pub params_rows: u32,
    /// Events kept in the mailbox for those who watch; rounded up to a power of two.
    pub events: u32,
}

impl Default for LiveSection {
    fn default() -> Self {
        LiveSection {
            mailbox: "/dev/shm/nofx.mailbox".into(),
            journal: "journal".into(),
            journal_ring_mib: 64,
            segment_mib: 64,
            disk_max_mib: 16_384,
            fsync_ms: 1_000,
            view_hz: 20,
            tick_ms: 100,
            stop_timeout_ms: 2_000,
            id_block: 1_000_000,
            clock_step_ms: 500,
            views: 64,
            params_rows: 1_024,
            events: 16_384,
        }
    }
}

/// Section `[network]`: where market data comes from and where orders go.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// What the feed speaks.
    pub feed: FeedKind,
    /// How market data is received.
    pub port: PortKind,
    /// `GROUP:PORT@INTERFACE` of line A and line B.
    pub lines: Vec<Line>,
    /// OMD-C: `GROUP:PORT@INTERFACE` of the refresh line.
    pub refresh: Option<Line>,
    /// Shenzhen: `HOST:PORT` of the market data gateway.
    pub market_data: Option<SocketAddrV4>,
    /// Receive buffer of a socket, or of a ring, KiB.
    pub buffer_kib: u32,
    /// `HOST:PORT` of the order gateway.
    pub orders: Option<SocketAddrV4>,
    /// `ADDRESS/BITS@INTERFACE`: orders go by a TCP of our own over AF_XDP on this interface, from
    /// this address, which the kernel must not have. Without it, by the kernel's TCP.
    pub own_tcp: Option<OwnTcp>,
    /// Keys of AF_XDP.
    pub xsk: XskSection,
}

impl Default for NetworkSection {
    fn default() -> Self {
        NetworkSection {
            feed: FeedKind::Itch,
            port: PortKind::Udp,
            lines: Vec::new(),
            refresh: None,
            market_data: None,
            buffer_kib: 8_192,
            orders: None,
            own_tcp: None,
            xsk: XskSection::default(),
        }
    }
}

impl NetworkSection {
    /// The lines, and behind them the refresh line where there is one: everything that is heard.
    pub fn heard(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().chain(&self.refresh)
    }

    /// Where the feed's stream beside its lines goes: the snapshot service of ITCH, the retransmission
    /// server of OMD-C, the gateway of Shenzhen.
    pub fn stream(&self, recovery: &RecoverySection) -> Option<SocketAddrV4> {
        match self.feed {
            FeedKind::Itch => recovery.snapshot,
            FeedKind::Omdc => recovery.servers.first().copied(),
            FeedKind::Szse => self.market_data,
        }
    }
}

/// What the feed of a live run speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedKind {
    /// TotalView-ITCH 5.0 over MoldUDP64.
    #[default]
    Itch,
    /// OMD-C full tick of Hong Kong.
    Omdc,
    /// Binary Level-2 of Shenzhen on its TCP gateway.
    Szse,
}

/// Where a TCP of our own stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTcp {
    /// Its address.
    pub address: Ipv4Addr,
    /// Bits of the network part.
    pub prefix: u8,
    /// Name of the interface.
    pub interface: String,
}

impl FromStr for OwnTcp {
    type Err = String;

    fn from_str(text: &str) -> Result<OwnTcp, String> {
        let wrong = || format!("{text:?}: want ADDRESS/BITS@INTERFACE, as 10.0.0.9/24@eth3");
        let (network, interface) = text.split_once('@').ok_or_else(wrong)?;
        let (address, prefix) = network.split_once('/').ok_or_else(wrong)?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        if interface.is_empty() || !(1..=32).contains(&prefix) {
            return Err(wrong());
        }
        let address = address.parse().map_err(|_| wrong())?;
        Ok(OwnTcp { address, prefix, interface: interface.to_owned() })
    }
}

impl<'de> Deserialize<'de> for OwnTcp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How market data is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// Kernel sockets; under Onload, its own.
    Udp,
    /// AF_XDP.
    Xsk,
    /// AF_PACKET rings.
    Packet,
    /// DPDK (a build with the feature `dpdk`).
    Dpdk,
}

impl fmt::Display for PortKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PortKind::Udp => "udp",
            PortKind::Xsk => "xsk",
            PortKind::Packet => "packet",
            PortKind::Dpdk => "dpdk",
        })
    }
}

/// Section `[network.xsk]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XskSection {
    /// Where the program is attached.
    pub mode: XskMode,
    /// Whether frames are shared with the driver.
    pub zero_copy: ZeroCopy,
    /// Queues of the interface.
    pub queues: Vec<u32>,
    /// Frames per queue; a power of two.
    pub frames: u32,
    /// Sleep until the kernel asks to be woken.
    pub need_wakeup: bool,
    /// Stamp packets at the driver hook.
    pub hook_stamp: bool,
}

impl Default for XskSection {
    fn default() -> Self {
        XskSection {
            mode: XskMode::Auto,
            zero_copy: ZeroCopy::Wanted,
            queues: vec![0],
            frames: 8_192,
            need_wakeup: false,
            hook_stamp: true,
        }
    }
}

/// Where an AF_XDP program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XskMode {
    /// In the driver, else in the kernel's generic path.
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the generic path.
    Generic,
}

/// Whether frames are shared with the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroCopy {
    /// Where the driver can.
    Wanted,
    /// Refuse to start where it cannot.
    Required,
    /// Copies.
    Off,
}

/// Section `[recovery]`: what is done about lost packets.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecoverySection {
    /// `HOST:PORT` of MoldUDP64 re-request servers, tried in turn; of the one retransmission server of
    /// OMD-C.
    pub servers: Vec<SocketAddrV4>,
    /// `HOST:PORT` of the GLIMPSE snapshot service.
    pub snapshot: Option<SocketAddrV4>,
    /// User name there, at most six characters; at the retransmission server of OMD-C at most twelve.
    pub username: String,
    /// Password there, at most ten characters.
    pub password: String,
    /// An unanswered request is repeated after this long, nanoseconds.
    pub request_timeout_ns: u64,
    /// Requests are at least this far apart, nanoseconds.
    pub request_interval_ns: u64,
    /// Attempts before a hole is given up to the snapshot.
    pub attempts: u32,
    /// A snapshot that is not done after this long is started anew, nanoseconds.
    pub snapshot_timeout_ns: u64,
    /// Pause between two snapshots, nanoseconds.
    pub snapshot_retry_ns: u64,
    /// A line that says nothing for this long, not even a heartbeat, is an alarm, nanoseconds.
    pub silence_ns: u64,
    /// Bytes of packets that can wait for a recovery, MiB.
    pub buffer_mib: u32,
}

impl Default for RecoverySection {
    fn default() -> Self {
        RecoverySection {
            servers: Vec::new(),
            snapshot: None,
            username: "NOFX".into(),
            password: "NOFX".into(),
            request_timeout_ns: 100_000_000,
            request_interval_ns: 1_000_000,
            attempts: 5,
            snapshot_timeout_ns: 10_000_000_000,
            snapshot_retry_ns: 1_000_000_000,
            silence_ns: 3_000_000_000,
            buffer_mib: 64,
        }
    }
}

/// One line of a feed: a multicast group, and the interface it comes in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Group and port.
    pub group: SocketAddrV4,
    /// Name of the interface.
    pub interface: String,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Line, String> {
        let wrong = || format!("{text:?}: want GROUP:PORT@INTERFACE, as 239.1.1.1:30001@eth1");
        let (group, interface) = text.split_once('@').ok_or_else(wrong)?;
        let group: SocketAddrV4 = group.parse().map_err(|_| wrong())?;
        if interface.is_empty() {
            return Err(wrong());
        }
        Ok(Line { group, interface: interface.to_owned() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.group, self.interface)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A page of so many rows still fits a record of the journal.
const PARAMS_ROWS_MAX: u32 = 4_000;

/// What a live run needs beyond what any run needs.
pub fn check(
    live: &LiveSection,
    network: &NetworkSection,
    recovery: &RecoverySection,
) -> Result<(), ConfigError> {
    within("live.stop_timeout_ms", live.stop_timeout_ms, 1, 600_000)?;
    within("live.id_block", live.id_block, 1, 100_000_000)?;
    within("network.buffer_kib", network.buffer_kib, 16, 4 << 20)?;
    within("recovery.buffer_mib", recovery.buffer_mib, 1, 1_024)?;
    let bad = |key: &str, want: String| Err(ConfigError::new(key, want));
    check_feed(network, recovery)?;
    check_lines(network)?;
    if network.orders.is_none() {
        return bad("network.orders", "not set: want HOST:PORT of the order gateway".into());
    }
    let ring = live.journal_ring_mib;
    if !ring.is_power_of_two() || ring > 1 << 12 {
        return bad("live.journal_ring_mib", format!("{ring}: want a power of two up to 4096"));
    }
    if live.segment_mib == 0 || u64::from(live.segment_mib) > live.disk_max_mib {
        let want = format!("{}: want 1 to disk_max_mib = {}", live.segment_mib, live.disk_max_mib);
        return bad("live.segment_mib", want);
    }
    if !(1..=1_000).contains(&live.tick_ms) {
        return bad("live.tick_ms", format!("{}: want 1 to 1000", live.tick_ms));
    }
    within("live.params_rows", live.params_rows, 1, PARAMS_ROWS_MAX)?;
    within("live.events", live.events, 1, 1 << 20)?;
    if !(1..=1_000).contains(&live.view_hz) {
        return bad("live.view_hz", format!("{}: want 1 to 1000", live.view_hz));
    }
    Ok(())
}

/// Packets are told apart by group and port alone, whichever interface they come in by.
fn check_lines(network: &NetworkSection) -> Result<(), ConfigError> {
    let keys = network.lines.iter().map(|_| "network.lines").chain(["network.refresh"]);
    let mut known = Vec::new();
    for (key, line) in keys.zip(network.heard()) {
        if line.group.port() == 0 {
            return Err(ConfigError::new(key, format!("{line}: no packet comes to port 0")));
        }
        if known.contains(&line.group) {
            let want = format!("{line}: {} is a line already: want another group", line.group);
            return Err(ConfigError::new(key, want));
        }
        known.push(line.group);
    }
    Ok(())
}

/// What each kind of feed needs.
fn check_feed(network: &NetworkSection, recovery: &RecoverySection) -> Result<(), ConfigError> {
    let bad = |key: &str, want: String| Err(ConfigError::new(key, want));
    let lines = network.lines.len();
    let wanted = if network.feed == FeedKind::Szse { 0..=2 } else { 1..=2 };
    if !wanted.contains(&lines) {
        return bad(
            "network.lines",
            format!("{lines} lines: want one or two, GROUP:PORT@INTERFACE"),
        );
    }
    if network.refresh.is_some() && network.feed != FeedKind::Omdc {
        return bad(
            "network.refresh",
            "only OMD-C has a refresh line (network.feed = \"omdc\")".into(),
        );
    }
    let gateway = network.market_data.is_some();
    if gateway && network.feed != FeedKind::Szse {
        return bad("network.market_data", "only Shenzhen has it (network.feed = \"szse\")".into());
    }
    // Datagrams alone do not say what is missing: the session does, and brings it.
    if network.feed == FeedKind::Szse && !gateway {
        return bad(
            "network.market_data",
            "not set: want HOST:PORT of the market data gateway, also beside lines".into(),
        );
    }
    if network.feed == FeedKind::Omdc && recovery.servers.len() > 1 {
        return bad("recovery.servers", "want one retransmission server for OMD-C".into());
    }
    if network.feed != FeedKind::Itch && recovery.snapshot.is_some() {
        return bad("recovery.snapshot", "only ITCH has a snapshot service (GLIMPSE)".into());
    }
    Ok(())
}

fn within(key: &str, value: u32, least: u32, most: u32) -> Result<(), ConfigError> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(ConfigError::new(key, format!("{value}: want {least} to {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::config;

    /// What `check` says of a configuration with these settings.
    fn said(settings: &[&str]) -> String {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        let config = config::load(None, &settings).expect("keys that exist");
        let checked = check(&config.live, &config.network, &config.recovery);
        checked.map_or_else(|error| error.to_string(), |()| "accepted".into())
    }

    const ORDERS: &str = "network.orders=10.0.0.1:33000";
    const LINES: &str = r#"network.lines=["239.1.1.1:30001@eth1", "239.1.1.2:30002@eth2"]"#;

    #[test]
    fn lines_of_shenzhen_need_the_gateway_beside_them() {
        let szse = [ORDERS, "network.feed=szse", "network.market_data=10.0.0.1:31000"];
        assert_eq!(said(&szse), "accepted");
        assert_eq!(said(&[&szse[..], &[LINES]].concat()), "accepted");
        for without in [&szse[..2], &[ORDERS, szse[1], LINES]] {
            let said = said(without);
            assert!(said.starts_with("network.market_data: "), "{said}");
        }
    }

    #[test]
    fn a_group_is_one_line() {
        let omdc = [ORDERS, "network.feed=omdc", LINES];
        let refresh =
            |line: &str| said(&[&omdc[..], &[&format!("network.refresh={line}")]].concat());
        assert_eq!(refresh("239.1.1.3:30003@eth1"), "accepted");
        // Packets are told apart by their group, not by the interface.
        for same in ["239.1.1.1:30001@eth1", "239.1.1.2:30002@eth2", "239.1.1.2:30002@eth1"] {
            let said = refresh(same);
            assert!(said.starts_with("network.refresh: "), "{said}");
        }
        for interface in ["eth1", "eth2"] {
            let lines =
                format!(r#"network.lines=["239.1.1.1:30001@eth1", "239.1.1.1:30001@{interface}"]"#);
            let said = said(&[ORDERS, &lines]);
            assert!(said.starts_with("network.lines: "), "{said}");
        }
        assert_eq!(said(&[ORDERS, LINES]), "accepted");
        let zero = refresh("239.1.1.3:0@eth1");
        assert!(zero.starts_with("network.refresh: "), "{zero}");
    }
}
