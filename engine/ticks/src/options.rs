//! What a reading is asked for.

use nofx_types::{Date, Market, Symbol};

use crate::Layout;

/// What a reading is asked for; the default takes everything and recognises the layout.
#[derive(Clone, Debug)]
pub struct TickOptions {
    /// The user's own layout; none recognises the built-in ones by their column names.
    pub layout: Option<Layout>,
    /// Day of files whose rows name none. Without it a day that stands in the file's path (eight
    /// digits that are a day) is taken.
    pub date: Option<Date>,
    /// Keep this market only.
    pub market: Option<Market>,
    /// Keep these securities only; none keeps all.
    pub symbols: Vec<Symbol>,
    /// Smallest price step of the securities in 1/10,000; a price between two steps is bad. Without
    /// it the code tells ([`price_step`](crate::price_step)); 0 checks nothing.
    pub price_step: Option<i64>,
    /// Bad rows that are kept for the report; all are counted.
    pub bad_rows_kept: usize,
}

impl Default for TickOptions {
    fn default() -> Self {
        TickOptions {
            layout: None,
            date: None,
            market: None,
            symbols: Vec::new(),
            price_step: None,
            bad_rows_kept: 20,
        }
    }
}
