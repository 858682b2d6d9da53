//! How full a Maildir is: the `maildirsize` file of Maildir++.
//!
//! Its first line is the limit it was made for, every further one adds a size and a count. It is
//! an estimate that all programs keep up by appending, and that whoever finds it wrong makes anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::FILE_MODE;

const NAME: &str = "maildirsize";
/// A longer file is made anew.
const MAX_BYTES: u64 = 5120;
/// A full mailbox is counted again after this time, in case somebody tidied it otherwise.
const STALE: Duration = Duration::from_secs(15 * 60);

/// What the file says.
struct Sum {
    bytes: u64,
    /// Lines added since it was made.
    additions: usize,
    modified: SystemTime,
}

/// Bytes of messages in the Maildir, which may have `limit`.
pub(super) fn used(maildir: &Path, limit: u64, now: SystemTime) -> io::Result<u64> {
    if let Some(sum) = read(maildir, limit)? {
        let age = now.duration_since(sum.modified).unwrap_or_default();
        let doubtful = sum.bytes >= limit && (sum.additions > 0 || age > STALE);
        if !doubtful {
            return Ok(sum.bytes);
        }
    }
    make_anew(maildir, limit)
}

/// Notes a message that was added; a note that fails is mended when the file is made anew.
pub(super) fn add(maildir: &Path, size: u64) {
    let line = format!("{size} 1\n");
    let noted = OpenOptions::new()
        .append(true)
        .open(maildir.join(NAME))
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = noted {
        tracing::warn!(path = %maildir.display(), %error, "mailbox size is not kept");
    }
}

/// None when the file is absent, too long, for another limit or not to be understood.
fn read(maildir: &Path, limit: u64) -> io::Result<Option<Sum>> {
    let file = match File::open(maildir.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let facts = file.metadata()?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Ok(None);
    }
    let Ok(text) = String::from_utf8(text) else {
        return Ok(None);
    };
    let mut lines = text.lines();
    if lines.next() != Some(&header(limit)) {
        return Ok(None);
    }
    let mut bytes = 0_i64;
    let mut count = 0;
    for line in lines {
        let Some(added) = line
            .split_whitespace()
            .next()
            .and_then(|n| n.parse::<i64>().ok())
        else {
            return Ok(None);
        };
        bytes = bytes.saturating_add(added);
        count += 1_usize;
    }
    let Ok(bytes) = u64::try_from(bytes) else {
        return Ok(None);
    };
    let modified = facts.modified()?;
    let additions = count.saturating_sub(1);
    Ok(Some(Sum {
        bytes,
        additions,
        modified,
    }))
}

fn header(limit: u64) -> String {
    format!("{limit}S")
}

/// Counts all messages in all folders, and writes the file.
fn make_anew(maildir: &Path, limit: u64) -> io::Result<u64> {
    let (mut bytes, mut messages) = folder(maildir)?;
    for entry in entries(maildir)? {
        let name = entry.file_name();
        let is_folder = name.as_encoded_bytes().starts_with(b".") && entry.file_type()?.is_dir();
        if is_folder {
            let (more_bytes, more_messages) = folder(&entry.path())?;
            bytes += more_bytes;
            messages += more_messages;
        }
    }
    if maildir.is_dir() {
        write(maildir, limit, bytes, messages)?;
    }
    Ok(bytes)
}

fn write(maildir: &Path, limit: u64, bytes: u64, messages: u64) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let tmp = maildir
        .join("tmp")
        .join(format!("{NAME}.{}.{number}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&tmp)?;
    file.write_all(format!("{}\n{bytes} {messages}\n", header(limit)).as_bytes())?;
    fs::rename(&tmp, maildir.join(NAME))
}

/// Bytes and messages in `new` and `cur` of one folder.
fn folder(path: &Path) -> io::Result<(u64, u64)> {
    let (mut bytes, mut messages) = (0, 0);
    for part in ["new", "cur"] {
        for entry in entries(&path.join(part))? {
            let said = size_in_name(&entry.file_name().to_string_lossy());
            let size = match said {
                Some(size) => size,
                // Read by its owner's mail program in the meantime: counted the next time.
                None => entry.metadata().map_or(0, |facts| facts.len()),
            };
            bytes += size;
            messages += 1;
        }
    }
    Ok((bytes, messages))
}

/// What is in a directory; nothing when it is not there.
fn entries(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The size that a Maildir++ file name tells: `,S=` and digits, in front of `:` and flags.
fn size_in_name(name: &str) -> Option<u64> {
    let base = name.split(':').next()?;
    let field = base.split(',').find_map(|field| field.strip_prefix("S="))?;
    field.parse().ok()
}
