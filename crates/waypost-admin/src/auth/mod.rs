//! Who asks, what he may do, and that it is really he.

mod actor;
mod guard;
mod login;
mod right;
mod session;
mod sight;

pub(crate) use actor::{Actor, Proof};
pub(crate) use guard::guarded;
pub(crate) use login::{Logins, log_in};
pub(crate) use right::Right;
pub(crate) use session::{Cookie, Sessions, cookie};
pub(crate) use sight::{Sight, Sights};
