//! What the tests of orders share: a client with its gate, and the far end of the wire.
#![allow(dead_code)] // each test binary uses a part

pub mod far;
pub mod gateway;
pub mod real;
pub mod server;
pub mod venue;

use nofx_gate::{Gate, GateKey, Verdict};
use nofx_order::{OrderConfig, OrderManager, Positions, Protocol, Reconcile};
use nofx_risk::{CardConfig, SoftwareGate};
use nofx_types::{
    AccountId, Instrument, InstrumentId, Instruments, Nanos, OrderIntent, OrderUpdate, Price, Qty,
    Side, Symbol,
};
use nofx_wire::soup;

pub const ACCOUNT: AccountId = AccountId(1);
pub const INSTRUMENTS: u32 = 2;
pub const NOW: Nanos = Nanos(1_000);

pub fn instrument(id: u32) -> Instrument {
    let mut instrument = Instrument::unknown(InstrumentId(id));
    instrument.symbol = Symbol::new(["AAA", "BBB"][id as usize]).expect("short");
    instrument.flags.defined = true;
    instrument
}

pub fn config(protocol: Protocol) -> OrderConfig {
    OrderConfig {
        protocol,
        instruments: INSTRUMENTS,
        orders_max: 64,
        fills_max: 4_096,
        account: ACCOUNT,
        reconcile: Reconcile::Off,
        ..OrderConfig::default()
    }
}

pub fn manager(config: &OrderConfig) -> OrderManager {
    let mut orders = OrderManager::new(config).expect("a good configuration");
    (0..INSTRUMENTS).for_each(|id| orders.define(&instrument(id)));
    orders
}

/// A manager that is logged in, next sequence 1.
pub fn up(config: &OrderConfig) -> OrderManager {
    let mut orders = manager(config);
    orders.login(NOW);
    let session = soup::session_name("DAY1").expect("short");
    orders.receive(NOW, &soup::login_accepted(session, 1));
    assert!(orders.is_up());
    orders
}

/// A gate whose limits do not get in the way.
pub fn gate() -> SoftwareGate {
    let mut config = CardConfig { accounts: 2, band_bps: 0, ..CardConfig::default() };
    config.account.duplicate_window_ns = 0;
    config.account.rate_per_s = 1_000_000_000;
    config.account.rate_burst = 1 << 20;
    config.account.per_second_max = u32::MAX;
    config.account.per_day_max = u32::MAX;
    config.symbol.open_orders_max = 10_000;
    let mut instruments = Instruments::new(INSTRUMENTS);
    for id in 0..INSTRUMENTS {
        instruments.set(instrument(id)).expect("inside");
    }
    SoftwareGate::new(GateKey::issue(), config, &instruments).expect("limits fit")
}

/// What a journal holds.
#[derive(Clone, Debug)]
pub enum Record {
    Sent(OrderIntent),
    Control(Nanos, Vec<u8>),
    Received(Nanos, Vec<u8>),
    /// The same of the second session.
    RescueControl(Nanos, Vec<u8>),
    RescueReceived(Nanos, Vec<u8>),
}

/// Order manager, gate and positions, joined as the application joins them.
pub struct Client {
    pub orders: OrderManager,
    pub gate: SoftwareGate,
    pub positions: Positions,
    /// Every update, in order.
    pub told: Vec<OrderUpdate>,
    pub now: Nanos,
    /// Its journal.
    pub record: Vec<Record>,
}

impl Client {
    pub fn new(orders: OrderManager) -> Client {
        let positions = Positions::new(2, INSTRUMENTS);
        let (told, record) = (Vec::new(), Vec::new());
        Client { orders, gate: gate(), positions, told, now: NOW, record }
    }

    /// What a new process makes of a journal.
    pub fn restored(config: &OrderConfig, now: Nanos, record: &[Record]) -> Client {
        let mut client = Client::new(manager(config));
        for entry in record {
            match entry {
                Record::Sent(intent) => {
                    client.gate.restore(intent);
                    assert!(client.orders.replay_sent(intent), "{intent:?}");
                }
                Record::Control(at, bytes) => client.orders.replay_control(*at, bytes),
                Record::Received(at, bytes) => client.orders.receive(*at, bytes),
                Record::RescueControl(at, bytes) => {
                    client.orders.rescue().expect("a rescue").replay_control(*at, bytes);
                }
                Record::RescueReceived(at, bytes) => {
                    client.orders.rescue().expect("a rescue").receive(*at, bytes);
                }
            }
            client.updates();
        }
        client.orders.replay_ended(now);
        (client.now, client.record) = (now, record.to_vec());
        client
    }

