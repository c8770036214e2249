//! What is shown, as tables: one description for the terminal view and for plain text.

use nofx_types::Price;

use nofx_shot::words::{count, money, span};
use nofx_shot::{BookShot, LevelShot, Percentiles, Shot};

/// How a cell is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Nothing to say.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

/// Text and what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its meaning.
    pub mood: Mood,
}

/// A column: its head, its width, and whether it is flush right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub head: &'static str,
    /// Characters.
    pub width: u16,
    /// Numbers are.
    pub right: bool,
}

/// A panel that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// Tiles of the layout.
    Tiles,
    /// Feed lines.
    Feeds,
    /// Order sessions.
    Session,
    /// Latencies.
    Latency,
    /// The touch of every book.
    Books,
    /// Levels of the selected book.
    Levels,
    /// Working orders.
    Orders,
    /// Positions and profit.
    Positions,
    /// Refused intents.
    Rejects,
    /// Links between tiles.
    Links,
}

impl Panel {
    /// All, in their order.
    pub const ALL: [Panel; 10] = [
        Panel::Tiles,
        Panel::Feeds,
        Panel::Session,
        Panel::Latency,
        Panel::Books,
        Panel::Levels,
        Panel::Orders,
        Panel::Positions,
        Panel::Rejects,
        Panel::Links,
    ];

    /// Rows that it shows while another panel is chosen.
    pub const fn usual_rows(self) -> usize {
        match self {
            Panel::Session => 1,
            Panel::Links => 3,
            Panel::Tiles | Panel::Feeds => 4,
            Panel::Latency | Panel::Levels => 10,
            Panel::Books | Panel::Orders | Panel::Positions | Panel::Rejects => 8,
        }
    }
}

/// A table with its title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Which panel it fills.
    pub panel: Panel,
    /// The title, with what concerns all rows.
    pub title: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, as many cells as columns.
    pub rows: Vec<Vec<Cell>>,
    /// What stands there when there are no rows.
    pub empty: &'static str,
}

/// Older than this, what is shown is no longer what is.
const OLD_NS: u64 = 1_000_000_000;

/// The table of a panel; `selected` is the row of the book whose levels are shown.
pub fn section(panel: Panel, shot: &Shot, selected: usize) -> Section {
    let (title, columns, rows, empty) = match panel {
        Panel::Tiles => tiles(shot),
        Panel::Links => links(shot),
        Panel::Feeds => feeds(shot),
        Panel::Session => sessions(shot),
        Panel::Latency => latency(shot),
        Panel::Books => books(shot),
        Panel::Levels => levels(shot.books.get(selected)),
        Panel::Orders => orders(shot),
        Panel::Positions => positions(shot),
        Panel::Rejects => rejects(shot),
    };
    Section { panel, title, columns, rows, empty }
}

type Table = (String, Vec<Column>, Vec<Vec<Cell>>, &'static str);

const fn left(head: &'static str, width: u16) -> Column {
    Column { head, width, right: false }
}

const fn right(head: &'static str, width: u16) -> Column {
    Column { head, width, right: true }
}

fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), mood: Mood::Plain }
}

fn mood(text: impl Into<String>, mood: Mood) -> Cell {
    Cell { text: text.into(), mood }
}

/// A number that should be zero.
fn zero(n: u64, otherwise: Mood) -> Cell {
    mood(count(n), if n == 0 { Mood::Plain } else { otherwise })
}

fn or_dash(text: Option<String>) -> Cell {
    cell(text.unwrap_or_else(|| "-".into()))
}

/// The age of something that should be young.
fn age(ns: Option<u64>) -> Cell {
    match ns {
        Some(ns) if ns > OLD_NS => mood(span(ns), Mood::Bad),
        ns => or_dash(ns.map(span)),
    }
}

fn tiles(shot: &Shot) -> Table {
    let columns = vec![
        left("tile", 8),
        right("core", 4),
        left("idle", 5),
        right("beat", 6),
        right("turns/s", 7),
        right("busy", 5),
        right("p50", 6),
        right("p99", 6),
        right("p99.9", 6),
        right("max", 6),
        right("stalls", 6),
    ];
    let rows = shot.tiles.iter().map(|tile| {
        let shown = tile.age_ns.is_some();
        let turn = |of: fn(&Percentiles) -> u64| or_dash(tile.turn_ns.as_ref().map(of).map(span));
        vec![
            cell(&*tile.name),
            or_dash(tile.core.map(|core| core.to_string())),
            or_dash(tile.idle.clone()),
            age(tile.heartbeat_age_ns),
            or_dash(tile.turns_per_s.map(|n| count(n as u64))),
            or_dash(tile.busy_share.map(percent)),
            turn(|turn| turn.p50),
            turn(|turn| turn.p99),
            turn(|turn| turn.p999),
            or_dash(shown.then(|| span(tile.turn_ns_max))),
            if shown { zero(tile.stalls, Mood::Warn) } else { cell("-") },
        ]
    });
    ("tiles".into(), columns, rows.collect(), "none")
}

