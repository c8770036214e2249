//! The two far ends of the new protocols as one thing: the plain one of these tests, and the gateways
//! of the simulated venue, which are other people's code.

use std::collections::BTreeMap;

use nofx_order::Protocol;
use nofx_types::{Nanos, OrderRef, Price, Qty};
use nofx_venue::gateway::{Ask, Ended, Gateway as _, Tell, Why, ocg, tdgw, tgw};

use super::far::{Asked, Say};
use super::gateway::Gateway;

pub trait FarEnd {
    fn connect(&mut self, at: usize, now: Nanos);
    /// Takes bytes of a connection: the requests they hold.
    fn read(&mut self, at: usize, now: Nanos, bytes: &[u8]) -> Vec<Asked>;
    /// Numbers what the venue said since, and sends it to whoever is there.
    fn pump(&mut self, now: Nanos, reports: &[Say]);
    /// Takes bytes on their way to the client.
    fn take(&mut self, at: usize, most: usize) -> Vec<u8>;
    fn waiting(&self, at: usize) -> usize;
    fn heartbeat(&mut self, at: usize, now: Nanos);
    fn set_platform(&mut self, now: Nanos, state: u16);
    fn hang_up(&mut self, at: usize, now: Nanos);
    /// Whether requests carry our ids.
    fn names_ids(&self) -> bool;
}

impl FarEnd for Gateway {
    fn connect(&mut self, _: usize, _: Nanos) {}

    fn read(&mut self, at: usize, _: Nanos, bytes: &[u8]) -> Vec<Asked> {
        Gateway::read(self, at, bytes)
    }

    fn pump(&mut self, _: Nanos, reports: &[Say]) {
        Gateway::pump(self, reports);
    }

    fn take(&mut self, at: usize, most: usize) -> Vec<u8> {
        let out = &mut self.sessions[at].out;
        out.drain(..out.len().min(most)).collect()
    }

    fn waiting(&self, at: usize) -> usize {
        self.sessions[at].out.len()
    }

    fn heartbeat(&mut self, at: usize, _: Nanos) {
        Gateway::heartbeat(self, at);
    }

    fn set_platform(&mut self, _: Nanos, state: u16) {
        Gateway::set_platform(self, state);
    }

    fn hang_up(&mut self, at: usize, _: Nanos) {
        Gateway::hang_up(self, at);
    }

    fn names_ids(&self) -> bool {
        true
    }
}

enum Venue {
    Ocg(Box<ocg::Ocg>),
    Tgw(Box<tgw::Tgw>),
    Tdgw(Box<tdgw::Tdgw>),
}

/// A gateway of the simulated venue.
pub struct Real {
    venue: Venue,
    told: usize,
    /// The last cancel of each order, and the order of each amend.
    requests: BTreeMap<u32, u64>,
    amends: BTreeMap<u32, u64>,
}

impl Real {
    pub fn new(protocol: Protocol, cancels: bool) -> Real {
        let heartbeat_ns = 0;
        let venue = match protocol {
            Protocol::Ocg => {
                let config = ocg::OcgConfig {
                    comp_id: "NOFX".into(),
                    heartbeat_ns,
                    cancel_on_disconnect: cancels,
                    ..ocg::OcgConfig::default()
                };
                Venue::Ocg(Box::new(ocg::Ocg::new(config).expect("fits")))
            }
            Protocol::Tgw => {
                let config = tgw::TgwConfig { pbu: "000001".into(), ..tgw::TgwConfig::default() };
                Venue::Tgw(Box::new(tgw::Tgw::new(&config).expect("fits")))
            }
            _ => {
                let pbu = "00000001".into();
                let config = tdgw::TdgwConfig { pbu, ..tdgw::TdgwConfig::default() };
                Venue::Tdgw(Box::new(tdgw::Tdgw::new(&config).expect("fits")))
            }
        };
        Real { venue, told: 0, requests: BTreeMap::new(), amends: BTreeMap::new() }
    }

    fn gateway(&mut self) -> &mut dyn nofx_venue::gateway::Gateway {
        match &mut self.venue {
            Venue::Ocg(ocg) => &mut **ocg,
            Venue::Tgw(tgw) => &mut **tgw,
            Venue::Tdgw(tdgw) => &mut **tdgw,
        }
    }

