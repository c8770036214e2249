//! The model of the gate: what stands round the rules, paragraph by paragraph.

use nofx_fpga::regs::{counter, op, rule, sticky};
use nofx_fpga::{Capacity, CardModel, OpLine, RowImage, Snapshot, Sticky, Table, VerdictLine};
use nofx_gate::{KillScope, Rejects, Rule};
use nofx_risk::card::{
    AccountLimits, AccountRegs, CancelOp, CardOp, FillEffect, OrderOp, SymbolLimits, SymbolRegs,
    UpdateOp,
};
use nofx_types::Side::{Buy, Sell};
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

const RANGE: Rejects = Rejects(Rule::Range.bit());
const KILLED: Rejects = Rejects(Rule::KillGlobal.bit());

fn capacity() -> Capacity {
    Capacity { symbols: 8, accounts: 4, holdings: 16 }
}

/// A gate and the next sequence.
struct Bench {
    model: CardModel,
    seq: u32,
}

impl Bench {
    /// Ready to trade: 2 accounts, 4 symbols, wide limits, nothing latched, nothing killed.
    fn ready() -> Bench {
        let mut bench = Bench { model: CardModel::new(capacity()), seq: 1 };
        bench.model.scrub(2, 4);
        bench.model.clear(sticky::RESET);
        let regs = SymbolRegs::new(&SymbolLimits::default()).expect("fits");
        for symbol in (0..4).map(InstrumentId) {
            assert!(bench.ask(&CardOp::SetSymbol { symbol, regs }).rejects().is_pass());
        }
        let limits = AccountLimits { duplicate_window_ns: 0, ..AccountLimits::default() };
        let regs = AccountRegs::new(&limits).expect("fits");
        for account in (0..2).map(AccountId) {
            assert!(bench.ask(&CardOp::SetAccount { account, regs }).rejects().is_pass());
        }
        let release = CardOp::Kill { scope: KillScope::Global, engaged: false };
        assert!(!bench.ask(&release).killed());
        bench
    }

    fn ask(&mut self, op: &CardOp) -> VerdictLine {
        self.put(OpLine::encode(op, 0x7a67, 0, 0))
    }

    fn put(&mut self, line: OpLine) -> VerdictLine {
        let line = line.numbered(line.tag(), self.seq);
        self.seq = self.seq.wrapping_add(1);
        self.model.line(&line)
    }

    fn row(&mut self, table: Table, account: u16, symbol: u32) -> RowImage {
        let mut row = RowImage::empty(table);
        for part in 0..table.parts() {
            let (account, symbol) = (AccountId(account), InstrumentId(symbol));
            let verdict =
                self.put(OpLine::snapshot(&Snapshot { table, account, symbol, part }, 0, 0));
            assert!(verdict.rejects().is_pass());
            row.set_part(part, verdict.payload());
        }
        row
    }
}

fn order(side: Side, price: i64, qty: u64) -> OrderOp {
    OrderOp {
        account: AccountId(1),
        symbol: InstrumentId(2),
        side,
        price: Price(price),
        qty: Qty(qty),
        epoch: 0,
        now_ns: 1_000_000_000,
    }
}

fn fill(side: Side, price: i64, qty: u64) -> UpdateOp {
    UpdateOp {
        account: AccountId(1),
        symbol: InstrumentId(2),
        side,
        effect: FillEffect::Fill,
        price: Price(price),
        fill_price: Price(price),
        fill_qty: Qty(qty),
        released_price: Price(0),
        released_qty: Qty(0),
        ends: true,
    }
}

#[test]
fn it_comes_up_killed_with_reset_latched_and_sizes_of_one_account() {
    let model = CardModel::new(capacity());
    assert!(model.killed() && model.legal());
    assert_eq!(model.sticky(), Sticky(sticky::RESET));
    assert_eq!((model.next_seq(), model.cfg_epoch(), model.faults()), (1, 0, 0));
    assert_eq!(model.counters()[counter::SCRUBS as usize], 1);
    let symbol = |symbol| Snapshot {
        table: Table::Symbol,
        account: AccountId(0),
        symbol: InstrumentId(symbol),
        part: 0,
    };
    assert!(model.image(&symbol(7)).is_some() && model.image(&symbol(8)).is_none());
}

