//! The filter at the driver hook: which frames go to the socket, and why the others did not.
//!
//! ```text
//!  Ethernet ─ IPv4, no options, no fragment ┬ to own_ip ──────────────────────> socket
//!           │                               └ UDP, (address, port) in flows ──> socket
//!           ├ ARP for own_ip ─────────────────────────────────────────────────> socket
//!           └ everything else ────────────────────────────────────────────────> kernel, counted
//! ```
//!
//! Offsets are fixed, so a frame with a VLAN tag, with IP options or a fragment cannot be matched:
//! it stays with the kernel and is counted under that reason. Nothing is ever dropped here.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::asm::{Assembler, Helper, R0, R1, R2, R3, R4, R5, R6, R7, R10, Width};
use super::bpf::{self, MapKind};
use super::error::{self, Result};

/// Flows that the filter can hold.
pub const FLOWS_MAX: u32 = 1024;

/// Bytes that the program puts before a frame: CLOCK_MONOTONIC at the hook, u64, native order.
pub(super) const STAMP_LEN: u64 = 8;

const ETHERTYPE_AT: i16 = 12;
const IP_AT: i16 = 14;
const ARP_TARGET_AT: i16 = 38;
/// Ethernet, IPv4 and UDP; an ARP packet is as long.
const HEADERS: i32 = 14 + 20 + 8;
const XDP_PASS: i32 = 2;

/// Why the filter left a frame with the kernel. The number is the slot in the counter map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Passed {
    Short = 0,
    Vlan = 1,
    IpOptions = 2,
    Fragment = 3,
    OtherProtocol = 4,
    OtherFlow = 5,
    QueueNotBound = 6,
}

impl Passed {
    pub(super) const NAMES: [&str; 7] = [
        "pass_short",
        "pass_vlan",
        "pass_ip_options",
        "pass_fragment",
        "pass_other_protocol",
        "pass_other_flow",
        "pass_queue_not_bound",
    ];

    const ALL: [Passed; 7] = [
        Passed::Short,
        Passed::Vlan,
        Passed::IpOptions,
        Passed::Fragment,
        Passed::OtherProtocol,
        Passed::OtherFlow,
        Passed::QueueNotBound,
    ];
}

/// Key of the flow map: address and port as they stand in the packet, and two zero bytes.
type FlowKey = [u8; 8];

fn key(address: Ipv4Addr, port: u16) -> FlowKey {
    let ([a, b, c, d], [high, low]) = (address.octets(), port.to_be_bytes());
    [a, b, c, d, high, low, 0, 0]
}

/// The loaded program and its maps.
pub(super) struct Filter {
    program: OwnedFd,
    sockets: OwnedFd,
    flows: OwnedFd,
    counters: OwnedFd,
}

impl Filter {
    /// Creates the maps and loads the program; nothing is attached yet.
    pub(super) fn load(queues: u32, own_ip: Option<Ipv4Addr>, stamp: bool) -> Result<Filter> {
        let map = |kind, value, entries| {
            let size = if kind == MapKind::Hash { size_of::<FlowKey>() } else { 4 };
            bpf::create_map(kind, size as u32, value, entries)
                .map_err(|e| error::bpf("create a BPF map", e))
        };
        let sockets = map(MapKind::Sockets, 4, queues)?;
        let flows = map(MapKind::Hash, 4, FLOWS_MAX)?;
        let counters = map(MapKind::Array, 8, Passed::NAMES.len() as u32)?;
        let code =
            assemble([sockets.as_raw_fd(), flows.as_raw_fd(), counters.as_raw_fd()], own_ip, stamp);
        let program = bpf::load_xdp(&code).map_err(|e| error::bpf("load the XDP program", e))?;
        Ok(Filter { program, sockets, flows, counters })
    }

    /// Attaches the program to an interface for as long as the returned link lives.
    pub(super) fn attach(&self, interface: u32, flags: u32) -> std::io::Result<OwnedFd> {
        bpf::link_xdp(&self.program, interface, flags)
    }

    /// Frames of `queue` go to `socket`.
    pub(super) fn set_socket(&self, queue: u32, socket: BorrowedFd<'_>) -> Result<()> {
        bpf::update(&self.sockets, &queue.to_ne_bytes(), &socket.as_raw_fd().to_ne_bytes())
            .map_err(|e| error::bpf("enter a socket into the XSK map", e))
    }

    /// Takes a flow from now on; whether it is a new one.
    pub(super) fn add_flow(&self, address: Ipv4Addr, port: u16) -> Result<bool> {
        match bpf::insert(&self.flows, &key(address, port), &1u32.to_ne_bytes()) {
            Ok(()) => Ok(true),
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => Ok(false),
            Err(e) => Err(error::bpf("add a flow", e)),
        }
    }

    /// Leaves a flow to the kernel from now on; whether it was taken before.
    pub(super) fn remove_flow(&self, address: Ipv4Addr, port: u16) -> Result<bool> {
        match bpf::delete(&self.flows, &key(address, port)) {
            Ok(()) => Ok(true),
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(e) => Err(error::bpf("remove a flow", e)),
        }
    }

