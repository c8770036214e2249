//! [`Shot`]: everything a mailbox shows at one moment, as one record. `docs/json.md` fixes its keys.

use std::collections::BTreeMap;
use std::time::Duration;

use nofx_mailbox::view::{
    BookView, FeedView, LevelView, LinkView, OrderView, PositionView, SessionView, TileView,
};
use nofx_mailbox::{AckView, Counts, PageHead, Stamped, Watcher, Why};
use nofx_types::{Nanos, Symbol};
use serde::{Deserialize, Serialize};

use crate::words;

/// What the next shot compares itself with, to tell rates and recent latencies.
#[derive(Clone)]
pub struct Look {
    at: Nanos,
    turns: Vec<Option<Stamped<TileView>>>,
    packets: Vec<Option<Stamped<FeedView>>>,
    latencies: Vec<(String, Counts)>,
}

impl Look {
    /// Reads what later looks are compared with.
    pub fn take(watcher: &Watcher, now: Nanos) -> Look {
        Look {
            at: now,
            turns: watcher.tiles().map(|(_, page)| page).collect(),
            packets: watcher.feeds().collect(),
            latencies: watcher.histograms().map(|(name, counts)| (name.into(), counts)).collect(),
        }
    }

    /// How long before `now` it was taken.
    pub fn age(&self, now: Nanos) -> Duration {
        Duration::from_nanos(now.since(self.at))
    }
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shot {
    /// Version of this program.
    pub version: String,
    /// The mapped file.
    pub mailbox: String,
    /// When it was looked at, nanoseconds since 1970.
    pub at_ns: u64,
    /// The engine.
    pub engine: EngineShot,
    /// Kill words engaged: `everything`, `account N`, `instrument N`.
    pub kill: Vec<String>,
    /// Whether a halt holds new orders.
    pub halted: bool,
    /// Pages of limits and parameters.
    pub params: PagesShot,
    /// Models.
    pub model: PagesShot,
    /// The journal ring.
    pub journal: JournalShot,
    /// Tiles of the layout.
    pub tiles: Vec<TileShot>,
    /// Links of the layout.
    pub links: Vec<LinkShot>,
    /// Feed lines.
    pub feeds: Vec<FeedShot>,
    /// Order sessions.
    pub sessions: Vec<SessionShot>,
    /// Books that have a page.
    pub books: Vec<BookShot>,
    /// Working orders.
    pub orders: OrdersShot,
    /// Positions, with their profit.
    pub positions: PositionsShot,
    /// Refused intents by rule.
    pub rejects: BTreeMap<String, u64>,
    /// Latencies in nanoseconds, in the order of the packet's way.
    pub latency_ns: Vec<LatencyShot>,
    /// Every counter of the engine.
    pub counters: BTreeMap<String, u64>,
}

/// The engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngineShot {
    /// Name and version.
    pub name: String,
    /// Process.
    pub pid: u32,
    /// When it started: names the session.
    pub started_ns: u64,
    /// Since then.
    pub uptime_ns: u64,
    /// What it says it does.
    pub state: String,
    /// Its process is there.
    pub running: bool,
    /// Its process is there and some tile beat within a second.
    pub alive: bool,
    /// Since the latest heartbeat of any tile.
    pub heartbeat_age_ns: Option<u64>,
    /// Fencing epoch.
    pub epoch: u32,
}

/// What the engine made of the pages that control published, and what it keeps. Publications and
/// versions are 0 where there was none: what the configuration file says is in force then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PagesShot {
    /// Last publication that the engine looked at.
    pub seen: u64,
    /// Publication in force.
    pub applied: u64,
    /// Its version.
    pub applied_version: u64,
    /// When it came into force, nanoseconds since 1970.
    pub applied_at_ns: u64,
    /// When the first decision under it was made, nanoseconds since 1970; 0: none yet.
    pub first_used_ns: u64,
    /// Last publication that was refused.
    pub refused: u64,
    /// Its version.
    pub refused_version: u64,
    /// When it was refused, nanoseconds since 1970.
    pub refused_at_ns: u64,
    /// Why.
    pub why: String,
    /// Versions kept for a roll back, of control's numbering.
    pub kept: Vec<u64>,
}

/// The journal ring.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JournalShot {
    /// Number of the last record.
    pub last: u64,
    /// Bytes that wait to be written.
    pub waiting_bytes: u64,
    /// Bytes it holds.
    pub capacity_bytes: u64,
    /// Records refused because it was full or they were too long.
    pub refused: u64,
}