fn links(shot: &Shot) -> Table {
    let columns = vec![
        left("link", 18),
        right("depth", 7),
        right("used", 7),
        right("high water", 10),
        right("carried", 8),
        right("overruns", 8),
        right("stalls", 7),
    ];
    let rows = shot.links.iter().map(|link| {
        if link.age_ns.is_none() {
            return vec![cell(&*link.name), cell("-")];
        }
        let near = link.high_water.saturating_mul(4) >= link.depth.saturating_mul(3);
        vec![
            cell(&*link.name),
            cell(count(link.depth)),
            cell(count(link.used)),
            mood(count(link.high_water), if near { Mood::Warn } else { Mood::Plain }),
            cell(count(link.carried)),
            zero(link.overruns, Mood::Bad),
            zero(link.stalls, Mood::Warn),
        ]
    });
    ("links".into(), columns, rows.collect(), "one tile trades alone")
}

fn feeds(shot: &Shot) -> Table {
    let columns = vec![
        left("line", 7),
        left("channel", 9),
        right("pkt/s", 6),
        right("packets", 7),
        right("first", 5),
        right("missed", 6),
        right("lost", 5),
        right("recov", 5),
        right("parked", 6),
        right("skew", 7),
        right("silent", 6),
    ];
    let rows = shot.feeds.iter().map(|feed| {
        let state = match &*feed.state {
            "live" => Mood::Good,
            "stale" | "unknown" => Mood::Bad,
            _ => Mood::Warn,
        };
        let first = feed.first as f64 / feed.messages.max(1) as f64;
        let silent = if feed.alive { Mood::Plain } else { Mood::Bad };
        vec![
            cell(&*feed.name),
            mood(&*feed.state, state),
            or_dash(feed.packets_per_s.map(|n| count(n as u64))),
            cell(count(feed.packets)),
            cell(percent(first)),
            zero(feed.gaps, Mood::Warn),
            zero(feed.lost, Mood::Bad),
            cell(count(feed.recovered)),
            zero(feed.parked, Mood::Warn),
            cell(signed_span(feed.skew_ns)),
            mood(feed.silence_ns.map_or("-".into(), span), silent),
        ]
    });
    ("feeds".into(), columns, rows.collect(), "no line has spoken")
}

fn sessions(shot: &Shot) -> Table {
    let columns = vec![
        left("session", 7),
        left("state", 11),
        right("next", 6),
        right("open", 4),
        right("sent", 6),
        right("acc", 6),
        right("rej", 5),
        right("gate", 6),
        right("fills", 6),
        right("cancel", 6),
        right("held", 5),
    ];
    let rows = shot.sessions.iter().map(|session| {
        let state = match (&*session.state, session.blocked) {
            ("up", false) => Mood::Good,
            ("up" | "down" | "logging in" | "reconciling", _) => Mood::Warn,
            _ => Mood::Bad,
        };
        vec![
            cell(&*session.name),
            mood(session.state.trim_start_matches("trading "), state),
            cell(count(session.next_in)),
            cell(count(session.open)),
            cell(count(session.sent)),
            cell(count(session.accepted)),
            zero(session.rejected, Mood::Warn),
            cell(count(session.refused)),
            cell(count(session.fills)),
            cell(count(session.canceled)),
            zero(session.throttled, Mood::Warn),
        ]
    });
    ("order session".into(), columns, rows.collect(), "none")
}

fn latency(shot: &Shot) -> Table {
    let columns = vec![
        left("since start", 12),
        right("count", 6),
        right("p50", 6),
        right("p99", 6),
        right("p99.9", 6),
        right("max", 6),
        right("now p50", 7),
        right("p99", 6),
        right("max", 6),
        right("jitter", 6),
    ];
    let rows = shot.latency_ns.iter().map(|stage| {
        let some = stage.all.count > 0;
        let all = |ns: u64| or_dash(some.then(|| span(ns)));
        let recent = |of: fn(&Percentiles) -> u64| or_dash(stage.recent.as_ref().map(of).map(span));
        vec![
            cell(&*stage.name),
            cell(count(stage.all.count)),
            all(stage.all.p50),
            all(stage.all.p99),
            all(stage.all.p999),
            all(stage.all.max),
            recent(|recent| recent.p50),
            recent(|recent| recent.p99),
            recent(|recent| recent.max),
            or_dash(stage.jitter_ns.map(span)),
        ]
    });
    ("latency".into(), columns, rows.collect(), "none")
}

