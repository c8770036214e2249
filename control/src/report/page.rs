//! A report as one page of HTML that needs nothing else: no script, no other file.

use std::fmt::Write;

use super::Report;

const STYLE: &str = "body{font:14px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .8rem .2rem 0;text-align:left;\
vertical-align:top;border-bottom:1px solid #8884}td.n{text-align:right;font-variant-numeric:tabular-nums}\
.bad{color:#c00;font-weight:600}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

/// The page.
pub fn html(report: &Report) -> String {
    let mut page = Page(String::new());
    let title = format!("{} {}", report.engine, report.day);
    page.raw("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width\"><title>");
    page.text(&title);
    page.raw(&format!("</title><style>{STYLE}</style><h1>"));
    page.text(&title);
    page.raw("</h1>");
    sessions(&mut page, report);
    page.raw("<h2>Profit</h2><table>");
    page.row("realised", &money(report.realised_e4), false);
    page.row("open, at the mid", &money(report.open_e4), false);
    page.raw("</table><h2>Orders</h2><table>");
    report.orders.iter().for_each(|(name, n)| page.row(name, &n.to_string(), false));
    page.raw("</table><h2>Refused by rule</h2><table>");
    report.rejects.iter().for_each(|(name, n)| page.row(name, &n.to_string(), false));
    page.raw("</table><h2>Lost, late or cut</h2><table>");
    report.losses.iter().for_each(|(name, n)| page.row(name, &n.to_string(), *n > 0));
    page.raw("</table><h2>Latency, nanoseconds</h2><table>");
    page.head(&["", "count", "p50", "p99", "p99.9", "max"]);
    for row in &report.latency_ns {
        let all = &row.all;
        let cells = [all.count, all.p50, all.p99, all.p999, all.max].map(|n| n.to_string());
        page.cells(&row.name, &cells);
    }
    page.raw("</table><h2>Positions</h2><table>");
    page.head(&["", "account", "position", "realised", "open", "fills"]);
    for row in &report.positions {
        let cells = [
            row.account.to_string(),
            row.position.to_string(),
            money(row.realised_e4),
            money(row.open_e4),
            row.fills.to_string(),
        ];
        page.cells(&row.instrument, &cells);
    }
    page.raw("</table>");
    changes(&mut page, report);
    page.0
}

fn sessions(page: &mut Page, report: &Report) {
    page.raw("<h2>Sessions</h2><table>");
    page.head(&["started", "seen from", "to", ""]);
    for session in &report.sessions {
        let (from, to) = session.seen_ns;
        page.cells(&clock(session.started_ns), &[clock(from), clock(to), session.silent.clone()]);
    }
    page.raw("</table>");
}

fn changes(page: &mut Page, report: &Report) {
    page.raw("<h2>Changes</h2>");
    if report.changes_of != "everybody" {
        page.raw("<p>Only those that you may see: ");
        page.text(&report.changes_of);
    }
    if report.changes_more {
        page.raw("<p>There may be more than these.");
    }
    page.raw("<table>");
    page.head(&["when", "who", "what", "to what", "result", "why"]);
    for change in &report.changes {
        let cells = [&change.who, &change.action, &change.object, &change.result, &change.reason];
        page.cells(&clock(change.when_ns), &cells.map(Clone::clone));
    }
    page.raw("</table></html>");
}

/// 1/10,000 of the currency as text.
fn money(e4: i64) -> String {
    let (whole, part) = (e4.unsigned_abs() / 10_000, e4.unsigned_abs() % 10_000);
    format!("{}{whole}.{part:04}", if e4 < 0 { "-" } else { "" })
}

/// A time of day, UTC.
fn clock(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (h, m, s) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{} {h:02}:{m:02}:{s:02}Z", super::day_of(ns))
}

struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '&' => self.raw("&amp;"),
                '"' => self.raw("&quot;"),
                c => self.0.push(c),
            }
        }
    }

    fn head(&mut self, names: &[&str]) {
        self.raw("<tr>");
        for name in names {
            _ = write!(self.0, "<th>{name}");
        }
    }

    fn row(&mut self, name: &str, value: &str, bad: bool) {
        self.raw("<tr><td>");
        self.text(name);
        self.raw(if bad { "<td class=\"n bad\">" } else { "<td class=n>" });
        self.text(value);
    }

    fn cells(&mut self, name: &str, cells: &[String]) {
        self.raw("<tr><td>");
        self.text(name);
        for cell in cells {
            let number = cell.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
            self.raw(if number { "<td class=n>" } else { "<td>" });
            self.text(cell);
        }
    }
}
