//! The compiled RTL behind its C interface, see shim/shim.cpp.

use std::fmt;

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// What is synthesised, and nothing else.
    Fast,
    /// With planted faults and waveforms (feature `dv`).
    Dv,
}

/// A model that this build does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Built without the feature of that name.
    Feature(&'static str),
    /// The shim was compiled from other structs than these sources.
    Layout,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Feature(name) => write!(
                f,
                "built without fpga-sim: the simulated gate needs `--features {name}` and, to build \
                 it, the package verilator"
            ),
            OpenError::Layout => {
                write!(f, "the simulation shim is of another version: build again")
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// One AXI4-Lite transaction; waits count cycles.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BusState {
    pub kind: u32,
    pub address: u32,
    pub data: u32,
    pub strobe: u32,
    pub address_wait: u32,
    pub data_wait: u32,
    pub answer_wait: u32,
    pub address_taken: u32,
    pub data_taken: u32,
    pub answered: u32,
    pub value: u32,
    pub response: u32,
    pub taken_at: u64,
}

/// What one call clocks, and what came of it.
#[repr(C)]
pub(crate) struct Run {
    pub cycles_max: u64,
    pub offer_chance: u32,
    pub take_chance: u32,
    pub reset: u32,
    pub mutant: u32,
    pub reserved: [u32; 2],
    pub random: u64,
    pub lines: *const u8,
    pub lines_len: u64,
    pub lines_done: u64,
    pub verdicts: *mut u8,
    pub verdicts_len: u64,
    pub verdicts_done: u64,
    pub line_cycles: *mut u64,
    pub verdict_cycles: *mut u64,
    pub bus: *mut BusState,
    pub cycles_done: u64,
    pub cycle: u64,
    pub killed: u32,
    pub broken: u32,
}

#[cfg(feature = "fpga-sim")]
pub(crate) use linked::Model;
#[cfg(not(feature = "fpga-sim"))]
pub(crate) use missing::Model;

#[cfg(feature = "fpga-sim")]
mod linked {
    use std::ffi::{CStr, c_char, c_void};
    use std::path::Path;
    use std::ptr::NonNull;

    use super::{Build, BusState, OpenError, Run};

    unsafe extern "C" {
        fn nofx_fast_open(bus_size: u64, run_size: u64) -> *mut c_void;
        fn nofx_fast_close(sim: *mut c_void);
        fn nofx_fast_run(sim: *mut c_void, run: *mut Run);
        fn nofx_failure() -> *const c_char;
        fn nofx_forget_failure();
    }
    #[cfg(feature = "dv")]
    unsafe extern "C" {
        fn nofx_dv_open(bus_size: u64, run_size: u64) -> *mut c_void;
        fn nofx_dv_close(sim: *mut c_void);
        fn nofx_dv_run(sim: *mut c_void, run: *mut Run);
        fn nofx_dv_trace(sim: *mut c_void, path: *const c_char);
    }

    type Open = unsafe extern "C" fn(u64, u64) -> *mut c_void;

    /// The functions of one model.
    struct Api {
        open: Open,
        close: unsafe extern "C" fn(*mut c_void),
        run: unsafe extern "C" fn(*mut c_void, *mut Run),
        trace: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
    }

    const FAST: Api =
        Api { open: nofx_fast_open, close: nofx_fast_close, run: nofx_fast_run, trace: None };
    #[cfg(feature = "dv")]
    const DV: Api = Api {
        open: nofx_dv_open,
        close: nofx_dv_close,
        run: nofx_dv_run,
        trace: Some(nofx_dv_trace),
    };

    /// A model and its state.
    pub(crate) struct Model {
        sim: NonNull<c_void>,
        api: &'static Api,
    }

    // SAFETY: the simulation has a context of its own and no tie to the thread that made it.
    unsafe impl Send for Model {}

    impl Model {
        pub fn open(build: Build) -> Result<Model, OpenError> {
            let api: &'static Api = match build {
                Build::Fast => &FAST,
                #[cfg(feature = "dv")]
                Build::Dv => &DV,
                #[cfg(not(feature = "dv"))]
                Build::Dv => return Err(OpenError::Feature("dv")),
            };
            let (bus, run) = (size_of::<BusState>() as u64, size_of::<Run>() as u64);
            // SAFETY: no arguments but sizes; null where they differ.
            let sim = unsafe { (api.open)(bus, run) };
            Ok(Model { sim: NonNull::new(sim).ok_or(OpenError::Layout)?, api })
        }

        /// Clocks as `run` says.
        ///
        /// # Safety
        /// The pointers of `run` are valid for the lengths that stand beside them, `bus` is valid,
        /// the cycle pointers are null or as long, and a line offered in the last call and not
        /// accepted is the first of this one.
        pub unsafe fn run(&mut self, run: &mut Run) {
            // SAFETY: `sim` came from `open` of the same model, the rest is the caller's promise.
            unsafe { (self.api.run)(self.sim.as_ptr(), run) }
        }

        /// Writes waveforms to `path` from now on, or stops.
        pub fn trace(&mut self, path: Option<&Path>) -> bool {
            let Some(trace) = self.api.trace else { return false };
            let path = path.map(|path| {
                std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
            });
            let pointer = path.as_ref().map_or(std::ptr::null(), |path| path.as_ptr());
            // SAFETY: a valid simulation and a C string that outlives the call, or null.
            unsafe { trace(self.sim.as_ptr(), pointer) };
            true
        }

        /// Takes the text of an assertion of the RTL that failed in this thread.
        pub fn take_failure() -> Option<String> {
            // SAFETY: a C string in a buffer of this thread.
            let text = unsafe { CStr::from_ptr(nofx_failure()) }.to_string_lossy().into_owned();
            // SAFETY: no arguments.
            unsafe { nofx_forget_failure() };
            (!text.is_empty()).then_some(text)
        }
    }

    impl Drop for Model {
        fn drop(&mut self) {
            // SAFETY: `sim` came from `open` and is used no more.
            unsafe { (self.api.close)(self.sim.as_ptr()) }
        }
    }
}

#[cfg(not(feature = "fpga-sim"))]
mod missing {
    use std::path::Path;

    use super::{Build, OpenError, Run};

    /// There is none in this build.
    pub(crate) enum Model {}

    impl Model {
        pub fn open(build: Build) -> Result<Model, OpenError> {
            Err(OpenError::Feature(match build {
                Build::Fast => "fpga-sim",
                Build::Dv => "dv",
            }))
        }

        /// # Safety
        /// Never called.
        pub unsafe fn run(&mut self, _run: &mut Run) {
            match *self {}
        }

        pub fn trace(&mut self, _path: Option<&Path>) -> bool {
            match *self {}
        }

        pub fn take_failure() -> Option<String> {
            None
        }
    }
}

#[cfg(all(test, not(feature = "fpga-sim")))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_in_says_how_to_build_it() {
        let error = Model::open(Build::Fast).err().expect("not built").to_string();
        assert!(error.starts_with("built without fpga-sim:"), "{error}");
        assert!(error.contains("--features fpga-sim") && error.contains("verilator"), "{error}");
    }
}
