#!/bin/sh
# Waypost, Debian's Postfix and other servers side by side; arguments go to the benchmark. A run of
# everything makes the charts of docs/benchmarks.md, too.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

haraka=3.3.4

# Mail servers that are compared where they can be had; the benchmark says which it goes without.
want_guests() {
    (need_packages bubblewrap libevent-2.1-7 libdb5.3 libgnutls-dane0 libidn12 libnsl2 \
        libpcre2-8-0 && need_unpacked exim4-base exim4-daemon-light opensmtpd) ||
        say 'without Exim and OpenSMTPD'
    [ ! -e target/haraka/node_modules/Haraka ] || return 0
    say "bringing Haraka $haraka into target/haraka with npm"
    (need_node && npm install --prefix target/haraka --no-audit --no-fund --no-save \
        --ignore-scripts "Haraka@$haraka") || say 'without Haraka'
}

need_packages gcc libc6-dev postfix procps
need_rust
want_guests
cargo build --locked --release -p waypost -p waypost-testkit
results=target/bench.json
target/release/waypost-bench target/release/waypost "results=$results" "$@"
[ $# -gt 0 ] || target/release/waypost-bench charts "$results" docs/images
