//! Every kind of change to every row of a log: the verifier names the first bad record.

use nofx_control::audit::{Audit, Verifier, Verify, verify_file};
use rusqlite::Connection;

use crate::place::Place;

const RECORDS: u64 = 24;

/// Opens the file as somebody would who wants to change it: without triggers and indexes.
fn intruder(place: &Place) -> Connection {
    let db = Connection::open(place.path("audit.db")).expect("opens");
    for index in ["by_when", "by_who", "by_action", "by_result", "by_correlation"] {
        db.execute_batch(&format!("DROP INDEX {index}")).expect("dropped");
    }
    for trigger in ["record_stays", "record_fixed", "node_stays", "node_fixed"] {
        db.execute_batch(&format!("DROP TRIGGER {trigger}")).expect("dropped");
    }
    db
}

/// What the verifier says: number and kind of the first bad record.
fn verdict(place: &Place, heads: bool) -> Option<(Option<u64>, &'static str)> {
    let key = || Verifier::load(&place.path("key.pub")).expect("a key");
    let heads = heads.then(|| Verify::heads(&place.path("heads.txt"), key()).expect("heads"));
    let report = verify_file(&place.path("audit.db"), heads).expect("readable");
    assert_eq!(report.ok, report.finding.is_none());
    report.finding.map(|finding| (finding.seq, finding.kind))
}

/// A change to row `at` as SQL (`?1` is `at`), and what must be found there.
const CHANGES: &[(&str, &str)] = &[
    ("UPDATE record SET body = replace(body, 'reason ', 'reasom ') WHERE seq = ?1", "body"),
    ("UPDATE record SET body = body || ' ' WHERE seq = ?1", "body"),
    ("UPDATE record SET body = '{}' WHERE seq = ?1", "body"),
    ("UPDATE record SET body = NULL WHERE seq = ?1", "dropped"),
    ("UPDATE record SET leaf = zeroblob(32) WHERE seq = ?1", "body"),
    ("UPDATE record SET leaf = x'00' WHERE seq = ?1", "malformed"),
    ("UPDATE record SET chain = zeroblob(32) WHERE seq = ?1", "link"),
    ("UPDATE record SET chain = x'' WHERE seq = ?1", "malformed"),
    ("UPDATE record SET body = NULL, leaf = zeroblob(32) WHERE seq = ?1", "dropped"),
    ("DELETE FROM record WHERE seq = ?1", "missing"),
];

#[test]
fn every_change_to_every_row_is_named() {
    let place = Place::with_records(RECORDS);
    assert_eq!(verdict(&place, true), None);
    let db = intruder(&place);
    let mut checked = 0;
    for at in 0..RECORDS {
        for (sql, kind) in CHANGES {
            change(&db, sql, at as i64);
            // A record that is missing at the end is only seen by the signed head.
            let expected =
                if *kind == "missing" && at + 1 == RECORDS { "truncated" } else { *kind };
            assert_eq!(verdict(&place, true), Some((Some(at), expected)), "{sql} at {at}");
            restore(&db);
            checked += 1;
        }
    }
    assert_eq!(verdict(&place, true), None);
    println!("{checked} changes");
}

/// Keeps a copy of the tables, and makes the change.
fn change(db: &Connection, sql: &str, at: i64) {
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS kept AS SELECT seq, leaf, chain, body FROM record;
         CREATE TEMP TABLE IF NOT EXISTS kept_node AS SELECT * FROM node;",
    )
    .expect("kept");
    assert_eq!(db.execute(sql, [at]).expect("changed"), 1, "{sql}");
}

fn restore(db: &Connection) {
    db.execute_batch(
        "DELETE FROM record; INSERT INTO record(seq, leaf, chain, body) SELECT * FROM kept;
         DELETE FROM node; INSERT INTO node SELECT * FROM kept_node;",
    )
    .expect("restored");
}

