//! Cores, their isolation, their clock, their power states.

use super::asked::{Asked, allowed};
use super::host::{Host, list_of};
use super::row::{Level, Row};

const CPU: &str = "sys/devices/system/cpu";
const CLOCKS: &str = "sys/devices/system/clocksource/clocksource0";
/// A state that takes longer to leave is deeper than C1, microseconds.
const C1_LATENCY: i64 = 2;

/// All rows of this file.
pub fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    vec![
        cores(host, asked),
        isolated(host, asked),
        nohz(host, asked),
        rcu(host, asked),
        siblings(host, asked),
        governor(host, asked),
        idle_states(host, asked),
        tsc(host),
        clock_source(host),
        hypervisor(host),
        mitigations(host),
    ]
}

fn cores(host: &Host, asked: &Asked) -> Row {
    let allowed = allowed(host);
    let tile = |p: &super::asked::Placed| format!("{} on {}", p.tile, p.core);
    let tiles: Vec<_> = asked.tiles.iter().map(tile).collect();
    let row = Row::new(
        "cpu.cores",
        "a tile that shares its core waits for its neighbour: milliseconds, not nanoseconds",
    )
    .wanted(match tiles.is_empty() {
        true => "no tile has a core".to_owned(),
        false => tiles.join(", "),
    })
    .found(format!("may run on {}", list_of(&allowed)));
    let fix = "give each tile a core of its own that is online: [[tile]] core, or --cores";
    if let Some(missing) = asked.tiles.iter().find(|tile| !allowed.contains(&tile.core)) {
        let core = missing.core;
        let found = format!("{}; no core {core}", row.found);
        return row.found(found).when(true, Level::Fail, fix);
    }
    if let Some(wrong) = &asked.layout {
        let wrong = wrong.clone();
        return row.found(wrong).when(true, Level::Fail, fix);
    }
    if let Some(core) = shared(asked) {
        let found = format!("{}; core {core} has two tiles", row.found);
        return row.found(found).when(true, Level::Fail, fix);
    }
    row.when(
        asked.cores.is_empty(),
        Level::Warn,
        "one core is not enough for an engine that spins: use a machine with more",
    )
}

/// A core with two tiles, one of which spins.
fn shared(asked: &Asked) -> Option<usize> {
    let on = |core| asked.tiles.iter().filter(move |tile| tile.core == core).count();
    asked.cores.iter().copied().find(|core| on(*core) > 1)
}

/// A row that wants all engine cores in `there`.
fn covered(row: Row, asked: &Asked, there: Option<Vec<usize>>, fix: String) -> Row {
    let row = row.wanted(list_of(&asked.cores));
    let found = there.as_deref().map_or("not offered by this kernel".into(), list_of);
    let there = there.unwrap_or_default();
    let bare = asked.cores.iter().any(|core| !there.contains(core));
    row.found(found).when(bare, Level::Warn, fix)
}

fn kernel_line(key: &str, asked: &Asked) -> String {
    format!("kernel command line: {key}={}, then reboot", list_of(&asked.cores))
}

fn isolated(host: &Host, asked: &Asked) -> Row {
    let boot = host.cores(&format!("{CPU}/isolated"));
    let partition = host.cores("sys/fs/cgroup/cpuset.cpus.isolated");
    let both = [boot, partition].into_iter().flatten().reduce(|mut all, more| {
        all.extend(more);
        all.sort_unstable();
        all.dedup();
        all
    });
    covered(
        Row::new(
            "cpu.isolated",
            "the scheduler puts other threads on a core that is not isolated, and balances its load",
        ),
        asked,
        both,
        kernel_line("isolcpus", asked).replace("isolcpus=", "isolcpus=domain,managed_irq,"),
    )
}

fn nohz(host: &Host, asked: &Asked) -> Row {
    covered(
        Row::new(
            "cpu.nohz_full",
            "without it the timer interrupts a lone thread 100 to 1000 times a second, 1 to 10 us \
             each",
        ),
        asked,
        host.cores(&format!("{CPU}/nohz_full")),
        kernel_line("nohz_full", asked),
    )
}

