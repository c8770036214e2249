//! What an engine shows, as families. An engine that is not live has only `nofx_engine_up`, its
//! standing and its age: old numbers would look like new ones.

use std::sync::Arc;

use nofx_mailbox::Counts;
use nofx_shot::PagesShot;
use nofx_shot::Shot;

use super::spread::Spread;
use super::text::{Kind, Text, seconds};

/// One engine at one moment.
pub(super) struct Seen {
    pub name: String,
    pub standing: String,
    pub live: bool,
    pub age_ns: u64,
    pub attached: u64,
    /// None unless live.
    pub shot: Option<Arc<Shot>>,
    pub histograms: Vec<(String, Counts)>,
}

type Of<'a, T> = &'a dyn Fn(&T) -> u64;

/// All families of all engines.
pub(super) fn write(text: &mut Text, engines: &[Seen]) {
    let mut up =
        text.family("nofx_engine_up", Kind::Gauge, "1: runs, and a tile beat within a second.");
    engines.iter().for_each(|e| up.put(&[("engine", &e.name)], u8::from(e.live)));
    let help = "How the engine stands, as a label.";
    let mut standing = text.family("nofx_engine_standing", Kind::Gauge, help);
    engines.iter().for_each(|e| standing.put(&[("engine", &e.name), ("standing", &e.standing)], 1));
    let help = "Since control looked at the mailbox.";
    let mut age = text.family("nofx_link_age_seconds", Kind::Gauge, help);
    engines.iter().for_each(|e| age.put(&[("engine", &e.name)], seconds(e.age_ns)));
    let help = "Mailboxes attached so far: one more whenever the engine starts.";
    let mut attached = text.family("nofx_link_attached_total", Kind::Counter, help);
    engines.iter().for_each(|e| attached.put(&[("engine", &e.name)], e.attached));
    let live: Vec<(&Seen, &Shot)> =
        engines.iter().filter_map(|e| Some((e, e.shot.as_deref()?))).collect();
    scalars(text, &live);
    pages(text, &live);
    latencies(text, engines);
    rows(text, &live);
    accounts(text, &live);
}

fn scalars(text: &mut Text, live: &[(&Seen, &Shot)]) {
    let mut gauge = |name, help: &str, of: &dyn Fn(&Shot) -> f64| {
        let mut family = text.family(name, Kind::Gauge, help);
        live.iter().for_each(|(e, shot)| family.put(&[("engine", &e.name)], of(shot)));
    };
    gauge("nofx_engine_uptime_seconds", "Since the engine started.", &|s| {
        seconds(s.engine.uptime_ns)
    });
    gauge("nofx_engine_trading", "1: new orders may go out.", &|s| {
        f64::from(u8::from(s.engine.state == "trading" && s.kill.is_empty() && !s.halted))
    });
    gauge("nofx_engine_halted", "1: held by a command.", &|s| f64::from(u8::from(s.halted)));
    gauge("nofx_engine_epoch", "Fencing epoch.", &|s| f64::from(s.engine.epoch));
    gauge("nofx_engine_heartbeat_age_seconds", "Since the latest beat of any tile.", &|s| {
        s.engine.heartbeat_age_ns.map_or(f64::INFINITY, seconds).min(1e9)
    });
    gauge("nofx_kill_engaged", "Kill words engaged.", &|s| s.kill.len() as f64);
    gauge("nofx_orders_open", "Working orders.", &|s| s.orders.total as f64);
    gauge(
        "nofx_journal_waiting_bytes",
        "Bytes of the journal ring that wait for the disk.",
        &|s| s.journal.waiting_bytes as f64,
    );
    gauge("nofx_journal_capacity_bytes", "Bytes the journal ring holds.", &|s| {
        s.journal.capacity_bytes as f64
    });
    let help = "A kill word that is engaged.";
    let mut words = text.family("nofx_kill_word", Kind::Gauge, help);
    for (e, shot) in live {
        shot.kill.iter().for_each(|scope| words.put(&[("engine", &e.name), ("scope", scope)], 1));
    }
    let mut state = text.family("nofx_engine_state", Kind::Gauge, "What the engine says it does.");
    live.iter().for_each(|(e, s)| state.put(&[("engine", &e.name), ("state", &s.engine.state)], 1));
    let mut refused =
        text.family("nofx_journal_refused_total", Kind::Counter, "Records not taken.");
    live.iter().for_each(|(e, s)| refused.put(&[("engine", &e.name)], s.journal.refused));
    let mut rejects = text.family("nofx_rejects_total", Kind::Counter, "Refused intents by rule.");
    for (e, shot) in live {
        let rules = shot.rejects.iter();
        rules.for_each(|(rule, n)| rejects.put(&[("engine", &e.name), ("rule", rule)], n));
    }
    let help = "Every counter of the engine by its name in the mailbox; some are levels.";
    let mut all = text.family("nofx_engine_value", Kind::Untyped, help);
    for (e, shot) in live {
        let others = shot.counters.iter().filter(|(name, _)| !name.starts_with("reject."));
        others.for_each(|(name, n)| all.put(&[("engine", &e.name), ("name", name)], n));
    }
}

