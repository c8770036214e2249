//! (opens with its model)
