//! linuxptp's answers to management requests, as `pmc -u -b 0` prints them.
//!
//! Lines of `key value`, two tabs in front, after a line that names the data set. Wanted are
//! TIME_STATUS_NP (ptp4l's own), CURRENT_DATA_SET, PARENT_DATA_SET, PORT_DATA_SET and
//! TIME_PROPERTIES_DATA_SET (IEEE 1588-2008, 8.2).
//!
//! Bound: |offsetFromMaster| + meanPathDelay + accuracy of the grandmaster. The mean path is that of
//! one direction already, (there + back) / 2; an uneven path hides at most (there - back) / 2, which
//! is all of the mean when one direction takes no time. The accuracy is what the grandmaster
//! announces (`gm.ClockAccuracy`, IEEE 1588-2008 table 6); a grandmaster that announces none has no
//! bound of its own, and the configuration must give one (`[clock] extra_ns`).
//! Between two looks the bound grows by 10 ppm, more than a crystal drifts that has just been held.

use super::reading::{Reading, scaled};

/// What is asked, in the order of the arguments of `pmc`.
pub const REQUESTS: [&str; 5] = [
    "GET TIME_STATUS_NP",
    "GET CURRENT_DATA_SET",
    "GET PARENT_DATA_SET",
    "GET PORT_DATA_SET",
    "GET TIME_PROPERTIES_DATA_SET",
];

const GROWTH_PPB: u64 = 10_000;

/// The answers in `text`. `extra_ns` is what the configuration adds to every bound.
pub fn parse(text: &str, extra_ns: u64) -> Result<Reading, String> {
    let of = |key: &str| value(text, key).ok_or_else(|| format!("pmc does not tell {key}"));
    let state = of("portState")?;
    if state != "SLAVE" {
        return Err(format!("the PTP port is {state}: it follows no master"));
    }
    if of("gmPresent")? != "true" {
        return Err("no PTP grandmaster".into());
    }
    if of("ptpTimescale")? == "1" && of("currentUtcOffsetValid")? != "1" {
        return Err("the grandmaster does not vouch for its offset to UTC".into());
    }
    measured(text, extra_ns)
}

/// The figures alone, whatever the port's state.
fn measured(text: &str, extra_ns: u64) -> Result<Reading, String> {
    let of = |key: &str| value(text, key).ok_or_else(|| format!("pmc does not tell {key}"));
    let number = |key: &str| {
        let units = scaled(of(key)?, 0);
        units.ok_or_else(|| format!("pmc's {key} is not a number in range"))
    };
    let accuracy = accuracy_ns(of("gm.ClockAccuracy")?);
    if accuracy.is_none() && extra_ns == 0 {
        return Err("the grandmaster announces no accuracy: give one as clock.extra_ns".into());
    }
    let steps = number("stepsRemoved")?;
    // Where the path is measured hop by hop, the data set of the clock says 0.
    let path = number("meanPathDelay")?.max(number("peerMeanPathDelay")?);
    let mark = of("ingress_time")?.parse().map_err(|_| "pmc's ingress_time is not a number")?;
    let reading = Reading {
        reference: of("grandmasterIdentity")?.into(),
        stratum: u32::try_from(steps).ok(),
        offset_ns: number("offsetFromMaster")?,
        path_ns: path.unsigned_abs(),
        dispersion_ns: accuracy.unwrap_or(0).saturating_add(extra_ns),
        growth_ppb: GROWTH_PPB,
        mark,
        ..Reading::default()
    };
    Ok(reading.summed())
}

