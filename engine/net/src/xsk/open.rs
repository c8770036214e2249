//! What is decided when a port is opened: mode, copy, and the words for both.

use std::os::fd::OwnedFd;

use super::calls::patiently;
use super::config::{Mode, XskConfig, ZeroCopy};
use super::program::Filter;
use super::queue::{HEADROOM, Queue};
use super::{ETHERNET_HEADER, device, error};
use crate::interface::Interface;
use crate::port::{OpenError, PortDescription};

/// Attach flags of if_link.h.
const GENERIC: u32 = 1 << 1;
const NATIVE: u32 = 1 << 2;

/// Interface up and queues there.
pub(super) fn check_device(config: &XskConfig, interface: &Interface) -> Result<(), OpenError> {
    if !interface.up {
        let down = std::io::Error::from_raw_os_error(libc::ENETDOWN);
        let number = config.queues.first().copied().unwrap_or(0);
        return Err(error::queue(&interface.name, number, "bind to it", down));
    }
    let Some(there) = device::rx_queues(&interface.name) else { return Ok(()) };
    match config.queues.iter().find(|queue| **queue >= there) {
        Some(queue) => Err(error::config(
            &interface.name,
            "queues",
            format!("there is no queue {queue}: the interface has {there}, numbered from 0"),
        )),
        None => Ok(()),
    }
}

/// The link, whether it is native, and what there is to say about it.
pub(super) fn attach(
    filter: &Filter,
    config: &XskConfig,
    interface: &Interface,
) -> Result<(OwnedFd, bool, Vec<String>), OpenError> {
    let link = |flags| patiently(|| filter.attach(interface.index, flags));
    let fail = |native| move |e| error::attach(&interface.name, native, e);
    if config.mode == Mode::Generic {
        return Ok((link(GENERIC).map_err(fail(false))?, false, Vec::new()));
    }
    match link(NATIVE) {
        Ok(link) => Ok((link, true, Vec::new())),
        Err(e) if config.mode == Mode::Auto && falls_back(&e) => {
            let note = format!("native mode not obtained: {e}");
            Ok((link(GENERIC).map_err(fail(false))?, false, vec![note]))
        }
        Err(e) => Err(fail(true)(e)),
    }
}

/// Whether generic mode may succeed where native mode answered `e`.
fn falls_back(e: &std::io::Error) -> bool {
    matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ERANGE | libc::EINVAL))
}

pub(super) fn check_copy(
    config: &XskConfig,
    zero_copy: bool,
    notes: &mut Vec<String>,
) -> Result<(), OpenError> {
    match config.zero_copy {
        ZeroCopy::Required if !zero_copy => {
            let what = "required, but the kernel copies".to_owned();
            return Err(error::not_obtained(&config.interface, "zero_copy", what));
        }
        ZeroCopy::Wanted if !zero_copy => notes.push("zero-copy not obtained".to_owned()),
        _ => {}
    }
    Ok(())
}

pub(super) fn describe(
    config: &XskConfig,
    interface: &Interface,
    native: bool,
    zero_copy: bool,
    mut notes: Vec<String>,
    queues: &[Queue],
) -> PortDescription {
    let numbers: Vec<_> = config.queues.iter().map(u32::to_string).collect();
    let mut mode = format!(
        "{} {}",
        if native { "native" } else { "generic" },
        if zero_copy { "zero-copy" } else { "copy" }
    );
    for (set, name) in [
        (config.need_wakeup, "need_wakeup"),
        (config.busy_poll.is_some(), "busy poll"),
        (config.hook_stamp, "hook stamp"),
        (config.tx_stamp, "send stamp"),
    ] {
        if set {
            mode.push_str(", ");
            mode.push_str(name);
        }
    }
    let longest = (config.frame_size - HEADROOM) as usize;
    if interface.mtu + ETHERNET_HEADER > longest {
        notes.push(format!("frames over {longest} bytes are lost: the MTU is {}", interface.mtu));
    }
    if let Some(queue) = queues.first() {
        notes.push(format!("{} queue memory: {}", queues.len(), queue.memory()));
    }
    PortDescription {
        kind: "xsk".to_owned(),
        place: format!(
            "{} ({}) queue {}",
            interface.name,
            device::driver(&interface.name),
            numbers.join(",")
        ),
        mode,
        notes,
    }
}
