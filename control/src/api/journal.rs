//! Journal queries: what came in, what was decided, what went out.
//!
//! Model: the segment files that the engine's writer makes are read as they are, without the engine.
//! A query walks records in order from its cursor (or from the segment in which `from` falls) and
//! keeps those that fit. The cursor is the number of the last record looked at, whether it fitted or
//! not, so that a page may be short, or empty, and `next` still goes on.
//!
//! Worst case: one query looks at [`SCAN`] records and loads the segments they stand in, one at a
//! time; [`SCANS`] queries run at a time, others wait, also for one whose caller hung up. What the engine has not drained to a file yet
//! is not found.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use nofx_mailbox::journal::{Record, SEGMENT_BYTES, Segment};
use nofx_shot::record::{
    Command, Decision, KillSeen, Kind, PacketPlace, decode_instrument, decode_request, rule_names,
};
use nofx_types::{IntentKind, Side, Symbol};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::places::at_a_place;
use super::{CanRead, Page, Path, Query, list};
use crate::app::App;
use crate::problem::{Problem, ProblemBody};

/// Records that one query looks at.
pub const SCAN: u64 = 200_000;
/// Queries at a time.
const SCANS: usize = 2;
static SCANNING: Semaphore = Semaphore::const_new(SCANS);
/// Longest segment that is loaded.
const SEGMENT_MAX: u64 = 1 << 30;
/// Most bytes of a text in a row.
const TEXT_MAX: usize = 4_096;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(journal))
}

/// Which records.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Not before, nanoseconds since 1970.
    from: Option<u64>,
    /// Not after, nanoseconds since 1970.
    to: Option<u64>,
    /// Only this kind: `decision`, `command`, `definition`, `time`, ...
    kind: Option<String>,
    /// Only decisions and definitions of this symbol, or `locate:N`.
    instrument: Option<String>,
    /// Only decisions of this order: our id.
    order: Option<u32>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// One record of the journal. What its kind does not have is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JournalRow {
    /// Running number.
    pub number: u64,
    /// The engine's time, nanoseconds since 1970.
    pub at_ns: u64,
    /// Its kind.
    pub kind: String,
    /// Bytes of its payload.
    pub bytes: u64,
    /// Of a decision: `new`, `replace` or `cancel`; of others: what it says in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Symbol, or `locate:N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument: Option<String>,
    /// Our id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<u32>,
    /// The order that is replaced or canceled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orig: Option<u32>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u16>,
    /// `buy` or `sell`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Price, counting 10^-decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// Decimals of the price, where the instrument's definition was read before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// Quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<u64>,
    /// Rules that refused it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<String>,
    /// Whether its message went out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
    /// Its text, where it is one; long ones are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Records of the engine's journal, oldest first. A page may be short and still have a `next`: one
/// call looks at a bounded number of records.
#[utoipa::path(get, path = "/engines/{e}/journal", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"), Wanted), responses(
    (status = 200, body = Page<JournalRow>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", description = "no journal", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn journal(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<JournalRow>>, Problem> {
    let link = app.engines.get(&name)?;
    let folder = link.journal().ok_or_else(|| {
        Problem::not_found(format!("no journal of engine {name} is configured"))
            .todo("set engine.journal to its live.journal.folder")
    })?;
    let search = Search::new(folder.to_owned(), wanted, symbols(link))?;
    Ok(Json(at_a_place(&SCANNING, move || search.run()).await??))
}

/// Symbols and decimals by index, as the engine shows them now.
fn symbols(link: &crate::link::Link) -> HashMap<u32, (String, u8)> {
    let shot = link.shot();
    let books = shot.iter().flat_map(|shot| &shot.books);
    books.map(|book| (book.id, (book.instrument.clone(), book.decimals))).collect()
}

struct Search {
    folder: PathBuf,
    wanted: Wanted,
    kind: Option<Kind>,
    limit: usize,
    /// Records up to here were looked at.
    after: u64,
    symbols: HashMap<u32, (String, u8)>,
}

