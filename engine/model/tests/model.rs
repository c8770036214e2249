//! The linear model: its sum, its file, and what it refuses.

use nofx_model::load::{from_file, from_text, to_text, words_from_text};
use nofx_model::{FEATURE_BOUND, FEATURE_NAMES, FEATURES, LinearModel, Term, schema_hash};
use proptest::prelude::*;

const NEUTRAL: Term = Term { weight: 0.0, mean: 0.0, scale: 1.0 };

/// A good file, one line per feature.
fn lines() -> Vec<String> {
    let mut lines = vec![
        format!("schema = \"{:016x}\"", schema_hash()),
        "bias = 0.25".to_owned(),
        "[features]".to_owned(),
    ];
    lines.extend(FEATURE_NAMES.iter().map(|name| format!("{name} = {{ weight = 0.0 }}")));
    lines
}

#[test]
fn prediction_is_the_hand_computed_sum() {
    let mut terms = [NEUTRAL; FEATURES];
    terms[0] = Term { weight: 2.0, mean: 0.5, scale: 0.25 };
    terms[3] = Term { weight: -1.0, mean: 1.0, scale: 2.0 };
    terms[11] = Term { weight: 0.5, mean: 0.0, scale: 1.0 };
    let model = LinearModel::new(0.125, &terms).expect("finite numbers");
    let mut features = [0.0; FEATURES];
    (features[0], features[3], features[11]) = (1.0, 4.0, -3.0);
    // 0.125 + 2 * 0.5 / 0.25 - 1 * 3 / 2 + 0.5 * -3
    assert_eq!(model.predict(&features), 0.125 + 4.0 - 1.5 - 1.5);
}

#[test]
fn each_feature_is_read_by_its_name_whatever_the_order() {
    for (at, name) in FEATURE_NAMES.iter().enumerate() {
        let mut text = lines();
        text[3 + at] = format!("{name} = {{ weight = 3.0, mean = 1.0, scale = 2.0 }}");
        text[3..].reverse();
        let model = from_text(&text.join("\n")).expect("a good file");
        let mut features = [0.0; FEATURES];
        features[at] = 5.0;
        assert_eq!(model.predict(&features), 0.25 + 6.0, "{name}");
    }
}

#[test]
fn refusals_name_the_key_and_what_was_expected() {
    let check = |line: usize, text: &str, want: &[&str]| {
        let mut file = lines();
        file[line] = text.to_owned();
        let error = from_text(&file.join("\n")).expect_err(text).to_string();
        for want in want {
            assert!(error.contains(want), "{text:?}: {error:?} does not say {want:?}");
        }
    };
    let schema = format!("{:016x}", schema_hash());
    check(0, "", &["schema"]);
    check(0, "schema = \"12\"", &["\"12\"", &schema, "fit the model again"]);
    check(0, "schema = 12", &["schema", "string"]);
    check(1, "bais = 1.0", &["bais", "expected"]);
    check(1, "bias = nan", &["bias", "NaN", "finite"]);
    check(1, "bias = \"a\"", &["bias"]);
    check(3, "", &["features.touch_imbalance is missing"]);
    check(3, "touch_imbalanse = { weight = 1.0 }", &["features.touch_imbalanse", "no feature"]);
    check(3, "touch_imbalance = { wait = 1.0 }", &["wait", "weight"]);
    check(3, "touch_imbalance = { mean = 1.0 }", &["weight"]);
    for (fields, wants) in [
        ("weight = inf", "features.touch_imbalance.weight is inf"),
        ("weight = 1e13", "features.touch_imbalance.weight is 10000000000000.0"),
        ("weight = 1.0, scale = 0.0", "features.touch_imbalance.scale is 0.0"),
        ("weight = 1.0, scale = -1.0", "above 0"),
        ("weight = 1.0, scale = nan", "above 0"),
        ("weight = 1.0, mean = -inf", "features.touch_imbalance.mean is -inf"),
        ("weight = 1.0, scale = 1e-13", "weight / scale"),
    ] {
        check(3, &format!("touch_imbalance = {{ {fields} }}"), &[wants]);
    }
}

