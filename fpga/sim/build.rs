//! Verilates the gate and compiles it, behind feature `fpga-sim`; without the feature nothing runs.
//!
//! Model: `gate_top` and what it names become C++ by Verilator, then one static library with
//! shim/shim.cpp. Two models, since each reason costs speed: `fast` is what is synthesised; `dv`
//! (feature `dv`) also has the planted faults of NOFX_MUTANTS and can write waveforms.

#[cfg(feature = "fpga-sim")]
mod verilate {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    /// Verilates and compiles what the features ask for.
    pub fn main() {
        let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
        println!("cargo::rerun-if-env-changed=NOFX_GATE");
        println!("cargo::rerun-if-changed={}", manifest.join("shim").display());
        let gate =
            env::var_os("NOFX_GATE").map_or_else(|| manifest.join("../../hw/gate"), PathBuf::from);
        let root =
            PathBuf::from(verilator(&["--getenv", "VERILATOR_ROOT"]).lines().next().unwrap_or(""));

        let mut runtime = compiler(&root);
        runtime.file(root.join("include/verilated.cpp"));
        runtime.file(root.join("include/verilated_threads.cpp"));
        runtime.file(manifest.join("shim/runtime.cpp"));
        if cfg!(feature = "dv") {
            runtime.file(root.join("include/verilated_fst_c.cpp"));
        }
        if cfg!(feature = "coverage") {
            runtime.file(root.join("include/verilated_cov.cpp"));
        }
        for dv in [false, true] {
            if !dv || cfg!(feature = "dv") {
                model(&manifest, &gate, &root, &out, dv);
            }
        }
        runtime.compile("nofx_verilated");
        if cfg!(feature = "dv") {
            println!("cargo::rustc-link-lib=z");
        }
    }

    /// One model: its static library is named before that of the runtime, which it needs.
    fn model(manifest: &Path, gate: &Path, root: &Path, out: &Path, dv: bool) {
        let name = if dv { "dv" } else { "fast" };
        let class = format!("Vgate_{name}");
        let folder = out.join(name);
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("the build folder is writable");
        let rtl = gate.join("rtl");
        let text = |path: &Path| path.to_str().expect("paths are UTF-8").to_owned();
        let mut arguments: Vec<String> = [
            "--cc",
            "-Wall",
            "-O3",
            "--x-assign",
            "fast",
            "--x-initial",
            "fast",
            "--assert",
            "--top-module",
            "gate_top",
            "--prefix",
            &class,
            "--Mdir",
            &text(&folder),
            "-y",
            &text(&rtl),
        ]
        .map(str::to_owned)
        .to_vec();
        if dv {
            arguments.extend(["--trace-fst", "-DNOFX_MUTANTS"].map(str::to_owned));
            if cfg!(feature = "coverage") {
                arguments.extend(["--coverage-line".to_owned()]);
            }
        }
        arguments.extend(files(&gate.join("lint"), "vlt").iter().map(|path| text(path)));
        arguments.extend(["gate_pkg.sv", "gate_top.sv"].map(|file| text(&rtl.join(file))));
        verilator(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        println!("cargo::rerun-if-changed={}", rtl.display());
        println!("cargo::rerun-if-changed={}", gate.join("lint").display());

        // What runs once need not be fast, only soon compiled.
        let (slow, fast): (Vec<_>, Vec<_>) =
            files(&folder, "cpp").into_iter().partition(|path| text(path).contains("Slow"));
        let mut cold = compiler(root);
        cold.opt_level(0).include(&folder).files(slow);
        let mut hot = compiler(root);
        hot.include(&folder).files(fast).file(manifest.join("shim/shim.cpp"));
        hot.define("MODEL", class.as_str());
        hot.define("MODEL_HEADER", format!("\"{class}.h\"").as_str());
        hot.define("NAME(x)", format!("nofx_{name}_##x").as_str());
        if dv {
            hot.define("NOFX_DV", None);
        }
        // The two need each other's symbols, so they are one library.
        let objects = cold.compile_intermediates();
        hot.objects(objects).compile(&format!("nofx_gate_{name}"));
    }

    fn compiler(root: &Path) -> cc::Build {
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++17")
            .opt_level(3)
            .debug(false)
            .warnings(false)
            .flag("-march=x86-64-v3")
            .flag("-fno-strict-aliasing")
            .include(root.join("include"))
            .include(root.join("include/vltstd"))
            .define("VL_USER_STOP", None)
            .define("VL_TIME_CONTEXT", None)
            .define("VM_COVERAGE", if cfg!(feature = "coverage") { "1" } else { "0" })
            .define("VM_SC", "0")
            .define("VM_TIMING", "0");
        let trace = if cfg!(feature = "dv") { "1" } else { "0" };
        build.define("VM_TRACE", trace).define("VM_TRACE_FST", trace).define("VM_TRACE_VCD", "0");
        build
    }

    fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
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
