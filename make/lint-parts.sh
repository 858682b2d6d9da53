# Read by lint.sh and test.sh.

. make/simulation.sh

part format cargo fmt --all --check
part format simulation fmt --all --check
part lints cargo clippy --locked --workspace --all-targets -- -D warnings
part lints simulation clippy --quiet --locked --all-targets -- -D warnings
# The test `dependencies` holds to the same file where cargo-deny cannot be had.
bring_deny() {
    have_deny || say 'cargo-deny could not be installed: dependencies are held to deny.toml by a test'
}
part cargo-deny bring_deny
if cargo deny --version >/dev/null 2>&1; then
    part dependencies cargo deny --locked check bans licenses sources
fi
