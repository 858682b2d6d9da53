//! Doors on loopback, with sessions behind them.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;
use waypost_proto::net::Network;

use super::*;
use crate::limits::Limits;
use crate::net;
use crate::session::tests::world::{Client, LMTP, Plan, SMTP, World};

struct House {
    world: World,
    listeners: Listeners,
    endpoint: Endpoint,
}

impl House {
    fn new(plan: Plan) -> Self {
        let world = World::plan(plan);
        let bound = Bound::new(SMTP, &"127.0.0.1:0".parse().unwrap()).unwrap();
        let endpoint = bound.endpoint.clone();
        Self {
            listeners: Listeners::open(&world.shared, vec![bound]),
            world,
            endpoint,
        }
    }

    async fn connect_from(&self, source: &str) -> Client<Stream> {
        let Endpoint::Inet(address) = self.endpoint else {
            panic!("not an Internet address");
        };
        let source: IpAddr = source.parse().unwrap();
        Client {
            stream: net::connect(address, Some(source)).await.unwrap(),
            session: tokio::spawn(async {}),
        }
    }

    /// A site for which 127.0.0.1 is nobody in particular.
    fn strict(mut plan: Plan, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut plan.limits);
        let house = Self::new(plan);
        let mut settings = house.world.settings.clone();
        settings.trusted = Vec::new();
        house.world.shared.reload(settings);
        house
    }
}

#[tokio::test]
async fn one_client_takes_only_its_share_of_connections_and_gives_it_back() {
    let house = House::strict(Plan::default(), |limits| limits.connections_per_client = 2);
    let mut one = house.connect_from("127.0.0.1").await;
    let mut two = house.connect_from("127.0.0.1").await;
    one.hear("first", "220").await;
    two.hear("second", "220").await;
    let mut three = house.connect_from("127.0.0.1").await;
    three.hear("third", "421 4.3.2").await;
    assert_eq!(three.rest().await, "");
    house
        .connect_from("127.0.0.9")
        .await
        .hear("another", "220")
        .await;
    one.say("QUIT", "221").await;
    assert_eq!(one.rest().await, "");
    // Its seat is free once the session's task has ended.
    timeout(Duration::from_secs(60), async {
        while !house
            .connect_from("127.0.0.1")
            .await
            .reply()
            .await
            .starts_with("220")
        {}
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn all_clients_together_have_a_limit_too() {
    let mut plan = Plan::default();
    plan.limits.connections = 1;
    let house = House::new(plan);
    let mut one = house.connect_from("127.0.0.1").await;
    one.hear("first", "220").await;
    house
        .connect_from("127.0.0.2")
        .await
        .hear("second", "421 4.3.2")
        .await;
    one.say("NOOP", "250").await;
}

#[tokio::test]
async fn a_proxy_tells_whom_it_speaks_for_and_nobody_else_can() {
    let house = House::new(Plan {
        proxy: vec![Network::parse("127.0.0.2").unwrap()],
        ..Plan::default()
    });
    let mut client = house.connect_from("127.0.0.2").await;
    client
        .send("PROXY TCP4 192.0.2.77 127.0.0.1 4711 25\r\n")
        .await;
    client.hear("greeting", "220").await;
    client.say("EHLO x", "250").await;
    client.say("MAIL FROM:<a@b.example>", "250").await;
    client
        .say("RCPT TO:<u@elsewhere.example>", "554 5.7.1")
        .await;
    client.say("RCPT TO:<alice@example.com>", "250").await;
    client.say("DATA", "354").await;
    client.say(".", "250").await;
    assert_eq!(
        house.world.taken()[0].envelope.client,
        "unknown[192.0.2.77]"
    );
    let mut none = house.connect_from("127.0.0.2").await;
    none.send("EHLO without.header.example\r\n").await;
    assert_eq!(none.rest().await, "");
    let mut other = house.connect_from("127.0.0.3").await;
    other.hear("greeting", "220").await;
    other
        .say("PROXY TCP4 192.0.2.77 127.0.0.1 4711 25", "500")
        .await;
}

#[tokio::test]
async fn closing_waits_for_transactions_and_says_421_to_the_others() {
    let house = House::new(Plan::default());
    let mut idle = house.connect_from("127.0.0.1").await;
    idle.hear("greeting", "220").await;
    let mut busy = house.connect_from("127.0.0.1").await;
    busy.hear("greeting", "220").await;
    busy.say("EHLO x", "250").await;
    busy.begin("a@b.example", &["alice@example.com"]).await;
    let House {
        world,
        listeners,
        endpoint,
    } = house;
    let closing = tokio::spawn(listeners.close());
    idle.hear("closing", "421 4.3.2").await;
    let Endpoint::Inet(address) = endpoint else {
        panic!("not an Internet address");
    };
    net::connect(address, None).await.unwrap_err();
    assert!(!closing.is_finished());
    busy.say("x\r\n.", "250").await;
    closing.await.unwrap();
    assert_eq!(world.taken().len(), 1);
}

#[tokio::test]
async fn the_grace_has_an_end() {
    let mut plan = Plan::default();
    plan.limits.shutdown_grace = Duration::from_millis(50);
    let house = House::new(plan);
    let mut busy = house.connect_from("127.0.0.1").await;
    busy.hear("greeting", "220").await;
    busy.say("EHLO x", "250").await;
    busy.begin("a@b.example", &["alice@example.com"]).await;
    house.listeners.close().await;
    assert!(busy.rest().await.starts_with("421 4.3.2"));
    assert_eq!(house.world.taken().len(), 0);
}

#[tokio::test]
async fn lmtp_is_spoken_over_a_unix_socket_that_is_gone_afterwards() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lmtp.sock");
    let bound = Bound::new(LMTP, &Endpoint::Unix(path.clone())).unwrap();
    let listeners = Listeners::open(&world.shared, vec![bound]);
    let mut client = Client {
        stream: net::connect_unix(&path).await.unwrap(),
        session: tokio::spawn(async {}),
    };
    client.hear("greeting", "220 mx.example.com LMTP").await;
    client.say("LHLO x", "250").await;
    client.begin("a@b.example", &["alice@example.com"]).await;
    client.say(".", "250 2.0.0").await;
    assert_eq!(world.taken()[0].envelope.client, "localhost[unix]");
    client.say("QUIT", "221").await;
    listeners.close().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_bound_is_named() {
    let taken = Bound::new(SMTP, &"127.0.0.1:0".parse().unwrap()).unwrap();
    let error = Bound::new(SMTP, &taken.endpoint).unwrap_err();
    assert_eq!(error.endpoint, taken.endpoint);
    assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"));
}