    fn tell(&mut self, say: &Say) -> Tell {
        match *say {
            Say::Accepted { id, order_ref, .. } => {
                Tell::Accepted { id: id.into(), order: OrderRef(order_ref) }
            }
            Say::Replaced { orig, id, qty, price, .. } => Tell::Amended {
                id: id.into(),
                orig: orig.into(),
                price: Price(price as i64),
                qty: Qty(qty.into()),
            },
            Say::Canceled { id, qty, reason } => {
                let request = self.requests.get(&id).copied().unwrap_or(0);
                let (request, why) = match reason {
                    b'U' if request > 0 => (request, Ended::Asked),
                    b'S' => (0, Ended::Disconnect),
                    _ => (0, Ended::Venue),
                };
                Tell::Canceled { id: id.into(), request, qty: Qty(qty.into()), why }
            }
            Say::Executed { id, qty, price, match_number, flag } => Tell::Trade {
                id: id.into(),
                qty: Qty(qty.into()),
                price: Price(price as i64),
                match_id: match_number,
                maker: flag == b'A',
            },
            Say::Rejected { id } => match self.amends.get(&id) {
                Some(orig) => {
                    Tell::AmendRejected { request: id.into(), orig: *orig, why: Why::Other }
                }
                None => Tell::Rejected { id: id.into(), why: Why::Other },
            },
            Say::CancelRejected { id } => {
                let request = self.requests.get(&id).copied().unwrap_or(0);
                Tell::CancelRejected { request, orig: id.into(), why: Why::TooLate }
            }
            other => panic!("{other:?}"),
        }
    }
}

impl FarEnd for Real {
    fn connect(&mut self, at: usize, now: Nanos) {
        self.gateway().connected(at, now);
    }

    fn read(&mut self, at: usize, now: Nanos, bytes: &[u8]) -> Vec<Asked> {
        self.gateway().receive(at, now, bytes);
        let mut asked = Vec::new();
        while let Some(ask) = self.gateway().next_ask() {
            asked.push(match ask {
                Ask::New(entry) => {
                    assert!(entry.symbol.0 == *b"AAA     " || entry.symbol.0 == *b"BBB     ");
                    Asked::Enter {
                        id: entry.id as u32,
                        side: entry.side,
                        qty: entry.qty.0 as u32,
                        price: entry.price.0 as u64,
                        symbol: entry.symbol.0,
                        ioc: false,
                    }
                }
                Ask::Amend { id, orig, price, qty } => {
                    self.amends.insert(id as u32, orig);
                    Asked::Replace {
                        orig: orig as u32,
                        id: id as u32,
                        qty: qty.expect("a total").0 as u32,
                        price: price.expect("a price").0 as u64,
                        ioc: false,
                    }
                }
                Ask::Cancel { id, orig } => {
                    self.requests.insert(orig as u32, id);
                    Asked::Cancel { id: orig as u32, down_to: 0 }
                }
                Ask::MassCancel { .. } => continue, // a lost session: the run cancels by itself
            });
        }
        asked
    }

    fn pump(&mut self, now: Nanos, reports: &[Say]) {
        for say in reports.iter().skip(self.told) {
            let tell = self.tell(say);
            self.gateway().tell(now, &tell);
            self.told += 1;
        }
    }

    fn take(&mut self, at: usize, most: usize) -> Vec<u8> {
        let out = self.gateway().output(at);
        let bytes = out[..out.len().min(most)].to_vec();
        self.gateway().sent(at, bytes.len());
        bytes
    }

    fn waiting(&self, at: usize) -> usize {
        match &self.venue {
            Venue::Ocg(ocg) => ocg.output(at).len(),
            Venue::Tgw(tgw) => tgw.output(at).len(),
            Venue::Tdgw(tdgw) => tdgw.output(at).len(),
        }
    }

    fn heartbeat(&mut self, at: usize, now: Nanos) {
        if self.gateway().is_logged_on(at) {
            self.gateway().keep_alive(now);
        }
    }

    fn set_platform(&mut self, now: Nanos, state: u16) {
        match &mut self.venue {
            Venue::Ocg(_) => {}
            Venue::Tgw(tgw) => tgw.set_platform_state(now, state),
            Venue::Tdgw(tdgw) => tdgw.set_platform_state(now, state),
        }
    }

    fn hang_up(&mut self, at: usize, now: Nanos) {
        self.gateway().disconnected(at, now);
    }

    fn names_ids(&self) -> bool {
        false
    }
}
