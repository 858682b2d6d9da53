#!/bin/sh
# The fault laboratory: make prove [MINUTES=30] [ONLY=calls] [SEED=7]. The table goes to standard
# output; that of a whole run goes into docs/promises.md too. `make/prove.sh short` is the part of
# make test: every experiment once, small, always the same.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh
. make/simulation.sh

need_packages gcc libc6-dev strace python3 e2fsprogs mount util-linux
need_rust
# Mounts of their own, which go when it ends, however it ends.
alone=
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
    alone='unshare --mount --propagation private'
fi
if [ "${1:-}" = short ]; then
    cargo build --quiet --locked --workspace --bins
    simulation build --quiet --locked
    built=${CARGO_TARGET_DIR:-target}/debug
    # Word splitting is what turns the text into a command.
    # shellcheck disable=SC2086
    exec $alone "$built/waypost-prove" "$built/waypost" --short
fi
need_nextest
need_programs_abroad
need_packages python3-seccomp systemd
need_packages postfix dovecot-core dovecot-lmtpd dovecot-imapd swaks libnet-ssleay-perl procps
cargo build --locked --release -p waypost -p waypost-testkit
simulation build --locked
built=${CARGO_TARGET_DIR:-target}/release
set -- "$built/waypost" --minutes "${MINUTES:-10}"
if [ -n "${ONLY:-}" ]; then
    set -- "$@" --only "$ONLY"
else
    set -- "$@" --tests --write docs/promises.md
fi
[ -z "${SEED:-}" ] || set -- "$@" --seed "$SEED"
# shellcheck disable=SC2086
exec $alone "$built/waypost-prove" "$@"
