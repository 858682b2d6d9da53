//! TLS policies of targets, and logins at them.

use super::*;

const STARTTLS: &str = "250-STARTTLS\n250 PIPELINING";

async fn secure_peer(identity: &Identity) -> Peer {
    Peer::at("127.0.0.1:0", Some(identity), |_, line| {
        Some(polite(STARTTLS, line))
    })
    .await
}

#[tokio::test]
async fn secures_the_connection_when_that_is_offered() {
    let identity = Identity::new();
    for policy in [TlsPolicy::Opportunistic, TlsPolicy::Required] {
        let peer = secure_peer(&identity).await;
        assert_eq!(
            attempt(&Site::new(&peer).tls(policy).deliverer()).await,
            ["sent"]
        );
        assert_eq!((peer.heard("STARTTLS"), peer.heard("EHLO")), (1, 2));
    }
}

#[tokio::test]
async fn falls_back_to_plain_text_only_where_tls_is_opportunistic() {
    for (policy, word, mails) in [
        (TlsPolicy::Opportunistic, "sent", 1),
        (TlsPolicy::Required, "4.7.5", 0),
        (TlsPolicy::Verified, "4.7.5", 0),
        (TlsPolicy::Pinned, "4.7.5", 0),
    ] {
        // Says 220 and hangs up instead of a handshake.
        let peer = Peer::polite(STARTTLS).await;
        assert_eq!(
            attempt(&Site::new(&peer).tls(policy).deliverer()).await,
            [word]
        );
        assert_eq!(peer.heard("MAIL"), mails);
    }
}

#[tokio::test]
async fn required_tls_that_is_not_offered_or_refused_defers() {
    let identity = Identity::new();
    let stripped = Peer::polite(PIPELINING).await;
    let refusing = Peer::at("127.0.0.1:0", Some(&identity), |_, line| match line {
        "STARTTLS" => Some("554 5.7.0 not now".into()),
        _ => Some(polite(STARTTLS, line)),
    })
    .await;
    for (peer, word) in [(stripped, "4.7.4"), (refusing, "4.7.0")] {
        let deliverer = Site::new(&peer).tls(TlsPolicy::Required).deliverer();
        assert_eq!(attempt(&deliverer).await, [word]);
        assert_eq!(peer.heard("MAIL"), 0);
    }
}

#[tokio::test]
async fn verifies_the_certificate_against_the_authorities_and_the_name() {
    let identity = Identity::new();
    let mut roots = RootCertStore::empty();
    roots.add(identity.certificate.clone()).unwrap();
    for (name, known, word) in [
        ("mx.example", true, "sent"),
        ("other.example", true, "4.7.5"),
        ("mx.example", false, "4.7.5"),
    ] {
        let peer = secure_peer(&identity).await;
        let mut site = Site::new(&peer).named(name).tls(TlsPolicy::Verified);
        site.dns = site.dns.host("mx.example", &["127.0.0.1"]);
        site.dns = site.dns.host("other.example", &["127.0.0.1"]);
        site.roots = Some(if known {
            roots.clone()
        } else {
            RootCertStore::empty()
        });
        assert_eq!(attempt(&site.deliverer()).await, [word], "{name} {known}");
    }
}

#[tokio::test]
async fn accepts_the_pinned_key_and_no_other() {
    let identity = Identity::new();
    for (pin, word) in [(identity.pin, "sent"), ([7; 32], "4.7.5")] {
        let peer = secure_peer(&identity).await;
        let mut site = Site::new(&peer).tls(TlsPolicy::Pinned);
        site.target.tls_pin = Some(TlsPin(pin));
        assert_eq!(attempt(&site.deliverer()).await, [word]);
    }
}

#[tokio::test]
async fn replies_injected_before_the_handshake_are_not_believed() {
    let identity = Identity::new();
    let peer = Peer::at("127.0.0.1:0", Some(&identity), |_, line| match line {
        "STARTTLS" => Some("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n235 in\r\n250 x".into()),
        _ => Some(polite(STARTTLS, line)),
    })
    .await;
    let site = Site::new(&peer).tls(TlsPolicy::Required).login();
    assert_eq!(attempt(&site.deliverer()).await, ["4.7.4"]);
    assert_eq!((peer.heard("AUTH"), peer.heard("MAIL")), (0, 0));
}

#[tokio::test]
async fn logs_in_over_tls_or_where_tls_is_off_and_nowhere_else() {
    let identity = Identity::new();
    let offer = "250-STARTTLS\n250 AUTH PLAIN";
    let say = move |_, line: &str| Some(polite(offer, line));
    let secure = Peer::at("127.0.0.1:0", Some(&identity), say).await;
    let broken = Peer::start(say).await;
    let plain = Peer::polite("250 AUTH LOGIN PLAIN").await;
    for (peer, policy, word, logins) in [
        (&secure, TlsPolicy::Opportunistic, "sent", 1),
        (&broken, TlsPolicy::Opportunistic, "4.7.11", 0),
        (&plain, TlsPolicy::Opportunistic, "4.7.11", 0),
        (&plain, TlsPolicy::Off, "sent", 1),
    ] {
        let site = Site::new(peer).tls(policy).login();
        assert_eq!(attempt(&site.deliverer()).await, [word]);
        assert_eq!(peer.heard("AUTH PLAIN AHVzZXIAcGFzcw=="), logins);
    }
}

#[tokio::test]
async fn a_refused_login_passes() {
    let peer = Peer::start(|_, line| match line.get(..4) {
        Some("AUTH") => Some("535 5.7.8 wrong".into()),
        _ => Some(polite("250 AUTH PLAIN", line)),
    })
    .await;
    let site = Site::new(&peer).tls(TlsPolicy::Off).login();
    assert_eq!(attempt(&site.deliverer()).await, ["4.7.8"]);
}
