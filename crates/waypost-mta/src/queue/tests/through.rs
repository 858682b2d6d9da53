//! Messages whose sender waits for the next hop's own answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use waypost_proto::mail::Mailbox;
use waypost_proto::smtp::params::Notify;
use waypost_spool::{Call, Condition, Disk};

use super::super::route::TargetFacts;
use super::world::{Says, World};
use crate::custody::{Custody, Denied};
use crate::metrics;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);
/// Shorter than a next hop that is stalled.
const SHORT: Duration = Duration::from_millis(20);

const ONE: &[&str] = &["a@one.example"];

fn is_ours(custody: &Result<Custody, Denied>) -> bool {
    matches!(custody, Ok(Custody::Ours(_)))
}

fn is_beyond(custody: &Result<Custody, Denied>) -> bool {
    matches!(custody, Ok(Custody::Beyond(_)))
}

#[tokio::test]
async fn what_the_next_hop_takes_is_never_on_disk() {
    let world = World::where_senders_wait(LONG);
    let custody = world.offer(ONE).await;
    assert!(is_beyond(&custody), "{custody:?}");
    assert_eq!(
        world.deliveries(),
        ["target:1 <s@six.example> a@one.example"]
    );
    assert_eq!((world.in_spool(), world.handle.len()), (0, (0, 0)));
}

#[tokio::test]
async fn what_is_refused_for_good_is_refused_to_the_sender() {
    let world = World::where_senders_wait(LONG);
    world.says("a@one.example", Says::No);
    let custody = world.offer(ONE).await;
    let Err(Denied::Refused(said)) = custody else {
        panic!("{custody:?}");
    };
    assert_eq!(said.code(), 550);
    assert_eq!((world.in_spool(), world.handle.len()), (0, (0, 0)));
}

/// One of two may have it when the other can neither be reached nor stored.
#[tokio::test]
async fn a_message_for_two_is_queued_before_anybody_gets_it() {
    for to in [
        ["a@one.example", "b@two.example"],
        ["a@one.example", "b@one.example"],
    ] {
        let (disk, breaks) = breaking();
        let world = World::on(disk, LONG);
        breaks.store(true, Ordering::SeqCst);
        let custody = world.offer(&to).await;
        assert!(
            matches!(custody, Err(Denied::Unavailable(_))),
            "{custody:?}"
        );
        assert_eq!(world.attempts(), 0);
    }
}

/// A disk on which nothing is made durable while the flag is set.
fn breaking() -> (Disk, Arc<AtomicBool>) {
    let breaks = Arc::new(AtomicBool::new(false));
    let known = Arc::clone(&breaks);
    let disk = Disk::failing(move |call, _| {
        if call == Call::Commit && known.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::Other.into());
        }
        Ok(())
    });
    (disk, breaks)
}

#[tokio::test]
async fn where_the_disk_fails_the_sender_of_what_is_on_its_way_hears_what_becomes_of_it() {
    for (says, is_told) in [
        (Says::Yes, is_beyond as fn(&Result<Custody, Denied>) -> bool),
        (Says::No, |told| matches!(told, Err(Denied::Refused(_)))),
        (Says::Later, |told| {
            matches!(told, Err(Denied::Unavailable(_)))
        }),
        (Says::Panic, |told| {
            matches!(told, Err(Denied::Unavailable(_)))
        }),
    ] {
        let (disk, breaks) = breaking();
        let world = World::on(disk, SHORT);
        breaks.store(true, Ordering::SeqCst);
        world.stall(1);
        world.says("a@one.example", says);
        let (custody, ()) = tokio::join!(world.offer(ONE), async {
            world
                .until(|| world.condition() == Condition::Suspect)
                .await;
            world.release(1);
        });
        assert!(is_told(&custody), "{says:?}: {custody:?}");
        breaks.store(false, Ordering::SeqCst);
        world.until(|| world.condition() == Condition::Open).await;
        assert_eq!((world.in_spool(), world.handle.len()), (0, (0, 0)));
    }
}

