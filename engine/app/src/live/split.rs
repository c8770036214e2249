//! The split layout: a tile that only receives, and the link to the tile that trades.
//!
//! Model: the receive tile copies each datagram into a block and sends the block's right over a
//! ring; the trade tile lends it to the feed from where it lies and sends the right back. When the
//! link or the blocks run out, the newest datagram is lost and counted, and recovered like any loss.
//! It costs a copy and a hop, and buys a port that is emptied while the trade tile works.

use std::net::SocketAddrV4;
use std::sync::Arc;

use nofx_mailbox::view::LinkView;
use nofx_mailbox::{Heart, Views};
use nofx_net::frame::Datagram;
use nofx_net::port::{Arrival, BURST_MAX, Port, PortCounters, PortDescription, RxStamp, SendError};
use nofx_rt::clock::CycleClock;
use nofx_rt::link::{OverrunSender, Receiver, overrun};
use nofx_rt::pool::{Block, BlockView, Blocks};
use nofx_rt::ring::{HopConsumer, HopProducer, Pop, Push, hop};
use nofx_rt::tile::{Poll, TileStats, Work};
use nofx_rt::topology::{Policy, Stage, Topology};
use nofx_types::Nanos;

use super::clock::EngineClock;
use super::ports::AnyPort;
use super::shared::Shared;
use super::views::tile_view;
use crate::failure::Failure;

/// Bytes of a block: the longest datagram on Ethernet without fragments.
const BLOCK_BYTES: usize = 1_536;

/// A datagram on its way.
struct Parcel {
    block: Block,
    len: u16,
    src_port: u16,
    dst_port: u16,
    src: [u8; 4],
    dst: [u8; 4],
    at: RxStamp,
}

/// Takes datagrams off the ports and sends them on.
pub struct ReceiveTile {
    ports: Vec<AnyPort>,
    blocks: Blocks,
    view: BlockView,
    link: OverrunSender<HopProducer<Parcel>>,
    back: HopConsumer<Block>,
    shared: Option<Arc<Shared>>,
    pages: Option<ReceivePages>,
    depth: u64,
    /// Datagrams that no block held: too long, or none was free.
    pub dropped: u64,
}

/// What the receive tile shows of itself.
pub struct ReceivePages {
    /// View pages; this tile writes its own tile and link.
    pub views: Views,
    /// Its heartbeat.
    pub heart: Heart,
    /// Its row among the tiles.
    pub tile: usize,
    /// The row of its link.
    pub link: usize,
    /// Its core.
    pub core: Option<usize>,
    /// Turns cycles into nanoseconds.
    pub cycles: CycleClock,
    /// The engine's time.
    pub clock: EngineClock,
}

/// The trade tile's end of the link, as a port.
struct LinkPort {
    link: Receiver<HopConsumer<Parcel>>,
    back: HopProducer<Block>,
    view: BlockView,
    burst: [Option<Parcel>; BURST_MAX],
    count: usize,
    counters: PortCounters,
    described: PortDescription,
}

/// Gives the ports to a receive tile, where the layout has one; else they stay.
///
/// # Errors
/// No memory for the blocks, or a link that the layout needs is missing.
pub fn split(
    ports: Vec<AnyPort>,
    topology: &Topology,
) -> Result<(Vec<AnyPort>, Option<ReceiveTile>), Failure> {
    let (receive, trade) = (topology.tile_of(Stage::Receive), topology.tile_of(Stage::Feed));
    if receive == trade {
        return Ok((ports, None));
    }
    let link = topology.links.iter().find(|link| {
        link.ends()
            .zip(receive.zip(trade))
            .is_some_and(|((from, to), (receive, trade))| from == receive.name && to == trade.name)
    });
    let Some(link) = link else {
        return Err(Failure::usage("link: receive and trade are two tiles and have no link"));
    };
    if link.policy == Policy::Credit {
        return Err(Failure::usage(format!(
            "link.{}.policy: packets cannot wait on the wire: want overrun",
            link.name
        )));
    }
    // One block for each parcel on the link, those lent in a burst, and those on the way back.
    let count = link.depth + 2 * BURST_MAX;
    let blocks = Blocks::new(BLOCK_BYTES, count as u32)
        .map_err(|e| Failure::usage(format!("link.{}.depth: {e}", link.name)))?;
    let places: Vec<String> = ports.iter().map(|port| port.describe().to_string()).collect();
    let (sender, receiver) = overrun(hop(link.depth));
    let (back, returned) = hop(count);
    let view = blocks.view();
    let port = LinkPort {
        link: receiver,
        back,
        view: view.clone(),
        burst: [const { None }; BURST_MAX],
        count: 0,
        counters: PortCounters::default(),
        described: PortDescription {
            kind: format!("link {}", link.name),
            place: places.join("; "),
            mode: format!("{} deep, overruns", link.depth),
            notes: Vec::new(),
        },
    };
    let tile = ReceiveTile {
        ports,
        blocks,
        view,
        link: sender,
        back: returned,
        shared: None,
        pages: None,
        depth: link.depth as u64,
        dropped: 0,
    };
    Ok((vec![Box::new(port)], Some(tile)))
}

