//! Market rules as data: dated rule files, calendars, tick tables, auctions, fees.
#![forbid(unsafe_code)]
