//! `[minger]`: read and checked, so that a file for a later version is no error; nothing runs.

use std::time::Duration;

use waypost_proto::net::Network;

use crate::config::raw::{Reader, live};

/// Who may ask this server about addresses. Nothing answers in this version.
pub(crate) struct Minger;

/// Shorter secrets can be guessed from one query.
const LEAST_SECRET_CHARACTERS: usize = 16;

impl Minger {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut minger = reader.section(
            "minger",
            "Who may ask this server about its addresses, and how. Used once listen.minger can be \
             set; this version only checks what is written here.",
        );
        let secrets = minger.secrets(live(
            "secrets",
            "Any of these is accepted from who asks; several for rotation. At least 16 characters.",
        ));
        if secrets
            .iter()
            .any(|secret| secret.expose().chars().count() < LEAST_SECRET_CHARACTERS)
        {
            let mend = "write one of at least 16 characters";
            minger.refuse("secrets", "found a secret that is too short", mend);
        }
        minger.get(
            live("anonymous", "Whether who has no secret gets an answer."),
            false,
        );
        minger.parsed_list(
            live(
                "allow",
                "Networks that get an answer at all; peers always do.",
            ),
            &["0.0.0.0/0", "::/0"],
            "a network such as \"192.0.2.0/24\"",
            |text| Network::parse(text).ok(),
        );
        minger.get(
            live(
                "outside_aliases_active",
                "Whether an alias counts as an address that exists.",
            ),
            true,
        );
        minger.within(
            live(
                "timeout",
                "How long an answer of another server is waited for.",
            ),
            Duration::from_secs(5),
            Duration::from_millis(100)..=Duration::from_secs(60),
        );
        Self
    }
}