fn rcu(host: &Host, asked: &Asked) -> Row {
    let line = host.read("proc/cmdline").unwrap_or_default();
    let listed = line.split_whitespace().find_map(|word| word.strip_prefix("rcu_nocbs="));
    let mut cores = match listed {
        Some("all") => asked.cores.clone(),
        Some(list) => nofx_rt::sched::parse_cores(list).unwrap_or_default(),
        None => Vec::new(),
    };
    // nohz_full implies it.
    cores.extend(host.cores(&format!("{CPU}/nohz_full")).unwrap_or_default());
    cores.sort_unstable();
    cores.dedup();
    covered(
        Row::new(
            "cpu.rcu_nocbs",
            "the kernel's deferred frees run on the core that asked for them",
        ),
        asked,
        Some(cores),
        kernel_line("rcu_nocbs", asked),
    )
}

fn siblings(host: &Host, asked: &Asked) -> Row {
    let online = host.cores(&format!("{CPU}/online")).unwrap_or_default();
    let of = |core: &usize| {
        let list = host.cores(&format!("{CPU}/cpu{core}/topology/thread_siblings_list"))?;
        Some(list.into_iter().filter(|c| c != core && online.contains(c)).collect::<Vec<_>>())
    };
    let known: Option<Vec<_>> = asked.cores.iter().map(of).collect();
    let row = Row::new(
        "cpu.smt",
        "two threads of one core share its caches and execution units: a busy sibling costs tens of \
         per cent, unevenly",
    )
    .wanted("no sibling thread online");
    let Some(known) = known else { return row.unknown() };
    let mut busy: Vec<usize> = known.into_iter().flatten().collect();
    busy.sort_unstable();
    let found = match busy.is_empty() {
        true => "none".into(),
        false => format!("online: {}", list_of(&busy)),
    };
    let off = busy.iter().map(|core| format!("echo 0 > /{CPU}/cpu{core}/online"));
    let fix = format!("firmware: SMT off; or {}", off.collect::<Vec<_>>().join("; "));
    row.found(found).when(!busy.is_empty(), Level::Warn, fix)
}

fn governor(host: &Host, asked: &Asked) -> Row {
    let path = |core: usize| format!("{CPU}/cpu{core}/cpufreq/scaling_governor");
    let known = asked.cores.iter().filter_map(|core| Some((*core, host.read(&path(*core))?)));
    let known: Vec<_> = known.collect();
    let row = Row::new(
        "cpu.governor",
        "a core that changes its frequency runs slow when the first packet comes, and stalls while \
         it changes",
    )
    .wanted("performance");
    if known.is_empty() {
        return row
            .found("no frequency control (a virtual machine, or left to the firmware)")
            .level(Level::Note);
    }
    let bad: Vec<_> = known.iter().filter(|(_, governor)| governor != "performance").collect();
    let found = bad.iter().map(|(core, governor)| format!("core {core}: {governor}"));
    let found =
        if bad.is_empty() { "performance".into() } else { found.collect::<Vec<_>>().join(", ") };
    let row = row.found(found).when(
        !bad.is_empty(),
        Level::Warn,
        "cpupower frequency-set -g performance",
    );
    bad.iter().fold(row, |row, (core, _)| row.set(path(*core), "performance"))
}

fn idle_states(host: &Host, asked: &Asked) -> Row {
    let row = Row::new(
        "cpu.idle_states",
        "leaving a deep idle state takes tens to hundreds of microseconds, and it empties caches",
    )
    .wanted(format!("none with more than {C1_LATENCY} us to leave, or /dev/cpu_dma_latency held"));
    if !asked.cores.iter().any(|core| host.has(&format!("{CPU}/cpu{core}/cpuidle"))) {
        return row.found("no idle states (left to the host or the firmware)").level(Level::Note);
    }
    let held = host.bytes("dev/cpu_dma_latency").and_then(|bytes| {
        bytes.first_chunk::<4>().map(|word| i64::from(i32::from_le_bytes(*word)))
    });
    let allows = held.filter(|us| (0..2_000_000_000).contains(us)).unwrap_or(i64::MAX);
    let deep: Vec<_> =
        asked.cores.iter().flat_map(|core| deep_states(host, *core, allows)).collect();
    let found = match deep.is_empty() {
        true => "none".to_owned(),
        false => {
            deep.iter().map(|(at, name)| format!("{at} {name}")).collect::<Vec<_>>().join(", ")
        }
    };
    let row = row.found(found).when(
        !deep.is_empty(),
        Level::Warn,
        "firmware: C-states off; or hold /dev/cpu_dma_latency at 0; or disable the states",
    );
    deep.iter().fold(row, |row, (at, _)| row.set(format!("{CPU}/{at}/disable"), "1"))
}

