//! What single protocols need besides what all sessions do. A value that rests on one public source,
//! or on none, says so.

use super::{ConfigError, text, unless};

/// HKEX OCG-C; section `[session.ocg]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct OcgConfig {
    /// The session's name, at most eleven characters.
    pub comp_id: String,
    /// Password as the gateway wants it, encrypted outside; at most 449 characters, empty sends none.
    pub password: String,
    /// Submitting broker, at most eleven characters.
    pub broker: String,
    /// Acts for itself rather than as an agent.
    pub principal: bool,
    /// Disclosure instructions, a bit set; bit 0 says that there are none (from memory).
    pub disclosure: u16,
    /// Day orders may trade at up to ten prices at once (enhanced limit order) rather than at the
    /// best one only.
    pub enhanced_limit: bool,
    /// A sweep of everything begins with one message that cancels all.
    pub mass_cancel: bool,
    /// Asks the venue whether it is there when it has been silent for half of `silence_ns`.
    pub test_request: bool,
}

impl Default for OcgConfig {
    fn default() -> OcgConfig {
        OcgConfig {
            comp_id: "NOFX".into(),
            password: String::new(),
            broker: "NOFX".into(),
            principal: true,
            disclosure: 1,
            enhanced_limit: false,
            mass_cancel: false,
            test_request: true,
        }
    }
}

impl OcgConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        text("session.ocg.comp_id", &self.comp_id, 11)?;
        text("session.ocg.broker", &self.broker, 11)?;
        let fits = self.password.len() < 450 && self.password.bytes().all(|b| b.is_ascii_graphic());
        let want = "printable ASCII of at most 449 characters";
        unless(fits, "session.ocg.password", "too long or not ASCII", want)
    }
}

/// Shenzhen TGW; section `[session.tgw]`. Body layouts rest on one public source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct TgwConfig {
    /// Our name, at most twenty characters.
    pub sender_comp_id: String,
    /// The gateway's name, at most twenty characters.
    pub target_comp_id: String,
    /// At most sixteen characters.
    pub password: String,
    /// Name of the second session; empty is that of the first.
    pub rescue_comp_id: String,
    /// Version of the interface, as the logon says it.
    pub version: String,
    /// Participant business unit, at most six characters.
    pub pbu: String,
    /// Investor's account, at most twelve characters.
    pub account: String,
    /// Branch, at most four characters.
    pub branch: String,
    /// Clearing firm, at most two characters.
    pub clearing_firm: String,
    /// 1 individual, 103 institution, 104 own account (one source).
    pub owner_type: u16,
    /// Order restrictions: `1` programme trading, `E` algorithm; at most four letters.
    pub restrictions: String,
    /// Kind of business, three digits: `010` spot auction.
    pub application: String,
    /// Platform whose state and partitions count: 1 spot auction.
    pub platform: u16,
    /// Orders go out only while the platform says that it is open.
    pub await_open: bool,
    /// Reports are synchronised when the gateway has said so of each partition (one source); off,
    /// silence alone counts, for a gateway that says it at the end of the day only.
    pub await_finished: bool,
    /// A limit order that is not filled at once may be sent as such (`3`): the exchange's public
    /// rules know only day limit orders. Off, it is refused here.
    pub limit_ioc: bool,
}

impl Default for TgwConfig {
    fn default() -> TgwConfig {
        TgwConfig {
            sender_comp_id: "NOFX".into(),
            target_comp_id: "TGW".into(),
            password: "NOFX".into(),
            rescue_comp_id: String::new(),
            version: "1.29".into(),
            pbu: "000001".into(),
            account: "0000000001".into(),
            branch: "0001".into(),
            clearing_firm: String::new(),
            owner_type: 104,
            restrictions: "1".into(),
            application: "010".into(),
            platform: 1,
            await_open: true,
            await_finished: true,
            limit_ioc: false,
        }
    }
}

