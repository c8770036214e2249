//! Made by bindgen from `hw/xdma_abi.h`; a test makes it again and compares.
#![allow(missing_docs, non_camel_case_types)]

#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct xdma_perf {
    pub version: u32,
    pub transfer_size: u32,
    pub stopped: u32,
    pub iterations: u32,
    pub clock_cycle_count: u64,
    pub data_cycle_count: u64,
    pub pending_count: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of xdma_perf"][::std::mem::size_of::<xdma_perf>() - 40usize];
    ["Alignment of xdma_perf"][::std::mem::align_of::<xdma_perf>() - 8usize];
    ["Offset of field: xdma_perf::version"][::std::mem::offset_of!(xdma_perf, version) - 0usize];
    ["Offset of field: xdma_perf::transfer_size"]
        [::std::mem::offset_of!(xdma_perf, transfer_size) - 4usize];
    ["Offset of field: xdma_perf::stopped"][::std::mem::offset_of!(xdma_perf, stopped) - 8usize];
    ["Offset of field: xdma_perf::iterations"]
        [::std::mem::offset_of!(xdma_perf, iterations) - 12usize];
    ["Offset of field: xdma_perf::clock_cycle_count"]
        [::std::mem::offset_of!(xdma_perf, clock_cycle_count) - 16usize];
    ["Offset of field: xdma_perf::data_cycle_count"]
        [::std::mem::offset_of!(xdma_perf, data_cycle_count) - 24usize];
    ["Offset of field: xdma_perf::pending_count"]
        [::std::mem::offset_of!(xdma_perf, pending_count) - 32usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct xdma_aperture {
    pub ep_addr: u64,
    pub aperture: ::std::os::raw::c_uint,
    pub buffer: ::std::os::raw::c_ulong,
    pub len: ::std::os::raw::c_ulong,
    pub error: ::std::os::raw::c_int,
    pub done: ::std::os::raw::c_ulong,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of xdma_aperture"][::std::mem::size_of::<xdma_aperture>() - 48usize];
    ["Alignment of xdma_aperture"][::std::mem::align_of::<xdma_aperture>() - 8usize];
    ["Offset of field: xdma_aperture::ep_addr"]
        [::std::mem::offset_of!(xdma_aperture, ep_addr) - 0usize];
    ["Offset of field: xdma_aperture::aperture"]
        [::std::mem::offset_of!(xdma_aperture, aperture) - 8usize];
    ["Offset of field: xdma_aperture::buffer"]
        [::std::mem::offset_of!(xdma_aperture, buffer) - 16usize];
    ["Offset of field: xdma_aperture::len"][::std::mem::offset_of!(xdma_aperture, len) - 24usize];
    ["Offset of field: xdma_aperture::error"]
        [::std::mem::offset_of!(xdma_aperture, error) - 32usize];
    ["Offset of field: xdma_aperture::done"][::std::mem::offset_of!(xdma_aperture, done) - 40usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct xdma_info {
    pub magic: ::std::os::raw::c_uint,
    pub command: ::std::os::raw::c_uint,
    pub vendor: ::std::os::raw::c_ushort,
    pub device: ::std::os::raw::c_ushort,
    pub subsystem_vendor: ::std::os::raw::c_ushort,
    pub subsystem_device: ::std::os::raw::c_ushort,
    pub dma_engine_version: ::std::os::raw::c_uint,
    pub driver_version: ::std::os::raw::c_uint,
    pub feature_id: ::std::os::raw::c_ulonglong,
    pub domain: ::std::os::raw::c_ushort,
    pub bus: ::std::os::raw::c_uchar,
    pub dev: ::std::os::raw::c_uchar,
    pub func: ::std::os::raw::c_uchar,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of xdma_info"][::std::mem::size_of::<xdma_info>() - 40usize];
    ["Alignment of xdma_info"][::std::mem::align_of::<xdma_info>() - 8usize];
    ["Offset of field: xdma_info::magic"][::std::mem::offset_of!(xdma_info, magic) - 0usize];
    ["Offset of field: xdma_info::command"][::std::mem::offset_of!(xdma_info, command) - 4usize];
    ["Offset of field: xdma_info::vendor"][::std::mem::offset_of!(xdma_info, vendor) - 8usize];
    ["Offset of field: xdma_info::device"][::std::mem::offset_of!(xdma_info, device) - 10usize];
    ["Offset of field: xdma_info::subsystem_vendor"]
        [::std::mem::offset_of!(xdma_info, subsystem_vendor) - 12usize];
    ["Offset of field: xdma_info::subsystem_device"]
        [::std::mem::offset_of!(xdma_info, subsystem_device) - 14usize];
    ["Offset of field: xdma_info::dma_engine_version"]
        [::std::mem::offset_of!(xdma_info, dma_engine_version) - 16usize];
    ["Offset of field: xdma_info::driver_version"]
        [::std::mem::offset_of!(xdma_info, driver_version) - 20usize];
    ["Offset of field: xdma_info::feature_id"]
        [::std::mem::offset_of!(xdma_info, feature_id) - 24usize];
    ["Offset of field: xdma_info::domain"][::std::mem::offset_of!(xdma_info, domain) - 32usize];
    ["Offset of field: xdma_info::bus"][::std::mem::offset_of!(xdma_info, bus) - 34usize];
    ["Offset of field: xdma_info::dev"][::std::mem::offset_of!(xdma_info, dev) - 35usize];
    ["Offset of field: xdma_info::func"][::std::mem::offset_of!(xdma_info, func) - 36usize];
};
pub const XDMA_PERF_VERSION: _bindgen_ty_1 = 1;
pub const XDMA_INFO_MAGIC: _bindgen_ty_1 = 1483476076;
pub const XDMA_ADDRMODE_MEMORY: _bindgen_ty_1 = 0;
pub const XDMA_ADDRMODE_FIXED: _bindgen_ty_1 = 1;
pub type _bindgen_ty_1 = ::std::os::raw::c_uint;
pub const XDMA_PERF_START: _bindgen_ty_2 = 1074295041;
pub const XDMA_PERF_STOP: _bindgen_ty_2 = 1074295042;
pub const XDMA_PERF_GET: _bindgen_ty_2 = 2148036867;
pub const XDMA_ADDRMODE_SET: _bindgen_ty_2 = 1074032900;
pub const XDMA_ADDRMODE_GET: _bindgen_ty_2 = 2147774725;
pub const XDMA_ALIGN_GET: _bindgen_ty_2 = 2147774726;
pub const XDMA_APERTURE_READ: _bindgen_ty_2 = 1074295047;
pub const XDMA_APERTURE_WRITE: _bindgen_ty_2 = 1074295048;
pub type _bindgen_ty_2 = ::std::os::raw::c_uint;
pub const XDMA_INFO: _bindgen_ty_3 = 3223877633;
pub const XDMA_OFFLINE: _bindgen_ty_3 = 30722;
pub const XDMA_ONLINE: _bindgen_ty_3 = 30723;
pub type _bindgen_ty_3 = ::std::os::raw::c_uint;