#[test]
fn a_verdict_echoes_its_operation_and_counts() {
    let mut bench = Bench::ready();
    let before = bench.seq;
    let verdict = bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    assert_eq!((verdict.kind(), verdict.tag(), verdict.seq()), (1, 0x7a67, before));
    assert_eq!(verdict.credits(), before, "one line per sequence since the scrub");
    assert_eq!((verdict.rejects(), verdict.cfg_epoch()), (Rejects::NONE, 6));
    assert!(!verdict.killed() && !verdict.latched() && !verdict.fault());
}

#[test]
fn a_latched_error_kills_whatever_release_says() {
    let mut bench = Bench::ready();
    bench.model.latch(sticky::HEARTBEAT);
    let verdict = bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    assert_eq!(verdict.rejects(), KILLED);
    assert!(verdict.killed() && verdict.latched());
    let release = CardOp::Kill { scope: KillScope::Global, engaged: false };
    assert!(bench.ask(&release).killed());
    assert_eq!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects(), KILLED);
    let cancel = CancelOp { account: AccountId(1), symbol: InstrumentId(2), now_ns: 1_000_000_000 };
    assert!(bench.ask(&CardOp::Cancel(cancel)).rejects().is_pass());
    bench.model.clear(sticky::HEARTBEAT);
    assert!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects().is_pass());
}

#[test]
fn the_register_kills_until_an_operation_releases() {
    let mut bench = Bench::ready();
    bench.model.kill();
    assert_eq!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects(), KILLED);
    bench.ask(&CardOp::Kill { scope: KillScope::Global, engaged: false });
    assert!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects().is_pass());
}

#[test]
fn a_gap_latches_the_operation_is_performed_and_an_order_is_refused() {
    let mut bench = Bench::ready();
    bench.seq += 3;
    let verdict = bench.ask(&CardOp::Epoch(9));
    assert_eq!((verdict.sticky(), verdict.rejects()), (Sticky(sticky::SEQUENCE), Rejects::NONE));
    assert_eq!(bench.model.card().epoch(), 9);
    assert_eq!(bench.model.next_seq(), bench.seq, "the gap is over");
    bench.model.clear(sticky::SEQUENCE);
    bench.seq -= 1; // the same once more
    let verdict = bench.ask(&CardOp::New(OrderOp { epoch: 9, ..order(Buy, 1_000, 100) }));
    assert_eq!((verdict.sticky(), verdict.rejects()), (Sticky(sticky::SEQUENCE), KILLED));
    // Sequences wrap.
    let mut bench = Bench::ready();
    bench.seq = u32::MAX;
    let _ = bench.ask(&CardOp::Epoch(0));
    bench.model.clear(sticky::SEQUENCE);
    assert_eq!(bench.ask(&CardOp::Epoch(0)).sticky(), Sticky::NONE);
    assert_eq!(bench.seq, 1);
}

#[test]
fn an_unknown_kind_is_out_of_range_and_latches() {
    for kind in [0, 13, 255] {
        let mut bench = Bench::ready();
        let verdict = bench.put(OpLine::ZERO.with(op::KIND, kind));
        assert_eq!((verdict.rejects(), verdict.sticky()), (RANGE, Sticky(sticky::ILLEGAL)));
        assert_eq!((u64::from(verdict.kind()), verdict.payload()), (kind, [0; 4]));
        assert_eq!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects(), KILLED);
    }
}

#[test]
fn unknown_scopes_and_tables_are_out_of_range_and_change_nothing() {
    let mut bench = Bench::ready();
    let kill = OpLine::encode(&CardOp::Kill { scope: KillScope::Global, engaged: true }, 0, 0, 0);
    let verdict = bench.put(kill.with(op::SCOPE, 3));
    assert_eq!((verdict.rejects(), verdict.killed()), (RANGE, false));
    let of =
        Snapshot { table: Table::Symbol, account: AccountId(0), symbol: InstrumentId(0), part: 0 };
    let verdict = bench.put(OpLine::snapshot(&of, 0, 0).with(op::TABLE, 4));
    assert_eq!((verdict.rejects(), verdict.payload()), (RANGE, [0; 4]));
    assert!(verdict.sticky().is_none());
}

