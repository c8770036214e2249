//! Messages of an encoder that is not ours (engine/wire/tests/vectors, written in Python from the
//! sheets), and one captured from a wire: what the seam reads in them is what stands beside them.
#![cfg(feature = "fpga-sim")]

mod common;

use common::card::{Card, word};
use common::frames::{Segment, payload, soup};
use common::{FIRST, open, seam};
use nofx_fpga_wire::rig::{Core, Line};
use nofx_fpga_wire::symbols::Symbols;
use nofx_fpga_wire::{control, regs};

const VECTORS: &str = include_str!("../../../engine/wire/tests/vectors/ouch50.txt");

/// Lets everything pass.
struct Yes(Vec<Line>);

impl Core for Yes {
    fn judge(&mut self, line: &Line) -> Option<Line> {
        self.0.push(*line);
        let mut verdict = [0; 64];
        verdict[56..60].copy_from_slice(&line[56..60]);
        Some(verdict)
    }
}

/// The first vector of a message, and the number that its text states for a field.
fn vector(name: &str) -> (Vec<u8>, impl Fn(&str) -> u64) {
    let mut columns =
        VECTORS.lines().find(|line| line.starts_with(name)).expect("a vector").split('\t');
    let (hex, text) = (columns.nth(1).expect("bytes"), columns.next().expect("text"));
    let bytes =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"));
    let number = move |field: &str| {
        let rest = text.split(&format!(" {field}: ")).nth(1).expect("a field");
        rest.split([',', ' ']).next().and_then(|number| number.parse().ok()).expect("a number")
    };
    (bytes.collect(), number)
}

#[test]
fn the_core_is_asked_what_the_vectors_state() {
    let (mut rig, mut core) = seam(41);
    open(&mut rig, &mut core);
    let mut core = Yes(Vec::new());
    let ((mut enter, of_enter), (replace, of_replace)) = (vector("<O"), vector("<U"));
    let ((cancel, of_cancel), (modify, of_modify)) = (vector("<X"), vector("<M"));
    enter[5] = b'T'; // the encoder's letter is no side
    let key: [u8; 8] = enter[10..18].try_into().expect("eight");
    let mut symbols = Symbols::new(rig.read(regs::REG_SYMBOL_ROWS) as usize);
    symbols.insert(key, 39).expect("room");
    control::write_symbols(&symbols, |address, value| rig.write(address, value));
    let bodies = [&enter, &replace, &cancel, &modify];
    let bytes: Vec<u8> = bodies.iter().flat_map(|body| soup(b'U', body)).collect();
    let out = rig.pass(&Segment::data(FIRST, &bytes).bytes(), &mut core).expect("forwarded");
    assert_eq!(payload(&out), bytes);
    let lines = core.0;
    let kinds: Vec<u8> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(kinds, [1, 2, 3, 3]);
    let prices = [of_enter("price"), of_replace("price"), 0, 0];
    let quantities = [of_enter("quantity"), of_replace("quantity"), 0, 0];
    let tags = [
        of_enter("user_ref_num"),
        of_replace("user_ref_num"),
        of_cancel("user_ref_num"),
        of_modify("user_ref_num"),
    ];
    for (at, line) in lines.iter().enumerate() {
        assert_eq!((word(line, 8, 8), word(line, 16, 8)), (prices[at], quantities[at]), "{at}");
        assert_eq!((word(line, 56, 4), word(line, 4, 4), line[1]), (tags[at], 39, 1), "{at}");
    }
}

#[test]
fn a_captured_cancel_names_the_order_it_named() {
    // Captured in an OUCH session: order 7,679,601 is cancelled.
    let bytes = [0, 0x0a, 0x55, 0x58, 0x00, 0x75, 0x2e, 0x71, 0, 0, 0, 0];
    let (mut rig, mut core): (_, Card) = seam(42);
    open(&mut rig, &mut core);
    let order = common::frames::enter(7_679_601, b'B', 100, &common::symbol(2), 150_000, Some(&[]));
    rig.pass(&Segment::data(FIRST, &order).bytes(), &mut core).expect("forwarded");
    let at = FIRST + order.len() as u32;
    let out = rig.pass(&Segment::data(at, &bytes).bytes(), &mut core).expect("forwarded");
    assert_eq!(payload(&out), bytes);
    let (line, rejects) = core.asked[1];
    assert_eq!((line[0], word(&line, 56, 4), word(&line, 4, 4), rejects), (3, 7_679_601, 2, 0));
}