/// Idle states of a core that are deeper than C1, enabled, and allowed: (`cpuN/cpuidle/stateK`,
/// name).
fn deep_states(host: &Host, core: usize, allows: i64) -> Vec<(String, String)> {
    let folder = format!("cpu{core}/cpuidle");
    let states = host.names(&format!("{CPU}/{folder}")).into_iter();
    let deep = states.filter_map(|state| {
        let at = format!("{folder}/{state}");
        let latency = host.number(&format!("{CPU}/{at}/latency"))?;
        let disabled = host.number(&format!("{CPU}/{at}/disable")).unwrap_or(0) != 0;
        let name = host.read(&format!("{CPU}/{at}/name")).unwrap_or_default();
        (latency > C1_LATENCY && latency <= allows && !disabled).then_some((at, name))
    });
    deep.collect()
}

/// Words after `key` on the first such line of `/proc/cpuinfo`.
fn flags(host: &Host) -> Option<Vec<String>> {
    let flags = host.field("proc/cpuinfo", "flags")?;
    Some(flags.split_whitespace().map(str::to_owned).collect())
}

fn tsc(host: &Host) -> Row {
    let row = Row::new("cpu.invariant_tsc", "time stamps are cycle counts: they must tick evenly")
        .wanted("constant_tsc nonstop_tsc");
    let Some(flags) = flags(host) else { return row.unknown() };
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    let there: Vec<_> = ["constant_tsc", "nonstop_tsc"].into_iter().filter(|n| has(n)).collect();
    let found = if there.is_empty() { "neither".into() } else { there.join(" ") };
    row.found(found).when(
        there.len() < 2,
        Level::Fail,
        "use a processor whose counter is invariant; on a virtual machine, have the host pass the \
         flags through",
    )
}

fn clock_source(host: &Host) -> Row {
    let current = host.read(&format!("{CLOCKS}/current_clocksource"));
    let offered = host.read(&format!("{CLOCKS}/available_clocksource")).unwrap_or_default();
    let row = Row::new(
        "cpu.clock_source",
        "another clock source makes every time read slower, or a system call",
    )
    .wanted("tsc");
    let Some(current) = current else { return row.unknown() };
    let bad = current != "tsc";
    let row = row.found(current);
    match offered.split_whitespace().any(|name| name == "tsc") {
        true => row
            .when(bad, Level::Warn, format!("echo tsc > /{CLOCKS}/current_clocksource"))
            .set(format!("{CLOCKS}/current_clocksource"), "tsc"),
        false => row.when(
            bad,
            Level::Warn,
            "the kernel does not offer tsc: dmesg says why (marked unstable?); tsc=reliable only on \
             hardware known to be good",
        ),
    }
}

fn hypervisor(host: &Host) -> Row {
    let row = Row::new(
        "cpu.hypervisor",
        "a host may take the core away for milliseconds, and the guest does not see it",
    )
    .wanted("bare metal");
    let Some(flags) = flags(host) else { return row.unknown() };
    let guest = flags.iter().any(|flag| flag == "hypervisor");
    row.found(if guest { "a virtual machine" } else { "bare metal" }).when(
        guest,
        Level::Warn,
        "trade on bare metal; figures of a virtual machine are its own",
    )
}

fn mitigations(host: &Host) -> Row {
    const FOLDER: &str = "sys/devices/system/cpu/vulnerabilities";
    let names = host.names(FOLDER);
    let active = names.iter().filter(|name| {
        host.read(&format!("{FOLDER}/{name}")).is_some_and(|text| text.starts_with("Mitigation"))
    });
    let active: Vec<_> = active.map(String::as_str).collect();
    let row = Row::new(
        "cpu.mitigations",
        "each costs a little on every entry into the kernel; the steady loop makes few",
    )
    .wanted("your decision: security against about a microsecond for each system call");
    match (names.is_empty(), active.is_empty()) {
        (true, _) => row.unknown(),
        (_, true) => row.found("none active"),
        _ => row.found(format!("active: {}", active.join(", "))).level(Level::Note),
    }
}