/// One tile. What it has not shown yet is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TileShot {
    /// Its name.
    pub name: String,
    /// Since its last heartbeat.
    pub heartbeat_age_ns: Option<u64>,
    /// Since it wrote its page.
    pub age_ns: Option<u64>,
    /// The core it is pinned to.
    pub core: Option<u32>,
    /// Idle policy.
    pub idle: Option<String>,
    /// Turns.
    pub turns: u64,
    /// Turns a second, between two looks.
    pub turns_per_s: Option<f64>,
    /// Share of turns that found work, between two looks; else since the start.
    pub busy_share: Option<f64>,
    /// Turns longer than the stall limit.
    pub stalls: u64,
    /// The longest turn.
    pub turn_ns_max: u64,
    /// Turns, where the tile records them.
    pub turn_ns: Option<Percentiles>,
    /// Largest burst.
    pub burst_max: u64,
    /// Commands taken.
    pub commands: u64,
    /// Allocations after the seal.
    pub allocations: u64,
}

/// One link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkShot {
    /// Its name.
    pub name: String,
    /// Since its page was written.
    pub age_ns: Option<u64>,
    /// Slots.
    pub depth: u64,
    /// In use.
    pub used: u64,
    /// Most in use.
    pub high_water: u64,
    /// Carried.
    pub carried: u64,
    /// Lost to overrun.
    pub overruns: u64,
    /// Times the producer waited.
    pub stalls: u64,
}

/// One line of a feed; state, losses and sequence number are those of its channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedShot {
    /// Its name.
    pub name: String,
    /// Since its page was written.
    pub age_ns: u64,
    /// State of the channel.
    pub state: String,
    /// Whether the line speaks.
    pub alive: bool,
    /// Since its last datagram; null when none came.
    pub silence_ns: Option<u64>,
    /// Datagrams.
    pub packets: u64,
    /// Datagrams a second, between two looks.
    pub packets_per_s: Option<f64>,
    /// Messages.
    pub messages: u64,
    /// Messages it brought first.
    pub first: u64,
    /// Messages the other line had brought.
    pub duplicates: u64,
    /// Messages missing on this line.
    pub gaps: u64,
    /// Messages no line brought.
    pub lost: u64,
    /// Messages a recovery server brought.
    pub recovered: u64,
    /// How far behind the other line; negative: ahead.
    pub skew_ns: i64,
    /// Next sequence number wanted.
    pub next_seq: u64,
    /// Messages parked behind a hole.
    pub parked: u64,
    /// Malformed datagrams.
    pub malformed: u64,
}

/// One order session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionShot {
    /// Its name.
    pub name: String,
    /// Since its page was written.
    pub age_ns: u64,
    /// Its state.
    pub state: String,
    /// Whether it lets no new orders out.
    pub blocked: bool,
    /// Sequence number of the next report.
    pub next_in: u64,
    /// Orders open.
    pub open: u64,
    /// Messages sent.
    pub sent: u64,
    /// Orders accepted.
    pub accepted: u64,
    /// Orders refused by the venue.
    pub rejected: u64,
    /// Orders refused by the gate.
    pub refused: u64,
    /// Cancels confirmed.
    pub canceled: u64,
    /// Fills.
    pub fills: u64,
    /// Messages the throttle held back.
    pub throttled: u64,
}

/// One book: best level first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookShot {
    /// Symbol, or `locate:N`.
    pub instrument: String,
    /// Its index.
    pub id: u32,
    /// Since its page was written.
    pub age_ns: u64,
    /// Trading phase.
    pub phase: String,
    /// `live`, or why it is stale.
    pub state: String,
    /// Decimals of the prices.
    pub decimals: u8,
    /// Bids.
    pub bids: Vec<LevelShot>,
    /// Asks.
    pub asks: Vec<LevelShot>,
}

/// One price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LevelShot {
    /// The price, counting 10^-decimals.
    pub price: i64,
    /// Shares.
    pub qty: u64,
    /// Orders; 0 where they are not known.
    pub orders: u64,
}

/// Working orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrdersShot {
    /// Since the page was written.
    pub age_ns: Option<u64>,
    /// How many there are; more than rows when the page is too short.
    pub total: u64,
    /// The orders.
    pub rows: Vec<OrderShot>,
}

