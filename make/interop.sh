#!/bin/sh
# Waypost beside programs that nobody here wrote, and what came out of it as the table in
# docs/interop.md: make interop. The tests are part of make test; this adds what takes minutes, and
# writes the rows that the tests print.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev postfix swaks libnet-ssleay-perl python3
need_programs_abroad
need_rust
need_nextest
rows=$(mktemp -d)
trap 'rm -rf "$rows"' EXIT
WAYPOST_INTEROP=$rows cargo nextest run --locked --workspace -E 'binary(it) & test(/^interop::/)'
page=docs/interop.md
begin='<!-- What was tried: written by make interop. -->'
end='<!-- The end of what was tried. -->'
sed "/^$begin\$/q" "$page" >"$rows/page"
{
    printf '\n| program | version | role | what was tried | what came out | date |\n'
    printf '| --- | --- | --- | --- | --- | --- |\n'
    find "$rows" -type f ! -name page -exec cat {} + | LC_ALL=C sort |
        sed "s/\$/ $(date -u +%F) |/"
    printf '\n'
    sed -n "/^$end\$/,\$p" "$page"
} >>"$rows/page"
cat "$rows/page" >"$page"
say "$page has $(find "$rows" -type f ! -name page | wc -l) rows"
