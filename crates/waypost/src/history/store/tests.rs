//! Adding, finding, paging and removing, against a list that is looked through.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::line::{Line, line};
use super::super::piece::pieces;
use super::*;

const FOREVER: (u64, u64) = (0, u64::MAX);

struct Opened {
    _dir: tempfile::TempDir,
    store: Store,
    reader: Reader,
}

fn empty() -> Opened {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite");
    let store = Store::open(&file).unwrap();
    let reader = Reader::open(&file).unwrap();
    Opened {
        _dir: dir,
        store,
        reader,
    }
}

/// Every other one is a queue id as they are, the others are another program's.
fn id(number: usize) -> String {
    if number.is_multiple_of(2) {
        return format!("ID{number}");
    }
    QueueId::from_number((number as u64) << 40 | 7)
        .unwrap()
        .to_string()
}

fn delivery(at_s: u64, message: usize, from: usize, to: usize) -> Line {
    line(
        at_s * 1_000,
        &[
            ("event", "delivery"),
            ("queue_id", &id(message)),
            ("from", &format!("<s{from}@A.example>")),
            ("to", &format!("R{to}@b.example")),
        ],
    )
}

fn add(store: &mut Store, lines: &[Line]) {
    let lines: Vec<_> = lines.iter().cloned().map(Arc::new).collect();
    store.add(&pieces(&lines)).unwrap();
}

fn search(key: &str, limit: usize) -> Search {
    Search {
        key: key.to_owned(),
        span_s: FOREVER,
        newest_first: true,
        after: None,
        limit,
    }
}

/// All hits, page by page.
fn all(reader: &Reader, mut search: Search) -> Vec<Hit> {
    let mut all = Vec::new();
    loop {
        let mut page = reader.search(&search).unwrap();
        let more = page.len() > search.limit;
        page.truncate(search.limit);
        all.extend(page);
        if !more {
            return all;
        }
        search.after = all.last().map(|hit| hit.place);
    }
}

fn times(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.step.at_ms / 1_000).collect()
}

#[test]
fn pieces_outlive_the_store_and_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite");
    for at in [10, 20, 15] {
        let mut store = Store::open(&file).unwrap();
        add(&mut store, &[delivery(at, 1, 1, 1)]);
    }
    let reader = Reader::open(&file).unwrap();
    let found = all(&reader, search(&id(1).to_lowercase(), 10));
    assert_eq!(
        times(&found),
        [15, 20, 10],
        "in the order in which they were said"
    );
    assert_eq!(found[0].queue_id, id(1));
}

#[test]
fn queue_ids_stand_together_in_the_index_and_apart_from_addresses() {
    let at = |number| {
        mark(
            1,
            &QueueId::from_number(number)
                .unwrap()
                .to_string()
                .to_lowercase(),
        )
    };
    let now = 1_795_328_572_000_000 << 8;
    assert!(at(now) < at(now + (1 << 8)) && at(now + (1 << 8)) < at(now + (2_000_000 << 8)));
    assert!(at(now) < 1 << 47, "SQLite stores it in six bytes");
    for address in ["a@b.example", "ID1", "mailer-daemon"] {
        assert!(mark(1, address) < 1 << 46, "{address}");
        assert_ne!(mark(1, address), mark(2, address), "{address}");
    }
}

#[test]
fn another_release_s_file_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection
        .pragma_update(None, "user_version", VERSION + 1)
        .unwrap();
    assert!(Store::open(&file).is_err());
}

#[test]
fn what_is_old_is_removed_with_its_index_a_few_at_a_time() {
    let mut place = empty();
    for at in 0..10 {
        add(&mut place.store, &[delivery(at, at as usize, 1, 1)]);
    }
    assert_eq!(place.store.prune(6, 4).unwrap(), 4);
    assert_eq!(place.store.prune(6, 4).unwrap(), 2);
    assert_eq!(place.store.prune(6, 4).unwrap(), 0);
    let left = all(&place.reader, search("s1@a.example", 100));
    assert_eq!(times(&left), [9, 8, 7, 6]);
    let rows = "SELECT count(*) FROM seen";
    let rows: u64 = place
        .store
        .connection
        .query_row(rows, [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 4 * 3);
    place.store.empty().unwrap();
    assert!(all(&place.reader, search("s1@a.example", 100)).is_empty());
}

#[test]
fn points_are_kept_replaced_and_forgotten() {
    let place = empty();
    let point = |at: u64, text: &str| (60, at, text.to_owned());
    let before = vec![(60, 120)];
    place
        .store
        .keep(&[point(60, "a"), point(120, "b")], &[])
        .unwrap();
    place.store.keep(&[point(120, "c")], &before).unwrap();
    assert_eq!(place.store.samples().unwrap(), [point(120, "c")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_together_are_what_a_look_through_all_lines_finds(
        lines in prop::collection::vec((0_u64..2_000, 0_usize..6, 0_usize..3, 0_usize..4), 0..60),
        batch in 1_usize..20,
        limit in 1_usize..8,
        span in (0_u64..2_000, 0_u64..2_000),
        newest_first: bool,
    ) {
        let mut place = empty();
        let mut lines = lines;
        lines.sort_by_key(|(at, ..)| *at);
        // The lines of one batch are said within a short time.
        for (number, (at, ..)) in lines.iter_mut().enumerate() {
            *at = number as u64 / batch as u64 * 130 + *at % 100;
        }
        lines.sort_by_key(|(at, ..)| *at);
        let said: Vec<Line> = lines
            .iter()
            .map(|(at, id, from, to)| delivery(*at, *id, *from, *to))
            .collect();
        for some in said.chunks(batch) {
            add(&mut place.store, some);
        }
        let span = (span.0.min(span.1), span.0.max(span.1));
        let third = id(3);
        for key in ["s1@A.example", "r2@b.example", &third, "Id4", "nobody@b.example"] {
            let wanted = Search { span_s: span, newest_first, ..search(key, limit) };
            let mut found = times(&all(&place.reader, wanted.clone()));
            let whole = times(&all(&place.reader, Search { limit: 1_000, ..wanted }));
            prop_assert_eq!(&found, &whole);
            let mut expected: Vec<u64> = lines
                .iter()
                .filter(|(_, id, from, to)| match key {
                    "s1@A.example" => *from == 1,
                    "r2@b.example" => *to == 2,
                    "Id4" => *id == 4,
                    _ => key == third && *id == 3,
                })
                .map(|(at, ..)| *at)
                .filter(|at| (span.0..=span.1).contains(at))
                .collect();
            found.sort_unstable();
            expected.sort_unstable();
            // A message with several senders does not exist; its lines here are all its sender's.
            if key != "s1@A.example" {
                prop_assert_eq!(found, expected);
            } else {
                prop_assert!(expected.iter().all(|at| found.contains(at)));
            }
        }
    }
}
