//! Time stamps at the driver hook and at completion.

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::XskConfig;

use crate::rig::{
    MODES, PATIENCE, PORT, burst, config, frames, lab, open, send_numbered, sender, udp,
};

fn clock(id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable.
    assert_eq!(unsafe { libc::clock_gettime(id, &mut now) }, 0);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[test]
fn the_hook_stamp_lies_between_sending_and_polling_and_rises() {
    let Some(lab) = lab("xsk hook stamp", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &XskConfig { hook_stamp: true, ..config(mode) });
        let mut far = open(&lab.far, &sender(0));
        let before = clock(libc::CLOCK_MONOTONIC);
        // More than there are frames, so that each place is stamped again.
        let (mut stamps, mut sent) = (Vec::new(), 0);
        let start = std::time::Instant::now();
        while stamps.len() < 10_000 && start.elapsed() < PATIENCE {
            if sent < 10_000 {
                send_numbered(&mut far, (Lab::NEAR_ADDRESS, PORT), sent..sent + 50);
                sent += 50;
            }
            let burst = port.poll();
            stamps.extend((0..burst).map(|index| port.frame(index).at.hook.0));
        }
        let after = clock(libc::CLOCK_MONOTONIC);
        assert_eq!(stamps.len(), 10_000, "{mode:?}");
        assert!(before <= stamps[0] && stamps[9_999] <= after, "{mode:?}");
        assert!(stamps.is_sorted(), "{mode:?}");
    }
}

#[test]
fn without_the_option_there_is_no_hook_stamp_and_no_wall_stamp() {
    let Some(lab) = lab("xsk no stamp", 1) else { return };
    let mut port = open(&lab.near, &config(MODES[0]));
    send_numbered(&mut open(&lab.far, &sender(0)), (Lab::NEAR_ADDRESS, PORT), 0..10);
    burst(|| port.poll());
    assert_eq!(port.frame(0).at, Default::default());
}

#[test]
fn every_frame_sent_comes_back_with_its_stamp() {
    let Some(lab) = lab("xsk send stamp", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &XskConfig { tx_stamp: true, ..config(mode) });
        let frame = udp((Lab::FAR_ADDRESS, 9), b"stamped");
        let before = clock(libc::CLOCK_TAI);
        let start = std::time::Instant::now();
        for _ in 0..5_000 {
            while port.send(&frame).is_err() {
                assert!(start.elapsed() < PATIENCE, "no room");
                port.flush();
                port.poll();
            }
        }
        port.flush();
        while port.tx_stamps().delay.count() < 5_000 && start.elapsed() < PATIENCE {
            port.poll();
        }
        let stamps = port.tx_stamps();
        assert_eq!((stamps.delay.count(), stamps.missing), (5_000, 0), "{mode:?}");
        assert!(before < stamps.last.0 && stamps.last.0 <= clock(libc::CLOCK_TAI), "{mode:?}");
        let delay = |quantile| stamps.delay.quantile(quantile);
        println!("{mode:?}: send to stamp p50 {} ns, p99 {} ns", delay(0.5), delay(0.99));
    }
}

#[test]
fn without_the_option_no_send_stamps_are_kept() {
    let Some(lab) = lab("xsk no send stamp", 1) else { return };
    let mut port = open(&lab.near, &config(MODES[0]));
    port.send(&udp((Lab::FAR_ADDRESS, 9), b"plain")).expect("room");
    port.flush();
    frames(&mut port, 0);
    let stamps = port.tx_stamps();
    assert_eq!((stamps.delay.count(), stamps.missing, stamps.last.0), (0, 0, 0));
}
