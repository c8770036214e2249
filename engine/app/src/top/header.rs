//! The lines above the panels: who runs, what is wrong, and what control asked for.

use super::section::{Cell, Mood};
use nofx_shot::Shot;
use nofx_shot::words::{clock, count, span};

/// The lines, as cells with two spaces between.
pub fn lines(shot: &Shot) -> [Vec<Cell>; 3] {
    [who(shot), what(shot), control(shot)]
}

fn who(shot: &Shot) -> Vec<Cell> {
    let engine = &shot.engine;
    let beat = engine.heartbeat_age_ns.map_or("never".into(), span);
    vec![
        plain(engine.name.clone()),
        Cell { text: state_word(shot), mood: state(shot) },
        plain(format!("pid {}", engine.pid)),
        plain(format!("session {}", clock(engine.started_ns))),
        plain(format!("up {}", span(engine.uptime_ns))),
        Cell {
            text: format!("beat {beat}"),
            mood: if engine.alive { Mood::Plain } else { Mood::Bad },
        },
        plain(format!("epoch {}", engine.epoch)),
    ]
}

/// What it says it does, while there is one to say it.
fn state_word(shot: &Shot) -> String {
    match &shot.engine {
        engine if engine.alive || engine.state == "ended" => engine.state.to_uppercase(),
        engine if engine.running => "SILENT".into(),
        _ => "GONE".into(),
    }
}

fn state(shot: &Shot) -> Mood {
    match &*shot.engine.state {
        _ if !shot.engine.alive => Mood::Bad,
        "trading" => Mood::Good,
        "stopped" => Mood::Bad,
        _ => Mood::Warn,
    }
}

fn what(shot: &Shot) -> Vec<Cell> {
    let engine = &shot.engine;
    let bad = |text: String| Cell { text, mood: Mood::Bad };
    match (engine.running, engine.alive) {
        (false, _) if engine.state == "ended" => {
            return vec![Cell {
                text: format!("it ended in order; the next is awaited at {}", shot.mailbox),
                mood: Mood::Warn,
            }];
        }
        (false, _) => {
            return vec![bad(format!(
                "THE ENGINE IS GONE; the next is awaited at {}",
                shot.mailbox
            ))];
        }
        (true, false) => {
            return vec![bad("THE ENGINE DOES NOT BEAT: it hangs, or was halted".into())];
        }
        (true, true) => {}
    }
    let kill = match shot.kill.len() {
        0 => plain("kill none".into()),
        1..=3 => bad(format!("KILLED {}", shot.kill.join(", "))),
        more => bad(format!("KILLED {} and {} more", shot.kill[..2].join(", "), more - 2)),
    };
    let journal = &shot.journal;
    let fill = journal.waiting_bytes.saturating_mul(100) / journal.capacity_bytes.max(1);
    let mut cells = vec![
        kill,
        Cell {
            text: format!("journal {} records, ring {fill}% full", count(journal.last)),
            mood: if fill >= 50 { Mood::Bad } else { Mood::Plain },
        },
    ];
    if shot.halted {
        cells.insert(1, bad("HALTED".into()));
    }
    let lost = journal.refused.max(counter(shot, "journal.lost"));
    let wrongs = [
        (lost, "records lost"),
        (counter(shot, "allocations"), "allocations"),
        (counter(shot, "orders.unsent"), "orders unsent"),
        (counter(shot, "clock.drift_ms"), "ms clock drift"),
    ];
    let wrongs = wrongs.into_iter().filter(|(n, _)| *n > 0);
    cells.extend(wrongs.map(|(n, what)| bad(format!("{} {what}", count(n)))));
    cells
}

/// What control sent, how much of it was refused, and which versions are in force.
fn control(shot: &Shot) -> Vec<Cell> {
    let refused = counter(shot, "control.refused");
    let mut cells = vec![
        plain(format!("control {} pages", count(counter(shot, "control.pages")))),
        plain(format!("{} requests", count(counter(shot, "control.requests")))),
        Cell {
            text: format!("{} refused", count(refused)),
            mood: if refused == 0 { Mood::Plain } else { Mood::Warn },
        },
    ];
    for (what, pages) in [("params", &shot.params), ("model", &shot.model)] {
        if pages.applied > 0 {
            cells.push(plain(format!("{what} v{}", pages.applied_version)));
        }
        if pages.refused > pages.applied {
            let text = format!("{what} v{} refused: {}", pages.refused_version, pages.why);
            cells.push(Cell { text, mood: Mood::Warn });
        }
    }
    cells
}

fn counter(shot: &Shot, name: &str) -> u64 {
    shot.counters.get(name).copied().unwrap_or(0)
}

fn plain(text: String) -> Cell {
    Cell { text, mood: Mood::Plain }
}
