//! Delivery into Maildir++ directories on this machine, and how full they are.
//!
//! A message is written to `tmp`, synced, renamed into `new`, and the directory is synced; only
//! then it counts as delivered. Its file name follows from queue id and recipient, so that an
//! attempt which is repeated after a crash replaces its own file instead of adding a second one,
//! as long as nobody has read it. Everything here blocks.
//!
//! A name is never a path: what a login holds that could lead elsewhere is encoded.

mod quota;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waypost_proto::route::{Destination, Store};
use waypost_spool::Content;

use super::{Delivered, Job, JobRecipient, Outcome, Trouble};
use crate::clock::Clock;

/// Only the server's own user, and who it gives them to, reads mailboxes.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Longest name of a file or directory.
const MAX_NAME_BYTES: usize = 255;
/// Content read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// What a delivery names as its host.
const HOST: &str = "maildir";
/// The directories of a Maildir.
const PARTS: [&str; 3] = ["tmp", "new", "cur"];

/// The Maildirs of this site.
#[derive(Debug, Clone)]
pub struct Maildirs {
    /// With `{domain}` and `{login}` in it; none where mail of users goes elsewhere.
    template: Option<String>,
    postmaster: PathBuf,
    /// For file names.
    hostname: String,
    clock: Arc<dyn Clock>,
}

impl Maildirs {
    /// Maildirs of users and shared mailboxes as `template` says, and the site's own at
    /// `postmaster`.
    #[must_use]
    pub fn new(
        template: Option<&str>,
        postmaster: &Path,
        hostname: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            template: template.map(str::to_owned),
            postmaster: postmaster.to_owned(),
            hostname: in_a_file_name(hostname),
            clock,
        }
    }

    /// Makes the site's own Maildir, which is there from the first start.
    ///
    /// # Errors
    ///
    /// When the file system does not let it.
    pub fn create_postmaster(&self) -> io::Result<()> {
        create(&self.postmaster)
    }

    /// Bytes of messages in a mailbox; none when it has no limit or they cannot be counted.
    #[must_use]
    pub fn used(&self, destination: &Destination) -> Option<u64> {
        if destination.quota_bytes == 0 {
            return None;
        }
        let path = self.path_of(destination).ok()?;
        match quota::used(&path, destination.quota_bytes, self.clock.wall()) {
            Ok(used) => Some(used),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "mailbox cannot be measured");
                None
            }
        }
    }

    /// Delivers to every recipient of the job: one outcome for each.
    #[must_use]
    pub fn deliver(&self, job: &Job) -> Vec<Outcome> {
        let mut written: Vec<(usize, Result<PathBuf, Trouble>)> = Vec::new();
        for recipient in &job.recipients {
            written.push((recipient.index, self.write_for(job, recipient)));
        }
        // One sync for all recipients that share a directory.
        let directories: BTreeSet<&PathBuf> = written
            .iter()
            .filter_map(|(_, r)| r.as_ref().ok())
            .collect();
        let failed: Vec<(PathBuf, Trouble)> = directories
            .into_iter()
            .filter_map(|dir| {
                let error = sync(dir).err()?;
                Some((dir.clone(), trouble(&error, dir)))
            })
            .collect();
        let outcome = |(index, written): (usize, Result<PathBuf, Trouble>)| {
            let result =
                written.and_then(|dir| match failed.iter().find(|(path, _)| *path == dir) {
                    Some((_, trouble)) => Err(trouble.clone()),
                    None => Ok(delivered()),
                });
            Outcome { index, result }
        };
        written.into_iter().map(outcome).collect()
    }

    /// Writes the copy; the directory whose sync makes it durable.
    fn write_for(&self, job: &Job, recipient: &JobRecipient) -> Result<PathBuf, Trouble> {
        let Some(destination) = &recipient.destination else {
            return Err(Trouble::transient(3, 5, "no mailbox was named").at_host(HOST));
        };
        let path = self.path_of(destination)?;
        let copy = Copy {
            front: front(job, destination),
            content: &job.content,
            name: self.name(job, recipient),
            quota_bytes: destination.quota_bytes,
            now: self.clock.wall(),
        };
        copy.write(&path)
    }

    /// The first part of the name, the same for every attempt.
    fn name(&self, job: &Job, recipient: &JobRecipient) -> String {
        let arrived = job.message.arrived.duration_since(SystemTime::UNIX_EPOCH);
        let arrived = arrived.unwrap_or(Duration::ZERO);
        format!(
            "{}.M{:06}Q{}R{}.{}",
            arrived.as_secs(),
            arrived.subsec_micros(),
            job.message.id,
            recipient.index,
            self.hostname
        )
    }

    /// Where the mailbox is.
    fn path_of(&self, destination: &Destination) -> Result<PathBuf, Trouble> {
        if destination.store == Store::Postmaster {
            return Ok(self.postmaster.clone());
        }
        let wrong = |what: &str| Trouble::transient(3, 5, what).at_host(HOST);
        let Some(template) = &self.template else {
            return Err(wrong("no Maildirs for users here"));
        };
        let domain = as_a_name(destination.domain.as_str());
        let login = as_a_name(&destination.login);
        let (Some(domain), Some(login)) = (domain, login) else {
            return Err(wrong("the mailbox name cannot name a directory"));
        };
        // Split first, so that a name with {login} in it is not filled in again.
        let fill = |text: &str| text.split("{login}").collect::<Vec<_>>().join(&login);
        let filled: Vec<String> = template.split("{domain}").map(fill).collect();
        Ok(PathBuf::from(filled.join(&domain)))
    }
}

