use std::net::{Ipv6Addr, UdpSocket as Blocking};

use waypost_testkit::minger::{MingerPeer, Move};
use waypost_testkit::place::unused_address;

use super::*;

const SECRET: &str = "MingerSharedSecret2024!";
/// Long enough for any machine, where an answer is to come.
const LONG: Duration = Duration::from_secs(20);
/// Short, where none is to come.
const SHORT: Duration = Duration::from_millis(300);

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn peer() -> MingerPeer {
    let plan = MingerPeer::plan(unused_address().unwrap());
    plan.knows("alice@example.com").start().unwrap()
}

fn asked(peer: &MingerPeer) -> Asked {
    Asked {
        addresses: vec![peer.at()],
        secret: None,
    }
}

fn client(limit: Duration) -> Client {
    Client::new(Settings {
        source: None,
        limit,
    })
}

async fn ask(peer: &MingerPeer, limit: Duration) -> Result<Status, Trouble> {
    let alice = mailbox("alice@example.com");
    client(limit).ask(&asked(peer), &alice).await
}

#[test]
fn sendings_are_spread_over_the_time_there_is() {
    let ms = Duration::from_millis;
    assert_eq!(waits(FULL_LIMIT), [ms(1500), ms(1500), ms(2000)]);
    assert_eq!(waits(ms(1000)), [ms(300), ms(300), ms(400)]);
    assert_eq!(waits(ms(8000)), [ms(1500), ms(1500), ms(5000)]);
}

#[tokio::test]
async fn says_what_the_server_says() {
    let peer = peer();
    for (address, status) in [
        ("Alice@Example.com", Status::Active),
        ("nobody@example.com", Status::Unknown),
    ] {
        let said = client(LONG).ask(&asked(&peer), &mailbox(address)).await;
        assert_eq!(said.unwrap(), status, "{address}");
    }
    for digit in 0..=5 {
        peer.script(move |heard| Some(vec![Move::answer(heard, digit)]));
        assert_eq!(ask(&peer, LONG).await.unwrap().digit(), digit);
    }
    assert_eq!(peer.heard()[0].octets, b"alice@example.com");
}

#[tokio::test]
async fn shows_the_digest_of_the_servers_secret() {
    let plan = MingerPeer::plan(unused_address().unwrap());
    let peer = plan
        .secret(SECRET)
        .knows("alice@example.com")
        .start()
        .unwrap();
    let alice = mailbox("alice@example.com");
    let mut with = asked(&peer);
    assert_eq!(
        client(LONG).ask(&with, &alice).await.unwrap(),
        Status::BadCredentials
    );
    assert_eq!(
        client(LONG).test(&with).await.unwrap(),
        Status::BadCredentials
    );
    with.secret = Some(Secret::parse(SECRET).unwrap());
    assert_eq!(
        client(LONG).ask(&with, &alice).await.unwrap(),
        Status::Active
    );
    assert_eq!(client(LONG).test(&with).await.unwrap(), Status::Active);
}

#[tokio::test]
async fn asks_three_times_in_the_same_words_from_one_port_and_then_gives_up() {
    let peer = peer();
    peer.be_silent();
    let trouble = ask(&peer, SHORT).await.unwrap_err();
    assert!(
        matches!(trouble, Trouble::Silent { at, .. } if at == peer.at()),
        "{trouble}"
    );
    let heard = peer.wait_for_heard(3).unwrap();
    assert_eq!(heard.len(), 3);
    for again in &heard[1..] {
        assert_eq!(
            (&again.octets, again.from),
            (&heard[0].octets, heard[0].from)
        );
    }
}

#[tokio::test]
async fn every_question_leaves_from_a_port_of_its_own() {
    let peer = peer();
    for _ in 0..8 {
        ask(&peer, LONG).await.unwrap();
    }
    let mut ports: Vec<_> = peer.heard().iter().map(|heard| heard.from.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() >= 7, "{ports:?}");
    let steps = ports.windows(2).filter(|pair| pair[1] - pair[0] <= 2);
    assert!(steps.count() < 4, "not drawn at random: {ports:?}");
}

#[tokio::test]
async fn an_answer_to_a_later_sending_counts() {
    let peer = peer();
    peer.script(|heard| (heard.number < 2).then(Vec::new));
    let said = ask(&peer, Duration::from_secs(2)).await;
    assert_eq!(said.unwrap(), Status::Active);
    assert_eq!(peer.heard().len(), 3);
}

#[tokio::test]
async fn what_is_not_exactly_the_answer_is_passed_over_and_counted() {
    let peer = peer();
    peer.script(|heard| {
        let junk = [
            "",
            "alice@example.com",
            "alice@example.com  5",
            "5",
            "alice@example.com 9",
        ];
        let mut moves: Vec<_> = junk.into_iter().map(Move::raw).collect();
        moves.push(Move::about("bob@example.com", 5));
        moves.push(Move::about("alice@example.co", 5));
        moves.push(Move::raw(vec![b'a'; 9000]));
        moves.push(Move::answer(heard, 3).from_other_port());
        moves.push(Move::about("ALICE@example.COM", 4));
        Some(moves)
    });
    let client = client(LONG);
    let said = client
        .ask(&asked(&peer), &mailbox("alice@example.com"))
        .await;
    assert_eq!(said.unwrap(), Status::Unavailable);
    assert_eq!(client.ignored().of(Ignored::OtherAddress), 2);
    assert_eq!(client.ignored().of(Ignored::NoAnswer), 6);
}

