//! What was acknowledged survives a power failure at any moment.
//!
//! A child works with `disk_log.c` preloaded, which notes its writes and syncs in order. For many
//! moments a disk is built from the notes: what was synced is there; of what was written since,
//! each page is as it was at some time since its sync, and names as at some time since the sync of
//! their directory.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use waypost_spool::{Settings, Spool};

use crate::crash::{Ledger, run_and_kill};

const PAGE: u64 = 4096;
const CUTS: u64 = 16;
const FAULTS: u64 = 8;
/// After so many calls others fail, as long as nobody was refused anything.
const FAIL_AGAIN: u32 = 50;
/// Lines that the child says after it has refused something, besides further refusals.
const AFTER_REFUSAL: usize = 200;
/// Lines that the child says before it is killed; the first life is long enough for a checkpoint.
const LIVES: [usize; 3] = [2000, 60, 300];

/// One call of the child.
struct Note {
    kind: u8,
    path: PathBuf,
    offset: u64,
    data: Vec<u8>,
}

fn read_notes(log: &Path) -> Vec<Note> {
    let bytes = fs::read(log).unwrap();
    let mut rest = &bytes[..];
    let mut notes = Vec::new();
    // The kill may have cut the last note.
    while let Some((head, tail)) = rest.split_at_checked(15) {
        let path_len = u16::from_le_bytes(head[1..3].try_into().unwrap());
        let offset = u64::from_le_bytes(head[3..11].try_into().unwrap());
        let data_len = u32::from_le_bytes(head[11..].try_into().unwrap());
        let Some((path, tail)) = tail.split_at_checked(path_len.into()) else {
            break;
        };
        let Some((data, tail)) = tail.split_at_checked(data_len as usize) else {
            break;
        };
        notes.push(Note {
            kind: head[0],
            path: PathBuf::from(String::from_utf8(path.to_vec()).unwrap()),
            offset,
            data: data.to_vec(),
        });
        rest = tail;
    }
    notes
}

/// What the files held when nothing of this was lost.
fn image_after(notes: &[Note]) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut image: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for note in notes.iter().filter(|note| b"CWTU".contains(&note.kind)) {
        let offset = usize::try_from(note.offset).unwrap();
        match note.kind {
            b'U' => drop(image.remove(&note.path)),
            b'C' => drop(image.insert(note.path.clone(), Vec::new())),
            b'T' => image
                .entry(note.path.clone())
                .or_default()
                .resize(offset, 0),
            _ => put(
                image.entry(note.path.clone()).or_default(),
                offset,
                &note.data,
            ),
        }
    }
    image
}

