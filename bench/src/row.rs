//! One row of the published table, and how tables are printed and put into a page.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::harness::{Figure, Results};

/// What was asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The ratio is to be at most this.
    Ratio(f64),
    /// The ratio of the middle values is to be at most this.
    MedianRatio(f64),
    /// The middle value is to be at most so much above the middle value of the baseline.
    MedianAbove(f64),
    /// The value is to be at most this.
    AtMost(f64),
    /// The value is to be at least this.
    AtLeast(f64),
}

/// A figure with its baseline and its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the measurement, as on the command line.
    pub measurement: String,
    /// What was measured, on which input.
    pub what: String,
    /// Unit of the values.
    pub unit: String,
    /// Best and middle value.
    pub value: [f64; 2],
    /// What it is compared with.
    pub baseline: Option<(String, [f64; 2])>,
    /// Ratio of the best values; middle ratio within a round.
    pub ratio: Option<[f64; 2]>,
    /// What was asked.
    pub target: Option<Target>,
}

fn pair(figure: Figure) -> [f64; 2] {
    [figure.min, figure.median]
}

impl Row {
    /// `name` against `baseline` of one contest, ns per `unit`.
    pub fn versus(
        measurement: &str,
        what: String,
        unit: &str,
        results: &Results,
        [name, baseline]: [&str; 2],
        target: Option<f64>,
    ) -> Row {
        Row {
            measurement: measurement.to_owned(),
            what,
            unit: format!("ns/{unit}"),
            value: pair(results.figure(name)),
            baseline: Some((baseline.to_owned(), pair(results.figure(baseline)))),
            ratio: Some(pair(results.ratio(name, baseline))),
            target: target.map(Target::Ratio),
        }
    }

    /// A figure without baseline.
    pub fn alone(
        measurement: &str,
        what: String,
        unit: &str,
        value: Figure,
        target: Option<Target>,
    ) -> Row {
        Row {
            measurement: measurement.to_owned(),
            what,
            unit: unit.to_owned(),
            value: pair(value),
            baseline: None,
            ratio: None,
            target,
        }
    }

    fn baseline_median(&self) -> Option<f64> {
        self.baseline.as_ref().map(|(_, [_, median])| *median)
    }

    /// Whether the target is met, by the best values unless it names the middle ones; `None` without
    /// a target.
    pub fn met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::Ratio(most) => self.ratio.is_some_and(|[best, _]| best <= most),
            Target::MedianRatio(most) => {
                self.baseline_median().is_some_and(|base| self.value[1] <= most * base)
            }
            Target::MedianAbove(most) => {
                self.baseline_median().is_some_and(|base| self.value[1] <= base + most)
            }
            Target::AtMost(most) => self.value[0] <= most,
            Target::AtLeast(least) => self.value[0] >= least,
        })
    }
}

/// The rows as one Markdown table.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| measurement | what | unit | best | median | baseline: best / median | ratio: best / \
         median | target | |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let [best, median] = row.value.map(number);
        let baseline = row.baseline.as_ref().map_or(String::new(), |(name, [best, median])| {
            format!("{name}: {} / {}", number(*best), number(*median))
        });
        let ratio =
            row.ratio.map_or(String::new(), |[best, median]| format!("{best:.3} / {median:.3}"));
        let target = match row.target {
            None => String::new(),
            Some(Target::Ratio(most)) => format!("ratio ≤ {most}"),
            Some(Target::MedianRatio(most)) => format!("ratio of medians ≤ {most}"),
            Some(Target::MedianAbove(most)) => {
                format!("median ≤ baseline's + {}", number(most))
            }
            Some(Target::AtMost(most)) => format!("≤ {}", number(most)),
            Some(Target::AtLeast(least)) => format!("≥ {}", number(least)),
        };
        let met = row.met().map_or("", |met| if met { "met" } else { "**missed**" });
        let _ = writeln!(
            text,
            "| {} | {} | {} | {best} | {median} | {baseline} | {ratio} | {target} | {met} |",
            row.measurement, row.what, row.unit
        );
    }
    text
}

/// Three significant digits, thousands separated.
fn number(value: f64) -> String {
    if value.abs() < 1_000.0 {
        let decimals = if value.abs() < 10.0 { 2 } else { usize::from(value.abs() < 100.0) };
        return format!("{value:.decimals$}");
    }
    let digits = format!("{value:.0}");
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups.filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// `page` with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced by `text`.
///
/// # Errors
/// The page lacks one of the marks.
pub fn between_marks(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let missing = || format!("the page has no {open} ... {close}");
    let (before, rest) = page.split_once(&open).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&close).ok_or_else(missing)?;
    Ok(format!("{before}{open}\n{}\n{close}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, target: Target) -> Row {
        let figure = Figure { min: value, median: value };
        Row::alone("m", "w".into(), "ns", figure, Some(target))
    }

    #[test]
    fn targets_are_met_or_missed() {
        assert_eq!(row(99.0, Target::AtMost(100.0)).met(), Some(true));
        assert_eq!(row(101.0, Target::AtMost(100.0)).met(), Some(false));
        assert_eq!(row(7.9, Target::AtLeast(8.0)).met(), Some(false));
        assert_eq!(row(1.0, Target::Ratio(0.5)).met(), Some(false), "no ratio was measured");
        let against = |value: [f64; 2], target| {
            let baseline = Some(("b".to_owned(), [90.0, 100.0]));
            Row { value, baseline, ..row(0.0, target) }.met()
        };
        assert_eq!(against([200.0, 120.0], Target::MedianRatio(1.2)), Some(true));
        assert_eq!(against([80.0, 121.0], Target::MedianRatio(1.2)), Some(false));
        assert_eq!(against([200.0, 110.0], Target::MedianAbove(10.0)), Some(true));
        assert_eq!(against([80.0, 111.0], Target::MedianAbove(10.0)), Some(false));
        let table = markdown(&[row(101.0, Target::AtMost(100.0))]);
        assert!(table.contains("**missed**") && table.lines().count() == 3);
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.5, 14.16, 123.4, 8_123_456.0].map(number);
        assert_eq!(texts, ["0.50", "14.2", "123", "8,123,456"]);
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "a\n<!-- t -->\nold\n<!-- /t -->\nb";
        let page = between_marks(page, "t", "new\n").expect("both marks");
        assert_eq!(page, "a\n<!-- t -->\nnew\n<!-- /t -->\nb");
        assert!(between_marks(&page, "other", "").is_err());
    }
}
