//! The configuration file as it was written: every key with its line, and all mistakes at once.
//!
//! Sections ask a [`Reader`] for their keys. What they ask is also the record from which
//! `waypost check --effective`, the manual page and the sample file are made, so that a key has
//! its name, its default and its explanation in one place. What nobody asked for is an error.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use waypost_directory::Secret;

use super::problem::Problem;
use super::secret;
use super::written::Written;

/// A key: its name, what it is for, and whether a reload changes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The name within its section.
    pub(crate) name: &'static str,
    /// What it is for, in whole sentences.
    pub(crate) text: &'static str,
    /// Whether SIGHUP is enough to change it.
    pub(crate) live: bool,
}

/// A key that SIGHUP changes.
pub(crate) const fn live(name: &'static str, text: &'static str) -> Key {
    Key {
        name,
        text,
        live: true,
    }
}

/// A key that only a restart changes.
pub(crate) const fn fixed(name: &'static str, text: &'static str) -> Key {
    Key {
        name,
        text,
        live: false,
    }
}

/// One key that a section asked for, with what holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The section; empty for keys before the first one.
    pub(crate) section: &'static str,
    /// The name within the section.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) text: &'static str,
    /// Whether SIGHUP is enough to change it.
    pub(crate) live: bool,
    /// The value that holds, as TOML; secrets as `***`.
    pub(crate) value: String,
    /// What holds when the file does not say, as TOML.
    pub(crate) default: String,
}

impl Setting {
    /// The name with its section.
    pub(crate) fn path(&self) -> String {
        path(self.section, self.name)
    }
}

fn path(section: &str, name: &str) -> String {
    if section.is_empty() {
        name.to_owned()
    } else {
        format!("{section}.{name}")
    }
}

/// A section with what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The name in brackets; empty for the keys before the first section.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) text: &'static str,
}

/// A configuration file being read.
pub(crate) struct Reader<'i> {
    file: String,
    input: &'i str,
    root: DeTable<'i>,
    problems: Vec<Problem>,
    settings: Vec<Setting>,
    headings: Vec<Heading>,
}

impl<'i> Reader<'i> {
    /// Parses the text; what is no TOML is the first problem, and the rest is still read.
    pub(crate) fn new(file: &str, input: &'i str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(input);
        let mut reader = Self {
            file: file.to_owned(),
            input,
            root: root.into_inner(),
            problems: Vec::new(),
            settings: Vec::new(),
            headings: Vec::new(),
        };
        for error in errors {
            let line = error.span().map(|span| reader.line(span.start));
            reader.problem(line, "", error.message(), "see waypost.toml(5)");
        }
        reader
    }

    /// Begins a section; its keys are asked for with [`Section::get`].
    pub(crate) fn section(&mut self, name: &'static str, text: &'static str) -> Section<'_, 'i> {
        self.headings.push(Heading { name, text });
        Section { name, reader: self }
    }

    /// Ends the reading: complains about everything that no section asked for.
    pub(crate) fn finish(mut self) -> (Vec<Setting>, Vec<Heading>, Vec<Problem>) {
        self.refuse_unknown_keys();
        self.problems.sort_by_key(|problem| problem.line);
        (self.settings, self.headings, self.problems)
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.input.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn problem(&mut self, line: Option<usize>, key: &str, found: &str, mend: &str) {
        self.problems.push(Problem {
            file: self.file.clone(),
            line,
            key: key.to_owned(),
            found: found.to_owned(),
            mend: mend.to_owned(),
        });
    }

    fn find(&self, section: &str, name: &str) -> Option<&Spanned<DeValue<'i>>> {
        if section.is_empty() {
            return self.root.get(name);
        }
        self.root.get(section)?.get_ref().as_table()?.get(name)
    }

    fn refuse_unknown_keys(&mut self) {
        let mut unknown = Vec::new();
        for (key, value) in &self.root {
            let name = key.get_ref().as_ref();
            let section = self.headings.iter().find(|heading| heading.name == name);
            match (section, value.get_ref().as_table()) {
                (Some(heading), Some(table)) => {
                    let keys = table.keys().map(|key| (key.span().start, key.get_ref()));
                    unknown.extend(
                        keys.filter(|(_, key)| !self.knows(heading.name, key))
                            .map(|(at, key)| (at, path(name, key), key.to_string())),
                    );
                }
                (Some(_), None) => unknown.push((key.span().start, name.to_owned(), String::new())),
                (None, _) if self.knows("", name) => {}
                (None, _) => unknown.push((key.span().start, name.to_owned(), name.to_owned())),
            }
        }
        for (at, key, name) in unknown {
            let line = Some(self.line(at));
            let (found, mend) = self.unknown(&key, &name);
            self.problem(line, &key, &found, &mend);
        }
    }

