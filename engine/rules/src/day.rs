//! The rules of one market on one day.

use nofx_types::{Date, Market};

use crate::auction::AuctionRule;
use crate::band::LimitRule;
use crate::cage::Cage;
use crate::calendar::DayKind;
use crate::error::RuleError;
use crate::fees::{Commission, Fee, Fees};
use crate::instrument::{InstrumentRules, Listing};
use crate::lot::LotRule;
use crate::quotation::Quotation;
use crate::section::Dated;
use crate::session::Session;
use crate::short::ShortRule;
use crate::tick::TickTable;
use crate::trading::{Programme, Settlement, SizeRule};
use crate::vcm::Vcm;

/// Index of a board in its [`DayRules`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BoardId(pub u8);

/// What a security asks for that the day does not have.
enum Lacks {
    Code,
    Board,
    Tick,
    Vcm,
}

/// The rules of one board on one day.
#[derive(Clone, Debug)]
pub struct BoardRules {
    /// Its name.
    pub name: String,
    /// Its codes, as ranges with both ends.
    pub codes: Vec<(u32, u32)>,
    /// Price steps, unless a security has its own.
    pub tick: Dated<TickTable>,
    /// Quantities, unless a security has its own lot.
    pub lot: Dated<LotRule>,
    /// Daily limits.
    pub limit: Dated<LimitRule>,
    /// Price cage.
    pub cage: Option<Dated<Cage>>,
    /// Distance from the nominal price.
    pub quotation: Option<Dated<Quotation>>,
    /// Order sizes.
    pub size: Dated<SizeRule>,
    /// Settlement.
    pub settlement: Dated<Settlement>,
    /// Short sales.
    pub short: Dated<ShortRule>,
    /// Sessions of a full day, in order and without holes.
    pub sessions: Vec<Session>,
    /// Sessions of a half day; empty where the market has none.
    pub half_day: Vec<Session>,
    /// How the opening auction finds its price, `None` where there is none.
    pub opening: Option<Dated<AuctionRule>>,
    /// The same for the closing auction.
    pub closing: Option<Dated<AuctionRule>>,
    /// Fees, without commission.
    pub fees: Vec<Fee>,
}

/// The rules of one market on one day.
#[derive(Clone, Debug)]
pub struct DayRules {
    pub(crate) market: Market,
    pub(crate) date: Date,
    pub(crate) since: Date,
    pub(crate) kind: DayKind,
    pub(crate) boards: Vec<BoardRules>,
    pub(crate) ticks: Vec<(String, Dated<TickTable>)>,
    pub(crate) vcm: Vec<Dated<Vcm>>,
    pub(crate) programme: Option<Dated<Programme>>,
}

impl DayRules {
    /// The market.
    pub fn market(&self) -> Market {
        self.market
    }

    /// The day.
    pub fn date(&self) -> Date {
        self.date
    }

    /// Full, half or no trading day.
    pub fn kind(&self) -> DayKind {
        self.kind
    }

    /// Every board, at the index of its [`BoardId`].
    pub fn boards(&self) -> &[BoardRules] {
        &self.boards
    }

    /// One board.
    pub fn board(&self, id: BoardId) -> Option<&BoardRules> {
        self.boards.get(usize::from(id.0))
    }

    /// The board with this name.
    pub fn board_named(&self, name: &str) -> Option<BoardId> {
        let place = self.boards.iter().position(|board| board.name == name)?;
        u8::try_from(place).ok().map(BoardId)
    }

    /// The board whose codes cover the security: six digits on the mainland, up to five in Hong Kong.
    ///
    /// ```
    /// use nofx_rules::RuleBook;
    /// use nofx_types::Market;
    /// let day = RuleBook::builtin(Market::Szse).on("2023-02-01".parse().unwrap()).unwrap();
    /// let name = |code| day.board_of(code).and_then(|id| day.board(id)).map(|b| b.name.as_str());
    /// assert_eq!((name("000001"), name("300750"), name("1")), (Some("main"), Some("chinext"), None));
    /// ```
    pub fn board_of(&self, symbol: &str) -> Option<BoardId> {
        let digits = symbol.bytes().all(|b| b.is_ascii_digit());
        let length = match self.market {
            Market::Sse | Market::Szse => symbol.len() == 6,
            Market::Hkex => (1..=5).contains(&symbol.len()),
        };
        let code = symbol.parse::<u32>().ok().filter(|_| digits && length)?;
        let covers =
            |board: &BoardRules| board.codes.iter().any(|(a, b)| (*a..=*b).contains(&code));
        let place = self.boards.iter().position(covers)?;
        u8::try_from(place).ok().map(BoardId)
    }

    /// The rules of one security.
    ///
    /// # Errors
    /// No board covers it, or its board, tick table or class is not one of the file.
    pub fn instrument(
        &self,
        symbol: &str,
        listing: &Listing,
    ) -> Result<InstrumentRules, RuleError> {
        self.find(symbol, listing).map_err(|lacks| match lacks {
            Lacks::Code => RuleError::NoBoard { market: self.market, symbol: symbol.to_owned() },
            Lacks::Board => self.missing("board", listing.board.unwrap_or(symbol)),
            Lacks::Tick => self.missing("tick", listing.tick_table.unwrap_or(symbol)),
            Lacks::Vcm => self.missing("vcm", symbol),
        })
    }

