//! Which system calls the running port makes: none to poll, `sendto` to flush. A process that has
//! forbidden itself all others by a seccomp filter lives or dies by it.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{BusyPoll, Mode, XskConfig, XskPort};

use crate::life::wait_for_line;
use crate::rig::{PORT, config, lab, open, send_numbered, sender, udp};
use crate::seccomp;

const SEALED: &str = "XSK_TEST_SEALED";
const FRAMES: u32 = 3_000;

#[test]
fn polling_makes_no_system_call() {
    let Some(lab) = lab("xsk system calls", 1) else { return };
    assert_eq!(sealed_process(&lab, "poll").code(), Some(0));
}

#[test]
fn sending_makes_sendto_only() {
    let Some(lab) = lab("xsk system calls", 1) else { return };
    assert_eq!(sealed_process(&lab, "send").code(), Some(0));
}

#[test]
fn a_forbidden_call_would_be_seen() {
    let Some(lab) = lab("xsk system calls", 1) else { return };
    assert_eq!(sealed_process(&lab, "busy poll").signal(), Some(libc::SIGSYS));
}

/// A second process of this test that opens the port, seals itself and works; how it ended.
fn sealed_process(lab: &Lab, work: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", "syscalls::sealed", "--nocapture"])
        .env(SEALED, work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = lab.near.within(|| command.spawn()).expect("started");
    wait_for_line(&mut child, "sealed: opened");
    send_numbered(&mut open(&lab.far, &sender(0)), (Lab::NEAR_ADDRESS, PORT), 0..FRAMES);
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits");
    child.wait().expect("it ends")
}

/// No test by itself: what the other process does.
#[test]
fn sealed() {
    let Ok(work) = std::env::var(SEALED) else { return };
    let busy_poll = (work == "busy poll").then_some(BusyPoll { micros: 1, budget: 8 });
    let all = XskConfig { hook_stamp: true, tx_stamp: true, busy_poll, ..config(Mode::Generic) };
    let mut port = XskPort::open(&all).expect("opened in the namespace it was started in");
    let frame = udp((Lab::FAR_ADDRESS, 9), b"sealed");
    println!("sealed: opened");
    let _ = std::io::stdin().read_line(&mut String::new());
    let sends = work == "send";
    seccomp::only(if sends { &[libc::SYS_sendto] } else { &[] });
    let mut got = 0;
    for _ in 0..10_000 {
        got += port.poll() as u32;
        if sends && port.send(&frame).is_ok() {
            port.flush();
        }
    }
    seccomp::exit(i32::from(got != FRAMES))
}
