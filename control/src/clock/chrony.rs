//! chrony's `tracking` report, as `chronyc -c tracking` prints it.
//!
//! One line of 14 fields: reference id, its name, stratum, reference time, system time, last offset,
//! RMS offset, frequency, residual frequency, skew, root delay, root dispersion, update interval,
//! leap status (chronyc(1), `tracking`; frequencies in ppm, times in seconds).
//!
//! Bound: chronyc(1) under "Root dispersion": `clock_error <= |system_time_offset| + root_dispersion +
//! (0.5 * root_delay)`. Between two looks it grows as chronyd lets its own dispersion grow: by the
//! skew, the residual frequency and `maxclockerror`, whose default is 1 ppm (chrony.conf(5)).

use super::reading::{Reading, scaled, seconds};

const FIELDS: usize = 14;
/// `maxclockerror`, in parts per billion.
const MAX_CLOCK_ERROR: u64 = 1_000;
/// chronyd's own clock as reference (`local`): it follows nobody.
const LOCAL: &str = "7F7F0101";

/// The report in `text`; whatever is not one whole report of a synchronised clock is an error that
/// says why.
pub fn parse(text: &str) -> Result<Reading, String> {
    let line = text.strip_suffix('\n').ok_or("chronyc's answer is cut off")?;
    let fields: Vec<&str> = line.split(',').collect();
    let [id, name, stratum, _, offset, _, _, _, residual, skew, delay, dispersion, _, leap] =
        <[&str; FIELDS]>::try_from(fields)
            .map_err(|f| format!("chronyc answered {} fields, not {FIELDS}", f.len()))?;
    match leap {
        "Normal" | "Insert second" | "Delete second" => {}
        "Not synchronised" => return Err("chronyd is not synchronised".into()),
        _ => return Err("chronyc's leap status is none that is known".into()),
    }
    if id == LOCAL {
        return Err("chronyd follows its own clock (local reference): not traceable".into());
    }
    let stratum: u32 = stratum.parse().map_err(|_| bad("stratum"))?;
    if id == "00000000" || stratum == 0 || stratum > 15 {
        return Err("chronyd follows no reference".into());
    }
    let ppm = |text, what| scaled(text, 3).map(i64::unsigned_abs).ok_or_else(|| bad(what));
    let span = |text, what| {
        let ns = seconds(text).ok_or_else(|| bad(what))?;
        u64::try_from(ns).map_err(|_| bad(what))
    };
    let drift = ppm(residual, "residual frequency")?.saturating_add(ppm(skew, "skew")?);
    let reading = Reading {
        reference: if name.is_empty() { id.into() } else { name.into() },
        stratum: Some(stratum),
        offset_ns: seconds(offset).ok_or_else(|| bad("system time"))?,
        path_ns: span(delay, "root delay")?.div_ceil(2),
        dispersion_ns: span(dispersion, "root dispersion")?,
        growth_ppb: drift.saturating_add(MAX_CLOCK_ERROR),
        ..Reading::default()
    };
    Ok(reading.summed())
}

fn bad(what: &str) -> String {
    format!("chronyc's {what} is not a number in range")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As printed by chronyc 4.3.
    const REPORT: &str = "0A630001,10.99.0.1,2,1795680752.178626963,-0.000002602,-0.000000001,\
        0.000000022,0.009,-0.004,0.062,0.000006433,0.000001125,0.1,Normal\n";

    #[test]
    fn the_bound_is_offset_and_dispersion_and_half_the_delay() {
        let reading = parse(REPORT).expect("a whole report");
        assert_eq!(
            (reading.offset_ns, reading.path_ns, reading.dispersion_ns),
            (-2_602, 3_217, 1_125)
        );
        assert_eq!(reading.error_ns, 2_602 + 3_217 + 1_125);
        assert_eq!(reading.growth_ppb, 1_000 + 4 + 62);
        assert_eq!((reading.reference.as_str(), reading.stratum), ("10.99.0.1", Some(2)));
    }

    #[test]
    fn every_cut_is_refused() {
        for end in 0..REPORT.len() {
            assert!(parse(&REPORT[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_clock_that_follows_nobody_has_no_bound() {
        let local = "7F7F0101,,1,1795680746.372967789,0.000000000,0.000000000,0.000000000,0.000,\
            0.000,0.000,0.000000000,0.000000000,0.0,Normal\n";
        let lost = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,\
            1.000000000,1.000000000,0.0,Not synchronised\n";
        assert!(parse(local).is_err_and(|e| e.contains("local")));
        assert!(parse(lost).is_err_and(|e| e.contains("not synchronised")));
        assert!(parse("506 Cannot talk to daemon\n").is_err());
        assert!(parse(&REPORT.replace("0.000006433", "-1.0")).is_err(), "a negative delay");
    }

    proptest! {
        /// The sum by other arithmetic: floats, to the nanosecond.
        #[test]
        fn the_bound_is_the_manuals(
            offset in -1_000_000_000i64..1_000_000_000, delay in 0u64..1_000_000_000,
            dispersion in 0u64..1_000_000_000,
        ) {
            let s = |ns: f64| format!("{:.9}", ns / 1e9);
            let text = format!(
                "0A630001,x,3,1.0,{},0,0,0.0,0.0,0.0,{},{},64.0,Normal\n",
                s(offset as f64), s(delay as f64), s(dispersion as f64)
            );
            let want = offset.abs() as f64 + dispersion as f64 + 0.5 * delay as f64;
            let got = parse(&text).expect("whole").error_ns as f64;
            prop_assert!((got - want).abs() <= 1.0, "{got} {want}");
        }

        #[test]
        fn no_text_panics_and_only_whole_reports_pass(text in "[0-9A-Za-z,.\\-\\n ]{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_report_with_one_byte_changed_never_panics(at in 0..REPORT.len(), byte in 0u8..128) {
            let mut bytes = REPORT.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
