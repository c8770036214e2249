//! Clients that mean harm: every operation of the served OpenAPI document is given what it does not
//! expect, and ten thousand slow clients hold what they can. Whatever comes: a typed answer, no 5xx
//! of ours, nothing half applied, memory bounded, and the kill switch works.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Office, Server, now, until};
use nofx_mailbox::param::{ParamRow, ParamSpec, kind, table};
use nofx_mailbox::{Engine, EngineState, Spec, Steering, Watcher};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// A client that sends bytes as they are.
struct Raw {
    config: Arc<ClientConfig>,
    at: SocketAddr,
}

impl Raw {
    fn new(office: &Office, server: &Server, who: Option<&str>) -> Raw {
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_file_iter(office.path("pki/ca.crt")).unwrap() {
            roots.add(ca.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
        let config = match who {
            Some(who) => {
                let chain = CertificateDer::pem_file_iter(office.path(&format!("{who}.crt")));
                let chain = chain.unwrap().map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_file(office.path(&format!("{who}.key"))).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        let at = server.url.strip_prefix("https://").unwrap().parse().unwrap();
        Raw { config: Arc::new(config), at }
    }

    fn connect(&self) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.at)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(self.config.clone(), name).unwrap();
        Ok(StreamOwned::new(connection, stream))
    }

    /// Sends one request and reads the answer to its end.
    fn send(&self, bytes: &[u8]) -> std::io::Result<Answer> {
        let mut stream = self.connect()?;
        // The server may answer, and close, before it has read all of it.
        let written = stream.write_all(bytes).and_then(|()| stream.flush());
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
        let Some(end) = end else {
            written?;
            read?;
            return Err(std::io::Error::other("no answer"));
        };
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let body = dechunked(&head, &answer[end + 4..]);
        Ok(Answer { status, head, body })
    }

    fn ask(&self, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n").into_bytes();
        headers.iter().for_each(|line| bytes.extend_from_slice(format!("{line}\r\n").as_bytes()));
        bytes.extend_from_slice(
            format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).as_bytes(),
        );
        // What is too large is refused by its length: sending it all would only race with the close.
        let sent = if body.len() > 1 << 20 { &body[..100] } else { body };
        bytes.extend_from_slice(sent);
        self.send(&bytes).unwrap_or_else(|e| panic!("{method} {target} {headers:?}: {e}"))
    }
}

fn dechunked(head: &str, body: &[u8]) -> Vec<u8> {
    if !head.contains("transfer-encoding: chunked") {
        return body.to_vec();
    }
    let (mut rest, mut whole) = (body, Vec::new());
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..line]), 16).unwrap_or(0);
        let chunk = rest.get(line + 2..line + 2 + size).unwrap_or(&[]);
        whole.extend_from_slice(chunk);
        rest = rest.get(line + 4 + size..).unwrap_or(&[]);
        if size == 0 {
            break;
        }
    }
    whole
}

