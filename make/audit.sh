#!/bin/sh
# Licences, sources, and who may depend on whom, as deny.toml has them; and what is known of faults
# in what is used, where the database of advisories can be reached.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev
need_rust
have_deny || fail "cargo-deny could not be installed"
cargo deny --locked check bans licenses sources
if ! said=$(cargo deny --locked fetch db 2>&1); then
    printf '%s\n' "$said" >&2
    say 'advisories: NOT checked, since their database cannot be reached'
    exit 0
fi
exec cargo deny --locked check --disable-fetch advisories
