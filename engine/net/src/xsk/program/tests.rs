//! The loaded program, run by the kernel on frames in memory, against a filter written plainly.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use nofx_rt::rng::Rng;

use super::{Filter, Passed, STAMP_LEN};
use crate::xsk::bpf;

const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 200, 250);
const FLOWS: [(Ipv4Addr, u16); 3] = [
    (Ipv4Addr::new(233, 54, 12, 111), 26_477),
    (Ipv4Addr::new(10, 0, 0, 1), 1),
    (Ipv4Addr::new(255, 255, 255, 255), 65_535),
];

/// What should become of a frame: `Ok` where it belongs to the socket.
fn verdict(frame: &[u8], own: Option<Ipv4Addr>) -> Result<(), Passed> {
    let address = |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
    let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    if frame.len() < 14 + 20 + 8 {
        return Err(Passed::Short);
    }
    match number(12) {
        0x0800 => {}
        0x8100 | 0x88A8 => return Err(Passed::Vlan),
        0x0806 if own == Some(address(38)) => return Ok(()),
        _ => return Err(Passed::OtherProtocol),
    }
    if frame[14] != 0x45 {
        return Err(Passed::IpOptions);
    }
    if number(20) & 0x3FFF != 0 {
        return Err(Passed::Fragment);
    }
    if own == Some(address(30)) {
        return Ok(());
    }
    if frame[23] != 17 {
        return Err(Passed::OtherProtocol);
    }
    let found = FLOWS.contains(&(address(30), number(36)));
    if found { Ok(()) } else { Err(Passed::OtherFlow) }
}

/// The filter with its flows; `None`, after a line that says so, where we may not load one.
fn filter(own: Option<Ipv4Addr>, stamp: bool) -> Option<Filter> {
    match Filter::load(1, own, stamp) {
        Ok(filter) => {
            FLOWS.iter().for_each(|(address, port)| {
                assert!(filter.add_flow(*address, *port).expect("room"));
            });
            Some(filter)
        }
        Err(e) if e.errno() == Some(libc::EPERM) => {
            println!("SKIPPED xsk filter: {e}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A frame that is taken or nearly so: one of everything, with up to three bytes changed.
fn frame(rng: &mut Rng) -> Vec<u8> {
    let mut pick = |choices: u64| (rng.next() % choices) as usize;
    let mut frame = vec![0; 14 + 20 + 8 + pick(64)];
    let ethertype = [0x0800u16, 0x0800, 0x0800, 0x0806, 0x8100, 0x88A8, 0x86DD][pick(7)];
    frame[12..14].copy_from_slice(&ethertype.to_be_bytes());
    frame[14] = [0x45, 0x45, 0x45, 0x46, 0x55][pick(5)];
    frame[20..22].copy_from_slice(&[[0, 0], [0x40, 0], [0x20, 0], [0, 1]][pick(4)]);
    frame[23] = [17, 17, 6, 1][pick(4)];
    let (address, port) = FLOWS[pick(3)];
    let address = if pick(4) == 0 { OWN } else { address };
    frame[30..34].copy_from_slice(&address.octets());
    frame[36..38].copy_from_slice(&port.to_be_bytes());
    if pick(2) == 0 {
        frame[38..42].copy_from_slice(&OWN.octets());
    }
    for _ in 0..pick(4) {
        let at = pick(frame.len() as u64);
        frame[at] = pick(256) as u8;
    }
    let len = if pick(8) == 0 { 14 + pick(frame.len() as u64 - 14) } else { frame.len() };
    frame.truncate(len);
    frame
}

/// Reason of the one frame that was counted between two readings.
fn counted(filter: &Filter, before: &[u64]) -> Option<&'static str> {
    let mut counted = filter.passed().zip(before).filter(|((_, now), before)| now > before);
    let found = counted.next().map(|((name, now), before)| {
        assert_eq!(now - before, 1);
        name
    });
    assert!(counted.next().is_none(), "counted under two reasons");
    found
}

#[test]
fn the_kernel_runs_it_as_the_plain_filter_would() {
    let seed = 0x5EED;
    println!("seed {seed:#x}");
    for (own, stamp) in [(None, false), (Some(OWN), false), (None, true), (Some(OWN), true)] {
        let Some(filter) = filter(own, stamp) else { return };
        let (mut rng, mut seen) = (Rng::new(seed), BTreeSet::new());
        for case in 0..5_000 {
            let frame = frame(&mut rng);
            let before: Vec<u64> = filter.passed().map(|(_, count)| count).collect();
            let mut out = vec![0; frame.len() + 64];
            let (action, len) = bpf::run_xdp(&filter.program, &frame, &mut out).expect("it runs");
            assert_eq!(action, 2, "no socket is bound: everything passes, case {case}");
            // Without a socket, what would be taken is counted as such.
            let want = verdict(&frame, own).err().unwrap_or(Passed::QueueNotBound);
            let name = Passed::NAMES[want as usize];
            assert_eq!(counted(&filter, &before), Some(name), "case {case}: {frame:02x?}");
            let stamped = stamp && want == Passed::QueueNotBound;
            let head = if stamped { STAMP_LEN as usize } else { 0 };
            assert_eq!(&out[head..len], frame, "the frame itself is left alone, case {case}");
            assert!(!stamped || out[..8] != [0; 8], "a stamp, case {case}");
            seen.insert(name);
        }
        assert_eq!(seen.len(), Passed::NAMES.len(), "every verdict was met: {seen:?}");
    }
}

#[test]
fn a_frame_cut_anywhere_is_judged_by_its_length_first() {
    let Some(filter) = filter(Some(OWN), true) else { return };
    let mut whole = [0; 14 + 20 + 8 + 20];
    whole[12] = 8;
    whole[14] = 0x45;
    whole[30..34].copy_from_slice(&OWN.octets());
    for len in 14..=whole.len() {
        let before: Vec<u64> = filter.passed().map(|(_, count)| count).collect();
        bpf::run_xdp(&filter.program, &whole[..len], &mut [0; 256]).expect("it runs");
        let want = if len < 42 { "pass_short" } else { "pass_queue_not_bound" };
        assert_eq!(counted(&filter, &before), Some(want), "{len} bytes");
    }
}

#[test]
fn a_program_that_the_verifier_refuses_brings_its_words() {
    let no_exit = [0x0000_0002_0000_00B7]; // r0 = 2
    let error = bpf::load_xdp(&no_exit).expect_err("falls off its end");
    if error.raw_os_error() == Some(libc::EPERM) {
        return println!("SKIPPED xsk verifier: {error}");
    }
    assert!(error.to_string().contains("last insn is not an exit"), "{error}");
}
