//! Bindings and shim for DPDK, made only when the feature `dpdk` is on; nothing otherwise.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "dpdk")]
    if let Err(missing) = dpdk::build() {
        println!(
            "cargo::error=feature `dpdk` is on, but {missing}. Install DPDK 22.11 and what binds to it \
             (scripts/setup-dpdk; Debian: libdpdk-dev dpdk libclang-dev pkg-config and a C compiler), \
             or build without the feature"
        );
    }
}

#[cfg(feature = "dpdk")]
mod dpdk {
    use std::env;
    use std::panic;
    use std::path::{Path, PathBuf};

    const HEADER: &str = "src/dpdk/shim.h";
    const SHIM: &str = "src/dpdk/shim.c";
    /// What is called directly; what DPDK keeps in its headers is called through the shim.
    const FUNCTIONS: &str = "nofx_.*|rte_eal_init|rte_eal_get_runtime_dir|rte_version|rte_dev_probe|rte_dev_remove\
        |rte_pktmbuf_pool_create|rte_mempool_free|rte_eth_dev_get_port_by_name\
        |rte_eth_dev_info_get|rte_eth_dev_configure|rte_eth_dev_adjust_nb_rx_tx_desc\
        |rte_eth_rx_queue_setup|rte_eth_tx_queue_setup|rte_eth_dev_start|rte_eth_dev_stop\
        |rte_eth_promiscuous_enable|rte_eth_macaddr_get|rte_eth_dev_get_mtu|rte_eth_stats_get\
        |rte_eth_dev_socket_id|rte_eth_xstats_get|rte_eth_xstats_get_names";
    /// Only pointed to; some are packed and aligned in ways that Rust has no words for.
    const OPAQUE: &str = "rte_mbuf|rte_mempool|rte_device|rte_ether_hdr|rte_arp_.*|rte_ipv4_.*\
        |rte_ipv6_.*|rte_l2tpv2_.*|rte_gtp_.*|rte_vxlan.*|rte_flow_.*";

    /// Makes everything, or says what is missing.
    pub fn build() -> Result<(), String> {
        for file in [HEADER, SHIM] {
            println!("cargo::rerun-if-changed={file}");
        }
        let found = find()?;
        let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?);
        bind(&found.flags, &out.join("dpdk.rs"))?;
        let mut shim = cc::Build::new();
        found.flags.iter().for_each(|flag| _ = shim.flag(flag));
        shim.file(SHIM).opt_level(3).cargo_warnings(false).warnings(false);
        shim.try_compile("nofx_dpdk").map_err(|error| format!("the C shim does not build: {error}"))
    }

    /// What the compilers need to be told.
    struct Found {
        flags: Vec<String>,
    }

    fn find() -> Result<Found, String> {
        let probed = pkg_config::Config::new().atleast_version("22.11").probe("libdpdk");
        let library = probed.map_err(
            |_| "pkg-config finds no `libdpdk` of version 22.11 or later (or is not there itself)",
        )?;
        let mut flags: Vec<String> =
            library.include_paths.iter().map(|path| format!("-I{}", path.display())).collect();
        // Inline functions of the headers need the machine that the library was built for.
        flags.extend(["-include", "rte_config.h"].map(str::to_owned));
        if cfg!(target_arch = "x86_64") {
            flags.push("-march=corei7".to_owned());
        }
        Ok(Found { flags })
    }

    fn bind(flags: &[String], to: &Path) -> Result<(), String> {
        let builder = bindgen::Builder::default()
            .header(HEADER)
            .clang_args(flags)
            .allowlist_function(FUNCTIONS)
            .opaque_type(OPAQUE)
            .rust_target(bindgen::RustTarget::stable(82, 0).map_err(|error| error.to_string())?)
            .layout_tests(false)
            .derive_default(true)
            .generate_comments(false);
        // It panics where libclang is missing.
        panic::set_hook(Box::new(|_| {}));
        let made = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.generate()));
        _ = panic::take_hook();
        let bindings = made
            .map_err(|_| "libclang is not found, which reads DPDK's headers".to_owned())?
            .map_err(|error| format!("DPDK's headers cannot be read: {error}"))?;
        bindings.write_to_file(to).map_err(|error| error.to_string())
    }
}
