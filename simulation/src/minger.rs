//! The foreign Minger server, which lies at times.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use turmoil::net::UdpSocket;
use waypost_proto::minger::{Answer, Query, Secret, Status};

use crate::arrangement::{BRANCH_MINGER_PORT, SECRET};
use crate::mood::Mood;
use crate::notes::Notes;

/// Answers about the branch for ever.
pub(crate) async fn listen(mood: Arc<Mood>, lies: bool, notes: Arc<Notes>) -> io::Result<()> {
    let socket = Arc::new(UdpSocket::bind(("0.0.0.0", BRANCH_MINGER_PORT)).await?);
    let secret = Secret::parse(SECRET).map_err(io::Error::other)?;
    let mut buffer = [0; 2000];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let octets = buffer.get(..length).unwrap_or_default();
        let Ok(query) = Query::parse(octets) else {
            notes.say("branch", "was asked what is no question");
            continue;
        };
        if query.verified_by([&secret]).is_none() {
            notes.broke(12, "a question to the branch has a wrong secret");
        }
        let address = query.address().to_owned();
        // Somebody who does not lie sends nonsense, too, or nothing: the first five.
        let is_wrong = !mood.is_calm() && mood.below(2) == 0;
        let lie = is_wrong.then(|| mood.below(if lies { 7 } else { 5 }));
        tokio::spawn(answer(Arc::clone(&socket), from, address, lie));
    }
}

/// Says the truth, or not.
async fn answer(socket: Arc<UdpSocket>, to: SocketAddr, address: String, lie: Option<u64>) {
    let truth = match address.starts_with('b') {
        true => Status::Active,
        false => Status::Unknown,
    };
    let opposite = match truth {
        Status::Active => Status::Unknown,
        _ => Status::Active,
    };
    let print = |address: &str, status| Answer { address, status }.to_string();
    let said: Vec<String> = match lie {
        None => vec![print(&address, truth)],
        // About somebody else: not to be believed.
        Some(0) => vec![print("other@branch.test", opposite), print(&address, truth)],
        // Twice.
        Some(1) => vec![print(&address, truth), print(&address, truth)],
        // Too late.
        Some(2) => {
            tokio::time::sleep(Duration::from_secs(7)).await;
            vec![print(&address, opposite)]
        }
        // Nothing that could be read.
        Some(3) => vec![format!("{address} is here"), "5".to_owned(), String::new()],
        Some(4) => Vec::new(),
        _ => vec![print(&address, opposite)],
    };
    for datagram in said {
        // As with every datagram: it comes, or not.
        let _ = socket.send_to(datagram.as_bytes(), to).await;
    }
}
