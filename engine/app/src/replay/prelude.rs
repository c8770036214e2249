//! What must be known before the first packet: which feed it is, when it starts, and which
//! instruments are meant by `strategy.trade`.
//!
//! Model: the start of the input is read once more than needed, by the same reader and the same feed
//! code as the run itself. The look ends as soon as every question is answered.

use nofx_feed::detect_packet_feed;
use nofx_net::detect::Container;
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Nanos, Symbol};

use super::source::ItemFeed;
use crate::cli::FeedName;
use crate::config::Trade;
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::input::{Content, InputOptions, Item, Reader};

/// Packets looked at to recognise a feed.
const DETECT_PACKETS: u64 = 10_000;
/// Items without a new definition after which no further one is expected.
const QUIET_ITEMS: u64 = 100_000;

/// Recognises the feed of the input.
pub fn detect(options: &InputOptions) -> Result<FeedName, Failure> {
    let mut reader = Reader::open(options)?;
    match reader.content() {
        Content::Ticks => return Ok(FeedName::Ticks),
        Content::Container(Container::BinaryFile) => return Ok(FeedName::ItchFile),
        Content::Container(Container::Dbn) => return Ok(FeedName::Dbn),
        Content::Container(Container::Pcap | Container::PcapNg) => {}
    }
    for _ in 0..DETECT_PACKETS {
        let Some(item) = reader.next()? else { break };
        if let Item::Packet { payload, .. } = item
            && let Some(found) = detect_packet_feed(payload)
            && let Some(name) = name_of(found)
        {
            return Ok(name);
        }
    }
    Err(Failure::input(format!(
        "{}: no packet of a known feed among the first {DETECT_PACKETS}: name it with --feed",
        options.files.first().map(|f| f.display().to_string()).unwrap_or_default()
    )))
}

/// The name of a feed; `None` for one that is not replayed from packets.
fn name_of(kind: nofx_feed::PacketFeedKind) -> Option<FeedName> {
    use nofx_feed::PacketFeedKind as K;
    Some(match kind {
        K::ItchMold => FeedName::ItchMold,
        K::IexDeep => FeedName::IexDeep,
        K::IexDeepPlus => FeedName::IexDeepPlus,
        K::IexTops => FeedName::IexTops,
        K::Omdc => return None,
    })
}

/// Engine time of the first item.
pub fn first_time(options: &InputOptions) -> Result<Nanos, Failure> {
    let mut reader = Reader::open(options)?;
    while let Some(item) = reader.next()? {
        if let Item::Packet { .. } | Item::Tick(..) = item {
            return Ok(item.time().unwrap_or_default());
        }
        if !matches!(item, Item::Skipped) {
            break;
        }
    }
    Ok(Nanos(0))
}

/// The instruments that `trade` means, in the order in which the feed defines them.
pub fn traded<F: ItemFeed>(
    trade: &Trade,
    options: &InputOptions,
    capacity: u32,
    definitions: &Definitions,
    feed: F,
) -> Result<Vec<InstrumentId>, Failure> {
    let mut scout = Scout::new(trade, capacity, definitions)?;
    if !scout.done() {
        scout.look(Reader::open(options)?, feed)?;
    }
    scout.result()
}

/// Collects definitions until the wanted instruments are known.
struct Scout<'a> {
    definitions: &'a Definitions,
    found: Vec<InstrumentId>,
    missing: Vec<(Symbol, String)>,
    first: usize,
    news: bool,
}

impl<'a> Scout<'a> {
    fn new(trade: &Trade, capacity: u32, definitions: &'a Definitions) -> Result<Self, Failure> {
        let mut scout =
            Scout { definitions, found: Vec::new(), missing: Vec::new(), first: 0, news: false };
        match trade {
            Trade::All => scout.found = (0..capacity).map(InstrumentId).collect(),
            Trade::First(n) => scout.first = *n,
            Trade::Named(names) => {
                for name in names {
                    scout.want(name.trim(), capacity)?;
                }
            }
        }
        Ok(scout)
    }

    fn want(&mut self, name: &str, capacity: u32) -> Result<(), Failure> {
        let wrong = |what: &str| Failure::usage(format!("strategy.trade: {name:?} {what}"));
        if let Some(locate) = name.strip_prefix("locate:") {
            let locate: u32 = locate.parse().map_err(|_| wrong("is no locate:N"))?;
            if locate >= capacity {
                return Err(wrong("is outside the table: raise instruments.capacity"));
            }
            self.found.push(InstrumentId(locate));
            return Ok(());
        }
        let symbol = Symbol::new(name)
            .filter(|s| *s != Symbol::NONE)
            .ok_or_else(|| wrong("is no symbol: want 1 to 8 characters"))?;
        self.missing.push((symbol, name.to_owned()));
        Ok(())
    }

    fn done(&self) -> bool {
        self.missing.is_empty() && self.found.len() >= self.first
    }

    fn look<F: ItemFeed>(&mut self, mut reader: Reader, mut feed: F) -> Result<(), Failure> {
        for (id, symbol) in reader.dbn_symbols() {
            feed.name(id, &symbol, self);
        }
        for instrument in reader.tick_instruments() {
            feed.define(&instrument, self);
        }
        let mut quiet = 0;
        while !self.done() && quiet < QUIET_ITEMS {
            let Some(item) = reader.next()? else { break };
            self.news = false;
            feed.take(&item, self);
            quiet = if self.news { 0 } else { quiet + 1 };
        }
        Ok(())
    }

    fn result(self) -> Result<Vec<InstrumentId>, Failure> {
        match self.missing.first() {
            None => Ok(self.found),
            Some((_, name)) => Err(Failure::usage(format!(
                "strategy.trade: the feed names no {name:?} at its start: give locate:N, or a symbol \
                 that it has"
            ))),
        }
    }
}

impl EventSink for Scout<'_> {
    fn on_event(&mut self, _: &BookEvent) {}

    fn on_definition(&mut self, instrument: &Instrument) {
        self.news = true;
        let whole = self.definitions.complete(instrument);
        if let Some(at) = self.missing.iter().position(|(symbol, _)| *symbol == whole.symbol) {
            self.missing.swap_remove(at);
            self.found.push(whole.id);
        }
        let tradable = whole.flags.defined && !whole.flags.test;
        if tradable && self.found.len() < self.first && !self.found.contains(&whole.id) {
            self.found.push(whole.id);
        }
    }
}
