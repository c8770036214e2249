//! What cannot be opened, in words.

use nofx_net::netns::Lab;
use nofx_net::port::FramePort;
use nofx_net::xsk::{Mode, XskConfig, XskPort, ZeroCopy};

use crate::rig::{MODES, config, lab, open, sender};

fn refused(lab: &Lab, config: &XskConfig) -> (Option<i32>, String) {
    match lab.near.within(|| XskPort::open(config)) {
        Ok(port) => panic!("opened: {}", port.describe()),
        Err(error) => (error.errno(), error.to_string()),
    }
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    println!("{error}");
    words.iter().for_each(|word| assert!(error.contains(word), "no `{word}` in: {error}"));
}

#[test]
fn missing_interface_and_missing_queue_are_named() {
    let Some(lab) = lab("xsk missing", 2) else { return };
    let (_, error) = refused(&lab, &XskConfig { interface: "nofx9".into(), ..config(MODES[0]) });
    says(&error, &["nofx9", "ip link"]);
    let (_, error) = refused(&lab, &XskConfig { queues: vec![0, 2], ..config(MODES[0]) });
    says(&error, &["queues", "no queue 2", "has 2"]);
    let (_, error) = refused(&lab, &XskConfig { frames: 6_000, ..config(MODES[0]) });
    says(&error, &["fill_ring"]);
}

#[test]
fn interface_that_is_down_is_named() {
    let Some(lab) = lab("xsk down", 1) else { return };
    lab.near.ip("link set nofx0 down").expect("ip");
    let (errno, error) = refused(&lab, &config(Mode::Auto));
    assert_eq!(errno, Some(libc::ENETDOWN));
    says(&error, &["nofx0", "is down", "ip link set dev"]);
}

#[test]
fn zero_copy_demanded_and_not_obtained_is_an_error() {
    let Some(lab) = lab("xsk zero copy demanded", 1) else { return };
    let config = XskConfig { zero_copy: ZeroCopy::Required, ..config(Mode::Native) };
    let (errno, error) = refused(&lab, &config);
    assert_eq!(errno, Some(libc::EOPNOTSUPP));
    says(&error, &["nofx0", "queue 0", "zero-copy", "zero_copy wanted or off"]);
    drop(open(&lab.near, &XskConfig { zero_copy: ZeroCopy::Wanted, ..config }));
}

#[test]
fn native_mode_refused_for_the_mtu_says_so_and_auto_falls_back() {
    let Some(lab) = lab("xsk jumbo", 1) else { return };
    for (ns, name) in [(&lab.near, "nofx0"), (&lab.far, "peer0")] {
        ns.ip(&format!("link set {name} mtu 9000")).expect("a jumbo MTU");
    }
    let (errno, error) = refused(&lab, &config(Mode::Native));
    assert_eq!(errno, Some(libc::ERANGE));
    says(&error, &["native mode", "MTU"]);
    let said = open(&lab.near, &config(Mode::Auto)).describe().to_string();
    says(&said, &["generic copy", "native mode not obtained", "frames over 1792 bytes are lost"]);
}

#[test]
fn second_port_on_an_interface_is_refused_in_words() {
    let Some(lab) = lab("xsk twice", 1) else { return };
    for (first, second) in [(MODES[0], MODES[0]), (MODES[1], MODES[1]), (MODES[0], MODES[1])] {
        let _held = open(&lab.near, &config(first));
        let (_, error) = refused(&lab, &config(second));
        says(&error, &["nofx0", "another XDP program is attached"]);
    }
}

/// Runs `work` on a thread of its own that has first become `unprivileged`.
fn on_thread<T: Send>(unprivileged: fn(), work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unprivileged();
            work()
        });
        thread.join().expect("no panic")
    })
}

#[test]
fn without_privilege_it_says_which_is_missing() {
    let Some(lab) = lab("xsk privilege", 1) else { return };
    let near = &lab.near;
    let error = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            near.enter().expect("in the namespace");
            become_nobody();
            XskPort::open(&config(Mode::Auto)).err().expect("refused")
        });
        thread.join().expect("no panic")
    });
    assert_eq!(error.errno(), Some(libc::EPERM));
    says(&error.to_string(), &["root", "CAP_NET_ADMIN", "CAP_BPF"]);
}

/// Gives up all capabilities of this thread; the raw call leaves the other threads alone.
fn become_nobody() {
    const NOBODY: libc::c_long = 65_534;
    // SAFETY: no pointer is involved.
    let done = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(done, 0);
}

#[test]
fn frame_memory_beyond_the_memory_lock_limit_is_explained() {
    let Some(lab) = lab("xsk memlock", 1) else { return };
    let limit = memlock_limit();
    if limit > 64 << 20 {
        println!("SKIPPED xsk memlock: RLIMIT_MEMLOCK is {limit}, too much to exceed in a test");
        return;
    }
    let frames = (limit / 2048) as u32 + 4096;
    let large = XskConfig { frames, fill_ring: frames.next_power_of_two(), ..config(MODES[0]) };
    drop(open(&lab.near, &large)); // with the capability it opens
    let near = &lab.near;
    let error =
        on_thread(drop_ipc_lock, || near.within(|| XskPort::open(&large)).err().expect("refused"));
    assert_eq!(error.errno(), Some(libc::ENOBUFS));
    says(&error.to_string(), &["frame memory", "RLIMIT_MEMLOCK", "CAP_IPC_LOCK", "frames"]);
    drop(open(&lab.far, &sender(0)));
}

fn memlock_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) }, 0);
    limit.rlim_cur
}

/// Takes CAP_IPC_LOCK from this thread.
fn drop_ipc_lock() {
    const VERSION_3: u32 = 0x2008_0522;
    const IPC_LOCK: u32 = 14;
    let mut header = [VERSION_3, 0];
    let mut sets = [0u32; 6]; // effective, permitted, inheritable; low words, then high words
    // SAFETY: the layouts are those of capget(2), version 3, for the calling thread.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()), 0);
        sets[0] &= !(1 << IPC_LOCK);
        assert_eq!(libc::syscall(libc::SYS_capset, header.as_mut_ptr(), sets.as_ptr()), 0);
    }
}
