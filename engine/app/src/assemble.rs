//! From a configuration to the stages: what a replay and a live run build alike.

use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::{Join, RecoveryConfig};
use nofx_order::{OrderConfig, OrderManager, Positions, Reconcile};
use nofx_signal::{Imbalance, InstrumentSet, Maker, Null, Strategy};
use nofx_types::{AccountId, InstrumentId, Instruments, Market};

use crate::cli::StrategyName;
use crate::config::Config;
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::gate::{GateSection, TradeGate};
use crate::hot_path::{HotPath, Parts};
use crate::live::config::RecoverySection;
use crate::market_desk::MarketDesk;
use crate::phases::Phases;
use crate::record::{Recorder, Wanted};
use crate::stamps::{StampMode, Stamps};

/// What a path is built for, besides its configuration.
pub struct Assembly<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The definitions that its file names.
    pub definitions: &'a Definitions,
    /// What is traded.
    pub traded: &'a [InstrumentId],
    /// What is recorded.
    pub wanted: Wanted,
    /// Which stamps are taken.
    pub stamps: StampMode,
    /// Id of the first order.
    pub first_id: u32,
    /// What a login must prove before an order goes out.
    pub reconcile: Reconcile,
    /// Who judges.
    pub gate: &'a GateSection,
}

impl Assembly<'_> {
    /// The stages, joined.
    ///
    /// # Errors
    /// A value of the configuration that cannot be used.
    pub fn path<S: Strategy>(self, strategy: S) -> Result<HotPath<S, TradeGate>, Failure> {
        let (config, capacity) = (self.config, self.config.instruments.capacity);
        let books = LevelBooks::new(&LevelConfig {
            instruments: capacity,
            live_orders: config.book.live_orders,
            window_ticks: config.book.window_ticks,
            limit_ticks: config.book.limit_ticks,
        });
        let orders = OrderConfig { reconcile: self.reconcile, ..order_config(config) };
        let mut instruments = Instruments::new(capacity);
        self.definitions.start(&mut instruments);
        let gate = TradeGate::open(self.gate, &config.risk, &instruments)?;
        let market = MarketDesk::new(config, self.definitions)?;
        let mut path = HotPath::new(Parts {
            books: books.map_err(Failure::usage)?,
            phases: Phases::new(capacity as usize, config.instruments.unknown_phase.into()),
            strategy,
            gate,
            host: config.host,
            orders: OrderManager::new(&orders).map_err(Failure::usage)?,
            positions: Positions::new(config.risk.accounts, capacity),
            stamps: Stamps::new(self.stamps),
            recorder: Recorder::new(self.wanted, capacity as usize),
            traded: InstrumentSet::new(self.traded, capacity).map_err(Failure::usage)?,
            account: AccountId(config.strategy.account),
            instruments,
            first_id: self.first_id,
        });
        path.open_market(market);
        Ok(path)
    }
}

/// The order session that the configuration describes.
pub fn order_config(config: &Config) -> OrderConfig {
    let section = &config.session;
    OrderConfig {
        protocol: section.protocol,
        username: section.username.clone(),
        password: section.password.clone(),
        firm: section.firm.clone(),
        orders_max: section.orders_max,
        throttle_max: section.throttle_max,
        throttle_window_ns: section.throttle_window_ns,
        throttle_reason: section.throttle_reason,
        heartbeat_ns: section.heartbeat_ns,
        silence_ns: section.silence_ns,
        retry_min_ns: section.retry_min_ns,
        retry_max_ns: section.retry_max_ns,
        reconcile_wait_ns: section.reconcile_wait_ns,
        reconcile_quiet_ns: section.reconcile_quiet_ns,
        cancel_on_disconnect: section.cancel_on_disconnect,
        resend: section.resend,
        resend_age_ns: section.resend_age_ns,
        cancel_in_flight: section.cancel_in_flight,
        rescue: section.rescue.is_some(),
        rescue_after_ns: section.rescue_after_ns,
        ocg: section.ocg.clone(),
        tgw: section.tgw.clone(),
        tdgw: section.tdgw.clone(),
        account: AccountId(config.strategy.account),
        instruments: config.instruments.capacity,
        ..OrderConfig::default()
    }
}

/// Something that runs with whichever strategy the configuration names.
pub trait WithStrategy {
    /// What comes of it.
    type Output;

    /// Runs with `strategy`.
    ///
    /// # Errors
    /// As the user of the strategy says.
    fn with<S: Strategy + Send + 'static>(self, strategy: S) -> Result<Self::Output, Failure>;
}

/// Makes the strategy that the configuration names, over `traded`, and hands it to `user`.
///
/// # Errors
/// A key of the strategy that cannot be used, or what the user says.
pub fn with_strategy<U: WithStrategy>(
    config: &Config,
    traded: &[InstrumentId],
    user: U,
) -> Result<U::Output, Failure> {
    let (section, capacity) = (&config.strategy, config.instruments.capacity);
    match section.name {
        StrategyName::Null => user.with(Null),
        StrategyName::Maker => {
            let mut maker = section.maker;
            maker.replace &= has_replace(config);
            maker.post_only &= config.session.protocol.has_post_only();
            user.with(Maker::new(maker, traded, capacity).map_err(Failure::usage)?)
        }
        StrategyName::Imbalance => {
            let model = nofx_model::load::from_file(&section.imbalance.weights)
                .map_err(|e| Failure::usage(format!("strategy.imbalance.weights: {e}")))?;
            let mut imbalance = section.imbalance.clone();
            imbalance.replace &= has_replace(config);
            let imbalance = Imbalance::new(imbalance, model, traded, capacity);
            user.with(imbalance.map_err(Failure::usage)?)
        }
    }
}

/// Whether an order can be moved where it is traded: the mainland exchanges know no replace.
pub fn has_replace(config: &Config) -> bool {
    !matches!(config.market.rules.market(), Some(Market::Sse | Market::Szse))
}

/// What recovery may do, as the configuration says.
pub fn recovery_config(section: &RecoverySection) -> RecoveryConfig {
    RecoveryConfig {
        join: if section.snapshot.is_some() { Join::Snapshot } else { Join::FromOne },
        buffer_packets: (section.buffer_mib as usize * 1_024 * 2 / 3).clamp(1, 1 << 16),
        servers: section.servers.len(),
        request_interval_ns: section.request_interval_ns,
        request_timeout_ns: section.request_timeout_ns,
        attempts: section.attempts,
        snapshot: section.snapshot.is_some(),
        snapshot_user: section.username.clone(),
        snapshot_password: section.password.clone(),
        snapshot_timeout_ns: section.snapshot_timeout_ns,
        retry_ns: section.snapshot_retry_ns,
        silence_ns: section.silence_ns,
        ..RecoveryConfig::default()
    }
}

/// As [`recovery_config`], for OMD-C: its own patience, and a refresh line as the source of images.
pub fn omdc_recovery(section: &RecoverySection, refresh: bool) -> RecoveryConfig {
    let base = RecoveryConfig::omdc();
    RecoveryConfig {
        join: if refresh { Join::Snapshot } else { Join::FromOne },
        buffer_packets: (section.buffer_mib as usize * 1_024 * 2 / 3).clamp(1, 1 << 16),
        servers: section.servers.len(),
        attempts: section.attempts,
        request_user: section.username.clone(),
        snapshot: refresh,
        snapshot_user: String::new(),
        snapshot_password: String::new(),
        retry_ns: section.snapshot_retry_ns,
        silence_ns: section.silence_ns,
        ..base
    }
}
