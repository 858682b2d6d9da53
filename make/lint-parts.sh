# Read by lint.sh and test.sh.

part format cargo fmt --all --check
part lints cargo clippy --locked --workspace --all-targets -- -D warnings
