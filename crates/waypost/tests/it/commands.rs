//! The commands of the program against a running site.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Signal, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const SITE: &str = r#"
[[target]]
name = "old"
host = "OLD"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "old"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com", "a.lice@*"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
"#;

/// A site whose target is an address on which nobody listens.
fn site() -> Result<Site> {
    let nobody = unused_address()?.to_string();
    Plan::new(PROGRAM)?
        .site(&SITE.replace("OLD", &nobody))
        .start()
}

/// Runs a command that must fail with this exit code; what it said.
fn fails(site: &Site, code: i32, arguments: &[&str]) -> String {
    let output = site.run(arguments).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn explain_says_the_verdict_and_every_step() {
    let site = site().unwrap();
    let local = site.tell(&["explain", "a.lice+tag@example.org"]).unwrap();
    assert!(local.contains("deliver"), "{local}");
    let relayed = site.tell(&["explain", "jdoe@example.com"]).unwrap();
    assert!(
        relayed.contains("relay") && relayed.contains("old"),
        "{relayed}"
    );
    let refused = site.ask(&["explain", "nobody@example.com"]).unwrap();
    assert!(refused.to_string().contains("5.1.1"), "{refused}");
    assert!(
        !refused["steps"].as_array().unwrap().is_empty(),
        "{refused}"
    );
}

#[test]
fn what_explain_says_can_be_said_in_other_languages() {
    let site = site().unwrap();
    for (address, verdict) in [
        ("a.lice+tag@example.org", "deliver"),
        ("jdoe@example.com", "relay"),
        ("nobody@example.com", "refuse"),
        ("postmaster@example.com", "deliver-postmaster"),
        ("x@elsewhere.test", "relay-mx"),
    ] {
        let explained = site.ask(&["explain", address]).unwrap();
        assert_eq!(explained["verdict_code"], verdict, "{explained}");
        assert_eq!(explained["from_kind"], "here");
        for step in explained["steps"].as_array().unwrap() {
            assert!(step["code"].is_string(), "{step} has words only");
        }
    }
}

#[test]
fn explain_says_as_whom_it_asks() {
    let site = site().unwrap();
    for (arguments, from) in [
        (&[][..], "this server itself"),
        (&["--client", "203.0.113.7"], "a stranger"),
        (&["--sender", "someone@elsewhere.test"], "a stranger"),
        (
            &["--sender", "alice@example.com"],
            "a user who is logged in",
        ),
    ] {
        let command = [&["explain", "jdoe@example.com"], arguments].concat();
        let said = site.tell(&command).unwrap();
        let line = format!("\n  from   {from}\n");
        assert!(said.contains(&line), "{arguments:?}: {said}");
    }
    let shown = site.ask(&["target", "show", "old"]).unwrap();
    let host = shown["host"].as_str().unwrap();
    let said = site.tell(&["explain", "alice@example.com", "--client", host]);
    let said = said.unwrap();
    assert!(said.contains("\n  from   target old\n"), "{said}");
}

#[test]
fn the_queue_is_listed_held_released_and_removed() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &message("waits"))
        .unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    let list = site.ask(&["queue", "list"]).unwrap();
    let id = first_id(&list);
    let shown = site.tell(&["queue", "show", &id]).unwrap();
    assert!(shown.contains("jdoe@example.com"), "{shown}");
    site.tell(&["queue", "hold", &id, "--reason", "looking at it"])
        .unwrap();
    let held = site.tell(&["queue", "list"]).unwrap();
    assert!(held.contains(&id), "{held}");
    site.tell(&["queue", "release", &id]).unwrap();
    site.tell(&["queue", "summary"]).unwrap();
    site.tell(&["queue", "remove", &id]).unwrap();
    wait::until("the queue to be empty", || {
        let list = site.ask(&["queue", "list"]).ok()?;
        (!list.to_string().contains(&id)).then_some(())
    })
    .unwrap();
    site.wait_for_log(&[&id, "removed"]).unwrap();
}

/// The id of the first message of a listing.
fn first_id(list: &Value) -> String {
    let messages = list
        .as_array()
        .or_else(|| list["messages"].as_array())
        .unwrap();
    let id = messages[0]
        .get("id")
        .or_else(|| messages[0].get("queue_id"))
        .unwrap();
    id.as_str().unwrap().to_owned()
}

#[test]
fn applying_an_export_changes_nothing() {
    let site = site().unwrap();
    let exported = site.tell(&["export"]).unwrap();
    let path = site.dir().join("exported.toml");
    std::fs::write(&path, &exported).unwrap();
    let path = path.display().to_string();
    let plan = site.ask(&["apply", &path, "--dry-run", "--prune"]).unwrap();
    assert!(!plan.to_string().contains("\"create\":["), "{plan}");
    site.tell(&["apply", &path, "--prune"]).unwrap();
    assert_eq!(site.tell(&["export"]).unwrap(), exported);
}

