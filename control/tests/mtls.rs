//! Certificates against a running server: OpenSSL and curl are the judges and the clients.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::{Office, good, program, run, text, until};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};
use serde_json::Value;

/// A certificate that `pki` would not issue.
struct Odd<'a> {
    name: &'a str,
    person: Option<&'a str>,
    unit: Option<&'a str>,
    usage: ExtendedKeyUsagePurpose,
    years: (i32, i32),
}

const GOOD: Odd<'_> = Odd {
    name: "",
    person: Some("mallory"),
    unit: Some("risk"),
    usage: ExtendedKeyUsagePurpose::ClientAuth,
    years: (2020, 2090),
};

fn issuer(office: &Office) -> Issuer<'static, KeyPair> {
    let read = |name| std::fs::read_to_string(office.path(name)).unwrap();
    let ca = KeyPair::from_pem(&read("pki/ca.key")).unwrap();
    Issuer::from_ca_cert_pem(&read("pki/ca.crt"), ca).unwrap()
}

fn forge(office: &Office, odd: &Odd<'_>) {
    let issuer = issuer(office);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    odd.unit.iter().for_each(|unit| {
        params.distinguished_name.push(DnType::OrganizationalUnitName, *unit);
    });
    odd.person.iter().for_each(|name| params.distinguished_name.push(DnType::CommonName, *name));
    params.extended_key_usages = vec![odd.usage.clone()];
    params.not_before = rcgen::date_time_ymd(odd.years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(odd.years.1, 1, 1);
    let pem = params.signed_by(&key, &issuer).unwrap().pem();
    std::fs::write(office.path(&format!("{}.crt", odd.name)), pem).unwrap();
    std::fs::write(office.path(&format!("{}.key", odd.name)), key.serialize_pem()).unwrap();
}

#[test]
fn each_certificate_gets_what_it_deserves() {
    let office = Office::new();
    office.issue("alice", "alice", &["viewer"]);
    let bob = office.issue("bob", "bob", &["risk", "viewer"]);
    let gone = office.issue("gone", "gone", &["admin"]);
    office.revoke(gone["serial"].as_str().unwrap());
    forge(&office, &Odd { name: "expired", years: (2020, 2021), ..GOOD });
    forge(&office, &Odd { name: "early", years: (2089, 2090), ..GOOD });
    forge(&office, &Odd { name: "roleless", unit: Some("Risk Management"), ..GOOD });
    forge(&office, &Odd { name: "unitless", unit: None, ..GOOD });
    forge(&office, &Odd { name: "nobody", person: None, ..GOOD });
    forge(&office, &Odd { name: "blank", person: Some(" "), ..GOOD });
    forge(&office, &Odd { name: "server", usage: ExtendedKeyUsagePurpose::ServerAuth, ..GOOD });
    let elsewhere = Office::new();
    elsewhere.issue("foreign", "bob", &["admin"]);
    for file in ["foreign.crt", "foreign.key"] {
        std::fs::copy(elsewhere.path(file), office.path(file)).unwrap();
    }
    office.configure(&[], "");
    let server = office.serve();
    let cases = [
        (None, 401, "certificate_missing"),
        (Some("foreign"), 401, "certificate_foreign"),
        (Some("expired"), 401, "certificate_expired"),
        (Some("early"), 401, "certificate_not_yet_valid"),
        (Some("gone"), 401, "certificate_revoked"),
        (Some("server"), 401, "certificate_unsuitable"),
        (Some("nobody"), 401, "certificate_names_nobody"),
        (Some("blank"), 401, "certificate_names_nobody"),
        (Some("roleless"), 403, "certificate_roleless"),
        (Some("unitless"), 403, "certificate_roleless"),
    ];
    for (who, status, code) in cases {
        for (method, path) in [("GET", "/api/v1/whoami"), ("POST", "/api/v1/kill")] {
            for version in ["1.2", "1.3"] {
                let body = (method == "POST").then_some("{}");
                let tls = ["--tls-max", version];
                let (got, body) = office.ask_with(&server, who, method, path, body, &tls);
                assert_eq!((got, &body["code"]), (status, &code.into()), "{who:?} {path}: {body}");
                assert!(!body["todo"].as_str().unwrap().is_empty(), "{body}");
                assert_eq!(body["type"], format!("urn:nofx:problem:{code}"));
            }
        }
        let (got, _) = office.ask(&server, who, "GET", "/metrics", None);
        assert_eq!(got, status, "{who:?} /metrics");
    }
    let (status, _) = office.ask(&server, None, "GET", "/api/v1/healthz", None);
    assert_eq!(status, 200, "health needs no certificate");
    let (status, me) = office.ask(&server, Some("bob"), "GET", "/api/v1/whoami", None);
    assert_eq!((status, &me["person"]), (200, &"bob".into()));
    assert_eq!(me["roles"], serde_json::json!(["viewer", "risk"]));
    assert_eq!(me["serial"], bob["serial"]);
    let crt = office.path("bob.crt");
    let said = good(&program(
        "openssl",
        &["x509", "-in", text(&crt), "-noout", "-fingerprint", "-sha256"],
    ));
    let said = String::from_utf8(said.stdout).unwrap();
    let print = said.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert_eq!(me["fingerprint"], print, "as OpenSSL computes it");
    // A good certificate of a role that may not.
    let release = r#"{"engine":"*","scope":"everything","reason":"x"}"#;
    let (status, body) =
        office.ask(&server, Some("alice"), "POST", "/api/v1/kill/releases", Some(release));
    assert_eq!((status, &body["code"]), (403, &"forbidden".into()), "{body}");
}

/// One request on an open connection of `openssl s_client`: the status line and the body.
fn exchange(out: &mut impl Write, lines: &mut BufReader<impl Read>) -> (String, Value) {
    write!(out, "GET /api/v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    out.flush().unwrap();
    let (mut status, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the connection ended after {status:?}");
        let line = line.trim();
        match line.to_lowercase().split_once(": ") {
            Some(("content-length", n)) => length = n.parse().unwrap(),
            _ if line.starts_with("HTTP/1.1") => status = line.to_owned(),
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_revoked_certificate_does_not_hold_the_connection_it_opened() {
    let office = Office::new();
    let alice = office.issue("alice", "alice", &["admin"]);
    office.configure(&[], "");
    let server = office.serve();
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
        .arg(server.url.trim_start_matches("https://"))
        .arg("-CAfile")
        .arg(office.path("pki/ca.crt"))
        .arg("-cert")
        .arg(office.path("alice.crt"))
        .arg("-key")
        .arg(office.path("alice.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = client.stdin.take().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap());
    let (status, body) = exchange(&mut out, &mut lines);
    assert_eq!((&*status, &body["person"]), ("HTTP/1.1 200 OK", &"alice".into()));
    office.revoke(alice["serial"].as_str().unwrap());
    let (status, body) = exchange(&mut out, &mut lines);
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
    assert_eq!(body["code"], "certificate_revoked");
    // A damaged list revokes nobody and lets nobody back in.
    std::fs::write(office.path("pki/crl.pem"), "damaged").unwrap();
    let (status, _) = exchange(&mut out, &mut lines);
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
    std::fs::remove_file(office.path("pki/crl.pem")).unwrap();
    let (status, _) = exchange(&mut out, &mut lines);
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
    _ = client.kill();
    _ = client.wait();
}

/// A list that revokes one certificate and should have been replaced long ago.
fn old_list(office: &Office, serial: &str) {
    let digits = serial.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    let serial: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2021, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(&serial),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let pem = list.signed_by(&issuer(office)).unwrap().pem().unwrap();
    std::fs::write(office.path("pki/crl.pem"), pem).unwrap();
}

#[test]
fn a_list_past_its_next_update_holds_and_is_told_once() {
    let office = Office::new();
    office.issue("bob", "bob", &["risk"]);
    let gone = office.issue("gone", "gone", &["admin"]);
    let serial = gone["serial"].as_str().unwrap();
    old_list(&office, serial);
    office.configure(&[], "");
    let log = office.path("log");
    let server = office.serve_logging(std::fs::File::create(&log).unwrap());
    let shows = |line: &str| {
        let (_, said) = office.ask(&server, Some("bob"), "GET", "/api/v1/metrics", None);
        said.as_str().unwrap().lines().any(|shown| shown == line)
    };
    let told = || std::fs::read_to_string(&log).unwrap().matches("past its next update").count();
    until("it is overdue", || shows("nofx_control_crl_overdue 1"));
    assert!(shows("nofx_control_crl_next_update_timestamp_seconds 1609459200"));
    let (status, said) = office.ask(&server, Some("gone"), "GET", "/api/v1/whoami", None);
    assert_eq!((status, &said["code"]), (401, &"certificate_revoked".into()), "{said}");
    office.revoke(serial); // makes a new list
    until("it is replaced", || shows("nofx_control_crl_overdue 0"));
    until("it was told", || told() > 0);
    assert_eq!(told(), 1);
    old_list(&office, serial);
    until("it is overdue again", || told() == 2);
}

#[test]
fn a_stream_ends_with_its_certificate() {
    let office = Office::new();
    let alice = office.issue("alice", "alice", &["viewer"]);
    let mailbox = office.path("engine.mailbox");
    let _floor = common::Floor::start(mailbox.clone());
    office.configure(&[("alpha", &mailbox)], "");
    let server = office.serve();
    let mut curl = Command::new("curl")
        .args(["-sSN", "--max-time", "120", "--cacert"])
        .arg(office.path("pki/ca.crt"))
        .arg("--cert")
        .arg(office.path("alice.crt"))
        .arg("--key")
        .arg(office.path("alice.key"))
        .arg(format!("{}/api/v1/stream?engine=alpha", server.url))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(curl.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert!(!first.contains("urn:nofx:problem"), "{first}");
    office.revoke(alice["serial"].as_str().unwrap());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap(); // ends only if the server ends it
    assert!(rest.contains("event: refused"), "{rest}");
    assert!(rest.contains("certificate_revoked"), "{rest}");
    assert!(curl.wait().unwrap().success(), "ended in order, not by curl's own limit");
}

#[test]
fn what_pki_makes_openssl_takes() {
    let office = Office::new();
    let path = |name: &str| text(&office.path(name)).to_owned();
    let alice = office.issue("alice", "alice", &["risk"]);
    let verify = |extra: &[&str], file: &str| {
        let ca = path("pki/ca.crt");
        let mut args = vec!["verify", "-CAfile", &ca];
        args.extend(extra);
        args.push(file);
        program("openssl", &args)
    };
    let (crl, cert) = (path("pki/crl.pem"), path("alice.crt"));
    let check = ["-crl_check", "-CRLfile", &crl, "-purpose", "sslclient", "-x509_strict"];
    good(&verify(&check, &cert));
    good(&verify(
        &["-purpose", "sslserver", "-x509_strict", "-verify_hostname", "localhost"],
        &path("pki/server.crt"),
    ));
    assert!(!verify(&["-purpose", "sslserver"], &cert).status.success());
    good(&program("openssl", &["crl", "-in", &crl, "-CAfile", &path("pki/ca.crt"), "-noout"]));
    good(&program("openssl", &["pkey", "-in", &path("pki/audit.key"), "-noout"]));
    let password = format!("pass:{}", alice["password"].as_str().unwrap());
    let p12 = path("alice.p12");
    good(&program("openssl", &["pkcs12", "-in", &p12, "-passin", &password, "-noout"]));
    assert!(
        !program("openssl", &["pkcs12", "-in", &p12, "-passin", "pass:x", "-noout"])
            .status
            .success()
    );
    let said = good(&program("openssl", &["x509", "-in", &cert, "-noout", "-subject", "-serial"]));
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("OU = risk, CN = alice"), "{said}");
    let serial = alice["serial"].as_str().unwrap();
    assert!(said.to_lowercase().contains(&format!("serial={serial}")), "{said}");
    office.revoke(serial);
    let revoked = verify(&check, &cert);
    assert!(String::from_utf8_lossy(&revoked.stderr).contains("certificate revoked"));
    for secret in ["pki/ca.key", "pki/server.key", "pki/audit.key", "alice.key", "alice.p12"] {
        let mode = std::fs::metadata(office.path(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
}

#[test]
fn pki_overwrites_nothing_and_says_what_is_wrong() {
    let office = Office::new();
    office.issue("alice", "alice", &["risk"]);
    let (pki, out, other) = (office.path("pki"), office.path("alice"), office.path("other"));
    let before = std::fs::read(office.path("pki/ca.key")).unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["init", "--dir", text(&pki)], 1, "not overwritten"),
        (
            &["issue", "--dir", text(&pki), "--person", "x", "--role", "risk", "--out", text(&out)],
            1,
            "not overwritten",
        ),
        (
            &[
                "issue",
                "--dir",
                text(&pki),
                "--person",
                " x",
                "--role",
                "risk",
                "--out",
                "/tmp/never",
            ],
            2,
            "--person",
        ),
        (
            &[
                "issue",
                "--dir",
                text(&pki),
                "--person",
                "x",
                "--role",
                "boss",
                "--out",
                "/tmp/never",
            ],
            2,
            "no role",
        ),
        (
            &[
                "issue",
                "--dir",
                text(&pki),
                "--person",
                "x",
                "--role",
                "risk",
                "--days",
                "0",
                "--out",
                "/tmp/never",
            ],
            2,
            "--days",
        ),
        (
            &[
                "issue",
                "--dir",
                "/nowhere",
                "--person",
                "x",
                "--role",
                "risk",
                "--out",
                "/tmp/never",
            ],
            3,
            "/nowhere",
        ),
        (&["revoke", "--dir", text(&pki), "--serial", "ff"], 2, "pki list"),
        (&["init", "--dir", text(&other), "--host", "a b"], 2, "--host"),
    ];
    for (args, code, part) in cases {
        let args: Vec<&str> = ["pki"].iter().chain(*args).copied().collect();
        let output = run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
    }
    assert_eq!(std::fs::read(office.path("pki/ca.key")).unwrap(), before);
    let list = good(&run(&["pki", "list", "--json", "--dir", text(&pki)]));
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["localhost", "alice"], "what was refused is not in the register");
}

#[test]
fn a_server_with_wrong_files_does_not_start() {
    let office = Office::new();
    let elsewhere = Office::new();
    office.configure(&[], "");
    let own = std::fs::read(office.path("pki/crl.pem")).unwrap();
    std::fs::copy(elsewhere.path("pki/crl.pem"), office.path("pki/crl.pem")).unwrap();
    let config = office.path("control.toml");
    for (broken, part) in
        [("crl", "server.crl"), ("server.key", "server.key"), ("ca.crt", "server.client_ca")]
    {
        if broken != "crl" {
            std::fs::write(office.path("pki/crl.pem"), &own).unwrap();
            std::fs::write(office.path(&format!("pki/{broken}")), "damaged").unwrap();
        }
        for command in ["check", "serve"] {
            let output = run(&[command, "--config", text(&config)]);
            // `check` lists what it finds as its result, `serve` refuses with an error.
            let said = [&output.stdout[..], &output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(!output.status.success() && said.contains(part), "{command} {broken}: {said}");
        }
    }
}
