//! The only file of the spool that touches the file system; the engine does its own writing.
//!
//! Tests let single calls fail through [`Disk::failing`].

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Only the server's own user reads mail.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Read at once when a file is copied or checked.
const PIECE_BYTES: usize = 64 * 1024;

/// A call that changes the disk, or is about to say that something is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Allocating the reserve.
    Allocate,
    /// Moving the engine's log into its file.
    Checkpoint,
    /// Making a transaction of the engine durable.
    Commit,
    /// Making a file.
    Create,
    /// Opening the engine's file.
    Open,
    /// Removing a file.
    Remove,
    /// Syncing a file.
    Sync,
    /// Syncing a directory.
    SyncDirectory,
    /// Writing to a file.
    Write,
}

type Fault = dyn Fn(Call, &Path) -> io::Result<()> + Send + Sync;

/// The disk, or in tests a disk that fails when told to.
#[derive(Clone, Default)]
pub struct Disk {
    fault: Option<Arc<Fault>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("failing", &self.fault.is_some())
            .finish()
    }
}

impl Disk {
    /// A disk that asks `fault` before each call, and fails as it says.
    #[must_use]
    pub fn failing(fault: impl Fn(Call, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            fault: Some(Arc::new(fault)),
        }
    }

    /// Whether `call` may go on.
    pub(crate) fn ask(&self, call: Call, path: &Path) -> io::Result<()> {
        self.fault
            .as_ref()
            .map_or(Ok(()), |fault| fault(call, path))
    }

    /// Makes a directory and those above it, closed to others; one that is there is fine.
    pub(crate) fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.ask(Call::Create, path)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
    }

    /// Makes a file that was not there.
    pub(crate) fn create(&self, path: PathBuf) -> io::Result<NewFile> {
        self.ask(Call::Create, &path)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)?;
        Ok(NewFile {
            file: Arc::new(file),
            path,
            len: 0,
            kept: false,
            disk: self.clone(),
        })
    }

    /// Opens a file of which `len` bytes are content.
    pub(crate) fn open(path: &Path, len: u64) -> io::Result<StoredFile> {
        let file = File::open(path)?;
        let found = file.metadata()?.len();
        if found != len {
            let what = format!("{found} bytes instead of {len}");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(StoredFile {
            file: Arc::new(file),
            len,
        })
    }

    /// Makes the names in a directory durable.
    pub(crate) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.ask(Call::SyncDirectory, path)?;
        File::open(path)?.sync_all()
    }

    /// Removes a file; one that is gone already is fine.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.ask(Call::Remove, path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Moves a file within the spool.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask(Call::Create, to)?;
        fs::rename(from, to)
    }

    /// Gives a file a second name, or copies it where that cannot be.
    pub(crate) fn link_or_copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask(Call::Create, to)?;
        if fs::hard_link(from, to).is_ok() {
            return Ok(());
        }
        let mut source = File::open(from)?;
        let mut copy = self.create(to.to_owned())?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let count = source.read(&mut piece)?;
            if count == 0 {
                copy.sync()?;
                copy.keep();
                return Ok(());
            }
            copy.write(&piece[..count])?;
        }
    }

    /// Syncs a file that somebody else wrote.
    pub(crate) fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.ask(Call::Sync, path)?;
        File::open(path)?.sync_all()
    }

    /// The names in a directory.
    pub(crate) fn names(path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    /// Whether there is anything under this name.
    pub(crate) fn exists(path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    /// Bytes in a file; none when there is no file.
    pub(crate) fn len(path: &Path) -> u64 {
        path.metadata().map_or(0, |m| m.len())
    }

    /// Cuts a file to `len` bytes, durably; one that is shorter or absent is left alone.
    pub(crate) fn cut(&self, path: &Path, len: u64) -> io::Result<()> {
        if Self::len(path) <= len {
            return Ok(());
        }
        self.ask(Call::Write, path)?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        self.ask(Call::Sync, path)?;
        file.sync_all()
    }

    /// Bytes that may still be written to the file system of `path`.
    pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
        let facts = rustix::fs::statvfs(path)?;
        Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
    }

    /// Makes a file that occupies `len` bytes, whatever is in it.
    pub(crate) fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.ask(Call::Allocate, path)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len) {
            Err(rustix::io::Errno::OPNOTSUPP) => fill(file, len),
            done => Ok(done?),
        }
    }

    /// Takes the lock on `path` and writes our process id into it; the id of the holder when it
    /// is taken.
    pub(crate) fn lock(path: &Path) -> io::Result<Result<Lock, String>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.take(32).read_to_string(&mut pid)?;
                let pid = pid.trim();
                let known = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
                return Ok(Err(if known { pid } else { "unknown" }.to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Ok(Lock { _file: file }))
    }
}

fn fill(mut file: File, len: u64) -> io::Result<()> {
    let piece = [0; PIECE_BYTES];
    let mut left = len.saturating_sub(file.metadata()?.len());
    file.seek(SeekFrom::End(0))?;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        file.write_all(&piece[..usize::try_from(count).unwrap_or(piece.len())])?;
        left -= count;
    }
    Ok(())
}

/// The lock of the one process that has the spool; gone when dropped, or with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// A file of ours that is being written; removed when dropped, unless it is to be kept.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: Arc<File>,
    path: PathBuf,
    len: u64,
    kept: bool,
    disk: Disk,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.disk.remove(&self.path)
        {
            // The next start sweeps it.
            tracing::warn!(path = %self.path.display(), %error, "abandoned content stays for now");
        }
    }
}

impl NewFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.ask(Call::Write, &self.path)?;
        (&*self.file).write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Makes the content durable, but not the name. To be called once: after a failure the file
    /// is lost, whatever a second call says.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.ask(Call::Sync, &self.path)?;
        self.file.sync_data()
    }

    /// The file stays under its name.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    /// The file, to be read.
    pub(crate) fn stored(&self) -> StoredFile {
        StoredFile {
            file: Arc::clone(&self.file),
            len: self.len,
        }
    }
}

/// Large content, in a file of its own that is never changed.
#[derive(Debug, Clone)]
pub struct StoredFile {
    file: Arc<File>,
    len: u64,
}

impl StoredFile {
    /// Bytes of content.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `buffer` from `offset` on, as far as there is content.
    ///
    /// # Errors
    ///
    /// When reading fails, or the file has become shorter than its content.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        self.file.read_exact_at(&mut buffer[..count], offset)?;
        Ok(count)
    }

    /// The check sum of the content.
    pub(crate) fn check_sum(&self) -> io::Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut offset = 0;
        loop {
            let count = self.read_at(offset, &mut piece)?;
            if count == 0 {
                return Ok(hasher.finalize());
            }
            hasher.update(&piece[..count]);
            offset += count as u64;
        }
    }
}
