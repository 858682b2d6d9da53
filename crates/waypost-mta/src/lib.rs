//! The mail transfer agent: a line from a listener to the next hop.
//!
//! ```text
//!       peer                                                                    next hop
//!        │ bytes                                                                   ▲ bytes
//!        ▼                                                                         │
//!   ┌────────┐  ┌─────────┐  ┌────────┐  ┌───────┐  ┌───────┐  ┌───────┐  ┌─────────┐
//!   │listener│─▶│ session │─▶│ policy │─▶│resolve│─▶│ spool │─▶│ queue │─▶│ deliver │
//!   └────────┘  └─────────┘  └────────┘  └───────┘  └───────┘  └───────┘  └─────────┘
//!                drives       pure, fed   pure       durable    when       drives
//!                proto::      by facts    Verdict    Committed  (resolves  proto::
//!                smtp::server                         ▲          again)    smtp::client
//!                                                     └─ bounce ◀── Outcome ──┘
//! ```
//!
//! Beside the line, for whoever needs them: [`asking`], [`auth`], [`clock`], [`dns`], [`event`],
//! [`limits`], [`minger`], [`net`], [`sign`], [`tls`] and [`trace`]. The parts are joined by the
//! program that runs them: sessions know of the queue only that somebody takes charge of messages
//! ([`custody`]).

pub mod asking;
pub mod auth;
mod blocking;
pub mod bounce;
pub mod clock;
pub mod custody;
pub mod deliver;
pub mod dns;
pub mod event;
pub mod flow;
pub mod limits;
pub mod listener;
pub mod metrics;
pub mod minger;
pub mod net;
pub mod policy;
pub mod queue;
pub mod resolve;
pub mod session;
pub mod sign;
pub mod tls;
pub mod trace;
