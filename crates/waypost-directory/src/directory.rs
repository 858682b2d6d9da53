//! The directory's front door.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::{TargetId, UserId};

use crate::batch::{Batch, Touched, problems};
use crate::edit::{Actor, AuditEntry, AuditQuery, Changed, Deed, Edit, Here, MingerHere, Progress};
use crate::error::{EditError, LoginError, OpenError, Problem, Rejected, Unavailable};
use crate::find::Keeper;
use crate::lookup::{Found, Snapshot, load};
use crate::migrate::migrate;
use crate::model::{
    DomainRecord, GatewayRecord, GroupRecord, Key, Kind, Object, PeerRecord, SharedRecord, Stored,
    TargetRecord, UserRecord,
};
use crate::password::Checker;
use crate::rules::self_reference;
use crate::sqlite::user::LoginRow;
use crate::sqlite::{self, Identity};

/// How long a statement waits for another process that has the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements kept prepared per connection.
const STATEMENTS: usize = 128;

/// What SQLite keeps of the file per connection; negative means KiB.
const CACHE_KIB: i32 = -8192;

/// Who and where, in one SQLite file.
///
/// Cheap to share behind an `Arc`: readers of [`Directory::snapshot`] take no lock, writers take
/// turns. Everything else blocks for the length of a query.
#[derive(Debug)]
pub struct Directory {
    pub(crate) writer: Mutex<Connection>,
    pub(crate) reader: Mutex<Connection>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) checker: Checker,
    pub(crate) keeper: Keeper,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone)]
pub struct Page {
    /// Objects of this domain only, by its main name.
    pub domain: Option<Domain>,
    /// The number of the last object of the page before; 0: from the start.
    pub after: u32,
    /// Most objects.
    pub limit: usize,
}

/// A user who has proved who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// His number.
    pub user: UserId,
}

/// A user if there is one, unless he cannot be understood.
pub type NamedUser = Result<Option<Stored<UserRecord>>, Unavailable>;

