//! Random streams of frames against the twin: every frame that leaves is compared byte by byte, every
//! drop by its reason, every operation in full. The seed is printed; NOFX_SEED runs one again.
#![cfg(feature = "fpga-sim")]

mod common;

use common::card::{Card, SYMBOLS, word};
use common::frames::*;
use common::twin::{Fate, Twin};
use common::{TAGS, seam, session, symbol};
use nofx_fpga_wire::control::Policy;
use nofx_fpga_wire::regs::{self, counter};
use nofx_fpga_wire::rig::Rig;
use nofx_risk::card::{CardOp, KillScope};
use nofx_rt::rng::Rng;

/// A host that sends what it likes: mostly good segments, each often again, late, cut or damaged.
struct Host {
    rng: Rng,
    user_ref: u32,
    /// The stream so far, as the host has it, from the first byte of the connection.
    stream: Vec<u8>,
    first: u32,
    port: u16,
}

impl Host {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.rng.chance(1, n)
    }

    fn next_ref(&mut self) -> u32 {
        match self.rng.below(30) {
            0 => self.user_ref, // does not rise
            1 => {
                self.user_ref += self.rng.below(3_000) as u32;
                self.user_ref
            }
            _ => {
                self.user_ref += 1 + self.rng.below(2) as u32;
                self.user_ref
            }
        }
    }

    fn some_ref(&mut self) -> u32 {
        match self.rng.below(8) {
            0 => self.rng.next() as u32,
            1 => self.user_ref.wrapping_sub(4_090 + self.rng.below(12) as u32),
            _ => self.user_ref.saturating_sub(self.rng.below(20) as u32),
        }
    }

    fn list(&mut self) -> Option<Vec<u8>> {
        match self.rng.below(8) {
            0 => None,
            1 => Some(vec![2, 12, b'P']),
            2 => Some(vec![2, 12, b'N', 5, 3, 0, 0, 0, 0, 5, 2, b'F', b'I', b'R', b'M']),
            3 => {
                let length = self.rng.below(12);
                Some((0..length).map(|_| self.rng.below(14) as u8).collect())
            }
            _ => Some(Vec::new()),
        }
    }

    fn price(&mut self) -> u64 {
        match self.rng.below(12) {
            0 => self.rng.next(),
            1 => 0x7fff_ffff,
            2 => self.pick(&[0, 9_999, 10_000, 2_000_000, 2_000_001, 1 << 32]),
            _ => 10_000 + self.rng.below(1_000_000),
        }
    }

    fn qty(&mut self) -> u32 {
        self.pick(&[0, 1, 100, 100, 200, 999, 1_000, 1_001, u32::MAX])
    }

    fn message(&mut self) -> Vec<u8> {
        let (qty, price, list) = (self.qty(), self.price(), self.list());
        let mut message = match self.rng.below(20) {
            0..=8 => {
                let user_ref = self.next_ref();
                let side = self.pick(b"BBBBSSSTEZ");
                let name = symbol(self.rng.below(u64::from(SYMBOLS) + 2) as u32);
                enter(user_ref, side, qty, &name, price, list.as_deref())
            }
            9..=11 => {
                let (orig, user_ref) = (self.some_ref(), self.next_ref());
                replace(orig, user_ref, qty, price, list.as_deref())
            }
            12..=14 => cancel(self.some_ref(), qty),
            15 => modify(self.some_ref(), self.pick(b"BST"), qty),
            16 => mass_cancel(self.next_ref()),
            17 => soup(b'R', &[]),
            18 => soup(b'U', b"Q"),
            _ => {
                let text = vec![b'x'; self.rng.below(90) as usize];
                soup(self.pick(b"+LOS"), &text)
            }
        };
        if self.one_in(60) {
            // Not in the numbers: one that leaps ahead makes all later ones stale.
            let at = self.rng.below(message.len() as u64) as usize;
            message[at] ^= if (4..12).contains(&at) { 0 } else { 1 << self.rng.below(8) };
        }
        if self.one_in(80) {
            message.truncate(1 + self.rng.below(message.len() as u64) as usize);
        }
        message
    }

    fn segment(&mut self, from: usize, to: usize) -> Segment {
        let mut segment =
            Segment::data(self.first.wrapping_add(from as u32), &self.stream[from..to]);
        segment.src.1 = self.port;
        segment.ack = self.rng.next() as u32;
        if self.one_in(3) {
            segment.vlan = Some(7);
        }
        if self.one_in(3) {
            segment.options = vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, self.rng.below(200) as u8];
        }
        segment
    }

    /// The next frame, given how far the seam has come.
    fn frame(&mut self, seam_at: usize) -> Vec<u8> {
        let segment = match self.rng.below(20) {
            0..=9 => {
                // New messages, from where the seam stands: what it dropped is sent anew.
                self.stream.truncate(seam_at);
                for _ in 0..1 + self.rng.below(5) {
                    let message = self.message();
                    self.stream.extend(message);
                }
                self.stream.truncate(seam_at + 1_400);
                self.segment(seam_at, self.stream.len())
            }
            10..=13 => {
                // Something of the past, anyhow cut, perhaps with lies in it.
                let from = seam_at.saturating_sub(self.rng.below(5_000) as usize);
                let to = from + self.rng.below(1 + (seam_at - from).min(1_400) as u64) as usize;
                let mut segment = self.segment(from, to.max(from + usize::from(from < seam_at)));
                if self.one_in(4) && !segment.payload.is_empty() {
                    let at = self.rng.below(segment.payload.len() as u64) as usize;
                    segment.payload[at] ^= 0x55;
                }
                segment
            }
            14..=15 => {
                // Past and new together.
                self.stream.truncate(seam_at);
                let message = self.message();
                self.stream.extend(message);
                let from = seam_at.saturating_sub(self.rng.below(200) as usize);
                self.segment(from, self.stream.len())
            }
            16 => {
                // Ahead.
                let message = self.message();
                let mut segment = self.segment(seam_at, seam_at);
                segment.seq = segment.seq.wrapping_add(1 + self.rng.below(100) as u32);
                segment.payload = message;
                segment
            }
            17 => {
                let flags = self.pick(&[ACK, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK, ACK | URG]);
                let mut segment = self.segment(seam_at, seam_at);
                segment.flags = flags;
                segment
            }
            18 => {
                // Another port, a fragment, an option of IP: right in all but that.
                let mut segment = self.segment(seam_at, seam_at);
                segment.src.1 += 100 * self.rng.below(2) as u16;
                segment.vlan = None;
                let mut frame = segment.bytes();
                frame[20] |= 0x20 * self.rng.below(2) as u8;
                frame[14] += self.rng.below(4) as u8 / 3;
                frame[24..26].fill(0);
                let sum = checksum(&frame[14..34]);
                frame[24..26].copy_from_slice(&sum.to_be_bytes());
                return frame;
            }
            _ => {
                let kind = self.pick(&[0x0806, 0x86dd, 0x0800]);
                let payload = vec![9; 20 + self.rng.below(60) as usize];
                let ip = ipv4(HOST, VENUE, self.pick(&[1, 6, 17]), &payload);
                return ethernet(None, kind, if kind == 0x0800 { &ip } else { &payload });
            }
        };
        let mut frame = segment.bytes();
        if self.one_in(15) {
            let at = self.rng.below(frame.len() as u64) as usize;
            frame[at] ^= 1 << self.rng.below(8);
        }
        if self.one_in(40) {
            frame.truncate(1 + self.rng.below(frame.len() as u64) as usize);
        }
        frame
    }
}

