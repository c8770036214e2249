//! The Rust constants.

use crate::text::{comment, push};
use crate::words::Words;

const HEAD: &str = "\
//! Generated from `hw/gate/data/gate.toml` by `cargo run -p nofx-hwgen`: do not edit.
//!
//! Model: one module for each enumeration, line, row, set of flags and for registers, counters, rules
//! and parameters, with the names of the data file.
";

/// The constants of `words` for a build with hash `build`.
pub fn constants(words: &Words, build: u64) -> String {
    let mut out = HEAD.to_owned();
    push(&mut out, "");
    constant(
        &mut out,
        "",
        "The first register: the bytes \"NFXG\".",
        "MAGIC",
        "u32",
        &hex(words.abi.magic),
    );
    constant(&mut out, "", "Version of the words.", "ABI", "u32", &words.abi.version.to_string());
    let hash = format!(
        "{:#06x}_{:04x}_{:04x}_{:04x}",
        build >> 48,
        build >> 32 & 0xffff,
        build >> 16 & 0xffff,
        build & 0xffff
    );
    constant(&mut out, "", "Hash over the sources of the gate.", "BUILD_HASH", "u64", &hash);
    module(
        &mut out,
        "parameter",
        "What a core is built for, where a build does not lower it.",
        false,
        |out| {
            for parameter in &words.parameters {
                constant(
                    out,
                    TAB,
                    &parameter.doc,
                    &parameter.name,
                    "u32",
                    &parameter.value.to_string(),
                );
            }
        },
    );
    enums(&mut out, words);
    lines(&mut out, words);
    rows(&mut out, words);
    flags(&mut out, words);
    registers(&mut out, words);
    out
}

const TAB: &str = "    ";

fn enums(out: &mut String, words: &Words) {
    for set in &words.enums {
        let ty = if set.width <= 8 { "u8" } else { "u32" };
        module(out, &set.name, &set.doc, false, |out| {
            for value in &set.values {
                constant(out, TAB, &value.doc, &value.name, ty, &value.value.to_string());
            }
        });
    }
}

fn lines(out: &mut String, words: &Words) {
    for line in &words.lines {
        module(out, &line.name, &line.doc, true, |out| {
            for field in &line.fields {
                field_constant(out, &field.doc, &field.name, 8 * field.at, field.width);
            }
        });
    }
}

fn rows(out: &mut String, words: &Words) {
    for row in &words.rows {
        module(out, &format!("{}_row", row.name), &row.doc, true, |out| {
            constant(out, TAB, "Bits of the row.", "WIDTH", "usize", &row.width().to_string());
            for (name, lsb, width) in row.placed() {
                field_constant(out, "See the table of the row.", name, lsb, width);
            }
            comment(out, "    ///", "Every field by its name, least significant first.");
            push(out, &format!("    pub const FIELDS: [(&str, Field); {}] = [", row.fields.len()));
            for field in &row.fields {
                push(out, &format!("        (\"{}\", {}),", field.name, field.name.to_uppercase()));
            }
            push(out, "    ];");
        });
    }
}

fn flags(out: &mut String, words: &Words) {
    for set in &words.bits {
        module(out, &set.name, &set.doc, false, |out| {
            for flag in &set.values {
                constant(out, TAB, &flag.doc, &flag.name, "u16", &format!("1 << {}", flag.bit));
            }
            comment(out, "    ///", "Every flag by its name.");
            push(out, &format!("    pub const FLAGS: [(&str, u16); {}] = [", set.values.len()));
            for flag in &set.values {
                push(out, &format!("        (\"{}\", {}),", flag.name, flag.name.to_uppercase()));
            }
            push(out, "    ];");
        });
    }
    module(out, "rule", "Card rules: bits of the verdict's rejects.", false, |out| {
        for rule in &words.rules {
            let doc = format!("`nofx_gate::Rule` of the same name, bit {}.", rule.bit);
            constant(out, TAB, &doc, &rule.name, "u64", &format!("1 << {}", rule.bit));
        }
        comment(out, "    ///", "Every rule by its name and bit.");
        push(out, &format!("    pub const RULES: [(&str, u32); {}] = [", words.rules.len()));
        for rule in &words.rules {
            push(out, &format!("        (\"{}\", {}),", rule.name, rule.bit));
        }
        push(out, "    ];");
    });
}

fn registers(out: &mut String, words: &Words) {
    module(out, "reg", "Byte addresses of the registers.", false, |out| {
        for register in &words.registers {
            let doc = format!("{} ({})", register.doc, register.access);
            constant(out, TAB, &doc, &register.name, "u32", &format!("{:#05x}", register.at));
            if register.count > 1 {
                let name = format!("{}_count", register.name);
                constant(out, TAB, "How many words.", &name, "u32", &register.count.to_string());
            }
        }
    });
    module(
        out,
        "counter",
        "Places of the counters in `reg::COUNTERS`, 64 bits each.",
        false,
        |out| {
            for counter in &words.counters {
                constant(out, TAB, &counter.doc, &counter.name, "u32", &counter.index.to_string());
            }
            comment(out, "    ///", "Every counter by its name, in the order of their places.");
            push(out, &format!("    pub const NAMES: [&str; {}] = [", words.counters.len()));
            for counter in &words.counters {
                push(out, &format!("        \"{}\",", counter.name));
            }
            push(out, "    ];");
        },
    );
}

fn module(out: &mut String, name: &str, doc: &str, fields: bool, body: impl FnOnce(&mut String)) {
    push(out, "");
    comment(out, "///", doc);
    push(out, &format!("pub mod {name} {{"));
    if fields {
        push(out, "    use crate::field::Field;");
        push(out, "");
    }
    body(out);
    push(out, "}");
}

fn field_constant(out: &mut String, doc: &str, name: &str, lsb: u32, width: u32) {
    constant(out, TAB, doc, name, "Field", &format!("Field::new({lsb}, {width})"));
}

fn constant(out: &mut String, indent: &str, doc: &str, name: &str, ty: &str, value: &str) {
    comment(out, &format!("{indent}///"), doc);
    push(out, &format!("{indent}pub const {}: {ty} = {value};", name.to_uppercase()));
}

fn hex(value: u32) -> String {
    format!("{:#06x}_{:04x}", value >> 16, value & 0xffff)
}
