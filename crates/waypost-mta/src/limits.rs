//! Every limit of listeners and sessions, with the field's defaults.
//!
//! Limits of the protocol itself (line lengths, RFC 5321 §4.5.3) are in `proto::smtp::limits`.

use std::time::Duration;

/// What one client, and all together, may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message (RFC 1870).
    pub message_size: u64,
    /// `Received` fields before a message counts as looping (RFC 5321 §6.3).
    pub max_hops: usize,
    /// Recipients of one message (RFC 5321 §4.5.3.1.8 asks for 100 at least).
    pub recipients: usize,
    /// Final members that groups of one message may expand to.
    pub expanded_recipients: usize,
    /// Connections open at once, all clients together.
    pub connections: usize,
    /// Connections open at once from one address; trusted networks have the overall limit only.
    pub connections_per_client: usize,
    /// New connections per minute from one address; 0: no limit; trusted networks have none.
    pub connection_rate: u32,
    /// Messages per minute from one address; 0: no limit; trusted networks have none.
    pub message_rate: u32,
    /// Recipients per minute that nobody has, from one stranger's address, before its sessions are
    /// ended; 0: no limit.
    pub unknown_rate: u32,
    /// Refused or unknown commands before the session is ended.
    pub errors: usize,
    /// Messages on one connection before the session is ended; 0: no limit.
    pub messages_per_connection: usize,
    /// Failed logins of one session before it is ended.
    pub login_failures: usize,
    /// Waiting time of a failed login, doubled with every further one of the same client.
    pub login_delay: Duration,
    /// The longest such waiting time.
    pub login_delay_max: Duration,
    /// Waiting for a command (RFC 5321 §4.5.3.2.7).
    pub command_timeout: Duration,
    /// Waiting for the next piece of content (RFC 5321 §4.5.3.2.5).
    pub data_timeout: Duration,
    /// Waiting for the client to take a reply.
    pub write_timeout: Duration,
    /// A TLS handshake, or a PROXY header.
    pub handshake_timeout: Duration,
    /// Bytes per second below which content is too slow, after one `data_timeout`.
    pub data_rate_min: u64,
    /// How long sessions may go on when the server ends.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 50 << 20,
            max_hops: 30,
            recipients: 1000,
            expanded_recipients: 10_000,
            connections: 10_000,
            connections_per_client: 50,
            connection_rate: 0,
            message_rate: 0,
            unknown_rate: 300,
            errors: 20,
            messages_per_connection: 0,
            login_failures: 5,
            login_delay: Duration::from_secs(1),
            login_delay_max: Duration::from_secs(30),
            command_timeout: Duration::from_mins(5),
            data_timeout: Duration::from_mins(3),
            write_timeout: Duration::from_mins(5),
            handshake_timeout: Duration::from_secs(30),
            data_rate_min: 100,
            shutdown_grace: Duration::from_secs(20),
        }
    }
}
