//! The interface of the XDMA driver: the structs and ioctls of `hw/xdma_abi.h` as bindgen reads them.
//!
//! Model: `bindings.rs` is generated and checked in, so that a build needs no libclang; a test makes
//! it again and compares. The numbers are proved a second time at compile time, from the definition
//! of an ioctl number instead of from the C macros ([`ioc`]); the layouts are asserted by what
//! bindgen writes itself and, by hand, below.
//!
//! Worst case: there is no code here, only constants and layouts.
#![forbid(unsafe_code)]

mod bindings;

pub use bindings::*;

/// Which way the argument of an ioctl goes, from the program's view (`asm-generic/ioctl.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Direction {
    /// No argument.
    None = 0,
    /// The program writes, the driver reads.
    Write = 1,
    /// The driver writes, the program reads.
    Read = 2,
    /// Both.
    Both = 3,
}

/// The number of an ioctl: direction in bits 31..30, size of the argument in 29..16, type in 15..8,
/// number in 7..0 (`asm-generic/ioctl.h`, the layout of x86-64 and aarch64).
pub const fn ioc(direction: Direction, kind: u8, number: u8, size: usize) -> u32 {
    assert!(size < 1 << 14, "an ioctl encodes at most 14 bits of size");
    (direction as u32) << 30 | (size as u32) << 16 | (kind as u32) << 8 | number as u32
}

/// What START, STOP, GET and APERTURE encode as size: a pointer, whatever stands behind it.
const POINTER: usize = size_of::<*const u8>();

const _: () = {
    assert!(XDMA_PERF_START == ioc(Direction::Write, b'q', 1, POINTER));
    assert!(XDMA_PERF_STOP == ioc(Direction::Write, b'q', 2, POINTER));
    assert!(XDMA_PERF_GET == ioc(Direction::Read, b'q', 3, POINTER));
    assert!(XDMA_ADDRMODE_SET == ioc(Direction::Write, b'q', 4, 4));
    assert!(XDMA_ADDRMODE_GET == ioc(Direction::Read, b'q', 5, 4));
    assert!(XDMA_ALIGN_GET == ioc(Direction::Read, b'q', 6, 4));
    assert!(XDMA_APERTURE_READ == ioc(Direction::Write, b'q', 7, POINTER));
    assert!(XDMA_APERTURE_WRITE == ioc(Direction::Write, b'q', 8, POINTER));
    assert!(XDMA_INFO == ioc(Direction::Both, b'x', 1, size_of::<xdma_info>()));
    assert!(XDMA_OFFLINE == ioc(Direction::None, b'x', 2, 0));
    assert!(XDMA_ONLINE == ioc(Direction::None, b'x', 3, 0));
};

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<xdma_perf>() == 40);
    assert!(offset_of!(xdma_perf, clock_cycle_count) == 16);
    assert!(offset_of!(xdma_perf, pending_count) == 32);
    assert!(size_of::<xdma_aperture>() == 48);
    assert!(offset_of!(xdma_aperture, buffer) == 16);
    assert!(offset_of!(xdma_aperture, done) == 40);
    assert!(size_of::<xdma_info>() == 40);
    assert!(offset_of!(xdma_info, vendor) == 8);
    assert!(offset_of!(xdma_info, driver_version) == 20);
    assert!(offset_of!(xdma_info, feature_id) == 24);
    assert!(offset_of!(xdma_info, func) == 36);
};
