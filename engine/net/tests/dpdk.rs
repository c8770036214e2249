//! DPDK's virtual devices as ports. The environment starts once in a process, so every test runs in
//! a process of its own: this binary again, with the name of the test.
#![cfg(feature = "dpdk")]

mod conformance;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddrV4, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conformance::{OWN, PEER, PEER_GROUP, assert_same, lines, packets, receive, rigs};
use nofx_net::capture::Capture;
use nofx_net::datagrams::{Datagrams, DatagramsConfig};
use nofx_net::dpdk::{DpdkConfig, DpdkMemory, DpdkPort, EalConfig};
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::netns::{Lab, NetNs};
use nofx_net::port::{BURST_MAX, FramePort, OpenError, Port, SendError};
use nofx_net::stream::{KernelListener, SmolConfig, SmolRole, SmolTcp, Stream, StreamState};
use nofx_net::write::{Link, PcapWriter};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_types::Nanos;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Names the test that a child runs.
const CHILD: &str = "NOFX_DPDK_CHILD";

/// Runs `body` in a process of its own, and looks at what that leaves behind.
fn alone(test: &str, body: impl FnOnce()) {
    if env::var(CHILD).as_deref() == Ok(test) {
        return body();
    }
    let this = env::current_exe().expect("this program");
    let mut command = Command::new(this);
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(CHILD, test);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    let pid = child.id();
    let output = child.wait_with_output().expect("its end");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    println!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}: {}", output.status);
    for place in ["/var/run/dpdk", "/run/dpdk", "/tmp/dpdk"] {
        let left = Path::new(place).join(format!("nofx-{pid}"));
        assert!(!left.exists(), "{} is left behind", left.display());
    }
    for file in huge_page_files() {
        assert!(!file.contains(&format!("nofx-{pid}")), "{file} is left behind");
    }
}

/// Files that hold huge pages: the only way in which pages outlive their process.
fn huge_page_files() -> Vec<String> {
    let mounts = fs::read_to_string("/proc/mounts").expect("Linux");
    let mounts = mounts.lines().filter(|line| line.contains(" hugetlbfs "));
    let folders = mounts.filter_map(|line| line.split(' ').nth(1));
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    files.map(|file| file.path().display().to_string()).collect()
}

