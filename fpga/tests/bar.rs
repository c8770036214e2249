//! The bar backend against ordinary files in place of sysfs and a thread in place of the card: the same
//! code as on hardware behind the opening. What differs there is the kind of memory.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use memmap2::MmapRaw;
use nofx_fpga::backend::adaptor;
use nofx_fpga::backend::bar::{BarRegisters, REGISTER_BYTES};
use nofx_fpga::backend::{Bar, CardLines, Place, Ring};
use nofx_fpga::regs::{self, kind, op, reg};
use nofx_fpga::{Capacity, Lines, OpLine, Registers, SoftCard};

/// Memory and 64-bit, prefetchable, as `resource` shows it.
const WINDOW_FLAGS: &str = "0x000000000014220c";
const PLAIN_FLAGS: &str = "0x0000000000040200";

/// A PCI device's folder with BAR 0 for registers and BAR 4 for the window.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(window_flags: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        let mut bars = [format!("0x0 0x1fff {PLAIN_FLAGS}\n"), String::new()];
        bars[1] = format!("{}0x0 0xffff {window_flags}\n", "0x0 0x0 0x0\n".repeat(3));
        fs::write(folder.path().join("resource"), bars.concat()).expect("resource");
        fs::write(folder.path().join("config"), [0xee, 0x10, 0x3f, 0x90, 0x06, 0]).expect("config");
        folder.bar("resource0", REGISTER_BYTES as u64);
        folder.bar("resource4_wc", 0x1_0000);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn bar(&self, name: &str, bytes: u64) {
        File::create(self.path().join(name)).and_then(|file| file.set_len(bytes)).expect("a BAR");
    }

    fn open(&self, name: &str) -> File {
        let file = OpenOptions::new().read(true).write(true).open(self.path().join(name));
        file.expect("is there")
    }

    fn place(&self) -> Place {
        let device = self.path().to_owned();
        Place { device, registers: 0, window: 4, offset: 0, bypass: None }
    }
}

/// Memory for a ring that a thread writes by the file instead of the address.
fn ring(folder: &Folder) -> (Ring, File) {
    folder.bar("ring", 4096);
    (Ring::in_file(folder.open("ring"), 0x1234_5678_9000), folder.open("ring"))
}

/// Registers in memory, as the card sees them.
struct Words(MmapRaw);

impl Words {
    fn of(folder: &Folder) -> Words {
        Words(MmapRaw::map_raw(&folder.open("resource0")).expect("mapped"))
    }

    fn at(&self, at: u32) -> &AtomicU32 {
        assert!((at as usize) < REGISTER_BYTES && at.is_multiple_of(4));
        // SAFETY: aligned and inside the mapping, which lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.0.as_mut_ptr().add(at as usize).cast()) }
    }

    fn set(&self, at: u32, value: u32) {
        self.at(at).store(value, Ordering::SeqCst);
    }

    fn get(&self, at: u32) -> u32 {
        self.at(at).load(Ordering::SeqCst)
    }

    fn identify(&self) {
        self.set(reg::MAGIC, regs::MAGIC);
        self.set(reg::STATUS, 1);
        self.set(adaptor::MAGIC, adaptor::PCIE_MAGIC);
        self.set(adaptor::SLOTS, regs::parameter::CREDITS);
    }
}

/// Status of the adaptors: a verdict waits. Memory cannot act on a store, so the thread shows this until
/// it has seen what the host wrote for a scrub.
const WAITS: u32 = 1 << 6;

/// Plays the card until told to stop: window and ring as the adaptors have them, the gate behind.
fn play(words: &Words, mut lines: CardLines, stop: &AtomicBool) {
    let mut gate = SoftCard::new(Capacity { symbols: 4, accounts: 1, holdings: 4 });
    while !stop.load(Ordering::SeqCst) {
        let control = words.get(adaptor::CONTROL);
        if words.at(reg::CONTROL).swap(0, Ordering::SeqCst) & 1 != 0 {
            gate.write(reg::CONTROL, 1).expect("scrubbed");
            lines.restart();
            words.set(adaptor::STATUS, 0);
        } else if control & 1 != 0 {
            lines.restart();
        } else if let Some(line) = lines.take() {
            words.set(adaptor::STATUS, WAITS);
            assert!(gate.put(&line));
        }
        if control & 0b110 == 0b010
            && let Some(verdict) = gate.take()
        {
            lines.put(&verdict);
        }
        std::thread::yield_now();
    }
}

