//! What the kernel runs on the engine's cores: interrupts, work queues, watchdogs, scheduling.

use super::asked::Asked;
use super::host::{Host, list_of, mask_of};
use super::row::{Level, Row};

const WORK: &str = "sys/devices/virtual/workqueue/cpumask";
const KERNEL: &str = "proc/sys/kernel";

/// All rows of this file.
pub fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    vec![
        interrupts(host, asked),
        new_interrupts(host, asked),
        irqbalance(host),
        work_queues(host, asked),
        real_time(host, asked),
        watchdogs(host),
        numa_balancing(host),
        statistics(host),
    ]
}

/// Cores that are online and not the engine's: where everything else belongs.
fn others(host: &Host, asked: &Asked) -> Vec<usize> {
    asked.others(&host.cores("sys/devices/system/cpu/online").unwrap_or_default())
}

/// Interrupts that have a handler, by number.
fn numbered(host: &Host) -> Vec<String> {
    let text = host.read("proc/interrupts").unwrap_or_default();
    let first = text.lines().filter_map(|line| line.split_once(':').map(|(id, _)| id.trim()));
    first.filter(|id| id.parse::<u32>().is_ok()).map(str::to_owned).collect()
}

fn interrupts(host: &Host, asked: &Asked) -> Row {
    let others = others(host, asked);
    let path = |irq: &String| format!("proc/irq/{irq}/smp_affinity_list");
    let known = numbered(host).into_iter();
    let known: Vec<_> = known.filter_map(|irq| Some((host.cores(&path(&irq))?, irq))).collect();
    let bad: Vec<_> = known.iter().filter(|(cores, _)| !asked.overlap(cores).is_empty()).collect();
    let row = Row::new(
        "irq.affinity",
        "an interrupt takes 1 to 20 us from the thread it hits, and its data from the caches",
    )
    .wanted(format!("none may hit {}", list_of(&asked.cores)));
    if known.is_empty() {
        return row.unknown();
    }
    let names: Vec<_> = bad.iter().map(|(_, irq)| irq.as_str()).collect();
    let found = match bad.is_empty() {
        true => format!("none of {}", known.len()),
        false => format!("{} of {} may: {}", bad.len(), known.len(), names.join(" ")),
    };
    let fix = format!("echo {} > /proc/irq/N/smp_affinity_list", list_of(&others));
    let row = row.found(found).when(!bad.is_empty(), Level::Warn, fix);
    if others.is_empty() {
        return row;
    }
    bad.iter().fold(row, |row, (cores, irq)| {
        let keep = asked.others(cores);
        let to = if keep.is_empty() { &others } else { &keep };
        row.set(path(irq), list_of(to))
    })
}

/// A mask of cores that must not hold those of the engine.
fn mask(row: Row, host: &Host, asked: &Asked, path: &str) -> Row {
    let row = row.wanted(format!("without {}", list_of(&asked.cores)));
    let Some(cores) = host.mask(path) else { return row.unknown() };
    let others = others(host, asked);
    let bad = !asked.overlap(&cores).is_empty();
    let fix = format!("echo {} > /{path}", mask_of(&others));
    let row = row.found(list_of(&cores)).when(bad, Level::Warn, fix);
    if others.is_empty() { row } else { row.set(path, mask_of(&others)) }
}

fn new_interrupts(host: &Host, asked: &Asked) -> Row {
    let row = Row::new("irq.default", "where interrupts that are set up later will be served");
    mask(row, host, asked, "proc/irq/default_smp_affinity")
}

fn irqbalance(host: &Host) -> Row {
    let alive = host.runs("irqbalance");
    Row::new("irq.irqbalance", "it moves interrupts back to the cores they were taken from")
        .wanted("not running")
        .found(if alive { "running" } else { "not running" })
        .when(
            alive,
            Level::Warn,
            "systemctl disable --now irqbalance, or IRQBALANCE_BANNED_CPULIST in \
             /etc/default/irqbalance",
        )
}

