//! `nofx venue` from outside: two lossy lines, order ports, re-requests, snapshots, garbage, and a
//! dump that says what the stream said. All that a client sends is made by hand from the
//! specifications.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::{FeedConfig, ItchMold, PacketFeed, Start};
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Ladder, Level, Nanos, Side};
use serde_json::Value;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"
[market]
instruments = 3
[course]
pre_open_s = 1
[flow]
rate = 1500
resting = 30
[[lines]]
group = "239.77.1.1:0"
interface = "127.0.0.1"
loss_ppm = 200000
[[lines]]
group = "239.77.1.2:0"
interface = "127.0.0.1"
loss_ppm = 200000
[[firms]]
name = "ONE"
username = "one"
password = "first"
[[firms]]
name = "TWO"
username = "two"
password = "second"
cancel_on_disconnect = true
"#;

/// The process, its standard input and output.
struct Venue {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    ready: Value,
    dump: PathBuf,
    _dir: tempfile::TempDir,
}

impl Venue {
    fn start(config: &str) -> Venue {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, dump) = (dir.path().join("venue.toml"), dir.path().join("dump.json"));
        std::fs::write(&path, config).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_nofx"))
            .args(["venue", "--ready-json", "--config"])
            .arg(&path)
            .arg("--dump")
            .arg(&dump)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let input = child.stdin.take().expect("piped");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let ready = line_of(&mut output);
        assert_eq!(ready["ready"], true);
        Venue { child, input, output, ready, dump, _dir: dir }
    }

    /// An operator's line; whether it was done.
    fn order(&mut self, line: &str) -> bool {
        writeln!(self.input, "{line}").expect("it reads");
        let answer = line_of(&mut self.output);
        assert_eq!(answer["command"], line);
        answer["done"].as_bool().expect("yes or no")
    }

    fn address(&self, pointer: &str) -> SocketAddrV4 {
        let address = self.ready.pointer(pointer).and_then(Value::as_str).expect("an address");
        address.parse().expect("an address")
    }

    fn firm(&self, index: usize) -> SocketAddrV4 {
        self.address(&format!("/firms/{index}/address"))
    }

    fn dump(&self) -> Value {
        let text = std::fs::read_to_string(&self.dump).expect("a dump");
        serde_json::from_str(&text).expect("JSON")
    }

    /// SIGTERM; the exit code.
    fn terminate(mut self) -> (Option<i32>, Value) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        let code = self.child.wait().expect("it ends").code();
        let dump = self.dump();
        (code, dump)
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended, or is to
        let _ = self.child.wait();
    }
}

fn line_of(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).expect("it speaks");
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"))
}

fn be(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u16 + 1).to_be_bytes()[..], &[kind], payload].concat()
}

fn login(user: &str, password: &str, sequence: u64) -> Vec<u8> {
    frame(b'L', format!("{user:<6}{password:<10}{:<10}{sequence:>20}", "").as_bytes())
}

fn enter(user_ref: u32, side: u8, quantity: u32, price: u64, tif: u8) -> Vec<u8> {
    let mut body = vec![b'O'];
    body.extend(user_ref.to_be_bytes());
    body.push(side);
    body.extend(quantity.to_be_bytes());
    body.extend(b"AAAA    ");
    body.extend(price.to_be_bytes());
    body.extend([tif, b'Y', b'P', b'N', b'N']);
    body.extend(b"by hand       \0\0");
    frame(b'U', &body)
}

/// A client of SoupBinTCP.
struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    /// Number of the next sequenced message.
    next: u64,
}

