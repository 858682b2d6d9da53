//! The scenes of a message's life, and of a site's, in which calls are struck.

use anyhow::{Context as _, Result};

use crate::lab::Found;
use crate::lab::client::{LARGE, Letter, Told, Way, send};
use crate::lab::world::{SENDER, World};
use crate::site::Site;
use crate::wait;

/// Messages whose room is given back in one go.
const STOCK: usize = 80;
/// Octets of each, still within the store.
const STOCK_SIZE: usize = 240_000;
/// Users that one change of the directory makes or removes.
const EXTRA_USERS: usize = 20;

/// What happens when the blow falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// A message comes in chunks and is delivered here and handed on.
    Bdat,
    /// The directory changes.
    Change,
    /// The store gives room back.
    Compact,
    /// A message comes with DATA and is delivered here and handed on.
    Data,
    /// A message waits for a server that has no time.
    Defer,
    /// A message is refused for ever, and its sender hears of it.
    Dsn,
    /// A message has waited too long, and its sender hears of it.
    Expire,
    /// An administrator removes a message.
    Remove,
    /// The program starts, with mail in its queue.
    Start,
    /// A message is handed on while its sender waits.
    Through,
}

impl Scene {
    /// All of them, what matters most more than once.
    pub(crate) const ALL: [Self; 10] = [
        Self::Bdat,
        Self::Change,
        Self::Compact,
        Self::Data,
        Self::Defer,
        Self::Dsn,
        Self::Expire,
        Self::Remove,
        Self::Start,
        Self::Through,
    ];
}

/// Where they are played.
pub(crate) struct Stage {
    /// The usual world: what waits, waits until it is flushed.
    pub(crate) world: World,
    /// One whose messages expire.
    pub(crate) aging: World,
}

/// What was there before.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    id: String,
    had_extra: bool,
    store: u64,
}

/// What was said, and what is waited for.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The reply to the message.
    pub(crate) told: Option<Told>,
    /// Whether the command succeeded.
    is_done: bool,
    had_extra: bool,
    store: u64,
    reports: usize,
    log_from: u64,
}

impl Stage {
    /// The site of a scene.
    pub(crate) fn site(&self, scene: Scene) -> &Site {
        &self.world_of(scene).site
    }

    /// The world of a scene.
    pub(crate) fn world_of(&self, scene: Scene) -> &World {
        match scene {
            Scene::Expire => &self.aging,
            _ => &self.world,
        }
    }

    /// The site of a scene, to start it again.
    pub(crate) fn site_mut(&mut self, scene: Scene) -> &mut Site {
        match scene {
            Scene::Expire => &mut self.aging.site,
            _ => &mut self.world.site,
        }
    }

    fn letter(&self, scene: Scene, name: &str) -> Told {
        let logins: &[&str] = match scene {
            Scene::Defer | Scene::Expire | Scene::Remove | Scene::Compact => &["busy"],
            // With one more, or the sender would hear of it at once.
            Scene::Dsn => &["local", "never"],
            Scene::Through => &["steady"],
            _ => &["local", "steady"],
        };
        let recipients: Vec<String> = logins
            .iter()
            .map(|login| format!("{login}@example.com"))
            .collect();
        let is_large = name.ends_with(['0', '2', '4', '6', '8']);
        let size = match scene {
            Scene::Compact => STOCK_SIZE,
            _ if is_large => LARGE,
            _ => 1_000,
        };
        let letter = Letter {
            name,
            sender: SENDER,
            recipients: &recipients,
            size,
            way: match scene {
                Scene::Bdat => Way::Bdat,
                _ => Way::Data,
            },
        };
        let world = self.world_of(scene);
        send(world.site.smtp(), &letter, &world.ledger)
    }

    fn queued(&self, scene: Scene, name: &str) -> Result<String> {
        match self.letter(scene, name) {
            Told::Taken(id) => Ok(id),
            told => anyhow::bail!("{name} was not taken: {told:?}"),
        }
    }

