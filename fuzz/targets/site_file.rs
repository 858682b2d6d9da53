#![no_main]

#[expect(dead_code, reason = "one check of several")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| checks::site_file(octets));
