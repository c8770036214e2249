//! From attaching to the end of the process.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskPort, ZeroCopy};

use crate::rig::{
    MODES, PATIENCE, PORT, config, eventually, lab, numbers, open, payloads, send_numbered, sender,
};

/// Mode in which a program is attached to the near end, in the kernel's words.
fn attached(lab: &Lab) -> Option<Mode> {
    let shown = lab.near.ip("link show dev nofx0").expect("ip");
    let mut words = shown.split_whitespace();
    words.find_map(|word| match word {
        "xdp" => Some(Mode::Native),
        "xdpgeneric" => Some(Mode::Generic),
        _ => None,
    })
}

#[test]
fn the_mode_said_is_the_mode_obtained_and_it_ends_with_the_port() {
    let Some(lab) = lab("xsk modes", 1) else { return };
    for (mode, word) in [
        (Mode::Generic, "generic copy"),
        (Mode::Native, "native copy"),
        (Mode::Auto, "native copy"),
    ] {
        let port = open(&lab.near, &config(mode));
        let said = port.describe();
        assert!(said.mode.starts_with(word) && said.mode.contains("need_wakeup"), "{said}");
        assert!(said.to_string().contains("zero-copy not obtained"), "veth has none: {said}");
        assert!(said.place.contains("nofx0 (veth) queue 0"), "{said}");
        let want = if mode == Mode::Generic { Mode::Generic } else { Mode::Native };
        assert_eq!(attached(&lab), Some(want));
        drop(port);
        assert!(eventually(|| attached(&lab).is_none()));
    }
    let mut off = config(Mode::Native);
    (off.zero_copy, off.need_wakeup) = (ZeroCopy::Off, false);
    let said = open(&lab.near, &off).describe();
    assert_eq!(said.mode, "native copy");
    assert!(!said.to_string().contains("zero-copy"), "not wished, not missed: {said}");
}

#[test]
fn it_opens_again_at_once_after_it_was_closed() {
    let Some(lab) = lab("xsk again", 1) else { return };
    let mut far = open(&lab.far, &sender(0));
    for round in 0..10 {
        let mut port = open(&lab.near, &config(MODES[round % 2]));
        send_numbered(&mut far, (Lab::NEAR_ADDRESS, PORT), 0..5);
        assert_eq!(numbers(&payloads(&mut port, 5)), [0, 1, 2, 3, 4], "round {round}");
    }
}

#[test]
fn a_killed_process_leaves_nothing_on_the_interface() {
    let Some(lab) = lab("xsk kill -9", 1) else { return };
    for mode in MODES {
        let mut child = start_owner(&lab, mode);
        assert_eq!(attached(&lab), Some(mode), "while the other process lives");
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
        assert!(eventually(|| attached(&lab).is_none()), "{mode:?}");
        // The kernel has its datagrams back, and the queue is free.
        let near = lab.near.within(|| UdpSocket::bind((Lab::NEAR_ADDRESS, PORT))).expect("bound");
        near.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let far = lab.far.within(|| UdpSocket::bind((Lab::FAR_ADDRESS, 0))).expect("bound");
        far.send_to(b"back", (Lab::NEAR_ADDRESS, PORT)).expect("sent");
        assert_eq!(near.recv(&mut [0; 8]).expect("received by the kernel"), 4);
        drop(open(&lab.near, &config(mode)));
    }
}

const OWNER: &str = "XSK_TEST_OWNER";

/// A second process of this test that opens the port and waits; returns when it has done so.
fn start_owner(lab: &Lab, mode: Mode) -> Child {
    let name = if mode == Mode::Native { "native" } else { "generic" };
    let myself = std::env::current_exe().expect("a path");
    let mut command = Command::new(myself);
    command
        .args(["--exact", "life::owner_process", "--nocapture"])
        .env(OWNER, name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = lab.near.within(|| command.spawn()).expect("started");
    wait_for_line(&mut child, "owner: opened");
    child
}

/// Reads what `child` prints up to a line that contains `words`.
pub fn wait_for_line(child: &mut Child, words: &str) {
    let output = BufReader::new(child.stdout.as_mut().expect("piped"));
    let found = output.lines().map_while(Result::ok).any(|line| line.contains(words));
    assert!(found, "the other process ended without `{words}`");
}

/// No test by itself: what the other process does.
#[test]
fn owner_process() {
    let mode = match std::env::var(OWNER).as_deref() {
        Ok("native") => Mode::Native,
        Ok(_) => Mode::Generic,
        Err(_) => return,
    };
    let _port = XskPort::open(&config(mode)).expect("opened in the namespace it was started in");
    println!("owner: opened");
    let _ = std::io::stdin().read_line(&mut String::new()); // until killed, or the parent is gone
}

#[test]
fn an_interface_that_goes_down_is_counted_and_comes_back() {
    let Some(lab) = lab("xsk link down", 1) else { return };
    for mode in MODES {
        let mut port = open(&lab.near, &config(mode));
        lab.near.ip("link set nofx0 down").expect("ip");
        port.send(&[0xFF; 60]).expect("there is room");
        port.flush();
        port.poll();
        assert!(port.counters().errors > 0, "{mode:?}");
        lab.near.ip("link set nofx0 up").expect("ip");
        let mut far = open(&lab.far, &sender(0));
        send_numbered(&mut far, (Lab::NEAR_ADDRESS, PORT), 0..50);
        assert!(numbers(&payloads(&mut port, 50)).into_iter().eq(0..50), "{mode:?}");
        let errors = port.counters().errors;
        port.send(&[0xFF; 60]).expect("there is room");
        port.flush();
        assert_eq!(port.counters().errors, errors, "{mode:?}");
    }
}

#[test]
fn an_interface_that_is_removed_ends_in_errors_not_in_a_panic() {
    let Some(lab) = lab("xsk link gone", 1) else { return };
    let mut port = open(&lab.near, &config(Mode::Native));
    lab.near.ip("link del nofx0").expect("ip");
    for _ in 0..2_000 {
        let _ = port.send(&[0xFF; 60]);
        port.flush();
        assert_eq!(port.poll(), 0);
    }
    let counters = port.counters();
    assert!(counters.errors > 0 && counters.tx_full > 0, "{counters:?}");
}