#[test]
fn a_refused_change_names_the_field_and_the_mend() {
    let site = site().unwrap();
    let said = fails(&site, 1, &["domain", "set", "example.com", "--relay", ""]);
    assert!(said.contains("relay") && said.contains("jdoe"), "{said}");
    let own = format!("{}:2525", site.address);
    let said = fails(&site, 1, &["target", "set", "old", "--host", &own]);
    assert!(said.contains("host") && said.contains("itself"), "{said}");
    let said = fails(&site, 1, &["domain", "show", "nowhere.test"]);
    assert!(said.contains("nowhere.test"), "{said}");
}

#[test]
fn without_a_server_commands_say_so_and_ask_to_try_later() {
    let mut site = site().unwrap();
    site.stop().unwrap();
    let said = fails(&site, 75, &["queue", "list"]);
    assert!(said.contains("not running"), "{said}");
    let nonsense = Command::new(PROGRAM).arg("nonsense").output().unwrap();
    assert_eq!(nonsense.status.code(), Some(2));
}

/// Writes the configuration anew and makes the server read it.
fn reload(site: &Site, from: &str, to: &str) {
    let path = site.dir().join("waypost.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(file.contains(from), "{file}");
    std::fs::write(&path, file.replace(from, to)).unwrap();
    site.signal(Signal::HUP).unwrap();
}

#[test]
fn a_reload_changes_the_times_of_the_queue() {
    let (old, _) = split::target_that_may_say("451 4.3.2 Come back later", true);
    let file = split::site_file(&old, "");
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section("queue", "retry_first = \"6h\"\nretry_max = \"6h\"\n");
    let site = plan.site(&file).start().unwrap();
    let write = || {
        let mut client = Dialogue::open(site.smtp()).unwrap();
        let to = ["jdoe@example.com"];
        client
            .submit("alice@example.com", &to, &message("later"))
            .unwrap();
    };
    write();
    site.wait_for_log(&["jdoe@example.com", "status=deferred"])
        .unwrap();
    reload(&site, "\"6h\"", "\"100ms\"");
    site.wait_for_log(&["reloaded", "queue.retry_first = \"100ms\" now"])
        .unwrap();
    write();
    wait::until("attempts after the new times", || {
        let heard = old.heard();
        let attempts = heard.iter().filter(|line| line.starts_with("RCPT"));
        (attempts.count() >= 4).then_some(())
    })
    .unwrap();
}

#[test]
fn a_reload_changes_what_is_logged() {
    let (old, _) = split::target_that_may_say("550 5.1.1 No", false);
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section("log", "filter = \"info\"\n");
    let site = plan.site(&split::site_file(&old, "")).start().unwrap();
    reload(&site, "filter = \"info\"", "filter = \"error\"");
    site.wait_for_log(&["reloaded", "log.filter = \"error\" now"])
        .unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let to = ["alice@example.com"];
    client
        .submit("jdoe@example.com", &to, &message("quiet"))
        .unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(
        !site.log().contains("to=<alice@example.com>"),
        "{}",
        site.log()
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let site = site().unwrap();
    let second = site.run(&["serve"]).unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let pid = site.pid().unwrap().to_string();
    assert!(said.contains(&pid) || said.contains("in use"), "{said}");
}

#[test]
fn a_backup_restores_the_directory_and_the_queue() {
    let mut site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &message("kept"))
        .unwrap();
    let exported = site.tell(&["export"]).unwrap();
    let id = first_id(&site.ask(&["queue", "list"]).unwrap());
    let backup = site.dir().join("backup").display().to_string();
    site.tell(&["backup", &backup]).unwrap();
    site.tell(&["queue", "remove", &id]).unwrap();
    site.tell(&["user", "remove", "jdoe@example.com"]).unwrap();
    site.stop().unwrap();
    std::fs::remove_dir_all(site.dir().join("data")).unwrap();
    site.tell(&["restore", &backup]).unwrap();
    site.launch().unwrap();
    assert_eq!(site.tell(&["export"]).unwrap(), exported);
    assert_eq!(first_id(&site.ask(&["queue", "list"]).unwrap()), id);
}

#[test]
fn a_reload_drops_no_session() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    site.signal(Signal::HUP).unwrap();
    site.wait_for_log(&["reload"]).unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
    client.expect("DATA", 354).unwrap();
    client.send(message("across").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
}

#[test]
fn only_the_owner_reads_the_directory_of_users() {
    let site = site().unwrap();
    let data = site.dir().join("data");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("directory.sqlite") {
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
            seen.push(name);
        }
    }
    assert!(
        seen.contains(&"directory.sqlite-wal".to_owned()),
        "{seen:?}"
    );
}