#[tokio::test]
async fn what_fails_for_now_is_ours_and_is_tried_again() {
    let world = World::where_senders_wait(LONG);
    world.says("a@one.example", Says::Later);
    let custody = world.offer(ONE).await;
    assert!(is_ours(&custody), "{custody:?}");
    world.until_deferred(1).await;
    assert_eq!(world.in_spool(), 1);
    world.says("a@one.example", Says::Yes);
    world.advance(Duration::from_secs(600));
    world.until_empty().await;
    assert_eq!(world.attempts(), 2);
}

#[tokio::test]
async fn who_is_slow_is_waited_for_once_and_gets_the_message_once() {
    let world = World::where_senders_wait(SHORT);
    world.stall(1);
    assert!(is_ours(&world.offer(ONE).await));
    assert_eq!(world.in_spool(), 1);
    world.release(1);
    world.until_empty().await;
    assert_eq!(world.contents_for("a@one.example").len(), 1);
    // For a while nobody waits for it, however fast it is.
    assert!(is_ours(&world.offer(ONE).await));
    world.until_empty().await;
    world.advance(Duration::from_secs(61));
    assert!(is_beyond(&world.offer(ONE).await));
}

#[tokio::test]
async fn who_gets_no_turn_in_time_is_queued_and_for_a_moment_so_is_all_for_that_next_hop() {
    let world = World::where_senders_wait(LONG);
    world.stall(1);
    let queued = async {
        world.until(|| world.attempts() == 2).await;
        // Both of its connections are in use: one waits for a turn in vain, and the next need not.
        assert!(is_ours(&world.offer(ONE).await));
        assert!(is_ours(&world.offer(ONE).await));
        assert!(is_beyond(&world.offer(&["b@two.example"]).await));
        world.release(1);
    };
    let (one, two, ()) = tokio::join!(world.offer(ONE), world.offer(ONE), queued);
    assert!(is_beyond(&one) && is_beyond(&two), "{one:?} {two:?}");
    world.until_empty().await;
    assert!(is_ours(&world.offer(ONE).await));
    world.until_empty().await;
    world.advance(Duration::from_secs(6));
    assert!(is_beyond(&world.offer(ONE).await));
}

#[tokio::test]
async fn a_bug_in_the_attempt_keeps_the_message_held() {
    let world = World::where_senders_wait(LONG);
    world.says("a@one.example", Says::Panic);
    let custody = world.offer(ONE).await;
    let Ok(Custody::Ours(committed)) = custody else {
        panic!("{custody:?}");
    };
    let id = committed.message().id;
    world.until(|| world.handle.len().0 == 0).await;
    let shown = world.handle.show(id).await.unwrap();
    assert!(shown.message.envelope.hold.is_some());
    assert_eq!(world.in_spool(), 1);
}

#[tokio::test]
async fn nobody_waits_for_strangers_servers_or_for_one_that_is_silent() {
    let world = World::where_senders_wait(LONG);
    assert!(is_ours(&world.offer(&["x@elsewhere.example"]).await));
    world.until_empty().await;
    world.dead(1, true);
    assert!(is_ours(&world.offer(ONE).await));
    world.until_deferred(1).await;
    // Its silence is known: nothing is tried.
    let attempts = world.attempts();
    assert!(is_ours(&world.offer(ONE).await));
    world.until_deferred(2).await;
    assert_eq!(world.attempts(), attempts);
}

#[tokio::test]
async fn a_server_that_ends_leaves_nothing_behind_that_was_promised() {
    let mut world = World::where_senders_wait(LONG);
    world.stall(1);
    let (custody, ()) = tokio::join!(world.offer(ONE), async {
        world.until(|| world.attempts() == 1).await;
        world.handle.stop(Duration::ZERO).await;
    });
    assert!(is_ours(&custody), "{custody:?}");
    assert_eq!(world.in_spool(), 1);
    world.release(1);
    world.restart().await;
    world.until_empty().await;
}

#[tokio::test]
async fn a_refusal_that_comes_too_late_for_the_client_is_reported() {
    let world = World::where_senders_wait(SHORT);
    world.stall(1);
    world.says("a@one.example", Says::No);
    assert!(is_ours(&world.offer(ONE).await));
    world.release(1);
    world.until_empty().await;
    assert_eq!(world.contents_for("s@six.example").len(), 1);
}

