#![no_main]

#[path = "../site_checks.rs"]
mod site_checks;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| site_checks::site_file(octets));
