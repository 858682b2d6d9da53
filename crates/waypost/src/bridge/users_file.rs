//! Users as comma-separated values: reading such a file, and saving what it says.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Value, json};
use waypost_admin::request::{Fault, Import, Kind, Refused, Saying, words};
use waypost_directory::{Edit, Key, Object, Scope, Stored, UserRecord, When, Words};
use waypost_proto::mail::Domain;

use super::users_many::{How, Piece, Tally};
use super::{Asked, later};
use crate::object::{self, Fields};

/// Users that are saved together, with one sync.
const TOGETHER: usize = 2000;
/// Users that are read together: others who read wait meanwhile.
const READ_TOGETHER: usize = 500;
/// The columns that there may be.
const COLUMNS: [&str; 9] = [
    "domain",
    "login",
    "name",
    "mail",
    "addresses",
    "relayed",
    "target",
    "quota",
    "suspended",
];

/// Cells by their column.
type Row<'a> = HashMap<&'a str, String>;

impl Asked {
    pub(super) fn import(&self, import: &Import) -> Result<Value, Refused> {
        let Table {
            columns,
            count,
            mut rows,
        } = table(&import.text)?;
        let comma = rows.comma;
        let scope = match &import.scope {
            None => Scope::All,
            Some(words) => Scope::from_words(words).unwrap_or(Scope::Domains(Vec::new())),
        };
        let how = How {
            dry_run: import.dry_run,
            force: import.force,
        };
        let mut tally = Tally::of(count, import.above.clone());
        let mut seen = HashMap::new();
        // Rows of a rehearsal must see each other: it is one.
        let together = if how.dry_run { count } else { TOGETHER };
        loop {
            let chunk: Vec<Line> = rows.by_ref().flatten().take(together).collect();
            if chunk.is_empty() || self.is_over(&mut tally) {
                break;
            }
            let mut pieces = Vec::with_capacity(chunk.len());
            for lines in chunk.chunks(READ_TOGETHER) {
                let cells = lines.iter().map(|(_, cells)| cells);
                let rows = cells.map(|cells| named((&columns, cells), &scope, comma));
                let read = self.pieces(rows.collect(), import.without_targets)?;
                for (read, (line, _)) in read.into_iter().zip(lines) {
                    match read.and_then(|piece| once(piece, *line, &mut seen)) {
                        Ok(piece) => pieces.push(piece),
                        Err(faults) => tally.refuse_all(at(faults, *line)),
                    }
                }
            }
            self.save(pieces, how, &mut tally)?;
        }
        Ok(tally.told(how))
    }

    /// What is to be saved of rows, for each what is wrong with it.
    fn pieces(
        &self,
        rows: Vec<Result<Named<'_>, Vec<Fault>>>,
        without_targets: bool,
    ) -> Result<Vec<Result<Piece, Vec<Fault>>>, Refused> {
        let named = rows.iter().flatten().map(|row| (&row.domain, &*row.login));
        let found = self
            .directory
            .users_named(named)
            .map_err(|error| later(&error))?;
        let mut found = found.into_iter();
        let piece = |row: Result<Named<'_>, _>| {
            let row = row?;
            let found = found.next().unwrap_or(Ok(None));
            let found = found.map_err(|error| of(&row.key(), &later(&error)))?;
            row.piece(found, without_targets)
        };
        Ok(rows.into_iter().map(piece).collect())
    }
}

/// A row, and who is meant.
struct Named<'a> {
    domain: Domain,
    login: String,
    row: Row<'a>,
}

fn named<'a>(
    (columns, cells): (&'a [String], &[String]),
    scope: &Scope,
    comma: char,
) -> Result<Named<'a>, Vec<Fault>> {
    if cells.len() > columns.len() {
        let words = match comma {
            ';' => words::CSV_TOO_MANY_SEMICOLONS,
            _ => words::CSV_TOO_MANY,
        };
        let words = words.having("values", cells.len());
        let words = words.having("columns", columns.len());
        return Err(vec![Fault::new("", "", words)]);
    }
    let names = columns.iter().map(String::as_str);
    let row: Row<'_> = names.zip(cells.iter().cloned()).collect();
    match key_of(&row).map_err(|fault| vec![fault])? {
        Key::User(domain, login) if scope.has(&domain) => Ok(Named { domain, login, row }),
        key => {
            let object = key.to_string();
            let words = words::CSV_DOMAIN_CLOSED;
            Err(vec![Fault::new(&object, "domain", words)])
        }
    }
}

