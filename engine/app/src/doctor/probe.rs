//! What can only be known by trying.

use nofx_net::netns::Lab;
use nofx_net::port::FramePort as _;
use nofx_net::xsk::{XskConfig, XskPort};

use super::asked::Asked;
use super::host::Host;
use super::row::{Level, Row};
use crate::live::config::PortKind;

/// All rows of this file: none on a tree that only stands for a machine.
pub fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    match host.is_this_one() && asked.port == PortKind::Xsk {
        true => vec![af_xdp()],
        false => Vec::new(),
    }
}

/// Opens an AF_XDP port on a veth pair in a network namespace of its own, which ends with it.
fn af_xdp() -> Row {
    let row = Row::new(
        "xsk.probe",
        "socket, frame memory, program and bind are tried on a temporary veth pair",
    )
    .wanted("a port opens");
    let fix = "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_SYS_ADMIN, LimitMEMLOCK=infinity, and a \
               kernel with CONFIG_XDP_SOCKETS";
    let opened = Lab::new().map_err(|error| error.to_string()).and_then(|lab| {
        let config = XskConfig { interface: Lab::NEAR.into(), ..XskConfig::default() };
        let port = lab.near.within(|| XskPort::open(&config)).map_err(|error| error.to_string())?;
        Ok(port.describe().to_string())
    });
    match opened {
        Ok(found) => row.found(found),
        Err(error) => row.found(error).when(true, Level::Fail, fix),
    }
}
