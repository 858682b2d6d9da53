//! The promises, and what proves each.

/// A promise: experiments of the laboratory, and tests, that break without it.
pub(crate) struct Promise {
    /// Its number in docs/promises.md.
    pub(crate) number: u8,
    /// In a few words.
    pub(crate) short: &'static str,
    /// Of the laboratory.
    pub(crate) experiments: &'static [&'static str],
    /// Of `make test`, by their names without modules.
    pub(crate) tests: &'static [&'static str],
    /// Whether it is about the account of all messages.
    pub(crate) is_counted: bool,
}

/// Every test that proves a promise, once.
pub(crate) fn tests() -> Vec<&'static str> {
    let mut all: Vec<&str> = PROMISES.iter().flat_map(|p| p.tests).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// All of them.
pub(crate) const PROMISES: [Promise; 22] = [
    Promise {
        number: 1,
        short: "what was acknowledged survives kill and power failure",
        experiments: &["kills", "calls", "cuts", "disks", "starve", "simulation"],
        tests: &[
            "every_acknowledged_message_survives_a_power_failure_at_any_moment",
            "every_acknowledged_message_survives_kill_9_under_load",
        ],
        is_counted: true,
    },
    Promise {
        number: 2,
        short: "what cannot be kept is refused for now, and nothing is half queued",
        experiments: &["calls", "errors", "starve", "disks"],
        tests: &[
            "a_full_disk_refuses_before_data_delivers_what_is_queued_and_recovers",
            "a_suspect_store_comes_back_though_results_of_deliveries_keep_coming",
            "after_a_failed_sync_nothing_is_taken_until_the_disk_is_proved",
            "large_content_that_cannot_be_written_is_refused_and_removed",
            "what_fails_is_refused_and_what_was_acknowledged_survives_that_too",
        ],
        is_counted: true,
    },
    Promise {
        number: 3,
        short: "every accepted recipient ends in exactly one way",
        experiments: &[
            "kills",
            "calls",
            "errors",
            "cuts",
            "ends",
            "starve",
            "wires",
            "simulation",
        ],
        tests: &[
            "every_recipient_ends_exactly_once",
            "every_recipient_of_every_message_ends_exactly_once",
        ],
        is_counted: true,
    },
    Promise {
        number: 4,
        short: "duplicates only of what was in flight",
        experiments: &[
            "kills",
            "calls",
            "errors",
            "cuts",
            "ends",
            "wires",
            "simulation",
        ],
        tests: &["a_lost_final_answer_is_told_from_an_early_loss"],
        is_counted: true,
    },
    Promise {
        number: 5,
        short: "no bounce for a temporary cause, no expiry without an attempt",
        experiments: &["kills", "calls", "errors", "cuts", "starve", "simulation"],
        tests: &[
            "a_clock_that_jumps_makes_nobody_old",
            "a_name_server_that_fails_defers_and_never_bounces",
            "a_queued_message_stays_queued_while_nobody_can_tell_whose_it_is",
            "nothing_expires_without_an_attempt_after_a_restart",
            "required_tls_that_is_spoilt_defers_and_says_nothing_of_the_message",
            "what_is_too_old_at_a_start_waits_an_hour_for_a_next_hop_that_is_not_there_yet",
        ],
        is_counted: false,
    },
    Promise {
        number: 6,
        short: "one bad target, message, recipient or peer delays nobody else",
        experiments: &["slow", "simulation"],
        tests: &[
            "a_full_next_hop_leaves_room_for_the_others",
            "a_silent_peer_takes_no_others_turn_however_many_ask",
            "a_target_that_says_nothing_delays_nobody_else",
            "one_recipient_s_trouble_is_not_another_s",
        ],
        is_counted: false,
    },
    Promise {
        number: 7,
        short: "only CRLF.CRLF ends a message; nothing in it becomes anything else",
        experiments: &["grammar"],
        tests: &[
            "a_lone_dot_in_a_chunk_ends_nothing_at_a_next_hop_without_chunks",
            "content_never_begins_a_second_message",
            "every_corpus_is_replayed",
            "foreign_text_creates_no_field",
            "keeps_an_event_on_one_line",
            "line_ends_in_xtext_make_no_field_in_a_report_and_no_line_in_the_log",
            "only_crlf_dot_crlf_ends_a_message_from_anybody",
            "only_crlf_dot_crlf_ends_content_in_every_short_string",
            "remote_text_is_one_printable_line",
            "what_a_next_hop_says_stays_one_line_of_log_and_report",
        ],
        is_counted: false,
    },
    Promise {
        number: 8,
        short: "the state of a transaction is replaced as a whole",
        experiments: &["grammar"],
        tests: &[
            "any_bytes_in_any_pieces_never_panic_and_stay_bounded",
            "every_end_of_a_transaction_begins_the_next_one_afresh",
            "every_reply_and_message_is_what_the_rules_say",
            "replies_do_not_depend_on_how_the_input_is_cut",
        ],
        is_counted: false,
    },
    Promise {
        number: 9,
        short: "no form of address opens a relay",
        experiments: &[],
        tests: &[
            "a_stranger_gets_the_reply_of_the_table",
            "every_verdict_keeps_the_law",
            "no_form_of_address_opens_a_relay",
            "no_way_of_writing_a_domain_in_other_characters_opens_a_relay",
        ],
        is_counted: false,
    },
    Promise {
        number: 10,
        short: "unknown recipients are refused at RCPT, or put off, never bounced by design",
        experiments: &["wires", "simulation"],
        tests: &[
            "a_site_that_is_down_makes_unknown_addresses_wait_and_cached_ones_not",
            "postfix_as_slave_can_ask_the_master_first",
            "two_sites_that_forward_unknowns_to_each_other_refuse_a_stranger_at_rcpt",
        ],
        is_counted: false,
    },
    Promise {
        number: 11,
        short: "no message visits a server twice for one recipient",
        experiments: &["wires", "beliefs", "simulation"],
        tests: &[
            "a_group_that_sends_back_under_a_new_name_ends_on_the_second_pass",
            "a_postfix_that_hands_everything_back_is_stopped_on_the_first_return",
            "every_arrangement_of_two_and_three_sites_ends_every_journey",
            "every_journey_ends",
        ],
        is_counted: false,
    },
    Promise {
        number: 12,
        short: "an answer about an address is believed only from who was asked, in time",
        experiments: &["simulation"],
        tests: &[
            "a_refusal_that_contradicts_a_delivery_is_not_believed_at_once",
            "an_answer_that_comes_twice_is_one",
            "errors_are_never_remembered",
            "what_is_not_the_answer_of_the_peer_that_was_asked_counts_as_none",
        ],
        is_counted: false,
    },
    Promise {
        number: 13,
        short: "the Minger server tells nothing without the secret, never answers an answer",
        experiments: &["simulation"],
        tests: &[
            "nothing_is_said_about_any_address_without_credentials",
            "the_worked_examples_are_read_and_verified",
            "two_sites_pointed_at_each_other_by_a_forged_datagram_fall_silent",
            "what_has_no_address_or_looks_like_an_answer_gets_no_answer",
        ],
        is_counted: false,
    },
    Promise {
        number: 14,
        short: "required TLS is required",
        experiments: &[],
        tests: &[
            "replies_in_the_clear_behind_starttls_are_not_believed",
            "required_tls_is_required",
            "required_tls_that_is_spoilt_defers_and_says_nothing_of_the_message",
            "verified_tls_believes_no_unknown_authority",
        ],
        is_counted: false,
    },
    Promise {
        number: 15,
        short: "a user sends only as himself",
        experiments: &[],
        tests: &[
            "a_header_from_is_held_to_the_same",
            "a_user_sends_as_himself_or_without_reverse_path",
            "a_user_sends_only_as_himself",
        ],
        is_counted: false,
    },
    Promise {
        number: 16,
        short: "no unauthenticated input costs more than fixed memory, time and disk",
        experiments: &["slow"],
        tests: &[
            "a_client_that_takes_no_replies_is_given_up",
            "a_flood_of_connections_from_one_address_leaves_the_others_theirs",
            "an_overlong_line_is_dropped_in_bounded_memory_and_the_next_is_read",
            "clients_that_use_up_the_descriptors_hinder_no_delivery",
            "connections_are_limited_together_and_per_client",
            "content_that_trickles_is_given_up",
            "handshakes_that_never_come_are_ended_and_hinder_nobody",
            "headers_without_measure_are_taken_as_they_are_and_cost_nobody_else",
            "keeps_little_of_an_endless_header",
            "overlong_and_broken_lines_cost_nothing_and_end_nothing",
            "recipients_are_limited_per_message",
        ],
        is_counted: false,
    },
    Promise {
        number: 17,
        short: "local delivery writes only inside the mailbox",
        experiments: &[],
        tests: &[
            "a_directory_that_is_a_link_elsewhere_is_refused",
            "a_name_is_never_a_path",
            "names_are_never_paths_or_options",
        ],
        is_counted: false,
    },
    Promise {
        number: 18,
        short: "every access is checked against role and domains; what is shown is text",
        experiments: &[],
        tests: &[
            "no_change_is_made_without_the_word_of_the_session",
            "nobody_does_what_he_may_not_whatever_he_tries",
            "nobody_touches_a_user_who_administers_more_than_he_does",
        ],
        is_counted: false,
    },
    Promise {
        number: 19,
        short: "a million queued messages: greeting in 2 s, delivery in 10 s, under 1 GB",
        experiments: &["backlog"],
        tests: &[],
        is_counted: false,
    },
    Promise {
        number: 20,
        short: "changes and upgrades are whole; the last release's queue is readable",
        experiments: &["calls"],
        tests: &[
            "a_store_of_a_newer_release_is_refused_and_left_alone",
            "a_store_of_the_first_schema_keeps_what_it_holds",
            "edits_that_are_broken_off_leave_nothing",
            "version_1_reads_as_it_was_written",
        ],
        is_counted: false,
    },
    Promise {
        number: 21,
        short: "SIGTERM: what is in flight ends, within 30 s, nothing comes twice",
        experiments: &["ends"],
        tests: &[
            "a_reload_drops_no_session",
            "a_site_ends_in_peace_while_it_is_flooded",
        ],
        is_counted: true,
    },
    Promise {
        number: 22,
        short: "every refusal, deferral, bounce and removal has its log line",
        experiments: &[],
        tests: &[
            "a_flood_of_unknown_recipients_ends_the_session_with_a_line_in_the_log",
            "every_event_and_field_has_words_in_every_language",
            "json_log_lines_carry_their_facts_as_members",
            "refusals_are_pieces_of_their_own_and_other_lines_none",
        ],
        is_counted: false,
    },
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use waypost_testkit::lab::EXPERIMENTS;

    use super::*;
    use crate::suite::AGAIN;

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn whatever_proves_a_promise_is_there() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut paths = Vec::new();
        sources(&crates, &mut paths);
        let texts: Vec<String> = paths
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .collect();
        for test in tests() {
            let written = format!("fn {test}(");
            assert!(
                texts.iter().any(|text| text.contains(&written)),
                "no test {test}"
            );
        }
        for promise in &PROMISES {
            for name in promise.experiments {
                let mut all = EXPERIMENTS.iter().chain(&AGAIN);
                assert!(all.any(|known| known.name == *name), "no experiment {name}");
            }
        }
    }

    #[test]
    fn every_promise_has_its_number_and_something_that_proves_it() {
        for (at, promise) in PROMISES.iter().enumerate() {
            assert_eq!(usize::from(promise.number), at + 1);
            assert!(!promise.tests.is_empty() || !promise.experiments.is_empty());
        }
    }
}
