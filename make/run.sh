#!/bin/sh
# Two sites that can be used at once, main (127.0.0.1) and branch (127.0.0.2): they share
# example.com over Minger, and of split.example.net main is the master and branch the slave. Data is
# in ./run/ and stays for the next start.
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

# secret: what the sites ask each other with, drawn once.
secret() {
    [ -e "$root/minger.secret" ] && return 0
    [ ! -e "$root/main" ] || fail 'run is of an earlier version: make clean-run, then come back'
    mkdir -p "$root"
    (umask 077 && head -c 24 /dev/urandom | base64 >"$root/minger.secret")
}

# site NAME ADDRESS: its configuration and its site file, unless they are there.
site() {
    mkdir -p "$root/$1"
    for file in waypost site; do
        from=make/run/waypost.toml
        [ "$file" = waypost ] || from=make/run/$1.toml
        [ -e "$root/$1/$file.toml" ] ||
            sed -e "s|%NAME%|$1|g; s|%ADDRESS%|$2|g; s|%ROOT%|$root|g" "$from" \
                >"$root/$1/$file.toml"
    done
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

# fill NAME USER…: its site file, and a password for those who log in.
fill() {
    config=$root/$1/waypost.toml
    "$waypost" apply --config "$config" "$root/$1/site.toml"
    shift
    for user in "$@"; do
        echo "${user%@*}-demo" | "$waypost" user set "$user" --password-stdin --config "$config"
    done
}

# password NAME: how one logs in to its console.
password() {
    file=$root/$1/data/admin0-password
    if [ -e "$file" ]; then
        echo "admin0, one-time password $(cat "$file")"
    else
        echo 'admin0 and the password that you have chosen'
    fi
}

# An earlier version's configuration had no console.
with_console() {
    config=$root/$1/waypost.toml
    grep -q '^console' "$config" ||
        sed -i "s|^minger = .*|&\nconsole = [\"$2:8025\"]|" "$config"
}

# Messages from outside and between the sites.
converse() {
    "$send" 127.0.0.3 127.0.0.1:2525 paul@elsewhere.example alice@example.com \
        'To main, for a user of its own'
    "$send" 127.0.0.3 127.0.0.1:2525 paul@elsewhere.example carol@example.com \
        'To main, for a user of branch, whom it asks'
    "$send" 127.0.0.3 127.0.0.2:2525 paul@elsewhere.example bob@example.com \
        'To branch, for a user of main, whom it asks'
    "$send" 127.0.0.3 127.0.0.1:2525 alice@example.com team@example.com \
        'To the team, which lives at both'
    "$send" 127.0.0.3 127.0.0.1:2525 paul@elsewhere.example frank@split.example.net \
        'To the master, for a user of the slave'
    "$send" 127.0.0.3 127.0.0.2:2525 paul@elsewhere.example erin@split.example.net \
        'To the slave, for a user of the master'
}

secret
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

site main 127.0.0.1
site branch 127.0.0.2
with_console main 127.0.0.1
with_console branch 127.0.0.2
start main
start branch
if [ ! -e "$root/filled" ]; then
    fill main alice@example.com bob@example.com erin@split.example.net
    fill branch carol@example.com dave@example.com frank@split.example.net
    converse
    : >"$root/filled"
fi

relative=${waypost#"$PWD/"}
sender=${send#"$PWD/"}
cat <<TXT

  main    http://127.0.0.1:8025  $(password main)
  branch  http://127.0.0.2:8025  $(password branch)

Each also has SMTP 2525, submission 2587, submissions 2465 and Minger 4069 on its address; the logs
are run/main/log and run/branch/log.

example.com is shared: alice and bob live at main, carol and dave at branch, and each site asks the
other over Minger about addresses that it does not have. split.example.net is split: main is its
master and has erin, branch is its slave and has frank. A password is the name and -demo, such as
alice-demo. Three commands to try in another shell:

  $relative explain carol@example.com --client 127.0.0.3 --config run/main/waypost.toml
     (whom main asked, and what it heard; then frank@split.example.net, nobody@example.com)
  $relative minger query bob@example.com --host 127.0.0.1 --secret-file run/minger.secret
     (what branch hears when it asks main about bob; carol is not at main)
  $sender 127.0.0.3 127.0.0.2:2525 you@elsewhere.example bob@example.com Hello
     (branch takes it and hands it to main: grep bob@ run/*/log)

Ctrl-C ends both.
TXT
while kill -0 $running 2>/dev/null; do
    # A signal ends wait at once, and the loop with it.
    wait $running || true
done
fail 'a site ended by itself; see run/main/log and run/branch/log'