/// One working order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderShot {
    /// Our id.
    pub cl_ord_id: u32,
    /// The venue's id; 0 until accepted.
    pub order_ref: u64,
    /// Symbol, or `locate:N`.
    pub instrument: String,
    /// The account.
    pub account: u16,
    /// `buy` or `sell`.
    pub side: String,
    /// Its state.
    pub state: String,
    /// Decimals of the price.
    pub decimals: u8,
    /// Limit price, counting 10^-decimals.
    pub price: i64,
    /// Shares that are open.
    pub leaves: u64,
}

/// Positions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PositionsShot {
    /// Since the page was written.
    pub age_ns: Option<u64>,
    /// Realised profit of all rows, 1/10,000 of the currency.
    pub realised_e4: i64,
    /// Profit of the open positions at the mid, 1/10,000 of the currency.
    pub open_e4: i64,
    /// The positions.
    pub rows: Vec<PositionShot>,
}

/// One position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PositionShot {
    /// Symbol, or `locate:N`.
    pub instrument: String,
    /// The account.
    pub account: u16,
    /// Signed shares.
    pub position: i64,
    /// Realised profit, 1/10,000 of the currency.
    pub realised_e4: i64,
    /// Profit at the mid, 1/10,000 of the currency.
    pub open_e4: i64,
    /// Fills.
    pub fills: u64,
}

/// Latencies of one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LatencyShot {
    /// The stage, or what else is measured.
    pub name: String,
    /// Since the start.
    pub all: Percentiles,
    /// Between two looks; null without an earlier one, or when nothing was recorded.
    pub recent: Option<Percentiles>,
    /// 99.9th percentile less median of `recent`.
    pub jitter_ns: Option<u64>,
}

/// A distribution in nanoseconds; a value is the upper edge of its bucket, at most 1.6 % too high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Percentiles {
    /// Records.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
}

impl Percentiles {
    fn of(counts: &Counts) -> Percentiles {
        let at = |quantile| counts.quantile(quantile);
        let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
        Percentiles { count: counts.count(), p50, p99, p999, max: counts.max() }
    }
}

impl Shot {
    /// What `watcher` shows, `look` being a look at it just now, compared with an earlier one.
    pub fn take(watcher: &Watcher, mailbox: &str, look: &Look, before: Option<&Look>) -> Shot {
        let now = look.at;
        let reader = Reader { watcher, now, look, before };
        let counters = watcher.counters().map(|(name, n)| (name.to_owned(), n));
        let counters: BTreeMap<_, _> = counters.collect();
        let rule = |(name, n): (&String, &u64)| {
            name.strip_prefix("reject.").map(|rule| (rule.to_owned(), *n))
        };
        Shot {
            version: env!("CARGO_PKG_VERSION").into(),
            mailbox: mailbox.into(),
            at_ns: now.0,
            engine: reader.engine(),
            kill: watcher.kill_words().all_engaged().iter().map(ToString::to_string).collect(),
            halted: counters.get("control.halted").is_some_and(|halted| *halted != 0),
            params: pages(watcher.params_ack(), watcher.params_kept()),
            model: pages(watcher.model_ack(), watcher.models_kept()),
            journal: reader.journal(),
            tiles: reader.tiles(),
            links: reader.links(),
            feeds: reader.feeds(),
            sessions: watcher.sessions().flatten().map(|page| session(&page, now)).collect(),
            books: watcher.books().flatten().map(|page| book(&page, now)).collect(),
            orders: reader.orders(),
            positions: reader.positions(),
            rejects: counters.iter().filter_map(rule).collect(),
            latency_ns: reader.latencies(),
            counters,
        }
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

struct Reader<'a> {
    watcher: &'a Watcher,
    now: Nanos,
    look: &'a Look,
    before: Option<&'a Look>,
}

impl Reader<'_> {
    fn engine(&self) -> EngineShot {
        let identity = self.watcher.identity();
        let beat = self.watcher.heartbeats().map(|beat| beat.value).max();
        EngineShot {
            name: identity.engine.clone(),
            pid: identity.pid,
            started_ns: identity.started.0,
            uptime_ns: self.now.since(identity.started),
            state: self.watcher.state().map_or("unknown".into(), |state| state.to_string()),
            running: self.watcher.has_process(),
            alive: self.watcher.is_alive(self.now),
            heartbeat_age_ns: beat.and_then(|beat| self.since(beat)),
            epoch: self.watcher.kill_words().epoch(),
        }
    }

    fn since(&self, at: Nanos) -> Option<u64> {
        (at.0 != 0).then(|| self.now.since(at))
    }

