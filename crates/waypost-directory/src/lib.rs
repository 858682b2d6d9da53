//! Who and where: domains, users, shared mailboxes, groups and targets, and the snapshot that answers at RCPT.
