//! Plays by chance: messages that are right, damaged, out of turn and cut anywhere, lost sessions
//! and a board that answers when it likes. Whatever comes, what a gateway sends are whole messages in
//! their order, and only what a logged-on client sent reaches the board.

use nofx_rt::rng::Rng;
use nofx_venue::gateway::{Ask, Gateway};

use crate::{AT, Board, SECOND, drain, ocg, tdgw, tgw};

/// One play of `gateway` with so many sessions. `client` makes the next message of a session from
/// whether the session is logged on and its last number; `check` reads what the session heard.
fn play<G: Gateway>(
    seed: u64,
    mut gateway: G,
    mut client: impl FnMut(&mut Rng, bool, u64) -> Vec<u8>,
    mut check: impl FnMut(usize, &[u8]),
) -> usize {
    let mut rng = Rng::new(seed);
    let (mut board, mut now) = (Board::default(), AT);
    let mut numbers = vec![0; gateway.sessions()];
    let mut spoiled = vec![false; gateway.sessions()]; // by a length that may never be filled
    for _ in 0..120 {
        let session = rng.below(gateway.sessions() as u64) as usize;
        now = now.plus(rng.below(2 * SECOND));
        match rng.below(12) {
            0 => gateway.disconnected(session, now),
            1 => board.serve(&mut gateway, now),
            2 => gateway.keep_alive(now),
            _ if !gateway.is_open(session) => {
                drain(&mut gateway, session);
                gateway.connected(session, now);
                check(session, &[]);
                (numbers[session], spoiled[session]) = (0, false);
            }
            _ => {
                let on = gateway.is_logged_on(session);
                numbers[session] += 1;
                let mut bytes = client(&mut rng, on, numbers[session]);
                if rng.below(40) == 0 {
                    spoiled[session] = true;
                    let at = rng.below(bytes.len() as u64) as usize;
                    bytes[at] ^= 1 << rng.below(8);
                }
                let cut = rng.below(bytes.len() as u64 + 1) as usize;
                gateway.receive(session, now, &bytes[..cut]);
                gateway.receive(session, now, &bytes[cut..]);
                if !on && !spoiled[session] && !gateway.is_logged_on(session) {
                    assert!(!gateway.is_open(session), "seed {seed}: neither in nor out");
                }
            }
        }
        let heard = drain(&mut gateway, session);
        check(session, &heard);
    }
    board.serve(&mut gateway, now);
    board.asked.iter().filter(|ask| matches!(ask, Ask::New(_))).count()
}

/// Runs many plays; most of them must bring orders to the board, or they prove nothing.
fn plays(one: impl Fn(u64) -> usize) {
    let with_orders = (0..300).filter(|seed| one(*seed) > 0).count();
    assert!(with_orders > 200, "{with_orders} plays with orders");
}

#[test]
fn ocg_survives() {
    plays(|seed| {
        // The numbers of both sides last all day.
        let (mut ours, mut theirs) = (0u32, 0u32);
        let client = |rng: &mut Rng, on: bool, _: u64| {
            ours += 1;
            let number = if rng.below(15) == 0 { rng.below(40) as u32 } else { ours };
            let number = if rng.below(50) == 0 { u32::MAX } else { number };
            match rng.below(8) {
                _ if !on => ocg::logon(number, 1),
                0 => ocg::message(
                    number,
                    &nofx_wire::ocg::ResendRequest { start: rng.below(9) as u32, end: 0 },
                ),
                1 => ocg::message(
                    number,
                    &nofx_wire::ocg::SequenceReset {
                        gap_fill: Some(b"YN"[rng.below(2) as usize]),
                        new_sequence: if rng.below(40) == 0 { u32::MAX } else { ours + 1 },
                    },
                ),
                2 => ocg::cancel(number, rng.below(1 << 20) as u32 + 1, rng.below(9) as u32 + 1),
                _ => ocg::order(number, rng.below(300) as u32 + 1),
            }
        };
        let check = |_: usize, bytes: &[u8]| {
            for (number, dup) in ocg::frames(bytes, |frame| (frame.sequence(), frame.is_dup())) {
                assert!(dup || number > theirs, "seed {seed}: {number} after {theirs}");
                theirs = theirs.max(number);
            }
        };
        play(seed, ocg::gateway(), client, check)
    });
}

#[test]
fn tgw_survives() {
    plays(|seed| {
        let client = |rng: &mut Rng, on: bool, number: u64| match rng.below(8) {
            _ if !on => tgw::logon("secret"),
            0 => tgw::sync(&[(1, rng.below(9) as i64 - 1), (2, 0)]),
            1 => tgw::cancel(rng.below(1 << 20) as u32 + 1, rng.below(9) as u32 + 1, "000001"),
            _ => tgw::order(number as u32 + rng.below(300) as u32, "000001"),
        };
        play(seed, tgw::gateway(), client, |_, bytes| {
            tgw::frames(bytes, |frame| {
                nofx_wire::tgw::Message::parse(frame).expect("a message of the venue");
            });
        })
    });
}

#[test]
fn tdgw_survives() {
    plays(|seed| {
        let mut last = [0u64; 2];
        let client = |rng: &mut Rng, on: bool, number: u64| {
            let number = if rng.below(40) == 0 { rng.below(40) } else { number };
            match rng.below(8) {
                _ if !on => tdgw::logon(number, "TDGW"),
                0 => tdgw::sync(number, &[(1, rng.below(9)), (2, 1)]),
                1 => {
                    let ids = (rng.below(1 << 20) as u32 + 1, rng.below(9) as u32 + 1);
                    tdgw::cancel(number, ids.0, ids.1, "600519")
                }
                _ => tdgw::order(number, rng.below(300) as u32 + 1, "600519"),
            }
        };
        let check = |session: usize, bytes: &[u8]| {
            if bytes.is_empty() {
                return;
            }
            for number in tdgw::frames(bytes, |frame| frame.sequence) {
                assert!(number == last[session] + 1 || number == 1, "seed {seed}");
                last[session] = number;
            }
        };
        play(seed, tdgw::gateway(), client, check)
    });
}
