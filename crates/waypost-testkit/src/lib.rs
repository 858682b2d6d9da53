//! What tests need: scripted peers, launchers of real servers, ledgers.

pub mod abroad;
pub mod chance;
pub mod dialogue;
pub mod dovecot;
pub mod http;
pub mod lab;
pub mod ledger;
pub mod loop_disk;
pub mod maildir;
pub mod minger;
pub mod name_server;
pub mod overheard;
pub mod pebble;
pub mod peer;
pub mod place;
pub mod policy_host;
pub mod postfix;
pub mod room;
pub mod site;
pub mod small_disk;
pub mod tls;
pub mod transcript;
pub mod unit;
pub mod wait;