    /// What must be there before the scene.
    pub(crate) fn prepare(&self, scene: Scene, name: &str) -> Result<Prepared> {
        let mut prepared = Prepared::default();
        match scene {
            Scene::Remove => prepared.id = self.queued(scene, name)?,
            Scene::Change => prepared.had_extra = self.extra_users()? > 0,
            Scene::Compact => {
                let names: Vec<String> = (0..STOCK).map(|n| format!("{name}-{n}")).collect();
                let ids = names.iter().map(|name| self.queued(scene, name));
                let ids = ids.collect::<Result<Vec<_>>>()?;
                for (id, name) in ids.iter().zip(&names) {
                    self.remove(id, name).context("remove the stock")?;
                }
                prepared.store = self.store();
            }
            _ => {}
        }
        Ok(prepared)
    }

    /// Lets it happen.
    pub(crate) fn play(&self, scene: Scene, name: &str, prepared: &Prepared) -> Played {
        let mut played = Played {
            had_extra: prepared.had_extra,
            store: prepared.store,
            reports: self.world_of(scene).mailbox("sender").len(),
            log_from: self.site(scene).log_length(),
            ..Played::default()
        };
        match scene {
            Scene::Remove => played.is_done = self.remove(&prepared.id, name).is_ok(),
            Scene::Change => played.is_done = self.change(!prepared.had_extra).is_ok(),
            Scene::Compact | Scene::Start => {}
            _ => played.told = Some(self.letter(scene, name)),
        }
        played
    }

    /// Whether all that the scene does is done, as far as can be seen from outside.
    pub(crate) fn is_over(&self, scene: Scene, played: &Played) -> bool {
        let world = self.world_of(scene);
        let id = match &played.told {
            Some(Told::Taken(id)) => id,
            Some(_) => return true,
            None => "",
        };
        match scene {
            Scene::Remove | Scene::Change | Scene::Start => true,
            Scene::Compact => self.store() + 2_000_000 < played.store,
            Scene::Data | Scene::Bdat | Scene::Through => {
                let log = world.site.log_since(played.log_from);
                log.contains(&format!("{id}: removed"))
            }
            Scene::Defer => {
                let log = world.site.log_since(played.log_from);
                let mut lines = log.lines();
                lines.any(|line| line.contains(id) && line.contains("status=deferred"))
            }
            Scene::Dsn | Scene::Expire => world.mailbox("sender").len() > played.reports,
        }
    }

    fn remove(&self, id: &str, name: &str) -> Result<()> {
        let recipients = ["busy@example.com".to_owned()];
        self.world.ledger.removed(name, &recipients, false);
        let said = self.world.site.tell(&["queue", "remove", id])?;
        // Else it is an order, for when an attempt that takes long has ended.
        let is_done = !said.contains("once the attempt");
        self.world.ledger.removed(name, &recipients, is_done);
        Ok(())
    }

    fn store(&self) -> u64 {
        let store = self.world.site.dir().join("data/spool/spool.db");
        std::fs::metadata(store).map_or(0, |facts| facts.len())
    }

    /// Makes or removes a number of users at once.
    fn change(&self, with_extra: bool) -> Result<()> {
        let mut file = self.world.file.clone();
        for number in 0..EXTRA_USERS * usize::from(with_extra) {
            file.push_str(&format!(
                "[[user]]\ndomain = \"example.com\"\nlogin = \"extra{number}\"\n\
                 mail = \"local\"\naddresses = [\"extra{number}@example.com\"]\n"
            ));
        }
        self.world.site.apply(&file)
    }

    fn extra_users(&self) -> Result<usize> {
        let list = self.world.site.tell(&["user", "list", "--json"])?;
        Ok(list.matches("\"login\": \"extra").count())
    }

    /// A change is there as a whole or not at all, and what was confirmed is there.
    pub(crate) fn check_change(&self, played: &Played, found: &mut Found) -> Result<()> {
        let now = wait::until("the directory to be listed", || self.extra_users().ok())?;
        found.count("changes of the directory struck", 1);
        let all = match played.had_extra {
            true => 0,
            false => EXTRA_USERS,
        };
        let none = EXTRA_USERS - all;
        let whole = now == all || (!played.is_done && now == none);
        if !whole {
            let done = played.is_done;
            found.broke(
                20,
                format!("{now} of {EXTRA_USERS} users; confirmed: {done}"),
            );
        }
        Ok(())
    }
}
