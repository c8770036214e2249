//! What the venue says to the public, by the sockets of its market.
//!
//! | market | live | what was missed |
//! |---|---|---|
//! | Hong Kong | multicast lines A and B | TCP retransmission, refresh line |
//! | Shenzhen | TCP gateway | re-transmission on the same session |
//! | Shanghai | a file of ticks | |

use nofx_ticks::TickWriter;
use nofx_types::{Market, Nanos};
use nofx_venue::board::{Board, Said};
use nofx_venue::exchange::LineConfig;
use nofx_venue::publish::omdc::{
    OmdcConfig, OmdcPublisher, Retransmission, RetransmissionConfig, RetransmissionSession,
};
use nofx_venue::publish::sse;
use nofx_venue::publish::szse::{SzseConfig, SzsePublisher, SzseSession, SzseSessionConfig};

use super::clients::Clients;
use super::config::{BoardVenueConfig, RefreshSection};
use crate::failure::Failure;
use crate::venue::wire::Wire;

/// Connections of a recovery service at one time.
const CLIENTS_MAX: usize = 64;

/// The public side of a venue.
pub enum MarketData {
    /// Hong Kong.
    Omdc(Box<Omdc>),
    /// Shenzhen.
    Szse(Box<Szse>),
    /// Shanghai.
    Sse(Option<TickWriter>),
}

/// OMD-C.
pub struct Omdc {
    publisher: OmdcPublisher,
    /// Lines A and B.
    pub wires: Vec<Wire>,
    refresh: Option<(Wire, u64)>,
    refreshed: Nanos,
    retransmission: Option<(Retransmission, Clients<RetransmissionSession>)>,
}

/// Binary Level-2.
pub struct Szse {
    publisher: SzsePublisher,
    gateway: Option<(SzseSessionConfig, Clients<SzseSession>)>,
}

impl MarketData {
    /// Opens the sockets of the board's market.
    ///
    /// # Errors
    /// An address in use, an interface that is not here, a file that cannot be written.
    pub fn open(config: &BoardVenueConfig, board: &Board) -> Result<MarketData, Failure> {
        Ok(match board.market() {
            Market::Hkex => MarketData::Omdc(Box::new(Omdc::open(config, board)?)),
            Market::Szse => MarketData::Szse(Box::new(Szse::open(config, board)?)),
            Market::Sse => {
                let file = config.ticks.as_ref().map(|ticks| &ticks.file);
                let writer = file.map(|file| TickWriter::create(file, Market::Sse)).transpose();
                MarketData::Sse(writer.map_err(Failure::output)?)
            }
        })
    }

    /// How the day begins.
    pub fn begin(&mut self, now: Nanos, board: &Board) {
        if let MarketData::Omdc(omdc) = self {
            let Omdc { publisher, wires, .. } = &mut **omdc;
            publisher.open(now, board, &mut |_, _, packet: &[u8]| spread(wires, packet));
        }
    }

    /// One fact.
    ///
    /// # Errors
    /// The file of ticks cannot be written.
    pub fn say(&mut self, said: &Said, board: &Board) -> Result<(), Failure> {
        match self {
            MarketData::Omdc(omdc) => {
                let Omdc { publisher, wires, .. } = &mut **omdc;
                publisher.say(said, board, &mut |_, _, packet: &[u8]| spread(wires, packet));
            }
            MarketData::Szse(szse) => {
                let Szse { publisher, gateway } = &mut **szse;
                let mut frames = Frames { gateway: gateway.as_mut().map(|(_, clients)| clients) };
                publisher.say(said, board, &mut |at, _, frame: &[u8]| frames.send(at, frame));
            }
            MarketData::Sse(Some(writer)) => {
                if let Some(tick) = sse::tick(said, board) {
                    writer.write(&tick).map_err(Failure::output)?;
                }
            }
            MarketData::Sse(None) => {}
        }
        Ok(())
    }

