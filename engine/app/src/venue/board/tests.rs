//! The files that people start from are taken as they are.

use nofx_types::Nanos;

use super::config::BoardVenueConfig;
use super::{board, firms, is_board};

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
fn a_key_nobody_knows_is_refused_by_its_name() {
    for (name, text) in files() {
        let spoiled = text.replacen("[venue]\n", "[venue]\nmarkt = 1\n", 1);
        let error = read(&spoiled).expect_err(&name);
        assert!(error.contains("markt"), "{name}: {error}");
    }
}
