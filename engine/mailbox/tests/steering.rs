//! Control's end and the engine's end of pages, commands and events, in one process.

mod common;

use common::{MODEL, engine, refused, spec};
use nofx_mailbox::param::table;
use nofx_mailbox::{
    AckView, ControlCommand, Engine, Event, EventKind, ParamRow, Reply, Request, Scope, Spec,
    Steering, Switch, Taken, Watcher, Why,
};
use nofx_types::Nanos;
use std::path::PathBuf;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    (folder, path)
}

fn row(value: i64) -> ParamRow {
    ParamRow { table: table::ACCOUNT, key: 1, scope: 0, value }
}

/// The publication that was refused and why; `None`: nothing was there.
type Refused = Option<(u64, Why)>;

/// What was taken, in owned form: (publication, version, words), or why not.
fn taken(taken: Taken) -> Result<(u64, u64, Vec<u64>), Refused> {
    match taken {
        Taken::Page(head, words) => Ok((head.publication, head.version, words.to_vec())),
        Taken::Refused(head, why) => Err(Some((head.publication, why))),
        Taken::Nothing => Err(None),
        Taken::Lapped => panic!("nobody publishes meanwhile"),
    }
}

#[test]
fn a_page_goes_to_the_engine_once_and_its_answer_comes_back() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut params = engine.params().expect("not taken yet");
    assert!(engine.params().is_none(), "one reader");
    assert!(!params.is_new() && taken(params.take()) == Err(None));
    let watcher = Watcher::attach(&path).expect("attached");
    assert_eq!((watcher.current_params(), watcher.params_ack()), (None, None));
    assert_eq!(watcher.schema(), common::schema());
    assert_eq!((watcher.model_schema(), watcher.model_kind()), (MODEL, 1));

    let mut control = Steering::open(&path).expect("the lock is free");
    let rows = [row(5), row(6), row(7)];
    assert_eq!(control.publish_params(10, 0, Nanos(99), &rows).expect("room"), 1);
    assert!(params.is_new());
    let words: Vec<u64> = bytemuck::cast_slice(&rows).to_vec();
    assert_eq!(taken(params.take()), Ok((1, 10, words)));
    assert!(!params.is_new() && taken(params.take()) == Err(None));

    let (head, seen) = watcher.current_params().expect("published");
    assert_eq!((head.at, head.schema, seen), (Nanos(99), watcher.schema_hash(), rows.to_vec()));
    let ack = AckView { seen: 1, applied: 1, applied_version: 10, ..AckView::default() };
    let mut views = engine.views();
    views.params_ack(Nanos(100), &ack);
    views.in_force(Nanos(100), rows);
    assert_eq!(watcher.params_ack().expect("said").value, ack);
    assert_eq!(watcher.model_ack(), None);
    assert_eq!(watcher.in_force().expect("said").value.rows, rows);
}

#[test]
fn six_pages_are_kept_and_each_can_be_rolled_back_to() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut models = engine.models().expect("not taken yet");
    let mut control = Steering::open(&path).expect("the lock is free");
    let watcher = Watcher::attach(&path).expect("attached");
    for version in 1..=20u64 {
        let at = Nanos(version);
        let published = control.publish_model(version, 0, at, MODEL, &[version; 9]);
        assert_eq!(published.expect("room"), version);
    }
    assert_eq!(taken(models.take()), Ok((20, 20, vec![20; 9])));
    let kept = |watcher: &Watcher| {
        watcher.models_kept().iter().map(|head| head.version).collect::<Vec<_>>()
    };
    assert_eq!(kept(&watcher), [19, 18, 17, 16, 15, 14, 13]);
    for version in (13..20).rev() {
        let publication = control.roll_back_model(version, 0).expect("kept");
        assert_eq!(taken(models.take()), Ok((publication, version, vec![version; 9])));
        assert_eq!(watcher.current_model().map(|(head, _)| head.version), Some(version));
    }
    let refusal = refused(control.roll_back_model(1, 0));
    assert!(refusal.contains("no version 1 of models"), "{refusal}");
    assert!(refusal.contains("[14, 15, 16, 17, 18, 19, 20]"), "{refusal}");
}

#[test]
fn the_page_the_engine_runs_on_is_never_overwritten() {
    let (_folder, path) = place();
    let engine = engine(&path);
    let mut control = Steering::open(&path).expect("the lock is free");
    let watcher = Watcher::attach(&path).expect("attached");
    let mut publish = |version| control.publish_params(version, 0, Nanos(0), &[row(3)]);
    publish(1).expect("room");
    let ack = AckView { applied: 1, applied_version: 1, ..AckView::default() };
    engine.views().params_ack(Nanos(0), &ack);
    (2..50).for_each(|version| assert!(publish(version).is_ok()));
    let kept: Vec<_> = watcher.params_kept().iter().map(|head| head.version).collect();
    assert_eq!(kept, [48, 47, 46, 45, 44, 43, 1]);
}

