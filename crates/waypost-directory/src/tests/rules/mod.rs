//! Every rule, with a form that is refused and one that is accepted.

mod addresses;
mod domain;
mod gateway;
mod objects;
mod peer;
mod target;

use super::*;

fn third_party(login: &str, addresses: &[&str]) -> UserRecord {
    let mut record = user(login, addresses);
    record.mail = MailType::ThirdParty;
    record
}

/// A peer at an address that nobody else has.
fn peer(label: &str, host: &str) -> PeerRecord {
    PeerRecord::new(TargetRecord::new(label, Host::parse(host).unwrap()))
}

/// example.com, and the peers lyon and oslo.
fn with_peers() -> Fixture {
    let fixture = Fixture::new();
    fixture
        .put([
            Object::Domain(DomainRecord::new(name("example.com"))),
            Object::Peer(peer("lyon", "10.0.0.8")),
            Object::Peer(peer("oslo", "10.0.0.9")),
        ])
        .unwrap();
    fixture
}

impl Fixture {
    /// Saves as a server would that answers Minger in this way.
    fn put_at<const N: usize>(
        &self,
        here: &dyn Here,
        objects: [Object; N],
    ) -> Result<Changed, Rejected> {
        let edits = objects.map(|object| Edit::Put(object, When::Any));
        match self.directory.edit(&ACTOR, here, &edits) {
            Err(EditError::Rejected(rejected)) => Err(rejected),
            other => Ok(other.unwrap()),
        }
    }
}
