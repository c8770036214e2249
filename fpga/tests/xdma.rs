//! The xdma backend against files that behave like the driver: in memory through the trait, and, where
//! there is `/dev/fuse`, mounted, so that the backend's own system calls run through the kernel. One
//! list of demands for both.

#[path = "xdma/driver.rs"]
mod driver;
#[path = "xdma/memory.rs"]
mod memory;
#[path = "xdma/mount.rs"]
mod mount;

use std::sync::Arc;
use std::time::Duration;

use driver::{Driver, Node, SLOTS};
use memory::Memory;
use mount::Mounted;
use nofx_fpga::backend::files::{Files, NodeFile};
use nofx_fpga::backend::{Folder, Xdma};
use nofx_fpga::regs::{kind, op, reg};
use nofx_fpga::{Capacity, OpLine, Registers, SoftCard, VerdictLine};

/// A driver behind files, and how its interrupt wakes who sleeps.
trait Rig: Sync {
    type Files: Files<File: NodeFile + Send>;
    fn files(&self) -> Self::Files;
    fn driver(&self) -> &Driver;
    fn raise(&self, events: u32);

    fn card(&self) -> Xdma<Self::Files> {
        Xdma::open_in(self.files(), 0).expect("card 0")
    }
}

impl Rig for Memory {
    type Files = Memory;

    fn files(&self) -> Memory {
        Memory(self.0.clone())
    }

    fn driver(&self) -> &Driver {
        &self.0
    }

    fn raise(&self, events: u32) {
        self.0.raise(events);
    }
}

struct Fuse {
    driver: Arc<Driver>,
    mounted: Mounted,
}

impl Rig for Fuse {
    type Files = Folder;

    fn files(&self) -> Folder {
        Folder::new(self.mounted.path())
    }

    fn driver(&self) -> &Driver {
        &self.driver
    }

    fn raise(&self, events: u32) {
        self.driver.raise(events);
        self.mounted.wake(&self.driver);
    }
}

/// Runs a demand against both rigs.
macro_rules! demands {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&super::in_memory());
            })*
        }

        mod mounted {
            $(#[test]
            fn $name() {
                if let Some(rig) = super::mounted() {
                    super::$name(&rig);
                }
            })*
        }
    };
}

fn card() -> SoftCard {
    SoftCard::new(Capacity { symbols: 8, accounts: 2, holdings: 16 })
}

fn in_memory() -> Memory {
    Memory(Arc::new(Driver::new(card())))
}

fn mounted() -> Option<Fuse> {
    if !std::path::Path::new("/dev/fuse").exists() {
        println!("SKIPPED mounted driver: no /dev/fuse");
        return None;
    }
    let driver = Arc::new(Driver::new(card()));
    match Mounted::new(driver.clone()) {
        Ok(mounted) => Some(Fuse { driver, mounted }),
        Err(error) => {
            println!("SKIPPED mounted driver: {error} (run as root, or install fuse3)");
            None
        }
    }
}

demands!(
    a_register_is_one_word,
    the_node_moves_one_word_whatever_the_count_and_refuses_what_is_not_aligned,
    wrong_offsets_never_reach_the_driver,
    the_card_says_who_it_is,
    lines_go_in_by_dma_round_the_window_and_verdicts_come_back,
    a_stream_has_one_owner,
    an_empty_stream_is_an_error_with_advice,
    a_read_sleeps_until_the_event,
    a_wait_ends_with_its_time_and_with_the_event,
    an_event_is_four_bytes,
    a_missing_node_is_named,
    a_forbidden_node_is_named,
    a_card_that_left_the_bus_is_noticed,
);

fn a_register_is_one_word(rig: &impl Rig) {
    let mut card = rig.card();
    assert_eq!(card.read(reg::MAGIC), Ok(nofx_fpga::regs::MAGIC));
    card.write(reg::HEARTBEAT_CYCLES, 0x0123_4567).expect("written");
    assert_eq!(card.read(reg::HEARTBEAT_CYCLES), Ok(0x0123_4567));
    let at = u64::from(reg::HEARTBEAT_CYCLES);
    let calls = rig.driver().calls();
    assert_eq!(calls, [(Node::User, 0, 4), (Node::User, at, 4), (Node::User, at, 4)]);
}

