use std::collections::HashMap;

use waypost_directory::{Here, Host, MingerHere};

use super::*;

/// A table of names; one that is not in it does not exist, and `broken.example` does not answer.
#[derive(Default)]
pub(crate) struct Table {
    mx: HashMap<&'static str, Vec<(u16, &'static str)>>,
    addresses: HashMap<&'static str, Vec<IpAddr>>,
}

impl Table {
    pub(crate) fn mx(mut self, name: &'static str, hosts: &[(u16, &'static str)]) -> Self {
        self.mx.insert(name, hosts.to_vec());
        self
    }

    pub(crate) fn host(mut self, name: &'static str, addresses: &[&str]) -> Self {
        let parsed = addresses.iter().map(|text| text.parse().unwrap());
        self.addresses.insert(name, parsed.collect());
        self
    }

    fn missing(&self, name: &str) -> LookupError {
        if name == "broken.example" {
            LookupError::Failed("SERVFAIL".into())
        } else if self.mx.contains_key(name) || self.addresses.contains_key(name) {
            LookupError::NoRecords
        } else {
            LookupError::NotFound
        }
    }
}

impl Lookup for Table {
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, MxRecords> {
        Box::pin(async move {
            let hosts = self.mx.get(name.as_str());
            let hosts = hosts.ok_or_else(|| self.missing(name.as_str()))?;
            let records = hosts.iter().map(|(preference, host)| Mx {
                preference: *preference,
                host: Domain::parse(host).ok(),
            });
            Ok(MxRecords {
                records: records.collect(),
                dnssec: Dnssec::Insecure,
            })
        })
    }

    fn addresses<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let found = self.addresses.get(name.as_str()).cloned();
            found.ok_or_else(|| self.missing(name.as_str()))
        })
    }

    fn tlsa<'a>(&'a self, _host: &'a Domain, _port: u16) -> Answer<'a, Found> {
        Box::pin(async { Ok(Found::Insecure) })
    }

    fn texts<'a>(&'a self, _name: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async { Err(LookupError::NotFound) })
    }
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn dns() -> Dns {
    Dns::asking(
        Table::default()
            .mx(
                "many.example",
                &[(20, "c.example"), (10, "a.example"), (10, "b.example")],
            )
            .mx("null.example", &[(0, ".")])
            .mx("half.example", &[(0, "."), (5, "a.example")])
            .host("a.example", &["192.0.2.1", "2001:db8::1"])
            .host("bare.example", &["192.0.2.2"])
            .host("here.example", &["127.0.0.1"])
            .mx("loop.example", &[(1, "here.example")]),
    )
}

async fn hosts(name: &str, mut chances: Vec<u64>) -> Vec<String> {
    let random = || chances.remove(0);
    match dns().mail_hosts(&domain(name), random).await.unwrap() {
        MailHosts::Hosts(hosts, _) => {
            let names = hosts.iter().filter_map(|mx| mx.host.as_ref());
            names.map(ToString::to_string).collect()
        }
        MailHosts::NullMx => Vec::new(),
    }
}

#[tokio::test]
async fn orders_hosts_by_preference_and_shuffles_equal_ones() {
    let order = hosts("many.example", vec![1, 2, 3]).await;
    assert_eq!(order, ["a.example", "b.example", "c.example"]);
    let order = hosts("many.example", vec![1, 3, 2]).await;
    assert_eq!(order, ["b.example", "a.example", "c.example"]);
}

#[tokio::test]
async fn a_domain_without_mx_is_its_own_host() {
    assert_eq!(hosts("bare.example", vec![]).await, ["bare.example"]);
}

#[tokio::test]
async fn a_null_mx_means_no_mail_and_is_passed_over_beside_others() {
    assert!(hosts("null.example", vec![]).await.is_empty());
    assert_eq!(hosts("half.example", vec![0]).await, ["a.example"]);
}

#[tokio::test]
async fn tells_a_missing_name_from_a_missing_answer() {
    let ask = async |name| dns().mail_hosts(&domain(name), || 0).await;
    assert_eq!(ask("gone.example").await, Err(LookupError::NotFound));
    let broken = ask("broken.example").await;
    assert!(matches!(broken, Err(LookupError::Failed(_))), "{broken:?}");
}

#[tokio::test]
async fn an_address_literal_is_its_own_address() {
    let found = dns().addresses(&domain("[IPv6:2001:db8::7]")).await;
    assert_eq!(found, Ok(vec!["2001:db8::7".parse().unwrap()]));
}