#[test]
fn swaps_insertions_truncations_and_nodes_are_named() {
    let place = Place::with_records(RECORDS);
    let db = intruder(&place);
    change(&db, "UPDATE record SET seq = seq WHERE seq = ?1", 0);
    let case = |sql: &str, seq: Option<u64>, kind: &str| {
        db.execute_batch(sql).expect("changed");
        assert_eq!(verdict(&place, true), Some((seq, kind)), "{sql}");
        restore(&db);
    };
    for at in 0..RECORDS - 1 {
        let next = at + 1;
        // Two rows change places, with everything in them.
        let swap = format!(
            "UPDATE record SET seq = -5 WHERE seq = {at}; UPDATE record SET seq = {at} WHERE seq = {next};
             UPDATE record SET seq = {next} WHERE seq = -5;"
        );
        case(&swap, Some(at), "link");
        // Bodies change places, and leaf hashes with them.
        let swap = format!(
            "UPDATE record SET body = (SELECT body FROM kept WHERE seq = {next}),
               leaf = (SELECT leaf FROM kept WHERE seq = {next}) WHERE seq = {at};
             UPDATE record SET body = (SELECT body FROM kept WHERE seq = {at}),
               leaf = (SELECT leaf FROM kept WHERE seq = {at}) WHERE seq = {next};"
        );
        case(&swap, Some(at), "link");
        // A row is taken out and the others move up.
        let close = format!(
            "DELETE FROM record WHERE seq = {at};
             UPDATE record SET seq = -seq - 1; UPDATE record SET seq = -seq - 1 WHERE seq < -{next};
             UPDATE record SET seq = seq + 1000 WHERE seq > {at}; UPDATE record SET seq = -seq - 1 WHERE seq < 0;
             UPDATE record SET seq = seq - 1001 WHERE seq >= 1000;"
        );
        case(&close, Some(at), "link");
        // A row is put in, and the others move down.
        let insert = format!(
            "UPDATE record SET seq = seq + 1000 WHERE seq >= {at};
             UPDATE record SET seq = seq - 999 WHERE seq >= 1000;
             INSERT INTO record(seq, leaf, chain, body) SELECT {at}, leaf, chain, body FROM kept WHERE seq = {next};"
        );
        case(&insert, Some(at), "link");
        // The end is cut off, and the tree with it.
        let cut = format!("DELETE FROM record WHERE seq > {at};");
        case(&cut, Some(next), "truncated");
    }
    case("DELETE FROM record", Some(0), "truncated");
    case(
        "INSERT INTO record(seq, leaf, chain, body) VALUES (-1, zeroblob(32), zeroblob(32), '{}')",
        Some(0),
        "inserted",
    );
    let nodes: Vec<(i64, i64)> = {
        let mut statement = db.prepare("SELECT level, at FROM node").expect("prepared");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    for (level, at) in nodes {
        let completed_by = (((at + 1) << level) - 1) as u64;
        let which = format!("WHERE level = {level} AND at = {at}");
        let change = format!("UPDATE node SET hash = zeroblob(32) {which}");
        case(&change, Some(completed_by), "node");
        case(&format!("DELETE FROM node {which}"), Some(completed_by), "node");
    }
    case("INSERT INTO node VALUES (40, 0, zeroblob(32))", None, "node");
}

/// Somebody who writes the whole file anew, all hashes right, is caught by the signed head alone.
#[test]
fn a_new_history_contradicts_the_signed_head() {
    let place = Place::with_records(10);
    let other = Place::with_records(9);
    let audit = other.open();
    audit.record_blocking(crate::place::entry(77)).expect("recorded");
    drop(audit);
    std::fs::copy(other.path("audit.db"), place.path("audit.db")).expect("copied");
    let _ = std::fs::remove_file(place.path("audit.db-wal"));
    assert_eq!(verdict(&place, false), None);
    assert_eq!(verdict(&place, true).map(|(_, kind)| kind), Some("rewritten"));
    let refused = Audit::start(place.settings()).err().expect("refused");
    assert!(refused.to_string().contains("not those that were signed"), "{refused}");
}

#[test]
fn forged_and_foreign_heads_are_named() {
    let place = Place::with_records(10);
    let heads = std::fs::read_to_string(place.path("heads.txt")).expect("heads");
    let write = |text: &str| std::fs::write(place.path("heads.txt"), text).expect("written");
    assert_eq!(verdict(&place, true), None);
    write(&heads.replacen("\n10\n", "\n9\n", 1));
    assert_eq!(verdict(&place, true), Some((None, "head")));
    let other = Place::with_records(10);
    write(&std::fs::read_to_string(other.path("heads.txt")).expect("heads"));
    assert_eq!(verdict(&place, true), Some((None, "head")));
    write("");
    let none =
        place.run(&["verify", "@audit.db", "--checkpoint", "@heads.txt", "--key", "@key.pub"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
}

/// Any byte of the file may be wrong: the verifier ends with an answer, and not with "all right" when
/// a record is another.
#[test]
fn random_bytes_of_the_file() {
    let place = Place::with_records(RECORDS);
    drop(
        Connection::open(place.path("audit.db"))
            .expect("opens")
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"),
    );
    let good = std::fs::read(place.path("audit.db")).expect("read");
    let exported = place.run(&["export", "@audit.db"]).stdout;
    let mut dice = crate::place::Dice(0xf11b);
    println!("seed {:#x}", dice.0);
    let mut found = 0;
    for _ in 0..30 {
        let mut bad = good.clone();
        bad[dice.below(good.len() as u64) as usize] ^= 1 << dice.below(8);
        std::fs::write(place.path("audit.db"), bad).expect("written");
        let output =
            place.run(&["verify", "@audit.db", "--checkpoint", "@heads.txt", "--key", "@key.pub"]);
        let code = output.status.code().expect("no signal");
        assert!([0, 1, 3].contains(&code), "{output:?}");
        found += u32::from(code != 0);
        if code == 0 {
            assert_eq!(place.run(&["export", "@audit.db"]).stdout, exported);
        }
    }
    assert!(found > 0);
}
