//! What happened to mail is found again, counted, and shown as right or wrong.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;

use serde_json::Value;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const ALICE: &str = "alice@example.com";
const JDOE: &str = "jdoe@example.com";

fn site(target: &Peer, console: &str) -> Site {
    let file = split::site_file(target, "");
    let times = "retry_first = \"100ms\"\nretry_max = \"200ms\"\n";
    let plan = Plan::new(PROGRAM).unwrap().section("queue", times);
    plan.section("console", console)
        .site(&file)
        .start()
        .unwrap()
}

fn write(site: &Site, to: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.submit(ALICE, &[to], &message("traced")).unwrap();
}

/// Asks over the control socket.
fn control(site: &Site, request: &Value) -> Value {
    let mut stream = UnixStream::connect(site.dir().join("data/control.sock")).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let mut answer: Value = serde_json::from_str(&line).unwrap();
    assert!(answer["result"].is_object(), "{answer}");
    answer["result"].take()
}

/// Somebody writes to an address that nobody has.
fn be_refused(site: &Site, address: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .expect("MAIL FROM:<stranger@example.net>", 250)
        .unwrap();
    client.expect(&format!("RCPT TO:<{address}>"), 550).unwrap();
}

fn trace(site: &Site, what: &str) -> Vec<Value> {
    let found = site.ask(&["trace", what]).unwrap();
    found["items"].as_array().unwrap().clone()
}

/// The events of steps, deliveries with their status.
fn events(steps: &[Value]) -> Vec<String> {
    let named = steps.iter().map(|step| {
        let event = step["event"].as_str().unwrap();
        match step["status"].as_str() {
            Some(status) => format!("{event} {status}"),
            None => event.to_owned(),
        }
    });
    named.collect()
}

/// The id of the message for an address, once these events are known of it.
fn wait_for(site: &Site, address: &str, event: &str) -> String {
    wait::until(event, || {
        let steps = trace(site, address);
        let id = steps.first()?["queue_id"].as_str()?.to_owned();
        let all = events(&trace(site, &id));
        all.iter().any(|known| known == event).then_some(id)
    })
    .unwrap()
}

#[test]
fn a_message_that_was_put_off_and_relayed_is_found_with_its_steps_over_a_restart() {
    let (old, is_busy) = split::target_that_may_say("451 4.3.2 Come back later", true);
    let mut site = site(&old, "");
    write(&site, JDOE);
    wait_for(&site, JDOE, "delivery deferred");
    is_busy.store(false, Ordering::SeqCst);
    let id = wait_for(&site, JDOE, "removed");
    for _ in 0..2 {
        let steps = trace(&site, &id.to_lowercase());
        let mut said = events(&steps);
        said.dedup();
        assert_eq!(
            said[..5],
            [
                "client",
                "message-id",
                "passing",
                "delivery deferred",
                "active"
            ]
        );
        assert_eq!(said[said.len() - 2..], ["delivery sent", "removed"]);
        let sent = &steps[steps.len() - 2];
        assert_eq!(sent["route"], "old");
        assert_eq!(sent["to"], JDOE);
        assert_eq!(sent["from"], ALICE);
        // The sender finds it too, and whatever the letter case; the newest comes first.
        let of_sender = trace(&site, "Alice@EXAMPLE.com");
        assert!(of_sender.iter().any(|step| step["queue_id"] == id.as_str()));
        assert!(of_sender[0]["at_ms"].as_u64() >= of_sender[1]["at_ms"].as_u64());
        site.stop().unwrap();
        site.launch().unwrap();
    }
}

#[test]
fn a_refusal_without_a_message_is_found_by_its_address() {
    let (old, _) = split::target_that_may_say("", false);
    let site = site(&old, "");
    be_refused(&site, "Nobody@example.com");
    let steps = trace(&site, "nobody@example.com");
    assert_eq!(events(&steps), ["rejected"]);
    let step = &steps[0];
    assert_eq!(step["queue_id"], Value::Null);
    assert_eq!(step["why"], "unknown");
    assert_eq!(step["to"], "Nobody@example.com");
    assert!(step["reply"].as_str().unwrap().starts_with("550 5.1.1"));
    assert_eq!(events(&trace(&site, "stranger@example.net")), ["rejected"]);
    assert!(trace(&site, "somebody@example.com").is_empty());
    let hidden = site
        .ask(&["trace", "nobody@example.com", "--to", "1h"])
        .unwrap();
    assert_eq!(hidden["items"], serde_json::json!([]));
    let table = site.tell(&["trace", "nobody@example.com"]).unwrap();
    assert!(
        table.contains("rejected") && table.contains("why=unknown"),
        "{table}"
    );
}