#[test]
fn knows_the_addresses_that_lead_back_here() {
    let bound = ["127.0.0.1:25", "0.0.0.0:2525", "[::1]:26"];
    let listening = Listening(bound.iter().map(|text| text.parse().unwrap()).collect());
    for (address, here) in [
        ("127.0.0.1:25", true),
        ("127.0.0.2:25", false),
        ("127.0.0.2:2525", true),
        ("192.0.2.1:2525", false),
        ("[::1]:26", true),
        ("[::1]:2525", false),
        ("[::ffff:127.0.0.1]:25", true),
        ("127.0.0.1:26", false),
    ] {
        assert_eq!(
            listening.is_here(address.parse().unwrap()),
            here,
            "{address}"
        );
    }
}

#[test]
fn answers_the_directory_from_a_thread_that_may_block() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let listening = Listening(vec!["127.0.0.1:25".parse().unwrap()]);
    let here = HereNow::new(dns(), listening, runtime.handle().clone());
    for (host, port, expected) in [
        (Host::Name(domain("here.example")), 25, true),
        (Host::Name(domain("here.example")), 26, false),
        (Host::Name(domain("gone.example")), 25, false),
        (Host::Mx(domain("loop.example")), 25, true),
        (Host::Address([127, 0, 0, 1].into()), 25, true),
    ] {
        assert_eq!(here.is_here(&host, port), expected, "{host}:{port}");
    }
}

#[test]
fn the_server_s_own_name_leads_here_though_it_does_not_resolve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let here = |listening: &[&str]| {
        let listening = listening.iter().map(|text| text.parse().unwrap());
        let listening = Listening(listening.collect());
        HereNow::new(dns(), listening.clone(), runtime.handle().clone())
            .answering(listening, MingerHere::default())
            .called(domain("gone.example"))
    };
    let ours = here(&["127.0.0.1:2525"]);
    for (host, port, expected) in [
        (Host::Name(domain("GONE.example")), 2525, true),
        // A router may bring what comes to the known port.
        (Host::Name(domain("gone.example")), 25, true),
        (Host::Mx(domain("gone.example")), 25, true),
        (Host::Name(domain("gone.example")), 2626, false),
        (Host::Name(domain("broken.example")), 25, false),
        (Host::Mx(domain("broken.example")), 25, false),
    ] {
        assert_eq!(ours.is_here(&host, port), expected, "{host}:{port}");
    }
    let name = Host::Name(domain("gone.example"));
    assert!(ours.is_hostname(&name));
    assert!(!ours.is_hostname(&Host::Name(domain("here.example"))));
    assert!(ours.is_minger_here(&name, 4069) && !ours.is_minger_here(&name, 25));
    // Where nothing listens, nothing comes.
    assert!(!here(&[]).is_here(&name, 25) && !here(&[]).is_minger_here(&name, 4069));
}

/// Answers one question over UDP as a name server would.
async fn serve_one(answer_records: &'static [u8], code: u8) -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((len, client)) = socket.recv_from(&mut question).await {
            // Up to the end of the question section; whatever extension follows is left out.
            let name_len = question[12..len]
                .iter()
                .position(|&octet| octet == 0)
                .unwrap();
            let mut reply = question[..12 + name_len + 5].to_vec();
            reply[2] = 0x85;
            reply[3] = 0x80 | code;
            reply[7] = u8::from(!answer_records.is_empty());
            reply[8..12].fill(0);
            reply.extend_from_slice(answer_records);
            let _ = socket.send_to(&reply, client).await;
        }
    });
    address
}

#[tokio::test]
async fn reads_records_of_a_name_server() {
    // A pointer to the question's name, MX, IN, 60 seconds, preference 10, "mx" and that name.
    let record = b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x07\0\x0a\x02mx\xc0\x0c";
    let dns = Dns::servers(&[serve_one(record, 0).await], TrustAd::Loopback).unwrap();
    let hosts = dns.mail_hosts(&domain("example.com"), || 0).await.unwrap();
    let host = Some(domain("mx.example.com"));
    assert_eq!(
        hosts,
        MailHosts::Hosts(
            vec![Mx {
                preference: 10,
                host
            }],
            Dnssec::Insecure
        )
    );
}

#[tokio::test]
async fn reads_refusals_of_a_name_server() {
    let missing = Dns::servers(&[serve_one(b"", 3).await], TrustAd::Loopback).unwrap();
    let answer = missing.mail_hosts(&domain("example.com"), || 0).await;
    assert_eq!(answer, Err(LookupError::NotFound));
    let failing = Dns::servers(&[serve_one(b"", 2).await], TrustAd::Loopback).unwrap();
    let answer = failing.mail_hosts(&domain("example.com"), || 0).await;
    assert!(matches!(answer, Err(LookupError::Failed(_))), "{answer:?}");
    let empty = Dns::servers(&[serve_one(b"", 0).await], TrustAd::Loopback).unwrap();
    let answer = empty.addresses(&domain("example.com")).await;
    assert_eq!(answer, Err(LookupError::NoRecords));
}
