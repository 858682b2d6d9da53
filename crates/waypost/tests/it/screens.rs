//! What single pages show, where a mistake would not be seen in what they are made of.

use std::collections::BTreeSet;
use std::time::SystemTime;

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::{Answer, Client};
use waypost_testkit::peer::Peer;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const ALICE: &str = "alice@example.com";
const JDOE: &str = "jdoe@example.com";

fn site(target: &Peer) -> (Site, Client) {
    let file = split::site_file(target, "");
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(&file);
    let plan = plan.section("queue", "retry_first = \"1h\"\nretry_max = \"1h\"\n");
    let site = plan.start().unwrap();
    let admin = Client::first_admin(&site).unwrap();
    (site, admin)
}

/// Sends it to jdoe; its queue id.
fn write(site: &Site, subject: &str) -> String {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let sent = client.submit(ALICE, &[JDOE], &message(subject)).unwrap();
    let text = sent.1.unwrap().text;
    text.rsplit(' ').next().unwrap().to_owned()
}

/// Where all this stands in a page, one behind the other.
fn in_order(page: &str, all: &[&str]) {
    let mut rest = page;
    for words in all {
        let Some((_, behind)) = rest.split_once(words) else {
            panic!("{words:?} is not in its place in:\n{page}");
        };
        rest = behind;
    }
}

#[test]
fn a_trace_of_a_recipient_tells_each_message_from_its_arrival_on() {
    let (old, _) = split::target_that_may_say("451 4.3.2 Come back later", true);
    let (site, mut admin) = site(&old);
    let steps = |what: &[&str]| site.ask(&[&["trace"], what].concat()).unwrap()["items"].take();
    let ids = ["first", "second"].map(|subject| {
        let id = write(&site, subject);
        wait::until("the first attempt in the history", || {
            let steps = steps(&[&id]);
            let mut steps = steps.as_array()?.iter();
            steps.find(|step| step["event"] == "delivery").map(drop)
        })
        .unwrap();
        id
    });
    // Later attempts, which are all that is asked for.
    let last = steps(&[JDOE])[0]["at_ms"].as_u64().unwrap();
    let next = wait::until("the next second", || {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        (now.as_secs() > last / 1_000).then_some(())
    });
    for id in &ids {
        site.flush(&[id]).unwrap();
    }
    next.unwrap();
    let later = wait::until("both attempts in the history", || {
        let later = steps(&[JDOE]);
        let later = later.as_array()?.iter();
        let later = later.filter(|step| step["at_ms"].as_u64() > Some(last));
        let later: Vec<_> = later.filter(|step| step["event"] == "delivery").collect();
        (later.len() == 2).then(|| [0, 1].map(|place| later[place].clone()))
    });
    let [newest, before] = later.unwrap();
    let moment = before["at"].as_str().unwrap();
    let named = steps(&[JDOE, "--from", moment]);
    let mut named = named.as_array().unwrap().iter();
    assert!(named.all(|step| step["event"] != "client"), "{named:?}");
    let page = format!("/trace?what={JDOE}&from={}", moment.trim_end_matches('Z'));
    let page = admin.get(&page).unwrap().text();
    let page = page.replace(['\u{2068}', '\u{2069}'], "");
    let newest = newest["queue_id"].as_str().unwrap();
    let older = ids.iter().find(|id| *id != newest).unwrap();
    // The message of the latest step first, and each in its own order.
    let story = [
        "connected and brought it",
        "Taken into the queue from alice@example.com",
        "Not delivered to jdoe@example.com yet",
    ];
    in_order(
        &page,
        &[&[newest], &story[..], &[older], &story[..]].concat(),
    );
    assert_eq!(page.matches(story[2]).count(), 2, "{page}");
}

/// The job that a form begins, once it has ended.
fn ended(admin: &mut Client, begun: &Answer) -> String {
    let at = begun.header("location").unwrap().to_owned();
    wait::until("the job to end", || {
        let page = admin.get(&at).ok()?.text();
        page.contains("role=\"status\"").then_some(page)
    })
    .unwrap()
}

#[test]
fn a_job_names_the_messages_that_it_left_and_says_why() {
    let (old, _) = split::target_that_may_say("451 4.3.2 Come back later", true);
    let (site, mut admin) = site(&old);
    let ids = ["held", "not held"].map(|subject| write(&site, subject));
    for id in &ids {
        site.wait_for_log(&[id, "status=deferred"]).unwrap();
    }
    site.tell(&["queue", "hold", &ids[0]]).unwrap();
    let gone = "CR6TQTDGHHR0";
    let form = format!(
        "verb=release&select={}&select={}&select={gone}",
        ids[0], ids[1]
    );
    let kind = "application/x-www-form-urlencoded";
    let begun = admin.ask("POST", "/queue/actions", Some((kind, &form)));
    let begun = begun.unwrap();
    assert_eq!(begun.status, 303, "{}", begun.text());
    let page = ended(&mut admin, &begun);
    in_order(
        &page,
        &["Messages done", "<dd>1</dd>", "Not done", "<dd>2</dd>"],
    );
    in_order(
        &page,
        &[&format!("href=\"/queue/{}\"", ids[1]), "It was not held."],
    );
    in_order(&page, &[gone, "It is not in the queue any more."]);
    assert!(!page.contains(&ids[0]), "{page}");
    assert!(!page.contains(&format!("/queue/{gone}")), "{page}");
    let file = format!("{}/refused", begun.header("location").unwrap());
    let file = admin.get(&file).unwrap().text();
    assert!(file.starts_with("queue_id,why,message\r\n"), "{file}");
    in_order(&file, &[&format!("{},not-held,", ids[1])]);
}

#[test]
fn no_two_fields_of_the_form_of_a_target_have_the_same_label() {
    let (old, _) = split::target_that_may_say("", false);
    let (_site, mut admin) = site(&old);
    for language in ["en", "fr", "de"] {
        admin.says("Accept-Language", language);
        let page = admin.get("/targets/new").unwrap().text();
        let labels = page.split("<label for=\"").skip(1);
        let labels = labels.filter_map(|label| label.split_once('>')?.1.split_once('<'));
        let labels: Vec<&str> = labels.map(|(text, _)| text).collect();
        let distinct: BTreeSet<_> = labels.iter().collect();
        assert!(labels.len() > 5, "{page}");
        assert_eq!(distinct.len(), labels.len(), "{language}: {labels:?}");
    }
}