impl ReceiveTile {
    /// The tile ends when the run does, and shows itself on these pages.
    pub fn begin(&mut self, shared: Arc<Shared>, pages: ReceivePages) {
        self.shared = Some(shared);
        self.pages = Some(pages);
    }

    /// What the ports are and counted.
    pub fn port_counts(&mut self) -> Vec<(String, PortCounters)> {
        let ports = self.ports.iter_mut();
        ports.map(|port| (port.describe().to_string(), port.counters())).collect()
    }

    fn forward(&mut self, port: usize, index: usize) {
        let Some(port) = self.ports.get(port) else { return };
        let Arrival { datagram, at } = port.arrival(index);
        let Some(mut block) = self.blocks.take() else {
            self.dropped += 1;
            return;
        };
        let Some(place) = self.view.bytes_mut(&mut block).get_mut(..datagram.payload.len()) else {
            self.dropped += 1;
            return self.blocks.give(block);
        };
        place.copy_from_slice(datagram.payload);
        let parcel = Parcel {
            block,
            len: datagram.payload.len() as u16,
            src_port: datagram.src_port,
            dst_port: datagram.dst_port,
            src: datagram.src,
            dst: datagram.dst,
            at,
        };
        if let Some(refused) = self.link.send(parcel) {
            self.blocks.give(refused.block);
        }
    }
}

impl Work for ReceiveTile {
    fn poll(&mut self, _: usize) -> Poll {
        for _ in 0..BURST_MAX {
            let Some(block) = self.back.try_pop() else { break };
            self.blocks.give(block);
        }
        let mut taken = 0;
        for port in 0..self.ports.len() {
            let count = self.ports.get_mut(port).map_or(0, |port| port.poll());
            (0..count).for_each(|index| self.forward(port, index));
            taken += count;
        }
        if taken == 0 { Poll::Idle } else { Poll::Busy(taken) }
    }

    fn house_keeping(&mut self, _: u64, stats: &TileStats) {
        let Some(pages) = &mut self.pages else { return };
        let now = pages.clock.now();
        pages.heart.beat(now);
        let tile = tile_view(stats, &pages.cycles, pages.core, 0);
        pages.views.tile(now, pages.tile, &tile);
        let link = self.link.stats();
        let view = LinkView {
            depth: self.depth,
            used: self.blocks.capacity().saturating_sub(self.blocks.free()) as u64,
            high_water: link.high_water,
            carried: link.sent,
            overruns: link.refused + self.dropped,
            stalls: 0,
        };
        pages.views.link(now, pages.link, &view);
    }

    fn stop(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| Shared::is(&shared.tile_ended))
    }
}

impl Port for LinkPort {
    fn poll(&mut self) -> usize {
        for parcel in self.burst.iter_mut().take(self.count).filter_map(Option::take) {
            // There is room for every block there is.
            let _ = self.back.try_push(parcel.block);
        }
        self.count = 0;
        for place in &mut self.burst {
            let Some(parcel) = self.link.receive() else { break };
            self.counters.rx_bytes += u64::from(parcel.len);
            *place = Some(parcel);
            self.count += 1;
        }
        self.counters.rx_packets += self.count as u64;
        self.counters.burst(self.count);
        self.count
    }

    fn arrival(&self, index: usize) -> Arrival<'_> {
        let empty = Datagram {
            src: [0; 4],
            dst: [0; 4],
            src_port: 0,
            dst_port: 0,
            payload: &[],
            ts_ns: Nanos(0),
        };
        let Some(Some(parcel)) = self.burst.get(index) else {
            return Arrival { datagram: empty, at: RxStamp::default() };
        };
        let payload = self.view.bytes(&parcel.block).get(..parcel.len.into()).unwrap_or(&[]);
        let datagram = Datagram {
            src: parcel.src,
            dst: parcel.dst,
            src_port: parcel.src_port,
            dst_port: parcel.dst_port,
            payload,
            ts_ns: parcel.at.wall,
        };
        Arrival { datagram, at: parcel.at }
    }

    fn send(&mut self, _: SocketAddrV4, _: &[u8]) -> Result<(), SendError> {
        Err(SendError::Unreachable)
    }

    fn flush(&mut self) {}

    fn counters(&mut self) -> PortCounters {
        let mut counters = self.counters.clone();
        counters.drops = vec![("overrun", self.link.lost())];
        counters
    }

    fn describe(&self) -> PortDescription {
        self.described.clone()
    }
}