/// How a record is named.
const KINDS: [(Kind, &str); 26] = [
    (Kind::Start, "start"),
    (Kind::Packet, "packet"),
    (Kind::Reply, "reply"),
    (Kind::SnapshotOpened, "snapshot_opened"),
    (Kind::SnapshotBytes, "snapshot_bytes"),
    (Kind::SnapshotClosed, "snapshot_closed"),
    (Kind::OrderOpened, "order_opened"),
    (Kind::OrderBytes, "order_bytes"),
    (Kind::OrderClosed, "order_closed"),
    (Kind::Time, "time"),
    (Kind::Command, "command"),
    (Kind::RescueOpened, "rescue_opened"),
    (Kind::RescueBytes, "rescue_bytes"),
    (Kind::RescueClosed, "rescue_closed"),
    (Kind::Params, "params"),
    (Kind::Model, "model"),
    (Kind::Request, "request"),
    (Kind::Decision, "decision"),
    (Kind::Control, "control"),
    (Kind::Definition, "definition"),
    (Kind::KillSeen, "kill_seen"),
    (Kind::End, "end"),
    (Kind::RescueControl, "rescue_control"),
    (Kind::RescueDecision, "rescue_decision"),
    (Kind::Taken, "taken"),
    (Kind::Answered, "answered"),
];

impl Search {
    fn new(
        folder: PathBuf,
        wanted: Wanted,
        symbols: HashMap<u32, (String, u8)>,
    ) -> Result<Search, Problem> {
        let kind = match &wanted.kind {
            None => None,
            Some(name) => Some(kind_of(name).ok_or_else(|| {
                let names: Vec<_> = KINDS.iter().map(|(_, name)| *name).collect();
                Problem::invalid(format!("kind {name:?} is none"))
                    .field("kind", format!("want one of: {}", names.join(", ")))
            })?),
        };
        let (limit, after) =
            (list::limit(wanted.limit)?, list::position(wanted.cursor.as_deref())?);
        Ok(Search { folder, wanted, kind, limit, after, symbols })
    }

    fn run(mut self) -> Result<Page<JournalRow>, Problem> {
        let segments = list_segments(&self.folder)?;
        let mut begin = segments.partition_point(|(first, _)| *first <= self.after + 1);
        if let Some(from) = self.wanted.from {
            // Times rise: what ends before `from` is skipped by looking at where the next begins.
            let early = |(_, path): &(u64, PathBuf)| begins_at(path).is_some_and(|at| at <= from);
            begin = begin.max(segments.partition_point(early));
        }
        let (mut items, mut left) = (Vec::new(), SCAN);
        for (_, path) in segments.iter().skip(begin.saturating_sub(1)) {
            let Some(mut segment) = load(path)? else { continue };
            while let Some(record) = segment.next().map_err(damaged)? {
                if record.number <= self.after {
                    continue;
                }
                if items.len() >= self.limit || left == 0 {
                    return Ok(Page { items, next: Some(self.after.to_string()) });
                }
                if self.wanted.to.is_some_and(|to| record.at.0 > to) {
                    return Ok(Page { items, next: None });
                }
                (self.after, left) = (record.number, left - 1);
                items.extend(self.row(&record));
            }
        }
        Ok(Page { items, next: None })
    }

    /// The record as a row, when it is wanted.
    fn row(&mut self, record: &Record<'_>) -> Option<JournalRow> {
        let kind = Kind::of(record.kind);
        if kind == Some(Kind::Definition)
            && let Some(defined) = decode_instrument(record.payload)
        {
            let name = symbol(defined.symbol, defined.id.0);
            self.symbols.insert(defined.id.0, (name, defined.decimals));
        }
        let wanted = &self.wanted;
        let early = wanted.from.is_some_and(|from| record.at.0 < from);
        if early || self.kind.is_some_and(|wanted| Some(wanted) != kind) {
            return None;
        }
        let named = KINDS.iter().find(|(of, _)| Some(*of) == kind).map(|(_, name)| (*name).into());
        let row = JournalRow {
            number: record.number,
            at_ns: record.at.0,
            kind: named.unwrap_or_else(|| format!("kind {}", record.kind)),
            bytes: record.payload.len() as u64,
            ..JournalRow::default()
        };
        let row = match kind {
            Some(kind) => self.told(row, kind, record.payload),
            None => row,
        };
        let fits =
            |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        let of_order = wanted.order.is_none()
            || row.cl_ord_id == wanted.order
            || row.orig == wanted.order.filter(|order| *order != 0);
        (fits(&wanted.instrument, &row.instrument) && of_order).then_some(row)
    }

