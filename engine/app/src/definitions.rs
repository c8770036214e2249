//! Instrument definitions from a dated CSV, for feeds that send none or send them in part.
//!
//! Model: read once at start. What the feed says of an instrument wins; the file fills what is
//! missing, and makes an instrument tradable that the feed only names. Rows are found by symbol or
//! by locate, through tables sized when the file is read, so a definition during the day costs two
//! look-ups and allocates nothing.
//!
//! ```csv
//! date,symbol,locate,tick,lot,previous_close,limit_low,limit_high,decimals
//! 2026-01-15,AAPL,,0.01,100,187.25,,,4
//! 2026-01-15,,13,0.01,100,,,,
//! ```
//! `date`, `tick` and `lot` are required, and one of `symbol` and `locate`. Columns may stand in any
//! order; an empty field is not known. For markets with rules of their own (section `[market]`)
//! there are further columns: `status` (normal, st, new:N for the N-th day of trading, unlimited),
//! `board` and `spread_table` (names of the rule file), `short` and `same_day` (true or false),
//! `stamp` (false where no stamp duty is due) and `vcm` (large, mid, small); see [`Facts`]. Of several rows of one instrument the one of the wanted date
//! counts, without a wanted date the newest.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use nofx_rt::table::Table;
use nofx_rules::{Status, VcmClass};
use nofx_types::{
    Instrument, InstrumentId, Instruments, PRICE_DECIMALS, Price, Symbol, parse_decimal,
};

/// A definition file that cannot be used: names file, line and column.
#[derive(Debug)]
pub struct DefinitionError {
    path: PathBuf,
    /// 0 where it is no line's fault.
    line: u64,
    reason: String,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.reason),
            line => write!(f, "{}: line {line}: {}", self.path.display(), self.reason),
        }
    }
}

impl std::error::Error for DefinitionError {}

/// How a row names its instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Symbol(Symbol),
    Locate(u32),
}

/// A name of a rule file, at most 15 bytes; empty for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Label([u8; 16]);

impl Label {
    fn new(text: &str) -> Option<Label> {
        let mut label = Label::default();
        label.0.get_mut(..15)?.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(label)
    }

    /// The name, `None` for none.
    pub fn as_str(&self) -> Option<&str> {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(0);
        self.0.get(..end).and_then(|name| std::str::from_utf8(name).ok()).filter(|n| !n.is_empty())
    }
}

/// What a row says for the market's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How the security stands with its exchange.
    pub status: Status,
    /// Its board, where the code does not say.
    pub board: Label,
    /// Its tick table, where it is not the board's.
    pub spread_table: Label,
    /// May be sold short.
    pub short: bool,
    /// May be sold on the day it was bought.
    pub same_day: bool,
    /// Pays stamp duty.
    pub stamp: bool,
    /// Its class in the volatility control.
    pub vcm: Option<VcmClass>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            status: Status::Normal,
            board: Label::default(),
            spread_table: Label::default(),
            short: false,
            same_day: false,
            stamp: true,
            vcm: None,
        }
    }
}

/// What a row says; 0 is not known.
#[derive(Clone, Copy, Debug)]
struct Row {
    symbol: Symbol,
    decimals: u8,
    tick: i64,
    lot: u32,
    previous_close: Price,
    limit_low: Price,
    limit_high: Price,
    facts: Facts,
}

/// Definitions by symbol and by locate.
#[derive(Clone)]
pub struct Definitions {
    by_symbol: Table<Row>,
    by_locate: Table<Row>,
    locates: Vec<u32>,
    symbols: Vec<Symbol>,
}

impl Default for Definitions {
    fn default() -> Self {
        Definitions {
            by_symbol: Table::new(0),
            by_locate: Table::new(0),
            locates: Vec::new(),
            symbols: Vec::new(),
        }
    }
}

