//! What only `ethtool` tells about an interface: its driver and how many queues it has.
#![allow(unsafe_code)] // the ioctl itself

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GCHANNELS: u32 = 0x3C;

/// `struct ethtool_drvinfo`, its tail unnamed.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
struct Channels {
    command: u32,
    most: [u32; 4],
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
}

/// # Safety
/// `request` is a whole ethtool structure, and its first field the command that fills it.
unsafe fn ethtool<T>(interface: &str, request: &mut T) -> io::Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).or_else(|_| UdpSocket::bind(("0.0.0.0", 0)))?;
    // SAFETY: an all-zero `ifreq` is valid: integers, addresses and a null pointer.
    let mut ifreq: libc::ifreq = unsafe { std::mem::zeroed() };
    let name = interface.bytes().take(libc::IFNAMSIZ - 1);
    for (to, from) in ifreq.ifr_name.iter_mut().zip(name) {
        *to = from as libc::c_char;
    }
    ifreq.ifr_ifru.ifru_data = std::ptr::from_mut(request).cast();
    // SAFETY: the name is terminated, and the caller vouches for what `ifru_data` points to.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &mut ifreq) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Name of the driver; empty where it does not say.
pub(super) fn driver(interface: &str) -> String {
    let mut info = DriverInfo { command: ETHTOOL_GDRVINFO, driver: [0; 32], rest: [0; 160] };
    // SAFETY: 196 bytes, the size and layout of the structure that this command fills.
    if unsafe { ethtool(interface, &mut info) }.is_err() {
        return String::new();
    }
    let name = info.driver.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// How many receive queues are in use; `None` where the driver does not say.
pub(super) fn rx_queues(interface: &str) -> Option<u32> {
    let mut channels = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
    // SAFETY: 36 bytes, the size and layout of the structure that this command fills.
    unsafe { ethtool(interface, &mut channels) }.ok()?;
    Some(channels.rx + channels.combined).filter(|queues| *queues > 0)
}
