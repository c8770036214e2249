//! Layouts: the defaults run everywhere, and what is wrong is refused by key.

use nofx_rt::tile::Idle;
use nofx_rt::topology::{Stage, Topology};

const SPLIT: &str = r#"
[topology]
strict = false
burst = 32

[[tile]]
name = "receive"
core = 2
stages = ["receive"]

[[tile]]
name = "trade"
core = 3
stages = ["feed", "book", "signal", "risk", "order"]
idle = "pause"

[[tile]]
name = "house"
stages = ["house"]
idle = "sleep"

[[link]]
name = "receive_trade"
depth = 1024
policy = "overrun"
"#;

fn parse(text: &str) -> Topology {
    toml::from_str(text).expect("parses")
}

fn refused(text: &str) -> String {
    parse(text).check(&[0, 1, 2, 3]).expect_err("must be refused").to_string()
}

fn warned(topology: &Topology, cores: &[usize]) -> String {
    let warnings = topology.check(cores).expect("runs");
    warnings.iter().map(|warning| format!("{warning}\n")).collect()
}

#[test]
fn defaults_run_on_any_number_of_cores() {
    for cores in [&[0][..], &[0, 1], &[2, 5, 7], &[0, 1, 2, 3]] {
        for topology in [Topology::default().or_default(cores), Topology::split(cores)] {
            let warned = warned(&topology, cores);
            let fits = topology.tiles.len() <= cores.len();
            assert_eq!(warned.contains("wait while others run"), !fits, "{cores:?}: {warned}");
            assert!(!warned.contains("share core") && !warned.contains("spins"), "{warned}");
        }
    }
    let two = Topology::default().or_default(&[0, 1]);
    let trade = two.tile_of(Stage::Book).expect("a tile");
    assert_eq!((trade.name.as_str(), trade.core, two.idle(trade)), ("trade", Some(1), Idle::Spin));
    let one = Topology::default().or_default(&[0]);
    assert_eq!(one.idle(one.tile("trade").expect("a tile")), Idle::Yield);
    let strict = parse("[topology]\nstrict = true").or_default(&[0, 1]);
    assert!(strict.rules.strict && strict.check(&[0, 1]).expect("runs").is_empty());
    assert!(parse("[topology]\nstrict = true").or_default(&[0]).check(&[0]).is_err());
}

#[test]
fn a_written_layout_is_read_and_printed() {
    let split = parse(SPLIT);
    assert_eq!(warned(&split, &[0, 1, 2, 3]), "");
    assert_eq!(split.clone().or_default(&[0]), split);
    assert_eq!(split.idle(split.tile("house").expect("a tile")), Idle::Sleep(50_000));
    let table = split.to_string();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = table.lines().map(words).collect();
    assert_eq!(
        lines[2],
        ["trade", "3", "pause", "other", "feed", "book", "signal", "risk", "order"]
    );
    assert_eq!(lines[3], ["house", "any", "sleep", "50", "us", "other", "house"]);
    assert_eq!(lines[5][..3], ["receive_trade", "1024", "overrun:"]);
}

#[test]
fn what_is_wrong_is_refused_by_key() {
    let cases = [
        ("core = 3", "core = 9", "tile.trade.core: 9"),
        ("name = \"house\"", "name = \"trade\"", "tile.name: two tiles"),
        ("name = \"house\"", "name = \"the_house\"", "tile.name: \"the_house\""),
        ("name = \"house\"", "name = \"\"", "tile.name: \"\""),
        ("[\"house\"]", "[\"book\"]", "tile.trade.stages: book stands twice"),
        ("[\"house\"]", "[]", "tile.house.stages: empty"),
        (", \"order\"]", "]", "no tile runs order"),
        ("receive_trade", "receivetrade", "link.name: \"receivetrade\""),
        ("receive_trade", "receive_order", "there is no tile \"order\""),
        ("receive_trade", "trade_trade", "link to itself"),
        ("receive_trade", "trade_house", "no stage of trade is followed by one of house"),
        ("depth = 1024", "depth = 1000", "link.receive_trade.depth: 1000"),
        ("depth = 1024", "depth = 0", "link.receive_trade.depth: 0"),
        ("burst = 32", "burst = 0", "topology.burst"),
        ("burst = 32", "sleep_ns = 0", "topology.sleep_ns"),
        ("burst = 32", "house_keeping_ns = 0", "topology.house_keeping_ns"),
        ("strict = false", "strict = true", "tile.house.core: missing"),
        (
            "[[link]]\nname = \"receive_trade\"\ndepth = 1024\npolicy = \"overrun\"",
            "",
            "receive_trade is missing",
        ),
    ];
    for (old, new, want) in cases {
        assert!(SPLIT.contains(old), "{old}");
        let said = refused(&SPLIT.replace(old, new));
        assert!(said.contains(want), "{new}: {said}");
    }
    for (old, new) in [("depth", "dept"), ("\"overrun\"", "\"drop\""), ("\"pause\"", "\"nap\"")] {
        assert!(toml::from_str::<Topology>(&SPLIT.replace(old, new)).is_err(), "{new}");
    }
}

#[test]
fn shared_cores_are_refused_where_strict_and_named_elsewhere() {
    let shared = SPLIT.replace("core = 3", "core = 2");
    let said = warned(&parse(&shared), &[0, 1, 2, 3]);
    assert!(said.contains("receive and trade share core 2"), "{said}");
    assert!(said.contains("tile trade spins without a core of its own"), "{said}");
    let topology = parse(&shared);
    assert_eq!(topology.idle(topology.tile("receive").expect("a tile")), Idle::Yield);
    let strict = shared
        .replace("strict = false", "strict = true")
        .replace("name = \"house\"", "name = \"house\"\ncore = 0");
    let said = refused(&strict);
    assert!(said.contains("tile.receive.core: 2 is also that of trade"), "{said}");
}

#[test]
fn orders_are_never_sent_over_a_link_that_loses() {
    let late = SPLIT
        .replace("stages = [\"receive\"]", "stages = [\"receive\", \"feed\", \"book\", \"signal\"]")
        .replace("\"feed\", \"book\", \"signal\", \"risk\", \"order\"", "\"risk\", \"order\"");
    let said = refused(&late);
    assert!(said.contains("link.receive_trade.policy: overrun would lose orders"), "{said}");
    let credit = late.replace("\"overrun\"", "\"credit\"");
    assert_eq!(warned(&parse(&credit), &[0, 1, 2, 3]), "");
    let market_data = SPLIT.replace("\"overrun\"", "\"credit\"");
    let said = warned(&parse(&market_data), &[0, 1, 2, 3]);
    assert!(said.contains("receive stops taking packets"), "{said}");
}
