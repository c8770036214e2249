//! One multicast line of a venue.
//!
//! Its socket is bound to the address of its interface: Linux then sends multicast out of that
//! interface, without a route. What the kernel does not take is counted as an error; nobody waits.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use nofx_venue::exchange::{Line, LineConfig};

use super::socket;
use crate::failure::Failure;

/// A group, the interface it leaves by, and its loss.
pub struct Wire {
    socket: UdpSocket,
    /// Group and port.
    pub to: SocketAddrV4,
    /// Up or down, and what is lost.
    pub line: Line,
    errors: u64,
}

impl Wire {
    /// Opens the socket; `seed` draws what is lost.
    ///
    /// # Errors
    /// The interface is not of this machine, or no port is free.
    pub fn open(config: &LineConfig, seed: u64) -> Result<Wire, Failure> {
        let here = SocketAddrV4::new(config.interface, 0);
        let socket = socket::datagrams("lines.interface", here)?;
        let set = socket.set_multicast_ttl_v4(1).and(socket.set_multicast_loop_v4(true));
        set.map_err(|e| Failure::usage(format!("lines.group: {}: {e}", config.group)))?;
        let mut to = config.group;
        if to.port() == 0 {
            to.set_port(free_port()?);
        }
        Ok(Wire { socket, to, line: Line::new(seed, config.loss_ppm), errors: 0 })
    }

    /// Sends a packet, unless the line loses it.
    pub fn send(&mut self, packet: &[u8]) {
        if self.line.passes() {
            self.errors += u64::from(self.socket.send_to(packet, self.to).is_err());
        }
    }

    /// Address of the interface.
    pub fn interface(&self) -> Ipv4Addr {
        match self.socket.local_addr() {
            Ok(SocketAddr::V4(address)) => *address.ip(),
            _ => Ipv4Addr::UNSPECIFIED,
        }
    }

    /// Packets sent, lost on purpose and refused by the kernel.
    pub fn counts(&self) -> [u64; 3] {
        [self.line.sent, self.line.lost, self.errors]
    }
}

/// A port that nobody uses now.
fn free_port() -> Result<u16, Failure> {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let address = UdpSocket::bind(any).and_then(|socket| socket.local_addr());
    address.map(|address| address.port()).map_err(|e| Failure::usage(format!("lines.group: {e}")))
}
