use super::*;

fn id(n: u64) -> QueueId {
    QueueId::from_number(n).unwrap()
}

fn place(hops: &mut Hops<&'static str, u32>, key: &'static str, job: u32) -> Placed<u32> {
    hops.place(&key, 2, job, 0)
}

/// Who is sent to find out.
fn called(hops: &mut Hops<&'static str, u32>, now: Tick) -> Vec<QueueId> {
    let mut called = Vec::new();
    hops.probe(now, |id| {
        called.push(id);
        true
    });
    called
}

#[test]
fn another_message_is_sent_when_the_first_is_gone_or_silent() {
    let mut hops = Hops::new(READY_MAX);
    place(&mut hops, "a", 1);
    hops.next(&"a", 0);
    hops.unreachable(&"a", "refused", 0, |_| 10);
    hops.next(&"a", 0);
    (1..=3).for_each(|n| hops.park(&"a", id(n)));
    let mut asked = Vec::new();
    hops.probe(10, |i| {
        asked.push(i);
        i == id(2)
    });
    assert_eq!(asked, [id(1), id(2)]);
    assert_eq!(called(&mut hops, 10 + PROBE_AGAIN), [id(3)]);
}

#[test]
fn starts_as_many_workers_as_the_next_hop_may_have() {
    let mut hops = Hops::new(READY_MAX);
    assert_eq!(place(&mut hops, "a", 1), Placed::Start);
    assert_eq!(place(&mut hops, "a", 2), Placed::Start);
    assert_eq!(place(&mut hops, "a", 3), Placed::Ready);
    assert_eq!(place(&mut hops, "b", 4), Placed::Start);
    assert_eq!(hops.ready(), 4);
    for job in [Some(1), Some(2), Some(3), None, None] {
        assert_eq!(hops.next(&"a", 0), job);
    }
    assert_eq!(hops.next(&"b", 0), Some(4));
    assert_eq!((hops.ready(), hops.keys()), (0, vec!["b"]));
}

#[test]
fn a_turn_comes_soon_where_few_wait_or_all_go_fast() {
    let mut hops = Hops::new(READY_MAX);
    for job in 0..2 + 100 {
        place(&mut hops, "a", job);
    }
    let has_turn = |hops: &Hops<_, u32>, now| hops.has_turn(&"a", 2, now);
    assert!(!has_turn(&hops, 0), "nobody knows how fast they go");
    for turn in 0..u64::try_from(TURNS).unwrap() {
        hops.next(&"a", 10 * turn);
    }
    // 70 wait, and one goes every 10 ms or so.
    assert!(!has_turn(&hops, 320));
    for turn in 0..u64::try_from(TURNS).unwrap() {
        hops.next(&"a", 320 + turn);
    }
    assert!(has_turn(&hops, 352));
    assert!(!has_turn(&hops, 1000), "it has stopped");
    while hops.next(&"a", 1000).is_some() {}
    assert!(has_turn(&hops, 1000));
}

#[test]
fn how_long_a_job_waits_is_told_by_the_pace_of_late() {
    let mut hops = Hops::new(READY_MAX);
    assert_eq!(hops.wait(&"a", 0), None);
    for job in 0..96 {
        place(&mut hops, "a", job);
    }
    for turn in 0..31 {
        hops.next(&"a", 10 * turn);
    }
    assert_eq!(hops.wait(&"a", 310), None, "too few have gone");
    hops.next(&"a", 310);
    // 64 wait, and 32 went in 320 ms.
    assert_eq!(hops.wait(&"a", 320), Some(640));
    assert_eq!(hops.wait(&"a", 3_200), Some(6_400), "it has stopped");
    while hops.next(&"a", 3_200).is_some() {}
    place(&mut hops, "a", 96);
    assert_eq!(hops.wait(&"a", 3_200), Some(0), "all went at once");
    assert_eq!(hops.wait(&"b", 3_200), None);
}

#[test]
fn a_turn_is_kept_for_a_job_to_come_and_half_of_them_never() {
    let mut hops = Hops::new(READY_MAX);
    let keep = |hops: &mut Hops<_, _>| hops.keep_turn(&"a", 4, 0);
    assert_eq!(
        [keep(&mut hops), keep(&mut hops), keep(&mut hops)],
        [true, true, false]
    );
    assert_eq!(hops.place(&"a", 4, 1, 0), Placed::Start);
    assert_eq!(hops.place(&"a", 4, 2, 0), Placed::Start);
    assert_eq!(hops.place(&"a", 4, 3, 0), Placed::Ready);
    // Its job goes before what waits.
    assert_eq!(hops.use_turn(&"a", 9, 0), Placed::Start);
    assert_eq!(hops.next(&"a", 0), Some(9));
    assert_eq!((hops.next(&"a", 0), hops.next(&"a", 0)), (Some(1), Some(2)));
    // The other is not needed: it serves whoever waits.
    assert!(hops.give_turn_back(&"a"));
    assert_eq!(hops.next(&"a", 0), Some(3));
    (0..4).for_each(|_| assert_eq!(hops.next(&"a", 0), None));
    assert_eq!(hops.keys(), [] as [&str; 0]);
    assert!(keep(&mut hops));
    assert!(!hops.give_turn_back(&"a"));
    assert_eq!((hops.keys(), hops.keep_turn(&"a", 1, 0)), (vec![], false));
}

#[test]
fn no_turn_is_kept_at_a_next_hop_that_is_silent() {
    let mut hops = Hops::new(READY_MAX);
    assert!(hops.keep_turn(&"a", 4, 0));
    place(&mut hops, "a", 1);
    hops.next(&"a", 0);
    hops.unreachable(&"a", "refused", 0, |_| 10);
    assert_eq!(hops.use_turn(&"a", 2, 5), Placed::Silent(2));
    assert!(!hops.keep_turn(&"a", 4, 10));
}

