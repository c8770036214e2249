//! Sizes as sums of named holders.

use std::fmt;

/// Who holds how many of something (bytes, frames, slots), and the sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    rows: Vec<(String, u64)>,
}

impl Budget {
    /// Nobody holds anything.
    pub fn new() -> Budget {
        Budget::default()
    }

    /// Adds what `holder` may hold.
    #[must_use]
    pub fn add(mut self, holder: impl Into<String>, amount: u64) -> Budget {
        self.rows.push((holder.into(), amount));
        self
    }

    /// The holders, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rows.iter().map(|(holder, amount)| (holder.as_str(), *amount))
    }

    /// The sum.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, amount)| sum.saturating_add(amount))
    }

    /// Whether the sum is `size`.
    ///
    /// # Errors
    /// It is not; the message shows all holders.
    pub fn check(&self, size: u64) -> Result<(), String> {
        if self.total() == size {
            return Ok(());
        }
        Err(format!("the size is {size}, its holders' sum {}:\n{self}", self.total()))
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (holder, amount) in self.iter() {
            writeln!(f, "{holder:<32}{amount:>16}")?;
        }
        writeln!(f, "{:<32}{:>16}", "sum", self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_the_sum_of_its_holders_or_says_who_they_are() {
        let frames =
            Budget::new().add("fill ring", 2_048).add("receive ring", 2_048).add("burst", 64);
        assert_eq!(frames.check(4_160), Ok(()));
        let said = frames.check(4_096).expect_err("64 short");
        assert!(said.contains("4096") && said.contains("4160") && said.contains("burst"), "{said}");
        assert_eq!(Budget::new().add("a", u64::MAX).add("b", 1).total(), u64::MAX);
    }
}
