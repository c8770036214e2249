//! Memory: page sizes, locking, and what the kernel does to pages behind our back.

use super::asked::Asked;
use super::host::Host;
use super::row::{Level, Row};

const THP: &str = "sys/kernel/mm/transparent_hugepage/enabled";
const PAGES: &str = "sys/kernel/mm/hugepages/hugepages-2048kB";
const KSM: &str = "sys/kernel/mm/ksm/run";
/// CAP_IPC_LOCK of capabilities(7).
const CAP_IPC_LOCK: u32 = 14;

/// All rows of this file.
pub fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    vec![
        thp(host),
        huge_pages(host, asked),
        lock(host),
        swap(host),
        ksm(host),
        receive(host, asked),
    ]
}

fn thp(host: &Host) -> Row {
    let row = Row::new(
        "memory.thp",
        "`always` lets the kernel stop any thread to gather a huge page; the engine asks for them \
         where it wants them",
    )
    .wanted("madvise, or never with reserved pages");
    let Some(chosen) = host.chosen(THP) else { return row.unknown() };
    let bad = chosen == "always";
    row.found(chosen).when(bad, Level::Warn, format!("echo madvise > /{THP}")).set(THP, "madvise")
}

fn huge_pages(host: &Host, asked: &Asked) -> Row {
    let row = Row::new(
        "memory.hugepages",
        "books on 4 KiB pages miss the address cache at every step; `nofx check` prints their size",
    );
    let count = |file: &str| host.number(&format!("{PAGES}/{file}")).filter(|n| *n >= 0);
    let (all, free) = (count("nr_hugepages"), count("free_hugepages"));
    let found = match (all, free) {
        (Some(all), Some(free)) => format!("{free} free of {all} pages of 2 MiB"),
        _ => "no pages of 2 MiB".to_owned(),
    };
    let row = row.found(found);
    let Some(wanted) = asked.hugepages else {
        return row
            .wanted("any: --hugepages is not given; the engine takes transparent ones instead")
            .level(Level::Note);
    };
    let (all, free) = (all.unwrap_or(0) as u64, free.unwrap_or(0) as u64);
    // Pages that somebody else holds stay theirs: the pool grows by what is missing.
    let missing = wanted.saturating_sub(free);
    row.wanted(format!("{wanted} free"))
        .when(missing > 0, Level::Fail, format!("sysctl -w vm.nr_hugepages={}", all + missing))
        .set(format!("{PAGES}/nr_hugepages"), (all + missing).to_string())
}

/// What limit and capabilities say; on this machine it is tried as well.
fn lock(host: &Host) -> Row {
    let row = Row::new(
        "memory.lock",
        "memory that is not locked may be written to disk, and comes back with a page fault of \
         milliseconds",
    )
    .wanted("unlimited, or CAP_IPC_LOCK");
    let limits = host.read("proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"));
    let limit = limit.and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
    let Some(limit) = limit else { return row.unknown() };
    let held = host.field("proc/self/status", "CapEff");
    let held = held.and_then(|mask| u64::from_str_radix(&mask, 16).ok()).unwrap_or(0);
    let capable = held >> CAP_IPC_LOCK & 1 == 1;
    let found = match (limit.as_str(), capable) {
        ("unlimited", _) => "unlimited".to_owned(),
        (limit, true) => format!("{limit} bytes, CAP_IPC_LOCK"),
        (limit, false) => format!("{limit} bytes"),
    };
    let possible = capable || limit == "unlimited";
    let fix = "LimitMEMLOCK=infinity in the unit, or `* - memlock unlimited` in \
               /etc/security/limits.conf";
    let row = row.found(found).when(!possible, Level::Fail, fix);
    match host.is_this_one().then(nofx_rt::usage::lock_memory) {
        Some(Err(error)) => {
            let found = format!("{}; tried: {error}", row.found);
            row.found(found).when(true, Level::Fail, fix)
        }
        _ => row,
    }
}

fn swap(host: &Host) -> Row {
    let row = Row::new("memory.swap", "a page on disk is a fault of milliseconds").wanted("off");
    let Some(text) = host.read("proc/swaps") else { return row.found("off") };
    let areas = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let areas: Vec<_> = areas.collect();
    let found = if areas.is_empty() { "off".into() } else { areas.join(", ") };
    row.found(found).when(!areas.is_empty(), Level::Warn, "swapoff -a, and out of /etc/fstab")
}

fn ksm(host: &Host) -> Row {
    let row =
        Row::new("memory.ksm", "merging equal pages write-protects them: a fault at each write")
            .wanted("0");
    let Some(run) = host.number(KSM) else { return row.found("not compiled in") };
    row.found(run.to_string()).when(run == 1, Level::Warn, format!("echo 0 > /{KSM}")).set(KSM, "0")
}

fn receive(host: &Host, asked: &Asked) -> Row {
    const PATH: &str = "proc/sys/net/core/rmem_max";
    let wanted = asked.receive_buffer;
    let row = Row::new(
        "memory.rmem_max",
        "a socket gets no larger receive buffer than this: what does not fit in a burst is lost",
    )
    .wanted(format!("at least {wanted} (network.buffer_kib)"));
    let Some(found) = host.number(PATH) else { return row.unknown() };
    row.found(found.to_string())
        .when(
            u64::try_from(found).unwrap_or(0) < wanted,
            Level::Warn,
            format!("sysctl -w net.core.rmem_max={wanted}"),
        )
        .set(PATH, wanted.to_string())
}