    /// Once every fact was said: what is due by the clock, and what clients ask for. Whether anything
    /// was done.
    pub fn turn(&mut self, now: Nanos, board: &Board) -> bool {
        match self {
            MarketData::Omdc(omdc) => omdc.turn(now, board),
            MarketData::Szse(szse) => szse.turn(now, board),
            MarketData::Sse(_) => false,
        }
    }

    /// Takes new clients: now and then.
    pub fn accept(&mut self, now: Nanos) {
        match self {
            MarketData::Omdc(omdc) => {
                if let Some((_, clients)) = &mut omdc.retransmission {
                    clients.accept(|| RetransmissionSession::new(now));
                }
            }
            MarketData::Szse(szse) => {
                if let Some((config, clients)) = &mut szse.gateway {
                    clients.accept(|| SzseSession::new(config.clone(), now));
                }
            }
            MarketData::Sse(_) => {}
        }
    }

    /// The end of the day: what is still open leaves.
    ///
    /// # Errors
    /// The file of ticks cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        match self {
            MarketData::Omdc(omdc) => {
                let Omdc { publisher, wires, .. } = &mut **omdc;
                publisher.flush(&mut |_, _, packet: &[u8]| spread(wires, packet));
            }
            MarketData::Sse(writer) => {
                if let Some(writer) = writer.take() {
                    writer.finish().map_err(Failure::output)?;
                }
            }
            MarketData::Szse(_) => {}
        }
        Ok(())
    }

    /// The multicast lines, A first; none where the market has none.
    pub fn wires(&mut self) -> &mut [Wire] {
        match self {
            MarketData::Omdc(omdc) => &mut omdc.wires,
            MarketData::Szse(_) | MarketData::Sse(_) => &mut [],
        }
    }

    /// Cuts the clients of the market data gateway or of the retransmission server.
    pub fn hang_up(&mut self) -> bool {
        match self {
            MarketData::Omdc(omdc) => {
                omdc.retransmission.as_mut().is_some_and(|(server, clients)| {
                    clients.hang_up_all(|session| server.end(session))
                })
            }
            MarketData::Szse(szse) => {
                szse.gateway.as_mut().is_some_and(|(_, clients)| clients.hang_up_all(|_| {}))
            }
            MarketData::Sse(_) => false,
        }
    }

    /// Where the TCP service listens.
    pub fn address(&self) -> String {
        match self {
            MarketData::Omdc(omdc) => {
                omdc.retransmission.as_ref().map_or(String::new(), |(_, c)| c.address())
            }
            MarketData::Szse(szse) => {
                szse.gateway.as_ref().map_or(String::new(), |(_, c)| c.address())
            }
            MarketData::Sse(_) => String::new(),
        }
    }

    /// Counts by name.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let named = |away: u64, slow: u64| {
            [("clients_turned_away", away), ("clients_too_slow", slow)]
                .map(|(name, count)| (name.to_owned(), count))
                .to_vec()
        };
        match self {
            MarketData::Omdc(omdc) => match &omdc.retransmission {
                Some((_, clients)) => named(clients.turned_away, clients.too_slow),
                None => Vec::new(),
            },
            MarketData::Szse(szse) => match &szse.gateway {
                Some((_, clients)) => named(clients.turned_away, clients.too_slow),
                None => Vec::new(),
            },
            MarketData::Sse(_) => Vec::new(),
        }
    }
}

fn spread(wires: &mut [Wire], packet: &[u8]) {
    wires.iter_mut().for_each(|wire| wire.send(packet));
}

