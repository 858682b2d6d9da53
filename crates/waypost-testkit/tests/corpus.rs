//! The corpus of the fuzz targets, on the stable toolchain: what once led somewhere is tried again
//! with every change.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end here"
)]

#[path = "../../../fuzz/checks.rs"]
mod checks;
#[path = "../../../fuzz/site_checks.rs"]
mod site_checks;

use std::fs;
use std::path::Path;

/// Runs every file of a target's corpus through its check.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

macro_rules! replayed {
    ($($checks:ident: $($target:ident),+;)+) => {
        $($(
            #[test]
            fn $target() {
                replay(stringify!($target), $checks::$target);
            }
        )+)+

        /// A folder without a test would be looked at by nobody.
        #[test]
        fn every_corpus_is_replayed() {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
            for entry in fs::read_dir(root).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!([$($(stringify!($target)),+),+].contains(&name.as_str()), "{name}");
            }
        }
    };
}

replayed!(
    checks: address, command, content, dialogue, envelope, header, minger_answer, minger_query,
        reply, report;
    site_checks: site_file;
);
