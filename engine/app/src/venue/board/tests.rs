//! The files that people start from are taken as they are.

use nofx_types::{Market, Nanos};

use super::config::BoardVenueConfig;
use super::{board, firms, is_board};
use crate::venue::documented::faults;

fn read(text: &str) -> Result<BoardVenueConfig, String> {
    toml::from_str(text).map_err(|e| e.to_string())
}

/// Every file of these folders that is one of a board.
fn files() -> Vec<(String, String)> {
    let folders = ["docs", "scripts/lab.d"].map(|folder| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        std::fs::read_dir(format!("{root}/{folder}")).expect("a folder")
    });
    let paths = folders.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let named = paths.filter(|path| path.extension().is_some_and(|ext| ext == "toml"));
    let read = named.map(|path| {
        (path.display().to_string(), std::fs::read_to_string(&path).expect("readable"))
    });
    read.filter(|(_, text)| is_board(text)).collect()
}

#[test]
fn files_of_docs_and_lab_are_whole_venues() {
    let files = files();
    assert_eq!(files.len(), 5, "docs has three, the lab two");
    for (name, text) in files {
        let config = read(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        config.check().unwrap_or_else(|e| panic!("{name}: {e}"));
        let board = board(&config, Nanos(1 << 60)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(board.market().name(), config.venue.market);
        assert!(!config.firms.is_empty(), "{name}");
        for firm in &config.firms {
            let gateway = firms::gateway(board.market(), firm);
            assert!(gateway.is_ok_and(|gateway| gateway.sessions() > 0), "{name}");
        }
    }
}

#[test]
fn the_pages_show_every_key_with_its_default() {
    let pages = [
        include_str!("../../../../../docs/venue-hkex.toml"),
        include_str!("../../../../../docs/venue-szse.toml"),
        include_str!("../../../../../docs/venue-sse.toml"),
    ];
    assert_eq!(faults::<BoardVenueConfig>(&pages), Vec::<String>::new());
}

#[test]
fn a_key_nobody_knows_is_refused_by_its_name() {
    for (name, text) in files() {
        let spoiled = text.replacen("[venue]\n", "[venue]\nmarkt = 1\n", 1);
        let error = read(&spoiled).expect_err(&name);
        assert!(error.contains("markt"), "{name}: {error}");
    }
}

#[test]
fn a_number_that_no_venue_can_use_is_refused_by_its_key() {
    let (name, text) = files()
        .into_iter()
        .find(|(name, _)| name.ends_with("docs/venue-szse.toml"))
        .expect("the file of Shenzhen");
    for (old, new, key) in [
        ("sessions = 2", "sessions = 0", "firms.sessions"),
        ("sessions = 2", "sessions = 65", "firms.sessions"),
        ("sessions = 2", "sessions = 9_223_372_036_854_775_807", "firms.sessions"),
        ("rate = 2_000", "rate = 1_000_001", "board.flow.rate"),
        ("rate = 2_000", "rate = 1\nholding = 9_223_372_036_854_775_807", "board.flow.holding"),
        ("seed = 1", "seed = 1\norders = 4_000_000_000", "board.orders"),
        ("closed = 200", "closed = 9_223_372_036_854_775_807", "board.course.lengths_ms"),
        ("date = \"2026-11-25\"", "date = \"2026-11-22\"", "venue.date"),
    ] {
        let spoiled = text.replacen(old, new, 1);
        assert_ne!(spoiled, text, "{old}");
        let config = read(&spoiled).unwrap_or_else(|e| panic!("{name}: {e}"));
        let checked = config.check().and_then(|()| board(&config, Nanos(1 << 60)).map(|_| ()));
        let error = checked.expect_err(new).to_string();
        assert!(error.starts_with(&format!("{key}: ")), "{new}: {error}");
    }
    let mut nameless = read(&text).expect("known keys").firms.remove(0);
    nameless.comp_id.clear();
    let error = firms::gateway(Market::Szse, &nameless).err().expect("refused").to_string();
    assert!(error.starts_with("firms.comp_id of \"NOFX\": "), "{error}");
    let hong_kong = files().into_iter().find(|(name, _)| name.ends_with("docs/venue-hkex.toml"));
    let (_, text) = hong_kong.expect("the file of Hong Kong");
    for (old, new, key) in [
        ("loss_ppm = 0", "loss_ppm = 1_000_001", "lines.loss_ppm"),
        ("every_ms = 1_000", "every_ms = 0", "refresh.every_ms"),
    ] {
        let config = read(&text.replacen(old, new, 1)).expect("known keys");
        let error = config.check().expect_err(new).to_string();
        assert!(error.starts_with(&format!("{key}: ")), "{new}: {error}");
    }
}
