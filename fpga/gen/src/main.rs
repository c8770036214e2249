//! `cargo run -p nofx-hwgen` writes the generated files, `-- --check` names those that are stale.

use std::path::Path;
use std::process::ExitCode;

use nofx_hwgen::GenError;

fn main() -> ExitCode {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => nofx_hwgen::write(&workspace).map(|written| report("written", &written, true)),
        ["--check"] => nofx_hwgen::stale(&workspace)
            .map(|stale| report("stale: run `cargo run -p nofx-hwgen`", &stale, stale.is_empty())),
        _ => {
            eprintln!("usage: nofx-hwgen [--check]");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error: GenError| {
        eprintln!("nofx-hwgen: {error}");
        ExitCode::FAILURE
    })
}

fn report(what: &str, paths: &[&str], good: bool) -> ExitCode {
    for path in paths {
        println!("{path}: {what}");
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
