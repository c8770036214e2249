//! The few calls of a TCP socket that the standard library does not make without waiting.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void, sockaddr_in, socklen_t};

/// A TCP socket that never waits, not yet connected.
pub(super) fn tcp() -> io::Result<TcpStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers; the result is checked before use.
    let fd = check(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: `fd` was opened just now and nobody else owns it.
    Ok(TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Sets an option that is one number.
pub(super) fn set(socket: &TcpStream, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let (at, len) = ((&raw const value).cast::<c_void>(), size_of::<c_int>() as socklen_t);
    // SAFETY: `at` points to `len` bytes that live through the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, at, len) }).map(drop)
}

/// Lets the socket use one interface only.
pub(super) fn bind_to_interface(socket: &TcpStream, name: &CStr) -> io::Result<()> {
    let (fd, option) = (socket.as_raw_fd(), libc::SO_BINDTODEVICE);
    let (at, len) = (name.as_ptr().cast::<c_void>(), name.to_bytes_with_nul().len() as socklen_t);
    // SAFETY: `at` points to `len` bytes that live through the call.
    check(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, at, len) }).map(drop)
}

/// Gives the socket its own address.
pub(super) fn bind(socket: &TcpStream, to: SocketAddrV4) -> io::Result<()> {
    let address = address(to);
    let (at, len) = ((&raw const address).cast(), size_of::<sockaddr_in>() as socklen_t);
    // SAFETY: `at` points to a whole sockaddr_in of `len` bytes.
    check(unsafe { libc::bind(socket.as_raw_fd(), at, len) }).map(drop)
}

/// Begins the handshake. Done or under way: both are `Ok`.
pub(super) fn connect(socket: &TcpStream, to: SocketAddrV4) -> io::Result<()> {
    let address = address(to);
    let (at, len) = ((&raw const address).cast(), size_of::<sockaddr_in>() as socklen_t);
    // SAFETY: `at` points to a whole sockaddr_in of `len` bytes.
    match check(unsafe { libc::connect(socket.as_raw_fd(), at, len) }) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        other => other.map(drop),
    }
}

/// Whether the handshake came to an end, good or bad.
pub(super) fn settled(socket: &TcpStream) -> io::Result<bool> {
    let mut wait = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd, which lives through the call; a timeout of 0 returns at once.
    Ok(check(unsafe { libc::poll(&raw mut wait, 1, 0) })? > 0)
}

fn address(of: SocketAddrV4) -> sockaddr_in {
    sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: of.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*of.ip()).to_be() },
        sin_zero: [0; 8],
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
