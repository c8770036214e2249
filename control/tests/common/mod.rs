//! What the tests of the process share: certificates made by its own `pki`, a really running server,
//! `curl` as its client, and engines that are real mailboxes.
#![allow(dead_code)] // each test binary uses a part

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nofx_mailbox::view::{BookView, SessionView};
use nofx_mailbox::{AckView, Engine, EngineState, Spec};
use nofx_types::Nanos;
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_nofx-control");

/// A folder with a certificate authority in `pki`.
pub struct Office {
    pub dir: TempDir,
}

impl Office {
    pub fn new() -> Office {
        let office = Office { dir: tempfile::tempdir().unwrap() };
        let pki = office.path("pki");
        good(&run(&["pki", "init", "--dir", text(&pki)]));
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Issues NAME.crt, NAME.key, NAME.p12 for the person.
    pub fn issue(&self, name: &str, person: &str, roles: &[&str]) -> Value {
        let (pki, out) = (self.path("pki"), self.path(name));
        let mut args = vec![
            "pki",
            "issue",
            "--json",
            "--dir",
            text(&pki),
            "--person",
            person,
            "--out",
            text(&out),
        ];
        roles.iter().for_each(|role| args.extend(["--role", role]));
        serde_json::from_slice(&good(&run(&args)).stdout).unwrap()
    }

    pub fn revoke(&self, serial: &str) {
        good(&run(&["pki", "revoke", "--dir", text(&self.path("pki")), "--serial", serial]));
    }

    /// Writes control.toml with these engines and what `more` says.
    pub fn configure(&self, engines: &[(&str, &Path)], more: &str) -> PathBuf {
        let mut config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ncertificate = \"pki/server.crt\"\nkey = \"pki/server.key\"\n\
             client_ca = \"pki/ca.crt\"\ncrl = \"pki/crl.pem\"\n[store]\npath = \"store.db\"\n\
             [audit]\npath = \"audit.db\"\nkey = \"pki/audit.key\"\n[console]\nenabled = false\n{more}\n"
        );
        for (name, mailbox) in engines {
            config += &format!("[[engine]]\nname = {name:?}\nmailbox = {:?}\n", text(mailbox));
        }
        let path = self.path("control.toml");
        std::fs::write(&path, config).unwrap();
        path
    }

    pub fn serve(&self) -> Server {
        self.serve_logging(Stdio::inherit())
    }

    /// The same with its log elsewhere.
    pub fn serve_logging(&self, log: impl Into<Stdio>) -> Server {
        // A full disk is made by a limit on file sizes: its signal must not end the process.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", BINARY, "serve", "--config"])
            .arg(self.path("control.toml"))
            .env("NOFX_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("https://"), "it does not serve: {line:?}");
        Server { child, url: line.trim().to_owned() }
    }

    /// A request by `curl`; `who` names the files of a certificate. Status and body.
    pub fn ask(
        &self,
        server: &Server,
        who: Option<&str>,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> (u16, Value) {
        self.ask_with(server, who, method, path, body, &[])
    }

    /// The same with more arguments.
    pub fn ask_with(
        &self,
        server: &Server,
        who: Option<&str>,
        method: &str,
        path: &str,
        body: Option<&str>,
        more: &[&str],
    ) -> (u16, Value) {
        let mut curl = self.curl(server, who, method, path, body, more);
        let output = good(&curl.output().unwrap());
        let said = String::from_utf8(output.stdout).unwrap();
        let (body, status) = said.rsplit_once('\n').unwrap();
        let value = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
        (status.parse().unwrap(), value)
    }

    /// The request as a process that was not started yet.
    pub fn curl(
        &self,
        server: &Server,
        who: Option<&str>,
        method: &str,
        path: &str,
        body: Option<&str>,
        more: &[&str],
    ) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "60", "-X", method, "-w", "\n%{http_code}", "--cacert"]);
        curl.arg(self.path("pki/ca.crt")).args(more);
        if let Some(who) = who {
            curl.arg("--cert").arg(self.path(&format!("{who}.crt")));
            curl.arg("--key").arg(self.path(&format!("{who}.key")));
        }
        if let Some(body) = body {
            curl.args(["-H", "Content-Type: application/json", "-d", body]);
        }
        curl.arg(format!("{}{path}", server.url));
        curl
    }
}

/// A running server; ends with the test.
pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    /// From now on the process can write no byte into any file, as on a full disk; or it can again.
    pub fn disk_full(&self, full: bool) {
        let size = if full { "--fsize=0:unlimited" } else { "--fsize=unlimited:unlimited" };
        good(&program("prlimit", &["--pid", &self.child.id().to_string(), size]));
    }

    pub fn kill(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What an engine of the tests shows.
#[derive(Default)]
pub struct Knobs {
    /// Its session is not up.
    pub blocked: AtomicBool,
    /// Its book is stale.
    pub stale: AtomicBool,
    /// It refused a page of limits last.
    pub refused: AtomicBool,
    /// Its heart stands still.
    pub silent: AtomicBool,
}

/// The tile of an engine of the tests: a thread that turns until it is ended.
pub struct Tile {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tile {
    /// `work` returns once it is told to stop.
    pub fn start(work: impl FnOnce(&AtomicBool) + Send + 'static) -> Tile {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        Tile { stop, thread: Some(std::thread::spawn(move || work(&told))) }
    }

    pub fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        self.end();
    }
}

/// A real mailbox whose pages are written by a thread, as an engine's tile writes them.
pub struct Floor {
    pub mailbox: PathBuf,
    pub knobs: Arc<Knobs>,
    tile: Tile,
}

impl Floor {
    pub fn start(mailbox: PathBuf) -> Floor {
        let spec = Spec {
            engine: "nofx test".into(),
            started: now(),
            tiles: vec!["trade".into()],
            accounts: 4,
            instruments: 8,
            book_rows: 1,
            orders: 4,
            positions: 4,
            sessions: 1,
            journal_bytes: 1 << 12,
            ..Spec::default()
        };
        let engine = Engine::create(&mailbox, &spec).unwrap();
        engine.set_state(EngineState::Trading);
        let knobs = Arc::new(Knobs::default());
        let mine = knobs.clone();
        publish(&engine, &knobs);
        let tile = Tile::start(move |stop| {
            while !stop.load(Ordering::Relaxed) {
                publish(&engine, &mine);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Floor { mailbox, knobs, tile }
    }

    /// Ends the engine; its file stays.
    pub fn end(&mut self) {
        self.tile.end();
    }
}

fn publish(engine: &Engine, knobs: &Knobs) {
    let (at, mut views) = (now(), engine.views());
    let stale = u8::from(knobs.stale.load(Ordering::Relaxed));
    let blocked = u8::from(knobs.blocked.load(Ordering::Relaxed));
    let book = BookView { symbol: *b"AAPL    ", instrument: 3, stale, ..BookView::default() };
    views.book(at, 0, &book);
    views.orders(at, []);
    views.positions(at, []);
    views.session(at, 0, &SessionView { blocked, ..SessionView::default() });
    let refused = u64::from(knobs.refused.load(Ordering::Relaxed));
    views.params_ack(at, &AckView { seen: refused, refused, ..AckView::default() });
    if !knobs.silent.load(Ordering::Relaxed) {
        engine.beat(0, at);
    }
}

pub fn now() -> Nanos {
    Nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// Waits until it is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs the binary.
pub fn run(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).output().unwrap()
}

/// Runs a program of the system.
pub fn program(name: &str, args: &[&str]) -> Output {
    Command::new(name).args(args).output().unwrap()
}

pub fn good(output: &Output) -> Output {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    output.clone()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
