//! Committed manual pages and the sample file are what the program makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut paths = vec!["etc/waypost.toml".to_owned()];
    for entry in fs::read_dir(root.join("man"))? {
        paths.push(format!("man/{}", entry?.file_name().to_string_lossy()));
    }
    let read = paths.into_iter().map(|path| {
        let text = fs::read_to_string(root.join(&path))?;
        Ok((path, text))
    });
    read.collect()
}

#[test]
fn manual_pages_and_the_sample_file_are_as_the_program_makes_them() {
    let made = tempfile::tempdir().unwrap();
    fs::create_dir(made.path().join("man")).unwrap();
    fs::create_dir(made.path().join("etc")).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .arg("man")
        .arg(made.path())
        .status()
        .unwrap();
    assert!(status.success());
    let (committed, made) = (files(&root()).unwrap(), files(made.path()).unwrap());
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made), "run `make man`");
    for (path, text) in &made {
        assert!(
            committed.get(path) == Some(text),
            "{path} is old: run `make man`"
        );
    }
}

#[test]
fn the_sample_file_says_every_key_at_its_default() {
    let check = |config: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_waypost"))
            .args(["check", "--effective", "--config"])
            .arg(config)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let empty = tempfile::NamedTempFile::new().unwrap();
    let sample = root().join("etc/waypost.toml");
    assert_eq!(check(&sample), check(empty.path()));
    let written = fs::read_to_string(sample).unwrap();
    for line in check(empty.path()).lines().filter(|line| !line.is_empty()) {
        assert!(written.lines().any(|said| said == line), "{line}");
    }
}

#[test]
fn the_page_of_the_configuration_file_names_every_key() {
    let page = fs::read_to_string(root().join("man/waypost.toml.5")).unwrap();
    let sample = fs::read_to_string(root().join("etc/waypost.toml")).unwrap();
    let keys = sample.lines().filter_map(|line| line.split_once(" = "));
    for (key, _) in keys.filter(|(key, _)| !key.starts_with('#')) {
        assert!(page.contains(&format!("\\fB{key}\\fR = ")), "{key}");
    }
}
