use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::{MailParams, RcptParams};
use waypost_spool::{Envelope, Message, Settings, Spool};
use waypost_testkit::dovecot::Dovecot;

use super::*;
use crate::clock::ManualClock;
use crate::deliver::NextHop;

const MESSAGE: &[u8] = b"Subject: Hello\r\n\r\nOne line.\r\n.\r\nFrom here.\r\n";

struct World {
    dir: TempDir,
    clock: Arc<ManualClock>,
    maildirs: Maildirs,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mail = dir.path().join("mail");
        Self::at(dir, &mail)
    }

    fn at(dir: TempDir, mail: &Path) -> Self {
        let clock = Arc::new(ManualClock::new(SystemTime::now()));
        let template = format!("{}/{{domain}}/{{login}}", mail.display());
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let maildirs = Maildirs::new(
            Some(&template),
            &dir.path().join("postmaster"),
            "mx1.example.com",
            shared,
        );
        Self {
            dir,
            clock,
            maildirs,
        }
    }

    fn maildir(&self, login: &str) -> PathBuf {
        self.dir.path().join("mail/example.com").join(login)
    }

    fn new_files(&self, login: &str) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(self.maildir(login).join("new"))
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        files.sort();
        files
    }

    fn deliver(&self, content: &[u8], to: &[Destination]) -> Vec<Outcome> {
        let content = Content::Memory(content.to_vec().into());
        self.maildirs.deliver(&job(content, to))
    }

    /// The only recipient's trouble, as the log shows its status.
    fn refusal(&self, content: &[u8], to: &Destination) -> Option<String> {
        let outcomes = self.deliver(content, std::slice::from_ref(to));
        let trouble = outcomes[0].result.as_ref().err()?;
        assert!(trouble.is_transient());
        Some(trouble.status.to_string())
    }
}

fn destination(login: &str, quota_bytes: u64) -> Destination {
    Destination {
        store: Store::User,
        domain: Domain::parse("example.com").unwrap(),
        login: login.into(),
        quota_bytes,
        recipient: Mailbox::parse("alice+lists@example.org").unwrap(),
    }
}

/// A job of its own message for these recipients.
fn job(content: Content, to: &[Destination]) -> Job {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), Settings::default()).unwrap();
    let id = spool.stage(SystemTime::now()).unwrap().id();
    let reverse_path = ReversePath::parse("<bob@example.net>").unwrap();
    let message = Message {
        id,
        arrived: id.time(),
        size: content.len(),
        envelope: Envelope {
            reverse_path: reverse_path.clone(),
            params: MailParams::default(),
            side: Side::Stranger,
            client: String::new(),
            protocol: "ESMTP".to_owned(),
            message_key: String::new(),
            recipients: Vec::new(),
            hold: None,
            signatures: String::new(),
        },
    };
    let recipients = to.iter().enumerate().map(|(index, to)| JobRecipient {
        index,
        address: to.recipient.clone(),
        params: RcptParams::default(),
        destination: Some(to.clone()),
    });
    Job {
        message: Arc::new(message),
        content,
        next_hop: NextHop::Maildir,
        reverse_path,
        recipients: recipients.collect(),
        front: Vec::new(),
    }
}

#[test]
fn a_message_arrives_in_new_with_its_trace_in_front_and_the_line_ends_of_files() {
    let world = World::new();
    let outcomes = world.deliver(MESSAGE, &[destination("alice", 0)]);
    assert_eq!(outcomes[0].result, Ok(delivered()));
    let expected = "Return-Path: <bob@example.net>\nDelivered-To: alice+lists@example.org\n\
                    Subject: Hello\n\nOne line.\n.\nFrom here.\n";
    assert_eq!(world.new_files("alice"), [expected]);
    let maildir = world.maildir("alice");
    assert_eq!(fs::read_dir(maildir.join("tmp")).unwrap().count(), 0);
    assert!(maildir.join("cur").is_dir());
}

#[test]
fn the_name_tells_host_and_sizes_as_stored_and_with_crlf() {
    let world = World::new();
    world.deliver(MESSAGE, &[destination("alice", 0)]);
    let new = world.maildir("alice").join("new");
    let entry = fs::read_dir(new).unwrap().next().unwrap().unwrap();
    let name = entry.file_name().into_string().unwrap();
    let size = entry.metadata().unwrap().len();
    let lines = MESSAGE.split(|b| *b == b'\n').count() as u64 - 1 + 2;
    let crlf_size = size + lines;
    let end = format!("R0.mx1.example.com,S={size},W={crlf_size}");
    assert!(name.ends_with(&end), "{name}");
}

