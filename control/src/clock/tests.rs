use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn settings() -> Settings {
    Settings { source: Source::Chrony, bound_ns: 1_000, poll_ms: 1_000, ..Settings::default() }
}

fn reading(error_ns: u64) -> Reading {
    Reading { dispersion_ns: error_ns, ..Reading::default() }.summed()
}

fn seen() -> Seen {
    let watch = ClockWatch::new(settings());
    Arc::into_inner(watch.shared).expect("one").seen.into_inner().expect("not poisoned")
}

#[test]
fn good_only_while_known_and_within() {
    let (settings, mut seen) = (settings(), seen());
    let start = seen.since;
    let at = |seen: &Seen, ms: u32| seen.state(&settings, start + MS * ms);
    assert_eq!((at(&seen, 0).state, at(&seen, 0).alarm), (Standing::Starting, false));
    assert_eq!((at(&seen, 5_001).state, at(&seen, 5_001).alarm), (Standing::Unknown, true));
    seen.take(Ok(reading(1_000)), start);
    assert_eq!((at(&seen, 1).state, at(&seen, 1).error_ns), (Standing::Good, Some(1_000)));
    seen.take(Ok(reading(1_001)), start);
    assert_eq!((at(&seen, 1).state, at(&seen, 1).alarm), (Standing::Over, true));
    assert_eq!(at(&seen, 5_001).error_ns, None, "stale is unknown");
    assert_eq!(at(&seen, 5_001).state, Standing::Unknown);
}

#[test]
fn one_look_without_answer_is_bridged_and_one_that_says_no_is_not() {
    let (settings, mut seen) = (settings(), seen());
    let start = seen.since;
    seen.take(Ok(reading(10)), start);
    seen.take(Err(Trouble::Unreadable("gone".into())), start + MS);
    assert_eq!(seen.state(&settings, start + MS * 4_000).state, Standing::Good);
    let late = seen.state(&settings, start + MS * 5_001);
    assert_eq!((late.state, late.detail.as_str()), (Standing::Unknown, "gone"));
    seen.take(Err(Trouble::Refused("follows nobody".into())), start + MS);
    let refused = seen.state(&settings, start + MS);
    assert_eq!((refused.state, refused.detail.as_str()), (Standing::Unknown, "follows nobody"));
    assert_eq!((refused.looks, refused.failures), (3, 2));
}

#[test]
fn a_source_that_repeats_itself_is_stale() {
    let (settings, mut seen) = (settings(), seen());
    let start = seen.since;
    for ms in 0..6 {
        let reading = Reading { mark: 7, ..reading(10) };
        seen.take(Ok(reading), start + MS * (ms * 1_000));
    }
    assert_eq!(seen.state(&settings, start + MS * 5_000).state, Standing::Good);
    assert_eq!(seen.state(&settings, start + MS * 5_001).state, Standing::Unknown);
    seen.take(Ok(Reading { mark: 8, ..reading(10) }), start + MS * 5_002);
    assert_eq!(seen.state(&settings, start + MS * 5_003).state, Standing::Good);
}

#[test]
fn alarms_are_counted_when_they_are_raised() {
    let (settings, mut seen) = (settings(), seen());
    let start = seen.since;
    for (error, alarms) in [(1, 0), (2_000, 1), (2_000, 1), (1, 1), (2_000, 2)] {
        seen.take(Ok(reading(error)), start);
        assert_eq!(seen.judge(&settings, start).alarms, alarms);
    }
}

#[test]
fn nobody_asked_is_neither_good_nor_alarm() {
    let clock = ClockWatch::new(Settings::default());
    let state = clock.now();
    assert_eq!((state.state, state.alarm, state.error_ns), (Standing::Off, false, None));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let cases = [
        ("poll_ms = 1", "poll_ms"),
        ("bound_ns = 0", "bound_ns"),
        ("stop_trading = true", "stop_trading"),
        ("source = \"ptp\"\naddress = \"-x\"", "address"),
    ];
    for (text, key) in cases {
        let settings: Settings = toml::from_str(text).expect("the keys exist");
        assert!(settings.check().is_err_and(|e| e.contains(key)), "{text}");
    }
    assert!(toml::from_str::<Settings>("sauce = 1").is_err());
    assert_eq!(settings().check(), Ok(()));
}

/// A watch whose program is a shell script.
fn scripted(dir: &tempfile::TempDir, script: &str) -> ClockWatch {
    let path = dir.path().join("chronyc");
    let mut file = fs::File::create(&path).expect("a file");
    write!(file, "#!/bin/sh\n{script}\n").expect("written");
    file.set_permissions(fs::Permissions::from_mode(0o755)).expect("set");
    drop(file);
    ClockWatch::new(Settings { command: Some(path), ..settings() })
}

#[tokio::test]
async fn programs_that_fail_flood_or_hang_leave_the_bound_unknown() {
    let dir = tempfile::tempdir().expect("a directory");
    let cases = [
        ("echo '506 Cannot talk to daemon'; exit 1", "506 Cannot talk"),
        ("exec cat /dev/zero", "not text"),
        ("printf '\\377\\376'", "not text"),
        ("exec sleep 100", "no answer"),
    ];
    for (script, why) in cases {
        let clock = scripted(&dir, script);
        // A zero byte is text; what floods is cut off at a bound and must be refused all the same.
        clock.look().await;
        let state = clock.now();
        assert_eq!((state.error_ns, state.failures), (None, 1), "{script}");
        let said = clock.with_seen(|seen| format!("{}{:?}", seen.trouble, seen.refused));
        let flood =
            script.contains("zero") && (said.contains("cut off") || said.contains("signal"));
        assert!(said.contains(why) || flood, "{script}: {said}");
    }
    let absent = Settings { command: Some("/nowhere/chronyc".into()), ..settings() };
    let clock = ClockWatch::new(absent);
    clock.look().await;
    assert!(clock.with_seen(|seen| seen.trouble.contains("installed")));
}

#[tokio::test]
async fn the_alarm_stops_trading_once_for_each_time_it_is_raised() {
    let clock = ClockWatch::new(Settings { stop_trading: true, ..settings() });
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    // The first call fails: it must be made again.
    let stop = move |reason: String, first: bool| {
        assert!(reason.starts_with("clock: "));
        let before = counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!(first, before != 1, "the second call is the same alarm's");
        let done = before > 0;
        async move { done }
    };
    let task = tokio::spawn(guard(clock.clone(), stop));
    let show = async |error: u64, want: usize| {
        let state = clock.with_seen(|seen| {
            seen.take(Ok(reading(error)), Instant::now());
            seen.judge(&clock.shared.settings, Instant::now())
        });
        clock.shared.latest.send_replace(Arc::new(state));
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(calls.load(Ordering::SeqCst), want, "after {error}");
    };
    show(10, 0).await;
    show(2_000, 1).await;
    show(2_000, 2).await;
    show(2_000, 2).await;
    show(10, 2).await;
    show(2_000, 3).await;
    task.abort();
}
