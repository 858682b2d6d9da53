//! The whole queue on a real spool, with scripted routes and next hops and a clock moved by hand.

mod through;
mod verbs;
mod world;

use std::time::Duration;

use waypost_proto::smtp::params::Notify;
use waypost_spool::State;
use world::{AUTHORITY, Says, World};

use super::control::Standing;
use super::route::TargetFacts;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_fresh_message_is_delivered_and_gone() {
    let world = World::new();
    world.send("<s@example.org>", &["a@one.example"]);
    world.until_empty().await;
    assert_eq!(
        world.deliveries(),
        ["target:1 <s@example.org> a@one.example"]
    );
}

#[tokio::test]
async fn each_next_hop_gets_one_copy_and_each_address_once() {
    let world = World::new();
    world.rewrite("alias@one.example", "a@one.example");
    let to = [
        "a@one.example",
        "b@two.example",
        "alias@one.example",
        "c@one.example",
    ];
    world.send("<s@example.org>", &to);
    world.until_empty().await;
    let mut copies = world.deliveries();
    copies.sort();
    assert_eq!(
        copies,
        [
            "target:1 <s@example.org> a@one.example c@one.example",
            "target:2 <s@example.org> b@two.example"
        ]
    );
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_after_five_minutes() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    let id = world.send("<s@example.org>", &["a@one.example"]);
    world.until_deferred(1).await;
    let last = world
        .handle
        .show(id)
        .await
        .unwrap()
        .message
        .envelope
        .recipients[0]
        .clone();
    assert_eq!(
        (last.attempts, last.last.unwrap().next_hop),
        (1, "target-1".to_owned())
    );
    world.advance(5 * MINUTE - Duration::from_secs(1));
    assert_eq!(world.attempts(), 1);
    world.says("a@one.example", Says::Yes);
    world.advance(Duration::from_secs(1));
    world.until_empty().await;
    assert_eq!(world.attempts(), 2);
}

#[tokio::test]
async fn refused_recipients_are_reported_once_to_their_sender() {
    let world = World::new();
    world.says("a@one.example", Says::No);
    world.says("b@two.example", Says::No);
    world.send(
        "<s@six.example>",
        &["a@one.example", "b@two.example", "c@one.example"],
    );
    world.until_empty().await;
    let reports = world.contents_for("s@six.example");
    assert_eq!(reports.len(), 1);
    for line in [
        "Final-Recipient: rfc822;a@one.example",
        "Final-Recipient: rfc822;b@two.example",
    ] {
        assert!(reports[0].contains(line), "{}", reports[0]);
    }
    assert!(!reports[0].contains("Final-Recipient: rfc822;c@one.example"));
}

#[tokio::test]
async fn a_bounce_of_a_bounce_goes_to_the_postmaster_only() {
    let world = World::new();
    world.says("a@one.example", Says::No);
    world.says("s@six.example", Says::No);
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_empty().await;
    assert_eq!(world.contents_for("postmaster@mx1.example.com").len(), 1);
    assert_eq!(world.attempts(), 3);
}

#[tokio::test]
async fn a_stalled_target_delays_nobody_else() {
    let world = World::new();
    world.stall(1);
    world.send_many(200, "<s@example.org>", &["a@one.example"]);
    world.send_many(50, "<s@example.org>", &["b@two.example", "a@one.example"]);
    world.until(|| world.taken_by("target:2") == 50).await;
    assert_eq!(world.taken_by("target:1"), 0);
    world.release(1);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:1"), 250);
}

#[tokio::test]
async fn a_dead_target_is_tried_by_one_and_everybody_follows_when_it_is_back() {
    let world = World::new();
    world.dead(1, true);
    world.send_many(300, "<s@example.org>", &["a@one.example"]);
    world.until_deferred(300).await;
    let connections = world.attempts();
    assert!(connections <= 2, "{connections} for 300 messages");
    world.advance(MINUTE);
    world.until(|| world.attempts() == connections + 1).await;
    world.until_deferred(300).await;
    world.dead(1, false);
    world.advance(2 * MINUTE);
    world.until_empty().await;
    assert_eq!(world.attempts(), connections + 301);
}

#[tokio::test]
async fn a_restarted_queue_goes_on_with_what_is_in_the_spool() {
    let mut world = World::new();
    world.says("a@one.example", Says::Later);
    world.says("b@two.example", Says::Later);
    world.send("<s@example.org>", &["a@one.example", "c@one.example"]);
    world.send("<s@example.org>", &["b@two.example"]);
    world.until_deferred(2).await;
    world.says("a@one.example", Says::Yes);
    world.says("b@two.example", Says::Yes);
    world.restart().await;
    world.advance(5 * MINUTE);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:1") + world.taken_by("target:2"), 3);
}

