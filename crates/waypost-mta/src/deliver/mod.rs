//! One attempt to hand a message to a next hop.
