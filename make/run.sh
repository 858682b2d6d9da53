#!/bin/sh
# A split domain that can be used at once: main (127.0.0.1) is the master of example.com, branch
# (127.0.0.2) its slave. Data is in ./run/ and stays for the next start.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

need_packages gcc libc6-dev
need_rust
say 'building (the first time takes some minutes)'
cargo build --locked --workspace --bins
programs=${CARGO_TARGET_DIR:-target}/debug
waypost=$programs/waypost
send=$programs/waypost-send
root=$PWD/run

# site NAME ADDRESS: its configuration, unless there is one.
site() {
    [ -e "$root/$1/waypost.toml" ] && return 0
    mkdir -p "$root/$1"
    sed -e "s|%NAME%|$1|g; s|%ADDRESS%|$2|g; s|%ROOT%|$root|g" make/run/waypost.toml \
        >"$root/$1/waypost.toml"
}

# start NAME: serves in the background, ready when this returns; its process is $started.
start() {
    : >"$root/$1/ready"
    "$waypost" serve --config "$root/$1/waypost.toml" >"$root/$1/ready" 2>>"$root/$1/log" &
    started=$!
    running="$running $started"
    until grep -q '^ready' "$root/$1/ready"; do
        kill -0 "$started" 2>/dev/null || {
            tail -n 5 "$root/$1/log" >&2
            fail "$1 did not start; is something else on its ports? Its log is $root/$1/log"
        }
        sleep 0.1
    done
    say "$1: $(cat "$root/$1/ready")"
}

# fill NAME: its users, and a password for those who log in.
fill() {
    config=$root/$1/waypost.toml
    "$waypost" apply --config "$config" "make/run/$1.toml"
    shift
    for user in "$@"; do
        echo "$user-demo" |
            "$waypost" user set "$user@example.com" --password-stdin --config "$config"
    done
}

# Messages from outside and between the sites.
converse() {
    "$send" 127.0.0.3 127.0.0.1:2525 paul@elsewhere.example alice@example.com \
        'To the master, for a user of its own'
    "$send" 127.0.0.3 127.0.0.1:2525 paul@elsewhere.example carol@example.com \
        'To the master, for a user of the branch'
    "$send" 127.0.0.3 127.0.0.2:2525 paul@elsewhere.example bob@example.com \
        'To the branch, for a user of the master'
    "$send" 127.0.0.3 127.0.0.1:2525 alice@example.com team@example.com \
        'To the team, which lives at both'
}

running=
stop() {
    trap - INT TERM EXIT
    for process in $running; do
        kill "$process" 2>/dev/null || true
    done
    for process in $running; do
        wait "$process" 2>/dev/null || true
    done
    say 'both sites ended; their data is in ./run, make clean-run removes it'
    exit "${1:-0}"
}
trap 'stop 0' INT TERM
trap 'stop $?' EXIT

fresh=
[ -e "$root/main/data" ] || fresh=yes
site main 127.0.0.1
site branch 127.0.0.2
start main
start branch
if [ -n "$fresh" ]; then
    fill main alice bob
    fill branch carol dave
    converse
fi

relative=${waypost#"$PWD/"}
sender=${send#"$PWD/"}
cat <<TXT

example.com is split: alice and bob live at main, carol and dave at branch.
  main    127.0.0.1  SMTP 2525  submission 2587  submissions 2465   log run/main/log
  branch  127.0.0.2  SMTP 2525  submission 2587  submissions 2465   log run/branch/log
Passwords are alice-demo, bob-demo, carol-demo, dave-demo. Three commands to try in another shell:

  $relative explain carol@example.com --config run/main/waypost.toml
  $relative user list --config run/main/waypost.toml
  $sender 127.0.0.3 127.0.0.2:2525 you@elsewhere.example bob@example.com Hello
     (and see where it went: grep bob run/*/log)

Ctrl-C ends both.
TXT
while kill -0 $running 2>/dev/null; do
    # A signal ends wait at once, and the loop with it.
    wait $running || true
done
fail 'a site ended by itself; see run/main/log and run/branch/log'
