//! Deliveries by their kind of next hop: into mailboxes here, or over the network.

use std::path::Path;
use std::sync::Arc;

use waypost_mta::deliver::{Deliverer, Job};
use waypost_mta::queue::{Attempt, Attempting};
use waypost_mta::resolve::{Asked, Callout, Said};
use waypost_mta::session;
use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;

use crate::config::Config;

/// Who makes attempts and asks targets.
pub(crate) struct Outgoing {
    deliverer: Deliverer,
}

impl Outgoing {
    pub(crate) fn new(
        deliverer: Deliverer,
        _config: &Config,
        _data_dir: &Path,
    ) -> anyhow::Result<Self> {
        Ok(Self { deliverer })
    }

    /// How full mailboxes are, where this server keeps them itself.
    pub(crate) fn used(self: &Arc<Self>) -> Option<Arc<session::Used>> {
        None
    }
}

impl Attempt for Outgoing {
    fn attempt(&self, job: Job) -> Attempting<'_> {
        Box::pin(async move { self.deliverer.attempt(&job).await })
    }
}

impl Callout for Outgoing {
    fn callout<'a>(&'a self, target: TargetId, recipient: &'a Mailbox) -> Asked<'a> {
        Box::pin(async move {
            match self.deliverer.callout(target, recipient).await {
                Ok(reply) => Said::in_reply(reply),
                Err(trouble) => {
                    tracing::info!(
                        target: "waypost::resolve",
                        "callout for <{recipient}> failed: {trouble}"
                    );
                    Said::nothing()
                }
            }
        })
    }
}