#[test]
fn a_page_is_refused_for_its_fence_and_a_roll_back_bears_the_new_epoch() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut params = engine.params().expect("not taken yet");
    let mut control = Steering::open(&path).expect("the lock is free");
    let publish = |control: &mut Steering, version, epoch| {
        control.publish_params(version, epoch, Nanos(0), &[row(1)]).expect("room")
    };
    publish(&mut control, 1, 3);
    assert!(taken(params.take()).is_ok());
    Switch::open(&path).expect("open").raise_epoch(5).expect("raised");
    let publication = publish(&mut control, 2, 4);
    assert_eq!(taken(params.take()), Err(Some((publication, Why::Fenced))));
    let publication = control.roll_back_params(1, 5).expect("kept");
    assert_eq!(taken(params.take()).map(|seen| (seen.0, seen.1)), Ok((publication, 1)));
    let publication = control.roll_back_params(2, 4).expect("kept");
    assert_eq!(taken(params.take()), Err(Some((publication, Why::Fenced))));
}

#[test]
fn what_does_not_fit_or_is_for_another_schema_is_refused() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut models = engine.models().expect("not taken yet");
    let mut control = Steering::open(&path).expect("the lock is free");
    let refusal = refused(control.publish_params(1, 0, Nanos(0), &[row(1); 41]));
    assert!(refusal.contains("82 words") && refusal.contains("has 80"), "{refusal}");
    control.publish_params(1, 0, Nanos(0), &[row(1); 40]).expect("just room");
    let publication = control.publish_model(1, 0, Nanos(0), MODEL + 1, &[]).expect("room");
    assert_eq!(taken(models.take()), Err(Some((publication, Why::Schema))));
}

#[test]
fn one_process_steers() {
    let (_folder, path) = place();
    let _engine = engine(&path);
    let control = Steering::open(&path).expect("the lock is free");
    let refusal = refused(Steering::open(&path));
    let pid = std::process::id().to_string();
    assert!(refusal.contains("box.control.lock") && refusal.contains(&pid), "{refusal}");
    drop(control);
    assert!(Steering::open(&path).is_ok());
}

#[test]
fn commands_are_taken_in_order_and_answered() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut commands = engine.commands().expect("not taken yet");
    assert_eq!(commands.next(), None);
    let mut control = Steering::open(&path).expect("the lock is free");
    let request = |id| {
        let command = Some(ControlCommand::CancelAll(Scope::Symbol(id as u32)));
        Request { id, epoch: 2, at: Nanos(id), command }
    };
    for round in 0..10 {
        for id in 0..4 {
            control.send(&request(round * 4 + id)).expect("room for four");
        }
        let busy = control.send(&request(0)).expect_err("no room for five");
        assert_eq!(busy.waiting, 4);
        for id in round * 4..round * 4 + 4 {
            assert_eq!(commands.next(), Some(request(id)));
            let reply = Reply { id, cycles: id * 7, ..Reply::default() };
            assert!(commands.answer(&reply));
            if round % 2 == 0 {
                assert_eq!(control.next_reply(), Some(reply));
            }
        }
        assert_eq!(commands.next(), None);
        if round % 2 == 1 {
            assert!(!commands.answer(&Reply::default()), "no room for five");
            let replies = std::iter::from_fn(|| control.next_reply());
            assert!(replies.map(|reply| reply.id).eq(round * 4..round * 4 + 4));
        }
        assert_eq!(control.next_reply(), None);
    }
    let counts = Watcher::attach(&path).expect("attached").commands();
    assert_eq!((counts.sent, counts.taken, counts.given), (40, 40, 40));
    assert_eq!((counts.dropped, counts.skipped), (5, 0));
}

#[test]
fn a_sender_that_follows_another_goes_on_where_that_stopped() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut commands = engine.commands().expect("not taken yet");
    for id in 1..20 {
        let mut control = Steering::open(&path).expect("the lock is free");
        let command = Some(ControlCommand::Halt);
        control.send(&Request { id, epoch: 0, at: Nanos(0), command }).expect("room");
        let previous = (id > 1).then_some(id - 1);
        assert_eq!(control.next_reply().map(|reply| reply.id), previous, "the one before's");
        drop(control);
        assert_eq!(commands.next().map(|request| request.id), Some(id));
        assert!(commands.answer(&Reply { id, ..Reply::default() }));
    }
}

