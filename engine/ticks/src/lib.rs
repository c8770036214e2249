//! Files of ticks and snapshots as vendors write them, read onto one record.
#![forbid(unsafe_code)]
