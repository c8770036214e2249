//! A shot as plain text: what is printed where no terminal watches.

use std::fmt;

use super::header;
use super::section::{Cell, Column, Panel, section};
use nofx_shot::Shot;

/// Prints a shot.
pub struct Plain<'a>(pub &'a Shot);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in header::lines(self.0) {
            let texts: Vec<_> = line.iter().map(|cell| cell.text.as_str()).collect();
            writeln!(f, "{}", texts.join("  "))?;
        }
        // Levels of some hundred books are for the JSON object.
        let mut panels = Panel::ALL.into_iter().filter(|panel| *panel != Panel::Levels);
        panels.try_for_each(|panel| table(f, self.0, panel))
    }
}

fn table(f: &mut fmt::Formatter<'_>, shot: &Shot, panel: Panel) -> fmt::Result {
    let section = section(panel, shot, 0);
    writeln!(f, "\n{}", section.title)?;
    if section.rows.is_empty() {
        return writeln!(f, "  {}", section.empty);
    }
    let heads = section.columns.iter().map(|column| column.head);
    line(f, &section.columns, heads)?;
    let mut rows = section.rows.iter();
    rows.try_for_each(|row| line(f, &section.columns, row.iter().map(text)))
}

fn text(cell: &Cell) -> &str {
    &cell.text
}

/// One row; no spaces at its end.
fn line<'a>(
    f: &mut fmt::Formatter<'_>,
    columns: &[Column],
    texts: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    let mut line = String::from(" ");
    for (column, text) in columns.iter().zip(texts) {
        let width = usize::from(column.width);
        line += &match column.right {
            true => format!(" {text:>width$}"),
            false => format!(" {text:<width$}"),
        };
    }
    writeln!(f, "{}", line.trim_end())
}
