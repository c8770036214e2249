//! The words of the gate: whatever lines a card is given it answers by its contract, and whatever
//! verdicts a host is given it passes nothing that the card did not pass.

use nofx_fpga::regs::{kind, sticky};
use nofx_fpga::{
    Alone, Beside, Capacity, CardModel, DeviceError, FpgaGate, FpgaOptions, Lines, Misfit, OpLine,
    Registers, SoftCard, VerdictLine, Witness,
};
use nofx_gate::{Gate, GateKey, Rejects, Rule, Verdict};
use nofx_risk::CardConfig;
use nofx_types::{
    ClOrdId, Instrument, InstrumentId, Instruments, IntentKind, Nanos, OrderIntent, Price, Qty,
    Side, Symbol,
};

const CAPACITY: Capacity = Capacity { symbols: 4, accounts: 2, holdings: 8 };

/// `data` as lines of 64 bytes through the model of the card, the first byte first telling whether
/// sequences are mended.
pub fn gate_lines(data: &[u8]) {
    let Some((mend, rest)) = data.split_first() else { return };
    let mut card = CardModel::new(CAPACITY);
    card.scrub(2, 4);
    card.clear(sticky::RESET);
    for (nth, bytes) in (1u32..).zip(rest.chunks_exact(64)) {
        let line = OpLine::from_bytes(bytes.try_into().expect("64 bytes"));
        let line = if mend & 1 == 0 { line.numbered(line.tag(), card.next_seq()) } else { line };
        let (killed, faults, due) = (card.killed(), card.faults(), card.next_seq());
        let verdict = card.line(&line);
        let echo = (verdict.kind(), verdict.tag(), verdict.seq(), verdict.credits());
        assert_eq!(echo, (line.kind(), line.tag(), line.seq(), nth));
        assert_eq!(verdict.killed(), card.killed());
        assert_eq!(verdict.fault(), card.faults() > faults);
        assert!(card.sticky().0 & sticky::SEQUENCE != 0 || line.seq() == due, "a gap latches");
        let range = verdict.rejects().has(Rule::Range);
        match line.kind() {
            kind::NEW | kind::REPLACE => {
                assert!(!range || verdict.rejects() == Rejects(Rule::Range.bit()));
                assert!(!killed || !verdict.rejects().is_pass(), "killed, and it passed");
            }
            _ => assert!(verdict.rejects().is_pass() || range),
        }
        assert_eq!(line.decode() == Err(Misfit::Kind), !(1..=12).contains(&line.kind()));
        if mend & 2 != 0 {
            card.clear(u16::MAX);
        }
    }
}

/// An honest card, some bits of whose verdicts are flipped on their way.
struct Flipped<'a> {
    card: SoftCard,
    /// What is flipped in each verdict, 64 bytes each.
    masks: std::slice::ChunksExact<'a, u8>,
    open: bool,
    flipped: bool,
}

impl Registers for Flipped<'_> {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        self.card.read(at)
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.card.write(at, value)
    }
}

impl Lines for Flipped<'_> {
    fn put(&mut self, line: &OpLine) -> bool {
        self.card.put(line)
    }

    fn take(&mut self) -> Option<VerdictLine> {
        let mut verdict = self.card.take()?;
        let mask = if self.open { self.masks.next() } else { None };
        for (word, bytes) in verdict.words.iter_mut().zip(mask.unwrap_or(&[]).chunks_exact(8)) {
            let bits = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
            self.flipped |= bits != 0;
            *word ^= bits;
        }
        Some(verdict)
    }
}

/// `data` as what is flipped in one verdict after the other, 64 bytes each: alone the gate stays
/// whole, beside the software it stops at the first flipped bit.
pub fn gate_verdicts(data: &[u8]) {
    drive::<Alone>(data, false);
    drive::<Beside>(data, true);
}

fn drive<W: Witness>(data: &[u8], beside: bool) {
    let mut instruments = Instruments::new(2);
    let mut instrument = Instrument::unknown(InstrumentId(0));
    instrument.symbol = Symbol::new("S").expect("short");
    instrument.flags.defined = true;
    instruments.set(instrument).expect("inside");
    let masks = data.chunks_exact(64);
    let card = Flipped { card: SoftCard::new(CAPACITY), masks, open: false, flipped: false };
    let options = FpgaOptions { spin_max: 10, ready_max: 10, ..FpgaOptions::default() };
    let config = CardConfig { accounts: 2, ..CardConfig::default() };
    let mut gate = FpgaGate::<_, W>::open(card, GateKey::issue(), config, &options, &instruments)
        .expect("an honest card is opened");
    gate.device().open = true;
    for id in 1..=(data.len() / 64) as u32 + 2 {
        let mut intent =
            OrderIntent::new(InstrumentId(id % 2), Side::Buy, Price(100), Qty(id.into()));
        intent.kind = if id % 5 == 4 { IntentKind::Cancel } else { IntentKind::New };
        intent.cl_ord_id = ClOrdId(id);
        intent.now_ns = Nanos(u64::from(id) << 30);
        gate.submit(&intent).expect("room");
        let passed = match gate.poll().expect("an answer, always") {
            Verdict::Pass(cleared) => {
                assert_eq!(*cleared.get(), intent);
                true
            }
            Verdict::Reject(refused, _) => {
                assert_eq!(refused, intent);
                false
            }
        };
        let shut = gate.failure().is_some();
        assert!(!shut || passed == (intent.kind == IntentKind::Cancel), "shut but for cancels");
        assert!(!beside || shut == gate.device().flipped, "each flipped bit is seen at once");
    }
}