impl Named<'_> {
    fn key(&self) -> Key {
        Key::User(self.domain.clone(), self.login.clone())
    }

    /// What is to be saved; `found` is he as he is.
    fn piece(
        &self,
        found: Option<Stored<UserRecord>>,
        without_targets: bool,
    ) -> Result<Piece, Vec<Fault>> {
        let key = self.key();
        let mut fields = fields_of(&self.row, found.is_none());
        if without_targets {
            let old = found.as_ref().and_then(|user| user.record.target.clone());
            let new = fields.remove("target");
            if new.is_some_and(|new| new != old.unwrap_or_default()) {
                let object = key.to_string();
                let words = words::CSV_TARGET_CLOSED;
                return Err(vec![Fault::new(&object, "target", words)]);
            }
        }
        let (edit, before) = match found {
            None => {
                let made = object::make(&key, &fields)?;
                (Edit::Put(made, When::Absent), None)
            }
            Some(stored) => {
                let before = Object::User(stored.record);
                let changed = object::change(&before, &fields)?;
                let edit = Edit::Put(changed, When::Revision(stored.revision));
                (edit, Some(before))
            }
        };
        Ok(Piece {
            edit,
            before,
            line: None,
        })
    }
}

/// Who is meant: `login` and `domain`, or a login with both.
fn key_of(row: &Row<'_>) -> Result<Key, Fault> {
    let cell = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
    let (login, domain) = (cell("login"), cell("domain"));
    if login.is_empty() {
        return Err(Fault::new("", "login", words::CSV_LOGIN_MISSING));
    }
    let name = match (domain, login.rsplit_once('@')) {
        ("", _) => login.to_owned(),
        (domain, Some((_, same))) if Domain::parse(domain) == Domain::parse(same) => {
            login.to_owned()
        }
        (domain, _) => format!("{login}@{domain}"),
    };
    object::key(Kind::User, &name)
}

/// What the cells say; a cell that is empty takes away what can be taken away.
fn fields_of(row: &Row<'_>, is_new: bool) -> Fields {
    let mut fields = Fields::new();
    for (name, cell) in row {
        let words = || {
            let words = cell.split([' ', ';']).filter(|word| !word.is_empty());
            Value::from_iter(words)
        };
        let value = match *name {
            "name" => json!(cell),
            "mail" if !cell.is_empty() => json!(cell.to_lowercase()),
            "addresses" if !cell.is_empty() => words(),
            "relayed" => match (cell.is_empty(), is_new) {
                (true, true) => continue,
                _ => words(),
            },
            "target" | "quota" if !(is_new && cell.is_empty()) => json!(cell),
            "suspended" if !cell.is_empty() => match cell.to_lowercase().as_str() {
                "yes" | "true" | "1" => json!(true),
                "no" | "false" | "0" => json!(false),
                other => json!(other),
            },
            _ => continue,
        };
        fields.insert((*name).to_owned(), value);
    }
    fields
}

/// A user stands in a file once.
fn once(
    mut piece: Piece,
    line: usize,
    seen: &mut HashMap<Key, usize>,
) -> Result<Piece, Vec<Fault>> {
    let key = piece.edit.key();
    if let Some(first) = seen.get(&key) {
        let words = words::LINES_TWICE.having("line", first);
        return Err(vec![Fault::new(&key.to_string(), "login", words)]);
    }
    seen.insert(key, line);
    piece.line = Some(line);
    Ok(piece)
}

fn of(key: &Key, refused: &Refused) -> Vec<Fault> {
    let later = Words::from(words::TRY_LATER);
    vec![Fault {
        object: key.to_string(),
        line: None,
        field: String::new(),
        message: refused.message.clone(),
        mend: later.mend(),
        said: Box::new(Saying {
            mend_code: Some(later.code()),
            ..(*refused.said).clone()
        }),
    }]
}

fn at(mut faults: Vec<Fault>, line: usize) -> Vec<Fault> {
    for fault in &mut faults {
        fault.line = Some(line);
    }
    faults
}

/// A row and the line on which it begins.
type Line = (usize, Vec<String>);

/// A file that can be read to its end.
#[derive(Debug)]
struct Table<'t> {
    columns: Vec<String>,
    /// How many rows there are.
    count: usize,
    /// They are read as they are needed: a million of them would fill the memory.
    rows: Rows<'t>,
}

/// The columns and the rows of a file.
fn table(text: &str) -> Result<Table<'_>, Refused> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Rows::of(text);
    let quotes = |line| refused(Some(line), words::CSV_QUOTES.having("line", line));
    let mut count = 0;
    for row in rows.clone() {
        row.map_err(quotes)?;
        count += 1;
    }
    let Some(Ok((line, columns))) = rows.next() else {
        return Err(refused(None, words::CSV_EMPTY));
    };
    let columns: Vec<String> = columns
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    for (place, name) in columns.iter().enumerate() {
        if !COLUMNS.contains(&name.as_str()) {
            let words = words::CSV_COLUMN_UNKNOWN.quoting("name", name);
            return Err(refused(Some(line), words));
        }
        if columns.iter().take(place).any(|other| other == name) {
            let words = words::CSV_COLUMN_TWICE.having("name", name);
            return Err(refused(Some(line), words));
        }
    }
    if !columns.iter().any(|name| name == "login") {
        return Err(refused(Some(line), words::CSV_NO_LOGIN));
    }
    Ok(Table {
        columns,
        count: count - 1,
        rows,
    })
}