#[tokio::test]
async fn an_address_that_nobody_has_any_more_is_refused_to_the_sender_and_one_in_doubt_waits() {
    let world = World::where_senders_wait(LONG);
    assert!(is_beyond(&world.offer(ONE).await));
    world.says("a@one.example", Says::No);
    // Who must know says yes again.
    assert!(is_ours(&world.offer(ONE).await));
    world.until_deferred(1).await;
    world.refuse_when_asked("a@one.example");
    let custody = world.offer(ONE).await;
    assert!(matches!(custody, Err(Denied::Refused(_))), "{custody:?}");
    assert_eq!(world.in_spool(), 1);
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

#[tokio::test]
async fn who_sends_faster_than_a_next_hop_takes_is_held_back_with_what_is_queued() {
    let world = World::new();
    world.admit(34);
    world.send_many(54, "<s@six.example>", ONE);
    // Two are on their way, and 18 wait; 32 before them took 640 ms.
    world.until(|| world.attempts() == 36).await;
    world.advance(Duration::from_millis(640));
    let begun = Instant::now();
    assert!(is_ours(&world.offer(ONE).await));
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(metrics::messages_held_back(), 1);
    world.admit(usize::MAX);
    world.until_empty().await;
}

#[tokio::test]
async fn what_is_held_or_for_a_target_that_is_excepted_or_a_group_is_queued_first() {
    let world = World::where_senders_wait(LONG);
    world.hold_target(1, true);
    assert!(is_ours(&world.offer(ONE).await));
    assert_eq!(world.attempts(), 0);
    world.target(TargetFacts {
        name: "target-2".into(),
        connections: 2,
        smart_host_on_error: false,
        cut_through: false,
    });
    assert!(is_ours(&world.offer(&["b@two.example"]).await));
    let group = Mailbox::parse("team@example.com").unwrap();
    let of_group = world.offer_with(&["c@six.example"], |recipient| {
        recipient.original = Some(group.clone());
    });
    assert!(is_ours(&of_group.await));
    world.until_deferred(1).await;
}

#[tokio::test]
async fn who_wants_to_know_of_success_is_told() {
    let world = World::where_senders_wait(LONG);
    let custody = world.offer_with(ONE, |recipient| {
        recipient.params.notify = Some(Notify {
            success: true,
            ..Notify::NEVER
        });
    });
    assert!(is_ours(&custody.await));
    world.until_empty().await;
    assert_eq!(world.contents_for("a@one.example").len(), 1);
    assert_eq!(world.contents_for("s@six.example").len(), 1);
}

#[tokio::test]
async fn of_a_client_that_is_gone_nothing_stays() {
    let world = World::where_senders_wait(LONG);
    world.stall(1);
    {
        let mut offered = std::pin::pin!(world.offer(ONE));
        tokio::select! {
            custody = &mut offered => panic!("{custody:?}"),
            () = world.until(|| world.attempts() == 1) => {}
        }
    }
    world.release(1);
    world.until(|| world.taken_by("target:1") == 1).await;
    assert_eq!((world.in_spool(), world.handle.len()), (0, (0, 0)));
}

#[tokio::test]
async fn a_clock_that_jumps_while_content_comes_makes_nobody_older() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.says("b@two.example", Says::Later);
    let slow = world.begun("<s@six.example>", &["b@two.example"]);
    world.send("<s@six.example>", ONE);
    world.until_deferred(1).await;
    world.jump(world.wall() + Duration::from_hours(24 * 10));
    world.whole(slow);
    world.until_deferred(2).await;
    world.advance(Duration::from_secs(600));
    world.until(|| world.attempts() >= 4).await;
    world.until_deferred(2).await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

#[tokio::test]
async fn a_clock_that_jumps_while_a_sender_waits_makes_his_message_no_older() {
    let world = World::where_senders_wait(LONG);
    world.stall(1);
    world.says("a@one.example", Says::Later);
    let (custody, ()) = tokio::join!(world.offer(ONE), async {
        world.until(|| world.attempts() == 1).await;
        world.jump(world.wall() + Duration::from_hours(24 * 10));
        world.release(1);
    });
    assert!(is_ours(&custody), "{custody:?}");
    world.until_deferred(1).await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}
