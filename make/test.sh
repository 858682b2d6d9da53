#!/bin/sh
# Everything that is checked before a change lands, with real peers from Debian.
set -u
cd "$(dirname "$0")/.." || exit 1
. make/setup.sh
. make/parts.sh

need_packages gcc libc6-dev make postfix dovecot-core dovecot-lmtpd dovecot-imapd swaks \
    libnet-ssleay-perl strace python3 python3-dkim python3-nacl procps pebble \
    mount util-linux e2fsprogs
need_packages python3-seccomp systemd
need_programs_abroad
need_rust rustfmt clippy
need_nextest
. make/lint-parts.sh

part build cargo nextest run --locked --workspace --no-run
part unit tests cargo nextest run --locked --workspace -E 'kind(lib) + kind(bin)'
part integration tests cargo nextest run --locked --workspace -E 'kind(test)'
part simulation simulation test --quiet --locked
part faults make/prove.sh short
part instructions make/instructions.sh
part api make/api.sh
part browser tests make/browser.sh
finish 0
