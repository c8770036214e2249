//! The five `bpf()` commands that a filter needs. Layouts: `union bpf_attr` of the kernel's bpf.h.
#![allow(unsafe_code)] // the system call itself

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

const MAP_CREATE: libc::c_long = 0;
const MAP_LOOKUP: libc::c_long = 1;
const MAP_UPDATE: libc::c_long = 2;
const MAP_DELETE: libc::c_long = 3;
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;

const ANY: u64 = 0;
const NO_EXIST: u64 = 1;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// The helpers used are open to every licence; the string is a declaration to the kernel.
const LICENSE: &std::ffi::CStr = c"MIT";

/// Kinds of map, by their number in `enum bpf_map_type`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum MapKind {
    Hash = 1,
    Array = 2,
    Sockets = 17,
}

#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

#[repr(C)]
struct MapElement {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach_type: u32,
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// # Safety
/// `attr` is the layout that `command` expects, and every pointer in it covers the bytes that the
/// command reads or writes there.
unsafe fn bpf<T>(command: libc::c_long, attr: &T) -> io::Result<RawFd> {
    // SAFETY: the caller vouches for the pointers inside `attr`; the kernel reads no more than
    // `size_of::<T>()` bytes of it.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attr), size_of::<T>() as u32)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer as RawFd) }
}

/// # Safety
/// As [`bpf`], and `command` answers with a new descriptor.
unsafe fn bpf_fd<T>(command: libc::c_long, attr: &T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise; a new descriptor has no other owner.
    unsafe { bpf(command, attr).map(|fd| OwnedFd::from_raw_fd(fd)) }
}

pub(super) fn create_map(
    kind: MapKind,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> io::Result<OwnedFd> {
    let attr = MapCreate { kind: kind as u32, key_size, value_size, max_entries, flags: 0 };
    // SAFETY: the layout is that of BPF_MAP_CREATE and holds no pointers.
    unsafe { bpf_fd(MAP_CREATE, &attr) }
}

fn element(map: &OwnedFd, key: &[u8], value: u64) -> MapElement {
    MapElement { map: map.as_raw_fd() as u32, pad: 0, key: key.as_ptr() as u64, value, flags: ANY }
}

/// `map[key] = value`. Both must have the sizes the map was made with.
pub(super) fn update(map: &OwnedFd, key: &[u8], value: &[u8]) -> io::Result<()> {
    // SAFETY: key and value outlive the call, and the callers of this module pass the sizes that
    // they made the map with; the kernel only reads them.
    unsafe { bpf(MAP_UPDATE, &element(map, key, value.as_ptr() as u64)).map(drop) }
}

/// Adds `key`, which must not be there.
pub(super) fn insert(map: &OwnedFd, key: &[u8], value: &[u8]) -> io::Result<()> {
    let mut attr = element(map, key, value.as_ptr() as u64);
    attr.flags = NO_EXIST;
    // SAFETY: as in `update`.
    unsafe { bpf(MAP_UPDATE, &attr).map(drop) }
}

/// `value = map[key]`.
pub(super) fn lookup(map: &OwnedFd, key: &[u8], value: &mut [u8; 8]) -> io::Result<()> {
    // SAFETY: only called on the counter map, whose values are eight bytes; key as in `update`.
    unsafe { bpf(MAP_LOOKUP, &element(map, key, value.as_mut_ptr() as u64)).map(drop) }
}

/// Removes `key`.
pub(super) fn delete(map: &OwnedFd, key: &[u8]) -> io::Result<()> {
    // SAFETY: as in `update`; this command has no value.
    unsafe { bpf(MAP_DELETE, &element(map, key, 0)).map(drop) }
}

/// Verifies and loads an XDP program. On refusal the error carries the last words of the verifier.
pub(super) fn load_xdp(code: &[u64]) -> io::Result<OwnedFd> {
    let mut attr = ProgLoad {
        kind: PROG_TYPE_XDP,
        instruction_count: code.len() as u32,
        instructions: code.as_ptr() as u64,
        license: LICENSE.as_ptr() as u64,
        name: *b"nofx_filter\0\0\0\0\0",
        expected_attach_type: ATTACH_XDP,
        ..ProgLoad::default()
    };
    // SAFETY: the layout is that of BPF_PROG_LOAD; code and licence live throughout the call.
    let refused = match unsafe { bpf_fd(PROG_LOAD, &attr) } {
        Ok(program) => return Ok(program),
        Err(refused) => refused,
    };
    let mut log = vec![0u8; 64 << 10];
    (attr.log_level, attr.log_size, attr.log) = (1, log.len() as u32, log.as_mut_ptr() as u64);
    // SAFETY: as above, and `log` is writable for `log_size` bytes.
    if let Ok(program) = unsafe { bpf_fd(PROG_LOAD, &attr) } {
        return Ok(program);
    }
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(log.get(..end).unwrap_or_default());
    match text.lines().rev().find(|line| !line.starts_with("processed")) {
        Some(words) if refused.raw_os_error() != Some(libc::EPERM) => {
            Err(io::Error::new(refused.kind(), format!("{refused}: {words}")))
        }
        _ => Err(refused),
    }
}

/// Attaches an XDP program until the link is closed, at the latest by the end of the process.
pub(super) fn link_xdp(program: &OwnedFd, interface: u32, flags: u32) -> io::Result<OwnedFd> {
    let program = program.as_raw_fd() as u32;
    let attr = LinkCreate { program, interface, attach_type: ATTACH_XDP, flags };
    // SAFETY: the layout is that of BPF_LINK_CREATE and holds no pointers.
    unsafe { bpf_fd(LINK_CREATE, &attr) }
}

#[cfg(test)]
#[repr(C)]
#[derive(Default)]
struct TestRun {
    program: u32,
    action: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

/// Runs a loaded program once on a frame in memory: its answer, and how many bytes of metadata and
/// frame came out.
#[cfg(test)]
pub(super) fn run_xdp(program: &OwnedFd, frame: &[u8], out: &mut [u8]) -> io::Result<(u32, usize)> {
    const PROG_TEST_RUN: libc::c_long = 10;
    let attr = TestRun {
        program: program.as_raw_fd() as u32,
        data_size_in: frame.len() as u32,
        data_size_out: out.len() as u32,
        data_in: frame.as_ptr() as u64,
        data_out: out.as_mut_ptr() as u64,
        repeat: 1,
        ..TestRun::default()
    };
    let attr = std::cell::UnsafeCell::new(attr); // the kernel writes its answer into it
    // SAFETY: the layout is the head of that of BPF_PROG_TEST_RUN; both buffers live throughout the
    // call and have the sizes that are passed. `attr` is read again only after the call.
    unsafe {
        let size = size_of::<TestRun>() as u32;
        let done = libc::syscall(libc::SYS_bpf, PROG_TEST_RUN, attr.get(), size);
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let attr = attr.into_inner();
    Ok((attr.action, attr.data_size_out as usize))
}