#[test]
fn a_full_next_hop_leaves_room_for_the_others() {
    let mut hops = Hops::new(64);
    let placed = (0..100).filter(|n| !matches!(place(&mut hops, "a", *n), Placed::Full(_)));
    assert_eq!(placed.count(), 32);
    assert_eq!(place(&mut hops, "b", 1), Placed::Start);
}

#[test]
fn what_found_no_room_comes_back_when_there_is() {
    let mut hops = Hops::new(32);
    for n in 0..16 {
        place(&mut hops, "a", n);
    }
    assert_eq!(place(&mut hops, "a", 99), Placed::Full(99));
    hops.park(&"a", id(1));
    assert_eq!(hops.unpark(&"a", 0), []);
    for _ in 0..8 {
        hops.next(&"a", 0);
    }
    assert_eq!(hops.unpark(&"a", 0), [id(1)]);
    assert_eq!(hops.unpark(&"a", 0), []);
}

#[test]
fn a_silent_next_hop_is_tried_by_one_and_everybody_follows() {
    let mut hops = Hops::new(READY_MAX);
    for n in 0..5 {
        place(&mut hops, "a", n);
    }
    hops.next(&"a", 0);
    hops.next(&"a", 0);
    let back = hops.unreachable(&"a", "refused", 0, |failures| 100 * u64::from(failures));
    assert_eq!(back, [2, 3, 4]);
    // The second worker says the same: that is no second failure.
    assert_eq!(
        hops.unreachable(&"a", "refused", 1, |_| 9999),
        Vec::<u32>::new()
    );
    assert_eq!((hops.next(&"a", 0), hops.next(&"a", 0)), (None, None));
    assert_eq!(hops.place(&"a", 2, 9, 99), Placed::Silent(9));
    assert_eq!(hops.trouble(&"a"), "refused");
    hops.park(&"a", id(1));
    hops.park(&"a", id(2));
    assert_eq!(
        (hops.first_probe(), called(&mut hops, 99)),
        (Some(100), vec![])
    );
    assert_eq!(hops.unpark(&"a", 100), []);
    assert_eq!(called(&mut hops, 100), [id(1)]);
    assert_eq!(hops.place(&"a", 2, 10, 100), Placed::Start);
    assert_eq!(hops.place(&"a", 2, 11, 100), Placed::Ready);
    assert_eq!(hops.place(&"a", 2, 12, 100), Placed::Ready);
    assert_eq!(hops.next(&"a", 0), Some(10));
    assert_eq!(hops.reached(&"a", 100), 1);
    assert_eq!((hops.reached(&"a", 100), hops.first_probe()), (0, None));
    assert_eq!(hops.unpark(&"a", 100), [id(2)]);
}

#[test]
fn who_takes_no_more_connections_gets_fewer_and_later_one_more_each_time() {
    let mut hops = Hops::new(READY_MAX);
    let start = |hops: &mut Hops<_, _>, now| match hops.place(&"a", 8, 1, now) {
        Placed::Start => hops.next(&"a", now).is_some(),
        _ => false,
    };
    let refuse = |hops: &mut Hops<&str, u32>, now| {
        assert_eq!(hops.unreachable(&"a", "421", now, |_| 10), [0_u32; 0]);
        assert_eq!(hops.next(&"a", now), None);
    };
    (0..8).for_each(|_| assert!(start(&mut hops, 0)));
    hops.reached(&"a", 0);
    refuse(&mut hops, 1);
    // Six are left for seven that run.
    assert_eq!(hops.look(&"a").unwrap().silent_until, 0);
    assert_eq!(hops.next(&"a", 1), None);
    assert!(!start(&mut hops, 1));
    // What has waited since is taken up with the connection that is offered again.
    assert_eq!(hops.reached(&"a", 5_000), 0);
    assert_eq!(hops.reached(&"a", 10_001), 1);
    assert_eq!(hops.reached(&"a", 10_002), 0);
    // With nobody reached for long it is gone.
    hops.unreachable(&"a", "refused", 20_001 + LATELY, |_| 10);
    assert_eq!(hops.look(&"a").unwrap().failures, 1);
}

#[test]
fn the_silence_grows_with_every_failed_try_and_a_flush_ends_it() {
    let mut hops = Hops::new(READY_MAX);
    let mut now = 0;
    for n in 1..4_u32 {
        assert_eq!(hops.place(&"a", 2, n, now), Placed::Start);
        hops.next(&"a", 0);
        hops.unreachable(&"a", "timeout", now, |failures| 10 * u64::from(failures));
        assert_eq!(hops.next(&"a", 0), None);
        assert_eq!(hops.first_probe(), Some(now + 10 * u64::from(n)));
        now += 10 * u64::from(n);
    }
    hops.park(&"a", id(7));
    assert_eq!(hops.place(&"a", 2, 4, now - 1), Placed::Silent(4));
    assert_eq!(hops.flush(&"a"), [id(7)]);
    assert_eq!(hops.place(&"a", 2, 4, now - 1), Placed::Start);
}

#[test]
fn a_silent_next_hop_that_nobody_waits_for_is_forgotten() {
    let mut hops = Hops::new(READY_MAX);
    place(&mut hops, "a", 1);
    hops.next(&"a", 0);
    hops.unreachable(&"a", "refused", 0, |_| 10);
    hops.next(&"a", 0);
    assert_eq!(hops.keys(), ["a"]);
    assert_eq!(called(&mut hops, 10), []);
    assert_eq!(hops.keys(), [] as [&str; 0]);
}
