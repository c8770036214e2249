//! Figures to look at, no checks: `cargo test --release -p nofx-net --test xsk -- --ignored
//! figures --nocapture`. They are of a veth pair, which has no card and no wire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskConfig, XskPort};
use nofx_rt::hist::Histogram;

use crate::rig::{MODES, PORT, config, drops, lab, open, sender, udp};

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
        let (question, answer) =
            (udp((Lab::FAR_ADDRESS, PORT), &[1; 64]), udp((Lab::NEAR_ADDRESS, PORT), &[2; 64]));
        let done = AtomicBool::new(false);
        let mut times = Histogram::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for _ in 0..far.poll() {
                        let _ = far.send(&answer);
                    }
                    far.flush();
                }
            });
            let end = Instant::now() + Duration::from_secs(1);
            while Instant::now() < end {
                let start = Instant::now();
                let _ = near.send(&question);
                near.flush();
                while near.poll() == 0 && start.elapsed() < Duration::from_millis(100) {}
                times.record(start.elapsed().as_nanos() as u64);
            }
            done.store(true, Ordering::Relaxed);
        });
        let at = |quantile| times.quantile(quantile);
        println!(
            "MEASURED xsk {mode:?} round trip of 64 bytes, ns: min {}, p50 {}, p99 {} ({} trips)",
            times.min(),
            at(0.5),
            at(0.99),
            times.count()
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
        let done = AtomicBool::new(false);
        let (mut sent, mut got) = (0u64, 0u64);
        let start = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    got += near.poll() as u64;
                }
            });
            while start.elapsed() < Duration::from_secs(1) {
                for _ in 0..32 {
                    sent += u64::from(far.send(&frame).is_ok());
                }
                far.flush();
                far.poll();
            }
            done.store(true, Ordering::Release);
        });
        let mpps = |count: u64| count as f64 / start.elapsed().as_secs_f64() / 1e6;
        let lost = drops(&mut near, "xsk_rx_dropped") + drops(&mut near, "xsk_rx_ring_full");
        println!(
            "MEASURED xsk {mode:?} flood of 64 bytes: {:.3} Mpps sent, {:.3} received, {lost} lost",
            mpps(sent),
            mpps(got)
        );
    }
}
