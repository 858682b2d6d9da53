//! The server itself: version, certificate, listeners, disk, configuration.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use waypost_admin::request::Refused;
use waypost_directory::Page;
use waypost_mta::clock::{Clock as _, SystemClock};

use super::{Asked, later};
use crate::{layout, time};

/// Files that are counted in one folder and those below it; a spool may have more.
const FILES_COUNTED: usize = 100_000;

impl Asked {
    pub(super) fn system(&self) -> Value {
        let now = SystemClock.wall();
        let up = now.duration_since(self.since).unwrap_or_default();
        let listeners = self.endpoints.iter().map(
            |(service, endpoint)| json!({ "service": service, "address": endpoint.to_string() }),
        );
        let listeners: Vec<Value> = listeners.collect();
        let postmaster = layout::postmaster(&self.data_dir).join("new");
        json!({
            "hostname": self.hostname.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "up_since": time::show(self.since),
            "up_s": up.as_secs(),
            "certificate": self.certificate(),
            "listeners": listeners,
            "disk": self.disk(),
            "postmaster_messages": fs::read_dir(postmaster).map_or(0, Iterator::count),
            "configuration": self.reloader.configuration(),
        })
    }

    /// Whether mail can be taken: the spool can be written, the directory read.
    pub(super) fn is_ready(&self) -> Result<Value, Refused> {
        let room = self.spool.room_for(0);
        room.map_err(|error| Refused::later(format!("the spool takes nothing: {error}")))?;
        let one = Page {
            domain: None,
            after: 0,
            limit: 1,
        };
        self.directory.domains(&one).map_err(|e| later(&e))?;
        Ok(json!({ "ready": true }))
    }

    fn certificate(&self) -> Option<Value> {
        let shown = self.reloader.certificate()?;
        let left = shown.not_after.duration_since(SystemClock.wall());
        Some(json!({
            "subject": shown.subject,
            "names": shown.names,
            "issuer": shown.issuer,
            "not_before": time::show(shown.not_before),
            "not_after": time::show(shown.not_after),
            "days_left": left.map_or(0, |left| left.as_secs() / 86_400),
            "pin": shown.pin,
        }))
    }

    fn disk(&self) -> Value {
        let data = &self.data_dir;
        let stat = rustix::fs::statvfs(data).ok();
        let (free, total) = stat.map_or((0, 0), |disk| {
            (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
        });
        let parts = [
            ("spool", layout::spool(data)),
            ("directory", layout::directory(data)),
            ("history", layout::history(data)),
            ("answers", layout::answers(data)),
            ("postmaster", layout::postmaster(data)),
        ];
        let parts = parts.map(|(what, path)| {
            let bytes = if path.is_dir() {
                of_folder(&path, &mut FILES_COUNTED.clone())
            } else {
                of_store(&path)
            };
            json!({ "what": what, "path": path.display().to_string(), "bytes": bytes })
        });
        json!({
            "path": data.display().to_string(),
            "free_bytes": free,
            "total_bytes": total,
            "parts": parts,
        })
    }
}

/// A database with the files beside it.
fn of_store(path: &Path) -> u64 {
    let name = path.display().to_string();
    let beside = ["", "-wal", "-shm"].map(|end| format!("{name}{end}"));
    let sizes = beside.iter().filter_map(|file| fs::metadata(file).ok());
    sizes.map(|file| file.len()).sum()
}

fn of_folder(folder: &Path, left: &mut usize) -> u64 {
    let mut bytes = 0;
    // What cannot be read is not counted; what goes meanwhile neither.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            bytes += of_folder(&entry.path(), left);
        } else if let Ok(file) = entry.metadata() {
            bytes += file.len();
        }
    }
    bytes
}
