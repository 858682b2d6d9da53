#!/bin/sh
# Format, lints, dependencies: everything that needs no test to run.
set -u
cd "$(dirname "$0")/.." || exit 1
. make/setup.sh
. make/parts.sh

need_packages gcc libc6-dev
need_rust rustfmt clippy
. make/lint-parts.sh
finish 0
