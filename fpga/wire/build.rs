//! Verilates the seam and compiles it, behind feature `fpga-sim`; without the feature nothing runs.
//!
//! Model: `wire_seam` (and, with feature `top`, `wire_top`) becomes C++ by Verilator, then one static
//! library with shim/shim.cpp per top. Registers that no reset reaches start with random bits, so
//! that a test notices when one of them matters.

#[cfg(feature = "fpga-sim")]
mod verilate {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    /// Verilates and compiles what the features ask for.
    pub fn main() {
        let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
        println!("cargo::rerun-if-env-changed=NOFX_HW"); // other sources: planted faults
        let hw = env::var_os("NOFX_HW").map_or_else(|| manifest.join("../../hw"), PathBuf::from);
        for path in ["wire/rtl", "wire/lint", "gate/rtl"].map(|folder| hw.join(folder)) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        println!("cargo::rerun-if-changed={}", manifest.join("shim").display());
        let root =
            PathBuf::from(verilator(&["--getenv", "VERILATOR_ROOT"]).lines().next().unwrap_or(""));
        model(&manifest, &hw, &root, &out, "seam");
        if cfg!(feature = "top") {
            model(&manifest, &hw, &root, &out, "top");
        }
        let mut runtime = compiler(&root);
        runtime.file(root.join("include/verilated.cpp"));
        runtime.file(root.join("include/verilated_threads.cpp"));
        runtime.compile("nofx_wire_verilated");
    }

    /// One model: its static library is named before that of the runtime, which it needs.
    fn model(manifest: &Path, hw: &Path, root: &Path, out: &Path, name: &str) {
        let class = format!("Vwire_{name}");
        let folder = out.join(name);
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("the build folder is writable");
        let text = |path: &Path| path.to_str().expect("paths are UTF-8").to_owned();
        let (wire, gate) = (hw.join("wire"), hw.join("gate/rtl"));
        let top = format!("wire_{name}");
        let mut arguments: Vec<String> = [
            "--cc",
            "-Wall",
            "-O3",
            "--x-assign",
            "fast",
            "--x-initial",
            "unique",
            "--top-module",
            &top,
            "--prefix",
            &class,
            "--Mdir",
            &text(&folder),
            "-y",
            &text(&wire.join("rtl")),
            "-y",
            &text(&gate),
            &text(&wire.join("lint/wire.vlt")),
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(text(&gate.join("gate_pkg.sv")));
        arguments.push(text(&wire.join("rtl/wire_pkg.sv")));
        arguments.push(text(&wire.join("rtl").join(format!("{top}.sv"))));
        verilator(&arguments.iter().map(String::as_str).collect::<Vec<_>>());

        // What runs once need not be fast, only soon compiled.
        let (slow, fast): (Vec<_>, Vec<_>) =
            sources(&folder).into_iter().partition(|path| text(path).contains("Slow"));
        let mut cold = compiler(root);
        cold.opt_level(0).include(&folder).files(slow);
        let mut hot = compiler(root);
        hot.include(&folder).files(fast).file(manifest.join("shim/shim.cpp"));
        hot.define("MODEL", class.as_str());
        hot.define("MODEL_HEADER", format!("\"{class}.h\"").as_str());
        hot.define("NAME(x)", format!("nofx_wire_{name}_##x").as_str());
        if name == "top" {
            hot.define("NOFX_TOP", None);
        }
        // The two need each other's symbols, so they are one library.
        let objects = cold.compile_intermediates();
        hot.objects(objects).compile(&format!("nofx_wire_{name}"));
    }

    fn compiler(root: &Path) -> cc::Build {
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++17")
            .opt_level(1)
            .debug(false)
            .warnings(false)
            .flag("-march=x86-64-v3")
            .flag("-fno-strict-aliasing")
            .include(root.join("include"))
            .include(root.join("include/vltstd"))
            .define("VL_TIME_CONTEXT", None)
            .define("VM_COVERAGE", "0")
            .define("VM_SC", "0")
            .define("VM_TIMING", "0")
            .define("VM_TRACE", "0")
            .define("VM_TRACE_FST", "0")
            .define("VM_TRACE_VCD", "0");
        build
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "cpp"))
            .collect();
        found.sort();
        found
    }

    /// Ends the build with `words`.
    fn fail(words: &str) -> ! {
        for line in words.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1)
    }

    /// Runs Verilator; its words end the build where it fails.
    fn verilator(arguments: &[&str]) -> String {
        let output = match Command::new("verilator").args(arguments).output() {
            Ok(output) => output,
            Err(error) => fail(&format!(
                "feature `fpga-sim` needs Verilator, which did not start ({error}): install the \
                 package `verilator` (Debian: apt-get install verilator) or build without the feature"
            )),
        };
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            fail(&format!("verilator {}\n{words}", arguments.join(" ")));
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "fpga-sim")]
    verilate::main();
}
