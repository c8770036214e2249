//! The package is taken by every tool that takes the gate: Verilator without a warning, Yosys, Icarus.

use std::path::{Path, PathBuf};
use std::process::Command;

const USE: &str = "\
`default_nettype none
module gate_pkg_use (input wire logic [511:0] line, output wire logic [63:0] price, output wire logic is_new);
  assign price = line[gate_pkg::OP_PRICE_LSB +: gate_pkg::OP_PRICE_W];
  assign is_new = (line[7:0] == gate_pkg::KIND_NEW) ^ (^line);
endmodule
`default_nettype wire
";

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn accepts(folder: &Path, tool: &str, arguments: &[&str]) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hw/gate/rtl/gate_pkg.sv");
    let package = package.to_str().expect("a path").to_owned();
    let arguments = arguments.iter().map(|argument| argument.replace("PKG", &package));
    match Command::new(tool).args(arguments).current_dir(folder).output() {
        Err(_) => println!("SKIPPED {tool}: not installed"),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{tool}: {said}");
            assert!(!said.contains("arning"), "{tool}: {said}");
        }
    }
}

#[test]
fn every_tool_takes_the_package() {
    let folder = Folder(std::env::temp_dir().join(format!("nofx-pkg-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    std::fs::write(folder.0.join("gate_pkg_use.sv"), USE).expect("a file");
    accepts(&folder.0, "verilator", &["--lint-only", "-Wall", "PKG", "gate_pkg_use.sv"]);
    let script = "read_verilog -sv PKG gate_pkg_use.sv; prep -top gate_pkg_use";
    accepts(&folder.0, "yosys", &["-q", "-p", script]);
    accepts(&folder.0, "iverilog", &["-g2012", "-o", "/dev/null", "PKG", "gate_pkg_use.sv"]);
}