impl Directory {
    /// Opens the directory, makes the file when there is none, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError::Newer`] when a later release has written it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut writer = connect(path)?;
        // SQLite would otherwise plan many a statement of an edit anew for each row's values.
        writer.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        migrate(&mut writer)?;
        let mut reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        let snapshot = load::all(&writer, &mut reader)?;
        Ok(Self {
            keeper: Keeper::new(path),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            snapshot: ArcSwap::from_pointee(snapshot),
            checker: Checker::default(),
        })
    }

    /// The directory as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes all the edits, or none of them.
    ///
    /// When it returns, the edits are on disk and in the snapshot.
    ///
    /// # Errors
    ///
    /// [`EditError::Rejected`] with every problem, when a rule would be broken.
    pub fn edit(
        &self,
        actor: &Actor<'_>,
        here: &dyn Here,
        edits: &[Edit],
    ) -> Result<Changed, EditError> {
        self.edit_with_progress(actor, here, edits, &mut |_, _| ControlFlow::Continue(()))
    }

    /// The same, telling from time to time how many of how many steps are done.
    ///
    /// # Errors
    ///
    /// As [`Directory::edit`], and [`EditError::Cancelled`].
    pub fn edit_with_progress(
        &self,
        actor: &Actor<'_>,
        here: &dyn Here,
        edits: &[Edit],
        progress: &mut Progress<'_>,
    ) -> Result<Changed, EditError> {
        let found = self_reference::find(here, edits, &self.snapshot.load());
        let minger = here.minger();
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (changed, touched) = attempt(&transaction, (actor, &minger, found), edits, progress)?;
        if touched.is_empty() {
            return Ok(changed);
        }
        let snapshot = load::next(&transaction, &self.snapshot.load(), &touched)?;
        transaction.commit()?;
        self.snapshot.store(Arc::new(snapshot));
        Ok(changed)
    }

    /// Says what the edits would change, or which rules they would break, and saves nothing.
    ///
    /// # Errors
    ///
    /// As [`Directory::edit`].
    pub fn rehearse(
        &self,
        actor: &Actor<'_>,
        here: &dyn Here,
        edits: &[Edit],
        progress: &mut Progress<'_>,
    ) -> Result<Changed, EditError> {
        let found = self_reference::find(here, edits, &self.snapshot.load());
        let minger = here.minger();
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (changed, _) = attempt(&transaction, (actor, &minger, found), edits, progress)?;
        transaction.rollback()?;
        Ok(changed)
    }

    /// Checks the password of a user, by login and domain or by any of his addresses.
    ///
    /// Blocks for as long as a hash takes, and longer when several are waiting.
    ///
    /// # Errors
    ///
    /// [`LoginError::Refused`] for all who may not log in, in the same time.
    pub fn check_password(&self, login: &str, password: &str) -> Result<Login, LoginError> {
        let row = self.login_row(login).map_err(Unavailable)?;
        let hash = row.as_ref().and_then(|row| row.password.as_ref());
        let right = self.checker.check(password, hash);
        match row {
            Some(row) if right && row.may_log_in => Ok(Login {
                user: UserId(row.id),
            }),
            _ => Err(LoginError::Refused),
        }
    }

    /// Checks the password with which a target logs in here.
    ///
    /// # Errors
    ///
    /// As [`Directory::check_password`].
    pub fn check_target(&self, login: &str, password: &str) -> Result<TargetId, LoginError> {
        let snapshot = self.snapshot.load();
        let mut targets = snapshot.targets();
        let found = targets.find(|target| !login.is_empty() && target.client_login == login);
        let hash = found.and_then(|target| target.client_password.as_ref());
        let right = self.checker.check(password, hash);
        match found {
            Some(target) if right => Ok(target.id),
            _ => Err(LoginError::Refused),
        }
    }

    fn login_row(&self, login: &str) -> rusqlite::Result<Option<LoginRow>> {
        let Ok(mailbox) = Mailbox::parse(login) else {
            return Ok(None);
        };
        let snapshot = self.snapshot.load();
        let Some(name) = snapshot.domain(&mailbox.domain) else {
            return Ok(None);
        };
        let reader = lock(&self.reader);
        let local = mailbox.local.folded();
        let by_login = sqlite::user::login(&reader, name.domain.id.0, &local)?;
        match (by_login, snapshot.lookup(&name, &local)) {
            (Some(row), _) => Ok(Some(row)),
            (None, Some(Found::User(user))) => sqlite::user::login_by_id(&reader, user.id.0),
            _ => Ok(None),
        }
    }

    /// The object with a key, of whatever kind.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn object(&self, key: &Key) -> Result<Option<Stored<Object>>, Unavailable> {
        let reader = lock(&self.reader);
        match sqlite::any::locate(&reader, key)? {
            (Some(found), _) => Ok(sqlite::any::read(&reader, key.kind(), found)?),
            (None, _) => Ok(None),
        }
    }

    /// The same; none too where it is there and cannot be understood.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn readable(&self, key: &Key) -> Result<Option<Stored<Object>>, Unavailable> {
        let reader = lock(&self.reader);
        let (Some(found), _) = sqlite::any::locate(&reader, key)? else {
            return Ok(None);
        };
        match sqlite::any::read(&reader, key.kind(), found) {
            Err(error) if sqlite::is_damage(&error) => Ok(None),
            read => Ok(read?),
        }
    }

    /// The domain with a main name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn domain(&self, name: &Domain) -> Result<Option<Stored<DomainRecord>>, Unavailable> {
        let found = self.one(
            |reader| sqlite::domain::find(reader, name),
            sqlite::domain::read,
        )?;
        Ok(found.map(|(stored, _)| stored))
    }

    /// The gateway domain with a name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn gateway(&self, name: &Domain) -> Result<Option<Stored<GatewayRecord>>, Unavailable> {
        let found = self.one(
            |reader| sqlite::gateway::find(reader, name),
            sqlite::gateway::read,
        )?;
        Ok(found.map(|(stored, _)| stored))
    }

    /// The group with a name in a domain.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn group(
        &self,
        domain: &Domain,
        name: &str,
    ) -> Result<Option<Stored<GroupRecord>>, Unavailable> {
        self.one(
            |reader| in_domain(reader, domain, name, sqlite::group::find),
            sqlite::group::read,
        )
    }

    /// The shared mailbox with a name in a domain.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn mailbox(
        &self,
        domain: &Domain,
        name: &str,
    ) -> Result<Option<Stored<SharedRecord>>, Unavailable> {
        self.one(
            |reader| in_domain(reader, domain, name, sqlite::mailbox::find),
            sqlite::mailbox::read,
        )
    }

    /// The peer with a name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn peer(&self, name: &str) -> Result<Option<Stored<PeerRecord>>, Unavailable> {
        self.one(
            |reader| sqlite::peer::find(reader, name),
            sqlite::peer::read,
        )
    }

    /// The target with a name, which is no peer.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn target(&self, name: &str) -> Result<Option<Stored<TargetRecord>>, Unavailable> {
        let found = self.one(
            |reader| sqlite::target::find_plain(reader, name),
            sqlite::target::read,
        )?;
        Ok(found.and_then(|(stored, implicit)| (!implicit).then_some(stored)))
    }

    /// The user with a login in a domain.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn user(
        &self,
        domain: &Domain,
        login: &str,
    ) -> Result<Option<Stored<UserRecord>>, Unavailable> {
        self.one(
            |reader| in_domain(reader, domain, login, sqlite::user::find),
            sqlite::user::read,
        )
    }

    /// The users with these logins in these domains, in this order, as they are at one moment;
    /// each by himself where he cannot be understood.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn users_named<'n>(
        &self,
        names: impl IntoIterator<Item = (&'n Domain, &'n str)>,
    ) -> Result<Vec<NamedUser>, Unavailable> {
        let mut reader = lock(&self.reader);
        let moment = reader.transaction()?;
        let read = |(domain, login)| match in_domain(&moment, domain, login, sqlite::user::find)? {
            Some(found) => Ok(sqlite::user::read(&moment, found.id)?),
            None => Ok(None),
        };
        Ok(names.into_iter().map(read).collect())
    }

    fn one<T>(
        &self,
        find: impl FnOnce(&Connection) -> rusqlite::Result<Option<Identity>>,
        read: impl FnOnce(&Connection, u32) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, Unavailable> {
        let reader = lock(&self.reader);
        match find(&reader)? {
            Some(found) => Ok(read(&reader, found.id)?),
            None => Ok(None),
        }
    }

    /// Domains, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn domains(&self, page: &Page) -> Result<Vec<Stored<DomainRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        let list = sqlite::domain::list(&reader, page.after, page.limit)?;
        Ok(list.into_iter().map(|(stored, _)| stored).collect())
    }

    /// Gateway domains, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn gateways(&self, page: &Page) -> Result<Vec<Stored<GatewayRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        let list = sqlite::gateway::list(&reader, page.after, page.limit)?;
        Ok(list.into_iter().map(|(stored, _)| stored).collect())
    }

    /// Groups, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn groups(&self, page: &Page) -> Result<Vec<Stored<GroupRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        listed(&reader, page, |id| {
            sqlite::group::list(&reader, id, page.after, page.limit)
        })
    }

    /// Shared mailboxes, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn mailboxes(&self, page: &Page) -> Result<Vec<Stored<SharedRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        listed(&reader, page, |id| {
            sqlite::mailbox::list(&reader, id, page.after, page.limit)
        })
    }

    /// Peers, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn peers(&self, page: &Page) -> Result<Vec<Stored<PeerRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        Ok(sqlite::peer::list(&reader, page.after, page.limit)?)
    }

    /// Targets, in the order of their numbers, without peers and those made for a
    /// `relay = "host"`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn targets(&self, page: &Page) -> Result<Vec<Stored<TargetRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        Ok(sqlite::target::list_of(
            &reader,
            Kind::Target,
            page.after,
            page.limit,
        )?)
    }

    /// Users, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn users(&self, page: &Page) -> Result<Vec<Stored<UserRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        listed(&reader, page, |id| {
            sqlite::user::list(&reader, id, page.after, page.limit)
        })
    }

    /// Records in the audit what was done to something that is not kept here.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn record(&self, actor: &Actor<'_>, deed: &Deed<'_>) -> Result<(), Unavailable> {
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        sqlite::audit::record_deed(&transaction, actor, deed)?;
        transaction.commit()?;
        Ok(())
    }

    /// Lines of the audit, the latest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Unavailable> {
        Ok(sqlite::audit::list(&lock(&self.reader), query)?)
    }

    /// Copies the directory to a new file, as it is at one moment, while it is in use.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]; what is in the new file is then no backup.
    pub fn backup(&self, path: &Path) -> Result<(), Unavailable> {
        let reader = lock(&self.reader);
        reader.backup(rusqlite::MAIN_DB, path, rusqlite::backup::NO_PROGRESS)?;
        Ok(())
    }
}