#[tokio::test]
async fn an_answer_from_another_port_or_too_late_is_none() {
    let peer = peer();
    peer.script(|heard| Some(vec![Move::answer(heard, 5).from_other_port().times(3)]));
    assert!(matches!(
        ask(&peer, SHORT).await,
        Err(Trouble::Silent { .. })
    ));
    peer.script(|heard| Some(vec![Move::answer(heard, 5).after(2 * SHORT)]));
    assert!(matches!(
        ask(&peer, SHORT).await,
        Err(Trouble::Silent { .. })
    ));
}

#[tokio::test]
async fn the_first_of_two_answers_counts() {
    let peer = peer();
    peer.script(|heard| Some(vec![Move::answer(heard, 5), Move::answer(heard, 3)]));
    assert_eq!(ask(&peer, LONG).await.unwrap(), Status::Active);
}

#[tokio::test]
async fn a_flood_ends_the_question() {
    let peer = peer();
    peer.script(|_| Some(vec![Move::about("bob@example.com", 5).times(200)]));
    let trouble = ask(&peer, LONG).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Flooded { .. }), "{trouble}");
}

/// An address and port where nobody is.
fn nobody() -> SocketAddr {
    let socket = Blocking::bind((unused_address().unwrap(), 0)).unwrap();
    socket.local_addr().unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_given_up_before_the_time_is_over() {
    let gone = Asked {
        addresses: vec![nobody()],
        secret: None,
    };
    let limit = Duration::from_secs(2);
    let asking = client(limit);
    let alice = mailbox("alice@example.com");
    let said = timeout(limit * 3 / 4, asking.ask(&gone, &alice)).await;
    let trouble = said.expect("given up early").unwrap_err();
    assert!(matches!(trouble, Trouble::Network { .. }), "{trouble}");
}

#[tokio::test]
async fn a_server_that_comes_back_before_the_next_sending_is_heard() {
    let address = unused_address().unwrap();
    let at = SocketAddr::new(address, waypost_proto::minger::PORT);
    let asked = Asked {
        addresses: vec![at],
        secret: None,
    };
    let alice = mailbox("alice@example.com");
    let client = client(LONG);
    let asking = client.ask(&asked, &alice);
    let starting = async {
        while client.ignored().of(Ignored::Refused) == 0 {
            tokio::task::yield_now().await;
        }
        MingerPeer::plan(address)
            .knows("alice@example.com")
            .start()
            .unwrap()
    };
    let (said, peer) = tokio::join!(asking, starting);
    assert_eq!(said.unwrap(), Status::Active);
    assert_eq!(peer.heard().len(), 1, "the first was refused");
}

#[tokio::test]
async fn the_addresses_of_a_server_are_tried_in_turn() {
    let (silent, good) = (peer(), peer());
    silent.be_silent();
    let alice = mailbox("alice@example.com");
    let mut asked = Asked {
        addresses: vec![silent.at(), nobody(), good.at()],
        secret: None,
    };
    let said = client(Duration::from_secs(3)).ask(&asked, &alice).await;
    assert_eq!(said.unwrap(), Status::Active);
    assert_eq!(silent.heard().len(), 3);
    asked.addresses.clear();
    let trouble = client(SHORT).ask(&asked, &alice).await.unwrap_err();
    assert!(matches!(trouble, Trouble::NoAddress));
}

#[tokio::test]
async fn asks_over_ipv6_and_from_the_source_address_of_the_same_family() {
    let plan = MingerPeer::plan(Ipv6Addr::LOCALHOST.into()).port(0);
    let v6 = plan.knows("alice@example.com").start().unwrap();
    let v4 = peer();
    let source = unused_address().unwrap();
    let client = Client::new(Settings {
        source: Some(source),
        limit: LONG,
    });
    let alice = mailbox("alice@example.com");
    for peer in [&v4, &v6] {
        assert_eq!(
            client.ask(&asked(peer), &alice).await.unwrap(),
            Status::Active
        );
    }
    assert_eq!(v4.heard()[0].from.ip(), source);
    assert_eq!(v6.heard()[0].from.ip(), Ipv6Addr::LOCALHOST);
}

#[tokio::test]
async fn an_address_that_is_not_ascii_is_not_asked_about() {
    let peer = peer();
    let jürgen = mailbox("jürgen@example.com");
    let trouble = client(LONG).ask(&asked(&peer), &jürgen).await.unwrap_err();
    assert!(matches!(trouble, Trouble::NotAscii(_)), "{trouble}");
    assert!(peer.heard().is_empty());
}