#[tokio::test]
async fn a_user_who_moved_takes_his_waiting_mail_along() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.send("<s@example.org>", &["a@one.example"]);
    world.until_deferred(1).await;
    world.route("a@one.example", 2);
    world.says("a@one.example", Says::Yes);
    world.advance(5 * MINUTE);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:2"), 1);
}

#[tokio::test]
async fn a_contradiction_is_held_and_tried_again_or_goes_where_the_user_is() {
    let world = World::new();
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_empty().await;
    world.says("a@one.example", Says::No);
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(1).await;
    world.route_when_asked("a@one.example", 2);
    world.says_at("target:2", "a@one.example", Says::Yes);
    world.advance(5 * MINUTE);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:2"), 1);
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

#[tokio::test]
async fn what_was_taken_is_recorded_while_the_authorities_are_asked_about_another() {
    let world = World::new();
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_empty().await;
    world.says("a@one.example", Says::No);
    world.stall(AUTHORITY);
    let id = world.send("<s@six.example>", &["a@one.example", "b@two.example"]);
    let half = [State::Queued, State::Delivered];
    world.until(|| world.states_in_spool(id) == half).await;
    assert_eq!(world.taken_by("target:2"), 1);
    world.refuse_when_asked("a@one.example");
    world.release(AUTHORITY);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:2"), 1);
}

#[tokio::test]
async fn a_contradicted_address_that_nobody_has_any_more_is_reported() {
    let world = World::new();
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_empty().await;
    world.says("a@one.example", Says::No);
    world.refuse_when_asked("a@one.example");
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_empty().await;
    assert_eq!(world.contents_for("s@six.example").len(), 1);
}

#[tokio::test]
async fn the_smart_host_takes_over_only_where_the_target_says_so() {
    let world = World::new();
    world.dead(1, true);
    world.dead(2, true);
    world.target(TargetFacts {
        name: "target-2".into(),
        connections: 2,
        smart_host_on_error: true,
        cut_through: true,
    });
    world.send("<s@example.org>", &["a@one.example", "b@two.example"]);
    world.until_deferred(1).await;
    assert_eq!(world.taken_by("smart-host"), 1);
    world.dead(1, false);
    world.advance(MINUTE);
    world.advance(5 * MINUTE);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:1"), 1);
}

#[tokio::test]
async fn success_is_reported_where_the_next_hop_does_not() {
    let world = World::new();
    let success = Notify {
        success: true,
        ..Notify::NEVER
    };
    world.send_with("<s@six.example>", &["a@one.example"], |recipient| {
        recipient.params.notify = Some(success);
    });
    world.until_empty().await;
    let reports = world.contents_for("s@six.example");
    assert!(reports.len() == 1 && reports[0].contains("Action: relayed"));
}

#[tokio::test]
async fn a_bug_in_a_delivery_holds_its_message_and_nothing_else() {
    let world = World::new();
    world.says("a@one.example", Says::Panic);
    let id = world.send("<s@example.org>", &["a@one.example"]);
    world.send_many(5, "<s@example.org>", &["b@one.example"]);
    world.until_deferred(1).await;
    assert_eq!(world.taken_by("target:1"), 5);
    let listed = world.handle.show(id).await.unwrap();
    assert_eq!(listed.standing, Standing::Held);
    assert_eq!(listed.message.envelope.recipients[0].state, State::Queued);
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_bounces_nothing() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(1).await;
    world.jump(world.wall() + 1000 * HOUR);
    world.advance(5 * MINUTE);
    world.until(|| world.attempts() == 2).await;
    world.until_deferred(1).await;
    world.jump(world.wall() - 3000 * HOUR);
    world.advance(10 * MINUTE);
    world.until(|| world.attempts() == 3).await;
    world.until_deferred(1).await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

#[tokio::test]
async fn what_came_while_the_clock_was_set_back_is_no_older_when_it_is_right_again() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.jump(world.wall() - 3000 * HOUR);
    world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(1).await;
    world.jump(world.wall() + 3000 * HOUR);
    world.advance(5 * MINUTE);
    world.until(|| world.attempts() == 2).await;
    world.until_deferred(1).await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
    // It is given up when its time is over, all the same.
    world.advance(200 * HOUR);
    world.until(|| world.attempts() > 2).await;
    world.until_empty().await;
    assert_eq!(world.contents_for("s@six.example").len(), 1);
}

#[tokio::test]
async fn what_came_while_the_clock_was_set_back_is_no_older_after_a_restart_either() {
    let mut world = World::new();
    world.says("a@one.example", Says::Later);
    let right = world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(1).await;
    world.jump(world.wall() - 3000 * HOUR);
    let wrong = world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(2).await;
    assert!(right < wrong, "ids never go back");
    world.jump(world.wall() + 3000 * HOUR);
    world.restart().await;
    // It is due at once, by a date so long ago.
    world.until(|| world.attempts() > 2).await;
    world.until_deferred(2).await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

#[tokio::test]
async fn what_is_too_old_at_a_start_waits_an_hour_for_a_next_hop_that_is_not_there_yet() {
    let mut world = World::new();
    world.dead(1, true);
    world.send_many(3, "<s@six.example>", &["a@one.example"]);
    world.until_deferred(3).await;
    let before = world.attempts();
    world.jump(world.wall() + 1000 * HOUR);
    world.restart().await;
    world.until(|| world.attempts() > before).await;
    world.until_deferred(3).await;
    let told = |what: &str| {
        let reports = world.contents_for("s@six.example");
        reports
            .iter()
            .filter(|report| report.contains(what))
            .count()
    };
    assert_eq!((told("Action: delayed"), told("Action: failed")), (3, 0));
    world.advance(HOUR);
    world.until_empty().await;
    assert_eq!(told("Action: failed"), 3);
}

#[tokio::test]
async fn a_full_next_hop_parks_and_comes_back() {
    let world = World::new();
    world.stall(1);
    let count = super::READY_MAX / 2 + 500;
    world.send_many(count, "<s@example.org>", &["a@one.example"]);
    world.send("<s@example.org>", &["b@two.example"]);
    world.until(|| world.taken_by("target:2") == 1).await;
    world.release(1);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:1"), count);
}

#[tokio::test]
async fn stopping_lets_attempts_end_and_starts_no_other() {
    let world = World::new();
    world.stall(1);
    world.send_many(10, "<s@example.org>", &["a@one.example"]);
    world.until(|| world.attempts() == 2).await;
    let stopping = tokio::spawn({
        let handle = world.handle.clone();
        async move { handle.stop(Duration::from_secs(20)).await }
    });
    world.until(|| world.is_stopping()).await;
    world.release(1);
    stopping.await.unwrap();
    assert_eq!(world.taken_by("target:1"), 2);
    assert_eq!(world.in_spool(), 8);
}

/// Promise 3, with servers that change their minds and restarts in between.
#[tokio::test]
async fn every_recipient_of_every_message_ends_exactly_once() {
    const RECIPIENTS: usize = 60;
    let mut world = World::new();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let domains = ["one.example", "two.example"];
    let address = |n: usize| format!("u{n}@{}", domains[n % 2]);
    let all: Vec<String> = (0..RECIPIENTS).map(address).collect();
    for some in all.chunks(5) {
        let to: Vec<&str> = some.iter().map(String::as_str).collect();
        to.iter().for_each(|to| world.says(to, Says::Later));
        world.send("<s@six.example>", &to);
    }
    let messages = RECIPIENTS / 5;
    world.until_deferred(messages).await;
    let mut fates = [Says::Later; RECIPIENTS];
    for round in 0..12 {
        for (fate, address) in fates.iter_mut().zip(&all) {
            if *fate == Says::Later {
                *fate = [Says::Later, Says::Later, Says::No, Says::Yes][next(4) as usize];
                world.says(address, *fate);
            }
        }
        world.dead(1, next(3) == 0);
        if round % 3 == 2 {
            world.restart().await;
        }
        world.advance(70 * MINUTE);
        world
            .until(|| world.handle.len().0 == 0 && world.nothing_due())
            .await;
    }
    world.dead(1, false);
    // What still waits then is given up.
    for _ in 0..3 {
        world.advance(130 * HOUR);
        world
            .until(|| world.handle.len().0 == 0 && world.nothing_due())
            .await;
    }
    world.until_empty().await;
    let reports = world.contents_for("s@six.example").concat();
    for (fate, address) in fates.iter().zip(&all) {
        let recipient = format!("Final-Recipient: rfc822;{address}\r\nAction: failed");
        let failed = reports.matches(&recipient).count();
        let taken = world.contents_for(address).len();
        assert_eq!(
            taken + failed,
            1,
            "{address} {fate:?}: {taken} taken, {failed} failed"
        );
        assert_eq!(taken == 1, *fate == Says::Yes, "{address} {fate:?}");
    }
}