impl Client {
    fn connect(to: SocketAddrV4) -> Client {
        let stream = TcpStream::connect(to).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream, input: Vec::new(), next: 1 }
    }

    fn log_in(to: SocketAddrV4, user: &str, password: &str, next: u64) -> Client {
        let mut client = Client { next, ..Client::connect(to) };
        client.send(&login(user, password, next));
        let accepted = client.next_frame().expect("an answer");
        assert_eq!((accepted[2], accepted.len()), (b'A', 33), "{accepted:?}");
        let text = String::from_utf8_lossy(&accepted[13..33]).trim().to_owned();
        assert_eq!(text.parse(), Ok(next));
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("connected");
    }

    /// The next frame that is no heartbeat; `None` at the end of the connection.
    fn next_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.input.len() >= 2 && self.input.len() >= 2 + be(&self.input, 0, 2) as usize {
                let rest = self.input.split_off(2 + be(&self.input, 0, 2) as usize);
                let frame = std::mem::replace(&mut self.input, rest);
                match frame[2] {
                    b'H' => continue,
                    b'S' => self.next += 1,
                    _ => {}
                }
                return Some(frame);
            }
            let mut buffer = [0; 4_096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(len) => self.input.extend(&buffer[..len]),
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("nothing comes: {e}"),
            }
        }
    }

    /// The next report: its letter and its UserRefNum.
    fn report(&mut self) -> (char, u64, Vec<u8>) {
        let frame = self.next_frame().expect("a report");
        assert_eq!(frame[2], b'S', "{frame:?}");
        let message = frame[3..].to_vec();
        let user_ref = if message.len() > 12 { be(&message, 9, 4) } else { 0 };
        (char::from(message[0]), user_ref, message)
    }

    fn is_cut_off(&mut self) -> bool {
        while let Some(frame) = self.next_frame() {
            assert_ne!(frame[2], b'A');
        }
        true
    }
}

/// Both lines: every message by its number, and how many packets each brought.
struct Receiver {
    lines: Vec<UdpSocket>,
    messages: BTreeMap<u64, Vec<u8>>,
    packets: [u64; 2],
    /// One past the last message that is known to exist.
    known: u64,
    ended: bool,
}

impl Receiver {
    fn join(venue: &Venue) -> Receiver {
        let lines = (0..2).map(|line| {
            let said = |key: &str| venue.ready["lines"][line][key].as_str().expect("said");
            let group: Ipv4Addr = said("group").parse().expect("a group");
            let interface: Ipv4Addr = said("interface").parse().expect("an address");
            let port = venue.ready["lines"][line]["port"].as_u64().expect("a port") as u16;
            let socket = UdpSocket::bind((group, port)).expect("a free port");
            socket.join_multicast_v4(&group, &interface).expect("loopback has multicast");
            socket.set_nonblocking(true).expect("polled");
            socket
        });
        let (messages, packets) = (BTreeMap::new(), [0; 2]);
        Receiver { lines: lines.collect(), messages, packets, known: 1, ended: false }
    }

    fn listen(&mut self) {
        let mut buffer = [0; 2_048];
        for line in 0..2 {
            while let Ok(len) = self.lines[line].recv(&mut buffer) {
                self.packets[line] += 1;
                self.take(&buffer[..len]);
            }
        }
    }

    fn take(&mut self, packet: &[u8]) {
        let (seq, count) = (be(packet, 10, 8), be(packet, 18, 2));
        self.ended |= count == 0xffff;
        let mut at = 20;
        for seq in (seq..).take(if count == 0xffff { 0 } else { count as usize }) {
            let end = at + 2 + be(packet, at, 2) as usize;
            let message = packet[at + 2..end].to_vec();
            let before = self.messages.insert(seq, message.clone());
            assert!(before.is_none_or(|before| before == message), "{seq} is said twice");
            (at, self.known) = (end, self.known.max(seq + 1));
        }
        assert_eq!(at, packet.len());
        self.known = self.known.max(seq);
    }

    /// Asks for what both lines lost; returns how many messages came.
    fn recover(&mut self, server: SocketAddrV4) -> usize {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (before, mut seq, mut buffer) = (self.messages.len(), 1, [0; 2_048]);
        while seq < self.known {
            if self.messages.contains_key(&seq) {
                seq += 1;
                continue;
            }
            let request = [&b"NOFX      "[..], &seq.to_be_bytes(), &7u16.to_be_bytes()].concat();
            socket.send_to(&request, server).expect("sent");
            let len = socket.recv(&mut buffer).expect("an answer");
            assert!(len <= 1_400 && be(&buffer, 10, 8) == seq);
            self.take(&buffer[..len]);
        }
        self.messages.len() - before
    }
}

/// What our feed and our books make of these messages.
fn books_of<'a>(messages: impl Iterator<Item = &'a Vec<u8>>) -> Books {
    let config = FeedConfig { instruments: 16, start: Start::FromOne, ..FeedConfig::default() };
    let mut feed = ItchMold::new(config).expect("usable");
    let level =
        LevelConfig { instruments: 16, live_orders: 4_096, window_ticks: 64, limit_ticks: 0 };
    let mut books = Books(LevelBooks::new(&level).expect("usable"));
    for (seq, message) in (1u64..).zip(messages) {
        let mut packet = [&b"NOFX      "[..], &seq.to_be_bytes(), &[0, 1]].concat();
        packet.extend((message.len() as u16).to_be_bytes());
        packet.extend(message);
        feed.on_packet(0, seq, Nanos(seq), &packet, &mut books);
    }
    books
}