fn the_node_moves_one_word_whatever_the_count_and_refuses_what_is_not_aligned(rig: &impl Rig) {
    let file = rig.files().open("xdma0_user", false).expect("opens");
    let mut bytes = [0xaa; 16];
    assert_eq!(file.read_at(&mut bytes, 0).expect("read"), 4);
    assert_eq!(bytes[..4], nofx_fpga::regs::MAGIC.to_le_bytes());
    assert_eq!(file.write_at(&[1; 16], 0x40).expect("written"), 4);
    let misaligned = file.read_at(&mut bytes, 2).expect_err("refused");
    assert_eq!(misaligned.raw_os_error(), Some(libc::EPROTO));
    let misaligned = file.write_at(&bytes, 6).expect_err("refused");
    assert_eq!(misaligned.raw_os_error(), Some(libc::EPROTO));
}

fn wrong_offsets_never_reach_the_driver(rig: &impl Rig) {
    let mut card = rig.card();
    let misaligned = card.read(0x42).expect_err("misaligned");
    assert_eq!((misaligned.at, misaligned.os_error), (0x42, libc::EPROTO));
    assert_eq!(card.write(0x41, 1).expect_err("misaligned").os_error, libc::EPROTO);
    let beyond = card.read(0x10_0000).expect_err("the driver would read past the BAR");
    assert_eq!((beyond.at, beyond.os_error), (0x10_0000, libc::EINVAL));
    assert_eq!(rig.driver().calls(), []);
}

fn the_card_says_who_it_is(rig: &impl Rig) {
    let info = rig.card().info().expect("INFO");
    assert_eq!((info.id, info.place), ((0x10ee, 0x903f), (0x3b, 0, 0)));
    assert_eq!(info.to_string(), "10ee:903f at 3b:00.0, driver 0x7e90200");
    let (to, from) = (rig.card().to_card(0).expect("h2c"), rig.card().from_card(0).expect("c2h"));
    assert_eq!((to.alignment(), to.is_streaming()), (Ok(64), Ok(false)));
    assert_eq!((from.alignment(), from.is_streaming()), (Ok(64), Ok(true)));
}

/// A barrier with a tag that shows which it is.
fn line(seq: u32) -> OpLine {
    let line = OpLine::ZERO.with(op::KIND, kind::BARRIER.into());
    line.with(op::TAG, u64::from(seq) * 3).with(op::SEQ, seq.into())
}

fn lines_go_in_by_dma_round_the_window_and_verdicts_come_back(rig: &impl Rig) {
    let (mut to, mut from) = {
        let card = rig.card();
        (card.to_card(0).expect("h2c"), card.from_card(0).expect("c2h"))
    };
    let lines: Vec<_> = (1..=40).map(line).collect();
    for batch in lines.chunks(11) {
        to.write_lines(0, SLOTS, batch).expect("taken");
    }
    for line in &lines {
        let mut bytes = [0; 256];
        assert_eq!(from.read(0, &mut bytes).expect("a verdict"), 64, "a read ends with its packet");
        let verdict = VerdictLine::from_bytes(&bytes[..64].try_into().expect("64 bytes"));
        assert_eq!((verdict.seq(), verdict.tag()), (line.seq(), line.seq() * 3));
    }
    let transfers = rig.driver().calls().iter().filter(|call| call.0 == Node::ToCard).count();
    assert_eq!(transfers, 6, "four batches, two of them round the end of the window");
    let outside = to.write_lines(64, SLOTS, &[line(15)]).expect_err("behind the window");
    assert_eq!(outside.os_error, libc::EIO);
    assert!(outside.to_string().contains("dmesg"), "{outside}");
}

fn a_stream_has_one_owner(rig: &impl Rig) {
    let card = rig.card();
    let first = card.from_card(0).expect("free");
    let error = card.from_card(0).err().expect("taken").to_string();
    assert!(error.contains("xdma0_c2h_0") && error.contains("one owner"), "{error}");
    drop(first);
    card.from_card(0).expect("free again");
}

fn an_empty_stream_is_an_error_with_advice(rig: &impl Rig) {
    let mut from = rig.card().from_card(0).expect("c2h");
    let error = from.read(0, &mut [0; 64]).expect_err("nothing comes");
    assert_eq!(error.os_error, libc::ETIMEDOUT);
    assert!(error.to_string().contains("c2h_timeout_ms"), "{error}");
}

