//! Opening a device: found, sized, started; and the counts it keeps.

use std::ffi::{CString, c_int};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{BURST_MAX, DpdkConfig, DpdkPort, QUEUED_MAX, eal, ffi, text};
use crate::multicast;
use crate::port::{OpenError, PortCounters, PortDescription};

/// Ethernet header.
const ETHERNET: usize = 14;
/// Room in front of a frame and for it (RTE_MBUF_DEFAULT_BUF_SIZE).
const BUFFER: u16 = 2048 + 128;
/// Buffers that a core keeps at hand.
const CACHE: u32 = 256;

/// What was opened so far; closed again where the rest fails.
struct Half {
    device: *mut ffi::rte_device,
    pool: *mut ffi::rte_mempool,
}

impl Drop for Half {
    fn drop(&mut self) {
        // SAFETY: both are ours, and null where they are not there; both calls know null.
        unsafe {
            if !self.device.is_null() {
                ffi::rte_dev_remove(self.device);
            }
            ffi::rte_mempool_free(self.pool);
        }
    }
}

/// Puts an error's parts together.
struct Fail<'a>(&'a str);

impl Fail<'_> {
    fn with(&self, doing: &'static str, source: io::Error, advice: &'static str) -> OpenError {
        OpenError::new(format!("dpdk `{}`", self.0), doing, source, advice)
    }

    /// A result of DPDK: negative is an errno.
    fn check(
        &self,
        result: c_int,
        doing: &'static str,
        advice: &'static str,
    ) -> Result<c_int, OpenError> {
        if result >= 0 {
            return Ok(result);
        }
        Err(self.with(doing, io::Error::from_raw_os_error(-result), advice))
    }
}

impl DpdkPort {
    /// Opens the device in the network namespace of the calling thread.
    ///
    /// # Errors
    /// The environment does not start, there is no such device or driver, it is in use, or it does
    /// not take the sizes.
    pub fn open(config: &DpdkConfig) -> Result<DpdkPort, OpenError> {
        let fail = Fail(&config.device);
        let memberships = join(config, &fail)?;
        eal::start(&config.eal)?;
        let (port, info) = probe(config, &fail)?;
        let mut half = Half { device: info.device, pool: ptr::null_mut() };
        half.pool = pool(config, port, &fail)?;
        configure(config, port, half.pool, &fail)?;
        let mut notes = Vec::new();
        // SAFETY: plain integers.
        if unsafe { ffi::rte_eth_promiscuous_enable(port) } < 0 {
            notes.push("not promiscuous: frames to other addresses may stay away".to_owned());
        }
        let (device, pool) = (half.device, half.pool);
        std::mem::forget(half); // the port's from here on
        Ok(DpdkPort {
            port,
            device,
            pool,
            burst: [ffi::nofx_frame { mbuf: ptr::null_mut(), data: ptr::null(), len: 0 };
                BURST_MAX],
            count: 0,
            queued: [ptr::null_mut(); QUEUED_MAX],
            waiting: 0,
            frame_max: frame_max(port),
            mac: mac(port),
            in_pieces: 0,
            counters: PortCounters::default(),
            description: PortDescription {
                kind: "dpdk".to_owned(),
                place: config.device.clone(),
                mode: mode(config, &info),
                notes,
            },
            _memberships: memberships,
        })
    }
}

/// Joins the groups on the interface that the device names.
fn join(config: &DpdkConfig, fail: &Fail<'_>) -> Result<Vec<multicast::Membership>, OpenError> {
    match config.interface() {
        Some(name) => config.groups.iter().map(|group| multicast::join(*group, name)).collect(),
        None if config.groups.is_empty() => Ok(Vec::new()),
        None => Err(fail.with(
            "join groups",
            io::Error::new(io::ErrorKind::InvalidInput, "the device names no interface"),
            "leave `groups` empty and let the switch send them, or name a device with `iface=`",
        )),
    }
}

/// Makes the device known: its port number and what it says of itself.
fn probe(config: &DpdkConfig, fail: &Fail<'_>) -> Result<(u16, ffi::rte_eth_dev_info), OpenError> {
    let name = config.device.split(',').next().unwrap_or_default();
    let zero = |_| {
        let words = io::Error::new(io::ErrorKind::InvalidInput, "a zero byte");
        fail.with("read the device", words, "look at `device`")
    };
    let (whole, name) =
        (CString::new(config.device.as_str()).map_err(zero)?, CString::new(name).map_err(zero)?);
    let (mut port, mut info) = (0, ffi::rte_eth_dev_info::default());
    // SAFETY: terminated strings, and places to write to that live through the calls.
    unsafe {
        if ffi::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut port) == 0 {
            let taken = io::Error::from_raw_os_error(libc::EEXIST);
            return Err(fail.with(
                "open the device",
                taken,
                "give each port a device name of its own",
            ));
        }
        fail.check(
            ffi::rte_dev_probe(whole.as_ptr()),
            "open the device",
            "see DPDK's own words above: the driver, its `iface=` or file, and privilege",
        )?;
        fail.check(
            ffi::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut port),
            "find the device's port",
            "name a network device: net_af_xdp0, net_pcap0, a PCI address, ..",
        )?;
        fail.check(ffi::rte_eth_dev_info_get(port, &raw mut info), "ask the device", "")?;
    }
    Ok((port, info))
}

