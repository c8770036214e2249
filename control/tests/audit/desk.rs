//! Recording, searching, retention, copies, and the commands, on a log of its own.

use std::time::{Duration, Instant};

use nofx_control::audit::{
    Audit, AuditError, Entry, Filter, Proof, Settings, Verifier, Verify, outcome, verify_file,
};
use serde_json::{Value, json};

use crate::place::{Place, entry};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * SECOND;

#[test]
fn records_come_back_as_they_were_told() {
    let place = Place::new();
    let audit = place.open();
    let told = Entry { sensitive: true, ..entry(3) };
    assert_eq!(audit.record_blocking(told.clone()), Ok(0));
    let record = audit.get(0).expect("read").expect("with body");
    assert_eq!((record.seq, record.when_ns, record.clock_error_ns), (0, told.when, Some(900)));
    assert_eq!((&record.who, &record.role, &record.action), (&told.who, &told.role, &told.action));
    assert_eq!((&record.object, record.r#type.as_str()), (&told.object, "engine"));
    assert_eq!(
        (record.before, record.after["price"].as_str()),
        (told.before, Some("9223372036854775807"))
    );
    assert_eq!(
        (record.reason, record.correlation, record.result),
        (told.reason, told.correlation, told.result)
    );
    assert!(matches!(audit.get(1), Err(AuditError::NotFound(_))));
    assert_eq!(audit.head().size, 1);
}

#[test]
fn entries_that_nobody_waits_for_are_written_soon() {
    let place = Place::new();
    let audit = place.open();
    for number in 0..100 {
        assert_eq!(audit.record_blocking(entry(number)), Ok(number));
    }
    let give_up = Instant::now() + Duration::from_secs(30);
    while audit.head().size < 100 {
        assert!(Instant::now() < give_up, "{:?}", audit.status());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(audit.status().batches < 100, "{:?}", audit.status());
}

#[test]
fn a_full_queue_and_a_large_entry_are_errors() {
    let place = Place::new();
    let hour = Duration::from_secs(3600);
    let audit =
        Audit::start(Settings { queue: 2, group: hour, ..place.settings() }).expect("opens");
    let full = (0..200_000).find_map(|number| audit.record_blocking(entry(number)).err());
    assert_eq!(full, Some(AuditError::QueueFull));
    let large = Entry { reason: "x".repeat(300_000), ..entry(0) };
    assert!(matches!(audit.record_blocking(large), Err(AuditError::TooLarge { .. })));
    assert_eq!(audit.status().refused, 2);
}

#[test]
fn one_process_at_a_time_and_only_a_log_of_ours() {
    let place = Place::new();
    let audit = place.open();
    assert!(matches!(Audit::start(place.settings()), Err(AuditError::InUse(_))));
    drop(audit);
    drop(place.open());
    std::fs::write(place.path("text"), "x".repeat(10_000)).expect("written");
    let other = Settings { path: place.path("text"), ..place.settings() };
    assert!(Audit::start(other).is_err());
    for (file, code) in [("@text", 3), ("@nothing", 3), ("@key.pem", 3)] {
        assert_eq!(place.run(&["verify", file]).status.code(), Some(code), "{file}");
    }
    assert_eq!(place.run(&["verify"]).status.code(), Some(2));
    assert_eq!(place.run(&["verify", "@audit.db", "--key", "@key.pem"]).status.code(), Some(2));
}

/// Pages against a filter written down over all records.
#[test]
fn searches_find_what_a_plain_filter_finds() {
    let place = Place::with_records(300);
    let audit = place.open();
    let text = |text: &str| Some(text.to_owned());
    let filters = [
        Filter::default(),
        Filter { user: text("ada"), ..Filter::default() },
        Filter { kind: text("engine"), action: text("kill"), ..Filter::default() },
        Filter { kind: text("nothing"), ..Filter::default() },
        Filter { result: text(outcome::DONE), user: text("eve"), ..Filter::default() },
        Filter { result: text("'; DROP TABLE record; --"), ..Filter::default() },
        Filter {
            from: Some(START + 100 * SECOND),
            to: Some(START + 150 * SECOND),
            ..Filter::default()
        },
        Filter { text: text("REASON 7"), ..Filter::default() },
        Filter { text: text("%"), ..Filter::default() },
        Filter { correlation: text("c-42"), ..Filter::default() },
        Filter {
            user: text("bob"),
            text: text("e1/limits"),
            from: Some(START),
            ..Filter::default()
        },
    ];
    for filter in filters {
        let is =
            |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
        let expected: Vec<u64> = (0..300)
            .rev()
            .filter(|&number| {
                let told = entry(number);
                is(&filter.user, &told.who)
                    && is(&filter.kind, "engine")
                    && is(&filter.action, &told.action)
                    && is(&filter.result, &told.result)
                    && is(&filter.correlation, &told.correlation)
                    && filter.from.is_none_or(|from| told.when >= from)
                    && filter.to.is_none_or(|to| told.when < to)
                    && filter.text.as_ref().is_none_or(|text| {
                        format!("{} {}", told.reason, told.object)
                            .to_lowercase()
                            .contains(&text.to_lowercase())
                    })
            })
            .collect();
        let (mut found, mut below) = (Vec::new(), None);
        loop {
            let page = audit.query(&Filter { limit: 7, below, ..filter.clone() }).expect("found");
            assert!(page.items.len() <= 7);
            found.extend(page.items.iter().map(|record| record.seq));
            below = page.next;
            if below.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[test]
fn activity_counts_what_people_did() {
    let place = Place::with_records(30);
    let audit = place.open();
    let refused =
        Entry { who: "eve".into(), result: outcome::REFUSED.into(), sensitive: true, ..entry(30) };
    audit.record_blocking(refused).expect("recorded");
    let people = audit.activity(None, None, None).expect("read");
    let names: Vec<_> = people
        .iter()
        .map(|person| (person.user.as_str(), person.entries, person.refused))
        .collect();
    assert_eq!(names, [("eve", 11, 1), ("ada", 10, 0), ("bob", 10, 0)]);
    assert_eq!(people[0].actions, [("kill".into(), 5), ("set_limits".into(), 6)].into());
    assert_eq!((people[0].first_ns, people[0].last_ns), (START + 2 * SECOND, START + 30 * SECOND));
    let one = audit.activity(Some("ada"), Some(START), Some(START + 10 * SECOND)).expect("read");
    assert_eq!((one.len(), one[0].entries), (1, 4));
}

/// Bodies go, proofs stay; and nobody else can let a body go.
#[test]
fn retention_drops_bodies_and_keeps_proofs() {
    let place = Place::with_records(40);
    let audit = place.open();
    let before: Vec<Proof> =
        (0..40).map(|seq| audit.proof(seq, Some(7)).expect("a proof")).collect();
    assert_eq!(audit.drop_before(START + 25 * SECOND), Ok(Some(25)));
    assert_eq!(audit.drop_before(START + 25 * SECOND), Ok(None));
    let give_up = Instant::now() + Duration::from_secs(30);
    while audit.get(24).expect("a record").is_some() {
        assert!(Instant::now() < give_up);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(audit.get(25).expect("a record").is_some());
    for old in before {
        let now = audit.proof(old.seq, Some(7)).expect("a proof");
        assert_eq!((now.record.is_some(), now.leaf), (old.seq >= 25, old.leaf));
        let heads = [old.checkpoint.clone(), now.checkpoint.clone()].into_iter().flatten();
        assert_eq!(now.check(heads.clone(), &audit.verifier()), Ok(()));
        assert_eq!(old.check(heads, &audit.verifier()), Ok(()));
    }
    assert_eq!(
        audit.query(&Filter { limit: 1000, ..Filter::default() }).expect("found").items.len(),
        16
    );
    let report = audit.verify().expect("read");
    assert!(report.ok && report.dropped == 25, "{report:?}");
    drop(audit);
    // The bytes are gone from the file, not only from view.
    let audit = place.open();
    drop(audit);
    let file = std::fs::read(place.path("audit.db")).expect("read");
    let has = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!has("reason 3\"") && has("reason 33"));
}

#[test]
fn a_copy_made_while_writing_verifies() {
    let place = Place::with_records(50);
    let audit = place.open();
    let writer = audit.clone();
    let writing = std::thread::spawn(move || {
        (50..2_000).for_each(|number| drop(writer.record_blocking(entry(number))));
    });
    audit.back_up(&place.path("copy.db")).expect("copied");
    assert!(audit.back_up(&place.path("copy.db")).is_err());
    writing.join().expect("ended");
    let report = verify_file(&place.path("copy.db"), None).expect("read");
    assert!(report.ok && report.size >= 50, "{report:?}");
}

#[test]
fn a_torn_head_at_the_end_is_taken_away() {
    let place = Place::with_records(5);
    let heads = std::fs::read_to_string(place.path("heads.txt")).expect("heads");
    for cut in [1, 30, 60, heads.len() - 3] {
        let torn = format!("{heads}{}", heads.get(..cut).unwrap_or("test"));
        std::fs::write(place.path("heads.txt"), torn).expect("written");
        let audit = place.open();
        audit.record_blocking(Entry { sensitive: true, ..entry(cut as u64) }).expect("recorded");
        drop(audit);
        let key = Verifier::load(&place.path("key.pub")).expect("a key");
        let verify = Verify::heads(&place.path("heads.txt"), key).expect("heads");
        let report = verify_file(&place.path("audit.db"), Some(verify)).expect("read");
        assert!(report.ok && report.vouched == report.size, "{report:?}");
        std::fs::write(place.path("heads.txt"), &heads).expect("written");
    }
}

/// A proof goes through a file, to somebody who has the key and a signed head and nothing else.
#[test]
fn the_commands_prove_check_and_export() {
    let place = Place::with_records(20);
    let done = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(output.status.success(), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let verified =
        done(&["verify", "@audit.db", "--checkpoint", "@heads.txt", "--key", "@key.pub", "--json"]);
    let report: Value = serde_json::from_str(&verified).expect("JSON");
    assert_eq!((&report["size"], &report["vouched"]), (&json!(20), &json!(20)));
    let proof =
        done(&["prove", "@audit.db", "--seq", "7", "--old", "5", "--checkpoint", "@heads.txt"]);
    let check = |text: &str| {
        std::fs::write(place.path("proof.json"), text).expect("written");
        place.run(&["check-proof", "@proof.json", "--key", "@key.pub"]).status.code()
    };
    assert_eq!(check(&proof), Some(0));
    for (old, new) in [
        ("reason 7", "reason 8"),
        ("\"seq\": 7", "\"seq\": 8"),
        ("\"size\": 20", "\"size\": 21"),
        ("\\n20\\n", "\\n21\\n"),
    ] {
        assert_eq!(check(&proof.replacen(old, new, 1)), Some(1), "{old}");
    }
    assert_eq!(check("{}"), Some(3));
    let unsigned = done(&["prove", "@audit.db", "--seq", "7"]);
    assert_eq!(check(&unsigned), Some(1));
    let with_heads =
        ["check-proof", "@proof.json", "--checkpoint", "@heads.txt", "--key", "@key.pub"];
    assert_eq!(place.run(&with_heads).status.code(), Some(0));
    assert_eq!(place.run(&["prove", "@audit.db", "--seq", "20"]).status.code(), Some(1));
    let lines = done(&[
        "export",
        "@audit.db",
        "--from",
        "2023-11-14T22:13:23Z",
        "--to",
        "1700000005000000000",
    ]);
    let seqs: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].clone())
        .collect();
    assert_eq!(seqs, [json!(3), json!(4)]);
    done(&["backup", "@audit.db", "@copy.db"]);
    assert!(done(&["verify", "@copy.db"]).contains("20 right"));
    let made = done(&["new-key", "@second.pem"]);
    assert_eq!(made, done(&["public-key", "@second.pem"]));
    assert!(done(&["public-key", "@second.pem", "--name", "a.b/c"]).starts_with("a.b/c+"));
}