    /// As [`DayRules::instrument`], without an error to read: allocates nothing.
    pub fn instrument_or_none(&self, symbol: &str, listing: &Listing) -> Option<InstrumentRules> {
        self.find(symbol, listing).ok()
    }

    fn find(&self, symbol: &str, listing: &Listing) -> Result<InstrumentRules, Lacks> {
        let id = match listing.board {
            Some(name) => self.board_named(name).ok_or(Lacks::Board)?,
            None => self.board_of(symbol).ok_or(Lacks::Code)?,
        };
        let board = self.board(id).ok_or(Lacks::Board)?;
        let tick = match listing.tick_table {
            Some(name) => self.tick_table(name).ok_or(Lacks::Tick)?,
            None => board.tick,
        };
        let of_class = |class| self.vcm.iter().find(|vcm| vcm.rule.class == class).copied();
        let vcm = match listing.vcm {
            None => None,
            Some(class) => Some(of_class(class).ok_or(Lacks::Vcm)?),
        };
        Ok(board.instrument(id, listing, tick, vcm))
    }

    /// The tick table with this name.
    pub fn tick_table(&self, name: &str) -> Option<Dated<TickTable>> {
        self.ticks.iter().find(|(key, _)| key == name).map(|(_, table)| *table)
    }

    /// Today's sessions of a board, in order and without holes; empty on a closed day.
    pub fn sessions(&self, board: BoardId) -> &[Session] {
        let Some(board) = self.board(board) else { return &[] };
        match self.kind {
            DayKind::Full => &board.sessions,
            DayKind::Half => &board.half_day,
            DayKind::Closed => &[],
        }
    }

    /// The session of a board at a time of day, in nanoseconds since local midnight.
    ///
    /// ```
    /// use nofx_rules::{RuleBook, Stage};
    /// use nofx_types::{Market, Phase};
    /// let day = RuleBook::builtin(Market::Sse).on("2023-07-11".parse().unwrap()).unwrap();
    /// let board = day.board_of("600519").unwrap();
    /// let at = |h: u64, m: u64| day.session_at(board, (h * 60 + m) * 60_000_000_000);
    /// assert!(at(9, 16).cancels && !at(9, 21).cancels && at(9, 21).orders);
    /// assert_eq!((at(14, 57).phase, at(12, 0).phase), (Phase::ClosingAuction, Phase::Break));
    /// assert_eq!(at(3, 0).stage, Stage::Closed);
    /// ```
    pub fn session_at(&self, board: BoardId, time_ns: u64) -> Session {
        let sessions = self.sessions(board);
        let inside = |row: &&Session| row.from_ns <= time_ns && time_ns < row.until_ns;
        let (first, last) = (sessions.first(), sessions.last());
        sessions.iter().find(inside).copied().unwrap_or_else(|| match (first, last) {
            (Some(first), _) if time_ns < first.from_ns => {
                Session::closed(0, first.from_ns, first.since)
            }
            (_, Some(last)) => Session::closed(last.until_ns, u64::MAX, last.since),
            _ => Session::closed(0, u64::MAX, self.since),
        })
    }

    /// Thresholds of programme trading, where the market has them.
    pub fn programme(&self) -> Option<Dated<Programme>> {
        self.programme
    }

    /// What fills of a board's securities cost; `stamp`: stamp duty applies to the security.
    pub fn fees(&self, board: BoardId, stamp: bool, commission: Commission) -> Fees {
        let rows = self.board(board).map_or(&[][..], |board| &board.fees);
        Fees::new(rows.iter().filter(|fee| stamp || !fee.stamp).copied(), commission)
    }

    fn missing(&self, section: &'static str, name: &str) -> RuleError {
        RuleError::Missing {
            file: self.market.name().to_owned(),
            market: self.market,
            section,
            board: name.to_owned(),
            date: self.date,
        }
    }
}

impl BoardRules {
    fn instrument(
        &self,
        id: BoardId,
        listing: &Listing,
        tick: Dated<TickTable>,
        vcm: Option<Dated<Vcm>>,
    ) -> InstrumentRules {
        let mut lot = self.lot;
        if listing.lot > 0 {
            (lot.rule.min, lot.rule.step) = (listing.lot, listing.lot);
        }
        let mut settlement = self.settlement;
        if listing.same_day {
            settlement.rule.sellable_after_days = 0;
        }
        let computed = self.limit.rule.band(listing.previous_close, listing.status, &tick.rule);
        InstrumentRules {
            board: id,
            previous_close: listing.previous_close,
            tick,
            lot,
            band: Dated { rule: listing.limits.or(computed), since: self.limit.since },
            cage: self.cage,
            quotation: self.quotation,
            size: Dated { rule: self.size.rule.of_lot(lot.rule.min), since: self.size.since },
            settlement,
            short: self.short,
            designated: listing.short,
            vcm,
        }
    }
}
