//! Lines: every operation goes through one and back, and any 64 bytes are read without harm.

use nofx_fpga::regs::{op, rule};
use nofx_fpga::{LineOp, Misfit, OpLine, Snapshot, Table, VerdictLine};
use nofx_gate::{KillScope, Rule};
use nofx_risk::card::{
    AccountLimits, AccountRegs, CancelOp, CardOp, FillEffect, OrderOp, SymbolLimits, SymbolRegs,
    UpdateOp, Windows,
};
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};
use proptest::prelude::*;

const DAY_START_NS: u64 = 3_600_000_000_000;

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Account and symbol.
fn row() -> impl Strategy<Value = (AccountId, InstrumentId)> {
    (any::<u16>(), any::<u32>()).prop_map(|(a, s)| (AccountId(a), InstrumentId(s)))
}

fn order() -> impl Strategy<Value = OrderOp> {
    (row(), side(), any::<i64>(), any::<u64>(), any::<u32>(), any::<u64>()).prop_map(
        |((account, symbol), side, price, qty, epoch, now_ns)| OrderOp {
            account,
            symbol,
            side,
            price: Price(price),
            qty: Qty(qty),
            epoch,
            now_ns,
        },
    )
}

fn update() -> impl Strategy<Value = UpdateOp> {
    let effect =
        prop_oneof![Just(FillEffect::None), Just(FillEffect::Fill), Just(FillEffect::Break)];
    let amounts = (any::<[i64; 3]>(), any::<[u64; 2]>());
    (row(), side(), effect, amounts, any::<bool>()).prop_map(
        |((account, symbol), side, effect, (prices, qtys), ends)| UpdateOp {
            account,
            symbol,
            side,
            effect,
            price: Price(prices[0]),
            fill_price: Price(prices[1]),
            fill_qty: Qty(qtys[0]),
            released_price: Price(prices[2]),
            released_qty: Qty(qtys[1]),
            ends,
        },
    )
}

fn symbol_regs() -> impl Strategy<Value = SymbolRegs> {
    let limits =
        (any::<[bool; 2]>(), 1..=u32::MAX, any::<[u32; 4]>(), any::<u64>(), any::<[u64; 2]>());
    limits.prop_map(|([buy, sell], lot, [qty_max, low, high, orders], notional_max, positions)| {
        SymbolRegs::new(&SymbolLimits {
            buy,
            sell,
            lot,
            qty_max,
            notional_max,
            price_low: low,
            price_high: high,
            long_max: positions[0] >> 17,
            short_max: positions[1] >> 17,
            open_orders_max: orders,
        })
        .expect("inside the widths")
    })
}

fn account_regs() -> impl Strategy<Value = AccountRegs> {
    (any::<[u32; 3]>(), any::<[u64; 3]>(), 1..=1_000_000_000u32, 1..=1u32 << 20).prop_map(
        |([orders, second, day], [gross, net, window], rate_per_s, rate_burst)| {
            AccountRegs::new(&AccountLimits {
                open_orders_max: orders,
                gross_max: gross >> 2,
                net_max: net >> 2,
                rate_per_s,
                rate_burst,
                per_second_max: second,
                per_day_max: day,
                duplicate_window_ns: window,
            })
            .expect("inside the widths")
        },
    )
}

