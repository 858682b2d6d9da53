//! The real peers come up, take mail and show it.

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::dovecot::Dovecot;
use waypost_testkit::postfix::Postfix;
use waypost_testkit::wait;

const MESSAGE: &str = "Subject: Hello\r\n\r\nFrom a test.\r\n";

#[test]
fn postfix_takes_and_keeps_mail() {
    let postfix = Postfix::start(
        "virtual_mailbox_domains = example.com\n\
         virtual_mailbox_maps = inline:{alice@example.com=example.com/alice/}\n",
    )
    .unwrap();
    let mut client = Dialogue::open(postfix.smtp()).unwrap();
    let recipients = ["alice@example.com", "nobody@example.com"];
    let (replies, last) = client
        .submit("bob@example.net", &recipients, MESSAGE)
        .unwrap();
    assert_eq!(
        replies.iter().map(|reply| reply.code).collect::<Vec<_>>(),
        [250, 550]
    );
    assert_eq!(last.unwrap().code, 250);
    postfix
        .wait_for_log(&["to=<alice@example.com>", "status=sent"])
        .unwrap();
    let messages = postfix.messages("example.com", "alice");
    assert!(messages[0].contains("From a test."), "{messages:?}");
}

#[test]
fn dovecot_takes_mail_over_lmtp_and_shows_it_over_imap() {
    let dovecot = Dovecot::start(&["alice@example.com"]).unwrap();
    let (mut client, greeting) = Dialogue::connect(dovecot.lmtp()).unwrap();
    assert_eq!(greeting.code, 220);
    client.expect("LHLO client.test", 250).unwrap();
    let (replies, _) = client
        .submit("bob@example.net", &["alice@example.com"], MESSAGE)
        .unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
    let inbox = wait::until("the message", || {
        Some(dovecot.inbox("alice@example.com").unwrap()).filter(|inbox| !inbox.is_empty())
    })
    .unwrap();
    assert!(inbox[0].contains("From a test."), "{inbox:?}");
}
