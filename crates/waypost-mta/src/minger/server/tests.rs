use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket as Blocking};
use std::sync::atomic::{AtomicU64, Ordering};

use waypost_testkit::minger::ask;
use waypost_testkit::wait::PATIENCE;

use super::super::decide::tests::{World, open, secret};
use super::*;
use crate::clock::ManualClock;
use crate::minger::{Asked, Client};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SHORT: Duration = Duration::from_millis(300);

struct Running {
    server: Server,
    sockets: Sockets,
    at: SocketAddr,
    clock: Arc<ManualClock>,
}

fn start_at(ip: IpAddr, settings: Settings, used: Option<Arc<Used>>) -> Running {
    let world = Arc::new(World::new(settings.clone()));
    let clock = Arc::new(ManualClock::new(std::time::SystemTime::UNIX_EPOCH));
    let parts = Parts {
        snapshots: Arc::new(move || world.directory.snapshot()),
        callers: Arc::new(Callers::default()),
        used,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    };
    let server = Server::new(parts, settings);
    let bound = Bound::new(SocketAddr::new(ip, 0)).unwrap();
    let at = bound.address;
    let sockets = server.open(vec![bound]);
    Running {
        server,
        sockets,
        at,
        clock,
    }
}

fn start(settings: Settings) -> Running {
    start_at(LOCALHOST, settings, None)
}

/// Sends one datagram; what came back, if anything.
async fn exchange(at: SocketAddr, octets: &[u8], patience: Duration) -> Option<String> {
    let octets = octets.to_vec();
    let asked = tokio::task::spawn_blocking(move || ask(at, at.ip(), &octets, patience));
    let answer = asked.await.unwrap().unwrap();
    answer.map(|octets| String::from_utf8(octets).unwrap())
}

#[tokio::test]
async fn answers_over_ipv4_and_ipv6_until_it_is_closed() {
    for ip in [LOCALHOST, Ipv6Addr::LOCALHOST.into()] {
        let running = start_at(ip, open(), None);
        for (text, said) in [
            ("Alice@Example.com", "Alice@Example.com 5"),
            ("nobody@example.com\r\n", "nobody@example.com 3"),
        ] {
            let answer = exchange(running.at, text.as_bytes(), PATIENCE).await;
            assert_eq!(answer.as_deref(), Some(said));
        }
        let active = Outcome::Answered(Status::Active);
        assert_eq!(running.server.counts().of(None, active), 1);
        running.sockets.close().await;
        assert!(Blocking::bind(running.at).is_ok(), "the socket is closed");
    }
}

#[tokio::test]
async fn what_is_too_long_or_an_answer_is_counted_and_not_answered() {
    let running = start(open());
    let mut long = b"alice@example.com ".to_vec();
    long.resize(65_507, b'x');
    for octets in [&long[..], &long[..1025], b"alice@example.com 5", b""] {
        assert_eq!(exchange(running.at, octets, SHORT).await, None);
    }
    let counts = running.server.counts().tally();
    let named = super::super::counts::names().iter().zip(counts[&None]);
    let silent: Vec<_> = named.filter(|(_, count)| *count > 0).collect();
    assert_eq!(silent, [(&"answer", 1), (&"empty", 1), (&"too_long", 2)]);
    running.sockets.close().await;
}

#[tokio::test]
async fn client_and_server_understand_each_other() {
    let settings = Settings {
        secrets: vec![secret("MingerSharedSecret2024!")],
        anonymous: false,
        ..open()
    };
    let running = start(settings);
    let client = Client::default();
    let mut asked = Asked {
        addresses: vec![running.at],
        secret: None,
    };
    let alice = Mailbox::parse("\"Alice\"@example.com").unwrap();
    assert_eq!(
        client.ask(&asked, &alice).await.unwrap(),
        Status::BadCredentials
    );
    asked.secret = Some(secret("MingerSharedSecret2024!"));
    assert_eq!(client.ask(&asked, &alice).await.unwrap(), Status::Active);
    assert_eq!(client.test(&asked).await.unwrap(), Status::Active);
    running.server.reload(open());
    asked.secret = None;
    assert_eq!(client.ask(&asked, &alice).await.unwrap(), Status::Active);
    running.sockets.close().await;
}

#[tokio::test]
async fn a_full_mailbox_cannot_receive_and_is_not_measured_for_every_query() {
    let measured = Arc::new(AtomicU64::new(0));
    let used_bytes = Arc::new(AtomicU64::new(1000));
    let (times, bytes) = (Arc::clone(&measured), Arc::clone(&used_bytes));
    let used: Arc<Used> = Arc::new(move |destination| {
        assert_eq!(&*destination.login, "small");
        times.fetch_add(1, Ordering::SeqCst);
        Some(bytes.load(Ordering::SeqCst))
    });
    let running = start_at(LOCALHOST, open(), Some(used));
    let small = async || {
        exchange(running.at, b"small@example.com", PATIENCE)
            .await
            .unwrap()
    };
    assert_eq!(small().await, "small@example.com 4");
    used_bytes.store(999, Ordering::SeqCst);
    assert_eq!(small().await, "small@example.com 4");
    assert_eq!(measured.load(Ordering::SeqCst), 1);
    running.clock.advance(ROOM_KNOWN);
    assert_eq!(small().await, "small@example.com 5");
    assert_eq!(measured.load(Ordering::SeqCst), 2);
    running.sockets.close().await;
}

#[tokio::test]
async fn two_servers_pointed_at_each_other_by_a_forged_datagram_fall_silent() {
    let (one, two) = (start(open()), start(open()));
    // As if the other server had sent it: what comes back is what the other would get.
    for forged in [
        "alice@example.com",
        "alice@example.com  x",
        "nobody@example.com",
    ] {
        let mut datagram = forged.to_owned();
        let mut hops = 0;
        let servers = [&one, &two];
        for server in servers.iter().cycle() {
            match exchange(server.at, datagram.as_bytes(), SHORT).await {
                Some(answer) => datagram = answer,
                None => break,
            }
            hops += 1;
            assert!(hops < 2, "{datagram}");
        }
        assert_eq!(hops, 1);
    }
    one.sockets.close().await;
    two.sockets.close().await;
}
