//! Every size, time and count that bounds a peer.
