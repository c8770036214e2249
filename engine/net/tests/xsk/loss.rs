//! Bursts that fit, and what is counted where when they do not.

use nofx_net::netns::Lab;
use nofx_net::port::{FramePort, SendError};
use nofx_net::xsk::{Mode, XskConfig};

use crate::rig::{
    MODES, PORT, config, drops, frames, lab, numbers, open, payloads, send_numbered, sender, udp,
};

const BURST: u32 = 100_000;
const TO: (std::net::Ipv4Addr, u16) = (Lab::NEAR_ADDRESS, PORT);

/// A port whose frames for receiving and receive ring hold so many.
fn room(mode: Mode, rx_frames: u32, rx_ring: u32) -> XskConfig {
    XskConfig {
        frames: rx_frames + 1_024,
        rx_ring,
        fill_ring: rx_frames.next_power_of_two(),
        ..config(mode)
    }
}

#[test]
fn a_burst_of_100_000_is_whole_when_the_frames_suffice() {
    let Some(lab) = lab("xsk burst", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &room(mode, BURST, 131_072));
        let mut far = open(&lab.far, &sender(0));
        send_numbered(&mut far, TO, 0..BURST); // nobody polls meanwhile
        let got = numbers(&payloads(&mut port, BURST as usize));
        assert_eq!(got.len(), BURST as usize, "{mode:?}: {:?}", port.counters().drops);
        assert!(got.iter().copied().eq(0..BURST), "{mode:?}: all of them, in order");
        let counters = port.counters();
        assert_eq!(counters.rx_packets, u64::from(BURST));
        let lost = counters.drops.iter().filter(|(name, _)| name.starts_with("xsk_rx"));
        assert_eq!(lost.map(|(_, count)| count).sum::<u64>(), 0, "{:?}", counters.drops);
    }
}

#[test]
fn a_burst_beyond_the_frames_is_lost_at_the_fill_ring_and_counted_there() {
    let Some(lab) = lab("xsk starved", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &room(mode, 2_048, 4_096));
        let mut far = open(&lab.far, &sender(0));
        send_numbered(&mut far, TO, 0..BURST);
        let got = numbers(&payloads(&mut port, 2_048));
        assert!(got.iter().copied().eq(0..2_048), "{mode:?}: what fits, from the front");
        let lost = u64::from(BURST - 2_048);
        assert_eq!(drops(&mut port, "xsk_rx_dropped"), lost, "{mode:?}");
        assert_eq!(drops(&mut port, "xsk_rx_fill_ring_empty"), lost, "{mode:?}");
        assert_eq!(drops(&mut port, "xsk_rx_ring_full"), 0, "{mode:?}");
        send_numbered(&mut far, TO, 7..17);
        assert_eq!(numbers(&payloads(&mut port, 10)), Vec::from_iter(7..17), "it goes on");
        assert_eq!(drops(&mut port, "xsk_rx_dropped"), lost, "{mode:?}");
    }
}

#[test]
fn a_burst_beyond_the_receive_ring_is_counted_there() {
    let Some(lab) = lab("xsk ring full", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &room(mode, 4_096, 512));
        let mut far = open(&lab.far, &sender(0));
        send_numbered(&mut far, TO, 0..3_000);
        assert!(numbers(&payloads(&mut port, 512)).into_iter().eq(0..512), "{mode:?}");
        assert_eq!(drops(&mut port, "xsk_rx_ring_full"), 3_000 - 512, "{mode:?}");
        assert_eq!(drops(&mut port, "xsk_rx_fill_ring_empty"), 0, "{mode:?}");
        send_numbered(&mut far, TO, 7..17);
        assert_eq!(numbers(&payloads(&mut port, 10)), Vec::from_iter(7..17), "it goes on");
    }
}

#[test]
fn a_frame_longer_than_its_place_is_counted() {
    let Some(lab) = lab("xsk too long", 1) else { return };
    for (ns, name) in [(&lab.near, "nofx0"), (&lab.far, "peer0")] {
        ns.ip(&format!("link set {name} mtu 3000")).expect("a larger MTU");
    }
    let mut port = open(&lab.near, &config(Mode::Generic));
    assert!(port.describe().to_string().contains("frames over 1792 bytes are lost"));
    let mut far = open(&lab.far, &XskConfig { frame_size: 4096, ..sender(0) });
    far.send(&udp(TO, &[1; 1_751])).expect("room");
    far.send(&udp(TO, &[2; 1_750])).expect("room");
    far.flush();
    assert_eq!(payloads(&mut port, 1), [vec![2; 1_750]]);
    assert_eq!(drops(&mut port, "xsk_rx_dropped"), 1);
    assert_eq!(drops(&mut port, "xsk_rx_fill_ring_empty"), 0);
}

#[test]
fn a_sender_without_frames_says_so_and_recovers() {
    let Some(lab) = lab("xsk tx full", 1) else { return };
    let mut near = open(&lab.near, &config(Mode::Generic));
    let small = XskConfig { tx_ring: 64, completion_ring: 64, frames: 1_024, ..sender(0) };
    let mut far = open(&lab.far, &small);
    let mut sent = 0u32;
    while far.send(&udp(TO, &sent.to_be_bytes())).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 64, "as many as frames for sending");
    assert_eq!(far.send(&udp(TO, b"more")), Err(SendError::Full));
    assert_eq!((far.counters().tx_full, far.counters().tx_packets), (2, 64));
    assert_eq!(frames(&mut near, 0).len(), 0, "nothing leaves before the flush");
    far.flush();
    assert_eq!(numbers(&payloads(&mut near, 64)), Vec::from_iter(0..64));
    send_numbered(&mut far, TO, 0..1_000);
    assert_eq!(numbers(&payloads(&mut near, 1_000)), Vec::from_iter(0..1_000));
    assert_eq!(far.send(&[0; 13]), Err(SendError::Refused(libc::EINVAL)));
    assert_eq!(far.send(&vec![0; far.frame_max() + 1]), Err(SendError::TooLong));
    far.send(&vec![0; far.frame_max()]).expect("the longest");
}
