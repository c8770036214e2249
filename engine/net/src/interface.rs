//! A network interface by name: its number, hardware address, length limit and IPv4 address.
//!
//! Model: what the kernel says once, through ioctls on a throw-away socket, because `/sys` shows
//! the network namespace it was mounted in and not the one of the calling thread.
#![allow(unsafe_code)]

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::port::OpenError;

/// A network interface of the calling thread's network namespace, as it was when looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name, at most 15 bytes.
    pub name: String,
    /// Number in its namespace.
    pub index: u32,
    /// Hardware address; zero where there is none.
    pub mac: [u8; 6],
    /// Bytes an IP packet may have.
    pub mtu: usize,
    /// Its first IPv4 address, if it has one.
    pub address: Option<Ipv4Addr>,
    /// Whether it is up.
    pub up: bool,
}

impl Interface {
    /// Looks `name` up.
    ///
    /// # Errors
    /// There is no such interface in this network namespace.
    pub fn find(name: &str) -> Result<Interface, OpenError> {
        let fail = |e| OpenError::new(format!("interface `{name}`"), "look up", e, MISSING);
        if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains(['/', '\0', ' ']) {
            return Err(fail(io::Error::from_raw_os_error(libc::EINVAL)));
        }
        let mut asked = Request::new(name).map_err(fail)?;
        // SAFETY: the union was zeroed, the request fills the field that is read, and all fields are
        // plain integers.
        let index = unsafe { asked.ask(libc::SIOCGIFINDEX).map_err(fail)?.ifru_ifindex };
        // SAFETY: as above.
        let flags = unsafe { asked.ask(libc::SIOCGIFFLAGS).map_err(fail)?.ifru_flags };
        // SAFETY: as above.
        let mtu = unsafe { asked.ask(libc::SIOCGIFMTU).map_err(fail)?.ifru_mtu };
        // SAFETY: as above.
        let hardware = unsafe { asked.ask(libc::SIOCGIFHWADDR).map_err(fail)?.ifru_hwaddr.sa_data };
        let mut mac = [0; 6];
        for (to, from) in mac.iter_mut().zip(hardware) {
            *to = from as u8;
        }
        Ok(Interface {
            name: name.to_owned(),
            index: index as u32,
            mac,
            mtu: usize::try_from(mtu).unwrap_or(0),
            address: asked.address(),
            up: i32::from(flags) & libc::IFF_UP != 0,
        })
    }
}

const MISSING: &str =
    "`ip link` lists what is there; a port sees the network namespace it is opened in";

/// One `ifreq` and the socket to ask with.
struct Request {
    socket: OwnedFd,
    name: [libc::c_char; libc::IFNAMSIZ],
}

impl Request {
    fn new(name: &str) -> io::Result<Request> {
        // SAFETY: no pointer is involved.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just made and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut place = [0; libc::IFNAMSIZ];
        for (to, from) in place.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        Ok(Request { socket, name: place })
    }

    fn ask(&mut self, what: libc::Ioctl) -> io::Result<libc::__c_anonymous_ifr_ifru> {
        // SAFETY: an all-zero `ifreq` is valid: integers and addresses only.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_name = self.name;
        // SAFETY: `request` is a whole, writable `ifreq` with a terminated name, as these ioctls
        // want.
        let done = unsafe { libc::ioctl(self.socket.as_raw_fd(), what, &mut request) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(request.ifr_ifru) }
    }

    fn address(&mut self) -> Option<Ipv4Addr> {
        let answer = self.ask(libc::SIOCGIFADDR).ok()?;
        // SAFETY: this request fills `ifru_addr`; it is plain bytes.
        let address = unsafe { answer.ifru_addr };
        let [_, _, a, b, c, d, ..] = address.sa_data;
        Some(Ipv4Addr::new(a as u8, b as u8, c as u8, d as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_found_and_nonsense_is_refused_in_words() {
        let lo = Interface::find("lo").expect("every namespace has it");
        assert!(lo.index > 0 && lo.mtu > 1_000, "{lo:?}");
        for name in ["", "no-such-if0", "a name longer than fifteen", "a/b", "\0"] {
            let error = Interface::find(name).expect_err(name).to_string();
            assert!(error.contains("interface `") && error.contains("ip link"), "{error}");
        }
    }
}
