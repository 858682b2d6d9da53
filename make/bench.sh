#!/bin/sh
# Waypost and Debian's Postfix side by side; arguments go to the benchmark.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev postfix procps
need_rust
cargo build --locked --release -p waypost -p waypost-testkit
exec target/release/waypost-bench target/release/waypost "$@"
