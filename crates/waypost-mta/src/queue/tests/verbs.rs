//! What an administrator does with the queue: lists, holds, releases, flushes and removes.

use std::collections::HashMap;
use std::time::Duration;

use waypost_proto::mail::Domain;
use waypost_spool::QueueId;

use super::super::control::{
    Action, Ask, Chosen, ControlError, Count, Done, Filter, Flush, NotDone, Order, Sorted, Standing,
};
use super::world::{Says, World};
use super::{HOUR, MINUTE};

fn order(reason: &str) -> Order {
    Order {
        by: "ann".into(),
        reason: reason.into(),
        until: None,
    }
}

fn first_page(limit: usize) -> Ask {
    Ask {
        after: None,
        order: Sorted::Oldest,
        limit,
        counted: true,
    }
}

#[tokio::test]
async fn a_held_target_keeps_its_mail_without_attempts_and_without_age() {
    let world = World::new();
    world.hold_target(1, true);
    world.send("<s@six.example>", &["a@one.example", "b@two.example"]);
    world.until_deferred(1).await;
    assert_eq!(
        (world.taken_by("target:1"), world.taken_by("target:2")),
        (0, 1)
    );
    let held = Filter {
        standing: Some(Standing::Held),
        ..Filter::default()
    };
    let page = world.handle.list(held, first_page(10)).await.unwrap();
    assert_eq!(page.messages.len(), 1);
    world.advance(200 * HOUR);
    world.until_deferred(1).await;
    world.says("a@one.example", Says::Later);
    world.hold_target(1, false);
    world.advance(Duration::from_secs(1));
    world.until(|| world.attempts() == 2).await;
    world.until_deferred(1).await;
    // Not expired, not even late.
    assert_eq!(world.contents_for("s@six.example").len(), 0);
    world.says("a@one.example", Says::Yes);
    world.advance(70 * MINUTE);
    world.until_empty().await;
}

/// Another recipient is still on its way when the hold that keeps the first one changes.
#[tokio::test]
async fn a_hold_that_changes_while_mail_is_being_put_under_it_is_noticed() {
    let world = World::new();
    world.hold_target(1, true);
    world.send("<s@example.org>", &["witness@one.example"]);
    world.until_deferred(1).await;
    world.stall(2);
    world.send("<s@example.org>", &["a@one.example", "b@two.example"]);
    world.until(|| world.attempts() == 1).await;
    world.hold_target(1, false);
    // Who was under the hold before shows that the change was seen.
    world.until(|| world.taken_by("target:1") == 1).await;
    world.release(2);
    world.until_empty().await;
    assert_eq!(world.taken_by("target:1"), 2);
}

#[tokio::test]
async fn a_held_message_waits_for_its_release_or_its_end() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    let id = world.send("<s@example.org>", &["a@one.example"]);
    world.until_deferred(1).await;
    let until = Order {
        until: Some(world.wall() + 2 * HOUR),
        ..order("maintenance")
    };
    assert_eq!(world.handle.hold(id, until).await, Ok(Done::Now));
    assert_eq!(
        world.handle.show(id).await.unwrap().standing,
        Standing::Held
    );
    world.says("a@one.example", Says::Yes);
    world.advance(HOUR);
    assert_eq!(world.attempts(), 1);
    world.advance(HOUR);
    world.until_empty().await;
    let id = {
        world.says("a@one.example", Says::Later);
        world.send("<s@example.org>", &["a@one.example"])
    };
    world.until_deferred(1).await;
    world.handle.hold(id, order("for good")).await.unwrap();
    world.advance(1000 * HOUR);
    world.says("a@one.example", Says::Yes);
    assert_eq!(world.handle.release(id, order("")).await, Ok(Done::Now));
    world.until_empty().await;
    let gone = world.handle.release(id, order("")).await;
    assert_eq!(gone, Err(ControlError::NoMessage(id)));
}

