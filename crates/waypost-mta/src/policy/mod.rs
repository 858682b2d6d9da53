//! May it come in.