fn work_queues(host: &Host, asked: &Asked) -> Row {
    let row =
        Row::new("kernel.workqueues", "the kernel's deferred work runs where its mask allows");
    mask(row, host, asked, WORK)
}

fn real_time(host: &Host, asked: &Asked) -> Row {
    let runtime = host.number(&format!("{KERNEL}/sched_rt_runtime_us"));
    let period = host.number(&format!("{KERNEL}/sched_rt_period_us")).unwrap_or(1_000_000);
    let row = Row::new(
        "kernel.rt_throttle",
        "a real-time thread that spins is stopped for the rest of each period: 50 ms a second by \
         default",
    )
    .wanted(if asked.fifo {
        "-1 (topology.fifo is set)"
    } else {
        "any: topology.fifo is not set"
    });
    let Some(runtime) = runtime else { return row.unknown() };
    let limited = runtime >= 0 && runtime < period && asked.fifo;
    let servers = fair_servers(host, asked);
    let mut found = if runtime < 0 { "-1".into() } else { format!("{runtime} of {period} us") };
    if !servers.is_empty() && asked.fifo {
        found += ", fair server on";
    }
    let bad = limited || (asked.fifo && !servers.is_empty());
    let row = row.found(found).when(
        bad,
        Level::Warn,
        "sysctl -w kernel.sched_rt_runtime_us=-1; from Linux 6.12 on also 0 into \
         /sys/kernel/debug/sched/fair_server/cpuN/runtime",
    );
    let row = if limited { row.set(format!("{KERNEL}/sched_rt_runtime_us"), "-1") } else { row };
    servers.into_iter().fold(row, |row, path| if asked.fifo { row.set(path, "0") } else { row })
}

/// Files of the server that keeps time for ordinary threads (Linux 6.12 on), where it is on.
fn fair_servers(host: &Host, asked: &Asked) -> Vec<String> {
    let file = |core: &usize| format!("sys/kernel/debug/sched/fair_server/cpu{core}/runtime");
    let files = asked.cores.iter().map(file);
    files.filter(|path| host.number(path).is_some_and(|ns| ns > 0)).collect()
}

fn watchdogs(host: &Host) -> Row {
    const FILES: [&str; 2] = ["nmi_watchdog", "soft_watchdog"];
    let read = |name| Some((name, host.number(&format!("{KERNEL}/{name}"))?));
    let known: Vec<(&str, i64)> = FILES.into_iter().filter_map(read).collect();
    let row = Row::new(
        "kernel.watchdog",
        "lock-up detectors interrupt each core with timers and performance counters",
    )
    .wanted("off");
    if known.is_empty() {
        return row.found("not compiled in");
    }
    let on: Vec<_> = known.iter().filter(|(_, on)| *on != 0).map(|(name, _)| *name).collect();
    let found = if on.is_empty() { "off".into() } else { format!("on: {}", on.join(", ")) };
    let fix = "sysctl -w kernel.nmi_watchdog=0 kernel.soft_watchdog=0";
    let row = row.found(found).when(!on.is_empty(), Level::Warn, fix);
    on.iter().fold(row, |row, name| row.set(format!("{KERNEL}/{name}"), "0"))
}

fn numa_balancing(host: &Host) -> Row {
    let path = format!("{KERNEL}/numa_balancing");
    let row = Row::new(
        "kernel.numa_balancing",
        "it unmaps pages to see who uses them: a page fault each time",
    )
    .wanted("0");
    let Some(on) = host.number(&path) else { return row.found("not compiled in") };
    row.found(on.to_string())
        .when(on != 0, Level::Warn, "sysctl -w kernel.numa_balancing=0")
        .set(path, "0")
}

fn statistics(host: &Host) -> Row {
    const PATH: &str = "proc/sys/vm/stat_interval";
    let row = Row::new("kernel.stat_interval", "memory counters are folded on each core so often")
        .wanted("at least 10 s");
    let Some(seconds) = host.number(PATH) else { return row.unknown() };
    row.found(format!("{seconds} s"))
        .when(seconds < 10, Level::Note, "sysctl -w vm.stat_interval=120")
        .set(PATH, "120")
}
