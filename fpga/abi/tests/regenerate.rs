//! The checked-in bindings are what bindgen makes of the header today.
//!
//! It needs libclang at run time, the crate does not. After a change of `hw/xdma_abi.h`: `NOFX_BLESS=1 cargo test -p nofx-fpga-abi`.

use std::path::Path;

/// The bindings of `header`, formatted as `cargo fmt` leaves them.
fn generate(header: &Path, rustfmt: &Path) -> String {
    bindgen::Builder::default()
        .header(header.to_str().expect("a path of ASCII"))
        .disable_header_comment()
        .raw_line("//! Made by bindgen from `hw/xdma_abi.h`; a test makes it again and compares.")
        .raw_line("#![allow(missing_docs, non_camel_case_types)]")
        .allowlist_item("[xX][dD][mM][aA]_.*")
        .derive_default(true)
        .rust_target(bindgen::RustTarget::stable(91, 0).expect("a known Rust"))
        .rust_edition(bindgen::RustEdition::Edition2024)
        .formatter(bindgen::Formatter::Rustfmt)
        .rustfmt_configuration_file(Some(rustfmt.into()))
        .generate()
        .expect("bindgen reads the header")
        .to_string()
}

#[test]
fn the_checked_in_bindings_are_those_of_the_header() {
    if let Err(reason) = clang_sys::load() {
        println!("SKIPPED bindings: no libclang ({reason}); install libclang-14-dev");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = generate(
        &root.join("../../hw/xdma_abi.h"),
        &root.join("../../rustfmt.toml").canonicalize().expect("rustfmt.toml"),
    );
    let path = root.join("src/bindings.rs");
    if std::env::var_os("NOFX_BLESS").is_some() {
        std::fs::write(&path, &made).expect("bindings.rs can be written");
    }
    let stored = std::fs::read_to_string(&path).expect("bindings.rs");
    assert!(made == stored, "bindings.rs is stale; see the head of this file. New:\n{made}");
    for name in ["XDMA_PERF_START", "XDMA_INFO:", "XDMA_APERTURE_WRITE", "XDMA_ONLINE"] {
        assert!(made.contains(name), "bindgen dropped {name}");
    }
}