fn pages(text: &mut Text, live: &[(&Seen, &Shot)]) {
    let mut gauge = |name, help, of: Of<'_, PagesShot>| {
        let mut family = text.family(name, Kind::Gauge, help);
        for (e, shot) in live {
            family.put(&[("engine", &e.name), ("page", "params")], of(&shot.params));
            family.put(&[("engine", &e.name), ("page", "model")], of(&shot.model));
        }
    };
    gauge("nofx_page_version", "Version in force; 0: the configuration file.", &|p| {
        p.applied_version
    });
    gauge("nofx_page_publication", "Publication in force.", &|p| p.applied);
    gauge("nofx_page_seen", "Last publication looked at.", &|p| p.seen);
    gauge("nofx_page_refused", "Last publication refused; 0: none.", &|p| p.refused);
}

fn latencies(text: &mut Text, engines: &[Seen]) {
    let help = "Latency by stage, as the engine stamps it.";
    let mut family = text.family("nofx_latency_seconds", Kind::Histogram, help);
    for engine in engines.iter().filter(|e| e.shot.is_some()) {
        for (name, counts) in &engine.histograms {
            let stage = name.strip_prefix("latency.").unwrap_or(name);
            let labels = [("engine", engine.name.as_str()), ("stage", stage)];
            family.histogram(&labels, &Spread::of(counts));
        }
    }
}

