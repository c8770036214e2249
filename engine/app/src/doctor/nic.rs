//! Interfaces: driver, queues, node, offloads; and the time they keep.

use super::asked::Asked;
use super::host::{Host, list_of};
use super::row::{Level, Row};
use crate::live::config::{PortKind, XskMode, ZeroCopy};

/// Drivers with an XDP hook of their own, in current kernels. A new one may be missing: then a note.
const NATIVE: &[&str] = &[
    "atlantic",
    "bnxt_en",
    "bonding",
    "dpaa2-eth",
    "ena",
    "fec",
    "gve",
    "hv_netvsc",
    "i40e",
    "ice",
    "igb",
    "igc",
    "ixgbe",
    "ixgbevf",
    "mana",
    "mlx4_en",
    "mlx5_core",
    "mvneta",
    "nfp",
    "qede",
    "sfc",
    "stmmac",
    "thunder-nic",
    "tsnep",
    "tun",
    "veth",
    "virtio_net",
];

/// Those of them that can share frames with an AF_XDP socket.
const ZERO_COPY: &[&str] = &[
    "gve",
    "i40e",
    "ice",
    "igb",
    "igc",
    "ixgbe",
    "mlx5_core",
    "nfp",
    "stmmac",
    "tsnep",
    "virtio_net",
];

/// All rows of this file.
pub fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    let mut rows = Vec::new();
    if asked.interfaces.is_empty() {
        rows.push(
            Row::new("nic", "interfaces are looked at when they are named")
                .found("none named")
                .wanted("network.lines, or --interface")
                .level(Level::Note),
        );
    }
    for name in &asked.interfaces {
        rows.push(there(host, name));
        if host.has(&folder(name)) {
            rows.extend([queues(host, asked, name), node(host, asked, name), gro(host, name)]);
            rows.extend(xdp(host, asked, name));
            rows.extend([coalescing(host, name), hardware_clock(host, name)]);
        }
    }
    rows.extend(dpdk(asked));
    rows.push(synchronised(host));
    rows
}

fn folder(name: &str) -> String {
    format!("sys/class/net/{name}")
}

fn there(host: &Host, name: &str) -> Row {
    let row = Row::new(format!("nic.{name}"), "lines arrive by this interface").wanted("up");
    let folder = folder(name);
    if !host.has(&folder) {
        return row.found("not there").when(
            true,
            Level::Fail,
            "`ip link` lists what is there, in this network namespace",
        );
    }
    let state = host.read(&format!("{folder}/operstate")).unwrap_or_else(|| "unknown".into());
    let speed = host.number(&format!("{folder}/speed")).filter(|mbit| *mbit > 0);
    let speed = speed.map_or(String::new(), |mbit| format!(", {mbit} Mbit/s"));
    let driver = driver(host, name).unwrap_or_else(|| "no device".into());
    row.found(format!("{state}, driver {driver}{speed}")).when(
        // A veth and the like say `unknown` and carry packets.
        !["up", "unknown"].contains(&state.as_str()),
        Level::Fail,
        format!("ip link set {name} up; look at the cable and the switch port"),
    )
}

/// Name of the driver; virtual interfaces have a device on a virtual bus, or none.
fn driver(host: &Host, name: &str) -> Option<String> {
    host.link_name(&format!("{}/device/driver", folder(name)))
}

fn queues(host: &Host, asked: &Asked, name: &str) -> Row {
    let names = host.names(&format!("{}/queues", folder(name)));
    let there = names.iter().filter(|name| name.starts_with("rx-")).count();
    let row = Row::new(
        format!("nic.{name}.queues"),
        "packets of a queue that nobody reads take the slow way; the card spreads flows over all \
         queues",
    )
    .found(format!("{there} to receive"));
    if asked.port != PortKind::Xsk {
        return row.wanted("any");
    }
    let wanted: Vec<_> = asked.queues.iter().map(u32::to_string).collect();
    let row = row.wanted(format!("{} (network.xsk.queues)", wanted.join(",")));
    let missing = asked.queues.iter().any(|queue| *queue as usize >= there);
    let unread = there > asked.queues.len();
    row.when(
        unread,
        Level::Warn,
        format!("ethtool -L {name} combined {}, or steer the groups: ethtool -N", wanted.len()),
    )
    .when(missing, Level::Fail, format!("queues that exist: 0 to {}", there.saturating_sub(1)))
}

fn xdp(host: &Host, asked: &Asked, name: &str) -> Option<Row> {
    if asked.port != PortKind::Xsk {
        return None;
    }
    let driver = driver(host, name).unwrap_or_default();
    let (native, shares) = (NATIVE.contains(&&*driver), ZERO_COPY.contains(&&*driver));
    let wanted = match (asked.mode, asked.zero_copy) {
        (_, ZeroCopy::Required) => "zero copy",
        (XskMode::Native, _) => "native",
        (XskMode::Auto, ZeroCopy::Wanted) => "zero copy if possible",
        (XskMode::Auto, _) => "native if possible",
        (XskMode::Generic, _) => "generic",
    };
    let found = match (native, shares) {
        (_, true) => "native and zero copy, by the driver's name",
        (true, _) => "native, copies, by the driver's name",
        _ => "a driver that is not known to have XDP: generic, copies",
    };
    let refused = wanted == "zero copy" && !shares || wanted == "native" && !native;
    let less = wanted.ends_with("if possible") && !shares;
    let row = Row::new(
        format!("nic.{name}.xdp"),
        "in the driver and without copies a packet is here before the kernel has made its own form \
         of it",
    );
    let row = row.found(found).wanted(wanted).when(
        less,
        Level::Warn,
        "a card whose driver shares frames (ice, mlx5_core, i40e), or network.port = \"udp\"",
    );
    Some(row.when(
        refused,
        Level::Fail,
        "another card, or network.xsk.zero_copy = \"wanted\" and mode = \"auto\"",
    ))
}

