use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Envelope, QueueId};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_328_572)
}

fn message(from: &str, to: &[&str]) -> Message {
    let lifetime = Schedule::default().lifetime;
    let recipients = to
        .iter()
        .map(|to| Recipient::new(mailbox(to), start(), start() + lifetime));
    Message {
        id: QueueId::from_number(1 << 40).unwrap(),
        arrived: start(),
        size: 100,
        envelope: Envelope {
            reverse_path: ReversePath::parse(from).unwrap(),
            params: MailParams::default(),
            side: Side::Stranger,
            client: "unknown[192.0.2.1]".into(),
            protocol: "ESMTP".into(),
            message_key: "<1@example.org>".into(),
            recipients: recipients.collect(),
            hold: None,
            signatures: String::new(),
        },
    }
}

fn way() -> Way {
    Way {
        next_hop: "old".into(),
        rule: "third-party".into(),
        ours: true,
    }
}

fn refused() -> Trouble {
    let reply = RemoteReply::new(550, [&b"5.1.1 no such user at ex7.corp.example"[..]]);
    Trouble::refused(reply)
        .at_rcpt()
        .at_host("ex7.corp.example[10.0.0.7]:25")
}

fn timeout() -> Trouble {
    Trouble::transient(4, 1, "connection timed out")
}

/// Held since before the message came.
fn held() -> End {
    End::Held(waypost_directory::Hold {
        reason: String::new(),
        since: start() - HOUR,
        until: None,
    })
}

fn taken() -> End {
    End::Taken(Taken {
        way: way(),
        action: Action::Relayed,
        host: "ex7.corp.example[10.0.0.7]:25".into(),
        reply: Some(RemoteReply::new(250, [&b"2.0.0 Ok"[..]])),
        offers_dsn: false,
        security: None,
    })
}

/// The conclusion so long after acceptance, for a sender outside.
fn after(message: &Message, age: Duration, ends: Vec<(usize, End)>) -> Conclusion {
    at(message, start() + age, start() + age, ends)
}

fn at(
    message: &Message,
    wall: SystemTime,
    steady: SystemTime,
    ends: Vec<(usize, End)>,
) -> Conclusion {
    up_for(HOUR, message, (wall, steady), ends)
}

/// The conclusion so long after the start of the server.
fn up_for(
    up: Duration,
    message: &Message,
    (wall, steady): (SystemTime, SystemTime),
    ends: Vec<(usize, End)>,
) -> Conclusion {
    let facts = Facts {
        wall,
        now: wall.min(steady),
        up,
        schedule: Schedule::default(),
        postmaster: &mailbox("postmaster@mx1.example.com"),
        leaves: &|to| to.domain.as_str() != "example.com",
        held: &|_, _| Duration::ZERO,
    };
    conclude(message, ends, &facts)
}

fn states(conclusion: &Conclusion) -> Vec<State> {
    let recipients = conclusion.message.envelope.recipients.iter();
    recipients.map(|recipient| recipient.state).collect()
}

#[test]
fn a_message_is_gone_when_everybody_has_it() {
    let message = message("<s@example.org>", &["a@example.com", "b@example.com"]);
    let done = after(&message, HOUR, vec![(0, taken()), (1, taken())]);
    assert_eq!((done.due_in, done.notifications.len()), (None, 0));
}

#[test]
fn one_report_tells_a_sender_of_all_recipients_and_masks_our_hosts() {
    let message = message(
        "<s@example.org>",
        &["a@example.com", "b@example.com", "c@example.com"],
    );
    let failed = || End::Failed(refused(), way());
    let done = after(
        &message,
        HOUR,
        vec![(0, failed()), (1, taken()), (2, failed())],
    );
    assert_eq!(
        states(&done),
        [State::Failed, State::Delivered, State::Failed]
    );
    let [notification] = &done.notifications[..] else {
        panic!("{:?}", done.notifications);
    };
    assert_eq!(notification.to, Some(mailbox("s@example.org")));
    let about = &notification.recipients;
    assert_eq!(about.len(), 2);
    assert_eq!(about[1].recipient, mailbox("c@example.com"));
    assert_eq!(about[1].remote_mta, None);
    assert_eq!(
        about[1].diagnostic.as_deref(),
        Some("550 5.1.1 no such user at ***")
    );
}