#[test]
fn each_kind_is_out_of_range_by_what_it_uses() {
    let (far, away) = (InstrumentId(4), AccountId(2));
    let (regs, limits) = (SymbolRegs::CLOSED, AccountRegs::CLOSED);
    let cancel = CancelOp { account: AccountId(1), symbol: InstrumentId(2), now_ns: 0 };
    let cases = [
        CardOp::New(OrderOp { symbol: far, ..order(Buy, 1, 1) }),
        CardOp::Replace(OrderOp { account: away, ..order(Buy, 1, 1) }),
        CardOp::New(order(Buy, 1 << 32, 1)),
        CardOp::New(order(Buy, -1, 1)),
        CardOp::New(order(Buy, 1, 1 << 32)),
        CardOp::Cancel(CancelOp { symbol: far, ..cancel }),
        CardOp::Cancel(CancelOp { account: away, ..cancel }),
        CardOp::Halt { symbol: far, halted: true },
        CardOp::SetSymbol { symbol: far, regs },
        CardOp::SetAccount { account: away, regs: limits },
        CardOp::Kill { scope: KillScope::Account(away), engaged: true },
        CardOp::Kill { scope: KillScope::Symbol(far), engaged: true },
    ];
    let mut bench = Bench::ready();
    bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    bench.ask(&CardOp::Update(fill(Buy, 1_000, 100))); // so that a payload would not be zero
    let epoch = bench.model.cfg_epoch();
    for case in cases {
        let verdict = bench.ask(&case);
        assert_eq!((verdict.rejects(), verdict.payload()), (RANGE, [0; 4]), "{case:?}");
        assert!(!verdict.fault() && !verdict.killed());
    }
    assert_eq!(bench.model.cfg_epoch(), epoch, "what is outside is not applied");
    // Restores too.
    let verdict = bench.put(OpLine::restore(&order(Buy, 1 << 32, 1), 0, 0, 0));
    assert_eq!((verdict.rejects(), verdict.payload()), (RANGE, [0; 4]));
    // The account of a halt and the symbol of an account's limits do not count.
    let halt = OpLine::encode(&CardOp::Halt { symbol: InstrumentId(0), halted: false }, 0, 0, 0);
    assert!(bench.put(halt.with(op::ACCOUNT, 99)).rejects().is_pass());
    let set = CardOp::SetAccount { account: AccountId(0), regs: limits };
    assert!(bench.put(OpLine::encode(&set, 0, 0, 0).with(op::SYMBOL, 99)).rejects().is_pass());
}

#[test]
fn a_report_outside_the_tables_is_a_fault_and_kills() {
    let mut bench = Bench::ready();
    let verdict = bench.ask(&CardOp::Update(UpdateOp { account: AccountId(2), ..fill(Buy, 1, 1) }));
    assert_eq!((verdict.rejects(), verdict.faults()), (RANGE, 1));
    assert!(verdict.fault() && verdict.killed() && !verdict.latched());
    assert_eq!(bench.ask(&CardOp::New(order(Buy, 1_000, 100))).rejects(), KILLED);
}

#[test]
fn illegal_sizes_leave_no_row_at_all() {
    let sizes = [(0, 4), (5, 1), (1, 0), (1, 9), (4, 5), (u32::MAX, u32::MAX), (1 << 31, 2)];
    for (accounts, symbols) in sizes {
        let mut bench = Bench { model: CardModel::new(capacity()), seq: 1 };
        bench.model.scrub(accounts, symbols);
        bench.model.clear(u16::MAX);
        let release = CardOp::Kill { scope: KillScope::Global, engaged: false };
        assert!(bench.ask(&release).killed(), "{accounts} {symbols}");
        assert!(!bench.model.card().killed(), "the word is released, nothing passes all the same");
        let first = OrderOp { account: AccountId(0), symbol: InstrumentId(0), ..order(Buy, 1, 1) };
        assert_eq!(bench.ask(&CardOp::New(first)).rejects(), RANGE);
        let set = CardOp::SetSymbol { symbol: InstrumentId(0), regs: SymbolRegs::CLOSED };
        assert_eq!(bench.ask(&set).rejects(), RANGE);
        assert_eq!(bench.put(OpLine::restore(&first, 0, 0, 0)).rejects(), RANGE);
        let report = UpdateOp { account: AccountId(0), symbol: InstrumentId(0), ..fill(Buy, 1, 1) };
        let verdict = bench.ask(&CardOp::Update(report));
        assert!(verdict.fault() && verdict.rejects() == RANGE);
        assert_eq!(verdict.cfg_epoch(), 0);
    }
}

#[test]
fn the_payload_is_what_an_operation_leaves_behind() {
    let mut bench = Bench::ready();
    bench.ask(&CardOp::New(order(Sell, 1_000, 100)));
    let verdict = bench.ask(&CardOp::Update(fill(Sell, 1_000, 100)));
    assert_eq!(verdict.payload().map(|word| word as i64), [-100, -100_000, 100_000, -100_000]);
    let refused = bench.ask(&CardOp::New(order(Buy, 0, 100)));
    assert_eq!(refused.rejects(), Rejects(Rule::PriceBand.bit()));
    assert_eq!(refused.payload(), verdict.payload(), "refused, not out of range");
    assert_eq!(bench.ask(&CardOp::Epoch(0)).payload(), [0; 4]);
    let cancel = CancelOp { account: AccountId(1), symbol: InstrumentId(2), now_ns: 0 };
    assert_eq!(bench.ask(&CardOp::Cancel(cancel)).payload(), verdict.payload());
}