impl Omdc {
    fn open(config: &BoardVenueConfig, board: &Board) -> Result<Omdc, Failure> {
        let seed = |at: usize| config.board.seed ^ (0x4c49_4e45 << at);
        let wires = config.lines.iter().enumerate().map(|(at, line)| Wire::open(line, seed(at)));
        let refresh = |section: RefreshSection| {
            let RefreshSection { group, interface, every_ms } = section;
            let wire = Wire::open(&LineConfig { group, interface, loss_ppm: 0 }, 0)?;
            Ok::<_, Failure>((wire, u64::from(every_ms) * 1_000_000))
        };
        let retransmission = config.retransmission.as_ref().map(|section| {
            let server = Retransmission::new(RetransmissionConfig {
                users: section.users.clone(),
                range_max: section.range_max,
                requests_max: section.requests_max,
                ..RetransmissionConfig::default()
            });
            let clients = Clients::open("retransmission.listen", section.listen, CLIENTS_MAX)?;
            Ok::<_, Failure>((server, clients))
        });
        let publisher = OmdcPublisher::new(OmdcConfig::default(), board);
        if publisher.channels().count() > 1 {
            return Err(Failure::usage(
                "board.securities.channel: the lines of this process carry one channel",
            ));
        }
        Ok(Omdc {
            publisher,
            wires: wires.collect::<Result<_, _>>()?,
            refresh: config.refresh.map(refresh).transpose()?,
            refreshed: Nanos(0),
            retransmission: retransmission.transpose()?,
        })
    }

    fn turn(&mut self, now: Nanos, board: &Board) -> bool {
        let Omdc { publisher, wires, refresh, refreshed, retransmission } = self;
        publisher.turn(now, board, &mut |_, _, packet: &[u8]| spread(wires, packet));
        if let Some((wire, every)) = refresh
            && now.since(*refreshed) >= *every
        {
            *refreshed = now;
            // A cycle names the last live message it holds, so that must have left.
            publisher.flush(&mut |_, _, packet: &[u8]| spread(wires, packet));
            let channels: Vec<u16> = publisher.channels().collect();
            for channel in channels {
                let mut send = |_: Nanos, _: u16, packet: &[u8]| wire.send(packet);
                publisher.refresh(now, channel, board, &mut send);
            }
        }
        let Some((server, clients)) = retransmission else { return false };
        let answered = clients.take(|session, bytes, out| {
            server.answer(session, publisher, now, bytes, out);
        });
        clients.tell(|session, out| server.turn(session, now, out));
        let sent = clients.give(RetransmissionSession::is_closed, |session| server.end(session));
        answered | sent
    }
}

impl Szse {
    fn open(config: &BoardVenueConfig, board: &Board) -> Result<Szse, Failure> {
        let gateway = config.market_data.as_ref().map(|section| {
            let session = SzseSessionConfig {
                sender: section.sender.clone(),
                password: section.password.clone(),
                resend_max: section.resend_max.into(),
            };
            let clients = Clients::open("market_data.listen", section.listen, CLIENTS_MAX)?;
            Ok::<_, Failure>((session, clients))
        });
        let publisher = SzsePublisher::new(SzseConfig::default(), board);
        Ok(Szse { publisher, gateway: gateway.transpose()? })
    }

    fn turn(&mut self, now: Nanos, board: &Board) -> bool {
        let Szse { publisher, gateway } = self;
        {
            let mut frames = Frames { gateway: gateway.as_mut().map(|(_, clients)| clients) };
            publisher.turn(now, board, &mut |at, _, frame: &[u8]| frames.send(at, frame));
        }
        let Some((_, clients)) = gateway else { return false };
        let answered =
            clients.take(|session, bytes, out| session.answer(publisher, now, bytes, out));
        clients.tell(|session, out| session.turn(now, out));
        answered | clients.give(SzseSession::is_closed, |_| {})
    }
}

/// Frames of the publisher to every client that is logged on.
struct Frames<'a> {
    gateway: Option<&'a mut Clients<SzseSession>>,
}

impl Frames<'_> {
    fn send(&mut self, at: Nanos, frame: &[u8]) {
        if let Some(clients) = &mut self.gateway {
            clients.tell(|session, out| session.send(at, frame, out));
        }
    }
}