fn delivered() -> Delivered {
    Delivered {
        host: HOST.to_owned(),
        reply: None,
        offers_dsn: false,
        security: None,
    }
}

/// One name of a path, whatever the text holds; none when it is empty or too long.
///
/// `/`, `%`, control characters and a dot at the beginning become `%XX`: different texts stay
/// different names, and none is `.` or `..`, hidden, or in another directory.
fn as_a_name(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '/' || c == '%' || c.is_control() || (at == 0 && c == '.') {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        } else {
            name.push(c);
        }
    }
    (!name.is_empty() && name.len() <= MAX_NAME_BYTES).then_some(name)
}

/// A host name within a Maildir file name: `/` and `:` have a meaning there, `,` begins a size.
fn in_a_file_name(hostname: &str) -> String {
    let safe = |c: char| match c {
        '/' => "\\057".to_owned(),
        ':' => "\\072".to_owned(),
        ',' => "\\054".to_owned(),
        c if c.is_control() => String::new(),
        c => c.to_string(),
    };
    hostname.chars().map(safe).collect()
}

/// What stands in front of the content in this mailbox (RFC 5321 §4.4: Return-Path), with CRLF.
fn front(job: &Job, destination: &Destination) -> Vec<u8> {
    let mut front = format!(
        "Return-Path: {}\r\nDelivered-To: {}\r\n",
        job.reverse_path, destination.recipient
    )
    .into_bytes();
    front.extend_from_slice(&job.front);
    front
}

/// One message on its way into one mailbox.
struct Copy<'a> {
    front: Vec<u8>,
    content: &'a Content,
    name: String,
    quota_bytes: u64,
    now: SystemTime,
}

impl Copy<'_> {
    /// Writes and renames the file; the directory it is in.
    fn write(&self, maildir: &Path) -> Result<PathBuf, Trouble> {
        let failed = |error: &io::Error| trouble(error, maildir);
        create(maildir).map_err(|e| failed(&e))?;
        self.check_quota(maildir)?;
        let tmp = maildir.join("tmp").join(&self.name);
        let new = maildir.join("new");
        let stored = self.write_tmp(&tmp).and_then(|size| {
            let crlf_size = self.front.len() as u64 + self.content.len();
            let target = new.join(format!("{},S={size},W={crlf_size}", self.name));
            let again = target.symlink_metadata().is_ok();
            fs::rename(&tmp, &target)?;
            Ok((!again).then_some(size))
        });
        match stored {
            Ok(added) => {
                if let Some(size) = added.filter(|_| self.quota_bytes > 0) {
                    quota::add(maildir, size);
                }
                Ok(new)
            }
            Err(error) => {
                // What cannot be removed is swept by the owner's mail program after 36 hours.
                let _ = fs::remove_file(&tmp);
                Err(failed(&error))
            }
        }
    }

    fn check_quota(&self, maildir: &Path) -> Result<(), Trouble> {
        if self.quota_bytes == 0 {
            return Ok(());
        }
        let used = quota::used(maildir, self.quota_bytes, self.now)
            .map_err(|error| trouble(&error, maildir))?;
        if used.saturating_add(self.content.len()) > self.quota_bytes {
            return Err(Trouble::transient(2, 2, "Mailbox full").at_host(HOST));
        }
        Ok(())
    }

    /// Writes the message with the line ends of files, and syncs it; its size.
    fn write_tmp(&self, path: &Path) -> io::Result<u64> {
        // Left by an attempt that ended half-way: never written to again.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        let mut lines = Lines {
            out: BufWriter::with_capacity(PIECE_BYTES, file),
            size: 0,
        };
        lines.write(&self.front)?;
        match self.content.memory() {
            Some(bytes) => lines.write(bytes)?,
            None => lines.copy(self.content)?,
        }
        let size = lines.size;
        let file = lines
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        Ok(size)
    }
}

/// Writes CRLF line ends as LF. In a message there is no CR that is not part of one.
struct Lines {
    out: BufWriter<File>,
    size: u64,
}

impl Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for line in bytes.split(|b| *b == b'\r') {
            self.out.write_all(line)?;
            self.size += line.len() as u64;
        }
        Ok(())
    }

    fn copy(&mut self, content: &Content) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut offset = 0;
        while offset < content.len() {
            let count = content.read_at(offset, &mut piece)?;
            self.write(&piece[..count])?;
            offset += count as u64;
        }
        Ok(())
    }
}

/// Makes a Maildir and what is above it, durably; one that is there is checked to be directories.
fn create(maildir: &Path) -> io::Result<()> {
    for part in PARTS {
        let path = maildir.join(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_directory(&path)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a directory, those above it first, and syncs the name of each.
fn create_directory(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    if !parent.is_dir() {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        // Somebody else delivers there for the first time too.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync(parent),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// All of it may pass, or a person mends it: mail is never bounced for it.
fn trouble(error: &io::Error, maildir: &Path) -> Trouble {
    tracing::warn!(path = %maildir.display(), %error, "delivery into a Maildir failed");
    let detail = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => 1,
        _ => 0,
    };
    Trouble::transient(3, detail, format!("cannot write the mailbox: {error}")).at_host(HOST)
}

#[cfg(test)]
mod tests;
