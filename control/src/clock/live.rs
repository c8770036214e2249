//! The bound against real time services, whose true offset is known: all of them read the same
//! kernel clock, so it is zero. No service here may set that clock: chronyd runs with `-x`, ptp4l
//! with `free_running`, both without the capability to do so.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;

/// A process of this test, ended with it.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `program` without the right to set a clock.
fn harmless(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-sys_time", "--inh-caps=-sys_time", program]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn has(programs: &[&str]) -> bool {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = |name: &&str| path.split(':').any(|dir| Path::new(dir).join(name).exists());
    let all = programs.iter().all(found);
    if !all {
        eprintln!("SKIPPED: {programs:?} are not all installed (packages chrony, linuxptp)");
    }
    all
}

fn chronyd(dir: &Path, lines: &str) -> Owned {
    let pid = dir.join("pid");
    let socket = dir.join("sock");
    // chronyd makes no command socket in a folder that others may look into.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("set");
    let conf = format!(
        "{lines}\ncmdport 0\npidfile {}\nbindcmdaddress {}\n",
        pid.display(),
        socket.display()
    );
    fs::write(dir.join("conf"), conf).expect("written");
    let mut command = harmless("/usr/sbin/chronyd");
    let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
    command.args(["-x", "-d", "-U", "-u", &user, "-f"]).arg(dir.join("conf"));
    Owned(command.spawn().expect("setpriv runs"))
}

fn port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address").port()
}

fn watch(dir: &Path) -> ClockWatch {
    let address = Some(dir.join("sock").display().to_string());
    ClockWatch::new(Settings { source: Source::Chrony, address, ..Settings::default() })
}

/// Carries datagrams between a client and a server and holds the answers back for `delay`: a path
/// that is slower in one direction, which no protocol can see from its ends.
fn uneven_path(server: u16, delay: Duration, stop: Arc<AtomicBool>) -> u16 {
    let front = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let back = UdpSocket::bind("127.0.0.1:0").expect("a port");
    back.connect(("127.0.0.1", server)).expect("connected");
    front.set_read_timeout(Some(Duration::from_millis(100))).expect("set");
    back.set_read_timeout(Some(Duration::from_millis(100))).expect("set");
    let at = front.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let mut bytes = [0; 2_048];
        while !stop.load(Ordering::Relaxed) {
            let Ok((n, client)) = front.recv_from(&mut bytes) else { continue };
            let _ = back.send(&bytes[..n]);
            let Ok(n) = back.recv(&mut bytes) else { continue };
            std::thread::sleep(delay);
            let _ = front.send_to(&bytes[..n], client);
        }
    });
    at
}

