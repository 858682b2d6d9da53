//! AUTH: the answer to a login.

use tokio::io::{AsyncRead, AsyncWrite};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::sasl::Credentials;

use super::drive::{Ending, Session};
use crate::auth::LoginError;
use crate::event;
use crate::policy::Service;

impl<S> Session<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Checks a login; after too many wrong ones the session is over.
    pub(super) async fn log_in(&mut self, credentials: &Credentials) {
        let own = credentials.authzid.is_empty() || credentials.authzid == credentials.authcid;
        // Nobody may act as somebody else; who tries learns it after the usual time.
        // Nor do users log in where mail is exchanged, but targets, whose logins have no domain.
        let here = self.door.service != Service::Smtp || !credentials.authcid.contains('@');
        let login = if own && here {
            &*credentials.authcid
        } else {
            ""
        };
        let delays = self.rules.settings.login_delays();
        let password = credentials.password.reveal();
        let client = self.caller.client.address;
        let logins = &self.shared.parts.logins;
        let checked = logins.check(client, delays, login, password).await;
        self.counts.auth.count(checked.is_ok());
        match checked {
            Ok(login) => {
                self.login = Some(login);
                self.sasl_method = credentials.mechanism.name();
                self.proto.answer(&replies::authenticated());
            }
            Err(why @ (LoginError::TooMany | LoginError::Unavailable)) => {
                let method = credentials.mechanism.name();
                event::login_put_off(&self.caller.client, method, &credentials.authcid, why);
                self.proto.answer(&replies::authentication_unavailable());
            }
            Err(LoginError::Refused) => {
                let method = credentials.mechanism.name();
                event::login_failed(&self.caller.client, method, &credentials.authcid);
                self.proto.answer(&replies::authentication_failed());
                let most = self.rules.settings.limits.login_failures;
                if self.counts.auth.failed() as usize >= most {
                    self.close(&replies::too_many_errors(), Ending::TurnedAway);
                }
            }
        }
    }
}
