//! What the configuration file takes from Domain Sharing after it was saved.

use waypost_directory::{MingerHere, Snapshot};

/// Warns about peers that could not ask back any more, each with the mend: saving Domain Sharing
/// is refused then, but the file may have been changed since.
pub(crate) fn warn_of_silence(snapshot: &Snapshot, here: &MingerHere) {
    for domain in snapshot.domains() {
        for peer in &domain.sharing {
            let target = snapshot.target(*peer);
            let known = target.and_then(|target| Some((target, target.minger.as_ref()?)));
            let Some((target, minger)) = known else {
                continue;
            };
            if let Some(hindrance) = here.hinders(&minger.accept) {
                tracing::warn!(
                    "{} is shared with {}, which cannot ask back: {}; {}",
                    domain.name,
                    target.name,
                    hindrance.why(),
                    hindrance.of_sharing(&target.name).mend()
                );
            }
        }
    }
}
