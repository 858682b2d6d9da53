//! Drives an SMTP server session over a stream.