#[test]
fn only_the_owner_can_enter() {
    let world = World::new();
    world.deliver(MESSAGE, &[destination("alice", 0)]);
    let alice = world.maildir("alice");
    for dir in [
        alice.parent().unwrap().parent().unwrap(),
        alice.parent().unwrap(),
        &alice,
        &alice.join("new"),
    ] {
        let mode = dir.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", dir.display());
    }
    let file = fs::read_dir(alice.join("new")).unwrap().next().unwrap();
    let mode = file.unwrap().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_attempt_that_is_repeated_replaces_its_own_file() {
    let world = World::new();
    let twice = job(
        Content::Memory(MESSAGE.into()),
        &[destination("alice", 10_000), destination("bob", 0)],
    );
    for _ in 0..2 {
        let outcomes = world.maildirs.deliver(&twice);
        assert!(outcomes.iter().all(|o| o.result.is_ok()));
    }
    assert_eq!(world.new_files("alice").len(), 1);
    assert_eq!(world.new_files("bob").len(), 1);
    let used = world.maildirs.used(&destination("alice", 10_000));
    assert_eq!(used, Some(world.new_files("alice")[0].len() as u64));
    world.deliver(MESSAGE, &[destination("alice", 10_000)]);
    assert_eq!(world.new_files("alice").len(), 2);
}

#[test]
fn large_content_is_copied_from_its_file() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), Settings::default()).unwrap();
    let mut staged = spool.stage(SystemTime::now()).unwrap();
    let line = b"0123456789 0123456789 0123456789 0123456789\r\n";
    for _ in 0..10_000 {
        staged.write(line).unwrap();
    }
    let any = job(Content::Memory(MESSAGE.into()), &[]);
    let envelope = any.message.envelope.clone();
    let committed = spool.commit(staged, envelope).wait().unwrap();
    let content = committed.content().unwrap().clone();
    assert!(content.memory().is_none());
    let job = job(content, &[destination("alice", 0)]);
    assert!(world.maildirs.deliver(&job)[0].result.is_ok());
    let stored = &world.new_files("alice")[0];
    let body = stored.split_once("example.org\n").unwrap().1;
    let expected = String::from_utf8(line.to_vec())
        .unwrap()
        .replace("\r\n", "\n");
    assert_eq!(body, expected.repeat(10_000));
}

#[test]
fn a_name_is_never_a_path() {
    let world = World::new();
    let long = "x".repeat(300);
    for login in [
        "..",
        ".",
        "../bob",
        "/etc/passwd",
        "a/../../b",
        "a\0b",
        ".hidden",
        "a\nb",
        "{domain}",
        "{login}",
        "%2E%2E",
        "~root",
        "a b",
        "jürgen",
        "..\\..",
        "-rf",
    ] {
        let outcomes = world.deliver(MESSAGE, &[destination(login, 0)]);
        assert!(outcomes[0].result.is_ok(), "{login:?}");
    }
    for login in ["", long.as_str()] {
        assert_eq!(
            world.refusal(MESSAGE, &destination(login, 0)).as_deref(),
            Some("4.3.5")
        );
    }
    let names = |dir: &Path| {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(world.dir.path()), ["mail"]);
    assert_eq!(names(&world.dir.path().join("mail")), ["example.com"]);
    let mailboxes = names(&world.dir.path().join("mail/example.com"));
    let mut expected = [
        "%2E.",
        "%2E",
        "%2E.%2Fbob",
        "%2Fetc%2Fpasswd",
        "a%2F..%2F..%2Fb",
        "a%00b",
        "%2Ehidden",
        "a%0Ab",
        "{domain}",
        "{login}",
        "%252E%252E",
        "~root",
        "a b",
        "jürgen",
        "%2E.\\..",
        "-rf",
    ];
    expected.sort_unstable();
    assert_eq!(mailboxes, expected);
}

