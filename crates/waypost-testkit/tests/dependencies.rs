//! What may be depended on, by deny.toml: the part of cargo-deny that needs no program but cargo.
//!
//! cargo-deny itself takes longer to build than all of Waypost; `make audit` runs it, and `make test`
//! does where it is installed.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use toml::Table;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The texts of an array.
fn texts(array: Option<&toml::Value>) -> Vec<&str> {
    let array = array.and_then(toml::Value::as_array);
    let texts = array.into_iter().flatten();
    texts.filter_map(toml::Value::as_str).collect()
}

/// An SPDX expression, and what is left of it to read.
struct Expression<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
    allowed: &'a [&'a str],
}

impl Expression<'_> {
    /// Whether a licence that it offers, or all that it demands, are allowed.
    fn allows(text: &str, allowed: &[&str]) -> bool {
        let text = text
            .replace('/', " OR ")
            .replace('(', " ( ")
            .replace(')', " ) ");
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.into_iter().peekable();
        let mut expression = Expression { words, allowed };
        let is_allowed = expression.either();
        is_allowed && expression.words.next().is_none()
    }

    fn either(&mut self) -> bool {
        let mut any = self.all();
        while self.words.next_if_eq(&"OR").is_some() {
            any |= self.all();
        }
        any
    }

    fn all(&mut self) -> bool {
        let mut all = self.one();
        while self.words.next_if_eq(&"AND").is_some() {
            all &= self.one();
        }
        all
    }

    fn one(&mut self) -> bool {
        match self.words.next() {
            Some("(") => {
                let inner = self.either();
                self.words.next() == Some(")") && inner
            }
            Some(licence) if self.words.next_if_eq(&"WITH").is_some() => {
                let whole = format!("{licence} WITH {}", self.words.next().unwrap_or_default());
                self.allowed.contains(&&*whole)
            }
            Some(licence) => self.allowed.contains(&licence),
            None => false,
        }
    }
}

/// Who depends on each crate, by a tree in which each line begins with its depth.
///
/// `cargo metadata` would do for that too, if it left out what is optional and not wanted.
fn dependents(tree: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut dependents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut above: Vec<&str> = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let (Some(depth), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        above.truncate(depth.parse().unwrap());
        let of_crate = dependents.entry(name).or_default();
        of_crate.extend(above.last());
        above.push(name);
    }
    dependents
}

/// Everything in what cargo says that the rules forbid.
fn forbidden(rules: &Table, metadata: &Value, tree: &str) -> Vec<String> {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let allowed = texts(rules["licenses"].get("allow"));
    let mut found = Vec::new();
    for package in packages {
        let name = text(package, "name");
        if let Some(source) = package["source"].as_str() {
            if source != REGISTRY {
                found.push(format!("{name}: comes from {source}"));
            }
            let licence = text(package, "license");
            if !Expression::allows(&licence, &allowed) {
                found.push(format!("{name}: has the licence {licence:?}"));
            }
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["req"] == "*" && dependency["path"].is_null() {
                let on = text(dependency, "name");
                found.push(format!("{name}: depends on any version of {on}"));
            }
        }
    }
    let dependents = dependents(tree);
    for ban in rules["bans"]["deny"].as_array().unwrap() {
        let banned = ban["crate"].as_str().unwrap();
        let wrappers = texts(ban.get("wrappers"));
        let dependents = dependents.get(banned).into_iter().flatten();
        for dependent in dependents.filter(|name| !wrappers.contains(name)) {
            found.push(format!("{dependent}: depends on {banned}"));
        }
    }
    found
}

fn rules() -> Table {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("deny.toml")).unwrap();
    text.parse().unwrap()
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output.stdout
}

#[test]
fn everything_depended_on_is_allowed() {
    let rules = rules();
    for target in texts(rules["graph"].get("targets")) {
        let metadata = [
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
        ];
        let metadata = cargo(&[&metadata[..], &[target]].concat());
        let metadata: Value = serde_json::from_slice(&metadata).unwrap();
        let tree = [
            "tree",
            "--locked",
            "--workspace",
            "--edges=normal,build,dev",
        ];
        let lines = ["--prefix=depth", "--format= {p}", "--target", target];
        let tree = cargo(&[tree, lines].concat());
        let tree = String::from_utf8(tree).unwrap();
        assert!(tree.contains(" rustls v"), "{tree}");
        let found = forbidden(&rules, &metadata, &tree);
        assert!(found.is_empty(), "by deny.toml:\n{}", found.join("\n"));
    }
}

#[test]
fn what_is_not_allowed_is_found() {
    let package = |name: &str, licence: &str, source: Option<&str>| {
        let ours = json!([{"name": "waypost-proto", "req": "*", "path": "crates/waypost-proto"}]);
        let theirs = json!([{"name": "any", "req": "*"}, {"name": "one", "req": "^1"}]);
        let dependencies = if name == "waypost-mta" { theirs } else { ours };
        json!({"id": name, "name": name, "license": licence, "source": source,
            "dependencies": dependencies})
    };
    let git = "git+https://example.org/x";
    let metadata = json!({
        "packages": [
            package("waypost-mta", "LicenseRef-none", None),
            package("waypost-spool", "LicenseRef-none", None),
            package("good", "(MIT OR GPL-3.0-only) AND Zlib", Some(REGISTRY)),
            package("old", "MIT/Apache-2.0", Some(REGISTRY)),
            package("copyleft", "MIT AND GPL-3.0-only", Some(REGISTRY)),
            package("excepted", "Apache-2.0 WITH LLVM-exception", Some(REGISTRY)),
            package("nothing", "", Some(REGISTRY)),
            package("elsewhere", "MIT", Some(git)),
            package("rusqlite", "MIT", Some(REGISTRY)),
            package("ring", "ISC", Some(REGISTRY)),
        ],
    });
    let tree = "0 waypost-spool v0.1.0 (/w)\n1 rusqlite v1.0.0\n2 ring v1.0.0\n\n\
                0 waypost-mta v0.1.0 (/w)\n1 good v1.0.0\n1 rusqlite v1.0.0 (*)\n";
    assert_eq!(
        forbidden(&rules(), &metadata, tree),
        [
            "waypost-mta: depends on any version of any",
            "copyleft: has the licence \"MIT AND GPL-3.0-only\"",
            "excepted: has the licence \"Apache-2.0 WITH LLVM-exception\"",
            "nothing: has the licence \"\"",
            "elsewhere: comes from git+https://example.org/x",
            "rusqlite: depends on ring",
            "waypost-mta: depends on rusqlite",
        ]
    );
}
