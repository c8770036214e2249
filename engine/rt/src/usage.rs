//! What the kernel did to this thread: page faults, preemptions, CPU time, memory.

use std::mem::MaybeUninit;

pub use crate::sched::pin_to_core;

/// Counts since the thread started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Pages brought in, from memory or disk.
    pub page_faults: u64,
    /// Times the thread lost its core against its will.
    pub preemptions: u64,
}

impl ThreadUsage {
    /// Reads the counts of the calling thread: one system call.
    pub fn now() -> ThreadUsage {
        let usage = rusage(libc::RUSAGE_THREAD);
        ThreadUsage {
            page_faults: (usage.ru_minflt + usage.ru_majflt) as u64,
            preemptions: usage.ru_nivcsw as u64,
        }
    }

    /// What was added since `earlier`.
    pub fn since(self, earlier: ThreadUsage) -> ThreadUsage {
        ThreadUsage {
            page_faults: self.page_faults.saturating_sub(earlier.page_faults),
            preemptions: self.preemptions.saturating_sub(earlier.preemptions),
        }
    }
}

/// CPU time of the whole process so far, user and system, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    cpu_ns(libc::RUSAGE_SELF)
}

/// CPU time of all child processes that have ended and were waited for, in nanoseconds.
pub fn children_cpu_ns() -> u64 {
    cpu_ns(libc::RUSAGE_CHILDREN)
}

fn cpu_ns(who: libc::c_int) -> u64 {
    let usage = rusage(who);
    let ns = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1_000;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

/// Largest resident size of the process so far, in bytes.
pub fn peak_rss_bytes() -> u64 {
    rusage(libc::RUSAGE_SELF).ru_maxrss as u64 * 1024
}

/// Keeps every page of the process, those to come included, in memory from its first touch on.
///
/// # Errors
/// The system refuses: more than RLIMIT_MEMLOCK without CAP_IPC_LOCK.
pub fn lock_memory() -> std::io::Result<()> {
    // ONFAULT: address space that is only reserved (stacks of threads) takes no memory by it.
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: touches no memory of ours.
    match unsafe { libc::mlockall(flags) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn rusage(who: libc::c_int) -> libc::rusage {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a rusage of this frame; the call writes nothing else, and all-zero
    // bytes are a valid rusage when it fails.
    unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_fresh_pages_is_seen_as_faults() {
        let before = ThreadUsage::now();
        let pages = std::hint::black_box(vec![1u8; 64 * 4096]);
        assert!(ThreadUsage::now().since(before).page_faults > 0);
        assert!(process_cpu_ns() > 0 && peak_rss_bytes() > pages.len() as u64);
    }
}