/// What an answer must be whatever was asked.
fn sane(answer: &Answer, what: &str) {
    let Answer { status, head, body } = answer;
    let shown = String::from_utf8_lossy(body);
    assert!((200..500).contains(status) || *status == 503, "{what}: {status} {shown}");
    if *status < 400 {
        return;
    }
    assert!(head.contains("content-type: application/problem+json"), "{what}: {head} {shown}");
    let problem: Value = serde_json::from_slice(body).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(problem["status"], *status, "{what}: {problem}");
    for key in ["type", "title", "detail", "code", "correlation"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
    assert!(problem["type"].as_str().unwrap().starts_with("urn:nofx:problem:"), "{what}");
}

/// One operation of the document: method, path with names filled in, whether it takes a body.
struct Operation {
    method: String,
    template: String,
    has_body: bool,
}

impl Operation {
    fn all(document: &Value) -> Vec<Operation> {
        let mut all = Vec::new();
        for (template, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let known = ["get", "post", "put", "patch", "delete"];
                if known.contains(&method.as_str()) {
                    all.push(Operation {
                        method: method.to_uppercase(),
                        template: template.clone(),
                        has_body: operation.get("requestBody").is_some(),
                    });
                }
            }
        }
        all
    }

    /// The path with `engine` in the place of the engine and `other` in every other.
    fn path(&self, engine: &str, other: &str) -> String {
        let parts = self.template.split('/').map(|part| match part {
            "{e}" | "{engine}" => engine,
            part if part.starts_with('{') => other,
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Answers of these never end.
    fn is_stream(&self) -> bool {
        self.template.ends_with("/stream")
    }

    fn changes(&self) -> bool {
        self.method != "GET"
    }
}

/// A real mailbox that takes parameters, beaten as a tile beats it.
struct Desk {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Desk {
    fn start(mailbox: &std::path::Path) -> Desk {
        let texts = ["open_orders_max", "orders", "Open orders of an account."];
        let spec = ParamSpec::new(table::ACCOUNT, 0, kind::INT, texts).within(0, 1_000, 10);
        let spec = Spec {
            engine: "nofx test".into(),
            started: now(),
            tiles: vec!["trade".into()],
            accounts: 2,
            instruments: 4,
            book_rows: 1,
            orders: 4,
            positions: 4,
            sessions: 1,
            schema: vec![spec],
            param_rows: 16,
            commands: 8,
            events: 64,
            in_force: 16,
            journal_bytes: 1 << 12,
            ..Spec::default()
        };
        let engine = Engine::create(mailbox, &spec).unwrap();
        engine.set_state(EngineState::Trading);
        // One page is in force: what must not change.
        let mut steering = Steering::open(mailbox).unwrap();
        let rows = [ParamRow { table: table::ACCOUNT, key: 0, scope: 0, value: 7 }];
        steering.publish_params(1, 0, now(), &rows).unwrap();
        drop(steering);
        let stop = Arc::new(AtomicBool::new(false));
        let end = stop.clone();
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                engine.beat(0, now());
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Desk { stop, thread: Some(thread) }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

struct Site {
    office: Office,
    server: Server,
    _desk: Desk,
}

fn site(more: &str) -> Site {
    let office = Office::new();
    for role in ["viewer", "trader", "risk", "admin"] {
        office.issue(role, role, &[role]);
    }
    office.issue("second", "second", &["risk"]);
    let mailbox = office.path("alpha.mailbox");
    let desk = Desk::start(&mailbox);
    office.configure(&[("alpha", &mailbox)], more);
    let server = office.serve();
    Site { office, server, _desk: desk }
}

impl Site {
    fn as_who(&self, who: &str) -> Raw {
        Raw::new(&self.office, &self.server, Some(who))
    }

    fn publication(&self) -> Option<u64> {
        let watcher = Watcher::attach(self.office.path("alpha.mailbox")).unwrap();
        watcher.current_params().map(|(head, _)| head.publication)
    }

    fn document(&self) -> Value {
        let answer = self.as_who("admin").ask("GET", "/api/v1/openapi.json", &[], b"");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Memory of the server in bytes.
    fn resident(&self) -> u64 {
        let status = format!("/proc/{}/status", self.server.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
    }
}

const JSON: &str = "Content-Type: application/json";

/// Bodies that no operation takes, with their headers.
fn bodies() -> Vec<(&'static str, Vec<&'static str>, Vec<u8>)> {
    let deep = [vec![b'['; 50_000], vec![b']'; 50_000]].concat();
    // 10 MiB of zeros as gzip: what a server that inflates bodies would have to hold.
    let bomb = gzip_zeros();
    vec![
        ("cut off", vec![JSON], b"{\"reason\":".to_vec()),
        ("an array", vec![JSON], b"[1,2,3]".to_vec()),
        ("a number", vec![JSON], b"1e999".to_vec()),
        ("deep", vec![JSON], deep),
        ("invalid UTF-8", vec![JSON], b"{\"reason\":\"\xff\xfe\"}".to_vec()),
        ("a lone surrogate", vec![JSON], b"{\"reason\":\"\\ud800\"}".to_vec()),
        ("unknown field", vec![JSON], br#"{"reason":"x","surely_not_a_field":1}"#.to_vec()),
        ("no type", vec![], br#"{"reason":"x"}"#.to_vec()),
        ("another type", vec!["Content-Type: text/xml"], b"<a/>".to_vec()),
        ("too large", vec![JSON], vec![b' '; 3 << 20]),
        ("gzip", vec![JSON, "Content-Encoding: gzip"], bomb),
        (
            "wrong types",
            vec![JSON],
            json!({"set": 1, "reason": [], "scope": {}, "engine": 7, "version": "x", "toml": null})
                .to_string()
                .into_bytes(),
        ),
        (
            "a limit out of bounds",
            vec![JSON, "If-Match: \"1\""],
            json!({"reason": "x", "set": [
                {"table": "account", "scope": "account 0", "key": "open_orders_max", "value": 1_000_000}
            ]})
            .to_string()
            .into_bytes(),
        ),
        (
            "a stale version",
            vec![JSON, "If-Match: \"999\""],
            json!({"reason": "x", "set": [
                {"table": "account", "scope": "account 0", "key": "open_orders_max", "value": 5}
            ]})
            .to_string()
            .into_bytes(),
        ),
    ]
}

/// A gzip member of 10 MiB of zeros, made by the system's gzip.
fn gzip_zeros() -> Vec<u8> {
    let script = "head -c 10485760 /dev/zero | gzip -c";
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(output.stdout.len() > 1_000);
    output.stdout
}

#[test]
fn no_operation_is_impressed_by_bad_requests() {
    let site = site("");
    until("the engine is seen", || {
        let (status, _) =
            site.office.ask(&site.server, Some("viewer"), "GET", "/api/v1/engines/alpha", None);
        status == 200
    });
    let operations = Operation::all(&site.document());
    assert!(operations.len() >= 20, "{}", operations.len());
    let admin = site.as_who("risk");
    let (nobody, viewer) = (Raw::new(&site.office, &site.server, None), site.as_who("viewer"));
    let before = site.publication();
    assert!(before.is_some());
    let long = "x".repeat(8_000);
    let names = ["%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "-1", "99999999999999999999", &long];
    let queries = [
        "limit=abc",
        "limit=-1",
        "limit=99999999999999999999",
        "cursor=%ff",
        "cursor=AAAA",
        "from=yesterday",
        "limit=1&limit=2",
    ];
    for operation in operations.iter().filter(|operation| !operation.is_stream()) {
        let Operation { method, template, .. } = operation;
        let what = |case: &str| format!("{method} {template}, {case}");
        let path = operation.path("alpha", "1");
        let anonymous = nobody.ask(method, &path, &[JSON], b"{}");
        if !template.ends_with("/healthz") {
            assert_eq!(anonymous.status, 401, "{}", what("nobody"));
        }
        sane(&anonymous, &what("nobody"));
        if template.contains('{') {
            for name in names {
                let answer = admin.ask(method, &operation.path(name, name), &[JSON], b"{}");
                assert!(answer.status >= 400, "{}", what(name));
                sane(&answer, &what(name));
            }
        }
        let unknown = format!("{path}?surely_not_a_key=1");
        let answer = admin.ask(method, &unknown, &[JSON], b"{}");
        assert_eq!(answer.status, 400, "{}: {answer:?}", what("an unknown key"));
        sane(&answer, &what("an unknown key"));
        if !operation.changes() {
            for query in queries {
                sane(&admin.ask(method, &format!("{path}?{query}"), &[], b""), &what(query));
            }
            continue;
        }
        if !template.contains("/kill") && !template.ends_with("/verify") {
            let answer = viewer.ask(method, &path, &[JSON, "If-Match: *"], b"{\"reason\":\"x\"}");
            assert!((400..500).contains(&answer.status), "{}: {answer:?}", what("viewer"));
            sane(&answer, &what("viewer"));
        }
        for (case, headers, body) in bodies().iter().filter(|_| operation.has_body) {
            let answer = admin.ask(method, &path, headers, body);
            sane(&answer, &what(case));
            // A kill that is asked for badly may kill; nothing else may do anything.
            if !template.ends_with("/kill") {
                assert!(answer.status >= 400, "{}: {answer:?}", what(case));
            }
        }
    }
    assert_eq!(site.publication(), before, "a page was published by a request that was refused");
    let (status, _) = site.office.ask(&site.server, Some("viewer"), "GET", "/api/v1/whoami", None);
    assert_eq!(status, 200);
}

#[test]
fn bytes_that_are_no_http_harm_nobody() {
    let site = site("");
    let raw = site.as_who("viewer");
    let long_line = [b"GET /".as_slice(), &vec![b'a'; 200_000], b" HTTP/1.1\r\n\r\n"].concat();
    let headers = "X-A: b\r\n".repeat(5_000);
    let smuggle = "POST /api/v1/kill HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n";
    let cases: Vec<Vec<u8>> = vec![
        b"\0\0\0\0\0\0\0\0".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        long_line,
        format!("GET /api/v1/whoami HTTP/1.1\r\n{headers}\r\n").into_bytes(),
        smuggle.as_bytes().to_vec(),
        b"GET /api/v1/whoami HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"
            .to_vec(),
        b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
    ];
    for bytes in cases {
        // Closed, or answered; no panic: the next client is served.
        if let Ok(answer) = raw.send(&bytes) {
            assert!(answer.status < 500, "{answer:?}");
        }
        assert_eq!(raw.ask("GET", "/api/v1/whoami", &[], b"").status, 200);
    }
}

/// Opens up to `wanted` connections from `hosts` addresses of loopback, which say `word` and no more.
fn slow_clients(site: &Site, wanted: usize, hosts: u8, word: &[u8]) -> Vec<TcpStream> {
    let at: SocketAddr = site.server.url.strip_prefix("https://").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let open = async |n: usize| {
        let socket = tokio::net::TcpSocket::new_v4().ok()?;
        let host = 2 + u8::try_from(n % usize::from(hosts)).ok()?;
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).ok()?;
        let connect = tokio::time::timeout(Duration::from_secs(5), socket.connect(at));
        let mut stream = connect.await.ok()?.ok()?.into_std().ok()?;
        _ = stream.write(word); // it may be closed already: there are too many
        Some(stream)
    };
    runtime.block_on(async {
        let mut held = Vec::new();
        for n in 0..wanted {
            let Some(stream) = open(n).await else { break };
            held.push(stream);
        }
        held
    })
}

#[test]
fn ten_thousand_slow_clients_get_little() {
    let kill_file = "[kill]\nfile = \"STOP\"";
    let site = site(kill_file);
    let me = std::process::id().to_string();
    let limit = ["--nofile=20000:20000", "--pid", &me];
    _ = Command::new("prlimit").args(limit).output();
    let before = site.resident();
    // A TLS record that announces a ClientHello and never comes to its end.
    let held = slow_clients(&site, 10_000, 100, b"\x16\x03\x01\x02\x00\x01");
    let during = site.resident();
    println!("{} slow clients; resident memory {before} -> {during} bytes", held.len());
    assert!(held.len() >= 1_000, "only {} connections could be made", held.len());
    assert!(during < before + (256 << 20), "{before} -> {during}");

    // A good client is served as soon as slots come back: those of a handshake that takes too long.
    let good = site.as_who("risk");
    let begun = Instant::now();
    let served = loop {
        if let Ok(answer) =
            good.send(b"GET /api/v1/whoami HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        {
            break answer.status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never served");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(served, 200);
    println!("a good client was served after {:?}", begun.elapsed());

    // The kill needs no connection: a file, and the local command.
    let engaged = || {
        let watcher = Watcher::attach(site.office.path("alpha.mailbox")).unwrap();
        !watcher.kill_words().all_engaged().is_empty()
    };
    assert!(!engaged());
    std::fs::write(site.office.path("STOP"), b"").unwrap();
    until("the kill file engages", engaged);
    assert!(site.resident() < before + (256 << 20));
    drop(held);
}

#[test]
fn an_answer_that_ends_the_connection_says_so() {
    let site = site("");
    let risk = site.as_who("risk");
    let post = |path: &str, kind: &str| {
        format!("POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n")
    };
    // Refused by its head: its body has not come.
    let answer = risk.send((post("/kill", "text/plain") + "Content-Length: 2\r\n\r\n").as_bytes());
    let answer = answer.unwrap();
    assert_eq!(answer.status, 415, "{}", answer.head);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    // Read to its end: the connection takes the next request.
    let last = "GET /api/v1/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let both = post("/kill", "application/json") + "Content-Length: 2\r\n\r\n{}" + last;
    let answer = risk.send(both.as_bytes()).unwrap();
    assert!(!answer.head.contains("connection: close"), "{}", answer.head);
    let rest = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 200 && rest.contains("HTTP/1.1 200"), "{rest}");
}