    /// The row with what its payload says.
    fn told(&self, row: JournalRow, kind: Kind, payload: &[u8]) -> JournalRow {
        let what = |what: String| JournalRow { what: Some(what), ..row.clone() };
        let debug = |told: Option<String>| told.map_or(row.clone(), what);
        match kind {
            Kind::Decision | Kind::RescueDecision => self.decision(row, payload),
            Kind::Definition => match decode_instrument(payload) {
                Some(defined) => JournalRow {
                    instrument: Some(symbol(defined.symbol, defined.id.0)),
                    decimals: Some(defined.decimals),
                    ..row
                },
                None => row,
            },
            Kind::Start | Kind::End => JournalRow { text: Some(text(payload)), ..row },
            Kind::Command => debug(Command::decode(payload).map(|c| format!("{c:?}"))),
            Kind::Request => debug(decode_request(payload).map(|r| format!("{r:?}"))),
            Kind::Packet => debug(PacketPlace::decode(payload).map(|place| {
                let PacketPlace { line, seq, file, offset, len, .. } = place;
                format!("line {line}, sequence {seq}, {len} bytes at {offset} of capture {file}")
            })),
            Kind::KillSeen => match KillSeen::decode(payload) {
                Some(seen) => JournalRow { rejects: rule_names(seen.rejects), ..row },
                None => row,
            },
            Kind::Params | Kind::Model => match payload.first_chunk::<16>() {
                Some(head) => {
                    let [publication, version] = [&head[..8], &head[8..]]
                        .map(|b| b.try_into().map_or(0, u64::from_le_bytes));
                    what(format!("publication {publication}, version {version}"))
                }
                None => row,
            },
            _ => row,
        }
    }

    fn decision(&self, row: JournalRow, payload: &[u8]) -> JournalRow {
        let Some(decision) = Decision::decode(payload) else { return row };
        let intent = decision.intent;
        let known = self.symbols.get(&intent.instrument.0);
        let by_number = || format!("locate:{}", intent.instrument.0);
        let what = match intent.kind {
            IntentKind::New => "new",
            IntentKind::Replace => "replace",
            IntentKind::Cancel => "cancel",
        };
        JournalRow {
            what: Some(what.into()),
            instrument: Some(known.map_or_else(by_number, |(symbol, _)| symbol.clone())),
            cl_ord_id: Some(intent.cl_ord_id.0),
            orig: (intent.orig.0 != 0).then_some(intent.orig.0),
            account: Some(intent.account.0),
            side: Some(if intent.side == Side::Buy { "buy" } else { "sell" }.into()),
            price: Some(intent.price.0),
            decimals: known.map(|(_, decimals)| *decimals),
            qty: Some(intent.qty.0),
            rejects: rule_names(decision.rejects),
            sent: Some(!decision.message.is_empty()),
            ..row
        }
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    KINDS.iter().find(|(_, of)| *of == name).map(|(kind, _)| *kind)
}

fn symbol(symbol: Symbol, id: u32) -> String {
    match symbol.as_str() {
        "" => format!("locate:{id}"),
        symbol => symbol.to_owned(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..TEXT_MAX).unwrap_or(bytes)).into_owned()
}

fn damaged(e: impl std::fmt::Display) -> Problem {
    Problem::unavailable("journal_unreadable", e.to_string())
        .todo("look at the file; `nofx replay --journal` reads the same records")
}

/// Segments, oldest first, each with the number of its first record.
fn list_segments(folder: &FilePath) -> Result<Vec<(u64, PathBuf)>, Problem> {
    let failed = |e: std::io::Error| damaged(format!("{}: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_suffix(".journal").filter(|digits| digits.len() == 20);
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Time of a segment's first record: only to choose where to begin, so not proven.
fn begins_at(path: &FilePath) -> Option<u64> {
    let mut at = [0; 8];
    File::open(path).ok()?.read_exact_at(&mut at, SEGMENT_BYTES as u64 + 16).ok()?;
    Some(u64::from_le_bytes(at))
}

/// A segment; `None` when it was removed meanwhile, or has no header yet.
fn load(path: &FilePath) -> Result<Option<Segment>, Problem> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() > SEGMENT_MAX => {
            return Err(damaged(format!("{}: longer than 1 GiB", path.display())));
        }
        _ => {}
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(damaged(format!("{}: {e}", path.display()))),
    };
    Segment::parse(path, bytes).map_err(damaged)
}