fn pool(
    config: &DpdkConfig,
    port: u16,
    fail: &Fail<'_>,
) -> Result<*mut ffi::rte_mempool, OpenError> {
    /// Pools have names; a name may come back later than its port.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("nofx{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let name = CString::new(name).unwrap_or_default();
    let cache = CACHE.min(config.buffers / 2);
    // SAFETY: a terminated string, plain numbers; the result is checked.
    let pool = unsafe {
        let socket = ffi::rte_eth_dev_socket_id(port);
        ffi::rte_pktmbuf_pool_create(name.as_ptr(), config.buffers, cache, 0, BUFFER, socket)
    };
    if pool.is_null() {
        // SAFETY: it only reads this thread's error.
        let error = io::Error::from_raw_os_error(unsafe { ffi::nofx_errno() });
        let advice = "a buffer takes about 2.4 kB: raise `eal.memory`, or lower `buffers`";
        return Err(fail.with("make the buffers", error, advice));
    }
    Ok(pool)
}

/// One queue each way, in the sizes that the device takes nearest to those asked for.
fn configure(
    config: &DpdkConfig,
    port: u16,
    pool: *mut ffi::rte_mempool,
    fail: &Fail<'_>,
) -> Result<(), OpenError> {
    let settings = ffi::rte_eth_conf::default();
    let (mut receive, mut send) = (config.receive_ring, config.send_ring);
    // SAFETY: the settings live through the calls; null takes the driver's own; the pool outlives
    // the queues.
    unsafe {
        let socket = ffi::rte_eth_dev_socket_id(port) as u32;
        let configured = ffi::rte_eth_dev_configure(port, 1, 1, &raw const settings);
        fail.check(configured, "set it up with one queue each way", "the driver refuses")?;
        let adjusted = ffi::rte_eth_dev_adjust_nb_rx_tx_desc(port, &raw mut receive, &raw mut send);
        fail.check(adjusted, "size its rings", "look at `receive_ring` and `send_ring`")?;
        let queue = ffi::rte_eth_rx_queue_setup(port, 0, receive, socket, ptr::null(), pool);
        fail.check(queue, "set up the receive queue", "see DPDK's own words above")?;
        let queue = ffi::rte_eth_tx_queue_setup(port, 0, send, socket, ptr::null());
        fail.check(queue, "set up the send queue", "see DPDK's own words above")?;
        fail.check(ffi::rte_eth_dev_start(port), "start it", "see DPDK's own words above")?;
    }
    Ok(())
}

fn frame_max(port: u16) -> usize {
    let mut mtu = 0;
    // SAFETY: a place to write to.
    let known = unsafe { ffi::rte_eth_dev_get_mtu(port, &raw mut mtu) } == 0;
    let mtu = if known && mtu > 0 { usize::from(mtu) } else { 1_500 };
    (mtu + ETHERNET).min(usize::from(BUFFER) - 128)
}

fn mac(port: u16) -> [u8; 6] {
    let mut address = ffi::rte_ether_addr::default();
    // SAFETY: a place to write to; where it fails the address stays zero.
    unsafe { ffi::rte_eth_macaddr_get(port, &raw mut address) };
    address.addr_bytes
}

fn mode(config: &DpdkConfig, info: &ffi::rte_eth_dev_info) -> String {
    // SAFETY: the driver's name is terminated, or null.
    let driver = unsafe { text(info.driver_name) };
    let memory = match config.eal.memory {
        eal::DpdkMemory::Ordinary { megabytes } => format!("{megabytes} MiB of ordinary pages"),
        eal::DpdkMemory::Huge { megabytes } => format!("{megabytes} MiB of huge pages"),
    };
    format!("{driver}, {}, {memory}", eal::version())
}

/// What the device counted.
pub(super) fn stats(port: u16) -> ffi::rte_eth_stats {
    let mut stats = ffi::rte_eth_stats::default();
    // SAFETY: a place to write to; where it fails the counts stay zero.
    unsafe { ffi::rte_eth_stats_get(port, &raw mut stats) };
    stats
}

/// What the device counts under names of its own.
pub(super) fn device_counters(port: u16) -> Vec<(String, u64)> {
    // SAFETY: asked without a place, it says how many there are.
    let count = unsafe { ffi::rte_eth_xstats_get_names(port, ptr::null_mut(), 0) };
    let Ok(count) = usize::try_from(count) else { return Vec::new() };
    let mut names = vec![ffi::rte_eth_xstat_name::default(); count];
    let mut values = vec![ffi::rte_eth_xstat::default(); count];
    // SAFETY: both have room for `count`.
    let known = unsafe {
        let known = ffi::rte_eth_xstats_get_names(port, names.as_mut_ptr(), count as u32);
        known.min(ffi::rte_eth_xstats_get(port, values.as_mut_ptr(), count as u32))
    };
    let known = usize::try_from(known).unwrap_or_default().min(count);
    let named = |value: &ffi::rte_eth_xstat| {
        let name = names.get(value.id as usize)?;
        // SAFETY: DPDK terminates names.
        Some((unsafe { text(name.name.as_ptr()) }, value.value))
    };
    values.iter().take(known).filter_map(named).collect()
}
