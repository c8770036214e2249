//! What must be known before the first packet: which feed it is, when it starts, and which
//! instruments are meant by `strategy.trade`.
//!
//! Model: the start of the input is read once more than needed, by the same reader and the same feed
//! code as the run itself. The look ends as soon as every question is answered.

use std::collections::{HashMap, HashSet};

use nofx_feed::{PacketFeedKind, detect_packet_feed};
use nofx_net::detect::Container;
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Nanos, Symbol};

use super::source::ItemFeed;
use super::szse::is_gateway;
use crate::cli::FeedName;
use crate::config::Trade;
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::input::{Content, Group, InputOptions, Item, Reader, TcpEnds};

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
    reader.look_at_sessions();
    for _ in 0..DETECT_PACKETS {
        let found = match reader.next()? {
            None => break,
            Some(Item::Packet { payload, .. }) => match detect_packet_feed(payload) {
                Some(kind) => Some(name_of(kind)),
                None => is_gateway(payload).then_some(FeedName::Szse),
            },
            Some(Item::Segment { segment, .. }) => {
                is_gateway(segment.payload).then_some(FeedName::Szse)
            }
            Some(_) => None,
        };
        if let Some(name) = found {
            return Ok(name);
        }
    }
    Err(Failure::input(format!(
        "{}: no packet of a known feed among the first {DETECT_PACKETS}: name it with --feed",
        options.files.first().map(|f| f.display().to_string()).unwrap_or_default()
    )))
}

/// The name of a feed.
fn name_of(kind: PacketFeedKind) -> FeedName {
    match kind {
        PacketFeedKind::ItchMold => FeedName::ItchMold,
        PacketFeedKind::IexDeep => FeedName::IexDeep,
        PacketFeedKind::IexDeepPlus => FeedName::IexDeepPlus,
        PacketFeedKind::IexTops => FeedName::IexTops,
        PacketFeedKind::Omdc => FeedName::Omdc,
    }
}

/// Chooses what of the input is the feed's, where the user has not: the session of Shenzhen's
/// gateway, one channel of OMD-C.
///
/// # Errors
/// The input cannot be read.
pub fn choose(feed: FeedName, options: &mut InputOptions) -> Result<(), Failure> {
    match feed {
        FeedName::Szse => choose_session(options),
        FeedName::Omdc if options.groups.is_empty() => choose_channel(options),
        _ => Ok(()),
    }
}

/// The first session whose one side sends what only a gateway sends; none for datagrams.
fn choose_session(options: &mut InputOptions) -> Result<(), Failure> {
    let mut reader = Reader::open(options)?;
    reader.look_at_sessions();
    for _ in 0..DETECT_PACKETS {
        match reader.next()? {
            None => break,
            Some(Item::Segment { segment, .. }) if is_gateway(segment.payload) => {
                options.session = Some(TcpEnds::of(&segment));
                break;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Packets do not say of which channel they are, groups do: the first one is taken, with the group
/// that carries the same packets as its other line. With one channel all packets are its.
fn choose_channel(options: &mut InputOptions) -> Result<(), Failure> {
    let packets = groups(options)?;
    let mut order: Vec<_> = packets.iter().map(|(key, seen)| (seen.first, *key)).collect();
    order.sort_unstable();
    let Some((_, first)) = order.first().copied() else { return Ok(()) };
    let shared = |key: &(usize, Group)| {
        packets
            .get(key)
            .map_or(0, |seen| packets[&first].packets.intersection(&seen.packets).count())
    };
    let others = order.iter().map(|(_, key)| *key).filter(|key| *key != first);
    let two_files = options.line_b.is_some();
    // With a file for each line, the other line is looked for in the other file.
    let candidates = others.filter(|(line, _)| !two_files || *line != first.0);
    let second = candidates.filter(|key| shared(key) > 0).max_by_key(shared);
    let wanted = 1 + usize::from(second.is_some());
    let distinct = order.len();
    if distinct == wanted && (two_files || second.is_none()) {
        return Ok(());
    }
    let (ip, port) = first.1;
    let mut note = format!("OMD-C channel on {ip}:{port}");
    options.groups = vec![first.1];
    if let Some((_, group)) = second {
        note += &format!(" and {}:{}", group.0, group.1);
        options.groups.push(group);
    }
    if distinct > wanted {
        let others = distinct - wanted;
        note += &format!(" taken; {others} other groups are counted as other_group: see --lines");
    }
    options.notes.push(note);
    Ok(())
}

/// What was seen of a group: where it began, and its packets.
struct Seen {
    first: u64,
    packets: HashSet<Vec<u8>>,
}

/// The groups that carry OMD-C, each with its line.
fn groups(options: &InputOptions) -> Result<HashMap<(usize, Group), Seen>, Failure> {
    let mut found = HashMap::new();
    let mut reader = Reader::open(options)?;
    for _ in 0..DETECT_PACKETS {
        let Some(item) = reader.next()? else { break };
        let Item::Packet { line, number, to, payload, .. } = item else { continue };
        if detect_packet_feed(payload) != Some(PacketFeedKind::Omdc) {
            continue;
        }
        let seen = found
            .entry((line, to))
            .or_insert_with(|| Seen { first: number, packets: HashSet::new() });
        seen.packets.insert(payload.to_vec()); // no heartbeats: those tell no feed
    }
    Ok(found)
}

/// Engine time of the first item.
pub fn first_time(options: &InputOptions) -> Result<Nanos, Failure> {
    let mut reader = Reader::open(options)?;
    while let Some(item) = reader.next()? {
        if let Item::Packet { .. } | Item::Segment { .. } | Item::Tick(..) = item {
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
    named: &[Symbol],
    feed: F,
) -> Result<Vec<InstrumentId>, Failure> {
    let mut scout = Scout::new(trade, capacity, definitions)?;
    if !scout.done() {
        scout.look(Reader::open(options)?, named, feed)?;
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

    fn look<F: ItemFeed>(
        &mut self,
        mut reader: Reader,
        named: &[Symbol],
        mut feed: F,
    ) -> Result<(), Failure> {
        for (id, symbol) in reader.dbn_symbols() {
            feed.name(id, &symbol, self);
        }
        for symbol in named {
            feed.assign(*symbol, self);
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
