//! Prometheus' text format, version 0.0.4: families, samples, escapes.

use std::fmt::{Display, Write};

use super::spread::Spread;

/// What kind of number a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only rises, but for restarts.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Cumulative buckets, sum and count.
    Histogram,
    /// Some of these, some of those.
    Untyped,
}

/// The document as it grows. A family is written at once: its samples stand together.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Head of a family.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Untyped => "untyped",
        };
        _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name }
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Where the samples of one family go.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// One sample.
    pub fn put(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// One histogram, in the base unit.
    pub fn histogram<const N: usize>(&mut self, labels: &[(&str, &str)], spread: &Spread<N>) {
        for (edge, below) in spread.buckets() {
            let edge = (edge as f64 / spread.unit).to_string();
            self.line("_bucket", labels, Some(&edge), below);
        }
        self.line("_bucket", labels, Some("+Inf"), spread.count);
        self.line("_sum", labels, None, spread.sum / spread.unit);
        self.line("_count", labels, None, spread.count);
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        le: Option<&str>,
        value: impl Display,
    ) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let all = labels.iter().copied().chain(le.map(|le| ("le", le)));
        for (n, (key, value)) in all.enumerate() {
            _ = write!(self.text, "{}{key}=\"", if n == 0 { '{' } else { ',' });
            escape(self.text, value);
            self.text.push('"');
        }
        let close = if labels.is_empty() && le.is_none() { "" } else { "}" };
        _ = writeln!(self.text, "{close} {value}");
    }
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

/// Nanoseconds in the base unit.
pub(super) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        text.family("a", Kind::Gauge, "Help.").put(&[("x", "q\"\\\n")], 1);
        text.family("b_total", Kind::Counter, "Help.").put(&[], u64::MAX);
        let want = "# HELP a Help.\n# TYPE a gauge\na{x=\"q\\\"\\\\\\n\"} 1\n\
            # HELP b_total Help.\n# TYPE b_total counter\nb_total 18446744073709551615\n";
        assert_eq!(text.into_string(), want);
    }
}
