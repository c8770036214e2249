//! `nofx doctor` on made-up machines: every report is compared whole. Nothing here writes outside
//! temporary folders.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use clap::{Args as _, FromArgMatches as _};
use nofx_app::doctor::row::Level;
use nofx_app::doctor::table::Coloured;
use nofx_app::doctor::{DoctorArgs, Report, change, run};
use nofx_rt::rng::Rng;
use tempfile::TempDir;

/// A machine of four cores; the engine spins on 2 and 3.
struct Machine(TempDir);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Machine {
        let machine = Machine(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(path, text)| machine.put(path, text));
        machine
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn driver(&self, name: &str, driver: &str) {
        let device = self.root().join(format!("sys/class/net/{name}/device"));
        fs::create_dir_all(&device).expect("made");
        symlink(format!("../../bus/pci/drivers/{driver}"), device.join("driver")).expect("a link");
    }

    fn doctor(&self, words: &str) -> Report {
        run(&self.args(words)).expect("a report")
    }

    fn args(&self, words: &str) -> DoctorArgs {
        let command = DoctorArgs::augment_args(clap::Command::new("doctor"));
        let root = self.root().to_str().expect("a plain name").to_owned();
        let words = words.split_whitespace().map(str::to_owned);
        let words = ["doctor".into(), "--root".into(), root].into_iter().chain(words);
        let matches = command.try_get_matches_from(words).expect("arguments");
        DoctorArgs::from_arg_matches(&matches).expect("arguments")
    }

    /// All files with their bytes, but for the state of doctor.
    fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        fn walk(folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, all);
                } else if let Ok(bytes) = fs::read(&path) {
                    all.insert(path.display().to_string(), bytes);
                }
            }
        }
        let mut all = BTreeMap::new();
        walk(self.root(), &mut all);
        all
    }
}

/// What the report says, a line each: level, id, found.
fn lines(report: &Report) -> Vec<String> {
    let line = |row: &nofx_app::doctor::row::Row| {
        format!("{} {}: {}", row.level.name(), row.id, row.found)
    };
    report.rows.iter().map(line).collect()
}

const SERVER: &str = "--cores 2-3 --interface eth1 --hugepages 64 --set network.port=xsk \
                      --set network.xsk.queues=[0]";

