//! When does it go.