    /// Logs in: the bytes.
    pub fn login(&mut self) -> Vec<u8> {
        let bytes = self.orders.login(self.now).to_vec();
        self.record.push(Record::Control(self.now, bytes.clone()));
        bytes
    }

    /// Bytes of the session that are due.
    pub fn keep_alive(&mut self) -> Option<Vec<u8>> {
        let bytes = self.orders.keep_alive(self.now).map(<[u8]>::to_vec);
        if let Some(bytes) = &bytes {
            self.record.push(Record::Control(self.now, bytes.clone()));
        }
        self.updates();
        bytes
    }

    /// Logs the second session in: the bytes.
    pub fn rescue_login(&mut self) -> Vec<u8> {
        let bytes = self.orders.rescue().expect("a rescue").login(self.now).to_vec();
        self.record.push(Record::RescueControl(self.now, bytes.clone()));
        bytes
    }

    /// Bytes of the second session that are due.
    pub fn rescue_keep_alive(&mut self) -> Option<Vec<u8>> {
        let mut rescue = self.orders.rescue().expect("a rescue");
        let bytes = rescue.keep_alive(self.now).map(<[u8]>::to_vec);
        if let Some(bytes) = &bytes {
            self.record.push(Record::RescueControl(self.now, bytes.clone()));
        }
        self.updates();
        bytes
    }

    pub fn rescue_receive(&mut self, bytes: &[u8]) {
        self.record.push(Record::RescueReceived(self.now, bytes.to_vec()));
        self.orders.rescue().expect("a rescue").receive(self.now, bytes);
        self.updates();
    }

    /// Hands orders that are to be sent again to the gate.
    pub fn resend(&mut self) {
        if let Some(resend) = self.orders.poll_resend(self.now) {
            self.gate.on_update(&resend.release);
            self.submit(resend.intent);
        }
        self.updates();
    }

    /// Stages an intent and hands it to the gate; whether the gate has it.
    pub fn submit(&mut self, mut intent: OrderIntent) -> bool {
        intent.now_ns = self.now;
        self.orders.stage(&mut intent).is_ok() && self.gate.submit(&intent).is_ok()
    }

    /// Takes one verdict of the gate: the bytes to be sent, if it passed and can be.
    pub fn verdict(&mut self) -> Option<Vec<u8>> {
        let bytes = match self.gate.poll()? {
            Verdict::Pass(cleared) => {
                let intent = *cleared.get();
                let bytes = self.orders.encode(cleared).map(<[u8]>::to_vec);
                if bytes.is_some() {
                    self.record.push(Record::Sent(intent));
                }
                bytes
            }
            Verdict::Reject(..) => None,
        };
        self.updates();
        bytes
    }

    /// Submits and encodes at once.
    pub fn send(&mut self, intent: OrderIntent) -> Option<Vec<u8>> {
        self.submit(intent).then(|| self.verdict()).flatten()
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        self.record.push(Record::Received(self.now, bytes.to_vec()));
        self.orders.receive(self.now, bytes);
        self.updates();
    }

    fn updates(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.gate.on_update(&update);
            self.positions.on_update(&update);
            self.told.push(update);
        }
    }

    pub fn anomaly(&self, name: &str) -> u64 {
        self.orders.anomalies().find(|(at, _)| *at == name).map_or(0, |(_, count)| count)
    }

    /// Reserved shares of a side.
    pub fn reserved(&self, id: InstrumentId, side: Side) -> u64 {
        self.gate.exposure(ACCOUNT, id).expect("inside").open_qty[side.index()].0
    }

    /// Asserts that nothing is reserved and the gate saw no contradiction.
    #[track_caller]
    pub fn assert_released(&self, what: &str) {
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let exposure = self.gate.exposure(ACCOUNT, id).expect("inside");
            assert_eq!(exposure.open_qty, [Qty(0); 2], "{what}: open shares of {id:?}");
            assert_eq!(exposure.open_orders, 0, "{what}: open orders of {id:?}");
            assert_eq!(exposure.position, self.positions.position(ACCOUNT, id), "{what}");
        }
        let account = self.gate.account_exposure(ACCOUNT).expect("inside");
        assert_eq!(account.open_notional, [0; 2], "{what}: open notional");
        assert_eq!((account.open_orders, account.killed), (0, false), "{what}");
        assert_eq!(self.gate.card().faults(), 0, "{what}: faults");
        assert_eq!(self.orders.open_orders(), 0, "{what}: orders in the table");
    }
}

pub fn buy(id: u32, price: i64, qty: u64) -> OrderIntent {
    OrderIntent::new(InstrumentId(id), Side::Buy, Price(price), Qty(qty))
}