fn files_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut files_below(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// What the kill kept from being noted: the next life goes on from these files.
fn notes_that_were_cut(notes: &[Note], root: &Path) -> Vec<Note> {
    let image = image_after(notes);
    let files = files_below(root);
    let note = |kind, path: &PathBuf, offset: usize, data: &[u8]| Note {
        kind,
        path: path.clone(),
        offset: offset as u64,
        data: data.to_vec(),
    };
    let gone = image.keys().filter(|path| !files.contains_key(*path));
    let mut cut: Vec<Note> = gone.map(|path| note(b'U', path, 0, b"")).collect();
    let page = usize::try_from(PAGE).unwrap();
    for (path, content) in &files {
        let known = image.get(path);
        if known.is_none() {
            cut.push(note(b'C', path, 0, b""));
        }
        let mut known = known.cloned().unwrap_or_default();
        if known.len() != content.len() {
            known.resize(content.len(), 0);
            cut.push(note(b'T', path, content.len(), b""));
        }
        for (at, (now, then)) in content.chunks(page).zip(known.chunks(page)).enumerate() {
            if now != then {
                cut.push(note(b'W', path, at * page, now));
            }
        }
    }
    cut
}

/// Numbers that are the same in every run (splitmix64).
struct Chance(u64);

impl Chance {
    /// One of `from..=to`.
    fn between(&mut self, from: usize, to: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = usize::try_from((z ^ (z >> 31)) >> 1).unwrap();
        from + z % (to - from + 1)
    }
}

/// So many seeds: from the one in `WAYPOST_SEED` on, else the same in every run.
fn seeds(count: u64) -> Range<u64> {
    let given = std::env::var("WAYPOST_SEED").ok();
    let first = given.and_then(|text| text.parse().ok()).unwrap_or(0);
    first..first + count
}

/// What syncs said about a path.
#[derive(Default)]
struct Syncs {
    begun: usize,
    /// Up to which note everything is durable, besides what is in doubt.
    until: usize,
    /// What a failed sync covered: no later one says anything about it.
    doubtful: Vec<Range<usize>>,
}

impl Syncs {
    fn of(notes: &[Note]) -> HashMap<&Path, Self> {
        let mut syncs: HashMap<&Path, Self> = HashMap::new();
        for (at, note) in notes
            .iter()
            .enumerate()
            .filter(|(_, n)| b"BSF".contains(&n.kind))
        {
            let of_path = syncs.entry(&note.path).or_default();
            match note.kind {
                b'B' => of_path.begun = at,
                b'S' => of_path.until = of_path.begun,
                _ => of_path.doubtful.push(of_path.until..at),
            }
        }
        syncs
    }

    fn doubt(&self, at: usize) -> bool {
        self.doubtful.iter().any(|range| range.contains(&at))
    }
}

/// The files that the disk may hold when the power fails after these notes.
fn disk_after(notes: &[Note], chance: &mut Chance) -> BTreeMap<PathBuf, Vec<u8>> {
    let syncs = Syncs::of(notes);
    let never = Syncs::default();
    let synced = |path: &Path| syncs.get(path).unwrap_or(&never);
    let mut of_file: BTreeMap<&Path, Vec<(usize, &Note)>> = BTreeMap::new();
    for (at, note) in notes.iter().enumerate() {
        if b"CWTU".contains(&note.kind) && !note.path.to_string_lossy().ends_with("-shm") {
            of_file.entry(&note.path).or_default().push((at, note));
        }
    }
    let mut disk = BTreeMap::new();
    for (path, notes_of) in of_file {
        let named_until = chance.between(synced(path.parent().unwrap()).until, notes.len());
        let name = notes_of
            .iter()
            .rfind(|(at, note)| b"CU".contains(&note.kind) && *at < named_until);
        if name.is_some_and(|(_, note)| note.kind == b'C') {
            let content = content_after(&notes_of, synced(path), notes.len(), chance);
            disk.insert(path.to_owned(), content);
        }
    }
    disk
}

fn content_after(
    notes: &[(usize, &Note)],
    synced: &Syncs,
    end: usize,
    chance: &mut Chance,
) -> Vec<u8> {
    let mut content: Vec<u8> = Vec::new();
    let cut_until = chance.between(synced.until, end);
    let mut pages: HashMap<u64, usize> = HashMap::new();
    for (at, note) in notes {
        match note.kind {
            b'C' => content.clear(),
            b'T' if *at < cut_until => content.resize(usize::try_from(note.offset).unwrap(), 0),
            b'W' => {
                for (offset, piece) in pieces(note) {
                    let page = pages.entry(offset / PAGE);
                    let until = *page.or_insert_with(|| chance.between(synced.until, end));
                    let lost = synced.doubt(*at) && chance.between(0, 1) == 0;
                    if *at < until && !lost {
                        put(&mut content, usize::try_from(offset).unwrap(), piece);
                    }
                }
            }
            _ => {}
        }
    }
    content
}

/// What a write puts into each page.
fn pieces(note: &Note) -> impl Iterator<Item = (u64, &[u8])> {
    let mut offset = note.offset;
    let mut rest = &note.data[..];
    std::iter::from_fn(move || {
        let room = usize::try_from(PAGE - offset % PAGE).unwrap();
        let (piece, tail) = rest.split_at(room.min(rest.len()));
        let at = offset;
        offset += piece.len() as u64;
        rest = tail;
        (!piece.is_empty()).then_some((at, piece))
    })
}

fn put(content: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let end = at + piece.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(piece);
}

/// What the child had said by then.
fn ledger(notes: &[Note]) -> Ledger {
    let mut ledger = Ledger::default();
    for note in notes.iter().filter(|note| note.kind == b'A') {
        let said = String::from_utf8_lossy(&note.data);
        said.lines().for_each(|line| ledger.note(line));
    }
    ledger
}

fn build_shim(dir: &Path) -> PathBuf {
    let shim = dir.join("disk_log.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk_log.c");
    let built = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&shim)
        .arg(source)
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success());
    shim
}

