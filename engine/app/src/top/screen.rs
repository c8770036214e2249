//! The view of a shot on a terminal of any size.
//!
//! Model: panels flow down the screen, and into further columns where it is wide enough, from the
//! first on; where not all fit, the flow begins as late as the chosen one needs. The chosen panel
//! shows all rows it has room for.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table};

use super::cursor::Cursor;
use super::header;
use super::section::{Cell, Mood, Panel, Section, section};
use nofx_shot::Shot;
use nofx_shot::words::clock;

/// Characters of the widest table.
const PANEL_WIDTH: u16 = 78;
/// Lines of a panel that are no rows: title and heads.
const FRAME: u16 = 2;
const HEADER: u16 = 3;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, shot: &Shot, cursor: &Cursor) {
    let area = frame.area();
    let line = |y: u16| Rect { y: area.y + y, height: 1, ..area }.intersection(area);
    for (y, cells) in header::lines(shot).iter().enumerate() {
        frame.render_widget(Paragraph::new(spans(cells)), line(y as u16));
    }
    frame.render_widget(footer(shot, cursor), line(area.height.saturating_sub(1)));
    let body = Rect { y: area.y + HEADER, height: area.height.saturating_sub(HEADER + 1), ..area };
    let sections: Vec<_> =
        Panel::ALL.iter().map(|panel| section(*panel, shot, cursor.book)).collect();
    for (section, place) in flow(&sections, body, cursor.panel()) {
        panel(frame, section, place, cursor);
    }
}

fn spans(cells: &[Cell]) -> Line<'_> {
    let texts = cells
        .iter()
        .flat_map(|cell| [Span::styled(cell.text.as_str(), style(cell.mood)), Span::raw("  ")]);
    Line::from_iter(texts)
}

fn style(mood: Mood) -> Style {
    match mood {
        Mood::Plain => Style::new(),
        Mood::Good => Style::new().fg(Color::Green),
        Mood::Warn => Style::new().fg(Color::Yellow),
        Mood::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

fn footer(shot: &Shot, cursor: &Cursor) -> Paragraph<'static> {
    let text = match cursor.asked_kill {
        true => format!("this only watches; to stop orders: nofx kill --mailbox {}", shot.mailbox),
        false => format!(
            "{} UTC  tab, left, right: panel  up, down: row or book  q: quit",
            clock(shot.at_ns)
        ),
    };
    Paragraph::new(text).style(Style::new().add_modifier(Modifier::DIM))
}

/// Lines that a panel wants.
fn wanted(section: &Section, chosen: Panel) -> u16 {
    let most = if section.panel == chosen { usize::MAX } else { section.panel.usual_rows() };
    match section.rows.len().min(most) {
        0 => FRAME, // title and what stands for no rows
        rows => FRAME.saturating_add(u16::try_from(rows).unwrap_or(u16::MAX)),
    }
}

/// Where each panel stands. The first beginning of the flow with which the chosen panel is whole, or
/// has the screen for itself.
fn flow(sections: &[Section], body: Rect, chosen: Panel) -> Vec<(&Section, Rect)> {
    let whole = |placed: &[(&Section, Rect)]| {
        let mut placed = placed.iter();
        placed.any(|(s, at)| s.panel == chosen && at.height == wanted(s, chosen).min(body.height))
    };
    let starts = (0..sections.len()).filter_map(|start| sections.get(start..));
    let mut flows = starts.map(|sections| place(sections, body, chosen));
    flows.find(|placed| whole(placed)).unwrap_or_default()
}

/// Puts panels below each other, column by column, until there is no room.
fn place(sections: &[Section], body: Rect, chosen: Panel) -> Vec<(&Section, Rect)> {
    let columns = ((body.width + 2) / (PANEL_WIDTH + 2)).max(1);
    let width = (body.width + 2) / columns - if columns > 1 { 2 } else { 0 };
    let (mut column, mut used) = (0, 0);
    let mut placed = Vec::new();
    for section in sections {
        let wanted = wanted(section, chosen).min(body.height);
        if used + wanted > body.height && column + 1 < columns {
            (column, used) = (column + 1, 0);
        }
        let height = wanted.min(body.height - used);
        if height < FRAME {
            break;
        }
        let at = Rect { x: body.x + column * (width + 2), y: body.y + used, width, height };
        placed.push((section, at.intersection(body)));
        used += height;
    }
    placed
}

fn panel(frame: &mut Frame<'_>, section: &Section, place: Rect, cursor: &Cursor) {
    let chosen = section.panel == cursor.panel();
    let room = usize::from(place.height.saturating_sub(FRAME));
    let first = first_row(section, cursor, room);
    let shown = section.rows.len().saturating_sub(first).min(room);
    let rows = match section.rows.len() {
        all if shown == all => String::new(),
        all => format!(" [{} to {} of {all}]", first + 1, first + shown),
    };
    let (mark, weight) = match chosen {
        true => ("> ", Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD)),
        false => ("", Style::new().add_modifier(Modifier::BOLD)),
    };
    let title = Span::styled(format!(" {mark}{}{rows} ", section.title), weight);
    let block = Block::new().borders(Borders::TOP).title(title);
    if section.rows.is_empty() {
        return frame.render_widget(Paragraph::new(section.empty).block(block), place);
    }
    let selected = (section.panel == Panel::Books).then_some(cursor.book);
    let rows = section.rows.iter().enumerate().skip(first).take(shown).map(|(at, cells)| {
        let style = match selected == Some(at) {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        row(section, cells.iter().map(|cell| (cell.text.as_str(), self::style(cell.mood))))
            .style(style)
    });
    let dim = Style::new().add_modifier(Modifier::DIM);
    let heads = row(section, section.columns.iter().map(|column| (column.head, dim)));
    let widths = section.columns.iter().map(|column| Constraint::Length(column.width));
    frame.render_widget(Table::new(rows, widths).header(heads).block(block), place);
}

/// The first row shown: as scrolled in the chosen panel, and so that a selected book is there.
fn first_row(section: &Section, cursor: &Cursor, room: usize) -> usize {
    let last = section.rows.len().saturating_sub(room);
    match section.panel {
        Panel::Books => (cursor.book + 1).saturating_sub(room).min(last),
        panel if panel == cursor.panel() => cursor.scroll.min(last),
        _ => 0,
    }
}

fn row<'a>(section: &Section, cells: impl Iterator<Item = (&'a str, Style)>) -> Row<'a> {
    let cells = cells.zip(&section.columns).map(|((text, style), column)| {
        let text = Text::styled(text, style);
        if column.right { text.right_aligned() } else { text }
    });
    Row::new(cells)
}
