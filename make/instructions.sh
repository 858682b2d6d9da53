#!/bin/sh
# Instructions of the hot paths (valgrind's callgrind), held to those recorded in
# make/instructions.txt: make instructions; RECORD=yes writes them down. A count belongs to a version
# of valgrind and of the compiler: with others nothing can be said, and that is said.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev valgrind
need_rust
walks=100
most=10
record=make/instructions.txt
cargo build --quiet --locked --release --package waypost-mta --example hot_paths
program=${CARGO_TARGET_DIR:-target}/release/examples/hot_paths
versions="$(valgrind --version) rustc-$(rustc --version | cut -d ' ' -f 2) $(uname -m)"

# count PATH: instructions of one walk.
count() {
    said=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
        --toggle-collect="hot_paths::$1*" "$program" "$1" 2>&1) || fail "$said"
    all=$(printf '%s\n' "$said" | sed -n 's/^==[0-9]*== Collected : \([0-9]*\)$/\1/p')
    [ "${all:-0}" -ge $walks ] || fail "valgrind counted nothing in $1: $said"
    echo $((all / walks))
}

result=0
counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
for path in rcpt_decision accept_10_kb deliver_10_kb minger_answer; do
    now=$(count $path)
    echo "$versions $path $now" >>"$counted"
    before=$(sed -n "s/^$versions $path \([0-9]*\)\$/\1/p" "$record")
    if [ -z "$before" ]; then
        say "$path: $now instructions, nothing recorded for $versions"
        continue
    fi
    say "$path: $now instructions, recorded: $before"
    if [ $((now * 100)) -gt $((before * (100 + most))) ]; then
        say "$path is slower by more than $most %: mend it, or say why and RECORD=yes"
        result=1
    elif [ $((now * (100 + most))) -lt $((before * 100)) ]; then
        say "$path is faster by more than $most %: make instructions RECORD=yes keeps it so"
        result=1
    fi
done
if [ -n "${RECORD:-}" ]; then
    grep -v "^$versions " "$record" >>"$counted" || true
    { grep '^#' "$record"; grep -v '^#' "$counted" | LC_ALL=C sort; } >"$counted.new"
    cat "$counted.new" >"$record"
    rm -f "$counted.new"
    exit 0
fi
exit $result
