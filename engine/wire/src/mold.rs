//! (opens with its table)
