# Read by lint.sh and test.sh.

part format cargo fmt --all --check
part lints cargo clippy --locked --workspace --all-targets -- -D warnings
if have_deny; then
    part dependencies cargo deny check bans licenses sources
else
    skip dependencies 'cargo-deny cannot be installed here'
fi
