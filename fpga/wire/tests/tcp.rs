//! Two real TCP ends (smoltcp) with the seam between them, on lines that lose, repeat and reorder.
//!
//! The venue's byte stream must be what the host sent with each refused message replaced, each message
//! must be charged once, and the card must end as a software gate that judged the same messages.
#![cfg(feature = "fpga-sim")]

mod common;

use std::collections::VecDeque;

use common::card::{Card, SYMBOLS, line_of, word};
use common::frames::{HOST, HOST_PORT, VENUE, VENUE_PORT, cancel, enter, replace, soup};
use common::{ACCOUNT, EPOCH, seam, symbol};
use nofx_fpga_wire::control::Policy;
use nofx_fpga_wire::regs::{self, Drop, counter};
use nofx_fpga_wire::rig::{Core, Rig};
use nofx_risk::card::OrderOp;
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

/// The host law: never more unacknowledged bytes than fit one segment, so that what TCP sends again
/// ends where a message ends.
const UNACKED_MAX: usize = 1_400;
const TICKS_MAX: i64 = 2_000_000;

/// Frames in and out of a stack.
#[derive(Default)]
struct Device {
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

struct Received(Vec<u8>);
struct Place<'a>(&'a mut Vec<Vec<u8>>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, work: F) -> R {
        work(&self.0)
    }
}

