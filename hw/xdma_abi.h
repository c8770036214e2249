/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a program and the XDMA driver say to each other: facts of the interface, written down anew
 * from the behaviour of driver version 2025.2.0 and of product guide PG195. It is no copy of the
 * driver's headers, whose two files hide each other (they share one include guard).
 *
 * bindgen makes fpga/abi/src/bindings.rs of this file. Each ioctl is a constant of an anonymous
 * enum: bindgen drops `#define X _IOW(...)` without a word.
 *
 * Nodes, N the card, C the channel 0..3, K the user interrupt 0..15:
 *   /dev/xdmaN_user           the user BAR (AXI4-Lite): the gate's registers
 *   /dev/xdmaN_control        the BAR of the DMA engines
 *   /dev/xdmaN_bypass         the bypass BAR: only mmap is of use
 *   /dev/xdmaN_h2c_C          DMA host to card: pwrite, the offset is an address of the card
 *   /dev/xdmaN_c2h_C          DMA card to host: pread
 *   /dev/xdmaN_events_K       user interrupts
 *   /dev/xdmaN_bypass_h2c_C, /dev/xdmaN_bypass_c2h_C, /dev/xdmaN_xvc     not used here
 *
 * user, control: read and write move one 32-bit word whatever the count says and return 4; an offset
 *   that is no multiple of 4 is EPROTO; the offset is not compared with the length of the BAR. mmap
 *   is uncached; a length beyond the BAR is EINVAL.
 * events: a count other than 4 is EPROTO; read sleeps until an interrupt came, returns a word that is
 *   not 0 and clears it; a signal is EAGAIN; poll says POLLIN.
 * h2c, c2h, memory-mapped: the address of the buffer and the offset must be equal modulo the
 *   alignment of the engine (XDMA_ALIGN_GET), else EINVAL; a transfer has at most 2^28 - 1 bytes a
 *   descriptor and 2048 descriptors; ERESTARTSYS or EIO when the engine does not finish in
 *   h2c_timeout_ms, c2h_timeout_ms (module parameters, 10 s).
 * c2h, streaming: one open at a time, the second is EBUSY; O_TRUNC: a read ends at TLAST.
 */
#ifndef NOFX_XDMA_ABI_H
#define NOFX_XDMA_ABI_H

#include <linux/ioctl.h>
#include <stdint.h>

/* Argument of the performance ioctls of h2c and c2h. */
struct xdma_perf {
	uint32_t version;       /* XDMA_PERF_VERSION */
	uint32_t transfer_size; /* bytes of the transfer that is repeated */
	uint32_t stopped;
	uint32_t iterations;
	uint64_t clock_cycle_count;
	uint64_t data_cycle_count;
	uint64_t pending_count;
};

/* Argument of the aperture ioctls: a transfer whose card address wraps. */
struct xdma_aperture {
	uint64_t ep_addr;
	unsigned int aperture;
	unsigned long buffer;
	unsigned long len;
	int error;
	unsigned long done;
};

/* Argument of XDMA_INFO on user and control; `magic` must be XDMA_INFO_MAGIC. The driver fills the
 * rest, clears `magic`, and leaves `dma_engine_version` and `domain` 0. */
struct xdma_info {
	unsigned int magic;
	unsigned int command;
	unsigned short vendor;
	unsigned short device;
	unsigned short subsystem_vendor;
	unsigned short subsystem_device;
	unsigned int dma_engine_version;
	unsigned int driver_version;
	unsigned long long feature_id;
	unsigned short domain;
	unsigned char bus;
	unsigned char dev;
	unsigned char func;
};

enum {
	XDMA_PERF_VERSION = 1,
	XDMA_INFO_MAGIC = 0x586c0c6c,
	XDMA_ADDRMODE_MEMORY = 0, /* the address counts up */
	XDMA_ADDRMODE_FIXED = 1   /* it does not: streaming, or a FIFO */
};

/* h2c and c2h. The size that START, STOP, GET and APERTURE encode is that of a POINTER, not of the
 * struct behind it. */
enum {
	XDMA_PERF_START = _IOW('q', 1, struct xdma_perf *),
	XDMA_PERF_STOP = _IOW('q', 2, struct xdma_perf *),
	XDMA_PERF_GET = _IOR('q', 3, struct xdma_perf *),
	XDMA_ADDRMODE_SET = _IOW('q', 4, int),
	XDMA_ADDRMODE_GET = _IOR('q', 5, int),
	XDMA_ALIGN_GET = _IOR('q', 6, int),
	XDMA_APERTURE_READ = _IOW('q', 7, struct xdma_aperture *),
	XDMA_APERTURE_WRITE = _IOW('q', 8, struct xdma_aperture *)
};

/* user and control. */
enum {
	XDMA_INFO = _IOWR('x', 1, struct xdma_info),
	XDMA_OFFLINE = _IO('x', 2),
	XDMA_ONLINE = _IO('x', 3)
};

#endif
