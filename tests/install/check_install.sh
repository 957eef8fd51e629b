#!/bin/sh
# `cmake --install` into a scratch prefix, then moved: a separate project finds it with pkg-config and with find_package,
# links shared and static, and runs; the program, the manual, the completions and the units are in their places.
#     check_install.sh BUILD_DIR SOURCE_DIR
set -eu
build=$1
source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.txt" || fail "cmake --install"
mv "$scratch/first" "$scratch/prefix" # nothing but the units may name where it was
prefix=$scratch/prefix
lib=$(dirname "$(find "$prefix" -name libagentlog.so)")
if grep -rIl "$scratch/first" "$prefix" | grep -v '/lib/systemd/'; then
    fail "these files name the prefix"
fi
if grep -rIl -e "$source" -e "$build" "$prefix"; then
    fail "these files name the source tree"
fi

# ---- The program
"$prefix/bin/agentlog" --version | grep -q '^agentlog .*segment format .*database schema' || fail "--version"
for file in share/bash-completion/completions/agentlog share/zsh/site-functions/_agentlog \
    share/fish/vendor_completions.d/agentlog.fish share/doc/agentlog/examples/agentlog.cron \
    share/man/man1/agentlog.1 share/man/man3/alog_writer_open.3 share/man/man7/agentlog-events.7; do
    [ -s "$prefix/$file" ] || fail "$file is not there"
done

# The line for cron says how a night that failed ended.
line=$(sed -n 's/^[0-9 *]*  agentlog  //p' "$prefix/share/doc/agentlog/examples/agentlog.cron" |
    sed "s,/var/log/agents,$scratch/nowhere,; s,/var/lib/agentlog,$scratch,g")
[ "$(PATH=$prefix/bin:$PATH sh -c "$line" 2>/dev/null)" = "agentlog nightly: exit code 10" ] || fail "the line for cron"

# ---- A separate project, with pkg-config
export PKG_CONFIG_PATH="$lib/pkgconfig"
here=$source/tests/install/consumer
warnings="-std=c11 -Wall -Wextra -Wpedantic -Werror"
wanted='job_start job-1
agent_execution job-1
job_end job-1'
run_log() { # PROGRAM...: logs one job, and finds it
    [ "$("$@" "$scratch/log-$(basename "$1")" | grep -v ^writer_)" = "$wanted" ] || fail "$1 does not find its events"
}
run_ask() {
    "$1" "$scratch/log-pc_shared" "$scratch/$(basename "$1").db" >"$scratch/ask.txt" || fail "$1"
    grep -q '^1 row, fixer$' "$scratch/ask.txt" || fail "$1 does not find its row"
    grep -q '"error_type":"lint"' "$scratch/ask.txt" || fail "$1 does not write its line"
}
# shellcheck disable=SC2046,SC2086 # lists of words
{
    cc $warnings -o "$scratch/pc_shared" "$here/log.c" $(pkg-config --cflags --libs agentlog)
    cc $warnings -o "$scratch/pc_static" "$here/log.c" $(pkg-config --cflags agentlog) \
        "$lib/libagentlog.a" $(pkg-config --static --libs agentlog | sed 's/-lagentlog//')
    for example in agent job_threads own_event; do
        cc $warnings -pthread -o "$scratch/$example" "$prefix/share/doc/agentlog/examples/$example.c" \
            $(pkg-config --cflags --libs agentlog)
    done
    cc $warnings -o "$scratch/pc_ask" "$here/ask.c" $(pkg-config --cflags --libs agentlog-aggregator agentlog-ndjson)
}
export LD_LIBRARY_PATH="$lib"
run_log "$scratch/pc_shared"
run_ask "$scratch/pc_ask"
for example in agent job_threads own_event; do
    "$scratch/$example" "$scratch/log-$example" || fail "the example $example"
    "$prefix/bin/agentlog" cat "$scratch/log-$example" | grep -q '"event":' || fail "the example $example logs nothing"
done
ldd "$scratch/pc_shared" | grep -q 'libagentlog\.so\.0' || fail "pc_shared is not linked to the shared library"
if ldd "$scratch/pc_shared" | grep -e sqlite -e jansson -e crypto; then
    fail "a program that only logs loads these"
fi
unset LD_LIBRARY_PATH
run_log "$scratch/pc_static"

# ---- … and with find_package
cmake -S "$here" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/cmake.txt" 2>&1 ||
    { cat "$scratch/cmake.txt"; fail "find_package"; }
cmake --build "$scratch/consumer" >"$scratch/cmake.txt" 2>&1 || { cat "$scratch/cmake.txt"; fail "consumer"; }
run_log "$scratch/consumer/log_shared"
run_log "$scratch/consumer/log_static"
run_ask "$scratch/consumer/ask_shared"
run_ask "$scratch/consumer/ask_static"
[ "$("$scratch/consumer/log_cxx" "$scratch/log-cxx")" = ALOG_OK ] || fail "log_cxx"

# ---- A shared library shows what public headers declare, each function in one of them; its page says how to link it
for library in agentlog agentlog-ndjson agentlog-aggregator; do
    nm -D --defined-only "$lib/lib$library.so" | awk '{ print $3 }' >"$scratch/shown.txt"
    [ -s "$scratch/shown.txt" ] || fail "lib$library.so shows nothing"
    cat "$scratch/shown.txt" >>"$scratch/all_shown.txt"
    while read -r symbol; do
        grep -qw "$symbol" "$prefix"/include/agentlog/*.h || fail "lib$library.so shows $symbol"
        package=$(tr '\n' ' ' <"$prefix/share/man/man3/$symbol.3" | sed 's/\\f[BR]//g; s/\\-/-/g' |
            grep -o -e '--libs agentlog[a-z-]*' | sed 's/.* //')
        pkg-config --libs "$package" | grep -qw -e "-l$library" || fail "$symbol.3 says to link '$package'"
    done <"$scratch/shown.txt"
done
[ -z "$(sort "$scratch/all_shown.txt" | uniq -d)" ] || fail "in two libraries: $(sort "$scratch/all_shown.txt" | uniq -d)"

# ---- The units; systemd wants the program where they say
units=$prefix/lib/systemd/system
grep -q "^ExecStart=$scratch/first/bin/agentlog nightly " "$units/agentlog-nightly.service" || fail "ExecStart"
if command -v systemd-analyze >/dev/null 2>&1; then
    mv "$prefix" "$scratch/first"
    units=$scratch/first/lib/systemd/system
    # Manual pages and /var/log/agents need not be there; a systemd without a running manager may lack its socket.
    systemd-analyze verify --man=no "$units/agentlog-nightly.service" "$units/agentlog-nightly.timer" \
        >"$scratch/verify.txt" 2>&1 || { cat "$scratch/verify.txt"; fail "systemd-analyze verify"; }
    if grep agentlog "$scratch/verify.txt"; then
        fail "systemd-analyze verify"
    fi
    # 0 is all that can be denied, 10 nothing.
    if systemd-analyze security --help >/dev/null 2>&1 && systemd-analyze --version | awk 'NR==1 { exit !($2 >= 250) }'; then
        systemd-analyze security --offline=yes --threshold=20 "$units/agentlog-nightly.service" >"$scratch/security.txt" \
            2>&1 || { tail -n 3 "$scratch/security.txt"; fail "systemd-analyze security"; }
        tail -n 1 "$scratch/security.txt"
    fi
fi
echo "passed"
