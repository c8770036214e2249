//! What the venue holds to be true, as plain data: for a third program to compare with.
//!
//! Prices count 1/10,000, money is price times shares, times are nanoseconds since midnight of the
//! venue's clock. Matches of the flow with itself are counted and not listed.

use nofx_types::{Nanos, Price, Side};
use serde::Serialize;

use super::Exchange;
use super::course::{Stage, Trading};
use super::firm::{OrderState, Position};

/// Name of the background as a firm.
pub const FLOW: &str = "FLOW";

/// A match in which a firm had a part: firm, UserRefNum and order reference of each side, `None`
/// for the flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution {
    pub at: Nanos,
    pub match_number: u64,
    pub row: u32,
    pub qty: u32,
    pub price: Price,
    pub cross: bool,
    pub buyer: Option<(usize, u32, u64)>,
    pub seller: Option<(usize, u32, u64)>,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// When it was taken.
    pub at_ns: u64,
    /// Session of the stream.
    pub session: String,
    /// `pre_open`, `open`, `closing_call`, `closed`, `over`.
    pub stage: &'static str,
    /// Number of the next message of the stream.
    pub next_seq: u64,
    /// Each instrument with its orders.
    pub books: Vec<DumpBook>,
    /// Each firm.
    pub firms: Vec<DumpFirm>,
    /// Positions of the flow.
    pub flow_positions: Vec<DumpPosition>,
    /// Matches with a firm on one side at least, in order.
    pub executions: Vec<DumpExecution>,
    /// Counts by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpBook {
    /// Its locate.
    pub locate: u16,
    /// Its symbol.
    pub symbol: String,
    /// `T` trading, `Q` call, `H` halted or closed.
    pub state: char,
    /// Bids in the order in which they are filled.
    pub bids: Vec<DumpResting>,
    /// Asks likewise.
    pub asks: Vec<DumpResting>,
}

/// A resting order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpResting {
    /// Its reference, as on ITCH and OUCH.
    pub order_ref: u64,
    /// Whose it is.
    pub firm: String,
    /// UserRefNum; 0 for the flow.
    pub user_ref: u32,
    /// Limit price.
    pub price: i64,
    /// Open shares.
    pub qty: u32,
}

/// One firm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpFirm {
    /// Its name.
    pub name: String,
    /// The next UserRefNum that is not ignored.
    pub next_user_ref: u32,
    /// Number of the next sequenced message.
    pub next_seq: u64,
    /// Whether its client is logged in.
    pub logged_in: bool,
    /// Every order that was accepted, in that order.
    pub orders: Vec<DumpOrder>,
    /// Instruments in which it traded.
    pub positions: Vec<DumpPosition>,
    /// Counts of its session by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// An order that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpOrder {
    /// UserRefNum.
    pub user_ref: u32,
    /// The venue's reference.
    pub order_ref: u64,
    /// Instrument.
    pub symbol: String,
    /// `B` or `S`.
    pub side: char,
    /// Limit price.
    pub price: i64,
    /// What became of it.
    pub state: OrderState,
    /// Shares filled under this UserRefNum.
    pub executed: u32,
    /// Open shares.
    pub leaves: u32,
}

/// Shares and money of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpPosition {
    /// Instrument.
    pub symbol: String,
    /// Bought less sold.
    pub net: i64,
    /// Shares bought.
    pub bought: u64,
    /// Shares sold.
    pub sold: u64,
    /// Price times shares bought.
    pub paid: u64,
    /// Price times shares sold.
    pub received: u64,
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpExecution {
    /// When.
    pub at_ns: u64,
    /// Its number, as on ITCH and OUCH; all matches of a cross share one.
    pub match_number: u64,
    /// Instrument.
    pub symbol: String,
    /// Shares.
    pub qty: u32,
    /// Price.
    pub price: i64,
    /// Whether it was part of a cross.
    pub cross: bool,
    /// Who bought.
    pub buyer: DumpEnd,
    /// Who sold.
    pub seller: DumpEnd,
}

/// One side of a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpEnd {
    /// Whose order it was.
    pub firm: String,
    /// UserRefNum; 0 for the flow.
    pub user_ref: u32,
    /// The venue's reference; 0 for the flow.
    pub order_ref: u64,
}

impl Exchange {
    /// Everything, as it is now.
    pub fn dump(&self) -> Dump {
        Dump {
            at_ns: self.desk.now.0,
            session: self.config.market.session.clone(),
            stage: stage_name(self.stage),
            next_seq: self.desk.next_seq(),
            books: (0..self.desk.names.len()).map(|row| self.dump_book(row)).collect(),
            firms: (0..self.desk.firms.len()).filter_map(|firm| self.dump_firm(firm)).collect(),
            flow_positions: self.positions(&self.desk.flow_positions),
            executions: self.desk.executions.iter().map(|e| self.dump_execution(e)).collect(),
            counts: self.counts(),
        }
    }

