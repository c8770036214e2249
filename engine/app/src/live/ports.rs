//! From the configuration to open ports and streams.

use std::net::{Ipv4Addr, SocketAddrV4};

use nofx_net::datagrams::{Datagrams, DatagramsConfig};
#[cfg(feature = "dpdk")]
use nofx_net::dpdk::{DpdkConfig, DpdkPort};
use nofx_net::packet::{Packet, PacketConfig};
use nofx_net::port::{FramePort, OpenError, Port};
use nofx_net::stream::tcp::{KernelTcp, TcpConfig};
use nofx_net::stream::{SmolConfig, SmolRole, SmolTcp, Stream};
use nofx_net::udp::{Udp, UdpConfig, UdpLine};
use nofx_net::xsk::{self, XskPort};

use super::clock::wall;
use super::config::{FeedKind, Line, NetworkSection, PortKind, RecoverySection, XskMode, ZeroCopy};
use crate::failure::Failure;

/// A port that a tile may own.
pub type AnyPort = Box<dyn Port + Send>;

/// The ports of all lines: one for kernel sockets, else one for each interface.
///
/// # Errors
/// In words: what could not be opened, why, and what to do.
pub fn open_lines(network: &NetworkSection) -> Result<Vec<AnyPort>, Failure> {
    if network.heard().next().is_none() {
        return Ok(Vec::new()); // the feed lives on its stream
    }
    if network.port == PortKind::Udp {
        return Ok(vec![open_udp(network)?]);
    }
    let mut interfaces: Vec<&str> = network.heard().map(|l| l.interface.as_str()).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    interfaces.into_iter().map(|interface| open_frames(network, interface)).collect()
}

fn open_udp(network: &NetworkSection) -> Result<AnyPort, Failure> {
    let lines = network
        .heard()
        .map(|line| UdpLine { address: line.group, interface: line.interface.clone() });
    let config = UdpConfig {
        lines: lines.collect(),
        receive_buffer: network.buffer_kib as usize * 1_024,
        ..UdpConfig::default()
    };
    Ok(Box::new(Udp::open(config).map_err(failed)?))
}

fn open_frames(network: &NetworkSection, interface: &str) -> Result<AnyPort, Failure> {
    let here = |line: &&Line| line.interface == interface;
    let groups: Vec<SocketAddrV4> = network.heard().filter(here).map(|l| l.group).collect();
    match network.port {
        PortKind::Xsk => {
            let config = xsk_config(network, interface, &groups);
            Ok(datagrams(XskPort::open(&config).map_err(failed)?, groups))
        }
        PortKind::Packet => {
            let mut config = PacketConfig::new(interface);
            config.groups = groups.iter().map(|group| *group.ip()).collect();
            config.receive_slots = network.buffer_kib as usize / 2; // slots of 2 KiB
            Ok(datagrams(Packet::open(&config).map_err(failed)?, groups))
        }
        PortKind::Dpdk => dpdk(interface, groups),
        PortKind::Udp => open_udp(network),
    }
}

#[cfg(feature = "dpdk")]
fn dpdk(interface: &str, groups: Vec<SocketAddrV4>) -> Result<AnyPort, Failure> {
    let config = DpdkConfig::for_place(interface, groups.iter().map(|group| *group.ip()));
    let port = DpdkPort::open(&config).map_err(failed)?;
    Ok(datagrams(port, groups))
}

#[cfg(not(feature = "dpdk"))]
fn dpdk(_: &str, _: Vec<SocketAddrV4>) -> Result<AnyPort, Failure> {
    Err(Failure::usage(
        "network.port = \"dpdk\": this nofx was built without it; build with --features dpdk \
         (scripts/setup-dpdk installs what that needs)",
    ))
}

/// Only listens: what is sent by recovery goes through a socket of its own.
fn datagrams(port: impl FramePort + Send + 'static, groups: Vec<SocketAddrV4>) -> AnyPort {
    let mut config = DatagramsConfig::new(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
    config.lines = groups;
    Box::new(Datagrams::new(port, config))
}

fn xsk_config(
    network: &NetworkSection,
    interface: &str,
    groups: &[SocketAddrV4],
) -> xsk::XskConfig {
    let section = &network.xsk;
    let frames = section.frames;
    xsk::XskConfig {
        interface: interface.to_owned(),
        queues: section.queues.clone(),
        mode: match section.mode {
            XskMode::Auto => xsk::Mode::Auto,
            XskMode::Native => xsk::Mode::Native,
            XskMode::Generic => xsk::Mode::Generic,
        },
        zero_copy: match section.zero_copy {
            ZeroCopy::Wanted => xsk::ZeroCopy::Wanted,
            ZeroCopy::Required => xsk::ZeroCopy::Required,
            ZeroCopy::Off => xsk::ZeroCopy::Off,
        },
        need_wakeup: section.need_wakeup,
        frames,
        rx_ring: frames,
        fill_ring: frames,
        tx_ring: 64,
        completion_ring: 64,
        flows: groups.iter().map(|group| (*group.ip(), group.port())).collect(),
        hook_stamp: section.hook_stamp,
        ..xsk::XskConfig::default()
    }
}

/// The socket that asks re-request servers and hears their answers.
///
/// # Errors
/// No socket, or no route to the first server.
pub fn open_replies(
    network: &NetworkSection,
    recovery: &RecoverySection,
) -> Result<Option<AnyPort>, Failure> {
    if recovery.servers.is_empty() || network.feed != FeedKind::Itch {
        return Ok(None);
    }
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let line = UdpLine { address: any, interface: String::new() };
    let config = UdpConfig { lines: vec![line], ..UdpConfig::default() };
    Ok(Some(Box::new(Udp::open(config).map_err(failed)?)))
}

/// A kernel stream to `remote`, not yet connected.
pub fn stream_to(remote: SocketAddrV4) -> Box<dyn Stream + Send> {
    Box::new(KernelTcp::new(TcpConfig::to(remote)))
}

/// The stream to the order gateway, not yet connected: the kernel's TCP, or one of our own over
/// AF_XDP.
///
/// # Errors
/// No gateway, or the interface cannot be opened.
pub fn open_orders(network: &NetworkSection) -> Result<Box<dyn Stream + Send>, Failure> {
    let remote = network.orders.ok_or_else(|| Failure::usage("network.orders: not set"))?;
    let Some(own) = &network.own_tcp else { return Ok(stream_to(remote)) };
    let xsk = xsk_config(network, &own.interface, &[]);
    let frames = network.xsk.frames;
    let xsk = xsk::XskConfig {
        own_ip: Some(own.address),
        hook_stamp: false,
        // Half of the frames send: a window of messages, and what the card has not confirmed.
        tx_ring: frames / 2,
        completion_ring: frames / 2,
        ..xsk
    };
    let port = XskPort::open(&xsk).map_err(failed)?;
    let mut config = SmolConfig::new(own.address, SmolRole::Client(remote));
    config.prefix = own.prefix;
    let stream = SmolTcp::new(port, &config, wall());
    let stream = stream.map_err(|e| Failure::usage(format!("network.own_tcp: {e}")))?;
    Ok(Box::new(stream))
}

fn failed(error: OpenError) -> Failure {
    Failure::usage(error)
}
