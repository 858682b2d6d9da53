//! From outcomes to delivery status notifications.
