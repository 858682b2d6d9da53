//! Waypost, a mail router for domains that live on many servers.
//!
//! The only crate that knows all others: it reads the command line and the configuration, builds
//! the parts, joins them and runs them.

mod acme;
mod address_list;
mod answers;
mod backup;
mod bridge;
mod cli;
mod config;
mod console;
mod control;
mod copy;
mod descriptors;
mod dkim;
mod doors;
mod history;
mod inquiry;
mod layout;
mod logging;
mod manual;
mod object;
mod outgoing;
mod policies;
mod remote;
mod run;
mod server;
mod sharing;
mod site_file;
mod site_key;
mod statistics;
mod time;
mod trust;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

/// The program `waypost`: reads its command line, does what it says, and tells what went wrong.
pub fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, cli::Failure::Answered) {
                // Nobody is left to hear that standard error is closed.
                let _ = writeln!(std::io::stderr(), "waypost: {failure}");
            }
            failure.exit_code()
        }
    }
}

/// Whether a text can be read as a site file; for who tries it with all kinds of octets.
#[must_use]
pub fn is_site_file(text: &str) -> bool {
    site_file::read(text).is_ok()
}
