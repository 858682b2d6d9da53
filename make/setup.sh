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
        # Its failure, with a name that it has never heard, must not end a shell under -e.
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
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

# Unpacks Debian packages into target/unpacked without installing them: mail servers, of which a
# machine can have only one installed. What is unpacked already stays.
need_unpacked() {
    for package in "$@"; do
        [ ! -e "target/unpacked/.$package" ] || continue
        command -v apt-get >/dev/null || fail "unpack $package into target/unpacked yourself"
        say "unpacking the Debian package $package into target/unpacked"
        place=$(mktemp -d)
        (cd "$place" && { apt-get download -q "$package" 2>/dev/null ||
            { as_root apt-get update -q && apt-get download -q "$package"; }; } >/dev/null) ||
            fail "apt-get could not download $package"
        mkdir -p target/unpacked
        dpkg -x "$place"/*.deb target/unpacked && touch "target/unpacked/.$package" ||
            fail "dpkg could not unpack $package"
        rm -rf "$place"
    done
}

# Other mail servers and clients, with what they need to run.
need_programs_abroad() {
    need_packages bubblewrap libidn12 libevent-2.1-7 libdb5.3 libgnutls-dane0 libnsl2 \
        libpcre2-8-0 curl perl libio-socket-ssl-perl msmtp nmap testssl.sh
    need_unpacked exim4-base exim4-daemon-light opensmtpd
    need_node
    lock=tests/interop/package-lock.json
    installed=tests/interop/node_modules/.package-lock.json
    if [ ! -e "$installed" ] || [ "$lock" -nt "$installed" ]; then
        say 'bringing nodemailer with npm'
        npm ci --prefix tests/interop --no-audit --no-fund ||
            fail 'npm could not bring the packages of tests/interop'
        touch "$installed"
    fi
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

# Node.js 18 or later from wherever it is, else Debian's; npm likewise.
need_node() {
    version=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 18 ] || need_packages nodejs
    command -v npm >/dev/null || need_packages npm
}

# A browser, fonts for its pictures, and what the tests in tests/browser import.
need_browser() {
    need_node
    [ -n "${WAYPOST_CHROMIUM:-}" ] || need_packages chromium
    need_packages fonts-inter fonts-dejavu-core
    lock=tests/browser/package-lock.json
    installed=tests/browser/node_modules/.package-lock.json
    if [ ! -e "$installed" ] || [ "$lock" -nt "$installed" ]; then
        say 'bringing playwright-core and axe-core with npm'
        npm ci --prefix tests/browser --no-audit --no-fund ||
            fail 'npm could not bring the packages of tests/browser'
        touch "$installed"
    fi
}

# Schemathesis in target/venv, at the versions of tests/api/requirements.txt.
need_schemathesis() {
    need_node
    need_packages python3 python3-venv
    wanted=tests/api/requirements.txt
    cmp -s "$wanted" target/venv/installed && return 0
    say 'bringing schemathesis with pip, into target/venv'
    python3 -m venv target/venv &&
        target/venv/bin/pip install --quiet --requirement "$wanted" ||
        fail 'pip could not bring what tests/api/requirements.txt names'
    cp "$wanted" target/venv/installed
}

# Whether cargo-deny is there or can be had: it is wanted, not needed. It is built without
# optimisation, in a quarter of the time: what it reads here is small.
have_deny() {
    cargo deny --version >/dev/null 2>&1 && return 0
    say "installing cargo-deny, which checks licences and who may depend on whom"
    cargo install --locked --debug cargo-deny --version 0.20.2
}