#[test]
fn a_directory_that_is_a_link_elsewhere_is_refused() {
    let world = World::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(world.maildir("alice")).unwrap();
    for part in PARTS {
        std::os::unix::fs::symlink(elsewhere.path(), world.maildir("alice").join(part)).unwrap();
    }
    let refusal = world.refusal(MESSAGE, &destination("alice", 0));
    assert_eq!(refusal.as_deref(), Some("4.3.0"));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_full_mailbox_stays_full_until_it_is_tidied() {
    let world = World::new();
    let alice = destination("alice", 1000);
    assert_eq!(world.maildirs.used(&alice), Some(0));
    let big = [b"Subject: x\r\n\r\n".as_slice(), &[b'x'; 700], b"\r\n"].concat();
    assert_eq!(world.refusal(&big, &alice), None);
    assert_eq!(world.refusal(&big, &alice).as_deref(), Some("4.2.2"));
    assert_eq!(world.new_files("alice").len(), 1);
    let used = world.maildirs.used(&alice).unwrap();
    assert!((700..1000).contains(&used), "{used}");
    assert_eq!(world.maildirs.used(&destination("alice", 0)), None);

    let new = world.maildir("alice").join("new");
    fs::remove_dir_all(&new).unwrap();
    fs::create_dir(&new).unwrap();
    fs::remove_file(world.maildir("alice").join("maildirsize")).unwrap();
    assert_eq!(world.refusal(&big, &alice), None);
}

#[test]
fn a_full_mailbox_is_counted_again_when_its_file_is_old() {
    let world = World::new();
    let alice = destination("alice", 1000);
    world.deliver(MESSAGE, std::slice::from_ref(&alice));
    let maildirsize = world.maildir("alice").join("maildirsize");
    fs::write(&maildirsize, "1000S\n5000 3\n").unwrap();
    assert_eq!(world.maildirs.used(&alice), Some(5000));
    world.clock.advance(Duration::from_secs(16 * 60));
    let used = world.maildirs.used(&alice).unwrap();
    assert_eq!(used, world.new_files("alice")[0].len() as u64);
    assert_eq!(
        fs::read_to_string(maildirsize).unwrap(),
        format!("1000S\n{used} 1\n")
    );
}

#[test]
fn a_size_file_that_is_wrong_is_made_anew_from_all_folders() {
    let world = World::new();
    let alice = destination("alice", 100_000);
    world.deliver(MESSAGE, std::slice::from_ref(&alice));
    let maildir = world.maildir("alice");
    let folder = maildir.join(".Archive.2026/cur");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("1.a.b,S=5000,W=5100:2,S"),
        "the name tells the size",
    )
    .unwrap();
    fs::write(folder.join("2.a.b:2,S"), "nine more").unwrap();
    let used = world.new_files("alice")[0].len() as u64 + 5009;
    let expected = format!("100000S\n{used} 3\n");
    let long = format!("100000S\n{}", "1 1\n".repeat(2000));
    for wrong in [
        "",
        "1S\n7 1\n",
        "100000S\nx y\n",
        "100000S\n-7 1\n",
        "\u{ff}",
        &long,
    ] {
        fs::write(maildir.join("maildirsize"), wrong).unwrap();
        assert_eq!(world.maildirs.used(&alice), Some(used), "{wrong:.20?}");
        assert_eq!(
            fs::read_to_string(maildir.join("maildirsize")).unwrap(),
            expected
        );
    }
    fs::write(maildir.join("maildirsize"), "100000S\n  70 2\n -20 -1\n").unwrap();
    assert_eq!(world.maildirs.used(&alice), Some(50));
}

#[test]
fn the_postmaster_has_a_maildir_of_the_site() {
    let world = World::new();
    world.maildirs.create_postmaster().unwrap();
    let postmaster = Destination {
        store: Store::Postmaster,
        ..destination("postmaster", 0)
    };
    world.deliver(MESSAGE, std::slice::from_ref(&postmaster));
    let new = world.dir.path().join("postmaster/new");
    assert_eq!(fs::read_dir(new).unwrap().count(), 1);
}

#[test]
fn without_maildirs_for_users_only_the_postmaster_is_delivered_to() {
    let world = World::new();
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&world.clock);
    let maildirs = Maildirs::new(
        None,
        &world.dir.path().join("postmaster"),
        "mx1.example.com",
        clock,
    );
    let content = Content::Memory(MESSAGE.into());
    let outcomes = maildirs.deliver(&job(content, &[destination("alice", 0)]));
    assert!(
        outcomes[0]
            .result
            .as_ref()
            .is_err_and(Trouble::is_transient)
    );
}

#[test]
fn one_recipient_s_trouble_is_not_another_s() {
    let world = World::new();
    fs::create_dir_all(world.dir.path().join("mail/example.com")).unwrap();
    fs::write(world.maildir("alice"), "not a directory").unwrap();
    let to = [destination("alice", 0), destination("bob", 0)];
    let outcomes = world.deliver(MESSAGE, &to);
    assert_eq!((outcomes[0].index, outcomes[1].index), (0, 1));
    assert!(outcomes[0].result.is_err());
    assert!(outcomes[1].result.is_ok());
}

#[test]
fn a_host_name_cannot_confuse_file_names() {
    assert_eq!(
        in_a_file_name("[IPv6:::1]/a,b"),
        "[IPv6\\072\\072\\0721]\\057a\\054b"
    );
}

#[test]
fn dovecot_reads_what_was_delivered() {
    let dovecot = Dovecot::start(&["alice@example.com"]).unwrap();
    let world = World::at(tempfile::tempdir().unwrap(), &dovecot.mail());
    world.deliver(MESSAGE, &[destination("alice", 100_000)]);
    dovecot.take_over_mail().unwrap();
    let inbox = dovecot.inbox("alice@example.com").unwrap();
    assert_eq!(inbox.len(), 1);
    assert!(
        inbox[0].ends_with(std::str::from_utf8(MESSAGE).unwrap()),
        "{}",
        inbox[0]
    );
}
