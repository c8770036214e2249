//! The seam with the real gate behind it: frames and the host's lines share one core.
//!
//! The word-level model of the gate is fed with what both ask for, in order; every verdict of the host
//! and every refusal on the wire must be the model's, and the holdings at the end too.
#![cfg(feature = "top")]

mod common;

use common::card::{ACCOUNTS, DAY_START_S, SYMBOLS, line_of};
use common::frames::*;
use common::{ACCOUNT, EPOCH, FIRST, ISN, configure, symbol};
use nofx_fpga::{Capacity, CardModel, OpLine, Snapshot, Table, VerdictLine, regs::reg as gate};
use nofx_fpga_wire::regs::{self, Refuse, counter};
use nofx_fpga_wire::rig::Rig;
use nofx_fpga_wire::sim::Top;
use nofx_risk::card::{
    AccountLimits, AccountRegs, CardOp, FillEffect, KillScope, OrderOp, SymbolLimits, SymbolRegs,
    UpdateOp,
};
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

const DAY_START_NS: u64 = DAY_START_S as u64 * 1_000_000_000;

struct Bench {
    rig: Rig,
    model: CardModel,
    /// Lines of the host so far.
    lines: u32,
    seq: u32,
    user_ref: u32,
}

impl Bench {
    fn new(seed: u32) -> Bench {
        let mut rig = Rig::new(Top::Gate, seed);
        rig.bus(1);
        while rig.read(gate::STATUS) & 1 == 0 {}
        rig.write(gate::ACCOUNTS, ACCOUNTS.into());
        rig.write(gate::SYMBOLS, SYMBOLS);
        rig.write(gate::CONTROL, 1);
        while rig.read(gate::STATUS) & 1 == 0 {}
        rig.write(gate::STICKY, 0x7f);
        rig.bus(0);
        rig.write(regs::REG_CONTROL, 1); // the seam after the gate: numbers begin anew
        while rig.read(regs::REG_STATUS) & 1 == 0 {}
        configure(&mut rig);
        let mut model = CardModel::new(Capacity::default());
        model.scrub(ACCOUNTS.into(), SYMBOLS);
        model.clear(0x7f);
        let mut bench = Bench { rig, model, lines: 0, seq: FIRST, user_ref: 0 };
        bench.limits();
        let syn = Segment::host(ISN, SYN, &[]).bytes();
        bench.rig.send(&syn);
        assert_eq!(bench.rig.run(&mut None), [syn]);
        bench.rig.listen(&Segment::syn_ack(ISN).bytes());
        bench
    }

    fn limits(&mut self) {
        let limits =
            SymbolLimits { qty_max: 1_000, open_orders_max: 12, ..SymbolLimits::default() };
        let regs = SymbolRegs::new(&limits).expect("limits");
        for symbol in (0..SYMBOLS).map(InstrumentId) {
            self.op(&CardOp::SetSymbol { symbol, regs });
        }
        let limits = AccountLimits {
            duplicate_window_ns: 0,
            rate_burst: 1 << 20, // the model does not know the card's time
            per_second_max: u32::MAX,
            ..AccountLimits::default()
        };
        let regs = AccountRegs::new(&limits).expect("limits");
        for account in (0..ACCOUNTS).map(AccountId) {
            self.op(&CardOp::SetAccount { account, regs });
        }
        self.kill(false);
    }

    fn kill(&mut self, engaged: bool) {
        self.op(&CardOp::Kill { scope: KillScope::Global, engaged });
    }

    fn op(&mut self, op: &CardOp) -> VerdictLine {
        self.line(OpLine::encode(op, 0, 0, DAY_START_NS))
    }

    /// A line of the host; its verdict must be the model's, under the host's own number.
    fn line(&mut self, line: OpLine) -> VerdictLine {
        self.lines += 1;
        let tag = self.lines ^ 0xa5a5;
        self.give(line.numbered(tag, self.lines));
        while self.rig.lines.is_empty() {
            self.rig.step(&mut None);
        }
        let bytes = self.rig.lines.pop_front().expect("a verdict");
        let got = VerdictLine::from_bytes(&bytes);
        let want = self.model.line(&line.numbered(tag, self.model.next_seq()));
        assert_eq!((got.seq(), got.tag(), got.credits()), (self.lines, tag, self.lines));
        assert_eq!((got.rejects(), got.payload()), (want.rejects(), want.payload()));
        assert_eq!((got.killed(), got.sticky()), (want.killed(), want.sticky()));
        assert_eq!((got.cfg_epoch(), got.faults()), (want.cfg_epoch(), want.faults()));
        got
    }

    fn give(&mut self, line: OpLine) {
        let bytes: [u8; 64] = line.bytes().try_into().expect("64 bytes");
        self.rig.give(&bytes);
    }

    /// A message of the host in a segment of its own: whether it was let through unchanged.
    fn say(&mut self, message: &[u8]) -> bool {
        let frame = Segment::data(self.seq, message).bytes();
        self.seq += message.len() as u32;
        self.rig.send(&frame);
        let out = self.rig.run(&mut None).pop().expect("forwarded");
        assert!(sums_are_right(&out));
        payload(&out) == message
    }

    /// An order through the seam: whether it passed, which must be what the model says.
    fn order(&mut self, row: u32, side: Side, qty: u32, price: u64) -> bool {
        self.user_ref += 1;
        let letter = if side == Side::Buy { b'B' } else { b'S' };
        let message = enter(self.user_ref, letter, qty, &symbol(row), price, Some(&[]));
        let passes = self.say(&message);
        let op = OrderOp {
            account: AccountId(ACCOUNT),
            symbol: InstrumentId(row),
            side,
            price: Price(price as i64),
            qty: Qty(qty.into()),
            epoch: EPOCH,
            now_ns: 1_790_000_000_000_000_000,
        };
        assert_eq!(passes, self.ask(&line_of(1, &op, self.user_ref)));
        passes
    }