impl Definitions {
    /// Reads the rows of `date` (`YYYY-MM-DD`; empty: the newest row of each instrument).
    ///
    /// # Errors
    /// The file cannot be read, or a row cannot be used.
    pub fn load(path: &Path, date: &str) -> Result<Definitions, DefinitionError> {
        let fail =
            |line: u64, reason: String| DefinitionError { path: path.to_owned(), line, reason };
        if !date.is_empty() {
            day(Some(date)).map_err(|reason| fail(0, format!("instruments.{reason}")))?;
        }
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .map_err(|e| fail(0, e.to_string()))?;
        let columns = Columns::of(reader.headers().map_err(|e| fail(1, e.to_string()))?)
            .map_err(|reason| fail(1, reason))?;
        let mut newest = HashMap::<Key, (String, Row)>::new();
        let mut order = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| fail(line_of(&e), e.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let (key, day, row) = columns.read(&record).map_err(|reason| fail(line, reason))?;
            let wanted = date.is_empty() || date == day;
            if newest.get(&key).is_some_and(|(seen, _)| wanted && *seen == day) {
                return Err(fail(line, format!("a second row of this instrument for {day}")));
            }
            let newer = wanted && newest.get(&key).is_none_or(|(seen, _)| *seen <= day);
            if newer && newest.insert(key, (day, row)).is_none() {
                order.push(key);
            }
        }
        let row = |key: Key| newest.get(&key).map(|(_, row)| (key, *row));
        Ok(Definitions::index(order.into_iter().filter_map(row).collect()))
    }

    fn index(rows: Vec<(Key, Row)>) -> Definitions {
        let (mut by_symbol, mut by_locate) = (Table::new(rows.len()), Table::new(rows.len()));
        let (mut locates, mut symbols) = (Vec::new(), Vec::new());
        for (key, row) in rows {
            // Fits: each table has room for every row.
            let _ = match key {
                Key::Symbol(symbol) => {
                    symbols.push(symbol);
                    by_symbol.insert(symbol.key(), row)
                }
                Key::Locate(locate) => {
                    locates.push(locate);
                    by_locate.insert(u64::from(locate), row)
                }
            };
        }
        locates.sort_unstable();
        Definitions { by_symbol, by_locate, locates, symbols }
    }

    /// The symbols that rows name, in the order of the file.
    pub fn symbols(&self) -> Vec<Symbol> {
        self.symbols.clone()
    }

    /// Puts the rows that name a locate into the table, before the feed has said anything.
    pub fn start(&self, instruments: &mut Instruments) {
        for locate in &self.locates {
            let instrument = self.complete(&Instrument::unknown(InstrumentId(*locate)));
            let _ = instruments.set(instrument); // a locate beyond the table is never looked up
        }
    }

    /// `instrument` as the feed gives it, with what the file knows besides.
    pub fn complete(&self, instrument: &Instrument) -> Instrument {
        self.row(instrument).map_or(*instrument, |row| row.complete(instrument))
    }

    /// What the file knows of `instrument` for the market's rules.
    pub fn facts(&self, instrument: &Instrument) -> Facts {
        self.row(instrument).map_or(Facts::default(), |row| row.facts)
    }

    fn row(&self, instrument: &Instrument) -> Option<Row> {
        let by_symbol = (instrument.symbol != Symbol::NONE)
            .then(|| self.by_symbol.get(instrument.symbol.key()))
            .flatten();
        by_symbol.or_else(|| self.by_locate.get(u64::from(instrument.id.0)))
    }
}

impl Row {
    fn complete(&self, feed: &Instrument) -> Instrument {
        let or = |said: Price, known: Price| if said.0 != 0 { said } else { known };
        let mut whole = Instrument {
            previous_close: or(feed.previous_close, self.previous_close),
            limit_low: or(feed.limit_low, self.limit_low),
            limit_high: or(feed.limit_high, self.limit_high),
            symbol: if feed.symbol == Symbol::NONE { self.symbol } else { feed.symbol },
            ..*feed
        };
        if !feed.flags.defined {
            (whole.tick, whole.lot) = (self.tick, self.lot);
            whole.decimals = self.decimals;
            whole.flags.defined = true;
        }
        whole
    }
}

fn line_of(error: &csv::Error) -> u64 {
    error.position().map_or(0, csv::Position::line)
}

/// Where the columns stand.
struct Columns {
    at: HashMap<String, usize>,
}

const KNOWN: [&str; 16] = [
    "date",
    "symbol",
    "locate",
    "tick",
    "lot",
    "previous_close",
    "limit_low",
    "limit_high",
    "decimals",
    "status",
    "board",
    "spread_table",
    "short",
    "same_day",
    "stamp",
    "vcm",
];