impl phy::TxToken for Place<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, work: F) -> R {
        let mut frame = vec![0; len];
        let result = work(&mut frame);
        self.0.push(frame);
        result
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Received;
    type TxToken<'a> = Place<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Place<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Received(frame), Place(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Place<'_>> {
        Some(Place(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

/// A TCP end.
struct End {
    device: Device,
    stack: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

impl End {
    fn new(ip: std::net::Ipv4Addr, last: u8, seed: u64) -> End {
        let mut device = Device::default();
        let mac = EthernetAddress([2, 0, 0, 0, 0, last]);
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut stack = Interface::new(config, &mut device, Instant::ZERO);
        stack.update_ip_addrs(|list| _ = list.push(IpCidr::new(IpAddress::Ipv4(ip), 24)));
        let buffer = || SocketBuffer::new(vec![0; 60_000]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        End { device, stack, sockets, handle }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    fn poll(&mut self, now: i64) -> Vec<Vec<u8>> {
        let now = Instant::from_millis(now);
        self.stack.poll(now, &mut self.device, &mut self.sockets);
        std::mem::take(&mut self.device.sent)
    }
}

/// A line that loses, repeats and delays.
struct Line {
    rng: Rng,
    under_way: Vec<(i64, Vec<u8>)>,
    percent: u64,
}

impl Line {
    fn new(seed: u64, percent: u64) -> Line {
        Line { rng: Rng::new(seed), under_way: Vec::new(), percent }
    }

    fn put(&mut self, now: i64, frame: Vec<u8>) {
        if self.rng.chance(self.percent, 100) {
            return;
        }
        let mut due = || {
            now + 1 + if self.rng.chance(self.percent, 100) { self.rng.below(30) as i64 } else { 0 }
        };
        let (first, second) = (due(), due());
        if self.rng.chance(self.percent, 100) {
            self.under_way.push((second, frame.clone()));
        }
        self.under_way.push((first, frame));
    }

    fn take(&mut self, now: i64) -> Vec<Vec<u8>> {
        let (due, rest) = std::mem::take(&mut self.under_way).into_iter().partition(|f| f.0 <= now);
        self.under_way = rest;
        let due: Vec<(i64, Vec<u8>)> = due;
        due.into_iter().map(|frame| frame.1).collect()
    }
}

/// What the host says: each message with what a gate needs of it and what becomes of it if refused.
struct Said {
    bytes: Vec<u8>,
    refused: Vec<u8>,
    order: Option<(u8, OrderOp, u32)>,
}

/// Orders, replaces and cancels that name what passed or did not; also session messages.
fn say(rng: &mut Rng, user_ref: &mut u32, symbols: &mut Vec<(u32, Side)>) -> Said {
    let op = |symbol: u32, side, price: u64, qty: u32| OrderOp {
        account: AccountId(ACCOUNT),
        symbol: InstrumentId(symbol),
        side,
        price: Price(price as i64),
        qty: Qty(qty.into()),
        epoch: EPOCH,
        now_ns: 0,
    };
    let qty = [100, 100, 300, 1_001][rng.below(4) as usize];
    let price = 10_000 + 100 * rng.below(1_000);
    let side = if rng.chance(1, 2) { Side::Buy } else { Side::Sell };
    let letter = if side == Side::Buy { b'B' } else { b'S' };
    let named = rng.below(u64::from(*user_ref)) as u32;
    match rng.below(10) {
        0 => {
            let bytes = soup(b'R', &[]);
            Said { refused: bytes.clone(), bytes, order: None }
        }
        1..=2 if named > 0 => {
            let (symbol, side) = symbols[named as usize - 1];
            let order = Some((3, op(symbol, side, 0, 0), named));
            Said { bytes: cancel(named, 0), refused: cancel(named, u32::MAX), order }
        }
        3..=4 if named > 0 => {
            *user_ref += 1;
            let (symbol, side) = symbols[named as usize - 1];
            symbols.push((symbol, side));
            Said {
                bytes: replace(named, *user_ref, qty, price, Some(&[])),
                refused: replace(0, *user_ref, 0, price, Some(&[])),
                order: Some((2, op(symbol, side, price, qty), *user_ref)),
            }
        }
        _ => {
            *user_ref += 1;
            let row = rng.below(SYMBOLS.into()) as u32;
            symbols.push((row, side));
            Said {
                bytes: enter(*user_ref, letter, qty, &symbol(row), price, Some(&[])),
                refused: enter(*user_ref, letter, 0, &symbol(row), price, Some(&[])),
                order: Some((1, op(row, side, price, qty), *user_ref)),
            }
        }
    }
}

fn run(seed: u64, messages: usize, percent: u64) {
    println!("seed {seed}, {percent} per cent of everything");
    let (mut rig, mut core): (Rig, Card) = seam(seed as u32);
    rig.write(regs::REG_POLICY, Policy { arp: true, ..Policy::default() }.bits());
    let (mut host, mut venue) = (End::new(HOST, 1, seed), End::new(VENUE, 2, !seed));
    venue.socket().listen(VENUE_PORT).expect("listens");
    let End { stack, sockets, handle, .. } = &mut host;
    let socket = sockets.get_mut::<Socket>(*handle);
    socket.connect(stack.context(), (VENUE, VENUE_PORT), HOST_PORT).expect("connects");
    socket.set_ack_delay(Some(Duration::from_millis(10)));

    let mut rng = Rng::new(seed);
    let (mut user_ref, mut symbols) = (0, Vec::new());
    let said: Vec<Said> =
        (0..messages).map(|_| say(&mut rng, &mut user_ref, &mut symbols)).collect();
    let total: usize = said.iter().map(|said| said.bytes.len()).sum();
    let mut lines: Vec<Line> = (1..=4).map(|n| Line::new(seed ^ n << 32, percent)).collect();
    let (mut at, mut heard, mut now) = (0, Vec::new(), 0);
    while heard.len() < total {
        now += 1;
        assert!(now < TICKS_MAX, "the connection hangs at {} of {total} bytes", heard.len());
        // The host says some whole messages, if the law lets it.
        let socket = host.socket();
        let mut group = Vec::new();
        while socket.may_send()
            && let Some(next) = said.get(at)
            && socket.send_queue() + group.len() + next.bytes.len() <= UNACKED_MAX
            && rng.chance(1, 2)
        {
            group.extend(&next.bytes);
            at += 1;
        }
        if !group.is_empty() {
            assert_eq!(socket.send_slice(&group), Ok(group.len()));
        }
        // Host to seam, seam to venue, and the venue's answers past the seam.
        host.poll(now).into_iter().for_each(|frame| lines[0].put(now, frame));
        for frame in lines[0].take(now) {
            if let Some(out) = rig.pass(&frame, &mut core) {
                lines[1].put(now, out);
            }
        }
        venue.device.received.extend(lines[1].take(now));
        venue.poll(now).into_iter().for_each(|frame| lines[2].put(now, frame));
        let mut piece = [0; 4_096];
        while venue.socket().can_recv() {
            let len = venue.socket().recv_slice(&mut piece).expect("open");
            heard.extend(&piece[..len]);
        }
        venue.poll(now).into_iter().for_each(|frame| lines[2].put(now, frame));
        for frame in lines[2].take(now) {
            rig.listen(&frame);
            lines[3].put(now, frame);
        }
        host.device.received.extend(lines[3].take(now));
    }
    check(&said, &core, &heard);
    let drops: Vec<u32> = (0..13).map(|why| rig.count(counter::DROP + why)).collect();
    println!(
        "{messages} messages in {now} ms, {} operations, {} segments seen before, drops {drops:?}, longest {} cycles",
        core.asked.len(),
        rig.count(counter::SEEN_AGAIN),
        rig.count(counter::LATENCY_MAX),
    );
    assert_eq!(
        drops[Drop::Cut as usize] + drops[Drop::Malformed as usize],
        0,
        "the host law holds"
    );
    if percent > 0 {
        assert!(rig.count(counter::SEEN_AGAIN) > 0 && drops[Drop::Order as usize] > 0);
    }
}

/// The software gate judges what the host said, at the times the card had.
fn check(said: &[Said], core: &Card, heard: &[u8]) {
    let mut gate = Card::new();
    let mut times = core.asked.iter().map(|(line, _)| word(line, 24, 8));
    let (mut want, mut refused, mut passed) = (Vec::<u8>::new(), 0, Vec::new());
    for message in said {
        let passes = match &message.order {
            None => true,
            // What never passed cannot be named: the seam says so without asking.
            Some((kind, _, _)) if *kind != 1 && !names(message, &passed) => false,
            Some((kind, op, tag)) => {
                let now_ns = times.next().expect("asked as often");
                let verdict = gate.judge(&line_of(*kind, &OrderOp { now_ns, ..*op }, *tag));
                let passes = verdict.expect("answers")[8..16] == [0; 8];
                if passes && *kind != 3 {
                    passed.push(*tag);
                }
                passes
            }
        };
        refused += usize::from(!passes);
        want.extend(if passes { &message.bytes } else { &message.refused });
    }
    assert_eq!(times.next(), None, "each message was charged once");
    assert!(want == heard, "the venue's stream");
    assert_eq!(core.asked, gate.asked);
    assert_eq!(format!("{:?}", core.state), format!("{:?}", gate.state));
    assert!(refused * 20 > said.len() && refused * 2 < said.len(), "{refused} refused");
}

/// Whether the order that a replace or a cancel names has passed.
fn names(message: &Said, passed: &[u32]) -> bool {
    let named = &message.bytes[4..8];
    passed.contains(&u32::from_be_bytes([named[0], named[1], named[2], named[3]]))
}

#[test]
fn the_stream_stays_whole_whatever_the_lines_do() {
    let seeds = std::env::var("NOFX_SEED").ok().and_then(|seed| seed.parse().ok());
    if let Some(seed) = seeds {
        return run(seed, 600, 8);
    }
    run(1, 600, 0);
    run(2, 600, 2);
    run(3, 600, 8);
    run(4, 300, 20);
}
