//! What Prometheus reads: engines, audit, clock and this process, in its text format.
//!
//! Model: nothing is kept for a scrape. The newest view of each engine and the histograms of its
//! mailbox are written out when somebody asks; only what this process counts itself lives here
//! ([`Metrics`]). Two ways in: `GET /api/v1/metrics` with a certificate, and `[metrics] listen`, plain
//! HTTP on loopback. Names and units follow Prometheus' conventions (seconds, `_total`).
//!
//! Worst case: a scrape copies each histogram of each engine once (29 KiB each) and writes some
//! hundred lines per engine; two at a time, more wait. Labels come from the configuration, the
//! mailbox's own bounded tables and the router: clients cannot make new ones.

mod engine;
mod listen;
mod own;
mod spread;
mod text;
mod track;

use std::sync::Arc;

use crate::app::App;
use crate::audit::Audit;
use crate::clock::{ClockState, Standing};

pub use listen::listen;
pub use own::{Commits, Connected, Metrics};
pub use spread::Durations;
pub use track::track;

use engine::Seen;
use text::{Kind, Text, seconds};

/// What the text is, for `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything, as of now. Walks mapped memory: not for a thread that must not wait.
pub fn render(app: &App) -> String {
    let engines: Vec<Seen> = app.engines.all().map(|link| seen(link)).collect();
    document(&engines, &audit(&app.audit), &app.clock.now(), &app.metrics)
}

/// How the audit log does.
#[derive(Default)]
struct AuditFigures {
    records: u64,
    queued: u64,
    batches: u64,
    refused: u64,
    failures: u64,
    exported: u64,
    export_failures: u64,
    syslog_failures: u64,
    healthy: bool,
    commits: Arc<Commits>,
}

fn audit(audit: &Audit) -> AuditFigures {
    let status = audit.status();
    AuditFigures {
        records: status.size,
        queued: status.queued,
        batches: status.batches,
        refused: status.refused,
        failures: status.failures,
        exported: status.exported,
        export_failures: status.export_failures,
        syslog_failures: status.syslog_failures,
        healthy: status.failure.is_none(),
        commits: audit.commits(),
    }
}

fn seen(link: &crate::link::Link) -> Seen {
    let view = link.view();
    let live = view.is_live();
    let watcher = if live { link.watcher().ok() } else { None };
    let histograms = watcher.iter().flat_map(|watcher| {
        let all = watcher.histograms().map(|(name, counts)| (name.to_owned(), counts));
        all.collect::<Vec<_>>()
    });
    Seen {
        name: link.name().to_owned(),
        standing: format!("{:?}", view.standing_now().0).to_lowercase(),
        live,
        age_ns: u64::try_from(view.at.elapsed().as_nanos()).unwrap_or(u64::MAX),
        attached: view.attached,
        histograms: histograms.collect(),
        shot: view.shot.clone().filter(|_| live),
    }
}

fn document(engines: &[Seen], audit: &AuditFigures, clock: &ClockState, own: &Metrics) -> String {
    let mut text = Text::default();
    engine::write(&mut text, engines);
    write_audit(&mut text, audit);
    write_clock(&mut text, clock);
    write_own(&mut text, own);
    write_crl(&mut text, own, crate::time::now().0 / 1_000_000_000);
    text.into_string()
}

fn write_audit(text: &mut Text, audit: &AuditFigures) {
    let mut one = |name, kind, help: &str, value| text.family(name, kind, help).put(&[], value);
    one("nofx_audit_records", Kind::Gauge, "Records on the disk.", audit.records);
    one("nofx_audit_queued", Kind::Gauge, "Entries that wait for the disk.", audit.queued);
    let healthy = u64::from(audit.healthy);
    one("nofx_audit_healthy", Kind::Gauge, "1: sensitive actions can be recorded.", healthy);
    one("nofx_audit_batches_total", Kind::Counter, "Batches on the disk.", audit.batches);
    one("nofx_audit_refused_total", Kind::Counter, "Entries turned away.", audit.refused);
    one("nofx_audit_failures_total", Kind::Counter, "Commits that failed.", audit.failures);
    one("nofx_audit_exported_total", Kind::Counter, "Tree heads exported.", audit.exported);
    let help = "Tree heads that could not be exported.";
    one("nofx_audit_export_failures_total", Kind::Counter, help, audit.export_failures);
    let help = "Times that the system's log did not take a tree head.";
    one("nofx_audit_syslog_failures_total", Kind::Counter, help, audit.syslog_failures);
    let help = "How long the disk took for a commit.";
    let mut took = text.family("nofx_audit_commit_seconds", Kind::Histogram, help);
    took.histogram(&[], &audit.commits.took.spread());
    let help = "Records that one commit brought to the disk.";
    let mut records = text.family("nofx_audit_commit_records", Kind::Histogram, help);
    records.histogram(&[], &audit.commits.records.spread());
}

