//! The trace field: where a recipient has already been sent.