struct Books(LevelBooks);

impl EventSink for Books {
    fn on_event(&mut self, event: &BookEvent) {
        self.0.apply(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.0.define(instrument);
    }
}

impl Books {
    /// Price, shares and orders of each level, best first.
    fn levels(&self, locate: u32, side: Side) -> Vec<(i64, u64, u32)> {
        let mut levels = vec![Level::default(); 512];
        let count = self.0.book(InstrumentId(locate)).levels(side, &mut levels);
        levels[..count].iter().map(|l| (l.price.0, l.qty.0, l.orders)).collect()
    }
}

/// The dump's books, level by level, are those of the stream.
fn same_books(dump: &Value, books: &Books) {
    for book in dump["books"].as_array().expect("books") {
        let locate = book["locate"].as_u64().expect("a locate") as u32;
        for (side, key) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
            let mut want: Vec<(i64, u64, u32)> = Vec::new();
            for order in book[key].as_array().expect("orders") {
                let price = order["price"].as_i64().expect("a price");
                let qty = order["qty"].as_u64().expect("shares");
                match want.last_mut().filter(|level| level.0 == price) {
                    Some(level) => (level.1, level.2) = (level.1 + qty, level.2 + 1),
                    None => want.push((price, qty, 1)),
                }
            }
            assert_eq!(books.levels(locate, side), want, "{} {key}", book["symbol"]);
        }
    }
}

fn firm<'a>(dump: &'a Value, name: &str) -> &'a Value {
    let firms = dump["firms"].as_array().expect("firms");
    firms.iter().find(|firm| firm["name"] == name).expect("a firm")
}

fn socket_count(dump: &Value, name: &str) -> u64 {
    let counts = dump["sockets"].as_array().expect("counts");
    let count = counts.iter().find(|count| count[0] == name).expect("counted");
    count[1].as_u64().expect("a number")
}