fn write_clock(text: &mut Text, clock: &ClockState) {
    let mut gauge = |name, help: &str, value: Option<f64>| {
        let mut family = text.family(name, Kind::Gauge, help);
        value.into_iter().for_each(|value| family.put(&[], value));
    };
    let flag = |yes: bool| Some(f64::from(u8::from(yes)));
    let help = "The clock is at most this far from its reference; absent: not known.";
    gauge("nofx_clock_error_seconds", help, clock.error_ns.map(seconds));
    gauge("nofx_clock_limit_seconds", "What is allowed.", Some(seconds(clock.bound_ns)));
    gauge("nofx_clock_good", "1: known and within the limit.", flag(clock.state == Standing::Good));
    gauge("nofx_clock_alarm", "1: watched and not good.", flag(clock.alarm));
    let offset = clock.reading.as_ref().map(|reading| reading.offset_ns as f64 / 1e9);
    let offset = offset.filter(|_| clock.error_ns.is_some());
    gauge("nofx_clock_offset_seconds", "Offset as measured.", offset);
    let mut alarms = text.family("nofx_clock_alarms_total", Kind::Counter, "Alarms raised.");
    alarms.put(&[], clock.alarms);
}

fn write_own(text: &mut Text, own: &Metrics) {
    let help = "Requests answered.";
    let mut requests = text.family("nofx_control_requests_total", Kind::Counter, help);
    for ((route, method, status), n) in own.requests() {
        let status = status.to_string();
        requests.put(&[("route", &route), ("method", method), ("status", &status)], n);
    }
    let help = "From a request's headers to its answer's.";
    let mut spans = text.family("nofx_control_request_seconds", Kind::Histogram, help);
    spans.histogram(&[], &own.durations.spread());
    let [open, accepted, refused] = own.connections();
    text.family("nofx_control_connections", Kind::Gauge, "Open connections.").put(&[], open);
    let help = "Connections taken.";
    text.family("nofx_control_accepted_total", Kind::Counter, help).put(&[], accepted);
    let help = "Connections closed at once: too many.";
    text.family("nofx_control_turned_away_total", Kind::Counter, help).put(&[], refused);
    let help = "Lines of the log that were dropped, since nobody read them.";
    let mut dropped = text.family("nofx_control_log_dropped_total", Kind::Counter, help);
    dropped.put(&[], crate::telemetry::dropped());
    let (memory, files) = own::process();
    let mut resident =
        text.family("process_resident_memory_bytes", Kind::Gauge, "Resident memory.");
    memory.into_iter().for_each(|bytes| resident.put(&[], bytes));
    let mut open = text.family("process_open_fds", Kind::Gauge, "Open files and sockets.");
    files.into_iter().for_each(|files| open.put(&[], files));
}

/// The list of revoked certificates at a time, in seconds since 1970.
fn write_crl(text: &mut Text, own: &Metrics, now: u64) {
    let due = own.crl_due();
    let help = "When server.crl wants to be replaced; absent: no list, or it does not say.";
    let mut next = text.family("nofx_control_crl_next_update_timestamp_seconds", Kind::Gauge, help);
    due.into_iter().for_each(|due| next.put(&[], due));
    let help = "1: server.crl is past its next update; whom it revokes stays revoked.";
    let mut overdue = text.family("nofx_control_crl_overdue", Kind::Gauge, help);
    due.into_iter().for_each(|due| overdue.put(&[], u8::from(due <= now)));
}

/// [`render`] on a thread that may wait.
pub async fn scrape(app: Arc<App>) -> String {
    tokio::task::spawn_blocking(move || render(&app)).await.unwrap_or_default()
}

#[cfg(test)]
mod tests;
