//! Registers of the PCIe adaptors: one data file, three texts; written again and compared.
//!
//! After a change of `hw/pcie/data/pcie.toml`: `NOFX_BLESS=1 cargo test -p nofx-fpga --test adaptor`.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    base: u32,
    magic: u32,
    register: Vec<Register>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    name: String,
    at: u32,
    access: String,
    doc: String,
}

/// A number as Rust writes it for people.
fn grouped(value: u32) -> String {
    format!("0x{:04x}_{:04x}", value >> 16, value & 0xffff)
}

fn rust(data: &Data) -> String {
    let mut text = String::from(
        "//! The registers of the PCIe adaptors. Generated from `hw/pcie/data/pcie.toml`: do not edit;\n\
         //! `NOFX_BLESS=1 cargo test -p nofx-fpga --test adaptor` writes it anew.\n\n\
         /// What the register `magic` reads: the bytes \"NFXP\".\n",
    );
    writeln!(text, "pub const PCIE_MAGIC: u32 = {};", grouped(data.magic)).expect("a string");
    for register in &data.register {
        let name = register.name.to_uppercase();
        let at = data.base + register.at;
        writeln!(
            text,
            "\n/// {} ({})\npub const {name}: u32 = {at:#06x};",
            register.doc, register.access
        )
        .expect("a string");
    }
    text
}

fn systemverilog(data: &Data) -> String {
    let mut text = String::from(
        "`default_nettype none\n\n\
         // Registers of the PCIe adaptors. Generated from data/pcie.toml: do not edit.\n\
         package pcie_pkg;\n",
    );
    let magic = data.magic;
    writeln!(text, "    localparam logic [31:0] MAGIC = 32'h{magic:08x};").expect("a string");
    for register in &data.register {
        let (name, at) = (register.name.to_uppercase(), data.base + register.at);
        writeln!(text, "    localparam logic [12:0] R_{name} = 13'h{at:04x};").expect("a string");
    }
    text + "endpackage\n\n`default_nettype wire\n"
}

fn table(data: &Data) -> String {
    let mut text = format!(
        "# Registers of the PCIe adaptors\n\nGenerated from [`pcie.toml`](../data/pcie.toml): do not edit. \
         Magic `{:#010x}`.\n\n| name | address | access | meaning |\n|---|---|---|---|\n",
        data.magic
    );
    for Register { name, at, access, doc } in &data.register {
        let at = data.base + at;
        writeln!(text, "| `{name}` | {at:#06x} | {access} | {doc} |").expect("a string");
    }
    text
}

#[test]
fn the_texts_are_those_of_the_data() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::fs::read_to_string(root.join("hw/pcie/data/pcie.toml")).expect("the data file");
    let data: Data = toml::from_str(&data).expect("the data file reads");
    for (path, text) in [
        ("fpga/src/backend/adaptor.rs", rust(&data)),
        ("hw/pcie/rtl/pcie_pkg.sv", systemverilog(&data)),
        ("hw/pcie/doc/registers.md", table(&data)),
    ] {
        let path = root.join(path);
        if std::env::var_os("NOFX_BLESS").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let stored = std::fs::read_to_string(&path).expect("a stored text");
        assert!(stored == text, "{} is stale; see the head of this file", path.display());
    }
}
