//! Envelopes that are told before their content is whole.

use super::*;

/// What a host offers, and what it hears before any content.
const EARLY: [(&str, &[&str]); 3] = [
    (
        PIPELINING,
        &["MAIL FROM:<s@example.com>", "RCPT TO:<a@x.org>", "DATA"],
    ),
    (
        "250-PIPELINING\n250 CHUNKING",
        &["MAIL FROM:<s@example.com>", "RCPT TO:<a@x.org>"],
    ),
    ("250 HELP", &["MAIL FROM:<s@example.com>"]),
];

/// Waits until a host has heard this.
async fn until_heard(peer: &Peer, commands: &[&str]) {
    let all_heard = async {
        while !commands.iter().all(|command| peer.heard(command) > 0) {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, all_heard).await.unwrap();
}

#[tokio::test]
async fn the_envelope_goes_ahead_and_the_content_follows_on_the_same_connection() {
    for (offers, commands) in EARLY {
        let peer = Peer::polite(offers).await;
        let deliverer = Site::new(&peer).deliverer();
        // Over a new connection, and over one that was kept.
        for _ in 0..2 {
            let job = job(&["a@x.org"]);
            let opened = deliverer.open(&job).await;
            until_heard(&peer, commands).await;
            let outcomes = deliverer.attempt_over(&job, opened).await;
            assert_eq!(words(&outcomes), ["sent"], "{offers}");
        }
        let heard = (peer.connections(), peer.heard("MAIL"), peer.heard("RCPT"));
        assert_eq!(heard, (1, 2, 2), "{offers}");
        let content = peer
            .log()
            .into_iter()
            .filter(|line| line.contains("Waypost-Trace: x"));
        assert_eq!(content.count(), 2, "{offers}");
    }
}

#[tokio::test]
async fn what_is_told_ahead_says_the_size_that_was_declared() {
    let peer = Peer::polite("250-PIPELINING\n250 SIZE 1000").await;
    let deliverer = Site::new(&peer).deliverer();
    let declaring = |size| {
        let mut job = job(&["a@x.org"]);
        Arc::get_mut(&mut job.message).unwrap().envelope.params.size = Some(size);
        job
    };
    assert!(deliverer.open(&declaring(1001)).await.is_none());
    let job = declaring(900);
    let opened = deliverer.open(&job).await;
    assert_eq!(words(&deliverer.attempt_over(&job, opened).await), ["sent"]);
    assert_eq!(peer.heard("MAIL FROM:<s@example.com> SIZE=900"), 1);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn content_that_turns_out_to_be_too_large_is_not_sent() {
    for to in [&["a@x.org"][..], &["a@x.org", "b@x.org"]] {
        let peer = Peer::polite("250-PIPELINING\n250 SIZE 20").await;
        let deliverer = Site::new(&peer).deliverer();
        let job = job(to);
        let opened = deliverer.open(&job).await;
        assert!(opened.is_some());
        let outcomes = deliverer.attempt_over(&job, opened).await;
        assert_eq!(words(&outcomes), vec!["5.3.4"; to.len()]);
        assert_eq!(peer.heard("Waypost-Trace: x"), 0);
    }
}

#[tokio::test]
async fn an_attempt_that_says_something_else_hangs_up_and_begins_anew() {
    let peer = Peer::polite(PIPELINING).await;
    let deliverer = Site::new(&peer).deliverer();
    let opened = deliverer.open(&job(&["a@x.org"])).await;
    let outcomes = deliverer.attempt_over(&job(&["b@x.org"]), opened).await;
    assert_eq!(words(&outcomes), ["sent"]);
    assert_eq!(peer.connections(), 2);
    assert_eq!(peer.heard("Waypost-Trace: x"), 1);
}

#[tokio::test]
async fn a_refusal_of_the_envelope_is_the_outcome() {
    let peer = Peer::start(|_, line| match line {
        "RCPT TO:<a@x.org>" => Some("550 5.1.1 no such user".into()),
        _ => Some(polite(PIPELINING, line)),
    })
    .await;
    let deliverer = Site::new(&peer).deliverer();
    let job = job(&["a@x.org"]);
    let opened = deliverer.open(&job).await;
    let outcomes = deliverer.attempt_over(&job, opened).await;
    assert_eq!(words(&outcomes), ["5.1.1 rcpt"]);
    // The connection serves the next.
    let outcomes = deliverer.attempt(&super::job(&["b@x.org"])).await;
    assert_eq!(
        (words(&outcomes), peer.connections()),
        (vec!["sent".into()], 1)
    );
}

#[tokio::test]
async fn a_host_that_hangs_up_meanwhile_is_told_again() {
    for at in ["MAIL", "RCPT", "DATA"] {
        let peer = Peer::start(move |number, line| {
            let hangs_up = number == 0 && line.starts_with(at);
            (!hangs_up).then(|| polite(PIPELINING, line))
        })
        .await;
        let deliverer = Site::new(&peer).deliverer();
        let job = job(&["a@x.org"]);
        let opened = deliverer.open(&job).await;
        until_heard(&peer, &[at]).await;
        let outcomes = deliverer.attempt_over(&job, opened).await;
        assert_eq!(words(&outcomes), ["sent"], "{at}");
        assert_eq!((peer.connections(), peer.heard("Waypost-Trace: x")), (2, 1));
    }
}

/// Of several recipients all get it over this connection, or nobody gets it.
#[tokio::test]
async fn for_several_recipients_one_answer_decides() {
    for (offers, _) in EARLY {
        let peer = Peer::start(move |_, line| match line {
            "RCPT TO:<no@x.org>" | "RCPT TO:<never@x.org>" => Some("550 5.1.1 unknown".into()),
            "DATA" => Some("354 go ahead".into()),
            _ => Some(polite(offers, line)),
        })
        .await;
        let deliverer = Site::new(&peer).deliverer();
        let both = job(&["a@x.org", "b@x.org"]);
        let opened = deliverer.open(&both).await;
        let outcomes = deliverer.attempt_over(&both, opened).await;
        assert_eq!(words(&outcomes), ["sent", "sent"], "{offers}");
        assert_eq!((peer.connections(), peer.heard("RCPT")), (1, 2));
        let mixed = job(&["a@x.org", "no@x.org"]);
        assert!(deliverer.open(&mixed).await.is_none(), "{offers}");
        let neither = job(&["no@x.org", "never@x.org"]);
        let opened = deliverer.open(&neither).await;
        assert!(opened.is_some(), "{offers}");
        let outcomes = deliverer.attempt_over(&neither, opened).await;
        assert_eq!(words(&outcomes), ["5.1.1 rcpt", "5.1.1 rcpt"], "{offers}");
        assert_eq!(peer.heard("Waypost-Trace: x"), 1);
    }
}

#[tokio::test]
async fn for_several_recipients_no_second_host_is_tried() {
    let peer = Peer::start(|number, line| {
        let hangs_up = number == 0 && line == ".";
        (!hangs_up).then(|| polite(PIPELINING, line))
    })
    .await;
    let deliverer = Site::new(&peer).deliverer();
    let both = job(&["a@x.org", "b@x.org"]);
    let opened = deliverer.open(&both).await;
    let outcomes = deliverer.attempt_over(&both, opened).await;
    assert_eq!(words(&outcomes), ["4.4.2", "4.4.2"]);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn where_nobody_is_there_nothing_is_told() {
    let peer = Peer::polite(PIPELINING).await;
    let mut site = Site::new(&peer);
    site.target.port = 1;
    let deliverer = site.deliverer();
    assert!(deliverer.open(&job(&["a@x.org"])).await.is_none());
}
