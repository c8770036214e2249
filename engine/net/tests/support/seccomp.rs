//! System calls as a matter of life and death: after [`only`] any other ends the process.

/// From here on, any system call of this thread but `allowed` and `exit_group` ends the process
/// with SIGSYS.
pub fn only(allowed: &[libc::c_long]) {
    const LOAD_NUMBER: libc::sock_filter = statement(0x20, 0); // seccomp_data.nr
    let mut program = vec![LOAD_NUMBER];
    for number in allowed.iter().chain([&libc::SYS_exit_group]) {
        program.push(libc::sock_filter { code: 0x15, jt: 0, jf: 1, k: *number as u32 });
        program.push(statement(0x06, libc::SECCOMP_RET_ALLOW));
    }
    program.push(statement(0x06, libc::SECCOMP_RET_KILL_PROCESS));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: `filter` and the program it points to live through the calls.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter)
    };
    if done != 0 {
        std::process::exit(2); // nothing can be shown; the parent sees the code
    }
    std::mem::forget(program); // freeing it might be a system call
}

/// Ends the process at once, without the calls of an ordinary end.
pub fn exit(code: i32) -> ! {
    // SAFETY: nothing of this process is needed any more.
    unsafe { libc::syscall(libc::SYS_exit_group, code) };
    unreachable!("the process has ended")
}

const fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}