fn connect(rig: &mut Rig, core: &mut Card, twin: &mut Twin<Card>, host: &mut Host) {
    let isn = host.rng.next() as u32;
    host.port = HOST_PORT + host.rng.below(3) as u16;
    let mut syn = Segment::host(isn, SYN, &[]);
    syn.src.1 = host.port;
    let syn = syn.bytes();
    assert_eq!(rig.pass(&syn, core).as_ref(), Some(&syn));
    assert_eq!(twin.host(&syn), Fate::Out(syn));
    let mut answer = Segment::syn_ack(isn);
    answer.dst.1 = host.port;
    if host.one_in(2) {
        answer.vlan = Some(3);
    }
    rig.listen(&answer.bytes());
    twin.listen(&answer.bytes());
    host.first = isn.wrapping_add(1);
    host.stream.clear();
}

fn run(seed: u64, frames: u32) {
    println!("seed {seed}");
    let (mut rig, mut core) = seam(seed as u32);
    let mut any = session();
    any.host_port = 0;
    any.write(0, |address, value| rig.write(address, value));
    let policy = Policy {
        arp: seed.is_multiple_of(2),
        ipv4: seed.is_multiple_of(3),
        other: seed.is_multiple_of(5),
        tcp: false,
    };
    rig.write(regs::REG_POLICY, policy.bits());
    let history = rig.read(regs::REG_HISTORY) as usize;
    let mut twin = Twin::new(Card::new(), &[any], rig.read(regs::REG_ORDERS), history);
    (0..SYMBOLS).for_each(|n| twin.list(text8(&symbol(n)), n as u16));
    (twin.policy, twin.tags) = (policy, TAGS);
    if seed % 2 == 1 {
        rig.stall(seed);
    }
    let rng = Rng::new(seed);
    let mut host = Host { rng, user_ref: 1, stream: Vec::new(), first: 0, port: HOST_PORT };
    let (mut passed, mut changed) = (0, 0);
    for n in 0..frames {
        if n % 300 == 0 {
            connect(&mut rig, &mut core, &mut twin, &mut host);
        }
        if host.one_in(50) {
            let engaged = host.one_in(2);
            let op = CardOp::Kill { scope: KillScope::Global, engaged };
            assert!(core.state.judge(&op).is_pass() && twin.core.state.judge(&op).is_pass());
        }
        let next = rig.read(regs::REG_SESSION + 24);
        let seam_at = next.wrapping_sub(host.first) as usize;
        if seam_at > host.stream.len() {
            host.stream.resize(seam_at, 0); // a frame of its own making moved the seam
        }
        let frame = host.frame(seam_at);
        let asked = rig.lines.len();
        let out = rig.pass(&frame, &mut core);
        let lines: Vec<_> = rig.lines.iter().skip(asked).copied().collect();
        twin.times.extend(lines.iter().map(|line| word(line, 24, 8)));
        twin.lines.clear();
        let fate = twin.host(&frame);
        assert_eq!(twin.lines, lines, "seed {seed} frame {n}: operations");
        match (&fate, &out) {
            (Fate::Out(want), Some(got)) => {
                assert_eq!(want, got, "seed {seed} frame {n}");
                passed += 1;
                changed += u32::from(got != &frame);
            }
            (Fate::Dropped(_), None) => {}
            _ => panic!("seed {seed} frame {n}: twin {fate:?}, seam {out:?} of {frame:02x?}"),
        }
    }
    let mut drops = [0u32; 13];
    twin.dropped.iter().for_each(|why| drops[*why as usize] += 1);
    let mut refuses = [0u32; 6];
    twin.refused.iter().for_each(|why| refuses[*why as usize] += 1);
    for (why, count) in drops.iter().enumerate() {
        assert_eq!(rig.count(counter::DROP + why as u32), *count, "drops {why}");
    }
    for (why, count) in refuses.iter().enumerate() {
        assert_eq!(rig.count(counter::REFUSE + why as u32), *count, "refusals {why}");
    }
    assert_eq!(rig.count(counter::ORDERS) as usize, core.asked.len());
    assert_eq!(core.asked, twin.core.asked);
    println!(
        "frames {frames}, passed {passed}, of them changed {changed}; drops {drops:?}, refusals \
         {refuses:?}, operations {}, longest {} cycles",
        core.asked.len(),
        rig.count(counter::LATENCY_MAX),
    );
    if frames >= 2_000 {
        // All but a dead core, and all refusals, must have come up.
        assert!(drops[..12].iter().all(|count| *count > 0), "{drops:?}");
        assert!(refuses.iter().all(|count| *count > 0), "{refuses:?}");
        assert!(changed > frames / 50);
    }
}

#[test]
fn every_frame_is_as_the_twin_says() {
    if let Some(seed) = std::env::var("NOFX_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return run(seed, 4_000);
    }
    (1..=4).for_each(|seed| run(seed, 4_000));
}
