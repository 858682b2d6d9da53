//! Which message is due when: two words per message, so that a million fit into memory.

use std::collections::{BTreeSet, HashMap};

use waypost_spool::QueueId;

/// Milliseconds on the queue's own monotonic clock, which begins with the queue.
pub(super) type Tick = u64;

/// A message whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) id: QueueId,
    /// Whether an administrator asked for it: recipients whose time has not come are tried too.
    pub(super) flushed: bool,
}

/// The waiting messages by time and by id.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    by_time: BTreeSet<(Tick, QueueId)>,
    by_id: HashMap<QueueId, (Tick, bool)>,
}

impl Timetable {
    /// Many at once, in any order.
    pub(super) fn fill(entries: impl IntoIterator<Item = (Tick, QueueId)>) -> Self {
        let by_time: BTreeSet<_> = entries.into_iter().collect();
        let by_id = by_time.iter().map(|(at, id)| (*id, (*at, false))).collect();
        Self { by_time, by_id }
    }

    /// Sets the time of a message, whatever it was.
    pub(super) fn insert(&mut self, id: QueueId, at: Tick) {
        if let Some((old, _)) = self.by_id.insert(id, (at, false)) {
            self.by_time.remove(&(old, id));
        }
        self.by_time.insert((at, id));
    }

    /// Brings a waiting message forward; whether it was waiting.
    pub(super) fn hasten(&mut self, id: QueueId, at: Tick, flushed: bool) -> bool {
        let Some(entry) = self.by_id.get_mut(&id) else {
            return false;
        };
        entry.1 |= flushed;
        if at < entry.0 {
            self.by_time.remove(&(entry.0, id));
            self.by_time.insert((at, id));
            entry.0 = at;
        }
        true
    }

    pub(super) fn remove(&mut self, id: QueueId) -> bool {
        let entry = self.by_id.remove(&id);
        entry.is_some_and(|(at, _)| self.by_time.remove(&(at, id)))
    }

    pub(super) fn contains(&self, id: QueueId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// When the first is due.
    pub(super) fn first(&self) -> Option<Tick> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the first, if its time has come.
    pub(super) fn pop(&mut self, now: Tick) -> Option<Due> {
        let (at, id) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        let flushed = self.by_id.remove(&id).is_some_and(|(_, flushed)| flushed);
        Some(Due { id, flushed })
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> QueueId {
        QueueId::from_number(n).unwrap()
    }

    fn due(n: u64, flushed: bool) -> Option<Due> {
        Some(Due { id: id(n), flushed })
    }

    #[test]
    fn gives_messages_in_the_order_of_their_times() {
        let mut table = Timetable::fill([(30, id(1)), (10, id(2))]);
        table.insert(id(3), 20);
        assert_eq!((table.first(), table.len()), (Some(10), 3));
        assert_eq!(table.pop(9), None);
        assert_eq!(table.pop(25), due(2, false));
        assert_eq!(table.pop(25), due(3, false));
        assert_eq!(table.pop(25), None);
        assert_eq!(table.pop(30), due(1, false));
        assert_eq!((table.first(), table.len()), (None, 0));
    }

    #[test]
    fn a_message_has_one_time() {
        let mut table = Timetable::default();
        table.insert(id(1), 10);
        table.insert(id(1), 20);
        assert_eq!((table.pop(10), table.len()), (None, 1));
        assert!(table.hasten(id(1), 5, true));
        assert!(table.hasten(id(1), 15, false));
        assert!(!table.hasten(id(2), 5, true));
        assert_eq!(table.pop(5), due(1, true));
        assert_eq!(table.pop(99), None);
    }

    #[test]
    fn flushing_brings_all_forward_and_removing_forgets() {
        let mut table = Timetable::fill((1..=4).map(|n| (n * 100, id(n))));
        assert!(table.remove(id(2)) && !table.remove(id(2)));
        for n in 1..=4 {
            table.hasten(id(n), 7, true);
        }
        let order: Vec<_> = std::iter::from_fn(|| table.pop(7)).collect();
        assert_eq!(order.len(), 3);
        assert!(order.iter().all(|due| due.flushed));
        assert!(order.is_sorted_by_key(|due| due.id));
    }
}
