//! Figures to look at, no checks: `cargo test -p nofx-net --test xsk -- --ignored figures
//! --nocapture`. Both ends take turns on one thread, so that neighbours on the machine disturb the
//! tail only. They are of a veth pair, which has no card and no wire.

use std::time::{Duration, Instant};

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskConfig, XskPort};
use nofx_rt::hist::Histogram;

use crate::rig::{MODES, PORT, burst, config, drops, lab, open, sender, udp};

/// Both ends of the pair own [`PORT`] at their own address.
fn ends(lab: &Lab, mode: Mode) -> (XskPort, XskPort) {
    let far = XskConfig { mode, flows: vec![(Lab::FAR_ADDRESS, PORT)], ..sender(0) };
    (open(&lab.near, &config(mode)), open(&lab.far, &far))
}

#[test]
#[ignore = "a measurement"]
fn round_trip() {
    let Some(lab) = lab("xsk round trip", 1) else { return };
    for mode in MODES {
        let (mut near, mut far) = ends(&lab, mode);
        let question = udp((Lab::FAR_ADDRESS, PORT), &[1; 64]);
        let answer = udp((Lab::NEAR_ADDRESS, PORT), &[2; 64]);
        let mut times = Histogram::new();
        for _ in 0..20_000 {
            let start = Instant::now();
            near.send(&question).expect("room");
            near.flush();
            burst(|| far.poll());
            far.send(&answer).expect("room");
            far.flush();
            burst(|| near.poll());
            times.record(start.elapsed().as_nanos() as u64);
        }
        println!(
            "MEASURED xsk {mode:?} round trip of 64 bytes, ns: min {}, p50 {}, p99 {}",
            times.min(),
            times.quantile(0.5),
            times.quantile(0.99),
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn flood() {
    let Some(lab) = lab("xsk flood", 1) else { return };
    for mode in MODES {
        let (mut near, mut far) = ends(&lab, mode);
        let frame = udp((Lab::NEAR_ADDRESS, PORT), &[3; 64]);
        let (mut sent, mut got) = (0u64, 0u64);
        let (mut sending, mut receiving) = (Histogram::new(), Histogram::new());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            let turn = Instant::now();
            sent += (0..32).map(|_| u64::from(far.send(&frame).is_ok())).sum::<u64>();
            far.flush();
            sending.record(turn.elapsed().as_nanos() as u64);
            let turn = Instant::now();
            got += near.poll() as u64;
            receiving.record(turn.elapsed().as_nanos() as u64);
            far.poll();
        }
        got += near.poll() as u64;
        let lost = drops(&mut near, "xsk_rx_dropped") + drops(&mut near, "xsk_rx_ring_full");
        println!(
            "MEASURED xsk {mode:?} bursts of 32 frames of 64 bytes, ns each, median: {} to send \
             through the kernel, {} to poll; {got} of {sent} arrived, {lost} lost",
            sending.quantile(0.5),
            receiving.quantile(0.5)
        );
    }
}
