# Read by test.sh and lint.sh: runs parts one after the other, and says how long each took.

times=$(mktemp)
closing=$(mktemp)
trap 'rm -f "$times" "$closing"' EXIT

# part NAME COMMAND…: the first part that fails ends everything.
part() {
    name=$1
    shift
    say "$name: $*"
    begun=$(date +%s)
    result=0
    "$@" || result=$?
    ended=$(date +%s)
    word=ok
    [ "$result" = 0 ] || word=failed
    printf '   %-12s %5d s  %s\n' "$name" $((ended - begun)) "$word" >>"$times"
    [ "$result" = 0 ] || finish "$result"
}

# Runs a test runner and keeps its closing lines for the end.
tests() {
    log=$(mktemp)
    { "$@" 2>&1; echo $? >"$log.result"; } | tee "$log"
    grep -E '^ *(Summary|FAIL|TIMEOUT|SIG[A-Z]+|test result:|✖|ℹ (pass|fail))' "$log" >>"$closing"
    result=$(cat "$log.result")
    rm -f "$log" "$log.result"
    return "$result"
}

finish() {
    say 'time of each part'
    cat "$times"
    cat "$closing"
    exit "$1"
}
