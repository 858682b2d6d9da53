//! Programs that hand mail in: what each sends in its own ways arrives, and a wrong password is
//! refused in its own words.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use waypost_testkit::room::both;
use waypost_testkit::site::{LMTP_PORT, Plan, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT, Site};

use super::note;
use crate::PROGRAM;

const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "wrong";

/// alice and bob, who log in with a password.
fn site() -> Site {
    let user = |login: &str| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"local\"\n\
             addresses = [\"{login}@example.com\"]\n\n"
        )
    };
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section(
        "limits",
        "login_delay = \"1ms\"\nlogin_delay_max = \"10ms\"\n",
    );
    let plan = plan.site("[[domain]]\nname = \"example.com\"\n\n");
    let site = plan.site(&user("alice")).site(&user("bob")).start();
    let site = site.unwrap();
    let words = ["user", "set", "alice@example.com", "--password-stdin"];
    let told = site.run_with_input(&words, &format!("{PASSWORD}\n"));
    assert!(told.unwrap().status.success());
    site
}

/// Runs a client; whether it succeeded, and all that it said.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.success(), both(&output))
}

/// The first line of what a client says of itself with these arguments.
pub(super) fn version(program: &str, arguments: &[&str]) -> String {
    let (_, said) = run(Command::new(program).args(arguments));
    let word = |line: &str| {
        let mut words = line.split([' ', ',']);
        let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        version.map(str::to_owned)
    };
    said.lines().find_map(word).unwrap_or_default()
}

/// bob's mailbox has so many messages, the one with this subject among them.
fn bob_has(site: &Site, count: usize, subject: &str) {
    let messages = site.wait_for_messages("example.com", "bob", count).unwrap();
    let wanted = format!("Subject: {subject}");
    assert!(
        messages.iter().any(|text| text.contains(&wanted)),
        "{messages:?}"
    );
}

fn ways(program: &str, version: &str, ways: &[&str]) {
    let came_out = format!(
        "{}: all arrived; a wrong password is refused with 535",
        ways.join(", ")
    );
    note(program, version, "client", "its ways of sending", &came_out);
}

#[test]
fn swaks_sends_in_all_its_ways() {
    let site = site();
    let to = |port: u16| format!("{}:{port}", site.address);
    let login = |kind: &'static str, password: &'static str| {
        [
            "--auth",
            kind,
            "--auth-user",
            "alice@example.com",
            "--auth-password",
            password,
        ]
    };
    let (smtp, lmtp) = (to(SMTP_PORT), to(LMTP_PORT));
    let (submission, submissions) = (to(SUBMISSION_PORT), to(SUBMISSIONS_PORT));
    let plain: Vec<&str> = [
        &["--server", &submission, "--tls"][..],
        &login("PLAIN", PASSWORD),
    ]
    .concat();
    let old: Vec<&str> = [
        &["--server", &submissions, "--tlsc"][..],
        &login("LOGIN", PASSWORD),
    ]
    .concat();
    let all: [(&str, Vec<&str>); 5] = [
        ("STARTTLS", vec!["--server", &smtp, "--tls"]),
        ("PIPELINING", vec!["--server", &smtp, "--pipeline"]),
        ("LMTP", vec!["--server", &lmtp, "--protocol", "LMTP"]),
        ("STARTTLS and AUTH PLAIN", plain),
        ("TLS from the first octet and AUTH LOGIN", old),
    ];
    for (number, (way, words)) in all.iter().enumerate() {
        let subject = format!("Subject: {way}");
        let mut swaks = Command::new("swaks");
        swaks.args(words).args(["--from", "alice@example.com"]);
        swaks.args(["--to", "bob@example.com", "--header", &subject]);
        let (is_good, said) = run(&mut swaks);
        assert!(is_good, "{way}: {said}");
        bob_has(&site, number + 1, way);
    }
    let mut swaks = Command::new("swaks");
    swaks.args(["--server", &submission, "--tls", "--to", "bob@example.com"]);
    swaks.args(login("PLAIN", WRONG));
    let (is_good, said) = run(&mut swaks);
    assert!(!is_good && said.contains("535 5.7.8"), "{said}");
    let ways_of_it: Vec<&str> = all.iter().map(|(way, _)| *way).collect();
    ways("swaks", &version("swaks", &["--version"]), &ways_of_it);
}