/// Runs `host` with a card at the other end.
fn with_card(place: impl Fn(&Folder) -> Place, host: impl FnOnce(&mut Bar, &Words)) {
    let folder = Folder::new(WINDOW_FLAGS);
    let place = place(&folder);
    let window_file = if place.bypass.is_some() { "bypass" } else { "resource4_wc" };
    folder.bar("bypass", 4096);
    let words = Words::of(&folder);
    words.identify();
    let (ring, ring_file) = ring(&folder);
    let lines = CardLines::map(&folder.open(window_file), &ring_file).expect("mapped");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| play(&words, lines, &stop));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            host(&mut Bar::with_ring(&place, ring).expect("opens"), &words);
        }));
        stop.store(true, Ordering::SeqCst);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert_eq!(words.get(adaptor::CONTROL), 1, "a closed card writes no ring");
}

fn line(seq: u32, tag: u32) -> OpLine {
    let line = OpLine::ZERO.with(op::KIND, kind::BARRIER.into());
    line.with(op::TAG, tag.into()).with(op::SEQ, seq.into())
}

fn answered(bar: &mut Bar, line: &OpLine) -> u32 {
    while !bar.put(line) {
        std::thread::yield_now();
    }
    loop {
        if let Some(verdict) = bar.take() {
            assert_eq!(verdict.seq(), line.seq());
            return verdict.tag();
        }
        std::thread::yield_now();
    }
}

fn lines_cross(bar: &mut Bar, words: &Words) {
    let ring =
        u64::from(words.get(adaptor::RING_LOW)) | u64::from(words.get(adaptor::RING_HIGH)) << 32;
    assert_eq!(ring, 0x1234_5678_9000, "the card knows where the ring is");
    for round in 1..=2 {
        for seq in 1..=200 {
            assert_eq!(answered(bar, &line(seq, seq * round)), seq * round);
        }
        bar.write(reg::CONTROL, 1).expect("a scrub begins anew");
        assert!(bar.take().is_none(), "nothing of before");
    }
}

#[test]
fn lines_cross_a_write_combining_bar_and_a_scrub_begins_anew() {
    with_card(Folder::place, lines_cross);
}

#[test]
fn lines_cross_a_bypass_node() {
    let place =
        |folder: &Folder| Place { bypass: Some(folder.path().join("bypass")), ..folder.place() };
    with_card(place, lines_cross);
}

#[test]
fn registers_are_words_and_nothing_else_is_touched() {
    with_card(Folder::place, |bar, words| {
        bar.write(reg::HEARTBEAT_CYCLES, 77).expect("written");
        assert_eq!((words.get(reg::HEARTBEAT_CYCLES), bar.read(reg::MAGIC)), (77, Ok(regs::MAGIC)));
        for at in [1, 2, 0x2000, u32::MAX] {
            assert_eq!(bar.read(at).expect_err("refused").os_error, libc::EINVAL);
            assert_eq!(bar.write(at, 0).expect_err("refused").at, at);
        }
        words.set(adaptor::STATUS, 0b10_0010);
        assert_eq!(bar.complaints(), Ok(0b10), "a line with another seq");
        words.set(adaptor::STATUS, 0);
        words.set(reg::MAGIC, u32::MAX);
        words.set(reg::LATENCY, u32::MAX);
        let gone = bar.read(reg::LATENCY).expect_err("ones from everywhere");
        assert_eq!(gone.os_error, libc::ENODEV);
    });
}

/// Why the folder's card cannot be used.
fn refusal(folder: &Folder, place: &Place) -> String {
    let (ring, _) = ring(folder);
    Bar::with_ring(place, ring).expect_err("refused").to_string()
}