fn any_op() -> impl Strategy<Value = CardOp> {
    let scope = row().prop_flat_map(|(account, symbol)| {
        prop_oneof![
            Just(KillScope::Global),
            Just(KillScope::Account(account)),
            Just(KillScope::Symbol(symbol))
        ]
    });
    prop_oneof![
        order().prop_map(CardOp::New),
        order().prop_map(CardOp::Replace),
        (row(), any::<u64>()).prop_map(|((account, symbol), now_ns)| CardOp::Cancel(CancelOp {
            account,
            symbol,
            now_ns
        })),
        update().prop_map(CardOp::Update),
        (scope, any::<bool>()).prop_map(|(scope, engaged)| CardOp::Kill { scope, engaged }),
        (row(), any::<bool>()).prop_map(|((_, symbol), halted)| CardOp::Halt { symbol, halted }),
        any::<u32>().prop_map(CardOp::Epoch),
        (row(), symbol_regs()).prop_map(|((_, symbol), regs)| CardOp::SetSymbol { symbol, regs }),
        (row(), account_regs())
            .prop_map(|((account, _), regs)| CardOp::SetAccount { account, regs }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_operation_goes_through_a_line_and_back(op in any_op(), tag: u32, seq: u32) {
        let line = OpLine::encode(&op, tag, seq, DAY_START_NS);
        prop_assert_eq!(line.decode(), Ok(LineOp::Card(op)));
        prop_assert_eq!((line.tag(), line.seq()), (tag, seq));
        prop_assert_eq!(OpLine::from_bytes(line.bytes().try_into().expect("64 bytes")), line);
        let now_ns = match op {
            CardOp::New(order) | CardOp::Replace(order) => order.now_ns,
            CardOp::Cancel(cancel) => cancel.now_ns,
            _ => return Ok(()),
        };
        prop_assert_eq!(line.windows(), Windows::of(now_ns, DAY_START_NS));
    }

    #[test]
    fn what_only_a_line_knows_goes_through_too(
        order in order(), tag: u32, seq: u32, table in 0..4usize, part: u8,
    ) {
        let line = OpLine::restore(&order, tag, seq, DAY_START_NS);
        prop_assert_eq!(line.decode(), Ok(LineOp::Restore(order)));
        let tables = [Table::Symbol, Table::Account, Table::Holding, Table::Globals];
        let (account, symbol) = (order.account, order.symbol);
        let snapshot = Snapshot { table: tables[table], account, symbol, part };
        let line = OpLine::snapshot(&snapshot, tag, seq);
        prop_assert_eq!(line.decode(), Ok(LineOp::Snapshot(snapshot)));
        prop_assert_eq!(OpLine::barrier(tag, seq).decode(), Ok(LineOp::Barrier));
    }

    #[test]
    fn any_bytes_are_read_without_harm(words: [u64; 8]) {
        let line = OpLine { words };
        if let Ok(LineOp::Card(op)) = line.decode() {
            // What has a meaning keeps it: the fields it does not use are all that may go.
            let again = OpLine::encode(&op, line.tag(), line.seq(), DAY_START_NS);
            prop_assert_eq!(again.decode(), Ok(LineOp::Card(op)));
        }
        let verdict = VerdictLine { words };
        let _ = (verdict.rejects().rules().count(), format!("{:?}", verdict.sticky()));
        let _ = (verdict.payload(), verdict.killed(), verdict.credits(), verdict.faults());
    }

    #[test]
    fn any_line_of_a_known_kind_is_read(kind in 0..=13u64, mut words: [u64; 8]) {
        words[0] &= !0xff;
        let line = OpLine { words }.with(op::KIND, kind);
        let decoded = line.decode();
        let known = (1..=12).contains(&kind);
        prop_assert_eq!(decoded == Err(Misfit::Kind), !known, "{:?}", decoded);
        if decoded == Err(Misfit::Range) {
            prop_assert!([6, 11].contains(&kind), "only scopes and tables misfit");
        }
    }
}

/// Offsets by hand, from the data file.
#[test]
fn an_order_stands_where_the_table_says() {
    let order = OrderOp {
        account: AccountId(0x0102),
        symbol: InstrumentId(0x0304_0506),
        side: Side::Sell,
        price: Price(-2),
        qty: Qty(0x1112_1314_1516_1718),
        epoch: 0x2122_2324,
        now_ns: 2 * 86_400_000_000_000 + 3_600_000_000_000,
    };
    let line = OpLine::encode(&CardOp::New(order), 0x3132_3334, 0x4142_4344, DAY_START_NS);
    let bytes = line.bytes();
    assert_eq!(bytes[..8], [1, 1, 2, 1, 6, 5, 4, 3]);
    assert_eq!(bytes[8..16], (-2i64).to_le_bytes());
    assert_eq!(bytes[16..24], 0x1112_1314_1516_1718u64.to_le_bytes());
    assert_eq!(bytes[24..32], 176_400_000_000_000u64.to_le_bytes());
    assert_eq!(bytes[32..40], 176_400u64.to_le_bytes());
    assert_eq!(bytes[40..44], 2u32.to_le_bytes());
    assert_eq!(bytes[44..48], 0x2122_2324u32.to_le_bytes());
    assert_eq!(bytes[48..56], [0; 8]);
    assert_eq!(bytes[56..], [0x34, 0x33, 0x32, 0x31, 0x44, 0x43, 0x42, 0x41]);
}

#[test]
fn the_rules_of_the_data_file_are_the_card_rules_of_the_gate() {
    let card = Rule::ALL.into_iter().filter(|rule| rule.is_card());
    let ours: Vec<_> = card.map(|rule| (rule.name(), rule as u32)).collect();
    assert_eq!(ours, rule::RULES);
}