/// Looks until chronyd follows its server.
async fn synchronised(clock: &ClockWatch) -> ClockState {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        clock.look().await;
        let state = clock.now();
        if state.error_ns.is_some() {
            return state;
        }
        assert!(Instant::now() < deadline, "never synchronised: {}", state.detail);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn the_bound_of_a_real_chronyd_contains_the_true_offset() {
    if !has(&["chronyd", "chronyc", "setpriv"]) {
        return;
    }
    let dirs = [tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b")];
    let [server_dir, client_dir] = dirs.each_ref().map(|dir| dir.path());
    let at = port();
    let bind = "bindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 1";
    let server = chronyd(server_dir, &format!("port {at}\n{bind}"));
    let stop = Arc::new(AtomicBool::new(false));
    let path = uneven_path(at, Duration::from_millis(6), stop.clone());
    let client = chronyd(
        client_dir,
        &format!("port 0\nserver 127.0.0.1 port {path} minpoll -3 maxpoll -3 iburst"),
    );

    // A server that follows its own clock vouches for nothing.
    let own = watch(server_dir);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !own.with_seen(|seen| seen.refused.clone()).is_some_and(|why| why.contains("local")) {
        own.look().await;
        assert!(Instant::now() < deadline, "{}", own.now().detail);
    }
    assert_eq!((own.now().state, own.now().error_ns), (Standing::Unknown, None));

    let clock = watch(client_dir);
    // After its first samples chronyd vouches for little; half a round trip counts when it is sure.
    let deadline = Instant::now() + Duration::from_secs(60);
    while synchronised(&clock).await.reading.is_none_or(|reading| reading.dispersion_ns > 1_000_000)
    {
        assert!(Instant::now() < deadline, "never sure: {:?}", clock.now());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..10 {
        let reading = synchronised(&clock).await.reading.expect("one");
        // What the service measured is wrong by what it measured, since the truth is zero: that
        // must lie within the rest of the bound. The path hides 3 ms, so a bound without half the
        // round trip would miss it.
        let wrong = reading.offset_ns.unsigned_abs();
        assert!(wrong <= reading.path_ns + reading.dispersion_ns, "{reading:?}");
        assert!(reading.path_ns >= 3_000_000, "half of a round trip of 6 ms: {reading:?}");
        assert!(wrong > 1_000_000, "the uneven path shows in the offset: {reading:?}");
        assert!(wrong > reading.dispersion_ns, "without the path it would be outside: {reading:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = clock.now();
    assert_eq!((state.state, state.alarm), (Standing::Over, true), "3 ms are above 100 us");

    // Without its server the bound grows, and without the daemon it is unknown.
    drop(server);
    drop(client);
    clock.look().await;
    assert!(clock.with_seen(|seen| seen.trouble.contains("chronyc")), "{:?}", clock.now());
    stop.store(true, Ordering::Relaxed);
}

/// Two namespaces with a cable between them.
struct Namespaces {
    dir: tempfile::TempDir,
    holders: Vec<Owned>,
}

impl Namespaces {
    /// `None` where this user may not make them.
    fn new() -> Option<Namespaces> {
        let hold = || Command::new("unshare").args(["-n", "sleep", "600"]).spawn().map(Owned);
        let holders = vec![hold().ok()?, hold().ok()?];
        let made = Namespaces { dir: tempfile::tempdir().ok()?, holders };
        // `unshare` becomes `sleep` in its namespace: only then is there one of its own.
        let mine = fs::read_link("/proc/self/ns/net").ok()?;
        let deadline = Instant::now() + Duration::from_secs(10);
        for holder in &made.holders {
            let ns = format!("/proc/{}/ns/net", holder.0.id());
            while fs::read_link(&ns).is_ok_and(|ns| ns == mine) {
                if Instant::now() > deadline || !Path::new(&ns).exists() {
                    return None;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let [a, b] = [made.holders[0].0.id(), made.holders[1].0.id()].map(|pid| pid.to_string());
        let (near, far) = (format!("nfx{}a", a), format!("nfx{}b", a));
        let link = ["link", "add", &near, "netns", &a, "type", "veth", "peer", "name", &far];
        let done = Command::new("ip").args(link).args(["netns", &b]).output().ok()?;
        for (pid, name, address) in [(&a, &near, "10.99.0.1/24"), (&b, &far, "10.99.0.2/24")] {
            let script = format!(
                "ip addr add {address} dev {name} && ip link set {name} up && ip link set lo up"
            );
            Command::new("nsenter").args(["-t", pid, "-n", "sh", "-c", &script]).output().ok()?;
        }
        done.status.success().then_some(made)
    }

    fn ptp4l(&self, row: usize, more: &[&str]) -> Owned {
        let pid = self.holders[row].0.id().to_string();
        let device = format!("nfx{}{}", self.holders[0].0.id(), ["a", "b"][row]);
        let mut command = harmless("nsenter");
        command.args(["-t", &pid, "-n", "ptp4l", "-S", "-4", "-q", "-i", &device]);
        command.args(["--free_running", "1", "--logAnnounceInterval", "-3"]);
        command.args(["--logSyncInterval", "-3", "--logMinDelayReqInterval", "-3"]);
        command.arg("--uds_address").arg(self.socket(row)).args(more);
        Owned(command.spawn().expect("setpriv runs"))
    }

    fn socket(&self, row: usize) -> String {
        self.dir.path().join(["a", "b"][row]).display().to_string()
    }
}

#[tokio::test]
async fn a_real_ptp4l_is_read_and_refused_while_it_steers_nothing() {
    if !has(&["ptp4l", "pmc", "setpriv", "nsenter", "ip"]) {
        return;
    }
    let Some(spaces) = Namespaces::new() else {
        eprintln!("SKIPPED: this user may not make network namespaces");
        return;
    };
    let _master = spaces.ptp4l(0, &["--priority1", "10"]);
    let _slave = spaces.ptp4l(1, &["-s"]);
    let clock = ClockWatch::new(Settings {
        source: Source::Ptp,
        address: Some(spaces.socket(1)),
        extra_ns: 1_000,
        ..Settings::default()
    });
    // ptp4l that may not steer the clock stays UNCALIBRATED: no bound, however small its figures.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        clock.look().await;
        let said = clock.with_seen(|seen| seen.refused.clone()).unwrap_or_default();
        if said.contains("UNCALIBRATED") || said.contains("no PTP grandmaster") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", clock.now().detail);
    }
    assert_eq!((clock.now().state, clock.now().error_ns), (Standing::Unknown, None));
}
