//! A log in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nofx_control::audit::{Audit, Entry, Settings, Signer, outcome};
use serde_json::json;
use tempfile::TempDir;

pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(place.path("key.pem"), Signer::generate().expect("a key")).expect("written");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn settings(&self) -> Settings {
        settings(self.folder.path())
    }

    pub fn open(&self) -> Audit {
        Audit::start(self.settings()).expect("the log opens")
    }

    /// Makes a log of `count` records with a signed head at its end, closed again.
    pub fn with_records(count: u64) -> Place {
        let place = Place::new();
        let audit = place.open();
        for number in 0..count {
            audit.record_blocking(entry(number)).expect("recorded");
        }
        std::fs::write(place.path("key.pub"), audit.verifier().pem()).expect("written");
        drop(audit);
        place
    }

    /// Runs `nofx-control audit` with the arguments; `@name` is a file of the folder.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let real = |argument: &&str| match argument.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => argument.into(),
        };
        Command::new(env!("CARGO_BIN_EXE_nofx-control"))
            .arg("audit")
            .args(arguments.iter().map(real))
            .output()
            .expect("runs")
    }
}

pub fn settings(folder: &Path) -> Settings {
    let (log, heads) = (folder.join("audit.db"), folder.join("heads.txt"));
    Settings {
        origin: Some("test.example/log".into()),
        ..Settings::new(&log, &heads, &folder.join("key.pem"))
    }
}

/// An entry that tells its number.
pub fn entry(number: u64) -> Entry {
    Entry {
        who: ["ada", "bob", "eve"][number as usize % 3].into(),
        role: "risk".into(),
        action: ["set_limits", "kill"][number as usize % 2].into(),
        object: format!("engine/e{}/limits", number % 2),
        when: 1_700_000_000_000_000_000 + number * 1_000_000_000,
        clock_error_ns: Some(900),
        before: json!({ "qty_max": number }),
        after: json!({ "qty_max": number + 1, "price": i64::MAX }),
        reason: format!("reason {number}"),
        correlation: format!("c-{number}"),
        result: outcome::DONE.into(),
        sensitive: false,
    }
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) % limit
    }
}
