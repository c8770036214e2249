//! The tables for people.

use crate::text::push;
use crate::words::Words;

const HEAD: &str = "\
# Words of the gate

Generated from [`gate.toml`](../data/gate.toml) by `cargo run -p nofx-hwgen`: do not edit. Lines and
registers are little endian; offsets are bytes, widths are bits, rows begin with their least
significant field.
";

/// The tables of `words`. The build hash is not among them: it changes with every source.
pub fn tables(words: &Words) -> String {
    let mut out = HEAD.to_owned();
    let (magic, version) = (words.abi.magic, words.abi.version);
    push(&mut out, &format!("\nMagic `{magic:#010x}`, ABI version {version}."));
    let rows = words.parameters.iter().map(|p| format!("`{}` | {} | {}", p.name, p.value, p.doc));
    table(&mut out, "## Parameters", "", "name | value | meaning", rows);
    for set in &words.enums {
        let rows = set.values.iter().map(|v| format!("`{}` | {} | {}", v.name, v.value, v.doc));
        let title = format!("## Enumeration `{}`, {} bits", set.name, set.width);
        table(&mut out, &title, &set.doc, "name | value | meaning", rows);
    }
    for line in &words.lines {
        let rows = line
            .fields
            .iter()
            .map(|f| format!("`{}` | {} | {} | {}", f.name, f.at, f.width, f.doc));
        let title = format!("## Line `{}`, 64 bytes", line.name);
        table(&mut out, &title, &line.doc, "field | byte | width | meaning", rows);
    }
    for set in &words.bits {
        let rows = set.values.iter().map(|b| format!("`{}` | {} | {}", b.name, b.bit, b.doc));
        table(
            &mut out,
            &format!("## Flags `{}`", set.name),
            &set.doc,
            "name | bit | meaning",
            rows,
        );
    }
    let rows = words.rules.iter().map(|rule| format!("`{}` | {}", rule.name, rule.bit));
    let doc = "Bits of a verdict's `rejects`; the definitions are those of `nofx_gate::Rule`.";
    table(&mut out, "## Rules", doc, "name | bit", rows);
    for row in &words.rows {
        let rows = row.placed().map(|(name, lsb, width)| format!("`{name}` | {lsb} | {width}"));
        let title = format!("## Row `{}`, {} bits", row.name, row.width());
        table(&mut out, &title, &row.doc, "field | lowest bit | width", rows);
    }
    let rows = words
        .registers
        .iter()
        .map(|r| format!("`{}` | {:#05x} | {} | {} | {}", r.name, r.at, r.count, r.access, r.doc));
    let doc = "Reads of holes give 0.";
    table(&mut out, "## Registers", doc, "name | address | words | access | meaning", rows);
    let rows = words.counters.iter().map(|c| format!("`{}` | {} | {}", c.name, c.index, c.doc));
    table(&mut out, "## Counters", "", "name | place | meaning", rows);
    out
}

fn table(out: &mut String, title: &str, doc: &str, head: &str, rows: impl Iterator<Item = String>) {
    push(out, &format!("\n{title}\n"));
    if !doc.is_empty() {
        push(out, &format!("{doc}\n"));
    }
    push(out, &format!("| {head} |"));
    push(out, &format!("|{}", "---|".repeat(head.split('|').count())));
    for row in rows {
        push(out, &format!("| {row} |"));
    }
}
