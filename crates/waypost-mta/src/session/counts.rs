//! What a session has done, for the line at its end.

use std::fmt;

/// How often something was asked for, and how often it was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    done: u32,
    asked: u32,
}

impl Tally {
    pub(super) fn count(&mut self, done: bool) {
        self.asked = self.asked.saturating_add(1);
        self.done = self.done.saturating_add(u32::from(done));
    }

    pub(super) fn done(self) -> u32 {
        self.done
    }

    pub(super) fn failed(self) -> u32 {
        self.asked - self.done
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.done == self.asked {
            write!(f, "{}", self.done)
        } else {
            write!(f, "{}/{}", self.done, self.asked)
        }
    }
}

/// Commands of a session; printed as Postfix does: `ehlo=1 mail=1 rcpt=0/1 quit=1`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) ehlo: Tally,
    pub(super) starttls: Tally,
    pub(super) auth: Tally,
    pub(super) mail: Tally,
    pub(super) rcpt: Tally,
    pub(super) data: Tally,
    pub(super) quit: Tally,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tallies = [
            ("ehlo", self.ehlo),
            ("starttls", self.starttls),
            ("auth", self.auth),
            ("mail", self.mail),
            ("rcpt", self.rcpt),
            ("data", self.data),
            ("quit", self.quit),
        ];
        let mut commands = Tally::default();
        for (name, tally) in tallies.iter().filter(|(_, tally)| tally.asked > 0) {
            write!(f, "{name}={tally} ")?;
            commands.done += tally.done;
            commands.asked += tally.asked;
        }
        write!(f, "commands={commands}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_was_done_and_what_was_asked() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_string(), "commands=0");
        counts.ehlo.count(true);
        counts.rcpt.count(true);
        counts.rcpt.count(false);
        assert_eq!(counts.to_string(), "ehlo=1 rcpt=1/2 commands=2/3");
    }
}