const COMMON: &[(&str, &str)] = &[
    ("proc/sys/kernel/osrelease", "6.1.0-test\n"),
    ("proc/sys/kernel/random/boot_id", "boot-1\n"),
    (
        "proc/cpuinfo",
        "processor : 0\nmodel name : Test CPU\nflags : fpu constant_tsc nonstop_tsc\n",
    ),
    ("proc/self/status", "Name: x\nCapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
];

/// A colocated server as it is to be.
fn good() -> Machine {
    let machine = Machine::new(COMMON);
    for (path, text) in [
        ("proc/cmdline", "ro isolcpus=domain,managed_irq,2-3 nohz_full=2-3 rcu_nocbs=2-3\n"),
        ("sys/devices/system/cpu/isolated", "2-3\n"),
        ("sys/devices/system/cpu/nohz_full", "2-3\n"),
        ("sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
        ("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet\n"),
        ("sys/devices/system/node/node0/cpulist", "0-3\n"),
        ("proc/interrupts", "           CPU0       CPU1\n  9: 1 2 IO-APIC x\n 40: 1 2 MSI eth1\n"),
        ("proc/irq/9/smp_affinity_list", "0-1\n"),
        ("proc/irq/40/smp_affinity_list", "1\n"),
        ("proc/irq/default_smp_affinity", "3\n"),
        ("sys/devices/virtual/workqueue/cpumask", "3\n"),
        ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
        ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
        ("proc/sys/kernel/nmi_watchdog", "0\n"),
        ("proc/sys/kernel/soft_watchdog", "0\n"),
        ("proc/sys/kernel/numa_balancing", "0\n"),
        ("proc/sys/vm/stat_interval", "120\n"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "64\n"),
        ("proc/self/limits", "Max locked memory         unlimited            unlimited  bytes\n"),
        ("proc/swaps", "Filename Type Size Used Priority\n"),
        ("sys/kernel/mm/ksm/run", "0\n"),
        ("proc/sys/net/core/rmem_max", "16777216\n"),
        ("sys/class/net/eth1/operstate", "up\n"),
        ("sys/class/net/eth1/speed", "25000\n"),
        ("sys/class/net/eth1/queues/rx-0/rps_cpus", "0\n"),
        ("sys/class/net/eth1/device/numa_node", "0\n"),
        ("sys/class/net/eth1/device/ptp/ptp0/clock_name", "ice\n"),
        ("output/ethtool -k eth1", "Features:\ngeneric-receive-offload: off\n"),
        ("output/ethtool -c eth1", "Adaptive RX: off  TX: off\nrx-usecs: 0\n"),
        ("output/timedatectl show -p NTPSynchronized --value", "yes\n"),
        ("proc/701/comm", "ptp4l\n"),
    ] {
        machine.put(path, text);
    }
    for core in 0..4 {
        let cpu = format!("sys/devices/system/cpu/cpu{core}");
        machine.put(&format!("{cpu}/topology/thread_siblings_list"), format!("{core}\n"));
        machine.put(&format!("{cpu}/cpufreq/scaling_governor"), "performance\n");
        for (state, name, latency, disable) in
            [(0, "POLL", 0, 0), (1, "C1", 2, 0), (2, "C6", 133, 1)]
        {
            let at = format!("{cpu}/cpuidle/state{state}");
            machine.put(&format!("{at}/name"), name);
            machine.put(&format!("{at}/latency"), latency.to_string());
            machine.put(&format!("{at}/disable"), format!("{disable}\n"));
        }
    }
    machine.driver("eth1", "ice");
    machine
}

/// The same server as it comes out of the box.
fn bad() -> Machine {
    let machine = good();
    for (path, text) in [
        ("proc/cmdline", "ro quiet\n"),
        ("proc/cpuinfo", "model name : Test CPU\nflags : fpu hypervisor constant_tsc\n"),
        ("sys/devices/system/cpu/isolated", "\n"),
        ("sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n"),
        ("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "0,2\n"),
        ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3\n"),
        ("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n"),
        ("sys/devices/system/cpu/cpu3/cpuidle/state2/disable", "0\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"),
        ("sys/devices/system/node/node0/cpulist", "0-1\n"),
        ("proc/irq/9/smp_affinity_list", "0-3\n"),
        ("proc/irq/40/smp_affinity_list", "2\n"),
        ("proc/irq/default_smp_affinity", "0000000f\n"),
        ("proc/55/comm", "irqbalance\n"),
        ("sys/devices/virtual/workqueue/cpumask", "f\n"),
        ("proc/sys/kernel/nmi_watchdog", "1\n"),
        ("proc/sys/kernel/soft_watchdog", "1\n"),
        ("proc/sys/kernel/numa_balancing", "1\n"),
        ("proc/sys/vm/stat_interval", "1\n"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "4\n"),
        ("proc/self/limits", "Max locked memory         8388608              8388608    bytes\n"),
        ("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n"),
        ("sys/kernel/mm/ksm/run", "1\n"),
        ("proc/sys/net/core/rmem_max", "212992\n"),
        ("sys/class/net/eth1/queues/rx-1/rps_cpus", "0\n"),
        (
            "output/ethtool -k eth1",
            "generic-receive-offload: on\nlarge-receive-offload: off [fixed]\n",
        ),
        ("output/ethtool -c eth1", "Adaptive RX: on  TX: on\nrx-usecs: 50\n"),
        ("output/timedatectl show -p NTPSynchronized --value", "no\n"),
        ("proc/701/comm", "chronyd\n"),
    ] {
        machine.put(path, text);
    }
    let at = machine.root();
    fs::remove_file(at.join("sys/devices/system/cpu/nohz_full")).expect("was there");
    fs::remove_dir_all(at.join("sys/class/net/eth1/device/ptp")).expect("was there");
    fs::remove_file(at.join("sys/class/net/eth1/device/driver")).expect("was there");
    machine.driver("eth1", "e1000");
    machine
}

#[test]
fn a_tuned_server_passes() {
    let report = good().doctor(SERVER);
    let found = lines(&report);
    assert_eq!(
        found,
        [
            "ok cpu.cores: may run on 0-3",
            "ok cpu.isolated: 2-3",
            "ok cpu.nohz_full: 2-3",
            "ok cpu.rcu_nocbs: 2-3",
            "ok cpu.smt: none",
            "ok cpu.governor: performance",
            "ok cpu.idle_states: none",
            "ok cpu.invariant_tsc: constant_tsc nonstop_tsc",
            "ok cpu.clock_source: tsc",
            "ok cpu.hypervisor: bare metal",
            "ok cpu.mitigations: none active",
            "ok irq.affinity: none of 2",
            "ok irq.default: 0-1",
            "ok irq.irqbalance: not running",
            "ok kernel.workqueues: 0-1",
            "ok kernel.rt_throttle: 950000 of 1000000 us",
            "ok kernel.watchdog: off",
            "ok kernel.numa_balancing: 0",
            "ok kernel.stat_interval: 120 s",
            "ok memory.thp: madvise",
            "ok memory.hugepages: 64 free of 64 pages of 2 MiB",
            "ok memory.lock: unlimited",
            "ok memory.swap: off",
            "ok memory.ksm: 0",
            "ok memory.rmem_max: 16777216",
            "ok nic.eth1: up, driver ice, 25000 Mbit/s",
            "ok nic.eth1.queues: 1 to receive",
            "ok nic.eth1.node: node 0, cores 0-3",
            "ok nic.eth1.offloads: off",
            "ok nic.eth1.xdp: native and zero copy, by the driver's name",
            "ok nic.eth1.coalescing: rx-usecs 0, adaptive off",
            "ok nic.eth1.ptp: ptp0",
            "ok time.synchronised: by ptp4l, synchronised",
        ]
    );
    assert_eq!((report.worst, report.verdict().is_ok()), (Level::Ok, true));
}

#[test]
fn a_server_out_of_the_box_is_told_everything() {
    let report = bad().doctor(&format!("{SERVER} --set topology.fifo=true"));
    assert_eq!(
        lines(&report),
        [
            "ok cpu.cores: may run on 0-3",
            "warn cpu.isolated: none",
            "warn cpu.nohz_full: not offered by this kernel",
            "warn cpu.rcu_nocbs: none",
            "warn cpu.smt: online: 0-1",
            "warn cpu.governor: core 2: powersave",
            "warn cpu.idle_states: cpu3/cpuidle/state2 C6",
            "fail cpu.invariant_tsc: constant_tsc",
            "warn cpu.clock_source: hpet",
            "warn cpu.hypervisor: a virtual machine",
            "note cpu.mitigations: active: meltdown",
            "warn irq.affinity: 2 of 2 may: 9 40",
            "warn irq.default: 0-3",
            "warn irq.irqbalance: running",
            "warn kernel.workqueues: 0-3",
            "warn kernel.rt_throttle: 950000 of 1000000 us",
            "warn kernel.watchdog: on: nmi_watchdog, soft_watchdog",
            "warn kernel.numa_balancing: 1",
            "note kernel.stat_interval: 1 s",
            "warn memory.thp: always",
            "fail memory.hugepages: 4 free of 8 pages of 2 MiB",
            "fail memory.lock: 8388608 bytes",
            "warn memory.swap: /dev/sda2",
            "warn memory.ksm: 1",
            "warn memory.rmem_max: 212992",
            "ok nic.eth1: up, driver e1000, 25000 Mbit/s",
            "warn nic.eth1.queues: 2 to receive",
            "warn nic.eth1.node: node 0, cores 0-1",
            "warn nic.eth1.offloads: on: generic-receive-offload",
            "warn nic.eth1.xdp: a driver that is not known to have XDP: generic, copies",
            "warn nic.eth1.coalescing: rx-usecs 50, adaptive on",
            "warn nic.eth1.ptp: none",
            "warn time.synchronised: by chronyd, not synchronised",
        ]
    );
    let speechless = |row: &&nofx_app::doctor::row::Row| {
        row.wanted.is_empty() || row.why.is_empty() || row.level > Level::Note && row.fix.is_empty()
    };
    assert_eq!(report.rows.iter().find(speechless), None);
    assert_eq!(report.verdict().expect_err("fails").code(), 1);
}

#[test]
fn a_laptop_has_warnings_only() {
    let machine = good();
    for (path, text) in [
        ("sys/devices/system/cpu/isolated", "\n"),
        ("sys/devices/system/cpu/nohz_full", "(null)\n"),
        ("proc/cmdline", "quiet splash\n"),
    ] {
        machine.put(path, text);
    }
    machine.put("dev/cpu_dma_latency", 2_000_000_000i32.to_le_bytes());
    let report = machine.doctor("--cores 3");
    let odd: Vec<_> = lines(&report).into_iter().filter(|line| !line.starts_with("ok")).collect();
    assert_eq!(
        odd,
        [
            "warn cpu.isolated: none",
            "warn cpu.nohz_full: none",
            "warn cpu.rcu_nocbs: none",
            "note memory.hugepages: 64 free of 64 pages of 2 MiB",
            "note nic: none named",
        ]
    );
    assert_eq!(report.verdict().expect_err("warnings").code(), 5);
}

#[test]
fn a_latency_request_that_is_held_counts_as_shallow() {
    let machine = bad();
    let idle = |machine: &Machine| machine.doctor(SERVER).rows[6].level;
    machine.put("dev/cpu_dma_latency", 2_000_000_000i32.to_le_bytes());
    assert_eq!(idle(&machine), Level::Warn);
    machine.put("dev/cpu_dma_latency", 0i32.to_le_bytes());
    assert_eq!(idle(&machine), Level::Ok);
}

#[test]
fn cores_and_queues_and_drivers_that_cannot_work_fail() {
    let machine = good();
    let level = |words: &str, id: &str| {
        let report = machine.doctor(words);
        let row = report.rows.iter().find(|row| row.id == id).cloned();
        row.map(|row| (row.level, row.found))
    };
    let fail = |found: &str| Some((Level::Fail, found.to_owned()));
    assert_eq!(level("--cores 9", "cpu.cores"), fail("may run on 0-3; no core 9"));
    assert_eq!(level("--cores 2,2", "cpu.cores"), fail("may run on 0-3; core 2 has two tiles"));
    assert_eq!(level("--interface eth9", "nic.eth9"), fail("not there"));
    let queue = "--interface eth1 --set network.port=xsk --set network.xsk.queues=[0,1]";
    assert_eq!(level(queue, "nic.eth1.queues"), fail("1 to receive"));
    machine.put("sys/class/net/eth1/operstate", "down\n");
    assert_eq!(level("--interface eth1", "nic.eth1").expect("a row").0, Level::Fail);
    fs::remove_file(machine.root().join("sys/class/net/eth1/device/driver")).expect("was there");
    machine.driver("eth1", "veth");
    let required = "--interface eth1 --set network.port=xsk --set network.xsk.zero_copy=required";
    let copies = fail("native and zero copy, by the driver's name");
    assert_ne!(level(required, "nic.eth1.xdp"), copies);
    assert_eq!(level(required, "nic.eth1.xdp").expect("a row").0, Level::Fail);
    let dpdk = level("--set network.port=dpdk", "nic.dpdk").expect("a row").0;
    assert_eq!(dpdk == Level::Ok, cfg!(feature = "dpdk"));
    assert!(run(&machine.args("--cores 3-")).is_err());
    assert!(run(&machine.args("--interface ../x")).is_err());
    assert!(run(&machine.args("--jitter 1ms")).is_err(), "a tree cannot be measured");
}

#[test]
fn a_tree_without_anything_is_reported_as_not_known() {
    let report = Machine::new(&[]).doctor("--cores 0");
    let told = lines(&report);
    assert!(told.contains(&"fail cpu.cores: may run on none; no core 0".into()), "{told:#?}");
    assert!(told.contains(&"note cpu.invariant_tsc: not known".into()), "{told:#?}");
    assert!(told.contains(&"note memory.lock: not known".into()), "{told:#?}");
    assert!(report.to_json().len() > 1_000 && report.to_string().len() > 1_000);
}

/// Any bytes in any file: a report comes out, in which every row has its words.
#[test]
fn garbage_in_every_file_gives_a_report() {
    let machine = bad();
    for seed in 0..8 {
        let mut rng = Rng::new(seed);
        for path in machine.bytes().keys() {
            if rng.below(3) > 0 {
                let len = rng.below(60) as usize;
                let letters = b"0123456789,-[]: \nfx\xff";
                let byte = |rng: &mut Rng| letters[rng.below(letters.len() as u64) as usize];
                let garbage: Vec<u8> = (0..len).map(|_| byte(&mut rng)).collect();
                fs::write(path, garbage).expect("written again");
            }
        }
        let report = machine.doctor(SERVER);
        assert!(report.rows.len() >= 26, "seed {seed}");
        assert!(report.rows.iter().all(|row| !row.found.is_empty()), "seed {seed}: {report}");
        assert!(serde_json::from_str::<serde_json::Value>(&report.to_json()).is_ok());
    }
}

#[test]
fn apply_sets_what_is_not_as_wanted_and_undo_restores_every_byte() {
    let machine = bad();
    let before = machine.bytes();
    let words = format!("{SERVER} --set topology.fifo=true");
    let report = machine.doctor(&format!("{words} --apply"));
    let changed: Vec<_> = report.changes.iter().filter(|done| done.ok).collect();
    let results: Vec<_> = changed.iter().map(|d| format!("{}: {}", d.what, d.result)).collect();
    assert_eq!(
        results,
        [
            "cpu.governor /sys/devices/system/cpu/cpu2/cpufreq/scaling_governor: powersave -> \
             performance",
            "cpu.idle_states /sys/devices/system/cpu/cpu3/cpuidle/state2/disable: 0 -> 1",
            "cpu.clock_source /sys/devices/system/clocksource/clocksource0/current_clocksource: \
             hpet -> tsc",
            "irq.affinity /proc/irq/9/smp_affinity_list: 0-3 -> 0-1",
            "irq.affinity /proc/irq/40/smp_affinity_list: 2 -> 0-1",
            "irq.default /proc/irq/default_smp_affinity: 0000000f -> 3",
            "kernel.workqueues /sys/devices/virtual/workqueue/cpumask: f -> 3",
            "kernel.rt_throttle /proc/sys/kernel/sched_rt_runtime_us: 950000 -> -1",
            "kernel.watchdog /proc/sys/kernel/nmi_watchdog: 1 -> 0",
            "kernel.watchdog /proc/sys/kernel/soft_watchdog: 1 -> 0",
            "kernel.numa_balancing /proc/sys/kernel/numa_balancing: 1 -> 0",
            "kernel.stat_interval /proc/sys/vm/stat_interval: 1 -> 120",
            "memory.thp /sys/kernel/mm/transparent_hugepage/enabled: always -> madvise",
            "memory.hugepages /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages: 8 -> 68",
            "memory.ksm /sys/kernel/mm/ksm/run: 1 -> 0",
            "memory.rmem_max /proc/sys/net/core/rmem_max: 212992 -> 8388608",
        ]
    );
    let refused = report.changes.iter().filter(|done| !done.ok);
    let refused: Vec<_> = refused.map(|done| done.what.as_str()).collect();
    assert!(refused.contains(&"memory.swap") && refused.contains(&"cpu.isolated"), "{refused:?}");
    let level = |report: &Report, id: &str| {
        report.rows.iter().find(|row| row.id == id).map(|row| row.level)
    };
    assert_eq!(level(&report, "irq.affinity"), Some(Level::Ok), "the report is that of now");
    let wrote = machine.bytes();
    let touched = before.iter().filter(|(path, bytes)| wrote.get(*path) != Some(bytes)).count();
    assert_eq!(touched, results.len(), "nothing else was written");

    // A second apply has nothing to add, and forgets nothing.
    machine.put("proc/sys/kernel/numa_balancing", "1\n");
    machine.doctor(&format!("{words} --apply"));
    let report = machine.doctor(&format!("{words} --undo"));
    assert!(report.changes.iter().all(|done| done.ok), "{:?}", report.changes);
    assert!(report.verdict().is_ok(), "a machine that is as it was, however it was");
    assert_eq!(machine.bytes(), before);
    assert!(run(&machine.args("--undo")).is_err(), "there is nothing left to undo");
}

#[test]
fn colours_are_for_terminals_only_and_what_is_well_takes_one_line() {
    let report = good().doctor(SERVER);
    let (plain, coloured) = (report.to_string(), Coloured(&report).to_string());
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b[32mok"));
    assert_eq!(plain.lines().filter(|line| line.starts_with("ok ")).count(), report.rows.len());
    assert!(plain.ends_with("33 ok, 0 note, 0 warn, 0 fail"), "{plain}");
}

#[test]
fn a_well_tuned_machine_is_not_touched() {
    let machine = good();
    let before = machine.bytes();
    assert!(machine.doctor(&format!("{SERVER} --apply")).changes.is_empty());
    assert_eq!(machine.bytes(), before);
}

#[test]
fn looking_changes_nothing_and_a_reboot_ends_what_can_be_undone() {
    let machine = bad();
    let before = machine.bytes();
    machine.doctor(SERVER);
    assert_eq!(machine.bytes(), before);
    machine.doctor(&format!("{SERVER} --apply"));
    machine.put("proc/sys/kernel/random/boot_id", "boot-2\n");
    assert!(run(&machine.args("--undo")).is_err());
    machine.put(change::STATE, "not a state");
    let error = run(&machine.args("--apply")).expect_err("refused");
    assert_eq!(error.code(), 3, "{error}");
}

#[test]
fn a_change_that_somebody_else_made_since_is_named() {
    let machine = bad();
    machine.doctor(&format!("{SERVER} --apply"));
    machine.put("proc/sys/net/core/rmem_max", "4096\n");
    let report = machine.doctor(&format!("{SERVER} --undo"));
    let done = report.changes.iter().find(|done| done.what.ends_with("rmem_max"));
    assert_eq!(done.expect("a row").result, "212992 again (somebody had set 4096 since)");
}

#[test]
fn this_machine_gets_a_well_formed_report() {
    let output = Command::new(env!("CARGO_BIN_EXE_nofx")).args(["doctor", "--json"]).output();
    let output = output.expect("nofx runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    let level =
        |row: &serde_json::Value| row["level"].as_str().map(str::to_owned).expect("a level");
    let worst = |name| rows.iter().any(|row| level(row) == name);
    let code = if worst("fail") {
        1
    } else if worst("warn") {
        5
    } else {
        0
    };
    assert_eq!(output.status.code(), Some(code));
    let ids: Vec<_> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    for id in ["cpu.cores", "cpu.invariant_tsc", "irq.affinity", "memory.lock", "time.synchronised"]
    {
        assert!(ids.contains(&id), "{id}");
    }
    // Known whatever the machine: the kernel says so itself.
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let guest = flags.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    let told = rows.iter().find(|row| row["id"] == "cpu.hypervisor").expect("a row");
    assert!(!guest || told["found"] == "a virtual machine");
    assert_eq!(report["changes"].as_array().map(Vec::len), Some(0));
}
