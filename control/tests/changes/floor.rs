//! An engine of a few lines: the engine's end of a mailbox, worked by a thread.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nofx_mailbox::param::{kind, rows, table};
use nofx_mailbox::view::BookView;
use nofx_mailbox::{
    AckView, Engine, EngineState, PageReader, ParamRow, ParamSpec, Reply, Spec, Taken, Watcher, Why,
};

use crate::common::{Tile, now, until};

/// What the loop does not like, though the schema allows it.
pub const UNLUCKY: i64 = 13;

fn specs() -> Vec<ParamSpec> {
    let spec =
        |table, key, name| ParamSpec::new(table, key, kind::INT, [name, "shares", "a test's"]);
    vec![
        spec(table::ACCOUNT, 0, "net_max").within(0, 1_000_000, 500),
        spec(table::SYMBOL, 0, "qty_max").within(1, 10_000, 100),
        spec(table::STRATEGY, 0, "size_lots").within(1, 50, 1),
    ]
}

/// The engine's end of a mailbox and a thread that works it.
pub struct Floor {
    /// It looks at nothing that control sends.
    pub deaf: Arc<AtomicBool>,
    /// Pages that it took.
    pub pages: Arc<AtomicU64>,
    tile: Tile,
}

impl Floor {
    pub fn start(mailbox: &Path) -> Floor {
        Floor::of_size(mailbox, 8, 64)
    }

    pub fn of_size(mailbox: &Path, instruments: u32, param_rows: u32) -> Floor {
        let spec = Spec {
            engine: "nofx test".into(),
            started: now(),
            tiles: vec!["trade".into()],
            accounts: 2,
            instruments,
            book_rows: 1,
            journal_bytes: 1 << 12,
            schema: specs(),
            param_rows,
            model_words: 1 + 3 * nofx_model::FEATURES as u32,
            model_schema: nofx_model::schema_hash(),
            model_kind: 1,
            commands: 4,
            events: 8,
            in_force: 16,
            ..Spec::default()
        };
        let engine = Engine::create(mailbox, &spec).expect("a mailbox");
        engine.set_state(EngineState::Trading);
        let (deaf, pages) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let (ears, count) = (deaf.clone(), pages.clone());
        let tile = Tile::start(move |stop| work(engine, &ears, &count, stop));
        until("it lives", || Watcher::attach(mailbox).is_ok_and(|w| w.in_force().is_some()));
        Floor { deaf, pages, tile }
    }

    pub fn end(&mut self) {
        self.tile.end();
    }
}

fn work(mut engine: Engine, deaf: &AtomicBool, pages: &AtomicU64, stop: &AtomicBool) {
    let mut views = engine.views();
    let (mut params, mut models) = (engine.params().expect("once"), engine.models().expect("once"));
    let mut commands = engine.commands().expect("once");
    let (mut params_ack, mut model_ack) = (AckView::default(), AckView::default());
    let mut overlay = Vec::new();
    views.book(now(), 0, &BookView { symbol: *b"AAPL    ", instrument: 3, ..BookView::default() });
    views.in_force(now(), in_force(&overlay));
    while !stop.load(Ordering::Relaxed) {
        engine.beat(0, now());
        if !deaf.load(Ordering::Relaxed) {
            if take(&mut params, &mut params_ack, check, |words| overlay = rows(words).to_vec()) {
                pages.fetch_add(1, Ordering::Relaxed);
                views.in_force(now(), in_force(&overlay));
                views.params_ack(now(), &params_ack);
            }
            if take(&mut models, &mut model_ack, |_| None, |_| {}) {
                views.model_ack(now(), &model_ack);
            }
            if let Some(request) = commands.next() {
                let result = u32::from(request.command.is_none());
                commands.answer(&Reply { id: request.id, result, at: now(), cycles: 7, value: 0 });
            }
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn in_force(overlay: &[ParamRow]) -> Vec<ParamRow> {
    let places = [(1, 0), (1, 1), (2, 3), (4, ParamRow::ALL)];
    let value = |table: u16, scope| {
        let set = |wanted| overlay.iter().find(|row| row.table == table && row.scope == wanted);
        let default = specs().into_iter().find(|spec| spec.table == table).map_or(0, |s| s.default);
        set(scope).or_else(|| set(ParamRow::ALL)).map_or(default, |row| row.value)
    };
    let row = |(table, scope)| ParamRow { table, key: 0, scope, value: value(table, scope) };
    places.into_iter().map(row).collect()
}

fn check(words: &[u64]) -> Option<(Why, u32, i64)> {
    let known = specs();
    let wrong =
        |row: &ParamRow| match known.iter().find(|s| (s.table, s.key) == (row.table, row.key)) {
            None => Some(Why::UnknownKey),
            Some(spec) if !spec.allows(row.value) => Some(Why::OutOfBounds),
            Some(_) if row.value == UNLUCKY => Some(Why::Contradiction),
            Some(_) => None,
        };
    rows(words)
        .iter()
        .enumerate()
        .find_map(|(at, row)| wrong(row).map(|why| (why, at as u32, row.value)))
}

fn take(
    reader: &mut PageReader,
    ack: &mut AckView,
    check: impl Fn(&[u64]) -> Option<(Why, u32, i64)>,
    mut apply: impl FnMut(&[u64]),
) -> bool {
    let (head, wrong) = match reader.take() {
        Taken::Nothing | Taken::Lapped => return false,
        Taken::Refused(head, why) => (head, Some((why, 0, 0))),
        Taken::Page(head, words) => match check(words) {
            None => {
                apply(words);
                (head, None)
            }
            wrong => (head, wrong),
        },
    };
    ack.seen = head.publication;
    match wrong {
        None => {
            (ack.applied, ack.applied_version) = (head.publication, head.version);
            (ack.applied_at_ns, ack.first_used_ns) = (now().0, now().0);
        }
        Some((why, row, value)) => {
            (ack.refused, ack.refused_version, ack.refused_at_ns) =
                (head.publication, head.version, now().0);
            (ack.why, ack.row, ack.value) = (why as u32, row, value);
        }
    }
    true
}