    fn knows(&self, section: &str, name: &str) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.section == section && setting.name == name)
    }

    /// What is said about a key that no section asked for.
    fn unknown(&self, key: &str, name: &str) -> (String, String) {
        if name.is_empty() {
            let mend = format!("write it as a section, [{key}]");
            return ("this is the name of a section".to_owned(), mend);
        }
        if [
            "target", "domain", "user", "mailbox", "group", "peer", "gateway",
        ]
        .contains(&name)
        {
            let mend = "it belongs into a site file: give that to `waypost apply`".to_owned();
            return ("unknown key".to_owned(), mend);
        }
        let known = self.settings.iter().map(Setting::path);
        let headings = self.headings.iter().map(|heading| heading.name.to_owned());
        let nearest = known
            .chain(headings)
            .map(|known| (distance(&known, key), known))
            .min()
            .filter(|(distance, near)| is_near(*distance, name, near));
        let same_name = self.settings.iter().find(|setting| setting.name == name);
        let mend = match (nearest, same_name) {
            (Some((_, near)), _) => format!("did you mean {near}?"),
            (None, Some(setting)) => format!("did you mean {}?", setting.path()),
            (None, None) => "remove it, or see waypost.toml(5) for all keys".to_owned(),
        };
        ("unknown key".to_owned(), mend)
    }
}

/// Whether a key can have been meant: one letter in three may differ, and three at most.
fn is_near(distance: usize, name: &str, known: &str) -> bool {
    let known = known.rsplit('.').next().unwrap_or(known);
    let letters = name.chars().count().min(known.chars().count());
    distance <= 3 && distance * 3 <= letters
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&b) {
            let cost = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = cost.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// One section being read.
pub(crate) struct Section<'r, 'i> {
    name: &'static str,
    reader: &'r mut Reader<'i>,
}

impl Section<'_, '_> {
    /// The value of a key, or its default.
    pub(crate) fn get<T: Written>(&mut self, key: Key, default: T) -> T {
        self.checked(key, default, |_| Ok(()))
    }

    /// The value of a key that has a smallest and a largest one.
    pub(crate) fn within<T>(&mut self, key: Key, default: T, range: RangeInclusive<T>) -> T
    where
        T: Written + PartialOrd,
    {
        self.checked(key, default, |value| {
            if range.contains(value) {
                return Ok(());
            }
            let (least, most) = (range.start().show(), range.end().show());
            Err(format!("write {least} to {most}"))
        })
    }

    /// The value of a key that must also hold to something else; the error is the mend.
    pub(crate) fn checked<T: Written>(
        &mut self,
        key: Key,
        default: T,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> T {
        let shown = default.show();
        let value = match self.raw(key.name, T::WHAT, T::read) {
            Some((line, value)) => match check(&value) {
                Ok(()) => value,
                Err(mend) => {
                    let found = format!("found {}", value.show());
                    let key = path(self.name, key.name);
                    self.reader.problem(Some(line), &key, &found, &mend);
                    default
                }
            },
            None => default,
        };
        self.record(key, value.show(), shown);
        value
    }

    /// A text with a meaning of its own, such as a network; `what` says what is expected.
    pub(crate) fn parsed<T>(
        &mut self,
        key: Key,
        default: &str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.checked(key, default.to_owned(), |text| match parse(text) {
            Some(_) => Ok(()),
            None => Err(format!("write {what}")),
        });
        parse(&text)
    }

    /// A list of texts with a meaning of their own.
    pub(crate) fn parsed_list<T>(
        &mut self,
        key: Key,
        default: &[&str],
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let default: Vec<String> = default.iter().map(|text| (*text).to_owned()).collect();
        let texts = self.checked(key, default, |texts| {
            match texts.iter().find(|text| parse(text).is_none()) {
                None => Ok(()),
                Some(text) => Err(format!("write {what} instead of {text:?}")),
            }
        });
        texts.iter().filter_map(|text| parse(text)).collect()
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(&mut self, key: Key, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let default = words.first().map_or("", |(word, _)| word);
        self.parsed(key, default, &names.join(" or "), |text| {
            let word = words.iter().find(|(word, _)| *word == text);
            word.map(|(_, value)| *value)
        })
    }

    /// A list of secrets, each itself or `file:PATH` or `env:NAME`; never shown.
    pub(crate) fn secrets(&mut self, key: Key) -> Vec<Secret> {
        let read = self.raw(key.name, "a list of texts in quotes", Vec::<String>::read);
        let mut secrets = Vec::new();
        if let Some((line, texts)) = read {
            for text in texts {
                match secret::read(&text) {
                    Ok(secret) => secrets.push(secret),
                    Err(found) => {
                        let key = path(self.name, key.name);
                        self.reader.problem(Some(line), &key, &found, secret::MEND);
                    }
                }
            }
        }
        let shown = vec!["\"***\""; secrets.len()];
        self.record(key, format!("[{}]", shown.join(", ")), "[]".to_owned());
        secrets
    }

    /// Says that a key holds something that cannot be.
    pub(crate) fn refuse(&mut self, name: &str, found: &str, mend: &str) {
        let line = self.reader.find(self.name, name);
        let line = line.map(|value| self.reader.line(value.span().start));
        let key = path(self.name, name);
        self.reader.problem(line, &key, found, mend);
    }

    fn raw<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<(usize, T)> {
        let value = self.reader.find(self.name, name)?;
        let line = self.reader.line(value.span().start);
        match read(value.get_ref()) {
            Ok(value) => Some((line, value)),
            Err(found) => {
                let key = path(self.name, name);
                let mend = format!("write {what}");
                self.reader.problem(Some(line), &key, &found, &mend);
                None
            }
        }
    }

    fn record(&mut self, key: Key, value: String, default: String) {
        self.reader.settings.push(Setting {
            section: self.name,
            name: key.name,
            text: key.text,
            live: key.live,
            value,
            default,
        });
    }
}
