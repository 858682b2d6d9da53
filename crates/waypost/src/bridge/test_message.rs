//! A message of this server's own, with which an administrator sees mail arrive.

use std::time::Duration;

use serde_json::{Value, json};
use waypost_admin::request::{Refused, words};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::event;
use waypost_mta::resolve::Subject;
use waypost_proto::mail::{Date, Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Committed, Envelope, Recipient, Unavailable};

use super::explain::mailbox;
use super::{Asked, blocking};

/// It is of no use later.
const LIFETIME: Duration = Duration::from_hours(24);

impl Asked {
    /// Sends it, if its recipient would be accepted from a client.
    pub(super) async fn test_message(&self, to: &str) -> Result<Value, Refused> {
        let to = mailbox(to)?;
        if !to.is_ascii() {
            return Err(Refused::of(words::TEST_NOT_ASCII.having("to", &to)));
        }
        self.check_recipient(&to).await?;
        let asked = self.clone();
        let recipient = to.clone();
        let receipt = blocking(move || asked.commit(&recipient).map_err(|e| later(&e))).await?;
        let committed: Committed = receipt.await.map_err(|error| later(&error))?;
        let id = committed.message().id.to_string();
        self.queue.submit(&committed);
        tracing::info!("{id}: a test message to {to}, sent by {}", self.caller.name);
        Ok(json!({ "queue_id": id, "summary": format!("{id} queued for {to}") }))
    }

    async fn check_recipient(&self, to: &Mailbox) -> Result<(), Refused> {
        let explanation = self
            .resolver
            .explain(&Subject {
                sender: None,
                refusal: None,
                side: &Side::Here,
                recipient: to,
            })
            .await;
        if explanation.reply.code() == 250 {
            return Ok(());
        }
        let reply = explanation.reply.to_string();
        Err(Refused::new(format!("{to}: {}", reply.trim_end())))
    }

    /// Writes it into the spool.
    fn commit(&self, to: &Mailbox) -> Result<waypost_spool::Receipt<Committed>, Unavailable> {
        let now = SystemClock.wall();
        let from = &self.resolver.settings().postmaster;
        let mut staged = self.spool.stage(now)?;
        let id = staged.id();
        self.queue.dated(id);
        let message_id = format!("<{id}.test@{}>", self.hostname);
        let content = format!(
            "From: Waypost <{from}>\r\nTo: <{to}>\r\nSubject: Test message {id}\r\n\
             Date: {}\r\nMessage-ID: {message_id}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\nAuto-Submitted: auto-generated\r\n\r\n\
             {} sent this message from the console of {},\r\n\
             to see it arrive. Nothing has to be done about it.\r\n",
            Date(now),
            plain(&self.caller.name),
            self.hostname
        );
        staged.write(content.as_bytes())?;
        event::message_id(&id, &message_id);
        let envelope = Envelope {
            reverse_path: ReversePath::Mailbox(from.clone()),
            params: MailParams::default(),
            side: Side::Here,
            client: "local".to_owned(),
            protocol: "local".to_owned(),
            message_key: message_id,
            recipients: vec![Recipient::new(to.clone(), now, now + LIFETIME)],
            hold: None,
            signatures: String::new(),
        };
        Ok(self.spool.commit(staged, envelope))
    }
}

fn later(error: &Unavailable) -> Refused {
    Refused::later(format!("the message cannot be kept now: {error}"))
}

/// A login may hold anything; a line of a message may not.
fn plain(login: &str) -> String {
    let allowed = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    login.chars().map(allowed).collect()
}