impl Columns {
    fn of(headers: &csv::StringRecord) -> Result<Columns, String> {
        let at: HashMap<String, usize> =
            headers.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
        if let Some(unknown) = at.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("unknown column {unknown:?}: want {}", KNOWN.join(", ")));
        }
        for needed in ["date", "tick", "lot"] {
            if !at.contains_key(needed) {
                return Err(format!("column {needed:?} is missing"));
            }
        }
        Ok(Columns { at })
    }

    fn read(&self, record: &csv::StringRecord) -> Result<(Key, String, Row), String> {
        let text = |name: &str| {
            self.at.get(name).and_then(|i| record.get(*i)).filter(|text| !text.is_empty())
        };
        let decimals: u8 = number(text("decimals"), "decimals")?.unwrap_or(PRICE_DECIMALS);
        if decimals > 9 {
            return Err(format!("decimals {decimals}: want at most 9"));
        }
        let price = |name: &str| match text(name) {
            None => Ok(0),
            Some(value) => {
                parse_decimal(value, decimals).map_err(|e| format!("{name} {value:?}: {e}"))
            }
        };
        let symbol = match text("symbol") {
            None => Symbol::NONE,
            Some(text) => Symbol::new(text)
                .ok_or_else(|| format!("symbol {text:?}: want at most 8 characters"))?,
        };
        let key = match (symbol, number(text("locate"), "locate")?) {
            (_, Some(locate)) => Key::Locate(locate),
            (Symbol::NONE, None) => return Err("neither symbol nor locate is given".into()),
            (symbol, None) => Key::Symbol(symbol),
        };
        let row = Row {
            symbol,
            decimals,
            tick: price("tick")?,
            lot: number(text("lot"), "lot")?.unwrap_or(0),
            previous_close: Price(price("previous_close")?),
            limit_low: Price(price("limit_low")?),
            limit_high: Price(price("limit_high")?),
            facts: facts(&text)?,
        };
        if row.tick <= 0 || row.lot == 0 {
            return Err("tick and lot must be above 0".into());
        }
        Ok((key, day(text("date"))?, row))
    }
}

/// The columns for the market's rules.
fn facts<'a>(text: &dyn Fn(&str) -> Option<&'a str>) -> Result<Facts, String> {
    let wrong = |name: &str, value: &str, want: &str| format!("{name} {value:?}: want {want}");
    let label = |name: &str| match text(name) {
        None => Ok(Label::default()),
        Some(value) => Label::new(value).ok_or_else(|| wrong(name, value, "at most 15 characters")),
    };
    let flag = |name: &str, absent: bool| match text(name) {
        None => Ok(absent),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(wrong(name, other, "true or false")),
    };
    let status = match text("status") {
        None | Some("normal") => Status::Normal,
        Some("st") => Status::Special,
        Some("unlimited") => Status::Unlimited,
        Some(other) => {
            let day = other.strip_prefix("new:").and_then(|day| day.parse().ok());
            let want = "normal, st, new:N or unlimited";
            Status::New(day.ok_or_else(|| wrong("status", other, want))?)
        }
    };
    let vcm = match text("vcm") {
        None => None,
        Some("large") => Some(VcmClass::Large),
        Some("mid") => Some(VcmClass::Mid),
        Some("small") => Some(VcmClass::Small),
        Some(other) => return Err(wrong("vcm", other, "large, mid or small")),
    };
    Ok(Facts {
        status,
        board: label("board")?,
        spread_table: label("spread_table")?,
        short: flag("short", false)?,
        same_day: flag("same_day", false)?,
        stamp: flag("stamp", true)?,
        vcm,
    })
}