#[test]
fn curl_sends_in_all_its_ways() {
    let site = site();
    let file = site.dir().join("letter");
    let credentials = |password: &str| format!("alice@example.com:{password}");
    let send = |url: &str, more: &[&str], subject: &str, password: Option<&str>| {
        let text = format!("From: alice@example.com\r\nSubject: {subject}\r\n\r\nHello.\r\n");
        std::fs::write(&file, text).unwrap();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--verbose", "--insecure"]);
        curl.args([
            "--mail-from",
            "alice@example.com",
            "--mail-rcpt",
            "bob@example.com",
        ]);
        curl.args(more).arg("--upload-file").arg(&file).arg(url);
        if let Some(password) = password {
            curl.args(["--user", &credentials(password)]);
        }
        run(&mut curl)
    };
    let at = |scheme: &str, port: u16| format!("{scheme}://{}:{port}/client.test", site.address);
    let smtp = at("smtp", SMTP_PORT);
    let submission = at("smtp", SUBMISSION_PORT);
    let submissions = at("smtps", SUBMISSIONS_PORT);
    let login = ["--ssl-reqd", "--login-options", "AUTH=LOGIN"];
    let all: [(&str, &str, &[&str], Option<&str>); 4] = [
        ("plain", &smtp, &[], None),
        ("STARTTLS", &smtp, &["--ssl-reqd"], None),
        (
            "STARTTLS and AUTH LOGIN",
            &submission,
            &login,
            Some(PASSWORD),
        ),
        (
            "TLS from the first octet and AUTH PLAIN",
            &submissions,
            &[],
            Some(PASSWORD),
        ),
    ];
    for (number, (way, url, more, password)) in all.iter().enumerate() {
        let (is_good, said) = send(url, more, way, *password);
        assert!(is_good, "{way}: {said}");
        bob_has(&site, number + 1, way);
    }
    let (is_good, said) = send(&submission, &["--ssl-reqd"], "wrong", Some(WRONG));
    assert!(!is_good && said.contains("535 5.7.8"), "{said}");
    // VRFY tells nothing (RFC 5321 §3.5.3), and curl takes the answer for what it is.
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--verbose",
        "--mail-rcpt",
        "bob@example.com",
        &smtp,
    ]);
    let (_, said) = run(&mut curl);
    assert!(said.contains("< 252 "), "{said}");
    let ways_of_it: Vec<&str> = all.iter().map(|(way, ..)| *way).collect();
    ways("curl", &version("curl", &["--version"]), &ways_of_it);
}

/// Python's standard library: HELO and EHLO, STARTTLS, both logins, SMTPUTF8, LMTP.
const SMTPLIB: &str = r#"
import email.message, smtplib, ssl, sys
host, smtp, lmtp, submission, submissions, password = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def letter(subject):
    message = email.message.EmailMessage()
    message["From"], message["To"] = "alice@example.com", "bob@example.com"
    message["Subject"] = subject
    message.set_content("Grüße.\n")
    return message
def by_login(client, how):
    client.user, client.password = "alice@example.com", password
    client.auth(how, getattr(client, "auth_" + how.lower()))
with smtplib.SMTP(host, smtp) as client:
    client.helo()
    client.send_message(letter("HELO"))
with smtplib.SMTP(host, smtp) as client:
    client.sendmail("alice@example.com", ["bob@example.com"],
                    "From: ä@example.com\r\nSubject: SMTPUTF8\r\n\r\nGrüße.\r\n".encode(),
                    mail_options=["SMTPUTF8", "BODY=8BITMIME"])
