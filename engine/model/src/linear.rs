//! A linear model over the features.

use core::fmt;

use crate::{FEATURE_NAMES, FEATURES, Vector};

/// Partial sums: fixed, so that the order of addition is too, whatever the compiler vectorises.
const LANES: usize = 4;
const _: () = assert!(FEATURES.is_multiple_of(LANES));

/// No weight over its scale, mean or bias may be larger: with bounded features the prediction is
/// then finite.
const TERM_BOUND: f64 = 1e12;

/// One feature's part in a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Effect of one standardised unit.
    pub weight: f64,
    /// Subtracted first.
    pub mean: f64,
    /// Divided by next; above 0.
    pub scale: f64,
}

/// `bias + sum of weight * (feature - mean) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    bias: f64,
    means: Vector,
    slopes: Vector,
}

/// A number of the model that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelError {
    /// The feature it belongs to; `None` for the bias.
    pub feature: Option<&'static str>,
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: f64,
    /// What would be right.
    pub expected: &'static str,
}

impl ModelError {
    /// The word of [`LinearModel::from_words`] that it is about.
    fn word(&self) -> usize {
        let feature = |name| FEATURE_NAMES.iter().position(|known| *known == name);
        let part = match self.key {
            "mean" => 1,
            "scale" => 2,
            _ => 0,
        };
        self.feature.and_then(feature).map_or(0, |at| 1 + 3 * at + part)
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feature {
            Some(feature) => write!(f, "features.{feature}.{}", self.key)?,
            None => f.write_str(self.key)?,
        }
        write!(f, " is {:?}, expected {}", self.value, self.expected)
    }
}

impl core::error::Error for ModelError {}

impl LinearModel {
    /// Words of a model: the bits of its bias, then weight, mean and scale of each feature.
    pub const WORDS: usize = 1 + 3 * FEATURES;

    /// A model from its words, the form in which a running engine takes one.
    ///
    /// Fails as [`LinearModel::new`], naming the word; a word too many or too few is the first.
    pub fn from_words(words: &[u64]) -> Result<LinearModel, usize> {
        let (bias, rest) = words.split_first().ok_or(0usize)?;
        if words.len() != Self::WORDS {
            return Err(0);
        }
        let mut terms = [Term { weight: 0.0, mean: 0.0, scale: 1.0 }; FEATURES];
        for (term, bits) in terms.iter_mut().zip(rest.chunks_exact(3)) {
            if let [weight, mean, scale] = bits {
                let float = |bits: &u64| f64::from_bits(*bits);
                *term = Term { weight: float(weight), mean: float(mean), scale: float(scale) };
            }
        }
        LinearModel::new(f64::from_bits(*bias), &terms).map_err(|error| error.word())
    }

    /// The words of a model with these numbers; [`LinearModel::from_words`] makes it of them.
    pub fn words_of(bias: f64, terms: &[Term; FEATURES]) -> [u64; Self::WORDS] {
        let numbers = terms.iter().flat_map(|term| [term.weight, term.mean, term.scale]);
        let mut words = [0; Self::WORDS];
        for (word, number) in words.iter_mut().zip([bias].into_iter().chain(numbers)) {
            *word = number.to_bits();
        }
        words
    }

    /// A model from its numbers, in the order of [`FEATURE_NAMES`].
    ///
    /// Fails on a number that is not finite or beyond 1e12, and on a scale that is not positive.
    pub fn new(bias: f64, terms: &[Term; FEATURES]) -> Result<LinearModel, ModelError> {
        let expected = "a finite number within 1e12";
        let check = |feature, key, value: f64| match value.abs() <= TERM_BOUND {
            true => Ok(value),
            false => Err(ModelError { feature, key, value, expected }),
        };
        let mut model = LinearModel {
            bias: check(None, "bias", bias)?,
            means: [0.0; FEATURES],
            slopes: [0.0; FEATURES],
        };
        let slots = model.means.iter_mut().zip(&mut model.slopes);
        for ((term, name), (mean, slope)) in terms.iter().zip(FEATURE_NAMES).zip(slots) {
            let feature = Some(name);
            if !(term.scale > 0.0 && term.scale <= TERM_BOUND) {
                let expected = "a number above 0 and within 1e12";
                return Err(ModelError { feature, key: "scale", value: term.scale, expected });
            }
            *mean = check(feature, "mean", term.mean)?;
            check(feature, "weight", term.weight)?;
            *slope = check(feature, "weight / scale", term.weight / term.scale)?;
        }
        Ok(model)
    }

    /// The prediction, in the unit the model was fitted for. Always finite for a vector that a
    /// [`FeatureState`](crate::FeatureState) made.
    #[inline]
    pub fn predict(&self, features: &Vector) -> f64 {
        let mut sums = [0.0; LANES];
        for at in (0..FEATURES).step_by(LANES) {
            for lane in 0..LANES {
                let centred = features[at + lane] - self.means[at + lane];
                sums[lane] += self.slopes[at + lane] * centred;
            }
        }
        self.bias + ((sums[0] + sums[2]) + (sums[1] + sums[3]))
    }
}