    fn ask(&mut self, line: &[u8; 64]) -> bool {
        let line = OpLine::from_bytes(line);
        let line = line.numbered(line.tag(), self.model.next_seq());
        self.model.line(&line).rejects().is_pass()
    }

    /// Position, cost and open quantities of every holding of the account, compared with the model.
    fn holdings(&mut self) {
        for symbol in (0..SYMBOLS).map(InstrumentId) {
            let account = AccountId(ACCOUNT);
            self.line(OpLine::snapshot(
                &Snapshot { table: Table::Holding, account, symbol, part: 0 },
                0,
                0,
            ));
        }
    }
}

#[test]
fn frames_and_lines_move_one_state() {
    let mut rng = Rng::new(31);
    let mut bench = Bench::new(31);
    let mut live: Vec<(u32, Side, u64, u32)> = Vec::new();
    let mut refused = 0;
    for n in 0..1_500 {
        match rng.below(4) {
            0 if !live.is_empty() => {
                // A report of the venue: filled whole, or cancelled.
                let at = rng.below(live.len() as u64) as usize;
                let (row, side, price, qty) = live.swap_remove(at);
                let filled = rng.chance(1, 2);
                let of = |share: bool| Qty(if share { qty.into() } else { 0 });
                bench.op(&CardOp::Update(UpdateOp {
                    account: AccountId(ACCOUNT),
                    symbol: InstrumentId(row),
                    side,
                    effect: if filled { FillEffect::Fill } else { FillEffect::None },
                    price: Price(price as i64),
                    fill_price: Price(price as i64),
                    fill_qty: of(filled),
                    released_price: Price(price as i64),
                    released_qty: of(!filled),
                    ends: true,
                }));
            }
            1 => _ = bench.line(OpLine::barrier(0, 0)),
            _ => {
                let (row, qty) = (rng.below(6) as u32, [100, 500, 1_001][rng.below(3) as usize]);
                let side = if rng.chance(1, 2) { Side::Buy } else { Side::Sell };
                let price =
                    100_000 + if side == Side::Buy { 0 } else { 100 } + 100 * u64::from(n % 2 == 0);
                match bench.order(row, side, qty, price) {
                    true => live.push((row, side, price, qty)),
                    false => refused += 1,
                }
            }
        }
    }
    bench.holdings();
    assert!(refused > 100 && live.len() > 5, "{refused} {}", live.len());
    let gate = bench.rig.count(counter::REFUSE + Refuse::Gate as u32);
    println!("{refused} refused, all by the gate: {gate}");
    assert_eq!(gate, refused);
}

#[test]
fn lines_under_way_with_frames_come_back_in_order_under_their_own_numbers() {
    let mut bench = Bench::new(32);
    bench.rig.stall(77);
    for round in 0..40u32 {
        let from = bench.lines;
        for _ in 0..10 {
            bench.lines += 1;
            bench.give(OpLine::barrier(bench.lines ^ 0x5a, bench.lines));
        }
        bench.user_ref += 1;
        assert!(bench.say(&enter(bench.user_ref, b'B', 1, &symbol(round), 100_000, Some(&[]))));
        while bench.rig.lines.len() < 10 {
            bench.rig.step(&mut None);
        }
        let mut credits = 0;
        for seq in from + 1..=bench.lines {
            let bytes = bench.rig.lines.pop_front().expect("a verdict");
            let got = VerdictLine::from_bytes(&bytes);
            assert_eq!((got.seq(), got.tag()), (seq, seq ^ 0x5a));
            assert!(got.sticky().is_none() && got.credits() <= bench.lines);
            credits = got.credits();
        }
        assert!(bench.lines - credits <= 1);
    }
}

#[test]
fn a_killed_gate_and_a_hole_in_the_hosts_numbers_refuse_every_order() {
    let mut bench = Bench::new(33);
    assert!(bench.order(1, Side::Buy, 100, 100_000));
    bench.kill(true);
    assert!(!bench.order(1, Side::Buy, 100, 100_000));
    assert!(bench.say(&cancel(1, 0)), "a cancel passes under a kill");
    let op = OrderOp {
        account: AccountId(ACCOUNT),
        symbol: InstrumentId(1),
        side: Side::Buy,
        price: Price(0),
        qty: Qty(0),
        epoch: 0,
        now_ns: 1_790_000_000_000_000_000,
    };
    assert!(bench.ask(&line_of(3, &op, 1)));
    bench.kill(false);
    assert!(bench.order(1, Side::Buy, 100, 100_000));
    // A kill by register.
    bench.rig.bus(1);
    bench.rig.write(gate::CONTROL, 2);
    bench.rig.bus(0);
    bench.model.kill();
    assert!(!bench.order(1, Side::Buy, 100, 100_000));
    assert_eq!(bench.rig.read(regs::REG_STATUS) >> 2, 1, "seen in the seam's status");
    bench.kill(false);
    assert!(bench.order(1, Side::Buy, 100, 100_000));
    // A lost line of the host: its next one is a hole, and the core latches it.
    bench.lines += 2;
    bench.give(OpLine::barrier(1, bench.lines));
    while bench.rig.lines.is_empty() {
        bench.rig.step(&mut None);
    }
    let verdict = VerdictLine::from_bytes(&bench.rig.lines.pop_front().expect("a verdict"));
    assert_eq!(verdict.seq(), bench.lines);
    assert!(verdict.latched() && verdict.killed());
    bench.user_ref += 1;
    assert!(!bench.say(&enter(bench.user_ref, b'B', 1, &symbol(1), 100_000, Some(&[]))));
}