/// The value of `key`, on a whole line, said once or always the same.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let mut found = whole.filter_map(|line| {
        let (name, value) = line.trim().split_once([' ', '\t'])?;
        (name == key).then(|| value.trim())
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// `clockAccuracy` in nanoseconds; `None` where it is unknown or worse than 10 s.
fn accuracy_ns(text: &str) -> Option<u64> {
    let code = u8::from_str_radix(text.strip_prefix("0x")?, 16).ok()?;
    const TABLE: [u64; 17] = [
        25,
        100,
        250,
        1_000,
        2_500,
        10_000,
        25_000,
        100_000,
        250_000,
        1_000_000,
        2_500_000,
        10_000_000,
        25_000_000,
        100_000_000,
        250_000_000,
        1_000_000_000,
        10_000_000_000,
    ];
    TABLE.get(usize::from(code.checked_sub(0x20)?)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As printed by pmc 3.1.1, with a grandmaster that knows UTC to 100 ns.
    const ANSWERS: &str = concat!(
        "sending: GET TIME_STATUS_NP\nsending: GET CURRENT_DATA_SET\n",
        "\t2288b5.fffe.2725cd-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP \n",
        "\t\tmaster_offset              -137\n",
        "\t\tingress_time               1795680840413077064\n",
        "\t\tgmPresent                  true\n",
        "\t\tgmIdentity                 76134c.fffe.2f5ea4\n",
        "\t2288b5.fffe.2725cd-0 seq 1 RESPONSE MANAGEMENT CURRENT_DATA_SET \n",
        "\t\tstepsRemoved     1\n\t\toffsetFromMaster -137.0\n\t\tmeanPathDelay    2345.0\n",
        "\t2288b5.fffe.2725cd-1 seq 2 RESPONSE MANAGEMENT PORT_DATA_SET \n",
        "\t\tportState               SLAVE\n\t\tpeerMeanPathDelay       0\n",
        "\t2288b5.fffe.2725cd-0 seq 3 RESPONSE MANAGEMENT PARENT_DATA_SET \n",
        "\t\tgm.ClockClass                         6\n\t\tgm.ClockAccuracy      0x21\n",
        "\t\tgrandmasterIdentity                   76134c.fffe.2f5ea4\n",
        "\t2288b5.fffe.2725cd-0 seq 4 RESPONSE MANAGEMENT TIME_PROPERTIES_DATA_SET \n",
        "\t\tcurrentUtcOffset      37\n\t\tcurrentUtcOffsetValid 1\n\t\tptpTimescale          1\n",
    );

    #[test]
    fn the_bound_is_offset_and_path_and_accuracy() {
        let reading = parse(ANSWERS, 0).expect("whole answers");
        assert_eq!(reading.error_ns, 137 + 2_345 + 100);
        assert_eq!(parse(ANSWERS, 5).expect("whole answers").error_ns, 137 + 2_345 + 100 + 5);
        assert_eq!(reading.mark, 1_795_680_840_413_077_064);
    }

    #[test]
    fn every_cut_is_refused_or_loses_nothing() {
        let whole = parse(ANSWERS, 0);
        for end in 0..ANSWERS.len() {
            let cut = parse(&ANSWERS[..end], 0);
            assert!(cut.is_err() || cut == whole, "cut at {end}: {cut:?}");
        }
        assert!(parse(&ANSWERS[..ANSWERS.len() - 1], 0).is_err());
    }

    #[test]
    fn what_does_not_follow_a_master_is_refused() {
        let but = |from: &str, to: &str| parse(&ANSWERS.replace(from, to), 0);
        for state in ["UNCALIBRATED", "MASTER", "LISTENING", "FAULTY"] {
            assert!(but("SLAVE", state).is_err_and(|e| e.contains(state)));
        }
        assert!(but("gmPresent                  true", "gmPresent false").is_err());
        assert!(but("currentUtcOffsetValid 1", "currentUtcOffsetValid 0").is_err());
        assert!(but("0x21", "0xfe").is_err_and(|e| e.contains("extra_ns")));
        assert!(but("meanPathDelay    2345.0", "meanPathDelay nan").is_err());
        let two_ports = ANSWERS
            .replace("portState               SLAVE\n", "portState SLAVE\n\t\tportState MASTER\n");
        assert!(parse(&two_ports, 0).is_err(), "two ports that disagree");
    }

    #[test]
    fn an_unknown_accuracy_takes_the_configured_one() {
        let unknown = ANSWERS.replace("0x21", "0xfe");
        assert_eq!(parse(&unknown, 900).expect("given").dispersion_ns, 900);
        assert_eq!(accuracy_ns("0x20"), Some(25));
        assert_eq!(accuracy_ns("0x30"), Some(10_000_000_000));
        assert_eq!(
            (accuracy_ns("0x31"), accuracy_ns("0x1f"), accuracy_ns("21")),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[\\PC\\n\\t]{0,300}") {
            let _ = parse(&text, 1);
        }

        #[test]
        fn answers_with_one_byte_changed_never_panic(at in 0..ANSWERS.len(), byte in 0u8..128) {
            let mut bytes = ANSWERS.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = parse(&String::from_utf8_lossy(&bytes), 0);
        }
    }
}
