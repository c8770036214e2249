//! The order gateway of a firm, as its market has them.

use nofx_types::Market;
use nofx_venue::gateway::Gateway;
use nofx_venue::gateway::ocg::{Ocg, OcgConfig};
use nofx_venue::gateway::tdgw::{Tdgw, TdgwConfig};
use nofx_venue::gateway::tgw::{Tgw, TgwConfig};

use super::config::FirmSection;
use crate::failure::Failure;

/// A gateway before its first session.
///
/// # Errors
/// A name that is empty or does not fit the protocol.
pub fn gateway(market: Market, firm: &FirmSection) -> Result<Box<dyn Gateway>, Failure> {
    let unfit = |key: &str| {
        Failure::usage(format!("firms.{key} of {:?}: longer than its field", firm.name))
    };
    let FirmSection { comp_id, password, pbu, sessions, .. } = firm;
    if comp_id.is_empty() {
        return Err(Failure::usage(format!("firms.comp_id of {:?}: empty", firm.name)));
    }
    let (comp_id, password, pbu) = (comp_id.clone(), password.clone(), pbu.clone());
    match market {
        Market::Hkex => {
            let config = OcgConfig {
                comp_id,
                password,
                heartbeat_ns: u64::from(firm.heartbeat_s) * 1_000_000_000,
                throttle: firm.throttle,
                cancel_on_disconnect: firm.cancel_on_disconnect,
            };
            Ok(Box::new(Ocg::new(config).ok_or_else(|| unfit("comp_id"))?))
        }
        Market::Szse => {
            let sessions = *sessions;
            let config = TgwConfig { comp_id, password, pbu, sessions, ..TgwConfig::default() };
            Ok(Box::new(Tgw::new(&config).ok_or_else(|| unfit("comp_id, firms.pbu"))?))
        }
        Market::Sse => {
            let sessions = *sessions;
            let config = TdgwConfig { comp_id, pbu, sessions, ..TdgwConfig::default() };
            Ok(Box::new(Tdgw::new(&config).ok_or_else(|| unfit("comp_id, firms.pbu"))?))
        }
    }
}