#[tokio::test]
async fn an_administrator_removes_a_waiting_message_and_one_on_its_way() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    let waiting = world.send("<s@six.example>", &["a@one.example"]);
    world.until_deferred(1).await;
    assert_eq!(
        world
            .handle
            .remove(waiting, Vec::new(), order("spam"))
            .await,
        Ok(Done::Now)
    );
    world.until_empty().await;
    world.stall(1);
    let moving = world.send("<s@six.example>", &["b@one.example", "c@two.example"]);
    world.until(|| world.taken_by("target:2") == 1).await;
    let done = world.handle.remove(moving, Vec::new(), order("spam"));
    assert_eq!(impatient(done).await, Ok(Done::AfterAttempt));
    world.says("b@one.example", Says::Later);
    world.release(1);
    world.until_empty().await;
    assert_eq!(world.contents_for("s@six.example").len(), 0);
}

/// Lets nobody wait for longer than there is something to do.
async fn impatient<T>(what: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let result = what.await;
    tokio::time::resume();
    result
}

/// What is said of removing a message whose only attempt goes on meanwhile.
async fn removed_on_its_way(world: &World) -> (QueueId, Result<Done, ControlError>) {
    world.stall(1);
    let moving = world.send("<s@six.example>", &["a@one.example"]);
    world.until(|| world.attempts() == 1).await;
    let handle = world.handle.clone();
    let order = order("spam");
    let removal = tokio::spawn(async move { handle.remove(moving, Vec::new(), order).await });
    world.until(|| world.handle.0.is_ordered(moving)).await;
    world.release(1);
    (moving, removal.await.unwrap())
}

#[tokio::test]
async fn who_orders_something_hears_that_it_is_done_when_it_is_safe() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    let (_, said) = removed_on_its_way(&world).await;
    assert_eq!(said, Ok(Done::Now));
    assert_eq!(world.in_spool(), 0);
}

#[tokio::test]
async fn what_is_ordered_for_a_message_that_arrives_is_not_done() {
    let world = World::new();
    let (moving, said) = removed_on_its_way(&world).await;
    assert_eq!(said, Err(ControlError::NoMessage(moving)));
}

#[tokio::test]
async fn flushing_tries_at_once() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.says("b@two.example", Says::Later);
    let first = world.send("<s@example.org>", &["a@one.example"]);
    world.send("<s@example.org>", &["b@two.example"]);
    world.until_deferred(2).await;
    assert_eq!(world.handle.flush(Flush::Message(first)).await, Ok(1));
    world.until(|| world.attempts() == 3).await;
    world.until_deferred(2).await;
    assert_eq!(
        world.handle.flush(Flush::Target("target-2".into())).await,
        Ok(1)
    );
    world.until(|| world.attempts() == 4).await;
    world.until_deferred(2).await;
    let summary = world.handle.summary().await.unwrap();
    let lines: HashMap<_, _> = summary
        .into_iter()
        .map(|s| (s.next_hop, s.by_age[0]))
        .collect();
    assert_eq!(
        lines,
        [("target-1".into(), 1), ("target-2".into(), 1)].into()
    );
    let shape = |scope: Option<Domain>| {
        let filter = Filter {
            scope: scope.map(|domain| vec![domain]),
            ..Filter::default()
        };
        let handle = world.handle.clone();
        async move {
            let lines = handle.shape(filter).await.unwrap();
            let lines = lines.into_iter().map(|s| (s.next_hop, s.by_age[0]));
            lines.collect::<HashMap<_, _>>()
        }
    };
    assert_eq!(shape(None).await, lines);
    let one = Domain::parse("one.example").unwrap();
    assert_eq!(shape(Some(one)).await, [("target-1".into(), 1)].into());
    world.says("a@one.example", Says::Yes);
    world.says("b@two.example", Says::Yes);
    assert_eq!(world.handle.flush(Flush::All).await, Ok(2));
    world.until_empty().await;
}

/// What a filter finds now.
async fn found(world: &World, filter: &Filter) -> Vec<QueueId> {
    world.handle.find(filter.clone()).await.unwrap()
}

