//! With the feature `console` the built page becomes part of the binary: without a build of it, stop
//! here and say what to do, rather than embed nothing.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_CONSOLE").is_none() {
        return;
    }
    println!("cargo:rerun-if-changed=web/dist");
    if !std::path::Path::new("web/dist/index.html").is_file() {
        println!(
            "cargo::error=the feature `console` embeds control/web/dist, which is not built: run scripts/console-build first"
        );
    }
}
