//! Who asks, what he may do, and that it is really he.

mod actor;
mod browser;
mod forwarded;
mod guard;
mod login;
mod right;
mod session;
mod sight;
mod tries;

pub(crate) use actor::{Actor, Proof};
pub(crate) use guard::guarded;
pub(crate) use login::{Attempt, log_in};
pub(crate) use right::Right;
pub(crate) use session::{Cookie, Sessions, cookie};
pub(crate) use sight::{Sight, Sights};
pub(crate) use tries::Logins;
