//! What many tests start from: example.com with alice here and jdoe at a target.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;

/// The site file, with further settings of the domain; more objects may follow it.
pub(crate) fn site_file(target: &Peer, domain: &str) -> String {
    format!(
        r#"
[[target]]
name = "old"
host = "{}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "old"
{domain}

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
"#,
        target.smtp().ip()
    )
}

/// A target that says this to RCPT while it is told to, which it is at first or not.
pub(crate) fn target_that_may_say(reply: &'static str, at_first: bool) -> (Peer, Arc<AtomicBool>) {
    let says_it = Arc::new(AtomicBool::new(at_first));
    let told = Arc::clone(&says_it);
    let peer = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT") && told.load(Ordering::SeqCst) => {
            Some(Reaction::Say(reply.to_owned()))
        }
        _ => None,
    });
    (peer.unwrap(), says_it)
}
