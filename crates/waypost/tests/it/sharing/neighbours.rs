//! Beside Postfix, under forged datagrams, and in a flood of questions.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::ask;
use waypost_testkit::postfix::Postfix;
use waypost_testkit::wait::PATIENCE;

use super::*;

#[test]
fn postfix_hands_mail_to_any_site_and_each_user_gets_his_and_nobody_else_comes_back() {
    let names = ["paris", "lyon"];
    let sites = sites(&names).unwrap();
    let postfix = Postfix::start(&format!(
        "mynetworks = 127.0.0.0/8\n\
         virtual_mailbox_domains = elsewhere.test\n\
         virtual_mailbox_maps = inline:{{ {{bob@elsewhere.test=elsewhere.test/bob/}} }}\n\
         transport_maps = inline:{{ {{example.com=smtp:[{}]:2525}}, \
         {{example.org=smtp:[{}]:2525}} }}\n",
        sites[0].address, sites[1].address
    ))
    .unwrap();
    let mut client = Dialogue::open(postfix.smtp()).unwrap();
    let to = [
        "paris@example.com",
        "lyon@example.com",
        "paris@example.org",
        "lyon@example.org",
        "nobody@example.com",
    ];
    let (replies, last) = client
        .submit("bob@elsewhere.test", &to, &message("to all"))
        .unwrap();
    assert!(replies.iter().all(|reply| reply.code == 250), "{replies:?}");
    assert_eq!(last.unwrap().code, 250);
    for (site, name) in sites.iter().zip(names) {
        site.wait_for_messages("example.com", name, 2).unwrap();
    }
    let refused = ["to=<nobody@example.com>", "status=bounced", "User unknown"];
    postfix.wait_for_log(&refused).unwrap();
    let bounce = wait::until("the bounce", || {
        postfix.messages("elsewhere.test", "bob").pop()
    });
    assert!(bounce.unwrap().contains("550 5.1.1 <nobody@example.com>"));
    for (site, name) in sites.iter().zip(names) {
        assert_eq!(site.messages("example.com", name).len(), 2, "{name}");
    }
}

/// Sends a datagram with another server's address and port as its source; needs root.
const FORGE: &str = r#"
import socket, struct, sys
source, target, text = sys.argv[1], sys.argv[2], sys.argv[3].encode()
udp = struct.pack("!HHHH", 4069, 4069, 8 + len(text), 0) + text
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                 socket.inet_aton(source), socket.inet_aton(target))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(ip + udp, (target, 0))
"#;

/// What a site counted of the queries of a peer, as it says when it ends.
fn counted(site: &mut Site, peer: &str) -> String {
    site.stop().unwrap();
    let words = format!("queries from {peer}: ");
    let log = site.log();
    let lines = log.lines().filter_map(|line| line.split_once(&words));
    let mut counts: Vec<_> = lines.map(|(_, counts)| counts.to_owned()).collect();
    counts.sort();
    counts.join(" ")
}

#[test]
fn two_sites_pointed_at_each_other_by_a_forged_datagram_fall_silent() {
    let mut sites = sites(&["paris", "lyon"]).unwrap();
    let [paris, lyon] = [&sites[0], &sites[1]].map(|site| site.address.to_string());
    // What paris answers goes to lyon's server, which must not answer it.
    let output = Command::new("python3")
        .args(["-c", FORGE, &lyon, &paris, "paris@example.com  x"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // An honest question behind it: when it is answered, so was the forged one.
    for site in &sites {
        let heard = ask(site.minger(), site.address, b"behind@example.com", PATIENCE);
        assert!(heard.unwrap().is_some(), "{}", site.log());
    }
    let at_paris = counted(&mut sites[0], "lyon");
    let at_lyon = counted(&mut sites[1], "paris");
    assert_eq!(at_paris, "malformed=1");
    assert_eq!(at_lyon, "answer=1");
}

#[test]
fn mail_goes_on_while_strangers_flood_a_site_with_questions() {
    let lyon = Office::with(&["jane@example.com"]).unwrap();
    let site = beside(&[&lyon], &Lines::default()).unwrap();
    let (over, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let floods: Vec<_> = (0..2)
        .map(|_| {
            let (over, sent, at) = (Arc::clone(&over), Arc::clone(&sent), site.minger());
            std::thread::spawn(move || {
                let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
                while !over.load(Ordering::SeqCst) && sent.load(Ordering::SeqCst) < 2_000_000 {
                    let _ = socket.send_to(b"nobody@example.com", at);
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    wait::until("the flood", || {
        (sent.load(Ordering::SeqCst) > 5000).then_some(())
    })
    .unwrap();
    let told: Vec<_> = (0..10)
        .map(|number| {
            let subject = format!("in the flood {number}");
            // Her peer is asked in the midst of it.
            site.tell(&["cache", "drop", "jane@example.com"]).unwrap();
            send(&site, "jane@example.com", &subject).unwrap()
        })
        .collect();
    over.store(true, Ordering::SeqCst);
    for flood in floods {
        flood.join().unwrap();
    }
    assert_eq!(told, [250; 10]);
    lyon.smtp.wait_for_taken(10).unwrap();
}
