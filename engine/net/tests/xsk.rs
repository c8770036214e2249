//! AF_XDP against the kernel's own sockets across a veth pair in network namespaces of our own.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskConfig, XskPort};

const PORT: u16 = 26_477;

fn config(mode: Mode) -> XskConfig {
    XskConfig {
        interface: Lab::NEAR.to_owned(),
        mode,
        flows: vec![(Lab::NEAR_ADDRESS, PORT)],
        ..XskConfig::default()
    }
}

fn open(lab: &Lab, config: &XskConfig) -> XskPort {
    lab.near.within(|| XskPort::open(config)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn smoke() {
    let lab = Lab::new().expect("lab");
    for mode in [Mode::Generic, Mode::Native] {
        let mut port = open(&lab, &XskConfig { hook_stamp: true, tx_stamp: true, ..config(mode) });
        println!("{}", port.describe());
        let far = lab.far.within(|| UdpSocket::bind((Lab::FAR_ADDRESS, 0))).expect("far");
        for i in 0..10u8 {
            far.send_to(&[i; 64], SocketAddrV4::new(Lab::NEAR_ADDRESS, PORT)).expect("sent");
        }
        let start = Instant::now();
        let mut got = 0;
        while got < 10 && start.elapsed() < Duration::from_secs(2) {
            let n = port.poll();
            for i in 0..n {
                let f = port.frame(i);
                println!("{} {:?} {}", f.bytes.len(), f.at, port.holds(f.bytes.as_ptr()));
            }
            got += n;
        }
        for _ in 0..100 {
            let mut f = [0u8; 60];
            f[..6].fill(0xff);
            port.send(&f).expect("sent");
        }
        port.flush();
        port.poll();
        println!(
            "{:?} {:?} {:?}",
            port.tx_stamps().last,
            port.tx_stamps().missing,
            port.tx_stamps().delay.quantile(0.5)
        );
        println!("{:?}", port.counters());
        println!("{}", lab.near.ip("link show nofx0").unwrap());
        drop(port);
        println!("{}", lab.near.ip("link show nofx0").unwrap());
        assert_eq!(got, 10);
    }
    let _ = Ipv4Addr::LOCALHOST;
}