#[test]
fn pages_of_a_trace_follow_each_other() {
    let (old, _) = split::target_that_may_say("", false);
    let site = site(&old, "");
    for _ in 0..3 {
        be_refused(&site, "nobody@example.com");
    }
    let mut after = String::new();
    let mut times = Vec::new();
    loop {
        let mut words = vec!["trace", "nobody@example.com", "--limit", "1"];
        if !after.is_empty() {
            words.extend(["--after", &after]);
        }
        let page = site.ask(&words).unwrap();
        times.push(page["items"][0]["at_ms"].as_u64().unwrap());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
}

#[test]
fn no_history_is_kept_where_it_is_turned_off() {
    let (old, _) = split::target_that_may_say("", false);
    let site = site(&old, "history = \"0\"\n");
    write(&site, JDOE);
    old.wait_for_taken(1).unwrap();
    site.wait_for_log(&["status=sent"]).unwrap();
    let found = site.ask(&["trace", JDOE]).unwrap();
    assert_eq!(found["items"], serde_json::json!([]));
    assert_eq!(found["kept_s"], 0);
    for file in ["history.sqlite", "history.sqlite-wal"] {
        let kept = std::fs::read(site.dir().join("data").join(file)).unwrap_or_default();
        let name = JDOE.as_bytes();
        assert!(
            !kept.windows(name.len()).any(|window| window == name),
            "{file}"
        );
    }
}

#[test]
fn the_log_filter_does_not_empty_the_history() {
    let (old, _) = split::target_that_may_say("", false);
    let plan = Plan::new(PROGRAM)
        .unwrap()
        .section("log", "filter = \"warn\"\n");
    let site = plan.site(&split::site_file(&old, "")).start().unwrap();
    be_refused(&site, "nobody@example.com");
    assert_eq!(trace(&site, "nobody@example.com").len(), 1);
    assert!(!site.log().contains("nobody@example.com"), "{}", site.log());
}

fn sum(statistics: &Value, name: &str) -> u64 {
    let points = statistics["series"][name].as_array();
    let points = points.map(Vec::as_slice).unwrap_or_default();
    points.iter().filter_map(Value::as_u64).sum()
}

#[test]
fn statistics_count_what_was_sent_over_a_restart() {
    let (old, _) = split::target_that_may_say("", false);
    let mut site = site(&old, "");
    write(&site, JDOE);
    write(&site, ALICE);
    be_refused(&site, "nobody@example.com");
    old.wait_for_taken(1).unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    let request = serde_json::json!({ "command": "statistics", "span": 3600, "step": 60 });
    for _ in 0..2 {
        let all = wait::until("all to be counted", || {
            let all = control(&site, &request);
            (sum(&all, "sent.local") + sum(&all, "sent.target.old") == 2).then_some(all)
        })
        .unwrap();
        assert_eq!(sum(&all, "messages"), 2);
        assert_eq!(sum(&all, "recipients"), 2);
        assert_eq!(sum(&all, "from.strangers"), 2);
        assert_eq!(sum(&all, "connections"), 3);
        assert_eq!(sum(&all, "refused.5.unknown"), 1);
        assert_eq!(all["step_s"], 60);
        let p50 = all["delay"]["p50_s"].as_array().unwrap();
        assert!(p50.iter().any(|point| point.as_f64().is_some()), "{p50:?}");
        site.stop().unwrap();
        site.launch().unwrap();
    }
    let some = serde_json::json!({
        "command": "statistics", "span": 86400, "step": 3600, "series": ["sent.*"],
    });
    let some = control(&site, &some);
    assert_eq!(some["count"], 24);
    let names: Vec<_> = some["series"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["sent.local", "sent.target.old"]);
}

fn wrong(overview: &Value, code: &str) -> Option<Value> {
    let mut wrong = overview["wrong"].as_array().unwrap().iter();
    wrong.find(|found| found["code"] == code).cloned()
}

#[test]
fn the_overview_shows_a_stopped_target_and_a_hold_as_wrong() {
    let (old, _) = split::target_that_may_say("", false);
    let site = site(&old, "");
    let request = serde_json::json!({ "command": "overview" });
    let before = control(&site, &request);
    assert_eq!(wrong(&before, "target-down"), None);
    assert_eq!(before["server"]["hostname"], "site.test");
    assert_eq!(before["next_hops"][0]["name"], "old");
    assert_eq!(before["next_hops"][0]["condition"], "unused");
    drop(old);
    write(&site, JDOE);
    let found = wait::until("the target to be wrong", || {
        wrong(&control(&site, &request), "target-down")
    })
    .unwrap();
    assert_eq!(found["severity"], "error");
    assert_eq!(
        found["object"],
        serde_json::json!({ "kind": "target", "name": "old" })
    );
    assert!(found["parameters"]["error"].is_string(), "{found}");
    let now = control(&site, &request);
    assert_eq!(now["next_hops"][0]["condition"], "down");
    assert_eq!(now["server"]["queue"], 1);
    assert!(now["flow"]["messages"].as_f64().unwrap() > 0.0, "{now}");
    site.tell(&["queue", "hold", "--target", "old", "--reason", "moving"])
        .unwrap();
    let held = wrong(&control(&site, &request), "held").unwrap();
    assert_eq!(held["parameters"]["reason"], "moving");
}

#[test]
fn the_last_lines_of_the_log_are_read_from_a_number_on() {
    let (old, _) = split::target_that_may_say("", false);
    let site = site(&old, "");
    be_refused(&site, "nobody@example.com");
    let ask = |after: u64, text: &str| {
        let request = serde_json::json!({
            "command": "log", "after": after, "text": text, "limit": 100,
        });
        control(&site, &request)
    };
    let found = ask(0, "NOBODY@example.com");
    let line = &found["items"][0];
    assert_eq!(line["level"], "info");
    assert_eq!(line["target"], "waypost::smtpd");
    assert_eq!(line["fields"]["why"], "unknown");
    assert!(
        line["text"]
            .as_str()
            .unwrap()
            .starts_with("NOQUEUE: reject: RCPT")
    );
    let number = line["number"].as_u64().unwrap();
    assert!(found["next"].as_u64().unwrap() >= number);
    assert_eq!(ask(number, "nobody@")["items"], serde_json::json!([]));
}
