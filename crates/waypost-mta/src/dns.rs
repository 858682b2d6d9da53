//! The only user of the resolver library.
