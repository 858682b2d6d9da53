//! Logins of users.