#[tokio::test]
async fn the_list_follows_what_comes_goes_and_changes() {
    let world = World::new();
    world.says("a@one.example", Says::Later);
    world.says("b@two.example", Says::Later);
    let to = |text: &str| Filter {
        recipient: Some(text.into()),
        ..Filter::default()
    };
    let via = |hop: &str| Filter {
        next_hop: Some(hop.into()),
        ..Filter::default()
    };
    assert!(found(&world, &to("a")).await.is_empty());
    let first = world.send("<Ann@example.org>", &["a@one.example"]);
    let second = world.send("<s@example.org>", &["b@two.example"]);
    world.send("<s@example.org>", &["c@two.example"]);
    world.until_deferred(2).await;
    assert_eq!(found(&world, &to("ONE.ex")).await, [first]);
    assert_eq!(found(&world, &to("c@two")).await, []);
    assert_eq!(found(&world, &via("target-2")).await, [second]);
    let ann = Filter {
        sender: Some("ANN@".into()),
        ..Filter::default()
    };
    let page = world.handle.list(ann, first_page(1)).await.unwrap();
    let count = Count {
        matching: 1,
        or_more: false,
        of: 2,
    };
    assert_eq!((page.messages[0].message.id, page.next), (first, None));
    assert_eq!(page.count, Some(count));
    let newest = Ask {
        order: Sorted::Newest,
        ..first_page(1)
    };
    let page = world.handle.list(Filter::default(), newest).await.unwrap();
    assert_eq!(page.next, Some(second));
    let behind = Ask {
        after: page.next,
        ..newest
    };
    let page = world.handle.list(Filter::default(), behind).await.unwrap();
    assert_eq!((page.messages[0].message.id, page.next), (first, None));
    assert_eq!(page.count.map(|count| count.matching), Some(2));
    world.says("a@one.example", Says::Yes);
    world.handle.flush(Flush::Message(first)).await.unwrap();
    world.until_deferred(1).await;
    assert_eq!(found(&world, &Filter::default()).await, [second]);
}

#[tokio::test]
async fn a_verb_is_done_for_all_that_a_filter_means_and_says_what_it_was_not_done_for() {
    let world = World::new();
    for to in ["a@one.example", "b@two.example"] {
        world.says(to, Says::Later);
    }
    world.send_many(150, "<s@example.org>", &["a@one.example"]);
    let other = world.send("<s@example.org>", &["b@two.example"]);
    world.until_deferred(151).await;
    let one = || {
        Chosen::Filter(Filter {
            recipient: Some("a@one".into()),
            ..Filter::default()
        })
    };
    let held = Filter {
        standing: Some(Standing::Held),
        ..Filter::default()
    };
    let all = |chosen, action: Action| {
        let handle = world.handle.clone();
        async move { handle.all(chosen, &action, |_, _| true).await.unwrap() }
    };
    let done = all(one(), Action::Hold(order("look"))).await;
    assert_eq!((done.chosen, done.done, done.undone), (150, 150, 0));
    assert_eq!(found(&world, &held).await.len(), 150);
    let ids = found(&world, &Filter::default()).await;
    let done = all(Chosen::Ids(ids), Action::Release(order(""))).await;
    assert_eq!((done.done, done.undone), (150, 1));
    assert_eq!(
        (done.named[0].id, &done.named[0].why),
        (other, &NotDone::NotHeld)
    );
    world.until_deferred(151).await;
    let mut calls = 0;
    let stop = |done: usize, _: usize| {
        calls += 1;
        done == 0
    };
    let action = Action::Remove(order("spam"));
    let stopped = world.handle.all(one(), &action, stop).await.unwrap();
    assert!(stopped.cancelled && stopped.done < 150, "{stopped:?}");
    assert_eq!(calls, 3);
    all(one(), action).await;
    assert_eq!(found(&world, &Filter::default()).await, [other]);
    let before = world.attempts();
    let done = all(Chosen::Filter(Filter::default()), Action::Retry).await;
    assert_eq!(done.done, 1);
    world.until(|| world.attempts() == before + 1).await;
}
