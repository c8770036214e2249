//! The compiled RTL behind its C interface (shim/shim.cpp): one call, one cycle.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::NonNull;

/// Inputs of a cycle.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)] // the ports of the module of that name
pub struct In {
    pub s_data: [u8; 64],
    pub rx_data: [u8; 64],
    /// Seam alone: a verdict. With the gate: a line of the host.
    pub line_data: [u8; 64],
    pub s_keep: u64,
    pub awaddr: u32,
    pub wdata: u32,
    pub araddr: u32,
    pub rst: u8,
    pub s_valid: u8,
    pub s_last: u8,
    pub m_ready: u8,
    pub rx_valid: u8,
    pub rx_last: u8,
    pub line_valid: u8,
    pub line_ready: u8,
    pub killed: u8,
    /// Registers of the seam (0) or of the gate (1).
    pub bus: u8,
    pub awvalid: u8,
    pub wvalid: u8,
    pub bready: u8,
    pub arvalid: u8,
    pub rready: u8,
    pub reserved: [u8; 5],
}

impl Default for In {
    fn default() -> In {
        // SAFETY: integers and arrays of integers, for which zero is a value.
        unsafe { std::mem::zeroed() }
    }
}

/// Outputs of a cycle, as they stand before the edge.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Out {
    pub m_data: [u8; 64],
    /// Seam alone: an operation line. With the gate: a verdict for the host.
    pub line_data: [u8; 64],
    pub m_keep: u64,
    pub rdata: u32,
    pub s_ready: u8,
    pub m_valid: u8,
    pub m_last: u8,
    pub line_valid: u8,
    pub line_ready: u8,
    pub awready: u8,
    pub wready: u8,
    pub bvalid: u8,
    pub arready: u8,
    pub rvalid: u8,
    pub killed: u8,
    pub reserved: [u8; 1],
}

/// Which top is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// `wire_seam`: the core is whoever calls.
    Seam,
    /// `wire_top`: with the gate behind it (feature `top`).
    #[cfg(feature = "top")]
    Gate,
}

unsafe extern "C" {
    fn nofx_wire_seam_open(in_size: u64, out_size: u64, seed: u32) -> *mut c_void;
    fn nofx_wire_seam_close(sim: *mut c_void);
    fn nofx_wire_seam_cycle(sim: *mut c_void, inputs: *const In, outputs: *mut Out);
}
#[cfg(feature = "top")]
unsafe extern "C" {
    fn nofx_wire_top_open(in_size: u64, out_size: u64, seed: u32) -> *mut c_void;
    fn nofx_wire_top_close(sim: *mut c_void);
    fn nofx_wire_top_cycle(sim: *mut c_void, inputs: *const In, outputs: *mut Out);
}

/// A simulation.
pub struct Sim {
    sim: NonNull<c_void>,
    top: Top,
}

// SAFETY: the simulation has a context of its own and no tie to the thread that made it.
unsafe impl Send for Sim {}

impl Sim {
    /// A simulation whose registers start with bits drawn from `seed`.
    ///
    /// # Panics
    /// Where the shim was compiled from other structs than these.
    pub fn new(top: Top, seed: u32) -> Sim {
        let (inputs, outputs) = (size_of::<In>() as u64, size_of::<Out>() as u64);
        // SAFETY: no arguments but numbers; null where the sizes differ.
        let sim = unsafe {
            match top {
                Top::Seam => nofx_wire_seam_open(inputs, outputs, seed),
                #[cfg(feature = "top")]
                Top::Gate => nofx_wire_top_open(inputs, outputs, seed),
            }
        };
        Sim { sim: NonNull::new(sim).expect("shim and sources of one version"), top }
    }

    /// Clocks once.
    pub fn cycle(&mut self, inputs: &In) -> Out {
        // SAFETY: as for `In`.
        let mut outputs: Out = unsafe { std::mem::zeroed() };
        let sim = self.sim.as_ptr();
        // SAFETY: `sim` came from `new` of the same top; both pointers are valid for the call.
        unsafe {
            match self.top {
                Top::Seam => nofx_wire_seam_cycle(sim, inputs, &mut outputs),
                #[cfg(feature = "top")]
                Top::Gate => nofx_wire_top_cycle(sim, inputs, &mut outputs),
            }
        }
        outputs
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // SAFETY: `sim` came from `new` and is used no more.
        unsafe {
            match self.top {
                Top::Seam => nofx_wire_seam_close(self.sim.as_ptr()),
                #[cfg(feature = "top")]
                Top::Gate => nofx_wire_top_close(self.sim.as_ptr()),
            }
        }
    }
}