#[test]
fn a_report_that_stays_here_names_our_hosts() {
    let message = message("<s@example.com>", &["a@example.com"]);
    let done = after(&message, HOUR, vec![(0, End::Failed(refused(), way()))]);
    let about = &done.notifications[0].recipients[0];
    assert_eq!(about.remote_mta.as_deref(), Some("ex7.corp.example"));
}

#[test]
fn members_of_a_list_are_reported_to_its_owner() {
    let mut message = message("<s@example.org>", &["a@example.com", "b@example.com"]);
    let owner = ReversePath::parse("<owner@example.com>").unwrap();
    message.envelope.recipients[1].sender = Some(owner);
    let failed = || End::Failed(refused(), way());
    let done = after(&message, HOUR, vec![(0, failed()), (1, failed())]);
    let to: Vec<_> = done.notifications.iter().map(|n| n.to.clone()).collect();
    assert_eq!(
        to,
        [
            Some(mailbox("s@example.org")),
            Some(mailbox("owner@example.com"))
        ]
    );
}

#[test]
fn without_a_sender_the_postmaster_is_told_of_failures_only() {
    let message = message("<>", &["a@example.com"]);
    let done = after(&message, HOUR, vec![(0, End::Failed(refused(), way()))]);
    assert_eq!(done.notifications.len(), 1);
    assert_eq!(done.notifications[0].to, None);
    let late = after(&message, 5 * HOUR, vec![(0, End::Later(timeout(), way()))]);
    assert_eq!(late.notifications, []);
}

#[test]
fn what_the_postmaster_does_not_get_either_is_held_and_shown() {
    let message = message("<>", &["postmaster@mx1.example.com"]);
    let done = after(&message, HOUR, vec![(0, End::Failed(refused(), way()))]);
    assert_eq!(
        (states(&done), done.notifications.len()),
        (vec![State::Queued], 0)
    );
    assert!(done.message.envelope.hold.is_some() && done.due_in.is_some());
}

#[test]
fn notify_says_who_wants_to_hear_what() {
    let notify = |success, failure, delay| Notify {
        success,
        failure,
        delay,
    };
    for (asked, end, actions) in [
        (None, End::Failed(refused(), way()), vec![Action::Failed]),
        (Some(Notify::NEVER), End::Failed(refused(), way()), vec![]),
        (
            Some(notify(true, false, false)),
            taken(),
            vec![Action::Relayed],
        ),
        (Some(notify(false, true, false)), taken(), vec![]),
        (None, End::Later(timeout(), way()), vec![Action::Delayed]),
        (
            Some(notify(false, false, true)),
            End::Later(timeout(), way()),
            vec![Action::Delayed],
        ),
        (
            Some(notify(false, true, false)),
            End::Later(timeout(), way()),
            vec![],
        ),
    ] {
        let mut message = message("<s@example.org>", &["a@example.com"]);
        message.envelope.recipients[0].params.notify = asked;
        let done = after(&message, 5 * HOUR, vec![(0, end)]);
        let said: Vec<_> = (done.notifications.iter())
            .flat_map(|n| n.recipients.iter().map(|about| about.action))
            .collect();
        assert_eq!(said, actions, "{asked:?}");
    }
}

#[test]
fn a_next_hop_that_reports_by_itself_is_left_to_do_so() {
    let mut message = message("<s@example.org>", &["a@example.com"]);
    message.envelope.recipients[0].params.notify = Some(Notify {
        success: true,
        ..Notify::NEVER
    });
    let End::Taken(taken) = taken() else {
        unreachable!()
    };
    let end = End::Taken(Taken {
        offers_dsn: true,
        security: None,
        ..taken
    });
    assert_eq!(after(&message, HOUR, vec![(0, end)]).notifications, []);
}

#[test]
fn groups_expanded_at_acceptance_are_reported_once() {
    let mut message = message("<s@example.org>", &["team@example.com", "a@example.com"]);
    let group = &mut message.envelope.recipients[0];
    group.state = State::Delivered;
    group.params.notify = Some(Notify {
        success: true,
        ..Notify::NEVER
    });
    let first = after(&message, HOUR, vec![(1, End::Later(timeout(), way()))]);
    assert_eq!(
        first.notifications[0].recipients[0].action,
        Action::Expanded
    );
    let second = after(&first.message, HOUR, vec![(1, taken())]);
    assert_eq!((second.notifications.len(), second.due_in), (0, None));
}

