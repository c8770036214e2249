//! What the audit log costs: events a second with group commit, and one synced action beside a bare
//! write and fsync of the same size, taken in turns in the same folder.
//!
//! `cargo run --profile service -p nofx-control --example audit-bench -- [FOLDER]`; the folder must be
//! on the disk that is meant, not in memory.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nofx_control::audit::{Audit, Entry, Settings, Signer, encode};
use serde_json::json;

const EVENTS: u64 = 50_000;
const SYNCED: u64 = 400;

fn main() {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(parent).expect("a folder to write in");
    let folder = folder.path();
    std::fs::write(folder.join("key.pem"), Signer::generate().expect("a key")).expect("written");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine   {cores} cores, load {}", load.trim());
    println!("entry     {} bytes", encode(entry(0)).expect("encoded").len());
    let name = |file: &str| folder.join(file);
    let settings = Settings {
        queue: 8_192,
        ..Settings::new(&name("audit.db"), &name("heads.txt"), &name("key.pem"))
    };
    let audit = Audit::start(settings).expect("the log opens");
    grouped(&audit);
    synced(&audit, folder);
    let started = Instant::now();
    let report = audit.verify().expect("read");
    let (ok, size) = (report.ok, report.size);
    println!("verify    ok {ok}, {size} records in {:.2} s", started.elapsed().as_secs_f64());
}

fn entry(number: u64) -> Entry {
    Entry {
        who: format!("person{}", number % 7),
        role: "risk".into(),
        action: "set_limits".into(),
        object: format!("engine/e{}/limits", number % 3),
        when: 1_700_000_000_000_000_000 + number,
        clock_error_ns: Some(900),
        before: json!({ "qty_max": number }),
        after: json!({ "qty_max": number + 1 }),
        reason: "a reason as people write it".into(),
        correlation: format!("{number:032x}"),
        result: "done".into(),
        sensitive: false,
    }
}

/// Processor time of this process so far: what the machine's other work cannot take away.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// As many as fit: whoever finds the queue full tries again.
fn grouped(audit: &Audit) {
    let (started, used) = (Instant::now(), cpu_seconds());
    let mut calls = Vec::with_capacity(EVENTS as usize);
    for number in 0..EVENTS {
        let asked = Instant::now();
        while audit.record_blocking(entry(number)).is_err() {
            std::thread::sleep(Duration::from_micros(200));
        }
        calls.push(asked.elapsed());
    }
    while audit.head().size < EVENTS {
        std::thread::sleep(Duration::from_micros(200));
    }
    let seconds = started.elapsed().as_secs_f64();
    let batches = audit.status().batches;
    let cpu = (cpu_seconds() - used) * 1e6 / EVENTS as f64;
    println!("grouped   {:.0} events/s on the disk, {batches} batches", EVENTS as f64 / seconds);
    println!("          {cpu:.1} us of processor an event, in both threads together");
    print("call", calls);
}

/// In turns: one synced entry, and what a commit writes as one bare write and fsync: once at the end
/// of a growing file, once over what is there.
fn synced(audit: &Audit, folder: &Path) {
    let wal = folder.join("audit.db-wal");
    let length = || std::fs::metadata(&wal).map_or(0, |data| data.len());
    let before = length();
    audit.record_blocking(Entry { sensitive: true, ..entry(0) }).expect("recorded");
    // Pages that one commit appends; the log of SQLite may also be used again from its beginning.
    let bytes = length().saturating_sub(before).clamp(8 * 4_120, 32 * 4_120);
    println!("commit    about {bytes} bytes");
    let page = vec![7; bytes as usize];
    let mut growing = File::create(folder.join("bare")).expect("a file");
    let over = File::create(folder.join("over")).expect("a file");
    over.write_all_at(&page, 0).and_then(|()| over.sync_all()).expect("written");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..SYNCED {
        let entry = Entry { sensitive: true, ..entry(number) };
        timed(&mut times[0], || assert!(audit.record_blocking(entry).is_ok()));
        timed(&mut times[1], || {
            growing.write_all(&page).and_then(|()| growing.sync_data()).expect("written")
        });
        timed(&mut times[2], || {
            over.write_all_at(&page, 0).and_then(|()| over.sync_data()).expect("written")
        });
    }
    let [action, grow, same] = times;
    print("action", action);
    print("bare+", grow);
    print("bare=", same);
}

fn timed(times: &mut Vec<Duration>, work: impl FnOnce()) {
    let started = Instant::now();
    work();
    times.push(started.elapsed());
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let [p50, p90, p99, p999, p9999] = [0.5, 0.9, 0.99, 0.999, 0.9999].map(at);
    println!(
        "{name:<9} us: p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  p99.9 {p999:.1}  p99.99 {p9999:.1}  max {:.1}",
        at(1.0)
    );
}
