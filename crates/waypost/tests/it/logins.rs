//! Logins under attack: who guesses is slowed down and stopped, and shuts nobody out.

use std::net::IpAddr;
use std::process::Command;

use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, SUBMISSIONS_PORT, Site};

use crate::PROGRAM;

/// Tries each pair of login and password on a connection of its own, from one address; prints the
/// milliseconds until the reply, and the reply.
const CLIENT: &str = r#"
import base64, smtplib, ssl, sys, time
host, port, source, *pairs = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for login, password in zip(pairs[::2], pairs[1::2]):
    client = smtplib.SMTP_SSL(host, int(port), context=context, source_address=(source, 0))
    client.ehlo()
    proof = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
    begun = time.monotonic()
    code, text = client.docmd("AUTH PLAIN", proof)
    print(round((time.monotonic() - begun) * 1000), code, text.decode().replace("\n", " "))
    client.close()
"#;

const PASSWORD: &str = "correct horse battery";
const REFUSED: &str = "535 5.7.8 Authentication credentials invalid";
const PUT_OFF: &str = "454 4.7.0 Temporary authentication failure";

struct Tried {
    ms: u64,
    reply: String,
}

fn attempts(site: &Site, source: IpAddr, pairs: &[(&str, &str)]) -> Vec<Tried> {
    let output = Command::new("python3")
        .args(["-c", CLIENT, &site.address.to_string()])
        .args([SUBMISSIONS_PORT.to_string(), source.to_string()])
        .args(pairs.iter().flat_map(|(login, password)| [login, password]))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", site.log());
    let said = String::from_utf8(output.stdout).unwrap();
    let tried = |line: &str| {
        let (ms, reply) = line.split_once(' ').unwrap();
        Tried {
            ms: ms.parse().unwrap(),
            reply: reply.to_owned(),
        }
    };
    said.lines().map(tried).collect()
}

fn replies(site: &Site, source: IpAddr, pairs: &[(&str, &str)]) -> Vec<String> {
    let tried = attempts(site, source, pairs).into_iter();
    tried.map(|tried| tried.reply).collect()
}

/// Alice and Bob here, and Away at a third party, all with the same password.
fn site(limits: &str) -> Site {
    let user = |login: &str, kind: &str| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"{kind}\"\n\
             addresses = [\"{login}@example.com\"]\n"
        )
    };
    let target = "[[target]]\nname = \"old\"\nhost = \"127.0.0.1\"\n\
                  [[domain]]\nname = \"example.com\"\nrelay = \"old\"\n";
    let users = [
        user("alice", "local"),
        user("bob", "local"),
        user("away", "third-party"),
    ];
    let plan = Plan::new(PROGRAM).unwrap().section("limits", limits);
    let site = plan
        .site(&[target, &users.concat()].concat())
        .start()
        .unwrap();
    for login in ["alice", "bob", "away"] {
        let address = format!("{login}@example.com");
        let arguments = ["user", "set", &address, "--password-stdin"];
        let set = site.run_with_input(&arguments, &format!("{PASSWORD}\n"));
        assert!(set.unwrap().status.success());
    }
    site
}

#[test]
fn guesses_from_many_addresses_are_stopped_and_the_owner_still_logs_in() {
    let site = site("login_delay = \"0s\"\n");
    let right = ("alice@example.com", PASSWORD);
    let owner = unused_address().unwrap();
    assert!(replies(&site, owner, &[right])[0].starts_with("235"));
    // Whether there is such an account makes no difference, nor how its name is written.
    for login in [
        "Alice@example.com",
        "nobody@example.com",
        "away@example.com",
    ] {
        let heard = (0..5).flat_map(|_| {
            let guesser = unused_address().unwrap();
            replies(&site, guesser, &[(login, "guess"); 8])
        });
        let heard: Vec<String> = heard.collect();
        let refused = heard
            .iter()
            .filter(|reply| reply.starts_with(REFUSED))
            .count();
        let put_off = heard
            .iter()
            .filter(|reply| reply.starts_with(PUT_OFF))
            .count();
        // Thirty at once, the owner's own first login among them; then one a minute.
        assert!((29..=35).contains(&refused), "{login}: {heard:?}");
        assert_eq!(refused + put_off, 40, "{login}: {heard:?}");
    }
    let stranger = unused_address().unwrap();
    let heard = replies(&site, stranger, &[right, ("bob@example.com", PASSWORD)]);
    assert!(heard[0].starts_with(PUT_OFF), "{heard:?}");
    assert!(heard[1].starts_with("235"), "{heard:?}");
    let heard = replies(&site, owner, &[right, ("alice@example.com", "typo"), right]);
    assert!(heard[0].starts_with("235"), "{heard:?}");
    assert!(heard[1].starts_with(REFUSED), "{heard:?}");
    assert!(heard[2].starts_with("235"), "{heard:?}");
    let line = ["login put off: too many", "sasl_username=alice@example.com"];
    site.wait_for_log(&line).unwrap();
}

#[test]
fn who_keeps_failing_waits_longer_and_others_do_not() {
    let site = site("login_delay = \"200ms\"\nlogin_delay_max = \"800ms\"\n");
    let guesser = unused_address().unwrap();
    let tried = attempts(&site, guesser, &[("alice@example.com", "guess"); 5]);
    for (tried, least) in tried.iter().zip([0, 200, 400, 800, 800]) {
        assert!(tried.ms >= least, "{} ms of {least}", tried.ms);
    }
    // A login of one's own is no pardon for guesses at another account.
    let pairs = [
        ("bob@example.com", PASSWORD),
        ("alice@example.com", "guess"),
    ];
    let tried = attempts(&site, guesser, &pairs);
    assert!(tried[0].reply.starts_with("235"));
    assert!(tried[1].ms >= 800, "{} ms", tried[1].ms);
}

#[test]
fn who_may_not_log_in_is_refused_in_the_same_words_and_time() {
    let site = site("login_delay = \"0s\"\n");
    let kinds = [
        ("alice@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("away@example.com", PASSWORD),
        ("nobody@elsewhere.test", PASSWORD),
        ("old", PASSWORD),
    ];
    let mut times = [const { Vec::new() }; 5];
    for _ in 0..5 {
        let tried = attempts(&site, unused_address().unwrap(), &kinds);
        for (times, tried) in times.iter_mut().zip(tried) {
            assert!(tried.reply.starts_with(REFUSED), "{}", tried.reply);
            times.push(tried.ms);
        }
    }
    // The least of each: what else the machine does adds time, and never takes any. A hash that is
    // not computed would make a difference of tens.
    let least: Vec<u64> = times.iter().map(|of| *of.iter().min().unwrap()).collect();
    let (quickest, slowest) = (least.iter().min().unwrap(), least.iter().max().unwrap());
    assert!(*quickest * 4 >= *slowest, "{least:?} ms");
}