    fn dump_book(&self, row: usize) -> DumpBook {
        let (locate, _) = self.desk.names.get(row).copied().unwrap_or_default();
        let state = self.trading.get(row).copied().unwrap_or(Trading::Closed).letter();
        let side = |side| {
            let resting = self.market.resting_orders(row as u32, side);
            resting.map(|resting| self.dump_resting(&resting)).collect()
        };
        DumpBook {
            locate,
            symbol: self.symbol(row),
            state: char::from(state),
            bids: side(Side::Buy),
            asks: side(Side::Sell),
        }
    }

    fn dump_resting(&self, resting: &crate::matching::Resting) -> DumpResting {
        let owner = self.desk.owner(resting.order);
        let order = owner.and_then(|(firm, order)| self.desk.firms.get(firm)?.orders.get(order));
        DumpResting {
            order_ref: resting.order.0,
            firm: self.firm_name(owner.map(|owner| owner.0)),
            user_ref: order.map_or(0, |order| order.user_ref),
            price: resting.price.0,
            qty: resting.qty,
        }
    }

    fn dump_firm(&self, at: usize) -> Option<DumpFirm> {
        let firm = self.desk.firms.get(at)?;
        let (session, drops) = (firm.acceptor.stats(), firm.acceptor.inbox_drops());
        let orders = firm.orders.iter().map(|order| DumpOrder {
            user_ref: order.user_ref,
            order_ref: order.order_ref.0,
            symbol: self.symbol(order.row as usize),
            side: if order.side == Side::Buy { 'B' } else { 'S' },
            price: order.price.0,
            state: order.state,
            executed: order.filled,
            leaves: order.leaves,
        });
        Some(DumpFirm {
            name: self.firm_name(Some(at)),
            next_user_ref: firm.acceptor.next_user_ref(),
            next_seq: firm.acceptor.next_seq(),
            logged_in: firm.acceptor.is_logged_in(),
            orders: orders.collect(),
            positions: self.positions(&firm.positions),
            counts: vec![
                ("logins", session.logins),
                ("logins_refused", session.logins_refused),
                ("stale_refs", session.stale_refs),
                ("malformed", session.malformed),
                ("not_logged_in", session.not_logged_in),
                ("unknown_frames", session.unknown_frames),
                ("refused", session.refused),
                ("unsent", session.unsent),
                ("oversize_frames", drops.oversize),
                ("broken_frames", drops.broken),
                ("unconnected_bytes", drops.unconnected_bytes),
            ],
        })
    }

    fn positions(&self, rows: &[Position]) -> Vec<DumpPosition> {
        let traded = rows.iter().enumerate().filter(|(_, p)| **p != Position::default());
        traded
            .map(|(row, position)| DumpPosition {
                symbol: self.symbol(row),
                net: position.bought as i64 - position.sold as i64,
                bought: position.bought,
                sold: position.sold,
                paid: position.paid,
                received: position.received,
            })
            .collect()
    }

    fn dump_execution(&self, execution: &Execution) -> DumpExecution {
        let end = |end: Option<(usize, u32, u64)>| DumpEnd {
            firm: self.firm_name(end.map(|end| end.0)),
            user_ref: end.map_or(0, |end| end.1),
            order_ref: end.map_or(0, |end| end.2),
        };
        DumpExecution {
            at_ns: execution.at.0,
            match_number: execution.match_number,
            symbol: self.symbol(execution.row as usize),
            qty: execution.qty,
            price: execution.price.0,
            cross: execution.cross,
            buyer: end(execution.buyer),
            seller: end(execution.seller),
        }
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let (market, requests) = (&self.desk.counts, self.desk.archive_stats());
        vec![
            ("executions", market.executions),
            ("executed_shares", market.executed_shares),
            ("executions_dropped", market.executions_dropped),
            ("crosses", market.crosses),
            ("self_trades_prevented", market.self_trades_prevented),
            ("capture_ignored", market.capture_ignored),
            ("requests_answered", requests.answered),
            ("messages_again", requests.messages),
            ("requests_malformed", requests.malformed),
            ("requests_other_session", requests.other_session),
            ("requests_nothing", requests.nothing),
        ]
    }

    fn symbol(&self, row: usize) -> String {
        self.desk.names.get(row).map_or(String::new(), |name| name.1.as_str().to_owned())
    }

    fn firm_name(&self, firm: Option<usize>) -> String {
        let name = firm.and_then(|firm| self.config.firms.get(firm));
        name.map_or(FLOW.to_owned(), |firm| firm.name.clone())
    }
}

const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::PreOpen => "pre_open",
        Stage::Open => "open",
        Stage::ClosingCall => "closing_call",
        Stage::Closed => "closed",
        Stage::Over => "over",
    }
}
