//! The one way a change takes: policy, validation, audit, effect, result.
