//! The US venue and an engine for it, as small as trades well.

/// Its `venue.toml`.
pub const VENUE: &str = r#"
[process]
idle = "sleep"
[market]
instruments = 12
[course]
pre_open_s = 1
continuous_s = 0
after_close_s = 0
[flow]
rate = 3000
resting = 30
[[lines]]
group = "239.7.7.1:30001"
interface = "10.77.0.2"
[[lines]]
group = "239.7.7.2:30002"
interface = "10.77.0.2"
[rerequest]
listen = "10.77.0.2:31000"
[glimpse]
listen = "10.77.0.2:32000"
[[firms]]
name = "NOFX"
listen = "10.77.0.2:33000"
username = "NOFX"
password = "NOFX"
"#;

/// Its `engine.toml`.
pub const ENGINE: &str = r#"
[instruments]
capacity = 64
[book]
live_orders = 65536
[strategy]
name = "maker"
trade = "first:8"
[live]
mailbox = "mailbox"
journal = "journal"
journal_ring_mib = 16
[network]
port = "udp"
lines = ["239.7.7.1:30001@nofx0", "239.7.7.2:30002@nofx0"]
orders = "10.77.0.2:33000"
[recovery]
servers = ["10.77.0.2:31000"]
snapshot = "10.77.0.2:32000"
[[tile]]
name = "trade"
stages = ["receive", "feed", "book", "signal", "risk", "order"]
idle = "yield"
[[tile]]
name = "house"
stages = ["house"]
idle = "sleep"
"#;
