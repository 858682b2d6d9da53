#!/bin/sh
# Every fuzz target for a while: make fuzz, or SECONDS_EACH=600 make fuzz.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc g++ libc6-dev
need_rust
if ! cargo fuzz --version >/dev/null 2>&1; then
    say 'installing cargo-fuzz'
    cargo install --locked cargo-fuzz
fi
for target in $(cargo +nightly fuzz list); do
    say "fuzzing $target"
    cargo +nightly fuzz run "$target" -- -max_total_time="${SECONDS_EACH:-60}"
done
