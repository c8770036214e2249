//! Group membership (IGMP) by an ordinary socket, for ports that bypass the kernel.
//!
//! Model: AF_XDP and DPDK send no joins, so the kernel does: a UDP socket that is bound to nothing
//! holds the membership and is never read. The kernel reports it, answers the router's queries (the
//! port's filter must let IGMP pass), and programs the group into the interface. The membership
//! ends with the guard, or with the process.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use crate::interface::Interface;
use crate::port::OpenError;
use crate::socket::set;

/// A membership, held while this is.
#[derive(Debug)]
pub struct Membership {
    /// Never read: it only has to be open.
    _socket: UdpSocket,
    group: Ipv4Addr,
}

impl Membership {
    /// The group.
    pub fn group(&self) -> Ipv4Addr {
        self.group
    }
}

/// Joins `group` on `interface`.
///
/// # Errors
/// Not a multicast group, no such interface, the interface does not do multicast, or the process
/// holds more memberships than `net.ipv4.igmp_max_memberships` (20) allows on one socket.
pub fn join(group: Ipv4Addr, interface: &str) -> Result<Membership, OpenError> {
    let interface = Interface::find(interface)?;
    let place = format!("{group} on `{}`", interface.name);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .map_err(|e| OpenError::new(&place, "open a socket to join it", e, JOIN_ADVICE))?;
    join_by(&socket, group, &interface)?;
    Ok(Membership { _socket: socket, group })
}

const JOIN_ADVICE: &str = "a group is an address of 224.0.0.0/4, the interface must be up and have \
                           the MULTICAST flag (`ip link`)";

/// Makes `socket` a member of `group` on `interface`.
pub(crate) fn join_by(
    socket: &impl AsRawFd,
    group: Ipv4Addr,
    interface: &Interface,
) -> Result<(), OpenError> {
    let fail =
        |e| OpenError::new(format!("{group} on `{}`", interface.name), "join it", e, JOIN_ADVICE);
    if !group.is_multicast() {
        return Err(fail(io::Error::from_raw_os_error(libc::EINVAL)));
    }
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: u32::from(group).to_be() },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: interface.index as libc::c_int,
    };
    set(socket, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns::Lab;

    #[test]
    fn the_kernel_knows_the_group_while_the_guard_lives() {
        let Some(lab) = Lab::or_skip("multicast") else { return };
        let group = Ipv4Addr::new(233, 54, 12, 1);
        let joined = || lab.near.ip("maddr show dev nofx0").expect("ip").contains("233.54.12.1");
        assert!(!joined());
        let guard = lab.near.within(|| join(group, Lab::NEAR)).expect("joined");
        assert_eq!(guard.group(), group);
        assert!(joined());
        drop(guard);
        // A program that is being started just now may hold a copy of the socket for a moment.
        let left = (0..1_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            !joined()
        });
        assert!(left);
    }

    #[test]
    fn what_cannot_be_joined_is_named() {
        let Some(lab) = Lab::or_skip("multicast") else { return };
        let error = |ip, name| {
            lab.near
                .within(|| join(ip, name))
                .expect_err("not a group, or no interface")
                .to_string()
        };
        assert!(error(Ipv4Addr::new(10, 0, 0, 1), Lab::NEAR).starts_with("10.0.0.1 on `nofx0`"));
        assert!(error(Ipv4Addr::new(233, 1, 1, 1), "nofx9").starts_with("interface `nofx9`"));
    }
}
