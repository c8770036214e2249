//! Control beside a live engine: absent, holding its lock and doing nothing, publishing, stopped at any
//! instant of it, killed, followed by another, gone mad. The engine trades on through all of it; and its
//! journal, run again with no control at all, gives the same decisions from the same inputs.
//!
//! What a knock at the door costs in each of these states is counted in `door.rs`.

mod rig;

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use nofx_mailbox::{ControlCommand, Request, Steering, Watcher};
use nofx_types::Nanos;
use rig::us::{ENGINE, VENUE};
use rig::{Rig, assert_runs_again, count, report, terminate};

const ROLE: &str = "NOFX_TEST_ROLE";
const MAILBOX: &str = "NOFX_TEST_MAILBOX";
const TEST: &str = "whatever_control_does_a_live_engine_trades_on_and_runs_again_the_same";

/// Holds the lock; as "publish" it publishes pages that change nothing, a thousand a second; as "flood"
/// it publishes and asks without end.
fn run_control(role: &str, mailbox: &Path) -> ! {
    let mut control = Steering::open(mailbox).expect("the lock is free");
    let watcher = Watcher::attach(mailbox).expect("attached");
    println!("ready");
    let epoch = watcher.kill_words().epoch();
    for version in 1.. {
        if role != "hold" {
            control.publish_params(version, epoch, Nanos(version), &[]).expect("room");
        }
        if role != "flood" {
            sleep(Duration::from_millis(1));
            continue;
        }
        let command = Some(ControlCommand::SetLimits { publication: version });
        _ = control.send(&Request { id: version, epoch, at: Nanos(version), command });
        while control.next_reply().is_some() {}
    }
    unreachable!()
}

/// A child of ours, which does not outlive a test that fails.
struct Control(Child);

impl Control {
    fn start(role: &str, mailbox: &Path) -> Control {
        let child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", TEST, "--nocapture"])
            .env(ROLE, role)
            .env(MAILBOX, mailbox)
            .stdout(Stdio::piped())
            .spawn();
        let mut control = Control(child.expect("a child"));
        let lines = BufReader::new(control.0.stdout.take().expect("a pipe")).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.contains("ready"));
        assert!(ready.is_some(), "control did not start");
        control
    }

    /// Stops it, and waits until it is.
    fn stop(&self) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", "STOP", &pid]).status().expect("kill(1)");
        assert!(sent.success());
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        while !state().contains(") T ") {
            yield_now();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        _ = self.0.kill().and_then(|()| self.0.wait()); // kill -9
    }
}

#[test]
fn whatever_control_does_a_live_engine_trades_on_and_runs_again_the_same() {
    if let Ok(role) = env::var(ROLE) {
        run_control(&role, Path::new(&env::var_os(MAILBOX).expect("set")));
    }
    let files = [("venue.toml", VENUE), ("engine.toml", ENGINE)];
    let Some(mut rig) = Rig::start("boundary", &files) else { return };
    let engine = rig.engine(&[]);
    let trades_on = |state: &str| {
        let now = rig.until("orders.sent", |_| true);
        println!("{state}: {now} orders so far");
        rig.until("orders.sent", |orders| orders >= now + 50);
    };
    trades_on("absent");
    let mailbox = rig.path("mailbox");
    let hung = Control::start("hold", &mailbox);
    trades_on("hung");
    drop(hung);
    for round in 0..3 {
        let control = Control::start("publish", &mailbox);
        let taken = rig.until("control.pages", |_| true);
        rig.until("control.pages", |pages| pages >= taken + 20);
        trades_on("publishing");
        control.stop();
        trades_on("stopped");
        drop(control);
        trades_on(if round < 2 { "killed, the next one follows" } else { "killed" });
    }
    let flood = Control::start("flood", &mailbox);
    let (before, knocks) = (Instant::now(), || {
        rig.until("control.pages", |_| true) + rig.until("control.requests", |_| true)
    });
    let heard = knocks();
    trades_on("flooded");
    let heard = knocks() - heard;
    // One a house-keeping, that is a millisecond, and with a request up to two pages before it.
    let most = 3 * before.elapsed().as_millis() as u64 + 10;
    println!("flooded: {heard} pages and requests heard, at most {most}");
    assert!(heard > 0 && heard <= most);
    drop(flood);
    terminate(&engine);
    let report = report(engine);
    rig.dump();
    assert_eq!(count(&report, "open"), 0, "everything was cancelled");
    assert_eq!(report["sealed_allocations"], 0);
    assert_runs_again(&rig.path("journal"), 1);
}