fn refused(line: Option<usize>, words: impl Into<Words>) -> Refused {
    let fault = Fault::new("file", "", words).on(line);
    Refused {
        message: format!("nothing was done: {}", fault.message),
        problems: vec![fault],
        ..Refused::of(words::NOTHING_DONE)
    }
}

/// Reads comma-separated values (RFC 4180), or such with semicolons, as spreadsheets in many
/// countries write them, row by row. Lines without a value are left out; where a quote is open at
/// the end of the text, the last is the line of that quote instead.
#[derive(Debug, Clone)]
struct Rows<'t> {
    comma: char,
    letters: Peekable<Chars<'t>>,
    line: usize,
    is_over: bool,
}

impl<'t> Rows<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            comma: comma(text),
            letters: text.chars().peekable(),
            line: 1,
            is_over: false,
        }
    }

    fn row(&mut self) -> Result<Line, usize> {
        let mut row: Line = (self.line, Vec::new());
        let (mut cell, mut quoted) = (String::new(), None);
        while let Some(c) = self.letters.next() {
            self.line += usize::from(c == '\n');
            match (c, quoted) {
                ('"', Some(_)) if self.letters.peek() == Some(&'"') => {
                    cell.push('"');
                    self.letters.next();
                }
                ('"', Some(_)) => quoted = None,
                (c, Some(_)) => cell.push(c),
                ('"', None) if cell.is_empty() => quoted = Some(self.line),
                (c, None) if c == self.comma => row.1.push(plain(&mut cell)),
                ('\r', None) if self.letters.peek() == Some(&'\n') => {}
                ('\n', None) => {
                    row.1.push(plain(&mut cell));
                    return Ok(row);
                }
                (c, None) => cell.push(c),
            }
        }
        self.is_over = true;
        row.1.push(plain(&mut cell));
        quoted.map_or(Ok(row), Err)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Line, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.row() {
                Ok((_, cells)) if cells.iter().all(String::is_empty) => {}
                row => return Some(row),
            }
        }
        None
    }
}

/// What stands between the values.
fn comma(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    match first.contains(';') && !first.contains(',') {
        true => ';',
        false => ',',
    }
}

/// The value, without the apostrophe before what a spreadsheet would take for a formula.
fn plain(cell: &mut String) -> String {
    let text = std::mem::take(cell);
    let text = text.trim();
    let rest = text.strip_prefix('\'');
    let is_formula = |rest: &&str| rest.starts_with(['=', '+', '-', '@', '\'']);
    rest.filter(is_formula).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        rows(text).unwrap()
    }

    fn rows(text: &str) -> Result<Vec<Line>, usize> {
        Rows::of(text).collect()
    }

    #[test]
    fn reads_values_with_quotes_and_line_ends_in_them() {
        let text = "login,name\r\njdoe,\"Doe, \"\"J\"\"\"\r\n\r\nann,\"two\nlines\"\nbob,\n";
        let read = cells(text);
        assert_eq!(read[1], (2, vec!["jdoe".into(), "Doe, \"J\"".into()]));
        assert_eq!(read[2], (4, vec!["ann".into(), "two\nlines".into()]));
        assert_eq!(read[3], (6, vec!["bob".into(), String::new()]));
        assert_eq!(rows("login\n\"x"), Err(2));
    }

    #[test]
    fn reads_semicolons_and_formulas_of_spreadsheets() {
        let read = cells("login;name\njdoe;'=1+1\nann;'Tis\n");
        assert_eq!(read[1].1, ["jdoe", "=1+1"]);
        assert_eq!(read[2].1, ["ann", "'Tis"]);
    }

    #[test]
    fn refuses_columns_that_there_are_not() {
        for (text, said) in [
            ("", "empty"),
            ("name\nJane", "login is missing"),
            ("login,colour\njdoe,red", "\"colour\""),
            ("login,login\njdoe,jdoe", "twice"),
        ] {
            let refused = table(text).unwrap_err();
            assert!(refused.message.contains(said), "{}", refused.message);
        }
        let read = table("\u{feff}Login , NAME\njdoe,Jane\n").unwrap();
        assert_eq!(read.columns, ["login", "name"]);
        assert_eq!((read.count, read.rows.count()), (1, 1));
    }

    #[test]
    fn a_login_may_say_its_domain() {
        let row = |pairs: &[(&'static str, &str)]| -> Row<'static> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, cell)| (*name, (*cell).to_owned()))
                .collect()
        };
        let both = [("login", "jdoe@example.com")];
        let apart = [("login", "jdoe"), ("domain", "Example.com")];
        assert_eq!(key_of(&row(&both)), key_of(&row(&apart)));
        assert!(key_of(&row(&[("login", "jdoe")])).is_err());
    }
}
