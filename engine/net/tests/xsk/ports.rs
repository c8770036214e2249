//! The common vectors, several queues, and that nothing is copied or allocated.

use std::net::UdpSocket;
use std::time::Instant;

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::netns::Lab;
use nofx_net::port::{FramePort, Port};
use nofx_net::xsk::{BusyPoll, Mode, XskConfig, XskPort, ZeroCopy};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};

use crate::conformance::{self, OWN, lines, rigs};
use crate::rig::{
    MODES, PATIENCE, PORT, burst, config, drops, frames, lab, numbers, open, payload, payloads,
    send_numbered, sender, udp,
};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn passes_the_suite(name: &'static str, change: impl Fn(&mut XskConfig)) {
    if lab(name, 1).is_none() {
        return;
    }
    let flows: Vec<_> = lines().iter().chain([&OWN]).map(|l| (*l.ip(), l.port())).collect();
    conformance::suite(|| {
        let mut config = XskConfig { flows: flows.clone(), ..config(Mode::Generic) };
        change(&mut config);
        rigs::frames_on_veth(name, |_| XskPort::open(&config))
    });
}

#[test]
fn generic_passes_the_common_vectors() {
    passes_the_suite("xsk generic", |_| {});
}

#[test]
fn native_passes_the_common_vectors() {
    passes_the_suite("xsk native", |config| config.mode = Mode::Native);
}

#[test]
fn every_option_passes_the_common_vectors() {
    passes_the_suite("xsk options", |config| {
        config.mode = Mode::Native;
        config.zero_copy = ZeroCopy::Off;
        config.need_wakeup = false;
        config.frame_size = 4096;
        config.hook_stamp = true;
        config.tx_stamp = true;
    });
    passes_the_suite("xsk busy poll", |config| {
        config.mode = Mode::Native;
        config.busy_poll = Some(BusyPoll { micros: 20, budget: 64 });
        config.frames = 256;
        (config.rx_ring, config.fill_ring) = (256, 256);
        (config.tx_ring, config.completion_ring) = (32, 32);
    });
}

#[test]
fn several_queues_are_one_port() {
    let Some(lab) = lab("xsk queues", 3) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &XskConfig { queues: vec![2, 0, 1], ..config(mode) });
        assert!(port.describe().place.contains("queue 2,0,1"), "{}", port.describe());
        send_on_each_queue(&lab);
        let mut got = numbers(&payloads(&mut port, 300));
        got.sort_unstable();
        let want = (0..100).chain(1_000..1_100).chain(2_000..2_100);
        assert!(got.into_iter().eq(want), "all three queues in {mode:?}");
        assert_eq!(drops(&mut port, "pass_queue_not_bound"), 0, "{mode:?}");
    }
}

#[test]
fn a_flow_on_a_queue_that_is_not_bound_stays_with_the_kernel_and_is_counted() {
    // In generic mode veth gives the queue it was sent on as another one: native only.
    let Some(lab) = lab("xsk queue not bound", 3) else { return };
    let mut port = open(&lab.near, &XskConfig { queues: vec![2, 0], ..config(Mode::Native) });
    send_on_each_queue(&lab);
    let mut got = numbers(&payloads(&mut port, 200));
    got.sort_unstable();
    assert!(got.into_iter().eq((0..100).chain(2_000..2_100)), "queues 0 and 2");
    assert_eq!(drops(&mut port, "pass_queue_not_bound"), 100);
}

/// 100 frames on each of three queues, numbered from 1,000 times the queue.
fn send_on_each_queue(lab: &Lab) {
    for queue in 0..3 {
        let mut far = open(&lab.far, &sender(queue));
        send_numbered(&mut far, (Lab::NEAR_ADDRESS, PORT), queue * 1_000..queue * 1_000 + 100);
    }
}

#[test]
fn a_busy_queue_leaves_the_others_their_turn() {
    let Some(lab) = lab("xsk fairness", 2) else { return };
    let mut port = open(&lab.near, &XskConfig { queues: vec![0, 1], ..config(Mode::Native) });
    let to = (Lab::NEAR_ADDRESS, PORT);
    send_numbered(&mut open(&lab.far, &sender(0)), to, 0..2_000);
    send_numbered(&mut open(&lab.far, &sender(1)), to, 2_000..2_001);
    let mut polls = 0;
    let mut seen = false;
    while !seen && polls < 4 {
        let burst = port.poll();
        seen = (0..burst).any(|index| payload(port.frame(index).bytes) == 2_000u32.to_be_bytes());
        polls += 1;
    }
    assert!(seen, "the one frame of queue 1 waits behind 2,000 of queue 0");
}

#[test]
fn a_decoded_payload_lies_in_the_frame_memory() {
    let Some(lab) = lab("xsk zero copy", 1) else { return };
    let far = lab.far.within(|| UdpSocket::bind((Lab::FAR_ADDRESS, 0))).expect("a socket");
    let mut port = open(&lab.near, &config(Mode::Native));
    far.send_to(&[7; 900], (Lab::NEAR_ADDRESS, PORT)).expect("sent");
    burst(|| port.poll());
    let found = payload(port.frame(0).bytes);
    assert_eq!(found, [7; 900]);
    assert!(port.holds(found.as_ptr()) && port.holds(&found[899]));
    assert!(!port.holds(found.to_vec().as_ptr()), "a copy is elsewhere");

    let own = std::net::SocketAddrV4::new(Lab::NEAR_ADDRESS, PORT);
    let mut port = Datagrams::new(port, DatagramsConfig::new(own));
    far.send_to(&[8; 900], own).expect("sent");
    burst(|| port.poll());
    let found = port.arrival(0).datagram.payload;
    assert_eq!(found, [8; 900]);
    assert!(port.frame_port().holds(found.as_ptr()), "through the datagram adapter");
}

#[test]
fn nothing_is_allocated_once_it_is_open() {
    let Some(lab) = lab("xsk allocations", 1) else { return };
    let all = XskConfig { hook_stamp: true, tx_stamp: true, ..config(Mode::Native) };
    let mut port = open(&lab.near, &all);
    let mut far = open(&lab.far, &sender(0));
    let frame = udp((Lab::NEAR_ADDRESS, PORT), b"sealed");
    let before = guard::sealed_allocations();
    let seal = guard::seal(OnSealed::Count);
    let (mut got, mut rounds, start) = (0, 0, Instant::now());
    // However little the kernel's own threads may run.
    while rounds < 100 || (got <= 1_000 && start.elapsed() < PATIENCE) {
        rounds += 1;
        for _ in 0..40 {
            let _ = far.send(&frame);
            let _ = port.send(&frame);
        }
        far.flush();
        port.flush();
        got += port.poll() + far.poll();
    }
    drop(seal);
    assert_eq!(guard::sealed_allocations(), before);
    assert!(got > 1_000, "only {got} frames moved");
    assert_eq!(port.frame_bytes(), 8 << 20);
    assert!(frames(&mut port, 0).len() <= 4_000);
}
