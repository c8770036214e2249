//! Opening one socket: a group on an interface, or an own address.
#![allow(unsafe_code)]

use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::FromRawFd;

use crate::interface::Interface;
use crate::multicast;
use crate::port::OpenError;
use crate::socket::{get, set};

use super::batch::bind;
use super::{Stamps, UdpConfig, UdpLine};

/// Not in `libc`: include/uapi/linux/udp.h.
const UDP_GRO: libc::c_int = 104;

/// Words of `SO_MEMINFO`, and which one counts datagrams for which there was no room
/// (include/uapi/linux/sock_diag.h).
const MEMINFO_WORDS: usize = 9;
const MEMINFO_DROPS: usize = 8;

/// An open socket.
pub struct Line {
    pub socket: UdpSocket,
    /// Where it is bound: the group and port, or the own address with the port it really has.
    pub address: SocketAddrV4,
    /// Bytes of receive buffer that were granted, in the kernel's own counting (twice the bytes
    /// asked for).
    pub buffer: usize,
    /// Datagrams lost for want of room, as far as heard.
    pub lost: u32,
}

const BIND_ADVICE: &str = "the address must be one of this machine's (`ip addr`) and the port free \
                           (`ss -ulpn` names who has it)";
const SET_ADVICE: &str = "this kernel does not know the option, or the process may not set it";

impl Line {
    pub fn open(line: &UdpLine, config: &UdpConfig) -> Result<Line, OpenError> {
        let place = format!("UDP {}", line.address);
        let fail = |doing, advice| {
            let place = place.clone();
            move |e| OpenError::new(place, doing, e, advice)
        };
        let socket = unbound().map_err(fail("open a socket", SET_ADVICE))?;
        let interface = match line.interface.as_str() {
            "" => None,
            name => Some(Interface::find(name)?),
        };
        options(&socket, line, config, interface.as_ref())
            .map_err(fail("set a socket option", SET_ADVICE))?;
        bind(&socket, line.address).map_err(fail("bind", BIND_ADVICE))?;
        if line.address.ip().is_multicast() {
            let interface = interface.ok_or_else(|| {
                let error = io::Error::from_raw_os_error(libc::ENODEV);
                fail("join the group", "a group needs the name of its interface")(error)
            })?;
            multicast::join_by(&socket, *line.address.ip(), &interface)?;
        }
        let buffer = get(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF).unwrap_or(0).max(0) as usize;
        let address = match socket.local_addr() {
            Ok(SocketAddr::V4(address)) => address,
            _ => line.address,
        };
        Ok(Line { socket, address, buffer, lost: 0 })
    }

    /// Datagrams lost for want of room in the socket.
    pub fn lost(&self) -> u64 {
        u64::from(memory(&self.socket).unwrap_or(0).max(self.lost))
    }
}

fn unbound() -> io::Result<UdpSocket> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointer is involved.
    let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just opened and nobody else owns it.
    Ok(unsafe { UdpSocket::from_raw_fd(fd) })
}

fn options(
    socket: &UdpSocket,
    line: &UdpLine,
    config: &UdpConfig,
    interface: Option<&Interface>,
) -> io::Result<()> {
    const ON: libc::c_int = 1;
    const OFF: libc::c_int = 0;
    let (sol, ip) = (libc::SOL_SOCKET, libc::IPPROTO_IP);
    if line.address.ip().is_multicast() {
        // Several processes may listen to a group; an own address has one owner.
        set(socket, sol, libc::SO_REUSEADDR, &ON)?;
        // Without this, datagrams of other interfaces and other members come as well.
        set(socket, ip, libc::IP_MULTICAST_ALL, &OFF)?;
    } else {
        set(socket, ip, libc::IP_MULTICAST_TTL, &libc::c_int::from(config.ttl))?;
        let out = libc::ip_mreqn {
            imr_multiaddr: libc::in_addr { s_addr: 0 },
            imr_address: libc::in_addr { s_addr: u32::from(*line.address.ip()).to_be() },
            imr_ifindex: interface.map_or(0, |interface| interface.index as libc::c_int),
        };
        if interface.is_some() || !line.address.ip().is_unspecified() {
            // Refused for an address that is not ours: binding says it in better words.
            let _ = set(socket, ip, libc::IP_MULTICAST_IF, &out);
        }
    }
    if config.receive_buffer > 0 {
        let bytes = libc::c_int::try_from(config.receive_buffer).unwrap_or(libc::c_int::MAX / 2);
        // The first may exceed net.core.rmem_max but wants CAP_NET_ADMIN; what was granted is
        // reported, so a smaller buffer is no secret.
        set(socket, sol, libc::SO_RCVBUFFORCE, &bytes)
            .or_else(|_| set(socket, sol, libc::SO_RCVBUF, &bytes))?;
    }
    // Merged datagrams would arrive late and as one.
    let _ = set(socket, libc::SOL_UDP, UDP_GRO, &OFF);
    let _ = set(socket, sol, libc::SO_RXQ_OVFL, &ON);
    match config.stamps {
        Stamps::None => Ok(()),
        Stamps::Kernel => set(socket, sol, libc::SO_TIMESTAMPNS, &ON),
        Stamps::Card => {
            let card = libc::SOF_TIMESTAMPING_RX_HARDWARE | libc::SOF_TIMESTAMPING_RAW_HARDWARE;
            set(socket, sol, libc::SO_TIMESTAMPING, &(card as libc::c_int))?;
            // Where the card has none, the kernel's, which this option gives to every packet.
            set(socket, sol, libc::SO_TIMESTAMPNS, &ON)
        }
    }
}

/// The kernel's own count of lost datagrams: it also knows of those after the last that was read.
fn memory(socket: &UdpSocket) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let mut words = [0u32; MEMINFO_WORDS];
    let mut len = size_of_val(&words) as libc::socklen_t;
    // SAFETY: `words` is writable for `len` bytes, and the kernel writes no more than `len`.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            words.as_mut_ptr().cast(),
            &mut len,
        )
    };
    (done == 0).then(|| words.get(MEMINFO_DROPS).copied()).flatten()
}
