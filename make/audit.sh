#!/bin/sh
# Licences, sources, and who may depend on whom, as deny.toml has them.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev
need_rust
have_deny || fail "cargo-deny could not be installed"
exec cargo deny check bans licenses sources