fn rows(text: &mut Text, live: &[(&Seen, &Shot)]) {
    macro_rules! rows {
        ($rows:ident, $label:literal: $($kind:ident $name:literal, $help:literal, $of:expr;)*) => {$(
            let mut family = text.family($name, Kind::$kind, $help);
            for (e, shot) in live {
                for row in &shot.$rows {
                    let value: Option<f64> = $of(row);
                    let labels = [("engine", e.name.as_str()), ($label, row.name.as_str())];
                    value.into_iter().for_each(|value| family.put(&labels, value));
                }
            }
        )*};
    }
    use nofx_shot::{FeedShot as Feed, LinkShot as Link, SessionShot as Session, TileShot as Tile};
    let n = |n: u64| Some(n as f64);
    let flag = |yes: bool| Some(f64::from(u8::from(yes)));
    rows! { tiles, "tile":
        Counter "nofx_tile_turns_total", "Turns of the loop.", |t: &Tile| n(t.turns);
        Counter "nofx_tile_stalls_total", "Turns longer than the stall limit.", |t: &Tile| n(t.stalls);
        Counter "nofx_tile_commands_total", "Commands taken.", |t: &Tile| n(t.commands);
        Gauge "nofx_tile_allocations", "Allocations after the seal; 0 always.", |t: &Tile| n(t.allocations);
        Gauge "nofx_tile_busy_ratio", "Share of turns that found work.", |t: &Tile| t.busy_share;
        Gauge "nofx_tile_turn_max_seconds", "The longest turn.", |t: &Tile| Some(seconds(t.turn_ns_max));
        Gauge "nofx_tile_burst_max", "Largest burst taken.", |t: &Tile| n(t.burst_max);
        Gauge "nofx_tile_heartbeat_age_seconds", "Since its last beat.", |t: &Tile| t.heartbeat_age_ns.map(seconds);
    }
    rows! { links, "link":
        Counter "nofx_tile_link_carried_total", "Carried by a link between tiles.", |l: &Link| n(l.carried);
        Counter "nofx_tile_link_overruns_total", "Lost to overrun.", |l: &Link| n(l.overruns);
        Counter "nofx_tile_link_stalls_total", "Times the producer waited.", |l: &Link| n(l.stalls);
        Gauge "nofx_tile_link_used", "Slots in use.", |l: &Link| n(l.used);
        Gauge "nofx_tile_link_depth", "Slots.", |l: &Link| n(l.depth);
    }
    rows! { feeds, "line":
        Counter "nofx_feed_packets_total", "Datagrams.", |f: &Feed| n(f.packets);
        Counter "nofx_feed_messages_total", "Messages.", |f: &Feed| n(f.messages);
        Counter "nofx_feed_first_total", "Messages this line brought first.", |f: &Feed| n(f.first);
        Counter "nofx_feed_duplicates_total", "Messages the other line had brought.", |f: &Feed| n(f.duplicates);
        Counter "nofx_feed_gaps_total", "Messages missing on this line.", |f: &Feed| n(f.gaps);
        Counter "nofx_feed_lost_total", "Messages no line brought (of the channel).", |f: &Feed| n(f.lost);
        Counter "nofx_feed_recovered_total", "Messages a server brought (of the channel).", |f: &Feed| n(f.recovered);
        Counter "nofx_feed_malformed_total", "Malformed datagrams.", |f: &Feed| n(f.malformed);
        Gauge "nofx_feed_alive", "1: the line speaks.", |f: &Feed| flag(f.alive);
        Gauge "nofx_feed_parked", "Messages parked behind a hole.", |f: &Feed| n(f.parked);
        Gauge "nofx_feed_silence_seconds", "Since its last datagram.", |f: &Feed| f.silence_ns.map(seconds);
        Gauge "nofx_feed_skew_seconds", "How far behind the other line; negative: ahead.", |f: &Feed| Some(f.skew_ns as f64 / 1e9);
    }
    rows! { sessions, "session":
        Counter "nofx_session_sent_total", "Messages sent.", |s: &Session| n(s.sent);
        Counter "nofx_session_accepted_total", "Orders accepted.", |s: &Session| n(s.accepted);
        Counter "nofx_session_rejected_total", "Orders refused by the venue.", |s: &Session| n(s.rejected);
        Counter "nofx_session_refused_total", "Orders refused by the gate.", |s: &Session| n(s.refused);
        Counter "nofx_session_canceled_total", "Cancels confirmed.", |s: &Session| n(s.canceled);
        Counter "nofx_session_fills_total", "Fills.", |s: &Session| n(s.fills);
        Counter "nofx_session_throttled_total", "Messages the throttle held back.", |s: &Session| n(s.throttled);
        Gauge "nofx_session_open", "Orders open.", |s: &Session| n(s.open);
        Gauge "nofx_session_blocked", "1: lets no new orders out.", |s: &Session| flag(s.blocked);
    }
}

fn accounts(text: &mut Text, live: &[(&Seen, &Shot)]) {
    let mut position = text.family("nofx_position_shares", Kind::Gauge, "Signed shares held.");
    for (e, shot) in live {
        for row in &shot.positions.rows {
            let account = row.account.to_string();
            let labels = [
                ("engine", e.name.as_str()),
                ("account", &account),
                ("instrument", &row.instrument),
            ];
            position.put(&labels, row.position);
        }
    }
    let mut profit = |name, help, of: &dyn Fn(&Shot) -> i64| {
        let mut family = text.family(name, Kind::Gauge, help);
        live.iter().for_each(|(e, s)| family.put(&[("engine", &e.name)], of(s) as f64 / 1e4));
    };
    profit("nofx_profit_realised", "Realised profit, in the currency.", &|s| {
        s.positions.realised_e4
    });
    profit("nofx_profit_open", "Profit of open positions at the mid.", &|s| s.positions.open_e4);
    let mut stale = text.family("nofx_books_stale", Kind::Gauge, "Books that are not live.");
    for (e, shot) in live {
        let count = shot.books.iter().filter(|book| book.state != "live").count();
        stale.put(&[("engine", &e.name)], count);
    }
}
