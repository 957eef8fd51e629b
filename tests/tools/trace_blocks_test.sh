#!/bin/sh
# trace_blocks_test.sh MAKE_TRACE_LOG AGENTLOG: of 1,000 blocks, trace reads at most 50 for a job that lives in one, and
# for one that is nowhere; in an archive, whose blocks are larger, one and a twentieth. The figures go to stdout.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
program=$2

# trace JOB EVENTS ARGUMENT...: so many events are printed, and few blocks are read.
trace() {
    job=$1 events=$2
    shift 2
    "$program" trace "$@" "$job" --verbose >"$here/out" 2>"$here/err" || [ "$events" = 0 ]
    printed=$(wc -l <"$here/out")
    blocks=$(sed -n 's/.*read \([0-9]*\) of \([0-9]*\) blocks.*/\1 \2/p' "$here/err")
    read=${blocks% *} all=${blocks#* }
    echo "$job: $printed events, $read of $all blocks read"
    [ "$printed" = "$events" ]
}

"$1" "$here/log"
trace wanted 5 "$here/log"
[ "$all" = 1000 ] && [ "$read" -ge 1 ] && [ "$read" -le 50 ]
trace nobody 0 "$here/log"
[ "$all" = 1000 ] && [ "$read" -le 50 ]
# Half of them are archived, then all.
mkdir "$here/rest" "$here/rest/day"
segments=$(ls "$here"/log/*/*.zst | tail -n 5)
day=$(dirname "$(ls "$here"/log/*/*.zst | head -n 1)")
mv $segments "$here/rest/day"
"$program" archive "$here/log" --to "$here/archive" --older-than 2100-01-01 --level 1 >/dev/null
mkdir -p "$day"
mv "$here"/rest/day/* "$day"
trace wanted 5 "$here/log" --archive "$here/archive"
[ "$all" -gt 500 ] && [ $((20 * read)) -le $((20 + all)) ]
"$program" archive "$here/log" --to "$here/archive" --older-than 2100-01-01 --level 1 >/dev/null
trace wanted 5 "$here/archive"
[ $((20 * read)) -le $((20 + all)) ]
trace nobody 0 "$here/archive"
[ $((20 * read)) -le $((20 + all)) ]
