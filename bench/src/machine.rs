//! What the figures were measured on, as far as the machine tells.

use std::fs;

/// One line: processor, cores, kernel, governor, load.
pub fn describe() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!(
        "{}, {cores} cores, Linux {}, governor {}, huge pages {}, load {}",
        processor(),
        line("/proc/sys/kernel/osrelease"),
        line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        huge_pages(),
        load(),
    )
}

/// Load averages of 1, 5 and 15 minutes.
pub fn load() -> String {
    line("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let found = info.lines().find(|l| l.split(':').next().is_some_and(|n| n.trim() == name));
        found.and_then(|l| l.split_once(':')).map_or("unknown", |(_, value)| value.trim())
    };
    let virtual_machine =
        if field("flags").contains("hypervisor") { ", virtual machine" } else { "" };
    format!(
        "{} (family {} model {}{virtual_machine})",
        field("model name"),
        field("cpu family"),
        field("model")
    )
}

/// The mode in brackets of `always [madvise] never`.
fn huge_pages() -> String {
    let modes = line("/sys/kernel/mm/transparent_hugepage/enabled");
    modes.split(['[', ']']).nth(1).unwrap_or("unknown").to_owned()
}

fn line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
