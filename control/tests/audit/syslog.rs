//! The system's log as a second place: a real socket, and none.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use nofx_control::audit::{Audit, Checkpoint, Entry, SecondPlace, Settings, Verifier};

use crate::place::{Place, entry};

fn listen(socket: &Path) -> UnixDatagram {
    let receiver = UnixDatagram::bind(socket).expect("bound");
    receiver.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    receiver
}

/// The next head that the system's log gets, out of its line.
fn head(receiver: &UnixDatagram, key: &Verifier) -> Checkpoint {
    let mut bytes = [0; 4_096];
    let length = receiver.recv(&mut bytes).expect("a datagram");
    let line = std::str::from_utf8(&bytes[..length]).expect("text");
    // Facility 13 (log audit), severity 6.
    let line = line.strip_prefix("<110>nofx-control: audit ").expect(line);
    let words: Vec<&str> = line.split(' ').collect();
    let [origin, size, root, dash, name, signature] = words[..] else { panic!("{line}") };
    let note = format!("{origin}\n{size}\n{root}\n\n{dash} {name} {signature}\n");
    Checkpoint::open(&note, key).expect("signed")
}

/// The heads up to the one of this log as it is now.
fn heads_up_to(audit: &Audit, receiver: &UnixDatagram) -> Vec<Checkpoint> {
    let mut heads = vec![head(receiver, &audit.verifier())];
    while heads.last().is_some_and(|last| last.head != audit.head()) {
        heads.push(head(receiver, &audit.verifier()));
    }
    heads
}

fn record(audit: &Audit, number: u64) {
    audit.record_blocking(Entry { sensitive: true, ..entry(number) }).expect("recorded");
}

fn until(what: &str, so: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < give_up, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_signed_head_goes_to_the_systems_log_too() {
    let place = Place::new();
    let socket = place.path("log");
    let receiver = listen(&socket);
    let settings = Settings { syslog: Some(socket), ..place.settings() };
    let audit = Audit::start(settings).expect("opens");
    let file = SecondPlace::new(&place.path("heads.txt"));
    for number in 0..2 {
        record(&audit, number);
        let heads = heads_up_to(&audit, &receiver);
        let last = heads.last().expect("a head").clone();
        until("the file has the same", || {
            let note = file.last().expect("read");
            note.and_then(|note| Checkpoint::open(&note, &audit.verifier()).ok())
                == Some(last.clone())
        });
    }
    assert_eq!(audit.status().syslog_failures, 0);
    // The end of the process is no loss either, nor is a new one.
    record(&audit, 2);
    let (end, key) = (audit.head(), audit.verifier());
    drop(audit);
    let mut last = head(&receiver, &key);
    while last.head != end {
        last = head(&receiver, &key);
    }
    let settings = Settings { syslog: Some(place.path("log")), ..place.settings() };
    let audit = Audit::start(settings).expect("opens");
    assert_eq!(heads_up_to(&audit, &receiver).len(), 1, "told again: what it took is not known");
}

#[test]
fn a_system_log_that_is_gone_is_counted_and_gets_the_newest_head_when_it_is_back() {
    let place = Place::new();
    let socket = place.path("log");
    let settings = Settings { syslog: Some(socket.clone()), ..place.settings() };
    let audit = Audit::start(settings).expect("opens: trading does not depend on it");
    for number in 0..2 {
        record(&audit, number);
        let (before, exported) = (audit.status().syslog_failures, number + 1);
        until("it failed", || audit.status().syslog_failures > before);
        until("the other place has it", || audit.status().exported >= exported);
    }
    // Nothing new is recorded: what it did not take is offered again.
    let receiver = listen(&socket);
    let heads = heads_up_to(&audit, &receiver);
    assert_eq!(heads[0].head, audit.head());
    // Gone again, with the file of a socket that nobody listens at.
    drop(receiver);
    let before = audit.status().syslog_failures;
    record(&audit, 2);
    until("it failed", || audit.status().syslog_failures > before);
    std::fs::remove_file(&socket).expect("removed");
    let receiver = listen(&socket);
    heads_up_to(&audit, &receiver);
    assert_eq!(audit.status().export_failures, 0);
}

#[test]
fn a_file_that_fails_does_not_keep_a_head_from_the_systems_log() {
    let place = Place::new();
    let socket = place.path("log");
    let receiver = listen(&socket);
    let settings = Settings { syslog: Some(socket), ..place.settings() };
    let audit = Audit::start(settings).expect("opens");
    std::fs::create_dir(place.path("heads.txt")).expect("made: it cannot be a file now");
    record(&audit, 0);
    heads_up_to(&audit, &receiver);
    until("it is counted", || audit.status().export_failures > 0);
}