with smtplib.LMTP(host, int(lmtp)) as client:
    client.send_message(letter("LMTP"))
with smtplib.SMTP(host, submission) as client:
    client.starttls(context=context)
    client.ehlo()
    by_login(client, "LOGIN")
    client.send_message(letter("STARTTLS and AUTH LOGIN"))
    client.send_message(letter("two messages in a session"))
with smtplib.SMTP_SSL(host, submissions, context=context) as client:
    client.ehlo()
    by_login(client, "PLAIN")
    client.send_message(letter("TLS from the first octet and AUTH PLAIN"))
"#;

/// Perl's standard library: plain, STARTTLS, TLS from the first octet.
const NET_SMTP: &str = r#"
use Net::SMTP;
my ($host, $smtp, $lmtp, $submission, $submissions, $password) = @ARGV;
my %tls = (SSL_verify_mode => 0);
sub letter {
    my ($client, $subject) = @_;
    $client->mail('alice@example.com', Bits => 8) && $client->recipient('bob@example.com')
        && $client->data("From: alice\@example.com\nSubject: $subject\n\nHello.\n.\n..\n")
        or die $client->message;
}
sub at { Net::SMTP->new($host, Hello => 'client.test', @_) or die $@ }
my $client = at(Port => $smtp);
letter($client, 'plain');
$client->quit;
$client = at(Port => $smtp);
$client->starttls(%tls) or die $client->message;
letter($client, 'STARTTLS');
$client->quit;
$client = at(Port => $submissions, SSL => 1, %tls);
$client->command('AUTH', 'PLAIN', `printf '\\0alice\@example.com\\0$password' | base64 -w0`);
$client->response == 2 or die $client->message;
letter($client, 'TLS from the first octet and AUTH PLAIN');
$client->quit;
"#;

/// Nodemailer: one transport after the other, the last one with a pool of connections.
const NODEMAILER: &str = r#"
import { createTransport } from 'nodemailer';
const [host, smtp, lmtp, submission, submissions, pass] = process.argv.slice(2);
const tls = { rejectUnauthorized: false };
const auth = { user: 'alice@example.com', pass };
const letter = (subject) => ({
    from: 'alice@example.com', to: 'bob@example.com', subject, text: 'Grüße.\n.\n',
});
async function send(subject, options) {
    const transport = createTransport({ host, tls, ...options });
    await transport.sendMail(letter(subject));
    transport.close();
}
await send('plain', { port: smtp, ignoreTLS: true });
await send('STARTTLS', { port: smtp, requireTLS: true });
await send('LMTP', { port: lmtp, lmtp: true, ignoreTLS: true });
await send('STARTTLS and AUTH LOGIN',
    { port: submission, requireTLS: true, auth, authMethod: 'LOGIN' });
await send('TLS from the first octet and AUTH PLAIN', { port: submissions, secure: true, auth });
const pool = createTransport({ host, port: submissions, secure: true, tls, auth, pool: true });
await Promise.all(['one', 'two', 'three'].map((name) => pool.sendMail(letter(`pool, ${name}`))));
pool.close();
"#;

/// Runs a client that is a program of its own text, and wants these subjects; with a wrong
/// password it fails.
fn runs(site: &Site, words: &[&str], subjects: &[&str]) {
    let ports = [SMTP_PORT, LMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT];
    let client = |password: &str| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(site.address.to_string());
        command.args(ports.map(|port| port.to_string()));
        command.arg(password);
        run(&mut command)
    };
    let (is_good, said) = client(PASSWORD);
    assert!(is_good, "{said}\n{}", site.log());
    for subject in subjects {
        bob_has(site, subjects.len(), subject);
    }
    let (is_good, said) = client(WRONG);
    assert!(!is_good && said.contains("5.7.8"), "{said}");
}

