//! The software gate's card state as the core behind the seam.

use nofx_fpga_wire::rig::{Core, Line};
use nofx_risk::card::{
    AccountLimits, AccountRegs, CancelOp, CardOp, CardSize, CardState, OrderOp, SymbolLimits,
    SymbolRegs,
};
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

pub const ACCOUNTS: u16 = 3;
pub const SYMBOLS: u32 = 40;
pub const DAY_START_S: u32 = 9 * 3600;

/// A field of a line, little endian.
pub fn word(line: &Line, at: usize, bytes: usize) -> u64 {
    (0..bytes).rev().fold(0, |word, byte| word << 8 | u64::from(line[at + byte]))
}

fn put(line: &mut Line, at: usize, bytes: usize, value: u64) {
    line[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
}

/// An order, replace or cancel as a line; offsets are those of hw/gate/data/gate.toml.
pub fn line_of(kind: u8, op: &OrderOp, tag: u32) -> Line {
    let mut line = [0; 64];
    line[0] = kind;
    line[1] = op.side as u8;
    put(&mut line, 2, 2, u64::from(op.account.0));
    put(&mut line, 4, 4, u64::from(op.symbol.0));
    if kind != 3 {
        put(&mut line, 8, 8, op.price.0 as u64);
        put(&mut line, 16, 8, op.qty.0);
        put(&mut line, 44, 4, u64::from(op.epoch));
    }
    put(&mut line, 24, 8, op.now_ns);
    put(&mut line, 32, 5, op.now_ns / 1_000_000_000);
    let day_start = u64::from(DAY_START_S) * 1_000_000_000;
    put(&mut line, 40, 3, op.now_ns.saturating_sub(day_start) / 86_400_000_000_000);
    put(&mut line, 56, 4, u64::from(tag));
    line
}

/// What a line asks for.
pub fn op_of(line: &Line) -> CardOp {
    let side = if line[1] & 1 == 1 { Side::Sell } else { Side::Buy };
    let (account, symbol) =
        (AccountId(word(line, 2, 2) as u16), InstrumentId(word(line, 4, 4) as u32));
    let now_ns = word(line, 24, 8);
    let order = OrderOp {
        account,
        symbol,
        side,
        price: Price(word(line, 8, 8) as i64),
        qty: Qty(word(line, 16, 8)),
        epoch: word(line, 44, 4) as u32,
        now_ns,
    };
    match line[0] {
        1 => CardOp::New(order),
        2 => CardOp::Replace(order),
        3 => CardOp::Cancel(CancelOp { account, symbol, now_ns }),
        kind => panic!("the seam sent kind {kind}"),
    }
}

/// The core: judges, remembers what it was asked and what it said.
#[derive(Clone)]
pub struct Card {
    pub state: CardState,
    /// Lines and the rules that refused them.
    pub asked: Vec<(Line, u64)>,
    /// A core that has died.
    pub mute: bool,
}

impl Card {
    pub fn new() -> Card {
        let size = CardSize {
            accounts: ACCOUNTS,
            symbols: SYMBOLS,
            holdings_max: u32::from(ACCOUNTS) * SYMBOLS,
            day_start_ns: u64::from(DAY_START_S) * 1_000_000_000,
        };
        let mut state = CardState::new(size).expect("sizes");
        let limits = SymbolLimits {
            qty_max: 1_000,
            price_low: 10_000,
            price_high: 2_000_000,
            long_max: 50_000,
            short_max: 50_000,
            ..SymbolLimits::default()
        };
        let regs = SymbolRegs::new(&limits).expect("limits");
        for symbol in (0..SYMBOLS).map(InstrumentId) {
            assert!(state.judge(&CardOp::SetSymbol { symbol, regs }).is_pass());
        }
        let limits = AccountLimits {
            rate_per_s: 1_000_000,
            duplicate_window_ns: 0, // the tests send equal orders at will
            ..AccountLimits::default()
        };
        let regs = AccountRegs::new(&limits).expect("limits");
        for account in (0..ACCOUNTS).map(AccountId) {
            assert!(state.judge(&CardOp::SetAccount { account, regs }).is_pass());
        }
        Card { state, asked: Vec::new(), mute: false }
    }
}

impl Core for Card {
    fn judge(&mut self, line: &Line) -> Option<Line> {
        if self.mute {
            return None;
        }
        let rejects = self.state.judge(&op_of(line)).0;
        self.asked.push((*line, rejects));
        let mut verdict = [0; 64];
        verdict[0] = line[0];
        put(&mut verdict, 8, 8, rejects);
        verdict[56..60].copy_from_slice(&line[56..60]);
        Some(verdict)
    }
}
