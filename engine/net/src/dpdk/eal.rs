//! DPDK's environment (EAL): started once in a process, before the first port.

use std::ffi::{CString, c_char, c_int};
use std::io;
use std::mem;
use std::sync::Mutex;

use super::{ffi, text};
use crate::port::OpenError;

/// Memory of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DpdkMemory {
    /// Ordinary pages of this process. Enough for virtual devices; a card needs huge pages.
    Ordinary {
        /// Mebibytes.
        megabytes: u32,
    },
    /// Huge pages, which nobody else sees and which end with the process.
    Huge {
        /// Mebibytes.
        megabytes: u32,
    },
}

/// The environment: the same for all ports of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EalConfig {
    /// Core that DPDK takes for its own; the opening thread keeps its affinity.
    pub core: usize,
    /// Memory.
    pub memory: DpdkMemory,
}

impl Default for EalConfig {
    /// Core 0, 128 MiB of ordinary pages.
    fn default() -> EalConfig {
        EalConfig { core: 0, memory: DpdkMemory::Ordinary { megabytes: 128 } }
    }
}

/// What this process has started, and whether it runs.
static STARTED: Mutex<Option<(EalConfig, bool)>> = Mutex::new(None);

/// Starts the environment, or finds it started in the same way.
pub(super) fn start(config: &EalConfig) -> Result<(), OpenError> {
    let mut started = STARTED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let refused = |why, advice| {
        Err(fail("start it again", io::Error::new(io::ErrorKind::InvalidInput, why), advice))
    };
    match &*started {
        Some((_, false)) => return refused("it failed before", "start the process again"),
        Some((other, true)) if other == config => return Ok(()),
        Some(_) => {
            let advice = "give all DPDK ports of a process the same `eal` settings";
            return refused("it runs with other settings", advice);
        }
        None => {}
    }
    let arguments = arguments(config);
    let affinity = affinity()?;
    let begun = init(&arguments);
    keep(&affinity);
    clean_up();
    // After a failure too: it cannot begin twice.
    *started = Some((config.clone(), begun.is_ok()));
    begun
}

/// What a command line would say. Private memory and no shared files: nothing is left behind. No
/// card is taken unasked: the list of those allowed names none that exists.
fn arguments(config: &EalConfig) -> Vec<CString> {
    let (pages, megabytes) = match config.memory {
        DpdkMemory::Ordinary { megabytes } => ("--no-huge --no-shconf", megabytes),
        DpdkMemory::Huge { megabytes } => ("--in-memory", megabytes),
    };
    let line = format!(
        "nofx {pages} -m {megabytes} --file-prefix {} -l {} --no-telemetry --log-level error \
         -a 0000:00:00.0",
        prefix(),
        config.core
    );
    // There is no zero byte in it.
    line.split_whitespace().map(|word| CString::new(word).unwrap_or_default()).collect()
}

fn init(arguments: &[CString]) -> Result<(), OpenError> {
    // DPDK keeps pointers into its arguments, and may reorder them: they are given away.
    let leaked = arguments.iter().map(|word| word.clone().into_raw());
    let list: &'static mut [*mut c_char] = Vec::leak(leaked.collect());
    // SAFETY: `list` holds as many terminated strings, which live for ever; this runs once.
    let begun = unsafe { ffi::rte_eal_init(list.len() as c_int, list.as_mut_ptr()) };
    if begun >= 0 {
        return Ok(());
    }
    // SAFETY: it only reads this thread's error.
    let error = io::Error::from_raw_os_error(unsafe { ffi::nofx_errno() });
    Err(fail(
        "start",
        error,
        "see DPDK's own words above; `eal.core` must exist, `eal.memory` must be free, and card \
         access needs privilege",
    ))
}

/// Removes the folder that DPDK has made for its files at run time: there are none, because nothing
/// is shared, and a process that is killed could not do it.
fn clean_up() {
    // SAFETY: a terminated string that lives for ever; empty before the folder is made.
    let folder = unsafe { text(ffi::rte_eal_get_runtime_dir()) };
    if folder.ends_with(&prefix()) {
        _ = std::fs::remove_dir(folder); // only an empty one goes
    }
}

/// What tells the files of this process from those of others.
fn prefix() -> String {
    format!("nofx-{}", std::process::id())
}

/// The version that runs.
pub(super) fn version() -> String {
    // SAFETY: a terminated string that lives for ever.
    unsafe { text(ffi::rte_version()) }
}

/// The cores that the calling thread may use.
fn affinity() -> Result<libc::cpu_set_t, OpenError> {
    // SAFETY: all zeros is an empty set, which the call fills.
    let mut set = unsafe { mem::zeroed::<libc::cpu_set_t>() };
    // SAFETY: `set` is of the size that is given.
    match unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) } {
        0 => Ok(set),
        _ => Err(fail("read the affinity", io::Error::last_os_error(), "this should not happen")),
    }
}

/// Puts the calling thread back where it was: DPDK has moved it to its core.
fn keep(set: &libc::cpu_set_t) {
    // SAFETY: `set` is of the size that is given. Should it fail, the thread stays on that core.
    unsafe { libc::sched_setaffinity(0, size_of_val(set), set) };
}

fn fail(doing: &'static str, source: io::Error, advice: &'static str) -> OpenError {
    OpenError::new("dpdk environment", doing, source, advice)
}
