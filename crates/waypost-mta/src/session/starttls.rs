//! STARTTLS and TLS from the first byte; and XCLIENT, which also begins a session anew.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use waypost_directory::{Found, MailType};
use waypost_proto::mail::Mailbox;
use waypost_proto::route::Side;
use waypost_proto::smtp::replies;
use waypost_proto::smtp::xclient::{Told, Xclient};

use super::drive::{Ending, Session};
use crate::auth::Login;

impl<S> Session<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// The client has asked for TLS, and the answer is in the output.
    pub(super) async fn start_tls(&mut self) -> Result<(), Ending> {
        self.flush().await?;
        let secured = self.secure().await;
        self.counts.starttls.count(secured.is_ok());
        secured
    }

    /// Does the handshake; nothing said before it counts any more (RFC 3207 §4.2).
    pub(super) async fn secure(&mut self) -> Result<(), Ending> {
        let asks = self.shared.callers().know_keys(&self.shared.snapshot());
        let acceptor = self.shared.parts.certificate.acceptor(asks);
        let patience = self.rules.settings.limits.handshake_timeout;
        match timeout(patience, self.channel.secure(&acceptor)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Ending::Handshake),
            Err(_) => return Err(Ending::Timeout),
        }
        self.forget();
        if let Some(pin) = self.channel.client_key() {
            self.caller.shows(self.shared, pin);
        }
        self.proto.secured();
        self.turn = self.shared.clock().now();
        Ok(())
    }

    /// A trusted proxy tells whom it speaks for.
    pub(super) fn xclient(&mut self, told: &Xclient) {
        self.forget();
        let mut client = self.caller.client.clone();
        match &told.name {
            Some(Told::Known(name)) => client.name = Some(name.to_string()),
            Some(_) => client.name = None,
            None => {}
        }
        match &told.addr {
            Some(Told::Known(address)) => client.address = Some(address.to_canonical()),
            // Somebody, but nobody knows who: a stranger, not this machine.
            Some(_) => client.address = Some(std::net::Ipv4Addr::UNSPECIFIED.into()),
            None => {}
        }
        self.caller = self.caller.instead(self.shared, client);
        if let Some(Told::Known(helo)) = &told.helo {
            self.hello = Some(helo.clone());
        }
        if let Some(Told::Known(login)) = &told.login {
            self.login = self.login_of(login);
            self.sasl_method = "XCLIENT";
            if self.login.is_none() {
                return self.proto.answer(&replies::authentication_failed());
            }
        }
        let banner = self.proto.banner();
        self.proto.answer(&banner);
    }

    /// A user that a proxy has checked; only those who may log in here themselves.
    fn login_of(&self, login: &str) -> Option<Login> {
        let address = Mailbox::parse(login).ok()?;
        let snapshot = self.shared.snapshot();
        match snapshot.lookup_mailbox(&address)? {
            Found::User(user) if user.mail == MailType::Local && !user.suspended => Some(Login {
                side: Side::Authenticated(user.id),
                name: login.to_owned(),
            }),
            _ => None,
        }
    }

    /// Forgets what the client has said of itself.
    fn forget(&mut self) {
        self.transaction = None;
        self.login = None;
        self.hello = None;
        self.extended = false;
    }
}
