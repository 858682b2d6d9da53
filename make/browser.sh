#!/bin/sh
# The console in a real browser, against the real program: `make/browser.sh [FILE…]`.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev make procps
need_rust
need_browser
cargo build --quiet --locked --workspace --bins
[ $# -gt 0 ] || set -- tests/browser/*.test.mjs
# It takes nine minutes on two cores; the browsers end with the runner.
exec timeout --kill-after=20 1500 node --test --test-reporter=spec \
    --test-concurrency=2 "$@"