fn number<T: std::str::FromStr>(text: Option<&str>, name: &str) -> Result<Option<T>, String> {
    let wrong = |text: &str| format!("{name} {text:?}: want a whole number");
    text.map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

/// `YYYY-MM-DD` sorts as text.
fn day(text: Option<&str>) -> Result<String, String> {
    let text = text.unwrap_or_default();
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    let part = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u8>().ok());
    let calendar = || {
        part(5, 7).is_some_and(|month| (1..=12).contains(&month))
            && part(8, 10).is_some_and(|day| (1..=31).contains(&day))
    };
    if text.len() == 10 && text.bytes().enumerate().all(shape) && calendar() {
        Ok(text.to_owned())
    } else {
        Err(format!("date {text:?}: want YYYY-MM-DD"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::InstrumentFlags;

    fn load(text: &str, date: &str) -> Result<Definitions, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("definitions.csv");
        std::fs::write(&path, text).expect("a file");
        Definitions::load(&path, date).map_err(|e| e.to_string())
    }

    fn named(symbol: &str) -> Instrument {
        let symbol = Symbol::new(symbol).expect("short");
        Instrument { symbol, ..Instrument::unknown(InstrumentId(7)) }
    }

    const TWO_DAYS: &str = "date,symbol,tick,lot,previous_close,limit_high\n\
        2026-01-15,AAA,0.01,100,10.5,11.55\n2026-01-16,AAA,0.05,10,11,\n";

    #[test]
    fn the_wanted_date_counts_else_the_newest() {
        let newest = load(TWO_DAYS, "").expect("reads").complete(&named("AAA"));
        assert_eq!((newest.tick, newest.lot, newest.flags.defined), (500, 10, true));
        let first = load(TWO_DAYS, "2026-01-15").expect("reads").complete(&named("AAA"));
        assert_eq!(
            (first.tick, first.previous_close, first.limit_high.0),
            (100, Price(105_000), 115_500)
        );
        let none = load(TWO_DAYS, "2026-01-14").expect("reads").complete(&named("AAA"));
        assert!(!none.flags.defined);
    }

    #[test]
    fn what_the_feed_says_wins() {
        let feed = Instrument {
            tick: 100,
            flags: InstrumentFlags { defined: true, ..InstrumentFlags::default() },
            ..named("AAA")
        };
        let whole = load(TWO_DAYS, "").expect("reads").complete(&feed);
        assert_eq!((whole.tick, whole.lot, whole.previous_close.0), (100, 100, 110_000));
    }

    #[test]
    fn rows_by_locate_stand_before_the_feed_speaks() {
        let text = "date,locate,symbol,tick,lot\n2026-01-15,3,BBB,0.01,100\n2026-01-15,99,,1,1\n";
        let (definitions, mut instruments) = (load(text, "").expect("reads"), Instruments::new(8));
        definitions.start(&mut instruments);
        let row = instruments.get(InstrumentId(3)).expect("inside");
        assert_eq!((row.symbol.as_str(), row.flags.defined), ("BBB", true));
    }

    #[test]
    fn facts_for_the_rules_of_a_market_have_columns_of_their_own() {
        let text = "date,symbol,tick,lot,status,board,spread_table,short,stamp,vcm\n\
            2026-01-15,AAA,0.01,100,new:3,star_fund,05,true,false,mid\n2026-01-15,BBB,1,1,,,,,,\n";
        let definitions = load(text, "").expect("reads");
        let facts = definitions.facts(&named("AAA"));
        assert_eq!((facts.status, facts.vcm), (Status::New(3), Some(VcmClass::Mid)));
        assert_eq!(
            facts.board.as_str().zip(facts.spread_table.as_str()),
            Some(("star_fund", "05"))
        );
        assert!(facts.short && !facts.stamp && !facts.same_day);
        for symbol in ["BBB", "CCC"] {
            assert_eq!(definitions.facts(&named(symbol)), Facts::default(), "{symbol}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, want) in [
            ("date,symbol,tick,lot\n2026-01-15,AAA,0.01,x\n", "line 2: lot \"x\""),
            ("date,symbol,tick,lot\n2026-01-15,AAA,0.01,1\n15.1.26,A,1,1\n", "line 3: date"),
            ("date,symbol,tick,lot\n2026-01-15,,0.01,1\n", "line 2: neither symbol nor locate"),
            ("date,symbol,tick,lot\n2026-13-15,A,0.01,1\n", "line 2: date"),
            ("date,symbol,tick,lot\n2026-01-15,A,1,1\n2026-01-15,A,2,1\n", "line 3: a second row"),
            ("date,symbol,tick\n", "line 1: column \"lot\" is missing"),
            ("date,symbol,tick,lot,isin\n", "unknown column \"isin\""),
            ("date,symbol,tick,lot\n2026-01-15,AAA,0.00001,1\n", "more decimals"),
            ("date,symbol,tick,lot\n2026-01-15,ABCDEFGHI,1,1\n", "at most 8"),
            ("date,symbol,tick,lot,status\n2026-01-15,A,1,1,st*\n", "line 2: status \"st*\""),
            ("date,symbol,tick,lot,vcm\n2026-01-15,A,1,1,big\n", "line 2: vcm \"big\""),
            ("date,symbol,tick,lot,short\n2026-01-15,A,1,1,yes\n", "line 2: short \"yes\""),
        ] {
            let error = load(text, "").err().unwrap_or_default();
            assert!(error.contains(want), "{text:?}: {error}");
        }
        assert!(Definitions::load(Path::new("absent.csv"), "").is_err());
    }
}