#[test]
fn messages_count_in_the_windows_that_the_line_names() {
    let mut bench = Bench::ready();
    let line = OpLine::encode(&CardOp::New(order(Buy, 1_000, 100)), 0, 0, 0);
    let line = line.with(op::SECOND, (1 << 35) - 1).with(op::DAY, (1 << 18) - 1);
    assert!(bench.put(line).rejects().is_pass());
    let row = bench.model.card().account(AccountId(1)).expect("a row");
    assert_eq!((row.second, row.day), ((1 << 35) - 1, (1 << 18) - 1));
    assert!(bench.put(OpLine::restore(&order(Buy, 1_000, 100), 0, 0, 0)).rejects().is_pass());
    let row = bench.model.card().account(AccountId(1)).expect("a row");
    assert_eq!((row.second_cnt, row.day_cnt), (2, 2), "an earlier window counts in the latest");
}

#[test]
fn snapshots_show_rows_as_the_software_holds_them() {
    let mut bench = Bench::ready();
    for step in 0..9 {
        let side = if step % 3 == 2 { Sell } else { Buy };
        bench.ask(&CardOp::New(order(
            side,
            1_000 + 100 * i64::from(side == Sell) + step,
            10 + step as u64,
        )));
    }
    bench.ask(&CardOp::Update(fill(Buy, 1_000, 4)));
    bench.ask(&CardOp::Kill { scope: KillScope::Symbol(InstrumentId(2)), engaged: true });
    bench.ask(&CardOp::Kill { scope: KillScope::Account(AccountId(1)), engaged: true });
    bench.ask(&CardOp::Epoch(77));
    let rows = (
        bench.row(Table::Symbol, 1, 2),
        bench.row(Table::Account, 1, 2),
        bench.row(Table::Holding, 1, 2),
        bench.row(Table::Globals, 9, 99),
    );
    let card = bench.model.card();
    let (account, symbol) = (AccountId(1), InstrumentId(2));
    assert_eq!(rows.0, RowImage::of_symbol(card.symbol(symbol).expect("a row")));
    assert_eq!(rows.1, RowImage::of_account(card.account(account).expect("a row")));
    assert_eq!(rows.2, RowImage::of_holding(card.holding(account, symbol).expect("a row")));
    assert_eq!(rows.3, RowImage::of_globals(77, 0, 6, false));
    check_by_hand(&rows.1, &rows.2);
    let other = RowImage::of_globals(77, 0, 7, false);
    assert_eq!(rows.3.differences(&other).collect::<Vec<_>>(), [("cfg_epoch", 6, 7)]);
    // Beyond a row there is nothing, outside the tables there is no row.
    let of = |table, part| Snapshot { table, account, symbol, part };
    assert_eq!(bench.put(OpLine::snapshot(&of(Table::Holding, 4), 0, 0)).payload(), [0; 4]);
    assert_eq!(
        bench.put(OpLine::snapshot(&of(Table::Holding, 255), 0, 0)).rejects(),
        Rejects::NONE
    );
    let outside = Snapshot { account: AccountId(2), ..of(Table::Account, 0) };
    assert_eq!(bench.put(OpLine::snapshot(&outside, 0, 0)).rejects(), RANGE);
}