#[test]
fn who_is_not_reached_right_after_a_start_is_not_given_up_yet() {
    let message = message("<s@example.com>", &["jdoe@example.com"]);
    let old = start() + 500 * HOUR;
    let nobody = || Trouble::transient(4, 3, "nobody said who has it");
    let suspended = || Trouble::transient(4, 1, "delivery temporarily suspended");
    let asleep = || {
        timeout()
            .at_host("ex7.corp.example[10.0.0.7]:25")
            .unopened()
    };
    let deferred = || timeout().at_host("ex7.corp.example[10.0.0.7]:25");
    for (trouble, is_reached) in [
        (nobody(), false),
        (suspended(), false),
        (asleep(), false),
        (deferred(), true),
    ] {
        let end = || vec![(0, End::Later(trouble.clone(), way()))];
        let soon = up_for(Duration::from_secs(1), &message, (old, old), end());
        assert_eq!(soon.expired.len(), usize::from(is_reached), "{trouble:?}");
        assert!(is_reached || soon.due_in <= Some(HOUR), "{trouble:?}");
        let later = up_for(HOUR, &message, (old, old), end());
        assert_eq!(later.expired, [0], "{trouble:?}");
    }
}

#[test]
fn a_delay_is_told_once_and_the_end_of_the_lifetime_is_a_failure() {
    let mut message = message("<s@example.org>", &["a@example.com"]);
    let mut age = Duration::ZERO;
    let mut said = Vec::new();
    loop {
        let done = after(&message, age, vec![(0, End::Later(timeout(), way()))]);
        for notification in &done.notifications {
            said.extend(
                notification
                    .recipients
                    .iter()
                    .map(|about| (about.action, age)),
            );
        }
        let Some(wait) = done.due_in else { break };
        message = done.message;
        age += wait;
    }
    assert_eq!(
        said,
        [(Action::Delayed, 4 * HOUR), (Action::Failed, 120 * HOUR)]
    );
}

#[test]
fn a_clock_that_jumps_makes_nobody_old() {
    let message = message("<s@example.org>", &["a@example.com"]);
    let later = || vec![(0, End::Later(timeout(), way()))];
    let (now, decade) = (start() + HOUR, 87_600 * HOUR);
    for (wall, steady) in [
        (now + decade, now),
        (now, now + decade),
        (now - 2 * HOUR, now),
    ] {
        let done = at(&message, wall, steady, later());
        assert_eq!(
            (done.notifications.len(), states(&done)),
            (0, vec![State::Queued])
        );
        assert!(done.due_in.unwrap() <= Schedule::default().retry_max);
    }
}

#[test]
fn time_under_hold_does_not_count() {
    let message = message("<s@example.org>", &["a@example.com"]);
    let first = after(&message, HOUR, vec![(0, held())]);
    // From the hold's beginning, as far as the message was there.
    assert_eq!(
        first.message.envelope.recipients[0].held_since,
        Some(start())
    );
    let again = after(&first.message, 2 * HOUR, vec![(0, held())]);
    assert_eq!(again.message, first.message);
    let tried = after(
        &again.message,
        150 * HOUR,
        vec![(0, End::Later(timeout(), way()))],
    );
    let recipient = &tried.message.envelope.recipients[0];
    assert_eq!(
        (recipient.held_for, recipient.held_since),
        (150 * HOUR, None)
    );
    assert_eq!(
        (states(&tried), tried.notifications.len()),
        (vec![State::Queued], 0)
    );
    let mut whole = tried.message;
    whole.envelope.hold = Some(Hold {
        reason: String::new(),
        by: "ann".into(),
        since: start() + 150 * HOUR,
        until: None,
    });
    release(&mut whole, start() + 350 * HOUR);
    let last = after(&whole, 354 * HOUR, vec![(0, End::Later(timeout(), way()))]);
    assert_eq!(
        (states(&last), last.notifications.len()),
        (vec![State::Queued], 1)
    );
}

