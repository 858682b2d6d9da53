//! The tables of a site file, asked key by key; what nobody asked for is a mistake.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use waypost_admin::request::{Fault, words};
use waypost_directory::{Wording, Words};

/// Where lines begin, and what is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Those of earlier pieces of the text.
    before: usize,
    starts: Vec<usize>,
    pub(super) faults: Vec<Fault>,
}

/// Mistakes told at most: more help nobody.
const MAX_FAULTS: usize = 1000;

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let mut lines = Self::default();
        lines.go_on(text);
        lines
    }

    /// What follows is about the next piece of the text, which begins on a line of its own.
    pub(super) fn go_on(&mut self, piece: &str) {
        self.before += self.starts.len().saturating_sub(1);
        self.starts.clear();
        let ends = piece.bytes().enumerate();
        let ends = ends.filter(|(_, byte)| *byte == b'\n');
        self.starts.push(0);
        self.starts.extend(ends.map(|(at, _)| at + 1));
    }

    /// The line of an offset in this piece, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.before + self.starts.partition_point(|start| *start <= offset)
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// One object's table.
#[derive(Debug)]
pub(super) struct Entry<'e, 'i> {
    lines: &'e mut Lines,
    table: &'e DeTable<'i>,
    object: String,
    line: usize,
    prefix: &'static str,
    known: Vec<&'static str>,
    complete: bool,
}

impl<'e, 'i> Entry<'e, 'i> {
    /// A table that begins at an offset; `kind` is its name in double brackets.
    pub(super) fn new(
        lines: &'e mut Lines,
        kind: &str,
        table: &'e Spanned<DeValue<'i>>,
    ) -> Option<Self> {
        let line = lines.line(table.span().start);
        let Some(inner) = table.get_ref().as_table() else {
            let words = words::FOUND.having("value", table.get_ref().type_str());
            let words = words.mended(words::WRITE_UNDER).having("kind", kind);
            lines.fault(Fault::new(kind, "", words).on(Some(line)));
            return None;
        };
        Some(Self {
            object: label(kind, inner),
            lines,
            table: inner,
            line,
            prefix: "",
            known: Vec::new(),
            complete: true,
        })
    }

    /// The line on which the object begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The lines of the keys that were asked for and are there.
    pub(super) fn key_lines(&self) -> Box<[(&'static str, u32)]> {
        let keys = self.known.iter().filter_map(|key| {
            let (at, _) = self.table.get_key_value(*key)?;
            Some((*key, line_number(self.lines.line(at.span().start))))
        });
        keys.collect()
    }

    /// Says that the value of a key cannot be, or that the key is missing.
    pub(super) fn fault(&mut self, key: &str, words: impl Into<Words>) {
        let at = self.table.get(key).map(|value| value.span().start);
        let line = at.map_or(self.line, |at| self.lines.line(at));
        self.fault_at(line, key, words.into());
    }

    fn fault_at(&mut self, line: usize, key: &str, words: Words) {
        self.complete = false;
        let field = format!("{}{key}", self.prefix);
        let fault = Fault::new(&self.object, &field, words);
        self.lines.fault(fault.on(Some(line)));
    }

    fn value(&mut self, key: &'static str) -> Option<&'e DeValue<'i>> {
        self.known.push(key);
        self.table.get(key).map(Spanned::get_ref)
    }

    /// A text that means something.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        mend: &'static Wording,
        parse: impl Fn(&str) -> Result<T, Words>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match value.as_str().ok_or_else(|| found(value)).and_then(parse) {
            Ok(parsed) => Some(parsed),
            Err(words) => {
                self.fault(key, words.mended(mend));
                None
            }
        }
    }

    /// As `parsed`; an empty text is the same as none.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        mend: &'static Wording,
        parse: impl Fn(&str) -> Result<T, Words>,
    ) -> Option<T> {
        self.parsed(key, mend, |text| match text {
            "" => Ok(None),
            text => parse(text).map(Some),
        })
        .flatten()
    }

    /// As `parsed`, and must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        mend: &'static Wording,
        parse: impl Fn(&str) -> Result<T, Words>,
    ) -> Option<T> {
        if self.table.get(key).is_none() {
            self.fault(key, words::IS_MISSING.mended(mend));
        }
        self.parsed(key, mend, parse)
    }

    /// A list of texts that mean something.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        mend: &'static Wording,
        parse: impl Fn(&str) -> Result<T, Words>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let Some(items) = value.as_array() else {
            let words = words::FOUND_NO_LIST.having("value", &written(value));
            self.fault(key, words.mended(mend));
            return None;
        };
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let value = item.get_ref();
            match value.as_str().ok_or_else(|| found(value)).and_then(&parse) {
                Ok(parsed) => all.push(parsed),
                Err(words) => {
                    let line = self.lines.line(item.span().start);
                    self.fault_at(line, key, words.mended(mend));
                }
            }
        }
        Some(all)
    }

    /// true or false.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.fault(key, found(value).mended(words::WRITE_FLAG));
            default
        })
    }

    /// A whole number above 0.
    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        key: &'static str,
        mend: &'static Wording,
    ) -> Option<T> {
        let value = self.value(key)?;
        let number = value.as_integer().and_then(|number| {
            let digits = number.as_str().replace('_', "");
            u64::from_str_radix(&digits, number.radix()).ok()
        });
        let number = number
            .filter(|number| *number > 0)
            .and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.fault(key, found(value).mended(mend));
        }
        number
    }

    /// A table within this one, read by `read`.
    pub(super) fn table(&mut self, key: &'static str, read: impl FnOnce(&mut Entry<'_, 'i>)) {
        let Some(value) = self.value(key) else {
            return;
        };
        let Some(table) = value.as_table() else {
            self.fault(key, found(value).mended(words::WRITE_TABLE));
            return;
        };
        let mut inner = Entry {
            lines: &mut *self.lines,
            table,
            object: self.object.clone(),
            line: self.line,
            prefix: "quota.",
            known: Vec::new(),
            complete: true,
        };
        read(&mut inner);
        self.complete &= inner.finish();
    }

    /// Complains about keys that nobody asked for; tells whether everything was right.
    pub(super) fn finish(mut self) -> bool {
        let keys = self
            .table
            .keys()
            .filter(|key| !self.known.contains(&key.get_ref().as_ref()));
        let unknown: Vec<(usize, String)> = keys
            .map(|key| (self.lines.line(key.span().start), key.get_ref().to_string()))
            .collect();
        for (line, key) in unknown {
            let words = words::KEY_UNKNOWN.having("keys", &self.known.join(", "));
            self.fault_at(line, &key, words);
        }
        self.complete
    }
}

/// As it is kept; no text has more lines.
pub(super) fn line_number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// What people call the object, as far as its table says.
fn label(kind: &str, table: &DeTable<'_>) -> String {
    let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    let name = match kind {
        "gateway" => {
            return text("domain").map_or_else(
                || "[[gateway]]".to_owned(),
                |domain| format!("gateway {domain}"),
            );
        }
        "user" => text("login"),
        _ => text("name"),
    };
    match (name, text("domain")) {
        (Some(name), Some(domain)) => format!("{kind} {name}@{domain}"),
        (Some(name), None) => format!("{kind} {name}"),
        (None, _) => format!("[[{kind}]]"),
    }
}

/// What was found, for the mistake; secrets do not come here.
fn found(value: &DeValue<'_>) -> Words {
    words::FOUND.having("value", &written(value))
}

fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.as_ref()),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => other.type_str().to_owned(),
    }
}