    /// Frames left with the kernel, by reason.
    pub(super) fn passed(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Passed::NAMES.iter().enumerate().map(|(slot, name)| {
            let mut value = [0; 8];
            let read = bpf::lookup(&self.counters, &(slot as u32).to_ne_bytes(), &mut value);
            (*name, read.map_or(0, |()| u64::from_ne_bytes(value)))
        })
    }
}

/// Program text; `maps` are the descriptors of sockets, flows and counters.
fn assemble(maps: [i32; 3], own_ip: Option<Ipv4Addr>, stamp: bool) -> Vec<u64> {
    let [sockets, flows, counters] = maps;
    let own = own_ip.map(|address| u32::from_ne_bytes(address.octets()));
    let mut asm = Assembler::default();
    let (ipv4, take, redirect) = (asm.label(), asm.label(), asm.label());
    let (count, pass) = (asm.label(), asm.label());
    let reasons = Passed::ALL.map(|_| asm.label());
    let [short, vlan, options, fragment, other_protocol, other_flow, not_bound] = reasons;

    // struct xdp_md: data 0, data_end 4, data_meta 8, rx_queue_index 16
    asm.mov(R6, R1);
    asm.load(Width::Word, R2, R6, 0);
    asm.load(Width::Word, R3, R6, 4);
    asm.mov(R4, R2);
    asm.add_imm(R4, HEADERS);
    asm.jump_above(R4, R3, short);
    asm.load(Width::Half, R5, R2, ETHERTYPE_AT);
    asm.jump_equal(R5, be16(0x0800), ipv4);
    asm.jump_equal(R5, be16(0x8100), vlan);
    asm.jump_equal(R5, be16(0x88A8), vlan);
    if let Some(own) = own {
        asm.jump_differs(R5, be16(0x0806), other_protocol);
        asm.load(Width::Word, R5, R2, ARP_TARGET_AT);
        asm.jump_equal(R5, own, take);
    }
    asm.jump(other_protocol);

    asm.place(ipv4);
    asm.load(Width::Byte, R5, R2, IP_AT);
    asm.jump_differs(R5, 0x45, options);
    asm.load(Width::Half, R5, R2, IP_AT + 6);
    asm.jump_any_bit(R5, be16(0x3FFF), fragment); // more-fragments bit and offset
    asm.load(Width::Word, R0, R2, IP_AT + 16);
    if let Some(own) = own {
        asm.jump_equal(R0, own, take);
    }
    asm.load(Width::Byte, R5, R2, IP_AT + 9);
    asm.jump_differs(R5, 17, other_protocol);
    asm.store(Width::Word, R10, -8, R0);
    asm.load(Width::Half, R5, R2, IP_AT + 22);
    asm.store(Width::Half, R10, -4, R5);
    asm.store_imm(Width::Half, R10, -2, 0);
    asm.load_map(R1, flows);
    asm.mov(R2, R10);
    asm.add_imm(R2, -8);
    asm.call(Helper::MapLookup);
    asm.jump_null(R0, other_flow);

    asm.place(take);
    if stamp {
        asm.mov(R1, R6);
        asm.mov_imm(R2, -(STAMP_LEN as i32));
        asm.call(Helper::XdpAdjustMeta);
        asm.jump_differs(R0, 0, redirect); // a driver without room: no stamp
        asm.call(Helper::KtimeGetNs);
        asm.mov(R7, R0);
        asm.load(Width::Word, R2, R6, 0);
        asm.load(Width::Word, R1, R6, 8);
        asm.mov(R3, R1);
        asm.add_imm(R3, STAMP_LEN as i32);
        asm.jump_above(R3, R2, redirect);
        asm.store(Width::Double, R1, 0, R7);
    }
    asm.place(redirect);
    asm.load_map(R1, sockets);
    asm.load(Width::Word, R2, R6, 16);
    asm.mov_imm(R3, XDP_PASS);
    asm.call(Helper::RedirectMap);
    asm.jump_equal(R0, XDP_PASS as u32, not_bound);
    asm.exit();

    for (reason, label) in Passed::ALL.into_iter().zip(reasons) {
        asm.place(label);
        asm.mov_imm(R7, reason as i32);
        asm.jump(count);
    }
    asm.place(count);
    asm.store(Width::Word, R10, -8, R7);
    asm.load_map(R1, counters);
    asm.mov(R2, R10);
    asm.add_imm(R2, -8);
    asm.call(Helper::MapLookup);
    asm.jump_null(R0, pass);
    asm.mov_imm(R1, 1);
    asm.atomic_add(R0, R1);
    asm.place(pass);
    asm.mov_imm(R0, XDP_PASS);
    asm.exit();
    asm.finish()
}

/// A 16-bit field as a little-endian load sees it.
fn be16(value: u16) -> u32 {
    u32::from(value.to_be())
}

#[cfg(test)]
mod tests;