#[test]
fn file_errors_name_the_file() {
    let path = std::env::temp_dir().join(format!("nofx-model-{}.toml", std::process::id()));
    let missing = from_file(&path).expect_err("no such file").to_string();
    assert!(missing.contains(&path.display().to_string()), "{missing}");
    std::fs::write(&path, "schema = \"0\"\n[features]\n").expect("a writable directory");
    let wrong = from_file(&path).expect_err("wrong schema").to_string();
    assert!(wrong.contains(&path.display().to_string()) && wrong.contains("schema"), "{wrong}");
    std::fs::write(&path, lines().join("\n")).expect("a writable directory");
    let model = from_file(&path).expect("a good file");
    assert_eq!(model.predict(&[9.0; FEATURES]), 0.25);
    std::fs::remove_file(&path).expect("just written");
}

#[test]
fn cut_file_is_refused_at_every_length() {
    let text = lines().join("\n");
    let missing = text.rfind('}').expect("a closing brace");
    for length in 0..=missing {
        assert!(from_text(&text[..length]).is_err(), "{length} bytes");
    }
    assert!(from_text(&text).is_ok());
}

/// The model whose words these are, from the text of its file, predicts the same to the last bit.
#[test]
fn words_make_the_model_of_the_text() {
    let terms: [Term; FEATURES] = std::array::from_fn(|at| Term {
        weight: at as f64 / 7.0 - 0.3,
        mean: at as f64,
        scale: 1.0 + at as f64 / 3.0,
    });
    let text = to_text(0.125, &terms);
    let words = words_from_text(&text).expect("ours");
    let (ours, theirs) = (LinearModel::from_words(&words), from_text(&text).expect("ours"));
    assert_eq!(ours, Ok(theirs));
    assert_eq!(words, LinearModel::words_of(0.125, &terms));
}

#[test]
fn a_word_that_cannot_be_used_is_named() {
    let terms = [Term { weight: 0.5, mean: 0.0, scale: 1.0 }; FEATURES];
    let good = LinearModel::words_of(0.0, &terms);
    for (word, value) in [(0, f64::NAN), (1, 1e300), (2, f64::INFINITY), (3, 0.0), (36, -1.0)] {
        let mut words = good;
        words[word] = value.to_bits();
        assert_eq!(LinearModel::from_words(&words).map(|_| ()), Err(word));
    }
    for cut in 0..good.len() {
        assert!(LinearModel::from_words(&good[..cut]).is_err(), "{cut}");
    }
    assert!(LinearModel::from_words(&[&good[..], &[0]].concat()).is_err());
}

fn any_term() -> impl Strategy<Value = Term> {
    (-1e9f64..1e9, -1e6f64..1e6, 1e-3f64..1e6).prop_map(|(weight, mean, scale)| Term {
        weight,
        mean,
        scale,
    })
}

proptest! {
    #[test]
    fn written_model_is_read_back_bit_for_bit(
        bias in -1e9f64..1e9,
        terms in prop::array::uniform12(any_term()),
    ) {
        let model = LinearModel::new(bias, &terms).expect("numbers in range");
        prop_assert_eq!(from_text(&to_text(bias, &terms)).expect("just written"), model);
    }

    #[test]
    fn prediction_is_near_the_plain_sum_and_finite_at_the_bounds(
        bias in -1e9f64..1e9,
        terms in prop::array::uniform12(any_term()),
        features in prop::array::uniform12(-FEATURE_BOUND..FEATURE_BOUND),
    ) {
        let model = LinearModel::new(bias, &terms).expect("numbers in range");
        let parts = terms.iter().zip(features).map(|(t, x)| t.weight * (x - t.mean) / t.scale);
        let size: f64 = parts.clone().map(f64::abs).sum();
        let plain: f64 = bias + parts.sum::<f64>();
        let got = model.predict(&features);
        prop_assert!((got - plain).abs() <= 1e-12 * (1.0 + size + bias.abs()), "{got} {plain}");
        let largest = [Term { weight: 1e12, mean: -1e12, scale: 1.0 }; FEATURES];
        let extreme = LinearModel::new(1e12, &largest).expect("at the bound");
        prop_assert!(extreme.predict(&[FEATURE_BOUND; FEATURES]).is_finite());
    }
}
