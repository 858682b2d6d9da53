//! The whole program over the network and through its own commands: one test binary, one module
//! per behaviour.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end here")]

mod accounts;
mod acme;
mod administration;
mod cache;
mod callers;
mod commands;
mod complaints;
mod console;
mod console_logins;
mod cut_through;
mod dane;
mod delivery;
mod directory;
mod disk;
mod dns;
mod gateway;
mod history;
mod holds;
mod hostile;
mod https;
mod interop;
mod kills;
mod limits;
mod logins;
mod loops;
mod make_run;
mod manual;
mod minger;
mod mta_sts;
mod notify;
mod objections;
mod objects;
mod peers;
mod previews;
mod remote;
mod reports;
mod retries;
mod rights;
mod rights_table;
mod routing;
mod screens;
mod secured;
mod sharing;
mod signing;
mod smart_host;
mod split;
mod submission;
mod targets;
mod transcripts;
mod unit;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_waypost");

/// A small message with this subject.
fn message(subject: &str) -> String {
    format!("From: sender@elsewhere.test\r\nSubject: {subject}\r\n\r\nHello.\r\n")
}