#[test]
fn python_sends_in_all_its_ways() {
    let subjects = [
        "HELO",
        "SMTPUTF8",
        "LMTP",
        "STARTTLS and AUTH LOGIN",
        "two messages in a session",
        "TLS from the first octet and AUTH PLAIN",
    ];
    runs(&site(), &["/usr/bin/python3", "-c", SMTPLIB], &subjects);
    let version = version("/usr/bin/python3", &["--version"]);
    ways("Python smtplib", &version, &subjects);
}

#[test]
fn perl_sends_in_all_its_ways() {
    let subjects = [
        "plain",
        "STARTTLS",
        "TLS from the first octet and AUTH PLAIN",
    ];
    runs(&site(), &["perl", "-e", NET_SMTP], &subjects);
    let version = version("perl", &["-MNet::SMTP", "-e", "print $Net::SMTP::VERSION"]);
    ways("Perl Net::SMTP", &version, &subjects);
}

#[test]
fn nodemailer_sends_in_all_its_ways() {
    let subjects = [
        "plain",
        "STARTTLS",
        "LMTP",
        "STARTTLS and AUTH LOGIN",
        "TLS from the first octet and AUTH PLAIN",
        "pool, one",
        "pool, two",
        "pool, three",
    ];
    let site = site();
    let file = site.dir().join("client.mjs");
    // A module is looked for from where the file is that wants it.
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop");
    let found = format!("{place}/node_modules/nodemailer/lib/nodemailer.js");
    let text = NODEMAILER.replace(
        "import { createTransport } from 'nodemailer';",
        &format!("import nodemailer from '{found}';\nconst {{ createTransport }} = nodemailer;"),
    );
    std::fs::write(&file, text).unwrap();
    runs(&site, &["node", &file.display().to_string()], &subjects);
    let lock = std::fs::read_to_string(format!("{place}/package.json")).unwrap();
    let version = lock.split("\"nodemailer\": \"").nth(1).unwrap();
    let version = version.split('"').next().unwrap();
    ways("Nodemailer", version, &subjects);
}

#[test]
fn msmtp_sends_in_all_its_ways() {
    let site = site();
    let all = [
        ("plain", SMTP_PORT, "tls off\nauth off\n"),
        (
            "STARTTLS and AUTH PLAIN",
            SUBMISSION_PORT,
            "tls on\nauth plain\n",
        ),
        (
            "TLS from the first octet and AUTH LOGIN",
            SUBMISSIONS_PORT,
            "tls on\ntls_starttls off\nauth login\n",
        ),
    ];
    let rc = site.dir().join("msmtprc");
    let send = |port: u16, lines: &str, subject: &str, password: &str| {
        let text = format!(
            "account default\nhost {}\nport {port}\nfrom alice@example.com\n\
             user alice@example.com\npassword \"{password}\"\ntls_certcheck off\n{lines}",
            site.address
        );
        std::fs::write(&rc, text).unwrap();
        std::fs::set_permissions(&rc, std::fs::Permissions::from_mode(0o600)).unwrap();
        let letter = site.dir().join("letter");
        let text = format!("From: alice@example.com\nSubject: {subject}\n\nHello.\n.\n");
        std::fs::write(&letter, text).unwrap();
        let mut msmtp = Command::new("msmtp");
        msmtp.arg("--file").arg(&rc).arg("bob@example.com");
        let output = msmtp.stdin(std::fs::File::open(letter).unwrap()).output();
        let output = output.unwrap();
        (output.status.success(), both(&output))
    };
    for (number, (way, port, lines)) in all.iter().enumerate() {
        let (is_good, said) = send(*port, lines, way, PASSWORD);
        assert!(is_good, "{way}: {said}");
        bob_has(&site, number + 1, way);
    }
    let (_, port, lines) = all[1];
    let (is_good, said) = send(port, lines, "wrong", WRONG);
    assert!(!is_good && said.contains("535 5.7.8"), "{said}");
    let ways_of_it: Vec<&str> = all.iter().map(|(way, ..)| *way).collect();
    ways("msmtp", &version("msmtp", &["--version"]), &ways_of_it);
}
