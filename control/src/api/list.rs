//! Lists: pages with a cursor to go on.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Items on a page when nothing is asked for.
pub const LIMIT: u32 = 100;
/// Most items on a page.
pub const LIMIT_MAX: u32 = 1_000;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null: this was the last.
    pub next: Option<String>,
}

/// Which page; add it to a query record by its two fields where that has more.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Cursor {
    /// Most items on the page, 1 to 1000; 100 when left out.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl Cursor {
    /// The number of items asked for.
    ///
    /// # Errors
    /// It is 0 or too large.
    pub fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }

    /// The cursor as a position in a list that does not change its order; 0 for the first page.
    ///
    /// # Errors
    /// It is not one that a page gave.
    pub fn position(&self) -> Result<u64, Problem> {
        position(self.cursor.as_deref())
    }
}

/// The number of items asked for.
///
/// # Errors
/// It is 0 or too large.
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => Ok(limit as usize),
        other => {
            let detail = format!("limit is {other}, want 1 to {LIMIT_MAX}");
            Err(Problem::invalid(detail.clone()).field("limit", detail))
        }
    }
}

/// A cursor that is a number.
///
/// # Errors
/// It is not one that a page gave.
pub fn position(cursor: Option<&str>) -> Result<u64, Problem> {
    let Some(cursor) = cursor else { return Ok(0) };
    let bad = || {
        Problem::invalid("cursor: not one that a page gave")
            .field("cursor", "take `next` of the page before, as it is")
    };
    let digits = !cursor.is_empty() && cursor.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| cursor.parse().ok()).flatten().ok_or_else(bad)
}

impl<T> Page<T> {
    /// A page of a list that is at hand as a whole: from the cursor on.
    ///
    /// # Errors
    /// The cursor or the limit is bad.
    pub fn of(all: Vec<T>, page: &Cursor) -> Result<Page<T>, Problem> {
        let (limit, from) = (page.limit()?, page.position()?);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let more = all.len() > from.saturating_add(limit);
        let items = all.into_iter().skip(from).take(limit).collect();
        Ok(Page { items, next: more.then(|| (from + limit).to_string()) })
    }

    /// A page of a list whose items come and go, each with a number that stays its own: in the order
    /// of the numbers, from above the cursor on. What is there all the while is seen once.
    ///
    /// # Errors
    /// The cursor or the limit is bad.
    pub fn above(
        mut all: Vec<T>,
        page: &Cursor,
        number: impl Fn(&T) -> u64,
    ) -> Result<Page<T>, Problem> {
        let (limit, last) = (page.limit()?, page.position()?);
        if page.cursor.is_some() {
            all.retain(|item| number(item) > last);
        }
        all.sort_by_key(&number);
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(|item| number(item).to_string());
        Ok(Page { items: all, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_come_and_go_are_neither_skipped_nor_repeated() {
        let page = |all: &[u64], cursor: Option<String>| {
            let asked = Cursor { limit: Some(2), cursor };
            Page::above(all.to_vec(), &asked, |n| *n).expect("good")
        };
        let first = page(&[0, 9, 4, 7], None);
        assert_eq!((&first.items[..], first.next.as_deref()), (&[0, 4][..], Some("4")));
        // Two that were shown are gone, one came.
        let second = page(&[9, 12, 7], first.next);
        assert_eq!((&second.items[..], second.next.as_deref()), (&[7, 9][..], Some("9")));
        let third = page(&[12], second.next);
        assert_eq!((&third.items[..], third.next), (&[12][..], None));
        let bad = Cursor { limit: None, cursor: Some("x".into()) };
        assert!(Page::above(vec![1_u64], &bad, |n| *n).is_err());
    }
}