/// A device name that was not used before in this process.
fn fresh(driver: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{driver}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn open(device: String) -> Result<DpdkPort, OpenError> {
    DpdkPort::open(&DpdkConfig::new(device))
}

/// A device on the near end of the pair, with the groups of the vectors.
fn on_interface(driver: &str) -> Result<DpdkPort, OpenError> {
    let device = format!("{},iface={}", fresh(driver), Lab::NEAR);
    DpdkPort::open(&DpdkConfig::for_place(&device, lines().iter().map(|line| *line.ip())))
}

#[test]
fn a_place_is_a_device_or_an_interface() {
    let group = *lines()[0].ip();
    let place = |place| DpdkConfig::for_place(place, [group, group]);
    for device in ["net_ring0", "0000:01:00.0", "net_pcap0,rx_pcap=x"] {
        assert_eq!(place(device), DpdkConfig::new(device));
    }
    let on_interface = place("eth1");
    assert_eq!(on_interface.device, "net_af_xdp_eth1,iface=eth1");
    assert_eq!(on_interface.groups, [group]);
    assert_eq!(place("net_af_packet0,iface=eth1").groups, [group]);
}

#[test]
fn packet_sockets_pass_every_vector() {
    alone("packet_sockets_pass_every_vector", || {
        conformance::suite(|| {
            rigs::frames_on_veth("dpdk net_af_packet", |_| on_interface("net_af_packet"))
        });
    });
}

#[test]
fn af_xdp_passes_every_vector() {
    alone("af_xdp_passes_every_vector", || {
        conformance::suite(|| {
            rigs::frames_on_veth("dpdk net_af_xdp", |_| on_interface("net_af_xdp"))
        });
    });
}

/// What is sent on a ring device is received there.
#[test]
fn a_ring_gives_back_what_it_took_in_order_and_says_when_it_is_full() {
    alone("a_ring_gives_back_what_it_took_in_order_and_says_when_it_is_full", || {
        let device = fresh("net_ring");
        let mut port = open(device.clone()).expect("a ring");
        let text = port.describe().to_string();
        println!("{text}");
        assert!(text.starts_with("dpdk on net_ring") && text.contains("DPDK"), "{text}");
        assert_eq!(port.poll(), 0);
        let frame = |mark: usize| vec![mark as u8; 60 + mark % 1400];
        let mut received = 0;
        for count in [1, 2, 63, 64, 65, 200] {
            for mark in 0..count {
                port.send(&frame(mark)).expect("room");
            }
            port.flush();
            let mut got = 0;
            while got < count {
                let burst = port.poll();
                assert!(burst > 0 && burst <= BURST_MAX);
                for index in 0..burst {
                    let lent = port.frame(index).bytes;
                    assert_eq!(lent, frame(got + index), "frame {} of {count}", got + index);
                    assert!(port.lends(lent.as_ptr()), "lent where the device left it");
                }
                assert!(
                    port.frame(burst).bytes.is_empty() && port.frame(usize::MAX).bytes.is_empty()
                );
                got += burst;
            }
            received += count as u64;
            assert_eq!(port.poll(), 0);
        }
        let counters = port.counters();
        assert_eq!((counters.rx_packets, counters.tx_packets), (received, received));
        assert_eq!(counters.rx_bytes, counters.tx_bytes);
        assert_eq!(counters.drops.iter().map(|(_, count)| count).sum::<u64>(), 0);
        assert!(port.device_counters().contains(&("rx_good_packets".to_owned(), received)));

        let (sealed, before) = (seal(OnSealed::Count), sealed_allocations());
        for _ in 0..1_000 {
            port.send(&[7; 60]).expect("room");
            port.flush();
            assert_eq!((port.poll(), port.frame(0).bytes), (1, &[7; 60][..]));
        }
        assert_eq!(sealed_allocations() - before, 0);
        drop(sealed);

        assert_eq!(port.send(&vec![0; port.frame_max() + 1]), Err(SendError::TooLong));
        let mut held = 0_u64;
        while port.send(&frame(1)).is_ok() {
            held += 1;
            assert!(held < 10_000, "it never filled up");
        }
        assert_eq!(port.send(&frame(1)), Err(SendError::Full));
        assert_eq!(port.counters().tx_full, 2);
        let mut got = 0;
        while got < held {
            let burst = port.poll() as u64;
            assert!(burst > 0, "{got} of {held}");
            got += burst;
        }
        port.send(&frame(1)).expect("room again");
        drop(port);
        let mut port = open(device).expect("the name is free again");
        assert_eq!(port.poll(), 0, "nothing after close");
    });
}

#[test]
fn captures_are_read_and_written() {
    alone("captures_are_read_and_written", || {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("in.pcap"), folder.path().join("out.pcap"));
        let offered = packets(500, |index| index % 1_473);
        let link = Link { src: PEER.ip().octets(), src_port: PEER.port(), vlan: None };
        let mut writer = PcapWriter::create(&from, link).expect("a file");
        for packet in &offered {
            let (address, port) = (packet.to.ip().octets(), packet.to.port());
            writer.datagram(Nanos(1), address, port, &packet.payload).expect("it fits");
        }
        writer.finish().expect("published");
        let files = format!("rx_pcap={},tx_pcap={}", from.display(), to.display());
        let port = open(format!("{},{files}", fresh("net_pcap"))).expect("a capture");
        let config = DatagramsConfig { lines: lines(), ..DatagramsConfig::new(OWN) };
        let mut port = Datagrams::new(port, config);
        assert_same(&receive(&mut port, offered.len()), &offered);

        for index in 0..300_usize {
            port.send(PEER_GROUP, &vec![index as u8; index]).expect("room");
        }
        port.flush();
        assert_eq!(port.counters().tx_packets, 300);
        drop(port);
        let mut capture = Capture::open(&to).expect("a capture");
        let (options, mut counts) = (DecodeOptions::default(), FrameCounts::default());
        let mut index = 0;
        while let Some(frame) = capture.next().expect("good") {
            if let Some(sent) = decode(&frame, &options, &mut counts) {
                assert_eq!(SocketAddrV4::new(sent.dst.into(), sent.dst_port), PEER_GROUP);
                assert_eq!(sent.payload, vec![index as u8; index]);
                index += 1;
            }
        }
        assert_eq!(index, 300);
    });
}

