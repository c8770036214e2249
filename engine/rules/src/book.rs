//! [`RuleBook`]: one market's rule file.

use std::path::Path;

use nofx_types::{Date, Market};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::auction::AuctionRule;
use crate::band::LimitRule;
use crate::cage::Cage;
use crate::calendar::Year;
use crate::day::{BoardRules, DayRules};
use crate::error::RuleError;
use crate::fees::{FEES_MAX, FeeSection};
use crate::lot::LotRule;
use crate::quotation::Quotation;
use crate::section::{self, Certainty, Dated, Section, newest};
use crate::session::{Session, SessionsSection};
use crate::short::ShortRule;
use crate::tick::TickSection;
use crate::trading::{Programme, Settlement, SizeRule};
use crate::vcm::{Vcm, VcmClass};

const BOARDS_MAX: usize = 64;

/// A value that is not certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// Kind of its section.
    pub section: &'static str,
    /// The boards it is for, or its name; empty for all.
    pub of: String,
    /// Since when it is said to hold.
    pub since: Date,
    /// The key.
    pub key: String,
    /// How certain.
    pub certainty: Certainty,
}

/// One market's rules of all days that its file covers.
#[derive(Clone, Debug)]
pub struct RuleBook {
    file: String,
    market: Market,
    valid_through: Date,
    calendar: Vec<Section<Year>>,
    boards: Vec<Section<BoardSection>>,
    ticks: Vec<Section<TickSection>>,
    lots: Vec<Section<LotRule>>,
    limits: Vec<Section<LimitRule>>,
    cages: Vec<Section<CageSection>>,
    quotations: Vec<Section<Quotation>>,
    sizes: Vec<Section<SizeRule>>,
    settlements: Vec<Section<Settlement>>,
    shorts: Vec<Section<ShortRule>>,
    sessions: Vec<Section<SessionsSection>>,
    auctions: Vec<Section<AuctionRule>>,
    vcms: Vec<Section<Vcm>>,
    programmes: Vec<Section<Programme>>,
    fees: Vec<Section<FeeSection>>,
}

/// A `[[board]]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardSection {
    name: String,
    /// `"600000-601999"`; empty for a board that a security names itself.
    codes: Vec<String>,
    /// Its tick table.
    tick: String,
}

/// A `[[cage]]` section; `none = true` ends an older one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum CageSection {
    None { none: bool },
    Some(Cage),
}

impl RuleBook {
    /// The rules that this program was built with.
    pub fn builtin(market: Market) -> RuleBook {
        let text = match market {
            Market::Sse => include_str!("../../../rules/sse.toml"),
            Market::Szse => include_str!("../../../rules/szse.toml"),
            Market::Hkex => include_str!("../../../rules/hkex.toml"),
        };
        // Part of the program, so it parses or no program is built: a test reads each file.
        RuleBook::parse(&format!("built-in {market}.toml"), text).expect("a built-in rule file")
    }

