//! Order entry: from a cleared intent to bytes, from the venue's bytes to news, and positions.
//!
//! Model: [`OrderManager`] is one session without a socket, in one of five protocols ([`Protocol`])
//! behind one seam (`link`): framing, login, numbers and the words for a request differ, the state
//! machine does not. Frames are built at start; an order patches the fields that differ and goes
//! ("prebuild, patch, fire"). Our ids are the venue's client order ids (a number or its digits), they
//! rise, and the order with id `n` lives in row `n mod orders_max`: one indexed load finds it. Where a
//! cancel needs an id of its own, those fall from the highest. What a protocol has no words for is
//! refused before it is judged. Every report becomes
//! [`OrderUpdate`](nofx_types::OrderUpdate)s that say what exposure they release and at which price,
//! so that whoever reserved it (the gate) needs no memory of orders.
//!
//! The life of a connection: [`OrderManager::should_connect`] says when to connect, `login` gives the
//! first bytes, `receive` takes what comes, [`OrderManager::keep_alive`] gives what the session itself
//! has to say, and after each the news are taken. A login does not open trading: the reports that
//! were missed come first, then the answer to an account query, which is the fence behind which
//! nothing sent before can still come; orders that never arrived are released, and only then the
//! session is up. What cannot be proven stops trading and says why ([`Unreconciled`]); cancels still
//! go. With OCG-C the answer to the login is the fence: it names the first message of ours that never
//! arrived, and the last report that was missed. OUCH 4.2 and the mainland's gateways cannot say what
//! arrived: there silence stands for the fence (behind the synchronisation of reports, where there
//! is one), an order that stays unanswered stops trading, and nothing is ever taken as lost. The
//! mainland's gateways do not cancel when a connection ends either: a second session ([`Rescue`])
//! cancels while the first is down, and without one [`OrderManager::stranded`] names what is open.
//!
//! | | OUCH 5.0 | OUCH 4.2 | OCG-C | TGW | TDGW |
//! |---|---|---|---|---|---|
//! | replace | yes | yes | amend | - | - |
//! | immediate or cancel | yes | yes | yes | option | option |
//! | all or nothing, at crossing | - | - | yes | - | - |
//! | short sale | yes | yes | yes | margin | credit tag, option |
//! | must not take liquidity | yes | yes | - | - | - |
//! | reports counted by | stream | stream | stream | partition | unit and set |
//! | says what arrived | query | - | login | - | - |
//! | layouts | public | public | two sources | experimental | experimental |
//!
//! After a restart the record of what was sent and
//! received rebuilds the same state ([`OrderManager::replay_sent`]).
//!
//! What is promised for any sequence of reports: a reserved share is released once, by a fill, a
//! cancel, a replace or a refusal; an order ends once; a report that contradicts what is known moves
//! nothing but a counter ([`OrderManager::anomalies`]), except a trade, which always reaches the
//! position.
//!
//! Worst case: all memory is there from the start; a message is some stores into one frame and one
//! row; a report is at most three updates; bytes cut anywhere wait in a buffer of one frame. After a
//! login each open order is looked at once, and each order that never arrived is one update.
#![forbid(unsafe_code)]

mod anomaly;
mod backoff;
mod cancels;
mod config;
mod fence;
mod fills;
mod frames;
mod line;
mod link;
mod machine;
mod manager;
mod orders;
mod positions;
mod report;
mod seen;
mod session;
mod state;
mod throttle;
mod updates;

pub use config::{ConfigError, OcgConfig, OrderConfig, Protocol, Reconcile, TdgwConfig, TgwConfig};
pub use manager::{OpenOrder, OrderManager, Reconciliation, Rescue, Resend};
pub use orders::State as OrderState;
pub use positions::{PositionRow, Positions};
pub use state::{SessionState, Unreconciled};
pub use updates::RECEIVE_MAX;
