//! The errors of opening an AF_XDP port, with what to do about each errno.

use std::io;

use crate::port::OpenError;

/// Shorthand of this module.
pub(super) type Result<T> = std::result::Result<T, OpenError>;

const PRIVILEGE: &str = "run as root, or give the program CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF \
                         (and CAP_IPC_LOCK for the frame memory)";

/// A key of the configuration that cannot be used, and why.
pub(super) fn config(interface: &str, key: &str, problem: impl std::fmt::Display) -> OpenError {
    let problem = io::Error::new(io::ErrorKind::InvalidInput, format!("{key}: {problem}"));
    OpenError::new(place(interface), "use its configuration", problem, "change that key")
}

/// More was demanded than the kernel gave.
pub(super) fn not_obtained(interface: &str, key: &str, what: String) -> OpenError {
    let problem = io::Error::new(io::ErrorKind::Unsupported, format!("{key}: {what}"));
    let advice = "demand less in the configuration, or use a driver that can do it";
    OpenError::new(place(interface), "get what the configuration demands", problem, advice)
}

/// A refusal of `bpf()`.
pub(super) fn bpf(doing: &'static str, source: io::Error) -> OpenError {
    let advice = match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => PRIVILEGE,
        Some(libc::E2BIG) => "the filter holds 1,024 flows at most",
        Some(libc::ENOSYS) => "the kernel is built without CONFIG_BPF_SYSCALL",
        _ => "the kernel must know XDP and BPF links (5.9 or later)",
    };
    OpenError::new("AF_XDP", doing, source, advice)
}

/// A refusal to attach the program to an interface.
pub(super) fn attach(interface: &str, native: bool, source: io::Error) -> OpenError {
    let doing = if native { "attach in native mode" } else { "attach in generic mode" };
    let advice = match source.raw_os_error() {
        Some(libc::EPERM) => PRIVILEGE,
        Some(libc::EBUSY | libc::EEXIST) => {
            "another XDP program is attached: `ip link` shows it, `ip link set dev NAME xdp off` \
             removes it, or end the process that holds it"
        }
        Some(libc::EOPNOTSUPP) => "the driver has no native XDP: mode generic or auto",
        Some(libc::ERANGE | libc::EINVAL) if native => {
            "the MTU is too large for native XDP on this driver (about 3.5 kB on veth), or its \
             offloads are in the way: lower the MTU at both ends, or mode generic"
        }
        _ => "look at `ip link` and the kernel's log",
    };
    OpenError::new(place(interface), doing, source, advice)
}

/// A refusal of the socket of one queue.
pub(super) fn queue(
    interface: &str,
    queue: u32,
    doing: &'static str,
    source: io::Error,
) -> OpenError {
    let advice = match source.raw_os_error() {
        Some(libc::EPERM) => PRIVILEGE,
        Some(libc::EAFNOSUPPORT) => "the kernel is built without CONFIG_XDP_SOCKETS",
        Some(libc::ENOBUFS) => {
            "the frame memory exceeds what may be locked: raise RLIMIT_MEMLOCK (`ulimit -l`), give \
             CAP_IPC_LOCK, or lower `frames`"
        }
        Some(libc::EBUSY) => {
            "another socket holds this queue; one that was just closed is let go within a second"
        }
        Some(libc::EINVAL) => "there may be no such queue: `ethtool -l` lists them",
        Some(libc::ENETDOWN) => "the interface is down: `ip link set dev NAME up`",
        Some(libc::EOPNOTSUPP) => "the driver cannot do zero-copy: zero_copy wanted or off",
        Some(libc::ENODEV) => "the interface has gone",
        Some(libc::ENOMEM) => "too little memory for its rings and frames",
        _ => "look at the kernel's log",
    };
    OpenError::new(format!("{} queue {queue}", place(interface)), doing, source, advice)
}

fn place(interface: &str) -> String {
    format!("AF_XDP on `{interface}`")
}
