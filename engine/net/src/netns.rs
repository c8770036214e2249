//! Network namespaces and veth pairs for tests and the lab.
//!
//! Model: a [`NetNs`] is a descriptor of a namespace. One made by [`NetNs::new`] has no name: it
//! lives as long as somebody holds it and ends with the process, however that ends. Sockets and
//! ports belong for ever to the namespace in which they were opened, so a test opens them inside
//! [`NetNs::within`] and uses them from anywhere. Links are made by `ip` (iproute2). Nothing here
//! touches an interface of the host.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// A network namespace, kept alive while this is.
#[derive(Debug)]
pub struct NetNs {
    handle: File,
}

impl NetNs {
    /// A new, empty namespace with its own loopback up.
    ///
    /// # Errors
    /// No privilege (CAP_SYS_ADMIN), or no `ip` program.
    pub fn new() -> io::Result<NetNs> {
        let made = thread::spawn(|| {
            // SAFETY: only this thread moves to the new namespace, and it ends right after.
            match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
                0 => NetNs::current(),
                _ => Err(io::Error::last_os_error()),
            }
        });
        let made = made.join().unwrap_or_else(|_| Err(io::Error::other("the thread died")))?;
        made.ip("link set lo up")?;
        Ok(made)
    }

    /// The namespace of the calling thread.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn current() -> io::Result<NetNs> {
        NetNs::open("/proc/thread-self/ns/net")
    }

    /// The namespace of a process.
    ///
    /// # Errors
    /// There is no such process, or it is not ours to see.
    pub fn of_process(pid: u32) -> io::Result<NetNs> {
        NetNs::open(format!("/proc/{pid}/ns/net"))
    }

    /// The namespace that a file stands for, as `ip netns add NAME` leaves one in
    /// `/run/netns/NAME`.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> io::Result<NetNs> {
        Ok(NetNs { handle: File::open(path)? })
    }

    /// Moves the calling thread here, for good. Threads that it starts later start here.
    ///
    /// # Errors
    /// No privilege, or not a network namespace.
    pub fn enter(&self) -> io::Result<()> {
        // SAFETY: the descriptor is open; the kernel checks what it is.
        match unsafe { libc::setns(self.handle.as_raw_fd(), libc::CLONE_NEWNET) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Runs `work` with the calling thread moved here, and moves it back.
    ///
    /// # Panics
    /// The thread cannot be moved: no privilege.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Back(NetNs);
        impl Drop for Back {
            fn drop(&mut self) {
                if let Err(error) = self.0.enter() {
                    eprintln!("cannot return to the network namespace: {error}");
                    std::process::abort();
                }
            }
        }
        let _back = Back(NetNs::current().expect("a thread has a network namespace"));
        self.enter().expect("privilege to enter a network namespace");
        work()
    }

    /// Runs `ip ARGUMENTS` (words apart by spaces) in this namespace; returns what it printed.
    ///
    /// # Errors
    /// There is no `ip`, or it failed: then with what it wrote.
    pub fn ip(&self, arguments: &str) -> io::Result<String> {
        self.command("ip", arguments)
    }

    /// Runs `program ARGUMENTS` (words apart by spaces) in this namespace.
    ///
    /// # Errors
    /// It does not exist, or it failed: then with what it wrote.
    pub fn command(&self, program: &str, arguments: &str) -> io::Result<String> {
        let words = arguments.split_whitespace();
        let output = self.within(|| Command::new(program).args(words).output())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{program} {arguments}: {}", words.trim())))
    }

    /// A path by which other programs find this namespace while this value lives.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.handle.as_raw_fd())
    }

    /// Joins this namespace and `other` by a veth pair and brings both ends up, without IPv6 so
    /// that nothing speaks unasked.
    ///
    /// # Errors
    /// A name is taken, or `ip` failed.
    pub fn veth(&self, here: End<'_>, other: &NetNs, there: End<'_>) -> io::Result<()> {
        let queues = |end: &End<'_>| format!("numrxqueues {0} numtxqueues {0}", end.queues.max(1));
        self.ip(&format!(
            "link add {} {} type veth peer name {} {} netns {}",
            here.name,
            queues(&here),
            there.name,
            queues(&there),
            other.path()
        ))?;
        self.bring_up(&here)?;
        other.bring_up(&there)?;
        self.route(&here)?;
        other.route(&there)
    }

    fn bring_up(&self, End { name, address, .. }: &End<'_>) -> io::Result<()> {
        self.ip(&format!("link set {name} addrgenmode none"))?;
        self.ip(&format!("addr add {address}/24 dev {name}"))?;
        self.ip(&format!("link set {name} up"))?;
        Ok(())
    }

    /// Waits for the end to be ready and sends multicast through it. That the other end came up is
    /// acted upon in the kernel's own time, up to seconds later, and until then what is sent is
    /// dropped; asking for one link makes newer kernels (6.9) act at once.
    fn route(&self, End { name, address, .. }: &End<'_>) -> io::Result<()> {
        let start = Instant::now();
        while !self.ip(&format!("link show dev {name}"))?.contains("state UP") {
            if start.elapsed() > READY_WITHIN {
                return Err(io::Error::other(format!("{name} does not become ready")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.ip(&format!("route replace 224.0.0.0/4 dev {name} metric {}", metric(*address)))?;
        Ok(())
    }
}

/// How long a veth pair may take to carry packets.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Several links may each have a multicast route: each its own metric.
fn metric(address: Ipv4Addr) -> u32 {
    u32::from(address) % 65_521 + 1
}

/// One end of a veth pair.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Interface name.
    pub name: &'a str,
    /// IPv4 address, /24.
    pub address: Ipv4Addr,
    /// Receive and transmit queues; 0 counts as 1.
    pub queues: u32,
}

/// Two namespaces joined by one veth pair: `near` (`nofx0`, 10.77.0.1) is where the port under
/// test is opened, `far` (`peer0`, 10.77.0.2) is the other side.
#[derive(Debug)]
pub struct Lab {
    /// Where the port under test is.
    pub near: NetNs,
    /// The other side.
    pub far: NetNs,
}

impl Lab {
    /// Interface on the near side.
    pub const NEAR: &'static str = "nofx0";
    /// Interface on the far side.
    pub const FAR: &'static str = "peer0";
    /// Address on the near side.
    pub const NEAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
    /// Address on the far side.
    pub const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

    /// Builds the pair with one queue each.
    ///
    /// # Errors
    /// No privilege (CAP_SYS_ADMIN, CAP_NET_ADMIN) or no `ip`.
    pub fn new() -> io::Result<Lab> {
        Lab::with_queues(1)
    }

    /// Builds the pair with `queues` each.
    ///
    /// # Errors
    /// As [`Lab::new`].
    pub fn with_queues(queues: u32) -> io::Result<Lab> {
        let (near, far) = (NetNs::new()?, NetNs::new()?);
        let end = |name, address| End { name, address, queues };
        near.veth(end(Lab::NEAR, Lab::NEAR_ADDRESS), &far, end(Lab::FAR, Lab::FAR_ADDRESS))?;
        Ok(Lab { near, far })
    }

    /// The pair, or `None` and a line that begins with `SKIPPED ` where this machine refuses it.
    pub fn or_skip(what: &str) -> Option<Lab> {
        match Lab::new() {
            Ok(lab) => Some(lab),
            Err(error) => {
                println!("SKIPPED {what}: no network namespace of our own: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddrV4, UdpSocket};

    use super::*;

    #[test]
    fn two_namespaces_talk_over_their_veth_pair_and_the_thread_comes_back() {
        let before = std::fs::read_link("/proc/thread-self/ns/net").expect("proc");
        let Some(lab) = Lab::or_skip("netns") else { return };
        let bound = |ns: &NetNs, ip| {
            ns.within(|| UdpSocket::bind(SocketAddrV4::new(ip, 0)).expect("its own address"))
        };
        let near = bound(&lab.near, Lab::NEAR_ADDRESS);
        let far = bound(&lab.far, Lab::FAR_ADDRESS);
        near.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        far.send_to(b"over the wire", near.local_addr().expect("bound")).expect("sent");
        let mut got = [0; 64];
        let (len, from) = near.recv_from(&mut got).expect("received");
        assert_eq!((&got[..len], from), (&b"over the wire"[..], far.local_addr().expect("bound")));
        assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").expect("proc"), before);
        assert!(lab.near.ip("link show peer0").is_err(), "each end is in its own namespace");
    }
}
