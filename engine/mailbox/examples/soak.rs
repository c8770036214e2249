//! Reads of views that another process writes flat out, each proven by its content, while that process
//! is killed and started again: `cargo run --release -p nofx-mailbox --example soak -- 1000000000`.
//! Ends with the number of reads, of torn ones (none, or it panics), and latencies.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use nofx_mailbox::view::SessionView;
use nofx_mailbox::{Engine, Spec, Watcher};
use nofx_types::Nanos;

/// A view in which every word follows from `n`.
fn view(n: u64) -> SessionView {
    SessionView {
        next_in: n,
        sent: !n,
        accepted: n.rotate_left(32),
        rejected: n ^ 1,
        refused: n ^ 2,
        canceled: n ^ 3,
        fills: n ^ 4,
        open: n ^ 5,
        unknown: n ^ 6,
        logins: n ^ 7,
        heard_ns: n ^ 8,
        sent_ns: n ^ 9,
        throttled: n ^ 10,
        ..SessionView::default()
    }
}

fn write_for_ever(path: &Path) -> ! {
    let engine =
        Engine::create(path, &Spec { sessions: 1, ..Spec::default() }).expect("taken over");
    let mut views = engine.views();
    let parent = std::os::unix::process::parent_id();
    for n in 1.. {
        if n % (1 << 20) == 0 && std::os::unix::process::parent_id() != parent {
            std::process::exit(1); // nobody is left to kill it
        }
        views.session(Nanos(n), 0, &view(n));
    }
    unreachable!("2^64 writes")
}

/// A watcher of the running writer, once that has written.
fn attach(path: &Path) -> Watcher {
    loop {
        if let Ok(watcher) = Watcher::attach(path)
            && watcher.has_process()
            && watcher.sessions().flatten().count() == 1
        {
            return watcher;
        }
        std::thread::yield_now();
    }
}

/// Reads between two kills of the writer.
const STRETCH: u64 = 10_000_000;
/// Reads whose time is taken together.
const BATCH: u64 = 16;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if arguments.get(1).is_some_and(|argument| argument == "--writer") {
        write_for_ever(Path::new(&arguments[2]));
    }
    let wanted: u64 = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let path = folder.path().join("box");
    let (mut good, mut unlucky, mut kills, mut took) = (0u64, 0u64, 0u32, Vec::new());
    let begin = Instant::now();
    while good < wanted {
        let mut command = Command::new(env::current_exe().expect("this program"));
        let mut child = command.arg("--writer").arg(&path).spawn().expect("a writer");
        let watcher = attach(&path);
        let until = (good + STRETCH).min(wanted);
        while good < until {
            let start = Instant::now();
            for _ in 0..BATCH {
                match watcher.sessions().next().flatten() {
                    Some(seen) => {
                        let n = seen.at.0;
                        assert_eq!((seen.sequence, seen.value), (n, view(n)), "torn");
                        good += 1;
                    }
                    None => unlucky += 1, // lapped at every try
                }
            }
            if good.is_multiple_of(1 << 10) {
                took.push(start.elapsed().as_nanos() as u64 / BATCH);
            }
        }
        child.kill().expect("kill -9");
        child.wait().expect("dead");
        kills += 1;
    }
    took.sort_unstable();
    let quantile = |q: f64| took.get((took.len() as f64 * q) as usize).copied().unwrap_or(0);
    println!(
        "{good} reads in {:.1} s over {kills} kills of the writer: 0 torn, {unlucky} lapped; \
         ns per read, means of {BATCH}: p50 {}, p99 {}, p99.9 {}, max {}",
        begin.elapsed().as_secs_f64(),
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        took.last().copied().unwrap_or(0)
    );
}