#[test]
fn the_listing_shows_who_waits_and_what_is_held() {
    let site = site().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let both = ["alice@example.com", "jdoe@example.com"];
    site.tell(&["queue", "hold", "--target", "old"]).unwrap();
    client
        .submit("carol@example.net", &both, &message("held"))
        .unwrap();
    site.wait_for_log(&["to=<alice@example.com>", "status=sent"])
        .unwrap();
    let listing = wait::until("a held message", || {
        let listing = site.tell(&["queue", "list", "--held"]).ok()?;
        listing.contains("  ! ").then_some(listing)
    })
    .unwrap();
    assert!(listing.contains("jdoe@example.com"), "{listing}");
    assert!(!listing.contains("alice@example.com"), "{listing}");
}

#[test]
fn the_summary_says_where_untried_messages_would_go() {
    let site = site().unwrap();
    site.tell(&["queue", "hold", "--target", "old"]).unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &message("waits"))
        .unwrap();
    let summary = site.ask(&["queue", "summary"]).unwrap();
    assert_eq!(summary["next_hops"][0]["next_hop"], "old", "{summary}");
    let listed = site.ask(&["queue", "list"]).unwrap();
    assert!(listed[0]["recipients"][0]["next_hop"].is_null(), "{listed}");
}

#[test]
fn single_recipients_are_removed_from_a_message() {
    let site = site().unwrap();
    let both = [
        "jdoe@example.com",
        "jdoe+home@example.com",
        "jdoe+x@example.com",
    ];
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &both, &message("waits"))
        .unwrap();
    site.wait_for_log(&["to=<jdoe+home@example.com>", "status=deferred"])
        .unwrap();
    let id = first_id(&site.ask(&["queue", "list"]).unwrap());
    let said = fails(
        &site,
        1,
        &["queue", "remove", &id, "--recipient", "b@example.com"],
    );
    assert!(
        said.contains("no recipient b@example.com that waits"),
        "{said}"
    );
    let remove = ["queue", "remove", &id, "--reason", "asked for"];
    let two = ["--recipient", both[1], "--recipient", both[2]];
    let told = site.tell(&[remove.as_slice(), &two].concat()).unwrap();
    assert!(told.contains(both[1]) && told.contains("removed"), "{told}");
    let line = site.wait_for_log(&[&id, "removed by="]).unwrap();
    assert!(
        line.contains("to=<jdoe+home@example.com>") && line.contains("asked for"),
        "{line}"
    );
    let shown = site.ask(&["queue", "show", &id]).unwrap();
    let states = shown["recipients"].as_array().unwrap().iter();
    let states: Vec<_> = states.map(|recipient| recipient["state"].clone()).collect();
    assert_eq!(states, ["queued", "removed", "removed"]);
    site.tell(&["queue", "remove", &id, "--recipient", both[0]])
        .unwrap();
    let gone = site.ask(&["queue", "list"]).unwrap();
    assert_eq!(gone.as_array().map(Vec::len), Some(0), "{gone}");
}

#[test]
fn a_clean_end_leaves_no_control_socket() {
    let mut site = site().unwrap();
    let socket = site.dir().join("data/control.sock");
    assert!(socket.exists());
    site.stop().unwrap();
    assert!(!socket.exists());
}

#[test]
fn json_log_lines_carry_their_facts_as_members() {
    let nobody = unused_address().unwrap().to_string();
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section("log", "format = \"json\"\n");
    let site = plan.site(&SITE.replace("OLD", &nobody)).start().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &["alice@example.com"], &message("x"))
        .unwrap();
    let line = site.wait_for_log(&["to=<alice@example.com>", "status=sent"]);
    let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
    for (name, value) in [
        ("to", "alice@example.com"),
        ("relay", "maildir"),
        ("dsn", "2.0.0"),
        ("status", "sent"),
        ("route", "maildir"),
        ("why", "local"),
    ] {
        assert_eq!(line[name], value, "{name}: {line}");
    }
    let id = line["queue_id"].as_str().unwrap();
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("{id}: to=<alice@")), "{line}");
    assert!(line["delay"].is_number(), "{line}");
    let refused = client.say("RSET").and_then(|_| {
        client.say("MAIL FROM:<a@elsewhere.test>")?;
        client.say("RCPT TO:<x@example.com>")
    });
    assert_eq!(refused.unwrap().code, 550);
    let line = site.wait_for_log(&["reject: RCPT"]).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["queue_id"], "NOQUEUE");
    assert_eq!(line["to"], "<x@example.com>");
    assert!(
        line["reply"].as_str().unwrap().starts_with("550 5.1.1"),
        "{line}"
    );
}