fn a_read_sleeps_until_the_event(rig: &impl Rig) {
    let mut events = rig.card().events(0).expect("events");
    let slept = std::thread::scope(|scope| {
        let reader = scope.spawn(|| events.take());
        while !rig.driver().calls().contains(&(Node::Events, 0, 4)) {
            std::thread::yield_now();
        }
        assert!(!reader.is_finished(), "it sleeps in read");
        rig.raise(1);
        reader.join().expect("no panic")
    });
    assert_eq!(slept, Ok(Some(1)));
    assert!(!rig.driver().has_event(), "reading clears it");
}

fn a_wait_ends_with_its_time_and_with_the_event(rig: &impl Rig) {
    let mut events = rig.card().events(0).expect("events");
    assert_eq!(events.wait(Some(Duration::ZERO)), Ok(None));
    rig.raise(4);
    assert_eq!(events.wait(Some(Duration::ZERO)), Ok(Some(4)));
    assert_eq!(events.wait(Some(Duration::ZERO)), Ok(None));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| events.wait(None));
        rig.raise(2);
        assert_eq!(waiter.join().expect("no panic"), Ok(Some(2)));
    });
}

fn an_event_is_four_bytes(rig: &impl Rig) {
    let file = rig.files().open("xdma0_events_0", false).expect("opens");
    let refused = file.read_at(&mut [0; 8], 0).expect_err("eight bytes");
    assert_eq!(refused.raw_os_error(), Some(libc::EPROTO));
}

fn a_missing_node_is_named(rig: &impl Rig) {
    let error = Xdma::open_in(rig.files(), 3).err().expect("no card 3").to_string();
    assert!(error.contains("xdma3_user") && error.contains("module loaded"), "{error}");
    let error = rig.card().events(7).err().expect("no interrupt 7").to_string();
    assert!(error.contains("xdma0_events_7"), "{error}");
}

fn a_forbidden_node_is_named(rig: &impl Rig) {
    rig.driver().deny(Node::ToCard);
    let error = rig.card().to_card(0).err().expect("denied").to_string();
    assert!(error.contains("xdma0_h2c_0") && error.contains("udev"), "{error}");
}

fn a_card_that_left_the_bus_is_noticed(rig: &impl Rig) {
    let mut card = rig.card();
    card.write(reg::STALL_CYCLES, u32::MAX).expect("written");
    assert_eq!(card.read(reg::STALL_CYCLES), Ok(u32::MAX), "ones may be a value");
    rig.driver().pull();
    let error = card.read(reg::STALL_CYCLES).expect_err("gone");
    assert_eq!((error.at, error.os_error), (reg::STALL_CYCLES, libc::ENODEV));
}

#[test]
fn a_measurement_runs_once_at_a_time() {
    let rig = in_memory();
    let to = rig.card().to_card(0).expect("h2c");
    assert_eq!(to.perf_get().expect_err("none runs").os_error, libc::EPROTO);
    assert_eq!(to.perf_stop().expect_err("none runs").os_error, libc::EINVAL);
    to.perf_start(4096).expect("started");
    assert_eq!(to.perf_start(4096).expect_err("one runs").os_error, libc::EBUSY);
    assert_eq!(to.perf_get().expect("runs").busy_permille(), 640);
    assert_eq!(to.perf_stop().expect("stops").iterations, 8);
    assert_eq!(to.perf_get().expect_err("stopped").os_error, libc::EPROTO);
}

#[test]
fn a_buffer_lies_as_the_card_s_address_does() {
    let rig = in_memory();
    let raw = rig.files().open("xdma0_h2c_0", false).expect("opens");
    let bytes = line(1);
    let misaligned = raw.write_at(bytes.bytes(), 4).expect_err("64-byte buffer, address 4");
    assert_eq!(misaligned.raw_os_error(), Some(libc::EINVAL));
    let mut to = rig.card().to_card(0).expect("h2c");
    for at in [0, 4, 64, 68, 900] {
        to.write_all(at, &[7; 60]).expect("staged where the card's address lies");
    }
}
