# Read by lint.sh and test.sh.

. make/simulation.sh

part format cargo fmt --all --check
part format simulation fmt --all --check
part lints cargo clippy --locked --workspace --all-targets -- -D warnings
part lints simulation clippy --quiet --locked --all-targets -- -D warnings
# Where cargo-deny is there; building it takes longer than building Waypost, and the test
# `dependencies` holds to the same file without it.
if cargo deny --version >/dev/null 2>&1; then
    part dependencies cargo deny --locked check bans licenses sources
fi