/// A child's spool, and the notes of what it did.
struct Watched {
    dir: tempfile::TempDir,
    root: PathBuf,
    shim: PathBuf,
    notes: Vec<Note>,
    lives: usize,
}

impl Watched {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            root: dir.path().join("spool"),
            shim: build_shim(dir.path()),
            dir,
            notes: Vec::new(),
            lives: 0,
        }
    }

    /// One life of the child, with a log of its own: the kill may have cut the last note.
    fn run(&mut self, lines: usize, fail: &str, counts: impl FnMut(&str) -> bool) {
        self.lives += 1;
        let log = self.dir.path().join(format!("log-{}", self.lives));
        let environment: [(&str, &OsStr); 4] = [
            ("LD_PRELOAD", self.shim.as_os_str()),
            ("WAYPOST_DISK_ROOT", self.root.as_os_str()),
            ("WAYPOST_DISK_LOG", log.as_os_str()),
            ("WAYPOST_DISK_FAIL", fail.as_ref()),
        ];
        run_and_kill(&self.root, &environment, lines, counts);
        self.notes.append(&mut read_notes(&log));
        let mut cut = notes_that_were_cut(&self.notes, &self.root);
        self.notes.append(&mut cut);
    }

    /// Builds a disk after these notes and checks it against what the child had said by then.
    fn cut(&self, notes: &[Note], chance: &mut Chance) {
        let after = tempfile::tempdir_in(self.dir.path()).unwrap();
        for part in ["content", "quarantine"] {
            fs::create_dir(after.path().join(part)).unwrap();
        }
        for (path, content) in disk_after(notes, chance) {
            let place = after.path().join(path.strip_prefix(&self.root).unwrap());
            fs::write(place, content).unwrap();
        }
        let cut = notes.len();
        let (spool, recovered) = Spool::open(after.path(), Settings::default())
            .unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let ledger = ledger(notes);
        ledger.check(&spool);
        // What is leaving may have lost its file before its row.
        let kept = |id| ledger.kept.contains_key(id);
        assert!(!recovered.damaged.iter().any(kept), "cut at {cut}");
    }
}

#[test]
fn every_acknowledged_message_survives_a_power_failure_at_any_moment() {
    let mut watched = Watched::new();
    for lines in LIVES {
        watched.run(lines, "0 0 0 0", |_| true);
    }
    let notes = &watched.notes;
    let checkpointed = |note: &&Note| note.kind == b'W' && note.path.ends_with("spool.db");
    assert!(
        notes.iter().filter(checkpointed).count() > 2000,
        "no checkpoint was cut"
    );
    for seed in seeds(CUTS) {
        let mut chance = Chance(seed);
        let cut = chance.between(notes.len() / 100, notes.len());
        watched.cut(&notes[..cut], &mut chance);
    }
}

#[test]
fn what_fails_is_refused_and_what_was_acknowledged_survives_that_too() {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    for seed in seeds(FAULTS) {
        let mut chance = Chance(seed);
        // Syncs are few, and what matters most: half of the failures are theirs alone.
        let (first, which) = match seed % 2 {
            0 => (chance.between(200, 2500), 0),
            _ => (chance.between(20, 150), 1),
        };
        let count = [1, 2, 9][chance.between(0, 2)];
        let errno = [EIO, ENOSPC][chance.between(0, 1)];
        let mut watched = Watched::new();
        let fail = format!("{first} {count} {errno} {which} {FAIL_AGAIN}");
        let mut has_refused = false;
        watched.run(AFTER_REFUSAL, &fail, |line| {
            let refuses = line.starts_with("refused");
            has_refused |= refuses;
            has_refused && !refuses
        });
        let notes = &watched.notes;
        let whole = ledger(notes);
        let (spool, _) = Spool::open(&watched.root, Settings::default()).unwrap();
        whole.check(&spool);
        assert!(
            whole.check_refusals(&spool) > 0,
            "seed {seed}: nothing failed"
        );
        for _ in 0..3 {
            let cut = chance.between(notes.len() / 4, notes.len());
            watched.cut(&notes[..cut], &mut chance);
        }
        watched.cut(notes, &mut chance);
    }
}
