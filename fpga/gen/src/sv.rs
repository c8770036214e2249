//! The SystemVerilog package.

use crate::text::{comment, push};
use crate::words::{LINE_BITS, Words};

const HEAD: &str = "\
`default_nettype none
// Generated from hw/gate/data/gate.toml by `cargo run -p nofx-hwgen`: do not edit.
//
// *_LSB and *_W are the lowest bit and the width of a field; addresses are bytes.
// verilator lint_off UNUSEDPARAM
// Not every module uses every word.
package gate_pkg;
";

const TAIL: &str = "\
endpackage
// verilator lint_on UNUSEDPARAM
`default_nettype wire
";

/// The package of `words` for a build with hash `build`.
pub fn package(words: &Words, build: u64) -> String {
    let mut out = HEAD.to_owned();
    heading(&mut out, "Identity.");
    sized(&mut out, "ABI_MAGIC", 32, &format!("{:08x}", words.abi.magic));
    sized(&mut out, "ABI_VERSION", 32, &format!("{:08x}", words.abi.version));
    sized(&mut out, "BUILD_HASH", 64, &format!("{build:016x}"));
    heading(&mut out, "Parameters: defaults of a build.");
    for parameter in &words.parameters {
        comment(&mut out, "  //", &parameter.doc);
        number(&mut out, &format!("P_{}", parameter.name), parameter.value);
    }
    enums(&mut out, words);
    lines(&mut out, words);
    rows(&mut out, words);
    flags(&mut out, words);
    registers(&mut out, words);
    out.push_str(TAIL);
    out
}

fn enums(out: &mut String, words: &Words) {
    for set in &words.enums {
        heading(out, &set.doc);
        number(out, &format!("{}_W", set.name), set.width);
        for value in &set.values {
            let (name, width) = (format!("{}_{}", set.name, value.name).to_uppercase(), set.width);
            let top = width - 1;
            let value = value.value;
            push(out, &format!("  localparam logic [{top}:0] {name} = {width}'d{value};"));
        }
    }
}

fn lines(out: &mut String, words: &Words) {
    heading(out, "Lines.");
    number(out, "LINE_W", LINE_BITS);
    for line in &words.lines {
        heading(out, &line.doc);
        for field in &line.fields {
            place(out, &format!("{}_{}", line.name, field.name), 8 * field.at, field.width);
        }
    }
}

fn rows(out: &mut String, words: &Words) {
    for row in &words.rows {
        heading(out, &row.doc);
        number(out, &format!("{}_ROW_W", row.name), row.width());
        for (name, lsb, width) in row.placed() {
            place(out, &format!("{}_{name}", row.name), lsb, width);
        }
    }
}

fn flags(out: &mut String, words: &Words) {
    for set in &words.bits {
        heading(out, &set.doc);
        let width = set.values.iter().map(|flag| flag.bit + 1).max().unwrap_or(1);
        number(out, &format!("{}_W", set.name), width);
        for flag in &set.values {
            number(out, &format!("{}_{}", set.name, flag.name), flag.bit);
        }
    }
    heading(out, "Card rules: bits of the verdict's rejects.");
    number(out, "RULES", words.rules.len() as u32);
    for rule in &words.rules {
        number(out, &format!("RULE_{}", rule.name), rule.bit);
    }
}

fn registers(out: &mut String, words: &Words) {
    heading(out, "Registers.");
    for register in &words.registers {
        sized(out, &format!("REG_{}", register.name), 12, &format!("{:03x}", register.at));
        if register.count > 1 {
            number(out, &format!("REG_{}_COUNT", register.name), register.count);
        }
    }
    heading(out, "Counters: their place in REG_COUNTERS, 64 bits each.");
    number(out, "COUNTERS", words.counters.len() as u32);
    for counter in &words.counters {
        number(out, &format!("COUNTER_{}", counter.name), counter.index);
    }
}

fn heading(out: &mut String, text: &str) {
    push(out, "");
    comment(out, "  //", text);
}

fn place(out: &mut String, name: &str, lsb: u32, width: u32) {
    number(out, &format!("{name}_LSB"), lsb);
    number(out, &format!("{name}_W"), width);
}

fn number(out: &mut String, name: &str, value: u32) {
    push(out, &format!("  localparam int {} = {value};", name.to_uppercase()));
}

fn sized(out: &mut String, name: &str, width: u32, hex: &str) {
    let (top, name) = (width - 1, name.to_uppercase());
    push(out, &format!("  localparam logic [{top}:0] {name} = {width}'h{hex};"));
}
