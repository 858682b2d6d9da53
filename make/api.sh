#!/bin/sh
# The HTTP API against its own description: schemathesis asks every operation of a real server.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev make procps
need_rust
need_schemathesis
cargo build --quiet --locked --workspace --bins
exec timeout --kill-after=20 240 node tests/api/run.mjs target/venv/bin/schemathesis
