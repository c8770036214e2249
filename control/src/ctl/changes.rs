//! Rows of limits and parameters on the command line.

use serde_json::{Value, json};

use crate::failure::Failure;

/// A change of limits or parameters.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Rows {
    /// Set a value: TABLE/SCOPE/KEY=VALUE, as symbol/AAPL/qty_max=500, account/0/gross_max=10000,
    /// strategy/*/entry=1; several times.
    #[arg(long, value_name = "ROW=VALUE")]
    pub set: Vec<String>,
    /// Go back to the configuration file's value: TABLE/SCOPE/KEY; several times.
    #[arg(long, value_name = "ROW")]
    pub unset: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: Option<String>,
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Change only this version; without it the one that is current now.
    #[arg(long, value_name = "ETAG")]
    pub if_match: Option<String>,
}

impl Rows {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// The body of the request.
    ///
    /// # Errors
    /// A row is not one, or there is no reason.
    pub fn body(&self) -> Result<Value, Failure> {
        let reason = self.reason.as_deref().ok_or_else(|| Failure::usage("--reason is missing"))?;
        let set = self.set.iter().map(|text| {
            let wrong = || Failure::usage(format!("--set {text}: write TABLE/SCOPE/KEY=VALUE"));
            let (place, value) = text.rsplit_once('=').ok_or_else(wrong)?;
            let mut row = row(place).ok_or_else(wrong)?;
            row["value"] = scalar(value).ok_or_else(wrong)?;
            Ok(row)
        });
        let unset = self.unset.iter().map(|text| {
            row(text)
                .ok_or_else(|| Failure::usage(format!("--unset {text}: write TABLE/SCOPE/KEY")))
        });
        let set: Vec<Value> = set.collect::<Result<_, Failure>>()?;
        let unset: Vec<Value> = unset.collect::<Result<_, Failure>>()?;
        Ok(json!({ "set": set, "unset": unset, "reason": reason }))
    }
}

fn row(text: &str) -> Option<Value> {
    let mut parts = text.split('/');
    let (table, scope, key) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && ![table, scope, key].contains(&"");
    let scope = match table {
        "account" if scope.bytes().all(|byte| byte.is_ascii_digit()) => format!("account {scope}"),
        _ => scope.to_owned(),
    };
    whole.then(|| json!({ "table": table, "scope": scope, "key": key }))
}

fn scalar(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_number() || value.is_boolean()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_places_with_values() {
        let rows = Rows {
            set: vec!["symbol/AAPL/qty_max=5".into(), "account/0/rate_per_s=1.5".into()],
            unset: vec!["strategy/*/entry".into()],
            reason: Some("r".into()),
            ..Rows::default()
        };
        let want = json!({"set": [
            {"table": "symbol", "scope": "AAPL", "key": "qty_max", "value": 5},
            {"table": "account", "scope": "account 0", "key": "rate_per_s", "value": 1.5}],
            "unset": [{"table": "strategy", "scope": "*", "key": "entry"}], "reason": "r"});
        assert_eq!(rows.body().unwrap(), want);
        for wrong in ["a/b=1", "a/b/c", "a/b/c=", "a/b/c=x", "a/b/c/d=1", "//=1", "a/b/c={}"] {
            let rows =
                Rows { set: vec![wrong.into()], reason: Some("r".into()), ..Rows::default() };
            assert!(rows.body().is_err(), "{wrong}");
        }
    }
}
