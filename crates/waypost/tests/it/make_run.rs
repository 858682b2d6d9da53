//! The two sites that `make run` starts, from its own site files, and what brings packages before.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message};

const MAIN: &str = include_str!("../../../../make/run/main.toml");
const BRANCH: &str = include_str!("../../../../make/run/branch.toml");
/// What the sites ask each other with.
const SECRET: &str = "a-secret-that-is-shared";

/// main and branch, at addresses of their own.
fn sites() -> Result<(Site, Site)> {
    let (main, branch) = (Plan::new(PROGRAM)?, Plan::new(PROGRAM)?);
    let (main_at, branch_at) = (main.address().to_string(), branch.address().to_string());
    let start = |plan: Plan, file: &str| {
        let file = file
            .replace("127.0.0.1", &main_at)
            .replace("127.0.0.2", &branch_at)
            .replace("file:%ROOT%/minger.secret", SECRET);
        plan.section("minger", &format!("secrets = [\"{SECRET}\"]\n"))
            .site(&file)
            .start()
    };
    Ok((start(main, MAIN)?, start(branch, BRANCH)?))
}

/// What a stranger's mail for a recipient, and then its last reply, comes to.
fn send(site: &Site, recipient: &str) -> Result<u16> {
    let mut stranger = Dialogue::open(site.smtp())?;
    let content = message("Hello");
    let (replies, last) = stranger.submit("paul@elsewhere.test", &[recipient], &content)?;
    Ok(last.map_or_else(|| replies.first().map_or(0, |reply| reply.code), |r| r.code))
}

#[test]
fn everybody_is_reached_from_both_sites_and_nobody_is_refused_at_both() {
    let (main, branch) = sites().unwrap();
    let users = [
        (&main, "alice", "example.com"),
        (&main, "bob", "example.com"),
        (&branch, "carol", "example.com"),
        (&branch, "dave", "example.com"),
        (&main, "erin", "split.example.net"),
        (&branch, "frank", "split.example.net"),
    ];
    for (_, login, domain) in users {
        for site in [&main, &branch] {
            assert_eq!(send(site, &format!("{login}@{domain}")).unwrap(), 250);
        }
    }
    for (home, login, domain) in users {
        let found = home.wait_for_messages(domain, login, 2).unwrap();
        assert_eq!(found.len(), 2, "{login}@{domain}");
    }
    for domain in ["example.com", "split.example.net"] {
        for site in [&main, &branch] {
            assert_eq!(send(site, &format!("nobody@{domain}")).unwrap(), 550);
        }
    }
}

#[test]
fn explain_names_the_way_of_each_form() {
    let (main, branch) = sites().unwrap();
    for (site, address, why) in [
        (&main, "carol@example.com", "sharing"),
        (&branch, "bob@example.com", "sharing"),
        (&main, "frank@split.example.net", "third-party"),
        (&branch, "erin@split.example.net", "forward-unknown"),
    ] {
        let told = site
            .tell(&["explain", address, "--client", "192.0.2.1"])
            .unwrap();
        assert!(told.contains(&format!("why    {why}")), "{told}");
        assert!(told.contains("250 2.1.5 Ok"), "{told}");
    }
}

const ASKED: &str = ". make/setup.sh
missing=$(missing_packages waypost-no-such-1 waypost-no-such-2)
echo \"$missing\"";

/// Under `-e`, as most of the scripts are, in which a failure that nobody looks at ends everything.
#[test]
fn packages_that_the_machine_has_never_heard_of_are_missing_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let asked = Command::new("sh")
        .args(["-euc", ASKED])
        .current_dir(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!(said.trim_end(), "waypost-no-such-1 waypost-no-such-2");
}