fn books(shot: &Shot) -> Table {
    let columns = vec![
        left("book", 10),
        right("qty", 7),
        right("bid", 10),
        right("ask", 10),
        right("qty", 7),
        left("state", 13),
        left("phase", 11),
    ];
    let rows = shot.books.iter().map(|book| {
        let (bid, ask) = (book.bids.first(), book.asks.first());
        let qty = |level: Option<&LevelShot>| or_dash(level.map(|level| count(level.qty)));
        let price = |level: Option<&LevelShot>| or_dash(level.map(|l| price(book, l)));
        vec![
            cell(&*book.instrument),
            qty(bid),
            price(bid),
            price(ask),
            qty(ask),
            mood(&*book.state, book_mood(book)),
            cell(&*book.phase),
        ]
    });
    let stale = shot.books.iter().filter(|book| book.state != "live").count();
    let stale = if stale == 0 { String::new() } else { format!(", {stale} stale") };
    let oldest = shot.books.iter().map(|book| book.age_ns).max();
    let shown = oldest.map_or(String::new(), |ns| format!(", shown {} ago", span(ns)));
    (format!("books{stale}{shown}"), columns, rows.collect(), "none")
}

fn book_mood(book: &BookShot) -> Mood {
    if book.state == "live" { Mood::Good } else { Mood::Bad }
}

fn price(book: &BookShot, level: &LevelShot) -> String {
    Price(level.price).decimal(book.decimals).to_string()
}

fn levels(book: Option<&BookShot>) -> Table {
    let columns = vec![
        right("orders", 7),
        right("qty", 8),
        right("bid", 12),
        right("ask", 12),
        right("qty", 8),
        right("orders", 7),
    ];
    let Some(book) = book else {
        return ("levels".into(), columns, Vec::new(), "no book");
    };
    let rows = (0..book.bids.len().max(book.asks.len())).map(|at| {
        let side = |levels: &[LevelShot]| match levels.get(at) {
            Some(l) => [cell(count(l.orders)), cell(count(l.qty)), cell(price(book, l))],
            None => [cell(""), cell(""), cell("")],
        };
        let [ask_orders, ask_qty, ask] = side(&book.asks);
        side(&book.bids).into_iter().chain([ask, ask_qty, ask_orders]).collect::<Vec<_>>()
    });
    let title = format!(
        "{} {} {}, shown {} ago",
        book.instrument,
        book.state,
        book.phase,
        span(book.age_ns)
    );
    (title, columns, rows.collect(), "empty")
}

fn orders(shot: &Shot) -> Table {
    let columns = vec![
        right("id", 8),
        left("book", 10),
        left("side", 4),
        right("price", 10),
        right("open", 7),
        left("state", 9),
        right("account", 7),
        right("venue id", 14),
    ];
    let rows = shot.orders.rows.iter().map(|order| {
        vec![
            cell(order.cl_ord_id.to_string()),
            cell(&*order.instrument),
            cell(&*order.side),
            cell(Price(order.price).decimal(order.decimals).to_string()),
            cell(count(order.leaves)),
            mood(&*order.state, if order.state == "live" { Mood::Good } else { Mood::Warn }),
            cell(order.account.to_string()),
            or_dash((order.order_ref != 0).then(|| order.order_ref.to_string())),
        ]
    });
    (format!("working orders {}", shot.orders.total), columns, rows.collect(), "none")
}

fn positions(shot: &Shot) -> Table {
    let columns = vec![
        left("position", 10),
        right("account", 7),
        right("shares", 10),
        right("realised", 13),
        right("open", 13),
        right("total", 13),
        right("fills", 7),
    ];
    let rows = shot.positions.rows.iter().map(|row| {
        vec![
            cell(&*row.instrument),
            cell(row.account.to_string()),
            cell(row.position.to_string()),
            profit(row.realised_e4),
            profit(row.open_e4),
            profit(row.realised_e4.saturating_add(row.open_e4)),
            cell(count(row.fills)),
        ]
    });
    let all = &shot.positions;
    let title = format!(
        "profit {}: realised {}, open {}",
        money(all.realised_e4.saturating_add(all.open_e4)),
        money(all.realised_e4),
        money(all.open_e4)
    );
    (title, columns, rows.collect(), "no position")
}

fn profit(e4: i64) -> Cell {
    mood(money(e4), if e4 < 0 { Mood::Bad } else { Mood::Plain })
}

fn rejects(shot: &Shot) -> Table {
    let columns = vec![left("refused by rule", 20), right("intents", 9)];
    let mut counted: Vec<_> = shot.rejects.iter().filter(|(_, n)| **n > 0).collect();
    counted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let rows = counted.into_iter().map(|(rule, n)| vec![cell(rule), cell(count(*n))]);
    ("rejects".into(), columns, rows.collect(), "nothing was refused")
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

fn signed_span(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    format!("{sign}{}", span(ns.unsigned_abs()))
}