fn clock() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Nanos(since.as_nanos() as u64)
}

/// Our own TCP over a DPDK device to the kernel's: bytes both ways, until the end.
fn carries_a_stream(driver: &str) {
    let Some(lab) = Lab::or_skip(driver) else { return };
    lab.far.ip(&format!("link set {} gso_max_segs 1", Lab::FAR)).expect("a limit");
    let device = format!("{},iface={}", fresh(driver), Lab::NEAR);
    let port = lab.near.within(|| open(device)).expect("a device");
    let at = SocketAddrV4::new(Lab::FAR_ADDRESS, 0);
    let mut listener = lab.far.within(|| KernelListener::bind(at)).expect("its own address");
    let own = std::net::Ipv4Addr::new(10, 77, 0, 9);
    let config = SmolConfig::new(own, SmolRole::Client(listener.local()));
    let mut client = SmolTcp::new(port, &config, clock()).expect("a good configuration");
    client.connect(clock());
    let mut server = None;
    while client.poll(clock()) != StreamState::Open || server.is_none() {
        assert_ne!(client.state(), StreamState::Closed, "{}", client.reason());
        server = server.or_else(|| listener.accept());
    }
    let mut server = server.expect("accepted");
    let (total, mut sent, mut echoed, mut back) = (300_000, 0, 0, 0);
    while back < total {
        let len = client.room().min(1 + sent % 2_000).min(total - sent);
        let bytes: Vec<u8> = (sent..sent + len).map(|at| (at % 251) as u8).collect();
        client.send(&bytes).expect("there is room");
        sent += len;
        client.poll(clock());
        server.poll(clock());
        let len = server.received().len().min(server.room());
        let echo = server.received()[..len].to_vec();
        server.send(&echo).expect("there is room");
        server.consume(len);
        echoed += len;
        for byte in client.received() {
            assert_eq!(*byte, (back % 251) as u8, "byte {back}");
            back += 1;
        }
        client.consume(usize::MAX);
    }
    assert_eq!(echoed, total);
    client.close();
    while server.poll(clock()) != StreamState::Closed {
        client.poll(clock());
    }
    assert_eq!(server.reason(), "closed by peer");
    println!("{}", client.describe());
}

#[test]
fn our_own_tcp_runs_over_packet_sockets() {
    alone("our_own_tcp_runs_over_packet_sockets", || carries_a_stream("net_af_packet"));
}

#[test]
fn our_own_tcp_runs_over_af_xdp() {
    alone("our_own_tcp_runs_over_af_xdp", || carries_a_stream("net_af_xdp"));
}

#[test]
fn mistakes_are_answered_in_words() {
    alone("mistakes_are_answered_in_words", || {
        let error = |config: &DpdkConfig| match DpdkPort::open(config) {
            Ok(_) => panic!("opened {config:?}"),
            Err(error) => error.to_string(),
        };
        let on = |device: &str| error(&DpdkConfig::new(device));
        let first = open("net_ring7".to_owned()).expect("a ring");
        assert!(on("net_ring7").contains("device name of its own"));
        assert!(on("net_absent0").contains("cannot open the device"));
        assert!(on("net_af_packet9,iface=absent0").contains("cannot open the device"));
        assert!(on("net_af_xdp9,iface=absent0").contains("cannot open the device"));
        assert!(on("net_pcap9,rx_pcap=/absent").contains("dpdk `net_pcap9"));
        assert!(on("net\0ring").contains("zero byte"));
        assert!(on("").contains("cannot"));
        assert!(on("0000:ff:1f.7").contains("cannot open the device"), "no such card");
        let config = DpdkConfig { groups: vec![*lines()[0].ip()], ..DpdkConfig::new("net_ring8") };
        assert!(error(&config).contains("iface="));
        let config = DpdkConfig { buffers: 10_000_000, ..DpdkConfig::new("net_ring8") };
        assert!(error(&config).contains("buffers"), "{}", error(&config));
        let eal = EalConfig { memory: DpdkMemory::Ordinary { megabytes: 64 }, core: 0 };
        let config = DpdkConfig { eal, ..DpdkConfig::new("net_ring8") };
        assert!(error(&config).contains("same `eal` settings"));
        drop(first);
        open("net_ring8".to_owned()).expect("the failures left nothing behind");
    });
}