#[test]
fn a_bar_that_is_not_prefetchable_is_refused() {
    let folder = Folder::new(PLAIN_FLAGS);
    Words::of(&folder).identify();
    let error = refusal(&folder, &folder.place());
    assert!(error.contains("BAR 4 is not prefetchable") && error.contains("64-bit BAR"), "{error}");
    let error = refusal(&folder, &Place { window: 6, ..folder.place() });
    assert!(error.contains("BAR 6"), "{error}");
}

#[test]
fn bars_that_are_too_short_or_missing_are_named() {
    let folder = Folder::new(WINDOW_FLAGS);
    Words::of(&folder).identify();
    let error = refusal(&folder, &Place { offset: 0x1_0000, ..folder.place() });
    assert!(error.contains("resource4_wc") && error.contains("69632 are needed"), "{error}");
    folder.bar("resource0", 0x1000);
    let error = refusal(&folder, &folder.place());
    assert!(error.contains("resource0") && error.contains("8192 are needed"), "{error}");
    let error = refusal(&folder, &Place { registers: 2, ..folder.place() });
    assert!(error.contains("resource2"), "{error}");
}

#[test]
fn another_card_is_refused_and_nothing_is_written_to_it() {
    let folder = Folder::new(WINDOW_FLAGS);
    let words = Words::of(&folder);
    words.identify();
    words.set(adaptor::SLOTS, 32);
    let error = refusal(&folder, &folder.place());
    assert!(error.contains("32 slots"), "{error}");
    assert_eq!(words.get(adaptor::RING_LOW), 0);
}

#[test]
fn a_card_that_cannot_write_memory_is_refused() {
    let folder = Folder::new(WINDOW_FLAGS);
    fs::write(folder.path().join("config"), [0xee, 0x10, 0x3f, 0x90, 0x02, 0]).expect("config");
    let error = Bar::open(&folder.place()).expect_err("refused").to_string();
    assert!(error.contains("bus mastering") && error.contains("setpci"), "{error}");
    fs::create_dir(folder.path().join("iommu_group")).expect("group");
    fs::write(folder.path().join("iommu_group/type"), "DMA-FQ\n").expect("type");
    let error = Bar::open(&folder.place()).expect_err("refused").to_string();
    assert!(error.contains("IOMMU translates (DMA-FQ)") && error.contains("iommu=pt"), "{error}");
}

#[test]
fn a_ring_on_a_huge_page_is_told_by_its_physical_address() {
    let folder = Folder::new(WINDOW_FLAGS);
    let words = Words::of(&folder);
    words.identify();
    match Bar::open(&folder.place()) {
        Ok(bar) => {
            assert_eq!(words.get(adaptor::RING_LOW) % (2 << 20), 0);
            assert_ne!(words.get(adaptor::RING_LOW) | words.get(adaptor::RING_HIGH), 0);
            assert_eq!(words.get(adaptor::CONTROL), 2);
            drop(bar);
            assert_eq!(words.get(adaptor::CONTROL), 1);
        }
        Err(error) => {
            println!("SKIPPED a ring on a huge page: {error}");
            let error = error.to_string();
            assert!(error.contains("vm.nr_hugepages=1") || error.contains("CAP_SYS_ADMIN"));
        }
    }
}

#[test]
fn a_look_at_the_registers_changes_nothing_of_a_card_that_trades() {
    let folder = Folder::new(WINDOW_FLAGS);
    let words = Words::of(&folder);
    words.at(reg::MAGIC).store(regs::MAGIC, Ordering::SeqCst);
    words.at(adaptor::RING_LOW).store(0x1234, Ordering::SeqCst);
    let before = fs::read(folder.path().join("resource0")).expect("registers");
    let mut looked = BarRegisters::open(&folder.place()).expect("opens");
    assert_eq!(looked.read(reg::MAGIC).expect("answers"), regs::MAGIC);
    assert!(looked.write(reg::CONTROL, 1).is_err(), "a scrub is refused");
    drop(looked);
    assert_eq!(fs::read(folder.path().join("resource0")).expect("registers"), before);
}
