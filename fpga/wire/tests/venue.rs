//! Orders through the seam to the tree's own venue: what was refused comes back rejected, a killed gate
//! lets nothing pass. Both are read from the bytes at the offsets of the specification.
#![cfg(feature = "fpga-sim")]

mod common;

use common::card::Card;
use common::frames::*;
use common::{FIRST, open, seam, symbol};
use nofx_fpga_wire::rig::Rig;
use nofx_risk::card::{CardOp, KillScope};
use nofx_types::Nanos;
use nofx_venue::exchange::{CourseConfig, Exchange, ExchangeConfig, FirmConfig, FlowConfig};
use nofx_wire::soup;

const SECOND: u64 = 1_000_000_000;

/// The venue behind the seam.
struct Bench {
    rig: Rig,
    core: Card,
    exchange: Exchange,
    now: u64,
    seq: u32,
    /// OUCH bodies that reached the venue.
    reached: Vec<Vec<u8>>,
}

impl Bench {
    fn new() -> Bench {
        let firm = FirmConfig {
            name: "ONE".into(),
            username: String::new(),
            password: String::new(),
            ..FirmConfig::default()
        };
        let mut config = ExchangeConfig {
            course: CourseConfig { pre_open_s: 1, imbalance_s: 0, ..CourseConfig::default() },
            flow: FlowConfig { rate: 0, ..FlowConfig::default() },
            firms: vec![firm],
            ..ExchangeConfig::default()
        };
        config.market.symbols = vec![symbol(1), symbol(2)];
        config.market.orders = 4_000;
        let mut exchange = Exchange::new(&config, &[], Nanos(SECOND)).expect("usable");
        exchange.port(0).expect("a firm").connect(Nanos(SECOND));
        let (mut rig, mut core) = seam(21);
        open(&mut rig, &mut core);
        let reached = Vec::new();
        let mut bench = Bench { rig, core, exchange, now: SECOND, seq: FIRST, reached };
        let login = soup::login_request("", "", soup::ANY_SESSION, 1).expect("fits");
        assert_eq!(bench.ask(&login)[0], "login A");
        bench.now += 2 * SECOND;
        bench.ask(&soup::CLIENT_HEARTBEAT);
        bench
    }

    /// Sends messages in one segment through the seam; what the venue says to them.
    fn ask(&mut self, bytes: &[u8]) -> Vec<String> {
        let frame = Segment::data(self.seq, bytes).bytes();
        let out = self.rig.pass(&frame, &mut self.core).expect("forwarded");
        assert!(sums_are_right(&out));
        self.seq += bytes.len() as u32;
        let mut rest = payload(&out);
        while let Ok(Some((frame, used))) = soup::next_frame(rest) {
            if let soup::Frame::Unsequenced(body) = frame {
                self.reached.push(body.to_vec());
            }
            rest = &rest[used..];
        }
        let port = self.exchange.port(0).expect("a firm");
        assert_eq!(port.on_bytes(Nanos(self.now), payload(&out)), bytes.len());
        self.now += 1_000_000;
        self.exchange.turn(Nanos(self.now));
        self.exchange.flush();
        let port = self.exchange.port(0).expect("a firm");
        let mut heard = Vec::new();
        while let Some((_, bytes)) = port.poll_out(Nanos(self.now)) {
            match bytes[2] {
                b'S' if bytes[3] != b'S' => {
                    let user_ref = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
                    let why = if bytes[3] == b'J' {
                        format!(" {:#04x}", bytes[17])
                    } else {
                        String::new()
                    };
                    heard.push(format!("{} {user_ref}{why}", char::from(bytes[3])));
                }
                b'A' => heard.push("login A".into()),
                _ => {}
            }
        }
        heard
    }

    fn kill(&mut self, engaged: bool) {
        let op = CardOp::Kill { scope: KillScope::Global, engaged };
        assert!(self.core.state.judge(&op).is_pass());
    }
}

fn order(user_ref: u32, qty: u32) -> Vec<u8> {
    enter(user_ref, b'B', qty, &symbol(1), 100_000, Some(&[]))
}

#[test]
fn the_venue_rejects_what_the_gate_refused_and_the_order_it_named_lives_on() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&order(1, 100)), ["A 1"]);
    assert_eq!(bench.ask(&order(2, 1_001)), ["J 2 0x13"], "quantity");
    assert_eq!(bench.ask(&replace(1, 3, 1_001, 100_100, Some(&[]))), ["J 3 0x15"], "replace");
    assert_eq!(bench.ask(&cancel(2, 0)), ["I 2"], "it is not there");
    assert_eq!(bench.ask(&modify(2, b'B', 50)), ["I 2"]);
    assert_eq!(bench.ask(&replace(1, 4, 200, 100_100, Some(&[]))), ["U 1"], "order 1 lives");
    assert_eq!(
        bench.ask(&[order(5, 1_001), order(6, 100), cancel(4, 0)].concat()),
        ["J 5 0x13", "A 6", "C 4"]
    );
    assert_eq!(bench.ask(&enter(7, b'B', 100, "NOBODY", 100_000, Some(&[]))), ["J 7 0x17"]);
    let peg = enter(8, b'B', 100, &symbol(1), 100_000, Some(&[2, 6, b'P']));
    assert_eq!(bench.ask(&peg).len(), 1);
    let dump = bench.exchange.dump();
    let open: Vec<_> = dump.books.iter().map(|book| book.bids.len() + book.asks.len()).collect();
    assert_eq!((open, dump.executions.len()), (vec![1, 0], 0), "order 6 rests, nothing else");
}

#[test]
fn a_killed_gate_lets_nothing_pass_but_cancels_and_session_messages() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&order(1, 100)), ["A 1"]);
    assert_eq!(bench.ask(&order(2, 100)), ["A 2"]);
    bench.kill(true);
    let from = bench.reached.len();
    for user_ref in 3..40 {
        let bytes = match user_ref % 2 {
            0 => order(user_ref, 100),
            _ => replace(1, user_ref, 200, 100_000, Some(&[])),
        };
        let heard = bench.ask(&bytes);
        assert!(heard.len() == 1 && heard[0].starts_with(&format!("J {user_ref}")), "{heard:?}");
    }
    for body in &bench.reached[from..] {
        let quantity = if body[0] == b'O' { &body[6..10] } else { &body[9..13] };
        assert_eq!(quantity, [0; 4], "on the wire");
        assert!(body[0] == b'O' || body[1..5] == [0; 4]);
    }
    assert_eq!(bench.ask(&cancel(1, 0)), ["C 1"]);
    bench.ask(&soup::CLIENT_HEARTBEAT);
    assert_eq!(bench.ask(&mass_cancel(40)).len(), 2, "the response, and order 2 is gone");
    let dump = bench.exchange.dump();
    assert!(dump.books.iter().all(|book| book.bids.is_empty() && book.asks.is_empty()));
    bench.kill(false);
    assert_eq!(bench.ask(&order(41, 100)), ["A 41"]);
}