    fn journal(&self) -> JournalShot {
        let ring = self.watcher.journal();
        JournalShot {
            last: ring.last,
            waiting_bytes: ring.waiting,
            capacity_bytes: ring.capacity,
            refused: ring.full.saturating_add(ring.too_long),
        }
    }

    fn tiles(&self) -> Vec<TileShot> {
        let beats = self.watcher.heartbeats();
        let tiles = beats.zip(&self.look.turns).enumerate().map(|(row, (beat, page))| {
            let heartbeat_age_ns = self.since(beat.value);
            let empty = TileShot { name: beat.name, heartbeat_age_ns, ..TileShot::default() };
            let Some(page) = page else { return empty };
            let before = self.before.and_then(|look| look.turns.get(row)?.as_ref());
            let tile = &page.value;
            let rate = before.and_then(|b| per_second(page.at, tile.turns, b.at, b.value.turns));
            let (turns, busy) = before.map_or((0, 0), |b| (b.value.turns, b.value.busy));
            TileShot {
                age_ns: Some(page.age(self.now)),
                core: (tile.core != u32::MAX).then_some(tile.core),
                idle: Some(words::idle(tile.idle).into()),
                turns: tile.turns,
                turns_per_s: rate,
                busy_share: share(tile.busy.saturating_sub(busy), tile.turns.saturating_sub(turns)),
                stalls: tile.stalls,
                turn_ns_max: tile.turn_ns_max,
                turn_ns: self.turns_of(row),
                burst_max: tile.burst_max,
                commands: tile.commands,
                allocations: tile.allocations,
                ..empty
            }
        });
        tiles.collect()
    }

    /// The one histogram of turns is that of the tile that trades: the last with a page, since a
    /// tile that only receives stands before it.
    fn turns_of(&self, row: usize) -> Option<Percentiles> {
        let trades = self.look.turns.iter().rposition(Option::is_some) == Some(row);
        let turns = self.look.latencies.iter().find(|(name, _)| name == "tile.turn");
        turns.filter(|_| trades).map(|(_, counts)| Percentiles::of(counts))
    }

    fn links(&self) -> Vec<LinkShot> {
        let links = self.watcher.links().map(|(name, page)| {
            let age_ns = page.as_ref().map(|page| page.age(self.now));
            let link: LinkView = page.map(|page| page.value).unwrap_or_default();
            LinkShot {
                name: name.into(),
                age_ns,
                depth: link.depth,
                used: link.used,
                high_water: link.high_water,
                carried: link.carried,
                overruns: link.overruns,
                stalls: link.stalls,
            }
        });
        links.collect()
    }

    fn feeds(&self) -> Vec<FeedShot> {
        let pages = self.look.packets.iter().enumerate();
        pages.filter_map(|(row, page)| Some(self.feed(row, page.as_ref()?))).collect()
    }

    fn feed(&self, row: usize, page: &Stamped<FeedView>) -> FeedShot {
        let before = self.before.and_then(|look| look.packets.get(row)?.as_ref());
        let line = &page.value;
        FeedShot {
            name: text(&line.name),
            age_ns: page.age(self.now),
            state: words::channel(line.state).into(),
            alive: line.alive != 0,
            silence_ns: (line.packets > 0).then(|| self.now.since(Nanos(line.last_ns))),
            packets: line.packets,
            packets_per_s: before
                .and_then(|b| per_second(page.at, line.packets, b.at, b.value.packets)),
            messages: line.messages,
            first: line.first,
            duplicates: line.duplicates,
            gaps: line.gaps,
            lost: line.lost,
            recovered: line.recovered,
            skew_ns: line.skew_ns,
            next_seq: line.next_seq,
            parked: line.parked,
            malformed: line.malformed,
        }
    }

    fn orders(&self) -> OrdersShot {
        let Some(page) = self.watcher.orders() else { return OrdersShot::default() };
        OrdersShot {
            age_ns: Some(page.age(self.now)),
            total: page.value.total,
            rows: page.value.rows.iter().map(|order| self.order(order)).collect(),
        }
    }

    fn order(&self, order: &OrderView) -> OrderShot {
        let mut books = self.watcher.books().flatten().map(|page| page.value);
        let book = books.find(|book| book.instrument == order.instrument);
        let (symbol, decimals) = book.map_or(([b' '; 8], 4), |book| (book.symbol, book.decimals));
        OrderShot {
            cl_ord_id: order.cl_ord_id,
            order_ref: order.order_ref,
            instrument: instrument(symbol, order.instrument),
            account: order.account,
            side: if order.side == 0 { "buy".into() } else { "sell".into() },
            state: words::order(order.state).into(),
            decimals,
            price: order.price,
            leaves: order.leaves,
        }
    }

