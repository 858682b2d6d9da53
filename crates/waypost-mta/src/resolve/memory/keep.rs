//! What is remembered over a restart.

use std::time::SystemTime;

use crate::resolve::ask::{Answer, Authority};

/// An answer that outlives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Who said it.
    pub authority: Authority,
    /// About which address, local part without letter case.
    pub address: Box<str>,
    /// What: active or unknown, nothing else is kept.
    pub answer: Answer,
    /// When.
    pub given: SystemTime,
}

/// Where answers are kept over restarts. No call blocks, and what is lost is only asked again.
pub trait Keep: Send + Sync {
    /// Keeps an answer in the place of an earlier one.
    fn keep(&self, kept: Kept);

    /// Forgets an answer.
    fn forget(&self, authority: Authority, address: &str);
}

/// Nothing is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepNothing;

impl Keep for KeepNothing {
    fn keep(&self, _: Kept) {}

    fn forget(&self, _: Authority, _: &str) {}
}