#[test]
fn the_opening_thread_keeps_its_cores_and_a_missing_core_is_refused() {
    alone("the_opening_thread_keeps_its_cores_and_a_missing_core_is_refused", || {
        let allowed = || {
            let status = fs::read_to_string("/proc/thread-self/status").expect("Linux");
            let line = status.lines().find(|line| line.starts_with("Cpus_allowed:"));
            line.expect("a line").to_owned()
        };
        let before = allowed();
        let eal = EalConfig { core: 100_000, ..EalConfig::default() };
        let config = DpdkConfig { eal, ..DpdkConfig::new("net_ring0") };
        let refused = DpdkPort::open(&config).map(drop).expect_err("no such core").to_string();
        assert!(refused.contains("eal.core"), "{refused}");
        assert_eq!(allowed(), before);
    });
}

#[test]
fn huge_pages_come_back() {
    alone("huge_pages_come_back", || {
        let eal = EalConfig { memory: DpdkMemory::Huge { megabytes: 64 }, core: 0 };
        match DpdkPort::open(&DpdkConfig { eal, ..DpdkConfig::new("net_ring0") }) {
            Ok(mut port) => {
                println!("{}", port.describe());
                port.send(&[1; 60]).expect("room");
                port.flush();
                assert_eq!((port.poll(), port.frame(0).bytes), (1, &[1; 60][..]));
            }
            Err(error) => println!("SKIPPED dpdk on huge pages: {error}"),
        }
    });
}

/// Names the namespace in which a process holds a device until it is killed.
const HOLDER: &str = "NOFX_DPDK_HOLDER";

/// Not a test by itself: what [`a_killed_process_leaves_the_interface_usable`] kills.
#[test]
fn holds_a_device_where_told() {
    let Ok(namespace) = env::var(HOLDER) else { return };
    NetNs::open(namespace).and_then(|namespace| namespace.enter()).expect("the namespace");
    let device = format!("net_af_xdp0,iface={}", Lab::NEAR);
    let _port = open(device).expect("a device");
    println!("HOLDING");
    std::io::stdout().flush().expect("a pipe");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_process_leaves_the_interface_usable() {
    alone("a_killed_process_leaves_the_interface_usable", || {
        let Some(lab) = Lab::or_skip("dpdk kill -9") else { return };
        let mut holder = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "holds_a_device_where_told", "--nocapture"])
            .env(HOLDER, lab.near.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let words = BufReader::new(holder.stdout.take().expect("its words")).lines();
        let holding = words.map_while(Result::ok).any(|line| line.contains("HOLDING"));
        holder.kill().expect("killed"); // by signal 9
        holder.wait().expect("its end");
        assert!(holding, "it opened the device");
        let left = format!("/var/run/dpdk/nofx-{}", holder.id());
        assert!(!Path::new(&left).exists(), "{left} is left behind");
        // The program that stays on the interface passes everything to the kernel.
        let kernel = lab.near.within(|| UdpSocket::bind(OWN)).expect("its own address");
        let peer = lab.far.within(|| UdpSocket::bind(PEER)).expect("its own address");
        kernel.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        peer.send_to(b"to the kernel", OWN).expect("sent");
        let mut got = [0; 64];
        assert_eq!(kernel.recv(&mut got).expect("received"), 13);
        let port = lab.near.within(|| on_interface("net_af_xdp")).expect("free again");
        let mut port = Datagrams::new(port, rigs::config(&lab));
        peer.send_to(b"after all", OWN).expect("sent");
        let got = receive(&mut port, 1);
        assert_eq!(got.first().map(|packet| packet.payload.as_slice()), Some(&b"after all"[..]));
    });
}
