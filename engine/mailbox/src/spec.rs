//! [`Spec`]: what a mailbox is to hold.

use nofx_types::Nanos;

use crate::MailboxError;
use crate::kill::Scope;
use crate::layout::{NAME_BYTES, TEXT_BYTES};
use crate::param::ParamSpec;

/// Sizes and names of one mailbox; `..Spec::default()` leaves a section empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name and build of the engine, for readers: at most 56 bytes.
    pub engine: String,
    /// When the engine started: names the session.
    pub started: Nanos,
    /// Names of the tiles: at most 56 bytes each, as all names here.
    pub tiles: Vec<String>,
    /// Names of the links.
    pub links: Vec<String>,
    /// Names of the counters.
    pub counters: Vec<String>,
    /// Names of the histograms.
    pub histograms: Vec<String>,
    /// Accounts with a kill word.
    pub accounts: u32,
    /// Instruments with a kill word.
    pub instruments: u32,
    /// Instruments with a book view.
    pub book_rows: u32,
    /// Orders in the view of working orders.
    pub orders: u32,
    /// Rows in the view of positions.
    pub positions: u32,
    /// Feed lines.
    pub lines: u32,
    /// Order sessions.
    pub sessions: u32,
    /// Bytes of the journal ring, rounded down to a power of two.
    pub journal_bytes: u64,
    /// Parameters that may be changed while the engine runs.
    pub schema: Vec<ParamSpec>,
    /// Rows in a page of parameters.
    pub param_rows: u32,
    /// Words in a model.
    pub model_words: u32,
    /// What a model's words mean, as a hash that engine and tools agree on.
    pub model_schema: u64,
    /// Kind of model, as the application numbers it; 0: none.
    pub model_kind: u32,
    /// Commands that may wait, rounded up to a power of two.
    pub commands: u32,
    /// Events kept, rounded up to a power of two.
    pub events: u32,
    /// Rows in the list of parameters in force.
    pub in_force: u32,
    /// Running number of the first journal record: one above the last in the segment files.
    pub first_number: u64,
    /// What is engaged from the start where there is no file of an engine before: its kill words were
    /// lost with the memory that held them, and a record elsewhere has kept what they said.
    pub kills: Vec<Scope>,
    /// The fencing epoch is at least this.
    pub epoch: u32,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            engine: String::new(),
            started: Nanos(0),
            tiles: Vec::new(),
            links: Vec::new(),
            counters: Vec::new(),
            histograms: Vec::new(),
            accounts: 1,
            instruments: 0,
            book_rows: 0,
            orders: 0,
            positions: 0,
            lines: 0,
            sessions: 0,
            journal_bytes: 1 << 20,
            schema: Vec::new(),
            param_rows: 0,
            model_words: 0,
            model_schema: 0,
            model_kind: 0,
            commands: 0,
            events: 0,
            in_force: 0,
            first_number: 1,
            kills: Vec::new(),
            epoch: 0,
        }
    }
}

/// Most rows of one section, and most bytes of the ring: beyond is a typing error.
const ROWS_MAX: u32 = 1 << 20;
const JOURNAL_MAX: u64 = 1 << 36;

impl Spec {
    /// Refuses what cannot be laid out, naming the key.
    pub(crate) fn check(&self) -> Result<(), MailboxError> {
        let refuse = |key, problem| Err(MailboxError::Spec { key, problem });
        if self.engine.len() > TEXT_BYTES {
            return refuse("engine", format!("longer than {TEXT_BYTES} bytes: {:?}", self.engine));
        }
        let names = [
            ("tiles", &self.tiles),
            ("links", &self.links),
            ("counters", &self.counters),
            ("histograms", &self.histograms),
        ];
        for (key, names) in names {
            if let Some(name) = names.iter().find(|name| name.len() > NAME_BYTES) {
                return refuse(key, format!("name longer than {NAME_BYTES} bytes: {name:?}"));
            }
        }
        let rows = [
            ("accounts", self.accounts),
            ("instruments", self.instruments),
            ("book_rows", self.book_rows),
            ("orders", self.orders),
            ("positions", self.positions),
            ("lines", self.lines),
            ("sessions", self.sessions),
            ("schema", self.schema.len().try_into().unwrap_or(u32::MAX)),
            ("param_rows", self.param_rows),
            ("model_words", self.model_words),
            ("commands", self.commands),
            ("events", self.events),
            ("in_force", self.in_force),
        ];
        if let Some((key, rows)) = rows.into_iter().find(|(_, rows)| *rows > ROWS_MAX) {
            return refuse(key, format!("{rows} is more than {ROWS_MAX}"));
        }
        if self.accounts > u32::from(u16::MAX) + 1 {
            return refuse("accounts", format!("{} do not fit 16 bits", self.accounts));
        }
        if self.journal_bytes > JOURNAL_MAX {
            return refuse("journal_bytes", format!("more than {JOURNAL_MAX}"));
        }
        if self.first_number == 0 {
            return refuse("first_number", "numbers begin at 1".into());
        }
        Ok(())
    }
}