#[test]
fn a_session_from_the_first_message_to_the_dump() {
    let mut venue = Venue::start(CONFIG);
    let mut receiver = Receiver::join(&venue);

    // Two firms log in; each port knows its own user only.
    let mut stranger = Client::connect(venue.firm(0));
    stranger.send(&login("two", "second", 1));
    assert_eq!(stranger.next_frame(), Some(vec![0, 2, b'J', b'A']));
    let mut one = Client::log_in(venue.firm(0), "one", "first", 1);
    let mut two = Client::log_in(venue.firm(1), "two", "second", 1);
    assert_eq!((one.report().0, two.report().0), ('S', 'S'));

    // Wait for continuous trading: until then an immediate-or-cancel order finds nothing.
    let mut id = 0;
    while {
        id += 1;
        one.send(&enter(id, b'B', 100, 0x7fff_ffff, b'3'));
        assert_eq!((one.report().0, u64::from(id)), ('A', u64::from(id)));
        one.report().0 == 'C'
    } {
        receiver.listen();
        std::thread::sleep(Duration::from_millis(20));
    }
    // One rests far away; its connection ends; the flow and the other firm go on.
    one.send(&enter(id + 1, b'B', 300, 100, b'0'));
    while one.report().0 != 'A' {}
    let next = one.next;
    drop(one);
    two.send(&enter(1, b'B', 100, 200, b'0'));
    assert_eq!(two.report().0, 'A');
    receiver.listen();

    // Cancel-on-disconnect is one firm's and not the other's; a good login takes over.
    drop(two);
    let mut two = Client::log_in(venue.firm(1), "two", "second", 3);
    let (letter, user_ref, message) = two.report();
    assert_eq!((letter, user_ref, message[17]), ('C', 1, b'Z'));
    let mut one = Client::log_in(venue.firm(0), "one", "first", next);
    one.send(&frame(b'U', b"Q"));
    let (letter, next_ref, _) = one.report();
    assert_eq!((letter, next_ref), ('Q', u64::from(id) + 2));
    let mut again = Client::log_in(venue.firm(0), "one", "first", 1);
    assert!(one.is_cut_off());
    while again.next < next {
        again.report();
    }

    // Garbage on every socket: cut off or ignored, and the venue lives.
    for at in [venue.firm(0), venue.firm(1), venue.address("/glimpse")] {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0], &[0xff; 512]] {
            let mut client = Client::connect(at);
            let _ = client.stream.write_all(bytes); // it may be cut off before
            assert!(client.is_cut_off());
        }
    }
    again.send(&[0, 0]);
    assert!(again.is_cut_off(), "a broken frame ends a session too");
    let noise = UdpSocket::bind("127.0.0.1:0").expect("a port");
    noise.send_to(b"what?", venue.address("/rerequest")).expect("sent");

    // The operator's lines.
    assert!(venue.order("halt AAAB") && !venue.order("halt AAAB") && !venue.order("halt ZZZZ"));
    assert!(venue.order("line b down") && venue.order("loss a 0") && !venue.order("what"));
    receiver.listen();
    let packets = receiver.packets;
    while receiver.packets[0] < packets[0] + 20 {
        receiver.listen();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(receiver.packets[1] <= packets[1] + 1, "line B is dead");
    assert!(venue.order("line b up") && venue.order("resume AAAB"));

    // A snapshot is what the stream has built up to its marker.
    let mut snapshot = Client::connect(venue.address("/glimpse"));
    snapshot.send(&login("", "", 1));
    assert_eq!(snapshot.next_frame().map(|frame| frame[2]), Some(b'A'));
    let (mut image, mut marker) = (Vec::new(), None);
    while marker.is_none() {
        let message = snapshot.next_frame().expect("an image")[3..].to_vec();
        if message[0] == b'G' {
            let digits = String::from_utf8_lossy(&message[1..]).trim().to_owned();
            marker = digits.parse::<u64>().ok();
        } else {
            image.push(message);
        }
    }
    let marker = marker.expect("a marker");
    while receiver.known < marker {
        receiver.listen();
    }
    let recovered = receiver.recover(venue.address("/rerequest"));
    assert!(recovered > 0, "both lines lost nothing");
    let (pictured, streamed) =
        (books_of(image.iter()), books_of(receiver.messages.range(..marker).map(|(_, m)| m)));
    for locate in 1..=3 {
        for side in Side::BOTH {
            // A halted instrument may lose all its orders: its traders only cancel.
            assert!(locate != 1 || !streamed.levels(locate, side).is_empty());
            assert_eq!(pictured.levels(locate, side), streamed.levels(locate, side));
        }
    }

    // The dump says what the stream said: now, and at the end.
    assert!(venue.order("dump"));
    let dump = venue.dump();
    let next_seq = dump["next_seq"].as_u64().expect("a number");
    while receiver.known < next_seq {
        receiver.listen();
    }
    receiver.recover(venue.address("/rerequest"));
    same_books(&dump, &books_of(receiver.messages.range(..next_seq).map(|(_, m)| m)));
    let orders = firm(&dump, "ONE")["orders"].as_array().expect("orders").clone();
    assert_eq!(orders.len() as u64, u64::from(id) + 1);
    let resting = orders.last().expect("one");
    assert_eq!((&resting["state"], &resting["leaves"]), (&"live".into(), &300.into()));
    assert_eq!(firm(&dump, "TWO")["orders"][0]["state"], "canceled");
    let executed = orders.iter().map(|o| o["executed"].as_i64().expect("shares")).sum::<i64>();
    assert!(executed > 0);
    assert_eq!(firm(&dump, "ONE")["positions"][0]["net"], executed);
    let executions = dump["executions"].as_array().expect("executions");
    let bought = executions.iter().map(|e| e["qty"].as_i64().expect("shares")).sum::<i64>();
    assert_eq!(bought, executed);
    assert!(
        executions.iter().all(|e| e["buyer"]["firm"] == "ONE" && e["seller"]["firm"] == "FLOW")
    );
    assert_eq!(socket_count(&dump, "strangers"), 6, "{}", dump["sockets"]);
    assert!(socket_count(&dump, "takeovers") >= 1);
    assert_eq!(socket_count(&dump, "snapshots_served"), 1);
    let lost = dump["lines"][0]["lost"].as_u64().expect("a number");
    assert!(lost > 0 && dump["lines"][1]["errors"] == 0);

    let rerequest = venue.address("/rerequest");
    let ending = std::thread::spawn(move || venue.terminate());
    while !receiver.ended {
        receiver.listen();
        std::thread::sleep(Duration::from_millis(1));
    }
    receiver.recover(rerequest);
    let (code, dump) = ending.join().expect("it ends");
    assert_eq!((code, &dump["stage"]), (Some(0), &"over".into()));
    let all = dump["next_seq"].as_u64().expect("a number") - 1;
    assert_eq!(receiver.messages.len() as u64, all);
    same_books(&dump, &books_of(receiver.messages.values()));
}

