#!/bin/sh
# Fuzzes one target, or each in turn: make fuzz [TARGET=minger_query] [EACH=60].
# What it finds lies in fuzz/artifacts; mend it, and put it into fuzz/corpus, which make test replays.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc g++ libc6-dev
need_rust
if ! cargo fuzz --version >/dev/null 2>&1; then
    say "installing cargo-fuzz"
    cargo install --locked cargo-fuzz
fi
targets=${TARGET:-$(ls fuzz/corpus)}
# The sanitizers are switched on by flags that the stable compiler has, and hides.
export RUSTC_BOOTSTRAP=1
for target in $targets; do
    # What is found on the way is kept apart from the corpus that is committed.
    mkdir -p "fuzz/found/$target"
    features=
    [ "$target" != site_file ] || features='--features program'
    # Word splitting is what turns the text into arguments.
    # shellcheck disable=SC2086
    cargo fuzz run $features "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
        -max_total_time="${EACH:-60}" -max_len=4096
done