#[test]
fn a_contradiction_is_tried_again_for_four_hours() {
    let mut message = message("<s@example.org>", &["a@example.com"]);
    let mut age = HOUR;
    let end = loop {
        let done = after(
            &message,
            age,
            vec![(0, End::Contradicted(refused(), way()))],
        );
        let Some(wait) = done.due_in else {
            break done;
        };
        message = done.message;
        age += wait;
    };
    assert_eq!((age, states(&end)), (5 * HOUR, vec![State::Failed]));
    let about = &end.notifications[0].recipients[0];
    assert_eq!(
        (about.action, about.status),
        (Action::Failed, EnhancedStatus::new(5, 1, 1))
    );
}

#[test]
fn a_group_found_in_the_queue_goes_on_to_its_members() {
    let message = message("<s@example.org>", &["team@example.com"]);
    let member = Recipient::new(mailbox("a@example.com"), start(), start() + 120 * HOUR);
    let end = End::Expanded(vec![member], None);
    let done = after(&message, HOUR, vec![(0, end)]);
    assert_eq!(states(&done), [State::Delivered, State::Queued]);
    assert_eq!(done.due_in, Some(Duration::ZERO));
}

#[test]
fn a_recipient_goes_to_another_server_at_once_the_first_time_and_then_waits_like_any_other() {
    let mut message = message("<s@example.org>", &["a@example.com"]);
    let rerouted = |next_hop: &str| {
        let next_hop = next_hop.to_owned();
        vec![(0, End::Rerouted(refused(), Way { next_hop, ..way() }))]
    };
    let done = after(&message, HOUR, rerouted("one"));
    assert_eq!(done.due_in, Some(Duration::ZERO));
    message = done.message;
    let done = after(&message, HOUR, rerouted("other"));
    assert!(done.due_in.is_some_and(|wait| wait > Duration::ZERO));
    let done = after(&done.message, HOUR * 5, rerouted("one"));
    assert_eq!(states(&done), [State::Failed], "four hours, and no longer");
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(taken()),
        Just(End::Failed(refused(), way())),
        Just(End::Later(timeout(), way())),
        Just(End::Contradicted(refused(), way())),
        Just(held()),
        Just(End::Parked),
        Just(End::Rerouted(refused(), way())),
    ]
}

proptest! {
    /// Promise 3: every recipient ends exactly once, and nobody is reported failed who was not.
    #[test]
    fn every_recipient_ends_exactly_once(
        null in any::<bool>(),
        rounds in proptest::collection::vec(
            (proptest::collection::vec(any_end(), 3), 0_u64..30), 1..40),
    ) {
        let from = if null { "<>" } else { "<s@example.org>" };
        let mut message = message(from, &["a@example.com", "b@example.com", "c@example.com"]);
        let mut ended = [0; 3];
        let mut reported = [0; 3];
        let mut age = Duration::ZERO;
        for (ends, hours) in rounds {
            age += HOUR * u32::try_from(hours).unwrap();
            let before = message.clone();
            let done = after(&message, age, ends.into_iter().enumerate().collect());
            for (index, recipient) in done.message.envelope.recipients.iter().enumerate() {
                let old = &before.envelope.recipients[index];
                if old.state != State::Queued {
                    prop_assert_eq!(old, recipient);
                } else if recipient.state != State::Queued {
                    ended[index] += 1;
                }
                let failed = done.notifications.iter().flat_map(|n| &n.recipients)
                    .filter(|a| a.action == Action::Failed && a.recipient == recipient.address);
                let failed = failed.count();
                reported[index] += failed;
                let fails_now = old.state == State::Queued && recipient.state == State::Failed;
                prop_assert_eq!(failed, usize::from(fails_now));
            }
            let queued = states(&done).contains(&State::Queued);
            prop_assert_eq!(queued, done.due_in.is_some());
            message = done.message;
        }
        prop_assert!(ended.iter().all(|n| *n <= 1) && reported.iter().all(|n| *n <= 1));
    }
}

#[test]
fn a_hold_that_has_ended_meanwhile_makes_nobody_wait() {
    let message = message("<s@example.org>", &["a@one.example"]);
    let ends_in = |until: Duration| {
        let hold = waypost_directory::Hold {
            reason: String::new(),
            since: start() - HOUR,
            until: Some(start() + until),
        };
        after(&message, HOUR, vec![(0, End::Held(hold))]).due_in
    };
    assert_eq!(ends_in(2 * HOUR), Some(HOUR));
    assert_eq!(ends_in(HOUR), Some(Duration::ZERO));
    assert_eq!(ends_in(HOUR / 2), Some(Duration::ZERO));
}
