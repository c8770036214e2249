//! What each port does beyond the vectors they share: its refusals, its losses, its counts, and
//! that nothing is copied or allocated where it says so.

#[path = "../conformance/mod.rs"]
mod conformance;
#[path = "../support/seccomp.rs"]
mod seccomp;

mod datagrams;
mod fault;
mod flood;
mod packet;
mod recorder;
mod sealed;
mod syscalls;
mod udp;

#[global_allocator]
static ALLOC: nofx_rt::guard::CountingAlloc = nofx_rt::guard::CountingAlloc;

/// The count of a reason; 0 where the port has not named it.
fn dropped(counters: &nofx_net::port::PortCounters, reason: &str) -> u64 {
    counters.drops.iter().filter(|(name, _)| *name == reason).map(|(_, count)| count).sum()
}

/// Polls until something comes; how many. Gives up after [`conformance::PATIENCE`].
fn poll(port: &mut dyn nofx_net::port::Port) -> usize {
    let start = std::time::Instant::now();
    loop {
        match port.poll() {
            0 if start.elapsed() < conformance::PATIENCE => std::thread::yield_now(),
            count => return count,
        }
    }
}

/// Takes all capabilities from the calling thread.
fn drop_privileges() {
    let header = [0x2008_0522u32, 0]; // version 3, this thread (capabilities(7))
    let none = [0u32; 6];
    // SAFETY: the two structures of capset(2), which only reads them.
    let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    assert_eq!(done, 0);
}