#[test]
fn a_short_day_ends_by_itself_and_a_recorded_one_is_played() {
    let course = "[course]\npre_open_s = 1\ncontinuous_s = 1\nclosing_call_s = 1\n";
    let venue = Venue::start(&format!("{course}after_close_s = 0\n[[firms]]\n"));
    let mut client = Client::log_in(venue.firm(0), "NOFX", "NOFX", 1);
    let mut letters = Vec::new();
    while let Some(frame) = client.next_frame() {
        letters.push(char::from(*frame.get(3).unwrap_or(&frame[2])));
    }
    assert_eq!(letters, ['S', 'S', 'Z']);

    // Two orders of one instrument, an execution, and a name that no directory gave.
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("day.itch");
    let message = |kind: u8, ts: u64, rest: &[u8]| {
        [&[kind, 0, 9, 0, 0][..], &ts.to_be_bytes()[2..], rest].concat()
    };
    let add = |order: u64, side: u8, shares: u32, price: u32| {
        let shares = shares.to_be_bytes();
        [&order.to_be_bytes()[..], &[side], &shares, b"WXYZ    ", &price.to_be_bytes()].concat()
    };
    let noon = 43_200_000_000_000;
    let executed = [&7u64.to_be_bytes()[..], &100u32.to_be_bytes(), &1u64.to_be_bytes()].concat();
    let mut bytes = Vec::new();
    for message in [
        message(b'A', 1, &add(7, b'B', 300, 100_000)),
        message(b'A', 2, &add(8, b'S', 300, 101_000)),
        message(b'E', noon, &executed),
    ] {
        bytes.extend((message.len() as u16).to_be_bytes());
        bytes.extend(message);
    }
    std::fs::write(&path, &bytes).expect("a file");
    let flow = format!("[flow]\ncapture = {path:?}\nfrom = \"12:00:00\"\n");
    let mut venue = Venue::start(&format!("[course]\npre_open_s = 0\n{flow}[[firms]]\n"));
    let dump = loop {
        assert!(venue.order("dump"));
        let dump = venue.dump();
        if dump["flow_positions"][0].is_object() {
            break dump;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(dump["books"][0]["symbol"], "WXYZ");
    assert_eq!(dump["books"][0]["bids"][0]["qty"], 200);
    assert_eq!(dump["books"][0]["asks"][0]["qty"], 300);
    assert_eq!(dump["flow_positions"][0]["bought"], 100);
}

#[test]
fn what_cannot_be_served_is_refused_with_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("v.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for (text, want) in [
        ("[market]\nsed = 1".to_owned(), "sed"),
        ("[market]\norders = 50".to_owned(), "market.orders"),
        (format!("[[firms]]\nlisten = \"127.0.0.1:{port}\""), "firms.listen"),
        (format!("[glimpse]\nlisten = \"127.0.0.1:{port}\""), "glimpse.listen"),
        ("[[lines]]\ngroup = \"239.1.1.1:9\"\ninterface = \"203.0.113.9\"".to_owned(), "lines"),
        ("[process]\npin = 4096".to_owned(), "process.pin"),
        ("[flow]\ncapture = \"absent.itch\"".to_owned(), "absent.itch"),
    ] {
        std::fs::write(&path, &text).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_nofx"))
            .args(["venue", "--config"])
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{text}: {words}");
        assert!(words.contains(want), "{text}: {words}");
    }
}

/// A file of the lab on loopback with free ports.
fn lab_file(market: &str) -> String {
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lab.d");
    let text = std::fs::read_to_string(format!("{lab}/venue-{market}.toml")).expect("in the lab");
    let lines = text.lines().map(|line| match line {
        line if line.starts_with("listen = ") => "listen = \"127.0.0.1:0\"".to_owned(),
        line if line.starts_with("interface = ") => "interface = \"127.0.0.1\"".to_owned(),
        line => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_venue_of_hong_kong_is_ready_obeys_and_dumps() {
    let mut venue = Venue::start(&lab_file("hkex"));
    assert_eq!(venue.ready["market"], "hkex");
    let lines = venue.ready["lines"].as_array().expect("lines");
    assert_eq!(lines.iter().map(|line| &line["name"]).collect::<Vec<_>>(), ["a", "b"]);
    assert_ne!(venue.address("/market_data").port(), 0, "retransmission is served");
    let mut client = TcpStream::connect(venue.firm(0)).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");

    assert!(venue.order("halt 700") && !venue.order("halt 700") && !venue.order("halt 7"));
    assert!(venue.order("resume 700"));
    assert!(venue.order("line a down") && venue.order("line a up") && !venue.order("line c up"));
    assert!(venue.order("loss b 0.5") && !venue.order("loss b 2"));
    while !venue.order("disconnect NOFX") {} // until it has been accepted
    assert_eq!(client.read(&mut [0; 64]).expect("an end"), 0, "the session was cut");
    assert!(!venue.order("disconnect NOFX"), "nobody is there");
    assert!(!venue.order("disconnect OTHER") && !venue.order("disconnect market_data"));

    assert!(venue.order("dump"));
    let dump = venue.dump();
    assert_eq!((&dump["market"], &dump["firms"][0]), (&"hkex".into(), &"NOFX".into()));
    assert_eq!(dump["securities"].as_array().expect("rows").len(), 5);
    assert_eq!(dump["client_ids"], serde_json::json!([]), "no order was sent");
    assert!(dump["lines"][1]["lost"].as_u64().is_some());
    let (code, dump) = venue.terminate();
    assert_eq!((code, dump["executions_dropped"].as_u64()), (Some(0), Some(0)));
}

#[test]
fn a_venue_of_shenzhen_cuts_its_market_data_and_one_session_of_a_firm() {
    let mut venue = Venue::start(&lab_file("szse"));
    assert_eq!(venue.ready["lines"], serde_json::json!([]));
    assert!(!venue.order("line a down") && !venue.order("disconnect market_data"));
    let connect = |at| {
        let client = TcpStream::connect(at).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        client
    };
    let mut data = connect(venue.address("/market_data"));
    let mut sessions = [connect(venue.firm(0)), connect(venue.firm(0))];
    // A third finds no session free, and so the first two have been taken.
    assert_eq!(connect(venue.firm(0)).read(&mut [0; 1]).expect("an end"), 0);
    assert!(venue.order("disconnect NOFX 1") && !venue.order("disconnect NOFX 7"));
    assert_eq!(sessions[1].read(&mut [0; 1]).expect("an end"), 0);
    assert!(venue.order("disconnect market_data"));
    assert_eq!(data.read(&mut [0; 1]).expect("an end"), 0);
    assert!(venue.order("disconnect NOFX 0"), "it was there until now");
    assert_eq!(sessions[0].read(&mut [0; 1]).expect("an end"), 0);
    let (code, dump) = venue.terminate();
    assert_eq!((code, socket_count(&dump, "sessions_turned_away")), (Some(0), 1));
}

#[test]
fn what_a_board_cannot_serve_is_refused_with_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("v.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = format!("listen = \"{}\"", taken.local_addr().expect("an address"));
    let (hkex, szse) = (lab_file("hkex"), lab_file("szse"));
    let free = "listen = \"127.0.0.1:0\"";
    let firm = |text: &str| {
        text.replace(
            "[[firms]]\nname = \"NOFX\"\nlisten = \"127.0.0.1:0\"",
            &format!("[[firms]]\nname = \"NOFX\"\n{busy}"),
        )
    };
    let dated = |text: &str, day: &str| text.replacen("\"2026-11-25\"", &format!("\"{day}\""), 1);
    for (text, want) in [
        (hkex.replace("\"hkex\"", "\"nyse\""), "venue.market"),
        (dated(&hkex, "2999-01-04"), "2999"),
        (dated(&hkex, "yesterday"), "venue.date"),
        (hkex.replace("\"hkex\"", "\"szse\""), "lines: only hkex has it"),
        (szse.replace("\"szse\"", "\"sse\""), "market_data: only szse has it"),
        (format!("{hkex}\n[[firms]]\nname = \"NOFX\"\n{free}"), "\"NOFX\" stands there twice"),
        (firm(&hkex), "firms.listen"),
        (hkex.replacen(free, &busy, 1), "retransmission.listen"),
        (szse.replacen(free, &busy, 1), "market_data.listen"),
        (hkex.replace("seed = 7", "sed = 7"), "sed"),
    ] {
        std::fs::write(&path, &text).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_nofx"))
            .args(["venue", "--config"])
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{want}: {words}");
        assert!(words.contains(want), "{want}: {words}");
    }
}