/// Writes and checks the edits; `found` are the problems known before.
fn attempt(
    transaction: &Connection,
    (actor, minger, mut found): (&Actor<'_>, &MingerHere, Vec<Problem>),
    edits: &[Edit],
    progress: &mut Progress<'_>,
) -> Result<(Changed, Vec<Touched>), EditError> {
    let mut batch = Batch::new(transaction, actor, minger);
    if batch.run(edits, progress)?.is_break() {
        return Err(EditError::Cancelled);
    }
    match problems(batch) {
        Ok(done) if found.is_empty() => Ok(done),
        Ok(_) => Err(Rejected { problems: found }.into()),
        Err(problems) => {
            found.extend(problems);
            Err(Rejected { problems: found }.into())
        }
    }
}

pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// A thread that panicked while it had a connection has left no transaction open behind it.
pub(crate) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The object with a name in a domain.
fn in_domain(
    reader: &Connection,
    domain: &Domain,
    name: &str,
    find: fn(&Connection, u32, &str) -> rusqlite::Result<Option<Identity>>,
) -> rusqlite::Result<Option<Identity>> {
    match sqlite::domain::find(reader, domain)? {
        Some(domain) => find(reader, domain.id, name),
        None => Ok(None),
    }
}

fn listed<T>(
    reader: &Connection,
    page: &Page,
    list: impl FnOnce(Option<u32>) -> rusqlite::Result<Vec<T>>,
) -> Result<Vec<T>, Unavailable> {
    let domain = match &page.domain {
        None => None,
        Some(name) => match sqlite::domain::find(reader, name)? {
            Some(found) => Some(found.id),
            None => return Ok(Vec::new()),
        },
    };
    Ok(list(domain)?)
}