/// Nine orders, six of them buys of 81 in all, and a fill of 4 at 1,000.
fn check_by_hand(account: &RowImage, holding: &RowImage) {
    let named = |row: &RowImage, name: &str| {
        let field = row.table.fields().iter().find(|(field, _)| *field == name);
        row.get(field.unwrap_or_else(|| panic!("no {name}")).1)
    };
    for (name, value) in [
        ("position", 4),
        ("held", 4_000),
        ("open_buy", 77),
        ("open_sell", 45),
        ("best_buy", 1_007),
        ("best_sell", 1_102),
        ("open_orders", 8),
        ("recent_used", 0b1111),
        ("recent_sells", 0b0011),
        ("recent_next", 1),
        ("recent_key0", 1_108 << 32 | 18),
        ("recent_key1", 1_105 << 32 | 15),
        ("recent_key2", 1_006 << 32 | 16),
        ("recent_key3", 1_007 << 32 | 17),
        ("recent_ns0", 1_000_000_000),
        ("recent_ns3", 1_000_000_000),
    ] {
        assert_eq!(named(holding, name), value, "{name}");
    }
    let buys = [(1_000, 10), (1_001, 11), (1_003, 13), (1_004, 14), (1_006, 16), (1_007, 17)];
    let bought: u64 = buys.iter().map(|(price, qty)| price * qty).sum();
    for (name, value) in [
        ("gross_held", 4_000),
        ("net_held", 4_000),
        ("open_buy_notional", bought - 4_000),
        ("open_sell_notional", 1_102 * 12 + 1_105 * 15 + 1_108 * 18),
        ("arrival_ns", 1_000_000_000 + 9 * 100_000),
        ("second", 1),
        ("day", 0),
        ("second_cnt", 9),
        ("day_cnt", 9),
        ("open_orders", 8),
        ("killed", 1),
        ("rate_interval_ns", 100_000),
        ("per_day_max", 5_000_000),
    ] {
        assert_eq!(named(account, name), value, "{name}");
    }
}

#[test]
fn a_commit_acts_between_two_lines_and_answers_a_register() {
    let mut bench = Bench::ready();
    let regs = SymbolRegs::CLOSED;
    let set = CardOp::SetSymbol { symbol: InstrumentId(2), regs };
    let epoch = bench.model.cfg_epoch();
    assert_eq!(bench.model.commit(&OpLine::encode(&set, 0, 12_345, 0)), Rejects::NONE);
    let verdict = bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    assert!(verdict.rejects().has(Rule::Permission) && verdict.sticky().is_none());
    assert_eq!(verdict.cfg_epoch(), epoch + 1);
    let set = CardOp::SetSymbol { symbol: InstrumentId(4), regs };
    assert_eq!(bench.model.commit(&OpLine::encode(&set, 0, 0, 0)), RANGE);
    assert_eq!(bench.model.commits(), (2, RANGE));
    assert_eq!(bench.ask(&CardOp::Epoch(0)).credits() + 1, bench.seq, "no credit is used");
}

#[test]
fn a_scrub_begins_anew_and_keeps_errors() {
    let mut bench = Bench::ready();
    bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    bench.ask(&CardOp::Epoch(5));
    bench.model.latch(sticky::PARITY);
    bench.model.scrub(1, 1);
    assert_eq!(bench.model.sticky(), Sticky(sticky::PARITY | sticky::RESET));
    assert_eq!((bench.model.cfg_epoch(), bench.model.card().epoch()), (0, 0));
    bench.seq = 1;
    let verdict = bench.ask(&CardOp::Epoch(0));
    assert_eq!((verdict.credits(), verdict.seq()), (1, 1));
    assert_eq!(verdict.sticky(), Sticky(sticky::PARITY | sticky::RESET), "no gap");
    let count = |counter: u32| bench.model.counters()[counter as usize];
    assert_eq!((count(counter::SCRUBS), count(counter::PASSED)), (3, 1), "counters go on");
    bench.model.reset();
    assert_eq!(bench.model.sticky(), Sticky(sticky::RESET));
    assert_eq!(bench.model.counters()[counter::LINES as usize], 0);
}

#[test]
fn counters_count() {
    let mut bench = Bench::ready();
    bench.ask(&CardOp::New(order(Buy, 1_000, 100)));
    bench.ask(&CardOp::Replace(order(Buy, 0, 0)));
    let cancel = CancelOp { account: AccountId(1), symbol: InstrumentId(2), now_ns: 0 };
    bench.ask(&CardOp::Cancel(cancel));
    bench.ask(&CardOp::Update(fill(Buy, 1_000, 100)));
    bench.ask(&CardOp::Update(fill(Buy, 1_000, 100))); // more than was open
    let count = |counter: u32| bench.model.counters()[counter as usize];
    assert_eq!((count(counter::PASSED), count(counter::REFUSED)), (1, 1));
    assert_eq!((count(counter::CANCELS), count(counter::UPDATES)), (1, 2));
    assert_eq!((count(counter::FAULTS), count(counter::LINES)), (1, u64::from(bench.seq) - 1));
    for ((name, bit), count) in rule::RULES.iter().zip(bench.model.rule_counters()) {
        let refused = [Rule::PriceBand as u32, Rule::Lot as u32].contains(bit);
        assert_eq!(*count, u32::from(refused), "{name}");
    }
}
