# Read by the other files here: brings what is missing on a fresh Debian 12, and says so.

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf '== %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "cannot run as root: $*; be root, or install sudo"
    fi
}

missing_packages() {
    for package in "$@"; do
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)
        [ "$state" = installed ] || printf '%s ' "$package"
    done
}

# Installs Debian packages that are missing. Their services are not started: while apt runs, a
# policy-rc.d forbids it, unless the machine already has one.
need_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "install these yourself, this is no Debian: $missing"
    say "installing with apt-get, services not started: $missing"
    policy=/usr/sbin/policy-rc.d
    guard=
    if [ ! -e "$policy" ]; then
        guard=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    echo 'postfix postfix/main_mailer_type select No configuration' |
        as_root debconf-set-selections 2>/dev/null || true
    result=0
    # Word splitting is what turns the list into arguments.
    # shellcheck disable=SC2086
    { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing; } || result=$?
    [ -z "$guard" ] || as_root rm -f "$policy"
    [ "$result" = 0 ] || fail "apt-get could not install: $missing"
}

# The compiler comes from rustup, which reads rust-toolchain.toml; components that it left out
# are added.
need_rust() {
    command -v cargo >/dev/null || fail "cargo is missing: install Rust with rustup, then come back"
    for component in "$@"; do
        command=${component%-preview}
        [ "$command" = rustfmt ] && command=fmt
        cargo "$command" --version >/dev/null 2>&1 && continue
        say "adding the Rust component $component"
        rustup component add "$component"
    done
}

need_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return 0
    say "installing the test runner cargo-nextest"
    cargo install --locked cargo-nextest || fail "cargo-nextest could not be installed"
}

# Whether cargo-deny is there or can be had: it is wanted, not needed.
have_deny() {
    cargo deny --version >/dev/null 2>&1 && return 0
    say "installing cargo-deny, which checks licences and who may depend on whom"
    cargo install --locked cargo-deny >/dev/null 2>&1
}