    fn positions(&self) -> PositionsShot {
        let Some(page) = self.watcher.positions() else { return PositionsShot::default() };
        let rows = page.value.rows.iter();
        let sum = |of: fn(&PositionView) -> i64| {
            rows.clone().fold(0i64, |sum, row| sum.saturating_add(of(row)))
        };
        PositionsShot {
            age_ns: Some(page.age(self.now)),
            realised_e4: sum(|row| row.realised_e4),
            open_e4: sum(|row| row.open_e4),
            rows: rows.map(position).collect(),
        }
    }

    fn latencies(&self) -> Vec<LatencyShot> {
        let before = |name: &str| {
            let mut all = self.before?.latencies.iter();
            all.find(|(found, _)| found == name).map(|(_, counts)| counts)
        };
        let latencies = self.look.latencies.iter().map(|(name, counts)| {
            let since = before(name).map(|before| Percentiles::of(&counts.since(before)));
            let recent = since.filter(|recent| recent.count > 0);
            LatencyShot {
                name: name.strip_prefix("latency.").unwrap_or(name).into(),
                all: Percentiles::of(counts),
                recent,
                jitter_ns: recent.map(|recent| recent.p999.saturating_sub(recent.p50)),
            }
        });
        latencies.collect()
    }
}

fn pages(ack: Option<Stamped<AckView>>, kept: Vec<PageHead>) -> PagesShot {
    let ack = ack.map(|page| page.value).unwrap_or_default();
    let why = match (ack.refused, Why::from_number(ack.why)) {
        (0, _) => String::new(),
        (_, Some(why)) => why.to_string(),
        (_, None) => format!("reason {} of a later release", ack.why),
    };
    let mut kept: Vec<u64> = kept.iter().map(|head| head.version).collect();
    kept.sort_unstable();
    kept.dedup();
    PagesShot {
        seen: ack.seen,
        applied: ack.applied,
        applied_version: ack.applied_version,
        applied_at_ns: ack.applied_at_ns,
        first_used_ns: ack.first_used_ns,
        refused: ack.refused,
        refused_version: ack.refused_version,
        refused_at_ns: ack.refused_at_ns,
        why,
        kept,
    }
}

fn session(page: &Stamped<SessionView>, now: Nanos) -> SessionShot {
    let session = &page.value;
    SessionShot {
        name: text(&session.name),
        age_ns: page.age(now),
        state: words::session(session.state).into(),
        blocked: session.blocked != 0,
        next_in: session.next_in,
        open: session.open,
        sent: session.sent,
        accepted: session.accepted,
        rejected: session.rejected,
        refused: session.refused,
        canceled: session.canceled,
        fills: session.fills,
        throttled: session.throttled,
    }
}

fn book(page: &Stamped<BookView>, now: Nanos) -> BookShot {
    let book = &page.value;
    BookShot {
        instrument: instrument(book.symbol, book.instrument),
        id: book.instrument,
        age_ns: page.age(now),
        phase: words::phase(book.phase).into(),
        state: words::stale(book.stale).into(),
        decimals: book.decimals,
        bids: levels(&book.bids, book.bid_levels),
        asks: levels(&book.asks, book.ask_levels),
    }
}

fn levels(levels: &[LevelView], count: u8) -> Vec<LevelShot> {
    let shown = levels.iter().take(count.into());
    shown.map(|l| LevelShot { price: l.price, qty: l.qty, orders: l.orders }).collect()
}

fn position(row: &PositionView) -> PositionShot {
    PositionShot {
        instrument: instrument(row.symbol, row.instrument),
        account: row.account,
        position: row.position,
        realised_e4: row.realised_e4,
        open_e4: row.open_e4,
        fills: row.fills,
    }
}

/// The symbol, where there is one.
fn instrument(symbol: [u8; 8], id: u32) -> String {
    match Symbol(symbol).as_str() {
        "" => format!("locate:{id}"),
        symbol => symbol.to_owned(),
    }
}

/// Text up to its padding.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(&[])).into_owned()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Growth a second between two publications; `None` when they are one.
fn per_second(at: Nanos, count: u64, before: Nanos, earlier: u64) -> Option<f64> {
    let seconds = at.since(before) as f64 / 1e9;
    (seconds > 0.0).then(|| count.saturating_sub(earlier) as f64 / seconds)
}