    /// Reads a rule file.
    ///
    /// # Errors
    /// It cannot be read, or a key cannot be used: the error names file, section and key.
    pub fn load(path: &Path) -> Result<RuleBook, RuleError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| RuleError::File { file: file.clone(), reason: e.to_string() })?;
        RuleBook::parse(&file, &text)
    }

    /// From text; `file` names it in errors.
    ///
    /// # Errors
    /// As [`RuleBook::load`].
    pub fn parse(file: &str, text: &str) -> Result<RuleBook, RuleError> {
        let wrong = |reason: String| RuleError::File { file: file.to_owned(), reason };
        let mut root: Table = text.parse().map_err(|e: toml::de::Error| wrong(e.to_string()))?;
        let word = |root: &mut Table, key: &str| match root.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(wrong(format!("{key}: want text"))),
        };
        let name = word(&mut root, "market")?;
        let known = Market::ALL.into_iter().find(|market| market.name() == name);
        let market =
            known.ok_or_else(|| wrong(format!("market {name:?}: want sse, szse or hkex")))?;
        let until = word(&mut root, "valid_through")?;
        let valid_through =
            until.parse().map_err(|e| wrong(format!("valid_through {until:?}: {e}")))?;
        let mut reader = Reader { file, root: &mut root };
        let book = RuleBook {
            file: file.to_owned(),
            market,
            valid_through,
            calendar: reader.take("calendar")?,
            boards: reader.take("board")?,
            ticks: reader.take("tick")?,
            lots: reader.take("lot")?,
            limits: reader.take("limit")?,
            cages: reader.take("cage")?,
            quotations: reader.take("quotation")?,
            sizes: reader.take("size")?,
            settlements: reader.take("settlement")?,
            shorts: reader.take("short")?,
            sessions: reader.take("sessions")?,
            auctions: reader.take("auction")?,
            vcms: reader.take("vcm")?,
            programmes: reader.take("programme")?,
            fees: reader.take("fee")?,
        };
        match root.keys().next() {
            Some(key) => Err(wrong(format!("unknown section or key {key:?}"))),
            None => book.check().map(|()| book),
        }
    }

    /// The market.
    pub fn market(&self) -> Market {
        self.market
    }

    /// Last day that the file may be used for.
    pub fn valid_through(&self) -> Date {
        self.valid_through
    }

    /// The rules of a day.
    ///
    /// # Errors
    /// The day lies behind `valid_through`, its year has no calendar, or a board lacks a rule then.
    ///
    /// ```
    /// use nofx_rules::{DayKind, RuleBook, RuleError};
    /// use nofx_types::Market;
    /// let book = RuleBook::builtin(Market::Sse);
    /// assert_eq!(book.on("2023-07-11".parse().unwrap()).unwrap().kind(), DayKind::Full);
    /// let later = "2099-01-05".parse().unwrap();
    /// assert!(matches!(book.on(later), Err(RuleError::Expired { .. })));
    /// ```
    pub fn on(&self, date: Date) -> Result<DayRules, RuleError> {
        let (file, market) = (self.file.clone(), self.market);
        if date > self.valid_through {
            return Err(RuleError::Expired { file, market, until: self.valid_through, date });
        }
        let of_year = |year: &Year| year.year == date.parts().0;
        let Some(year) = self.calendar.iter().find(|row| of_year(&row.rule)) else {
            return Err(RuleError::NoCalendar { file, market, date });
        };
        let ticks = self.ticks_on(date);
        let mut boards: Vec<BoardRules> = Vec::new();
        for section in &self.boards {
            let name = &section.rule.name;
            let current = newest(&self.boards, date, "", |board| board.name == *name);
            let seen = boards.iter().any(|board| board.name == *name);
            if let Some(current) = current.filter(|_| !seen) {
                boards.push(self.board_on(date, &current.rule, &ticks)?);
            }
        }
        if boards.is_empty() {
            return Err(self.missing(date, "board", "any"));
        }
        let class =
            |class| newest(&self.vcms, date, "", |vcm| vcm.class == class).map(Section::dated);
        let vcm = [VcmClass::Large, VcmClass::Mid, VcmClass::Small].into_iter().filter_map(class);
        Ok(DayRules {
            market,
            date,
            since: year.since,
            kind: year.rule.kind(date),
            boards,
            ticks,
            vcm: vcm.collect(),
            programme: newest(&self.programmes, date, "", |_| true).map(Section::dated),
        })
    }

    /// Every value that is not certain, in the order of the file's kinds.
    ///
    /// ```
    /// use nofx_rules::{Certainty, RuleBook};
    /// use nofx_types::Market;
    /// let rows = RuleBook::builtin(Market::Hkex).unverified();
    /// assert!(rows.iter().any(|row| row.section == "vcm" && row.certainty == Certainty::OneSource));
    /// ```
    pub fn unverified(&self) -> Vec<Unverified> {
        let mut rows = Vec::new();
        let mut list = |section, of: &dyn Fn(usize) -> String, marks: &[Marked]| {
            for (place, (since, marks)) in marks.iter().enumerate() {
                rows.extend(marks.iter().map(|(key, certainty)| Unverified {
                    section,
                    of: of(place),
                    since: *since,
                    key: key.clone(),
                    certainty: *certainty,
                }));
            }
        };
        macro_rules! each {
            ($($section:literal: $rows:expr;)*) => {
                $(list($section, &|place| $rows[place].boards.join(" "), &marked(&$rows));)*
            };
        }
        list("calendar", &|i| self.calendar[i].rule.year.to_string(), &marked(&self.calendar));
        list("board", &|i| self.boards[i].rule.name.clone(), &marked(&self.boards));
        list("tick", &|i| self.ticks[i].rule.name.clone(), &marked(&self.ticks));
        list("fee", &|i| self.fees[i].rule.name.clone(), &marked(&self.fees));
        each! {
            "lot": self.lots;
            "limit": self.limits;
            "cage": self.cages;
            "quotation": self.quotations;
            "size": self.sizes;
            "settlement": self.settlements;
            "short": self.shorts;
            "sessions": self.sessions;
            "auction": self.auctions;
            "vcm": self.vcms;
            "programme": self.programmes;
        }
        rows
    }

    fn ticks_on(&self, date: Date) -> Vec<(String, Dated<crate::TickTable>)> {
        let mut tables: Vec<(String, Dated<crate::TickTable>)> = Vec::new();
        for section in &self.ticks {
            let name = &section.rule.name;
            let seen = tables.iter().any(|(key, _)| key == name);
            let current = newest(&self.ticks, date, "", |tick| tick.name == *name);
            if let Some(current) = current.filter(|_| !seen) {
                let table = Dated { rule: current.rule.table, since: current.since };
                tables.push((name.clone(), table));
            }
        }
        tables
    }

    fn board_on(
        &self,
        date: Date,
        board: &BoardSection,
        ticks: &[(String, Dated<crate::TickTable>)],
    ) -> Result<BoardRules, RuleError> {
        let name = board.name.as_str();
        let missing = |section| self.missing(date, section, name);
        let tick = ticks.iter().find(|(key, _)| *key == board.tick).map(|(_, table)| *table);
        let cage =
            newest(&self.cages, date, name, |_| true).and_then(|section| match &section.rule {
                CageSection::Some(cage) => Some(Dated { rule: *cage, since: section.since }),
                CageSection::None { .. } => None,
            });
        let auction = |closing| {
            newest(&self.auctions, date, name, |rule| rule.closing == closing).map(Section::dated)
        };
        let sessions = self.sessions_on(date, name, false);
        Ok(BoardRules {
            name: board.name.clone(),
            codes: board.codes.iter().filter_map(|codes| range(codes)).collect(),
            tick: tick.ok_or_else(|| missing("tick"))?,
            lot: dated(&self.lots, date, name).ok_or_else(|| missing("lot"))?,
            limit: dated(&self.limits, date, name).ok_or_else(|| missing("limit"))?,
            cage,
            quotation: dated(&self.quotations, date, name),
            size: dated(&self.sizes, date, name).ok_or_else(|| missing("size"))?,
            settlement: dated(&self.settlements, date, name)
                .ok_or_else(|| missing("settlement"))?,
            short: dated(&self.shorts, date, name).ok_or_else(|| missing("short"))?,
            sessions: sessions.ok_or_else(|| missing("sessions"))?,
            half_day: self.sessions_on(date, name, true).unwrap_or_default(),
            opening: auction(false),
            closing: auction(true),
            fees: self.fees_on(date, name),
        })
    }

    fn sessions_on(&self, date: Date, board: &str, half: bool) -> Option<Vec<Session>> {
        let section = newest(&self.sessions, date, board, |row| row.half_day == half)?;
        Some(section.rule.sessions(section.since))
    }

    /// The newest of each name; one of rate 0 without minimum ends the fee.
    fn fees_on(&self, date: Date, board: &str) -> Vec<crate::Fee> {
        let mut fees: Vec<crate::Fee> = Vec::new();
        for section in &self.fees {
            let name = &section.rule.name;
            let current = newest(&self.fees, date, board, |fee| fee.name == *name);
            if let Some(fee) = current.map(|current| current.rule.fee(current.since)) {
                let ended = fee.rate == 0 && fee.minimum == 0;
                if !ended && !fees.iter().any(|seen| seen.name == fee.name) {
                    fees.push(fee);
                }
            }
        }
        fees
    }

    fn missing(&self, date: Date, section: &'static str, board: &str) -> RuleError {
        RuleError::Missing {
            file: self.file.clone(),
            market: self.market,
            section,
            board: board.to_owned(),
            date,
        }
    }

    /// What no section can see of itself.
    fn check(&self) -> Result<(), RuleError> {
        let fail = |section: &str, place: usize, reason: String| {
            Err(RuleError::Section {
                file: self.file.clone(),
                section: section.to_owned(),
                number: place + 1,
                reason,
            })
        };
        for (place, section) in self.calendar.iter().enumerate() {
            if let Some(day) = section.rule.misplaced() {
                let reason = format!("{day}: no weekday of {}", section.rule.year);
                return fail("calendar", place, reason);
            }
        }
        for (place, section) in self.boards.iter().enumerate() {
            let codes = section.rule.codes.iter().find(|codes| range(codes).is_none());
            if let Some(codes) = codes {
                return fail("board", place, format!("codes {codes:?}: want FIRST-LAST"));
            }
        }
        if self.boards.len() > BOARDS_MAX {
            return fail("board", BOARDS_MAX, format!("more than {BOARDS_MAX} boards"));
        }
        for (place, section) in self.sessions.iter().enumerate() {
            if section.rule.misplaced() {
                let reason = "rows: want sessions that follow on each other".to_owned();
                return fail("sessions", place, reason);
            }
        }
        for (place, section) in self.quotations.iter().enumerate() {
            if let Some(reason) = section.rule.misplaced() {
                return fail("quotation", place, reason.to_owned());
            }
        }
        for (place, section) in self.programmes.iter().enumerate() {
            if let Some(reason) = section.rule.misplaced() {
                return fail("programme", place, reason.to_owned());
            }
        }
        for (place, section) in self.fees.iter().enumerate() {
            let FeeSection { name, rate, unit, .. } = &section.rule;
            if name.len() > 16 || *rate < 0 || *unit <= 0 {
                let reason = "want a name of at most 16 bytes, rate from 0, unit above 0";
                return fail("fee", place, reason.to_owned());
            }
        }
        for (place, section) in self.cages.iter().enumerate() {
            if matches!(section.rule, CageSection::None { none: false }) {
                return fail("cage", place, "none: want true, or the cage itself".to_owned());
            }
        }
        self.check_names()
    }

    /// Boards that sections name must exist, and a board may have [`FEES_MAX`] fees.
    fn check_names(&self) -> Result<(), RuleError> {
        let known = |name: &String| self.boards.iter().any(|board| board.rule.name == *name);
        let fail = |section: &str, place: usize, reason: String| RuleError::Section {
            file: self.file.clone(),
            section: section.to_owned(),
            number: place + 1,
            reason,
        };
        macro_rules! each {
            ($($section:literal: $rows:expr;)*) => {
                $(for (place, row) in $rows.iter().enumerate() {
                    if let Some(name) = row.boards.iter().find(|name| !known(name)) {
                        return Err(fail($section, place, format!("boards: no board {name:?}")));
                    }
                })*
            };
        }
        each! {
            "lot": self.lots;
            "limit": self.limits;
            "cage": self.cages;
            "quotation": self.quotations;
            "size": self.sizes;
            "settlement": self.settlements;
            "short": self.shorts;
            "sessions": self.sessions;
            "auction": self.auctions;
            "fee": self.fees;
        }
        let most = self.boards.iter().map(|b| self.fees_on(self.valid_through, &b.rule.name).len());
        match most.max().unwrap_or(0) > FEES_MAX {
            true => Err(fail("fee", FEES_MAX, format!("more than {FEES_MAX} fees of one board"))),
            false => Ok(()),
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    root: &'a mut Table,
}

impl Reader<'_> {
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Vec<Section<T>>, RuleError> {
        section::take(self.file, self.root, name)
    }
}

type Marked = (Date, Vec<(String, Certainty)>);

fn marked<T>(rows: &[Section<T>]) -> Vec<Marked> {
    rows.iter().map(|row| (row.since, row.marks.clone())).collect()
}

fn dated<T: Copy>(rows: &[Section<T>], date: Date, board: &str) -> Option<Dated<T>> {
    newest(rows, date, board, |_| true).map(Section::dated)
}

/// `"600000-601999"`, or one code.
fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.parse::<u32>().ok();
    code(first).zip(code(last)).filter(|(first, last)| first <= last)
}