fn node(host: &Host, asked: &Asked, name: &str) -> Row {
    let row = Row::new(
        format!("nic.{name}.node"),
        "a packet that crosses to the other node's memory costs 50 to 150 ns more, each way",
    );
    let node = host.number(&format!("{}/device/numa_node", folder(name))).filter(|node| *node >= 0);
    let Some(node) = node else {
        return row.found("one node, or none named").wanted("that of the engine's cores");
    };
    let near = host.cores(&format!("sys/devices/system/node/node{node}/cpulist"));
    let Some(near) = near else {
        return row.wanted("that of the engine's cores").unknown();
    };
    let far = asked.cores.iter().any(|core| !near.contains(core));
    row.found(format!("node {node}, cores {}", list_of(&near)))
        .wanted(format!("that of cores {}", list_of(&asked.cores)))
        .when(far, Level::Warn, "give the tiles cores of the card's node, or move the card")
}

/// What `ethtool` says after `key:`.
fn setting(text: &str, key: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

fn gro(host: &Host, name: &str) -> Row {
    const KEYS: [&str; 2] = ["generic-receive-offload", "large-receive-offload"];
    let row = Row::new(
        format!("nic.{name}.offloads"),
        "joining packets waits for the next one, and changes what a capture shows",
    )
    .wanted("gro and lro off");
    let Some(text) = host.output("ethtool", &format!("-k {name}")) else {
        return row.unknown().wanted("gro and lro off; needs ethtool");
    };
    let is_on = |key: &&str| setting(&text, key).is_some_and(|value| value.starts_with("on"));
    let on: Vec<_> = KEYS.into_iter().filter(is_on).collect();
    let found = if on.is_empty() { "off".into() } else { format!("on: {}", on.join(", ")) };
    row.found(found).when(!on.is_empty(), Level::Warn, format!("ethtool -K {name} gro off lro off"))
}

fn coalescing(host: &Host, name: &str) -> Row {
    let row = Row::new(
        format!("nic.{name}.coalescing"),
        "the card holds packets back to raise fewer interrupts: so many microseconds late",
    )
    .wanted("rx-usecs 0, adaptive off");
    let Some(text) = host.output("ethtool", &format!("-c {name}")) else {
        return row.unknown().wanted("rx-usecs 0, adaptive off; needs ethtool");
    };
    let adaptive = setting(&text, "Adaptive RX").unwrap_or_default().starts_with("on");
    let micros = setting(&text, "rx-usecs").and_then(|value| value.parse::<u32>().ok());
    let found = match micros {
        Some(micros) => {
            format!("rx-usecs {micros}, adaptive {}", if adaptive { "on" } else { "off" })
        }
        None => "not offered".into(),
    };
    row.found(found).when(
        adaptive || micros.is_some_and(|micros| micros > 0),
        Level::Warn,
        format!("ethtool -C {name} adaptive-rx off rx-usecs 0"),
    )
}

fn hardware_clock(host: &Host, name: &str) -> Row {
    let clocks = host.names(&format!("{}/device/ptp", folder(name)));
    let found = if clocks.is_empty() { "none".into() } else { clocks.join(", ") };
    Row::new(
        format!("nic.{name}.ptp"),
        "packets are stamped where they arrive only by a card with a clock",
    )
    .wanted("a PTP hardware clock")
    .found(found)
    .when(clocks.is_empty(), Level::Warn, "a card with hardware time stamps (`ethtool -T`)")
}

fn synchronised(host: &Host) -> Row {
    const PRECISE: [&str; 3] = ["ptp4l", "phc2sys", "sfptpd"];
    const COARSE: [&str; 4] = ["chronyd", "ntpd", "ntpsec", "systemd-timesyn"];
    let running = |names: &[&'static str]| {
        let runs = names.iter().copied().filter(|name| host.runs(name));
        runs.collect::<Vec<_>>()
    };
    let (precise, coarse) = (running(&PRECISE), running(&COARSE));
    let says = host.output("timedatectl", "show -p NTPSynchronized --value");
    let says = says.filter(|answer| answer == "yes" || answer == "no");
    let row = Row::new(
        "time.synchronised",
        "journal, capture and the venue's stamps are compared by the wall clock",
    )
    .wanted("ptp4l and phc2sys, synchronised");
    let by: Vec<_> = precise.iter().chain(&coarse).copied().collect();
    let by = if by.is_empty() { "nobody".to_owned() } else { by.join(", ") };
    let state = match says.as_deref() {
        Some("yes") => ", synchronised",
        Some(_) => ", not synchronised",
        None => "",
    };
    let fix = "apt install linuxptp; ptp4l for the card's clock, phc2sys from it to the system";
    let unsynchronised = says.as_deref() == Some("no");
    row.found(format!("by {by}{state}"))
        .when(!coarse.is_empty() && precise.is_empty(), Level::Note, fix)
        .when(precise.is_empty() && coarse.is_empty() || unsynchronised, Level::Warn, fix)
}

fn dpdk(asked: &Asked) -> Option<Row> {
    let row = Row::new("nic.dpdk", "network.port asks for it");
    (asked.port == PortKind::Dpdk).then(|| {
        let there = cfg!(feature = "dpdk");
        row.wanted("a build with it")
            .found(if there { "built in" } else { "this nofx was built without DPDK" })
            .when(!there, Level::Fail, "scripts/setup-dpdk, then build with --features dpdk")
    })
}