#[test]
fn events_come_in_order_and_what_was_overwritten_is_counted() {
    let (_folder, path) = place();
    let mut engine = engine(&path);
    let mut events = engine.events().expect("not taken yet");
    let watcher = Watcher::attach(&path).expect("attached");
    let mut early = watcher.events();
    assert_eq!(early.next(), None);
    let mut put = |n: u64| {
        for _ in 0..n {
            events.put(&Event::new(EventKind::Filled, 5).saying("whole"));
        }
    };
    put(3);
    for number in 1..=3 {
        let event = early.next().expect("there").expect("not lost");
        assert_eq!(
            (event.number, event.kind(), event.text()),
            (number, Some(EventKind::Filled), "whole".into())
        );
    }
    assert_eq!(early.next(), None);
    put(20); // of 23 the ring of eight has the last seven: the eighth's place is the next one's
    assert_eq!(early.next(), Some(Err(13)));
    let left = std::iter::from_fn(|| early.next()).map(|event| event.map(|event| event.number));
    assert!(left.eq((17..=23).map(Ok)));
    let mut late = watcher.events();
    assert_eq!(late.next().map(|event| event.map(|event| event.number)), Some(Ok(17)));
}

#[test]
fn the_next_engine_takes_over_what_the_one_before_ran_on_and_what_waits() {
    let (_folder, path) = place();
    let first = engine(&path);
    let mut control = Steering::open(&path).expect("the lock is free");
    for version in 1..=5 {
        control.publish_params(version, 1, Nanos(version), &[row(version as i64)]).expect("room");
    }
    let ack = AckView { applied: 4, refused: 5, ..AckView::default() };
    first.views().params_ack(Nanos(0), &ack);
    drop(first);
    Switch::open(&path).expect("open").raise_epoch(2).expect("raised");
    let mut second = engine(&path);
    assert!(!control.is_current());
    let moved = refused(control.publish_params(6, 2, Nanos(6), &[row(6)]));
    assert!(moved.contains("took the mailbox over"), "{moved}");
    drop(control);

    let mut params = second.params().expect("not taken yet");
    let words = |value| bytemuck::cast_slice(&[row(value)]).to_vec();
    // Below the fence by now, but it was not when it came into force.
    assert_eq!(taken(params.take()), Ok((4, 4, words(4))));
    assert_eq!(taken(params.take()), Err(Some((5, Why::Fenced))));
    assert_eq!(taken(params.take()), Err(None));
    let watcher = Watcher::attach(&path).expect("attached");
    let kept: Vec<_> = watcher.params_kept().iter().map(|head| head.version).collect();
    assert_eq!(kept, [4, 3, 2, 1]);
    let mut control = Steering::open(&path).expect("the lock is free");
    assert_eq!(control.publish_params(7, 2, Nanos(7), &[row(7)]).expect("room"), 6);
    assert_eq!(taken(params.take()), Ok((6, 7, words(7))));
}

#[test]
fn an_engine_with_another_schema_takes_numbers_over_but_no_pages() {
    let (_folder, path) = place();
    drop(engine(&path));
    let mut control = Steering::open(&path).expect("the lock is free");
    control.publish_params(1, 0, Nanos(0), &[row(1)]).expect("room");
    control.publish_model(1, 0, Nanos(0), MODEL, &[1]).expect("room");
    drop(control);
    let other = Spec { schema: common::schema()[..1].to_vec(), model_schema: 0, ..spec() };
    let mut engine = Engine::create(&path, &other).expect("takes over");
    for mut reader in [engine.params().expect("there"), engine.models().expect("there")] {
        assert!(!reader.is_new() && taken(reader.take()) == Err(None));
    }
    let mut control = Steering::open(&path).expect("the lock is free");
    assert_eq!(control.publish_params(2, 0, Nanos(0), &[row(1)]).expect("room"), 2);
}

#[test]
fn an_empty_specification_has_ends_that_do_nothing() {
    let (_folder, path) = place();
    let mut engine = Engine::create(&path, &Spec::default()).expect("made");
    engine.events().expect("there").put(&Event::default());
    let mut commands = engine.commands().expect("there");
    assert!(commands.next().is_none() && !commands.answer(&Reply::default()));
    let mut control = Steering::open(&path).expect("the lock is free");
    let request = Request { id: 1, epoch: 0, at: Nanos(0), command: None };
    assert!(control.send(&request).is_err() && control.next_reply().is_none());
    assert_eq!(control.publish_params(1, 0, Nanos(0), &[]).expect("an empty page"), 1);
    assert_eq!(taken(engine.params().expect("there").take()), Ok((1, 1, vec![])));
    assert_eq!(Watcher::attach(&path).expect("attached").events().next(), None);
}
