//! Generated trading days, kept in a folder: the messages as BinaryFILE, and beside them the hash of
//! the touches that the generator's own books ended with.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nofx_book::touch_hash;
use nofx_net::write::BinaryFileWriter;
use nofx_rt::mem::HugeSlice;
use nofx_types::{InstrumentId, Nanos, Price, Qty, Side, Touch};
use nofx_venue::day::{DayConfig, DaySink, Listed, Truth, generate};

/// Which day: so many instruments and about so many messages of continuous trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Instruments, with Zipf activity.
    pub instruments: usize,
    /// Messages, about.
    pub messages: u64,
}

impl Shape {
    /// A whole market: what does not fit into any cache.
    pub const MARKET: Shape = Shape { instruments: 8_000, messages: 12_000_000 };
    /// A hot set: what stays in cache.
    pub const HOT: Shape = Shape { instruments: 50, messages: 6_000_000 };
    /// A market small enough to be walked instruction by instruction.
    pub const COUNTED: Shape = Shape { instruments: 8_000, messages: 2_000_000 };

    /// For tables.
    pub fn name(self) -> String {
        let millions = self.messages as f64 / 1e6;
        format!("{} instruments, {millions} M messages", self.instruments)
    }

    /// Where its messages are in `folder`; made there when missing.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn file(self, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let Shape { instruments, messages } = self;
        let path = folder.join(format!("{instruments}x{messages}-{}.itch", vintage()));
        if !path.exists() || !touches_of(&path).exists() {
            fs::create_dir_all(folder)?;
            self.make(&path)?;
        }
        Ok(path)
    }

    fn make(self, path: &Path) -> Result<(), Box<dyn Error>> {
        eprintln!("making {} ({})", path.display(), self.name());
        let Shape { instruments, messages } = self;
        let config = DayConfig { instruments, messages, lines: None, ..DayConfig::default() };
        config.check()?;
        let mut sink = ToFile(BinaryFileWriter::create(path)?);
        let truth = generate(&config, &mut sink)?;
        sink.0.finish()?;
        let hash = touch_hash(truth.instruments.iter().map(touch));
        fs::write(touches_of(path), format!("{hash:016x} {}\n", live(&truth)))?;
        Ok(())
    }
}

fn touches_of(path: &Path) -> PathBuf {
    path.with_extension("touches")
}

fn live(truth: &Truth) -> u64 {
    truth.live_orders_max
}

fn touch(listed: &Listed) -> (InstrumentId, Touch) {
    let best = |side| listed.touch(side).unwrap_or_default();
    let ((bid, bid_qty), (ask, ask_qty)) = (best(Side::Buy), best(Side::Sell));
    let touch = Touch {
        bid_px: Price(bid.into()),
        bid_qty: Qty(bid_qty),
        ask_px: Price(ask.into()),
        ask_qty: Qty(ask_qty),
    };
    (InstrumentId(listed.locate.into()), touch)
}

struct ToFile(BinaryFileWriter);

impl DaySink for ToFile {
    type Error = Box<nofx_net::Error>;

    fn message(&mut self, message: &[u8]) -> Result<(), Self::Error> {
        self.0.message(message)
    }

    fn datagram(&mut self, _: usize, _: Nanos, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Names what the generator makes at present, so that days of an older one are not taken for it:
/// eight digits of a hash over a small day.
pub fn vintage() -> String {
    struct Fold(u64);
    impl DaySink for Fold {
        type Error = std::convert::Infallible;

        fn message(&mut self, message: &[u8]) -> Result<(), Self::Error> {
            // FNV-1a, 64 bits.
            self.0 = message
                .iter()
                .fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
            Ok(())
        }

        fn datagram(&mut self, _: usize, _: Nanos, _: &[u8]) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    let config =
        DayConfig { instruments: 20, messages: 20_000, lines: None, ..DayConfig::default() };
    let mut fold = Fold(0xcbf2_9ce4_8422_2325);
    let Ok(_) = generate(&config, &mut fold);
    format!("{:08x}", fold.0 >> 32)
}

/// A day in memory.
pub struct Day {
    bytes: HugeSlice<u8>,
    /// Its shape.
    pub shape: Shape,
    /// Hash of the touches that the generator's books ended with.
    pub touches: u64,
    /// Most orders that rested at one time.
    pub live_max: u64,
}

impl Day {
    /// Reads the day of this shape from `folder`, where it is made when missing.
    ///
    /// # Errors
    /// The folder cannot be written or read.
    pub fn load(shape: Shape, folder: &Path) -> Result<Day, Box<dyn Error>> {
        let path = shape.file(folder)?;
        let content = fs::read(&path)?;
        let mut bytes = HugeSlice::zeroed(content.len())?;
        bytes.copy_from_slice(&content);
        let truth = fs::read_to_string(touches_of(&path))?;
        let (hash, live) =
            truth.trim().split_once(' ').ok_or("a .touches file without two words")?;
        let touches = u64::from_str_radix(hash, 16)?;
        Ok(Day { bytes, shape, touches, live_max: live.parse()? })
    }

    /// Its BinaryFILE.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
