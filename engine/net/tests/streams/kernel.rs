//! What only the kernel's TCP can show.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::thread;
use std::time::Duration;

use nofx_net::netns::Lab;
use nofx_net::stream::{KernelListener, KernelTcp, Stream, StreamError, StreamState, TcpConfig};
use nofx_rt::guard::{OnSealed, seal, sealed_allocations};
use nofx_types::Nanos;

use crate::demands::{Rig, open, until};
use crate::rigs::KernelRig;

const NOW: Nanos = Nanos(1_000_000_000);

fn at(ip: Ipv4Addr, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(ip, port)
}

/// Polls, with the clock standing still, until it is closed; why.
fn closed(stream: &mut KernelTcp) -> String {
    for _ in 0..60_000 {
        if stream.poll(NOW) == StreamState::Closed {
            return stream.reason().to_owned();
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("it never closed")
}

#[test]
fn says_in_words_why_it_cannot_connect() {
    let Some(lab) = Lab::or_skip("kernel TCP") else { return };
    let far = TcpConfig::to(at(Lab::FAR_ADDRESS, 9));
    let absent = Some(at(Ipv4Addr::new(10, 99, 0, 1), 0));
    let named = |name: &str| TcpConfig { interface: Some(name.into()), ..far.clone() };
    let cases = [
        (far.clone(), "refused", 0),
        (named("absent0"), "no such interface", 1),
        (named("a\0b"), "no such interface", 1),
        (TcpConfig { source: absent, ..far.clone() }, "source address", 1),
        (TcpConfig::to(at(Ipv4Addr::new(192, 0, 2, 1), 9)), "no way to the network", 1),
        (TcpConfig::to(at(Ipv4Addr::new(10, 77, 0, 99), 9)), "no way to the host", 1),
    ];
    for (config, want, errors) in cases {
        let mut stream = KernelTcp::new(config);
        lab.near.within(|| stream.connect(NOW));
        let reason = closed(&mut stream);
        assert!(reason.contains(want), "{reason}, want {want}");
        assert_eq!(stream.counters().errors, errors, "{reason}");
        assert_eq!((stream.counters().closed, stream.counters().opened), (1, 0));
    }
    let mut slow = KernelTcp::new(TcpConfig::to(at(Ipv4Addr::new(10, 77, 0, 98), 9)));
    lab.near.within(|| slow.connect(NOW));
    assert_eq!(slow.poll(NOW.plus(5_000_000_000)), StreamState::Connecting);
    assert_eq!(slow.poll(NOW.plus(5_000_000_001)), StreamState::Closed);
    assert_eq!(slow.reason(), "timed out");
}

#[test]
fn interface_and_source_are_used_and_a_dead_peer_is_given_up() {
    let Some(lab) = Lab::or_skip("kernel TCP") else { return };
    let mut listener =
        lab.far.within(|| KernelListener::bind(at(Lab::FAR_ADDRESS, 0))).expect("its own address");
    let mut stream = KernelTcp::new(TcpConfig {
        source: Some(at(Lab::NEAR_ADDRESS, 40_001)),
        interface: Some(Lab::NEAR.into()),
        silence_ns: 200_000_000,
        quick_ack: true,
        ..TcpConfig::to(listener.local())
    });
    lab.near.within(|| stream.connect(NOW));
    let mut server = None;
    while stream.poll(NOW) != StreamState::Open || server.is_none() {
        server = server.or_else(|| listener.accept());
    }
    let mut server = server.expect("accepted");
    assert_eq!(server.remote(), at(Lab::NEAR_ADDRESS, 40_001));
    let text = stream.describe();
    for part in ["10.77.0.2", "from 10.77.0.1:40001", "on nofx0", "nodelay", "quick"] {
        assert!(text.contains(part), "{text}");
    }
    stream.send(b"before").expect("room");
    while server.received() != b"before" {
        server.poll(NOW);
    }
    lab.far.ip("link set peer0 down").expect("down");
    stream.send(b"into the void").expect("room: nobody knows yet");
    let reason = closed(&mut stream);
    assert_eq!(reason, "timed out");
    assert_eq!(stream.send(b"late"), Err(StreamError::NotOpen));
    assert_eq!(stream.counters().errors, 0, "the peer's doing");
}

#[test]
fn a_port_of_this_host_that_nobody_listens_on_does_not_answer_itself() {
    let free = KernelListener::bind(at(Ipv4Addr::LOCALHOST, 0)).expect("a free port").local();
    // From the port it goes to: the kernel joins the socket with itself.
    let mut stream = KernelTcp::new(TcpConfig { source: Some(free), ..TcpConfig::to(free) });
    stream.connect(NOW);
    assert_eq!(closed(&mut stream), "refused");
    assert_eq!(stream.counters().opened, 0);
}

#[test]
fn an_accepted_stream_cannot_connect_and_a_taken_port_is_refused() {
    let mut rig = KernelRig::new();
    open(&mut rig);
    let taken = KernelListener::bind(rig.address()).expect_err("taken");
    assert_eq!(taken.raw_os_error(), Some(libc::EADDRINUSE));
    let accepted = rig.accepted();
    accepted.connect(NOW);
    assert_eq!(accepted.state(), StreamState::Closed);
    assert!(accepted.reason().contains("accepted"), "{}", accepted.reason());
}

#[test]
fn allocates_nothing_once_made_and_connects_again_without_it() {
    let mut rig = KernelRig::new();
    let before = sealed_allocations();
    for round in 1..=3 {
        let now = rig.now();
        rig.server().connect(now); // forgets the last one
        let sealed = seal(OnSealed::Count);
        rig.connect();
        while rig.client().state() != StreamState::Open {
            let now = rig.now();
            rig.client().poll(now);
        }
        drop(sealed);
        until(&mut rig, "the server accepts", |rig| rig.server().state() == StreamState::Open);
        let sealed = seal(OnSealed::Count);
        for _ in 0..100 {
            rig.client().send(b"an order").expect("room");
            while rig.server().received().is_empty() {
                rig.step();
            }
            rig.server().consume(usize::MAX);
            rig.server().send(b"a report").expect("room");
            while rig.client().received().is_empty() {
                rig.step();
            }
            rig.client().consume(usize::MAX);
        }
        rig.client().close();
        while rig.server().state() != StreamState::Closed {
            rig.step();
        }
        drop(sealed);
        assert_eq!(sealed_allocations() - before, 0, "round {round}");
    }
}

/// Allows this thread `recvfrom` and `sendto`, and what a thread needs to end; anything else kills
/// the process.
fn allow_only_receive_and_send() {
    const ALLOWED: [libc::c_long; 9] = [
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_futex,
        libc::SYS_munmap,
        libc::SYS_madvise,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_exit,
        libc::SYS_write, // what an assertion says
    ];
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = vec![step((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0)];
    for (index, call) in ALLOWED.iter().enumerate() {
        let over = (ALLOWED.len() - index) as u8;
        program.push(step((libc::BPF_JMP | libc::BPF_JEQ) as u16, over, 0, *call as u32));
    }
    program.push(step(libc::BPF_RET as u16, 0, 0, libc::SECCOMP_RET_KILL_PROCESS));
    program.push(step(libc::BPF_RET as u16, 0, 0, libc::SECCOMP_RET_ALLOW));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the filter holds for this thread only; the program lives through the calls.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter),
            0
        );
    }
}

#[test]
fn an_open_stream_only_receives_and_sends() {
    let mut rig = KernelRig::new();
    open(&mut rig);
    let sealed = thread::spawn(move || {
        allow_only_receive_and_send();
        let message = [7; 1000];
        let mut carried = 0;
        while carried < 500_000 {
            if rig.client().room() >= message.len() {
                rig.client().send(&message).expect("room");
            }
            rig.step();
            carried += rig.server().received().len();
            rig.server().consume(usize::MAX);
        }
        (carried, rig) // to be closed elsewhere
    });
    let (carried, _rig) = sealed.join().expect("nothing else was called");
    assert!(carried >= 500_000);
}
