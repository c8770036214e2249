//! The order gateways against scripted clients: what each message is answered with, sessions cut at
//! any byte, reconnects, and what breaks a session.

mod chance;
mod ocg;
mod tdgw;
mod tgw;

use nofx_types::{Nanos, OrderRef, Price, Qty};
use nofx_venue::gateway::{Ask, Gateway, Tell};

/// 2026-11-26 09:30:00.123 in China.
pub const AT: Nanos = Nanos(1_795_656_600_123_000_000);
/// A second.
pub const SECOND: u64 = 1_000_000_000;

/// Takes all that waits on a session.
pub fn drain(gateway: &mut impl Gateway, session: usize) -> Vec<u8> {
    let out = gateway.output(session).to_vec();
    gateway.sent(session, out.len());
    out
}

/// A board that takes every order, gives order ids from 1, trades 40 shares of each new order of
/// more than 40 with itself as aggressor, and cancels what it is asked to.
#[derive(Default)]
pub struct Board {
    orders: u64,
    /// Every request so far.
    pub asked: Vec<Ask>,
}

impl Board {
    /// Answers all that waits.
    pub fn serve(&mut self, gateway: &mut impl Gateway, now: Nanos) {
        while let Some(ask) = gateway.next_ask() {
            self.asked.push(ask);
            match ask {
                Ask::New(entry) => {
                    self.orders += 1;
                    let order = OrderRef(self.orders);
                    gateway.tell(now, &Tell::Accepted { id: entry.id, order });
                    if entry.qty.0 > 40 {
                        let (id, qty, price) = (entry.id, Qty(40), entry.price);
                        let (match_id, maker) = (self.orders + 900, false);
                        gateway.tell(now, &Tell::Trade { id, qty, price, match_id, maker });
                    }
                }
                Ask::Cancel { id, orig } => {
                    let why = nofx_venue::gateway::Ended::Asked;
                    gateway.tell(now, &Tell::Canceled { id: orig, request: id, qty: Qty(60), why });
                }
                Ask::Amend { id, orig, price, qty } => {
                    let (price, qty) = (price.unwrap_or(Price(10_000)), qty.unwrap_or(Qty(100)));
                    gateway.tell(now, &Tell::Amended { id, orig, price, qty });
                }
                Ask::MassCancel { id, .. } => {
                    gateway.tell(now, &Tell::MassCanceled { request: id, orders: 0 });
                }
            }
        }
    }
}

/// Everything that `script` is answered with when it comes in two pieces cut at `cut`; the board
/// answers when all of it has come.
pub fn answers<G: Gateway>(mut gateway: G, script: &[u8], cut: usize) -> (Vec<u8>, Vec<Ask>) {
    let mut board = Board::default();
    gateway.connected(0, AT);
    let (first, second) = script.split_at(cut);
    gateway.receive(0, AT, first);
    gateway.receive(0, AT, second);
    board.serve(&mut gateway, AT);
    (drain(&mut gateway, 0), board.asked)
}
