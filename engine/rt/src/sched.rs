//! Where and how the kernel runs this thread: cores, real-time class, what `/proc` says about both.

use std::io;

use core_affinity::CoreId;

/// Real-time priority of a tile that asked for SCHED_FIFO: the lowest, which is above everything
/// that is not real-time.
pub const FIFO_PRIORITY: i32 = 1;

/// Pins the calling thread to `core`.
///
/// # Errors
/// The kernel's refusal, e.g. a core that does not exist or is outside the process's set.
pub fn pin_to_core(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::other(format!("core {core} is out of range")));
    }
    match core_affinity::set_for_current(CoreId { id: core }) {
        true => Ok(()),
        false => Err(io::Error::last_os_error()),
    }
}

/// Gives the calling thread SCHED_FIFO at [`FIFO_PRIORITY`]. Threads it starts do not inherit it.
///
/// # Errors
/// The kernel's refusal: EPERM without CAP_SYS_NICE or a real-time limit.
pub fn become_fifo() -> io::Result<()> {
    // SAFETY: zeroed is a valid sched_param, whose only field on Linux is the priority.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = FIFO_PRIORITY;
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the call reads `param` during the call only; 0 names the calling thread.
    let rc = unsafe { libc::sched_setscheduler(0, policy, &param) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether the calling thread is in a real-time class.
pub fn is_real_time() -> bool {
    // SAFETY: a query without pointers; 0 names the calling thread.
    let policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
    policy == libc::SCHED_FIFO || policy == libc::SCHED_RR
}

/// Cores that the calling thread may run on, rising (`Cpus_allowed_list` of its status).
///
/// # Errors
/// `/proc` is not there, or holds no such list.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    let status = std::fs::read_to_string("/proc/thread-self/status")?;
    let field = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    field
        .and_then(parse_cores)
        .ok_or_else(|| io::Error::other("no Cpus_allowed_list in /proc/thread-self/status"))
}

/// Reads a list as the kernel writes it: `0-3,8`, spaces around it, nothing for no core. `None`
/// for anything else.
pub fn parse_cores(list: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if first > last || last >= libc::CPU_SETSIZE as usize {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_core_is_refused() {
        assert!(pin_to_core(1023).is_err());
        assert!(pin_to_core(usize::MAX).is_err());
    }

    #[test]
    fn core_lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_cores("\t0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(parse_cores(""), Some(vec![]));
        for bad in ["a", "1-", "3-1", "0-99999999999", "-1"] {
            assert_eq!(parse_cores(bad), None, "{bad}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore)] // no /proc there
    fn a_pinned_thread_may_run_on_its_core_only() {
        let cores = allowed_cores().expect("/proc");
        let last = *cores.last().expect("a core");
        let pinned = std::thread::spawn(move || {
            pin_to_core(last).expect("a core of ours");
            allowed_cores().expect("/proc")
        });
        assert_eq!(pinned.join().expect("no panic"), [last]);
        assert_eq!(allowed_cores().expect("/proc"), cores);
    }
}