impl TgwConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        text("session.tgw.sender_comp_id", &self.sender_comp_id, 20)?;
        text("session.tgw.target_comp_id", &self.target_comp_id, 20)?;
        text("session.tgw.password", &self.password, 16)?;
        text("session.tgw.rescue_comp_id", &self.rescue_comp_id, 20)?;
        text("session.tgw.version", &self.version, 32)?;
        text("session.tgw.pbu", &self.pbu, 6)?;
        text("session.tgw.account", &self.account, 12)?;
        text("session.tgw.branch", &self.branch, 4)?;
        text("session.tgw.clearing_firm", &self.clearing_firm, 2)?;
        text("session.tgw.restrictions", &self.restrictions, 4)?;
        let three = self.application.len() == 3;
        let digits = three && self.application.bytes().all(|b| b.is_ascii_digit());
        unless(digits, "session.tgw.application", &self.application, "three digits")
    }
}

/// Shanghai TDGW; section `[session.tdgw]`. Body layouts rest on one public source, scales and value
/// lists on memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct TdgwConfig {
    /// Our name, at most thirty-two characters.
    pub sender_comp_id: String,
    /// The gateway's name, at most thirty-two characters.
    pub target_comp_id: String,
    /// Name of the second session; empty is that of the first.
    pub rescue_comp_id: String,
    /// Version of the protocol, at most eight characters.
    pub version: String,
    /// Kind of business: 100010 spot auction (one source).
    pub biz_id: u32,
    /// Participant business unit, at most eight characters.
    pub pbu: String,
    /// Investor's account, at most thirteen characters.
    pub account: String,
    /// 1 individual, 103 institution, 104 own account (as Shenzhen's).
    pub owner_type: u8,
    /// Branch, at most eight characters.
    pub branch: String,
    /// Clearing firm, at most eight characters.
    pub clearing_firm: String,
    /// What a short sale carries as its credit tag, two letters; empty refuses short sales (the list
    /// is not public).
    pub short_tag: String,
    /// Text of every order, at most thirty-two characters.
    pub user_info: String,
    /// Platform whose state counts: 0 auction (one source).
    pub platform: u16,
    /// Orders go out only while the platform says that it is open.
    pub await_open: bool,
    /// Reports are synchronised when all that the answer to the request for them names were seen
    /// (one source); off, silence alone counts.
    pub await_finished: bool,
    /// Decimals of prices (from memory: 5).
    pub price_decimals: u8,
    /// Decimals of quantities (from memory: 3).
    pub qty_decimals: u8,
    /// Times carry the date, as Shenzhen's; off, they are the time of day (one source).
    pub full_time: bool,
    /// The list of units and sets names each unit with its own sets; off, all units and then the sets
    /// that each has (no source says it; with one unit both are the same bytes).
    pub nested_info: bool,
    /// As [`TgwConfig::limit_ioc`].
    pub limit_ioc: bool,
}

impl Default for TdgwConfig {
    fn default() -> TdgwConfig {
        TdgwConfig {
            sender_comp_id: "NOFX".into(),
            target_comp_id: "TDGW".into(),
            rescue_comp_id: String::new(),
            version: "0.57".into(),
            biz_id: 100_010,
            pbu: "00000001".into(),
            account: "A000000001".into(),
            owner_type: 104,
            branch: "00000001".into(),
            clearing_firm: String::new(),
            short_tag: String::new(),
            user_info: String::new(),
            platform: 0,
            await_open: true,
            await_finished: true,
            price_decimals: 5,
            qty_decimals: 3,
            full_time: false,
            nested_info: false,
            limit_ioc: false,
        }
    }
}

impl TdgwConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        text("session.tdgw.sender_comp_id", &self.sender_comp_id, 32)?;
        text("session.tdgw.target_comp_id", &self.target_comp_id, 32)?;
        text("session.tdgw.rescue_comp_id", &self.rescue_comp_id, 32)?;
        text("session.tdgw.version", &self.version, 8)?;
        text("session.tdgw.pbu", &self.pbu, 8)?;
        text("session.tdgw.account", &self.account, 13)?;
        text("session.tdgw.branch", &self.branch, 8)?;
        text("session.tdgw.clearing_firm", &self.clearing_firm, 8)?;
        text("session.tdgw.short_tag", &self.short_tag, 2)?;
        text("session.tdgw.user_info", &self.user_info, 32)?;
        let price = (4..=9).contains(&self.price_decimals);
        unless(price, "session.tdgw.price_decimals", self.price_decimals, "4 to 9")?;
        unless(self.qty_decimals <= 6, "session.tdgw.qty_decimals", self.qty_decimals, "0 to 6")
    }
}
