//! Ports on the two ends of a veth pair, and frames byte by byte.

use std::net::Ipv4Addr;
use std::time::Instant;

use nofx_net::capture::{Frame, LinkType};
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::netns::{Lab, NetNs};
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskConfig, XskPort};
use nofx_types::Nanos;

pub use crate::conformance::PATIENCE;

/// The port that the filter owns in most tests.
pub const PORT: u16 = 26_477;

/// The modes that every machine with veth has.
pub const MODES: [Mode; 2] = [Mode::Generic, Mode::Native];

/// A port on the near end that owns [`PORT`].
pub fn config(mode: Mode) -> XskConfig {
    XskConfig {
        interface: Lab::NEAR.to_owned(),
        mode,
        flows: vec![(Lab::NEAR_ADDRESS, PORT)],
        ..XskConfig::default()
    }
}

/// A sender on the far end that owns nothing there.
pub fn sender(queue: u32) -> XskConfig {
    XskConfig {
        interface: Lab::FAR.to_owned(),
        mode: Mode::Generic,
        queues: vec![queue],
        flows: Vec::new(),
        ..XskConfig::default()
    }
}

/// A pair with `queues` queues, or `None` and a `SKIPPED ` line where the machine has no
/// namespaces or no AF_XDP for us.
pub fn lab(test: &str, queues: u32) -> Option<Lab> {
    let lab = match Lab::with_queues(queues) {
        Ok(lab) => lab,
        Err(error) => {
            println!("SKIPPED {test}: no network namespace of our own: {error}");
            return None;
        }
    };
    match lab.far.within(|| XskPort::open(&sender(0))) {
        Ok(_) => Some(lab),
        Err(e)
            if [libc::EPERM, libc::EAFNOSUPPORT, libc::ENOSYS].map(Some).contains(&e.errno()) =>
        {
            println!("SKIPPED {test}: no AF_XDP for us: {e}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Opens a port in `ns`.
pub fn open(ns: &NetNs, config: &XskConfig) -> XskPort {
    ns.within(|| XskPort::open(config)).unwrap_or_else(|error| panic!("{error}"))
}

/// Polls until a burst comes; its size.
pub fn burst(mut poll: impl FnMut() -> usize) -> usize {
    let start = Instant::now();
    loop {
        let burst = poll();
        if burst > 0 {
            return burst;
        }
        assert!(start.elapsed() < PATIENCE, "nothing comes");
    }
}

/// Whether `seen` becomes true. A descriptor that was closed here may live on for a moment in a
/// program that another test is starting, between fork and exec.
pub fn eventually(seen: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if seen() {
            return true;
        }
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Payloads that arrive at `port`: waits for `count`, then looks whether more come.
pub fn payloads(port: &mut XskPort, count: usize) -> Vec<Vec<u8>> {
    frames(port, count).iter().map(|frame| payload(frame).to_vec()).collect()
}

/// Frames that arrive at `port`: waits for `count`, then looks whether more come.
pub fn frames(port: &mut XskPort, count: usize) -> Vec<Vec<u8>> {
    let (mut got, start, mut quiet) = (Vec::new(), Instant::now(), 0);
    while quiet < 100 {
        let burst = port.poll();
        got.extend((0..burst).map(|index| port.frame(index).bytes.to_vec()));
        let waiting = got.len() < count && start.elapsed() < PATIENCE;
        quiet = if burst > 0 || waiting { 0 } else { quiet + 1 };
        if burst == 0 {
            std::thread::yield_now();
        }
    }
    got
}

/// The UDP payload of a frame, by the decoder of captures.
pub fn payload(bytes: &[u8]) -> &[u8] {
    let frame = Frame {
        data: bytes,
        ts_ns: Nanos(0),
        orig_len: bytes.len() as u32,
        number: 0,
        offset: 0,
        link: LinkType::ETHERNET,
    };
    decode(&frame, &DecodeOptions::default(), &mut FrameCounts::default()).expect("UDP").payload
}

/// Ethernet, IPv4 and UDP around `payload`, from the far address to `to`.
pub fn udp(to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFF; 6];
    bytes.extend([2, 0, 0, 0, 0, 2, 0x08, 0x00]);
    let total = (28 + payload.len()) as u16;
    bytes.extend([0x45, 0]);
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 9, 17, 0, 0]);
    bytes.extend(Lab::FAR_ADDRESS.octets());
    bytes.extend(to.0.octets());
    bytes.extend(6_000u16.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend((total - 20).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// Sends `count` frames that carry their number, flushing where there is no room.
pub fn send_numbered(port: &mut XskPort, to: (Ipv4Addr, u16), numbers: std::ops::Range<u32>) {
    let start = Instant::now();
    for number in numbers {
        let frame = udp(to, &number.to_be_bytes());
        while port.send(&frame).is_err() {
            assert!(start.elapsed() < 4 * PATIENCE, "no room for frame {number}");
            port.flush();
            port.poll();
        }
    }
    port.flush();
}

/// The numbers in payloads made by [`send_numbered`].
pub fn numbers(payloads: &[Vec<u8>]) -> Vec<u32> {
    let number = |payload: &Vec<u8>| u32::from_be_bytes(payload[..4].try_into().expect("a number"));
    payloads.iter().map(number).collect()
}

/// One named drop count.
pub fn drops(port: &mut XskPort, name: &str) -> u64 {
    let counters = port.counters();
    let found = counters.drops.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no count {name}")).1
}
