//! Boards for the tests: three markets, days of a few real minutes.
#![allow(dead_code)] // each test file uses its part

use nofx_rules::RuleBook;
use nofx_types::{Date, Market, Nanos, Price, Qty, Side, Symbol};
use nofx_venue::board::{Board, BoardConfig, Kind, Owner, Said, SecurityConfig};
use nofx_venue::gateway::{Ask, Entry, Label, Tell};

pub const MINUTE: u64 = 60_000_000_000;

pub fn date(text: &str) -> Date {
    text.parse().expect("a day")
}

pub fn security(symbol: &str, close: &str) -> SecurityConfig {
    SecurityConfig {
        symbol: symbol.into(),
        previous_close: close.into(),
        ..SecurityConfig::default()
    }
}

/// The usual securities of a market, on two channels.
pub fn securities(market: Market) -> Vec<SecurityConfig> {
    let mut rows = match market {
        Market::Sse => vec![
            security("600519", "18.60"),
            security("688111", "45.00"),
            security("600000", "7.35"),
        ],
        Market::Szse => vec![
            security("300750", "22.50"),
            security("000001", "13.20"),
            security("300059", "5.61"),
        ],
        Market::Hkex => {
            let hong_kong = |symbol: &str, close: &str, lot| SecurityConfig {
                lot,
                short: true,
                vcm: Some(nofx_rules::VcmClass::Large),
                ..security(symbol, close)
            };
            vec![
                hong_kong("700", "352.40", 100),
                hong_kong("5", "48.65", 400),
                hong_kong("1810", "9.80", 200),
            ]
        }
    };
    for (index, row) in rows.iter_mut().enumerate() {
        row.channel = 1 + (index % 2) as u16;
    }
    rows
}

pub fn board_on(config: BoardConfig, market: Market, day: &str) -> Board {
    let rules = RuleBook::builtin(market).on(date(day)).expect("rules of the day");
    Board::new(config, rules, None).expect("a board")
}

/// A busy day in real hours with few requests, so that a test can play it whole.
pub fn busy(market: Market, seed: u64) -> BoardConfig {
    let mut config = BoardConfig { seed, levels: true, ..BoardConfig::default() };
    config.securities = securities(market);
    config.flow.rate = 1;
    config.flow.resting = 60;
    config.flow.news = 30;
    config.indicative_ms = 20_000;
    // Two hours of each continuous session would be too many requests.
    config.course.lengths_ms = [("continuous", 1_200_000), ("pause", 5_000), ("break", 5_000)]
        .map(|(name, ms)| (name.to_owned(), ms))
        .into();
    config
}

/// A day of the market for which its rules are as wanted.
pub fn usual_day(market: Market) -> &'static str {
    match market {
        Market::Sse => "2023-07-11",
        Market::Szse => "2022-06-01", // parking on ChiNext
        Market::Hkex => "2025-09-01",
    }
}

/// A board with a firm that does everything by hand.
pub struct Hand {
    pub board: Board,
    pub now: u64,
    pub account: &'static str,
    next: u64,
}

pub const FIRM: Owner = Owner(1);

impl Hand {
    pub fn new(board: Board) -> Hand {
        let now = board.now().0;
        Hand { board, now, account: "A1", next: 0 }
    }

    /// Lets the day go on to a time of its own clock, `HH:MM:SS`.
    pub fn at(&mut self, clock: &str) -> &mut Hand {
        let mut parts = clock.split(':').map(|part| part.parse::<u64>().expect("a number"));
        let mut next = || parts.next().unwrap_or(0);
        let of_day = (next() * 3_600 + next() * 60 + next()) * 1_000_000_000;
        self.now = self.board.date().midnight_ns(8) + of_day;
        self.board.turn(Nanos(self.now));
        self
    }

    pub fn send(&mut self, ask: &Ask) -> Vec<Tell> {
        self.board.ask(FIRM, Nanos(self.now), ask);
        std::iter::from_fn(|| self.board.next_tell()).map(|(_, tell)| tell).collect()
    }

    /// A new order with a price in 1/10,000; its id and all that is told.
    pub fn new_order(
        &mut self,
        symbol: &str,
        side: Side,
        kind: Kind,
        price: i64,
        qty: u64,
    ) -> (u64, Vec<Tell>) {
        self.next += 1;
        let id = self.next;
        let entry = Entry {
            id,
            symbol: Symbol::new(symbol).expect("a symbol"),
            side,
            kind,
            price: Price(price),
            qty: Qty(qty),
            short: false,
            account: Label::of(self.account.as_bytes()).expect("a label"),
            programme: false,
        };
        (id, self.send(&Ask::New(entry)))
    }

    pub fn short(&mut self, symbol: &str, price: i64, qty: u64) -> Vec<Tell> {
        self.next += 1;
        let entry = Entry {
            id: self.next,
            symbol: Symbol::new(symbol).expect("a symbol"),
            side: Side::Sell,
            kind: Kind::Limit,
            price: Price(price),
            qty: Qty(qty),
            short: true,
            account: Label::of(self.account.as_bytes()).expect("a label"),
            programme: false,
        };
        self.send(&Ask::New(entry))
    }

    pub fn cancel(&mut self, orig: u64) -> Vec<Tell> {
        self.next += 1;
        let id = self.next;
        self.send(&Ask::Cancel { id, orig })
    }

    pub fn said(&mut self) -> Vec<Said> {
        std::iter::from_fn(|| self.board.next_said()).collect()
    }
}

/// The reason of a refusal, `None` where it was taken.
pub fn why(told: &[Tell]) -> Option<nofx_venue::gateway::Why> {
    told.iter().find_map(|tell| match tell {
        Tell::Rejected { why, .. } => Some(*why),
        _ => None,
    })
}
