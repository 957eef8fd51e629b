#!/bin/sh
# `cpack -G DEB` makes packages that install into a root of their own and run there.
#     check_deb.sh BUILD_DIR
set -eu
build=$1
for tool in cpack dpkg dpkg-deb; do
    command -v "$tool" >/dev/null 2>&1 || { echo "SKIPPED: $tool is not installed"; exit 77; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cpack -G DEB --config "$build/CPackConfig.cmake" -B "$scratch/packages" >"$scratch/cpack.txt" 2>&1 ||
    { tail -n 20 "$scratch/cpack.txt"; fail cpack; }
architecture=$(dpkg --print-architecture)
for package in agentlog libagentlog0 libagentlog-dev; do
    set -- "$scratch/packages/${package}"_*_"$architecture".deb
    [ $# -eq 1 ] && [ -s "$1" ] || fail "there is no package $package"
    dpkg-deb --info "$1" >"$scratch/$package.info"
    dpkg-deb --contents "$1" >"$scratch/$package.contents"
    # Root's, and nobody else may write to it.
    if awk '$1 !~ /^l/ && ($2 != "root/root" || $1 ~ /^.....w/ || $1 ~ /^........w/)' "$scratch/$package.contents" | grep .; then
        fail "$package: these entries have the wrong owner or mode"
    fi
done
grep -q '^ Depends: .*libc6.*libsqlite3-0' "$scratch/agentlog.info" || fail "agentlog does not depend on what it loads"
grep -q '^ Depends: libagentlog0 (= ' "$scratch/libagentlog-dev.info" || fail "libagentlog-dev depends on no library"
for file in usr/bin/agentlog usr/share/man/man1/agentlog.1.gz usr/lib/systemd/system/agentlog-nightly.timer \
    usr/share/zsh/vendor-completions/_agentlog usr/lib/sysusers.d/agentlog.conf; do
    grep -q " \./$file" "$scratch/agentlog.contents" || fail "agentlog lacks $file"
done

# Errors of Debian's policy; what it only warns of is told.
if command -v lintian >/dev/null 2>&1; then
    lintian --allow-root --fail-on error "$scratch"/packages/*.deb >"$scratch/lintian.txt" 2>&1 ||
        { cat "$scratch/lintian.txt"; fail lintian; }
fi

# Into a root of its own: unpacked by anybody, installed by root, with the database of a dpkg of its own.
root=$scratch/root
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/etc"
    : >"$root/var/lib/dpkg/status"
    printf 'root:x:0:0::/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    dpkg --root="$root" --force-depends --force-script-chrootless --log=/dev/null -i "$scratch"/packages/*.deb \
        >"$scratch/dpkg.txt" 2>&1 || { cat "$scratch/dpkg.txt"; fail "dpkg -i"; }
    dpkg --root="$root" -s agentlog | grep -q '^Status: install ok installed' || fail "dpkg says it is not installed"
    if command -v systemd-sysusers >/dev/null 2>&1; then
        grep -q '^agentlog:' "$root/etc/passwd" || fail "the package makes no user"
    fi
else
    for package in "$scratch"/packages/*.deb; do
        dpkg-deb -x "$package" "$root"
    done
fi
agentlog=$root/usr/bin/agentlog
"$agentlog" --version | grep -q '^agentlog ' || fail "--version"
echo '{"event":"error","error_type":"lint"}' | "$agentlog" log "$scratch/log" 2>/dev/null || fail "log"
"$agentlog" ingest "$scratch/log" "$scratch/agents.db" 2>/dev/null >/dev/null || fail "ingest"
"$agentlog" stats errors "$scratch/agents.db" | grep -q lint || fail "stats"
LD_LIBRARY_PATH=$root/usr/lib
export LD_LIBRARY_PATH
for library in "$root"/usr/lib/libagentlog*.so.0; do
    if ldd "$library" | grep 'not found'; then
        fail "$library"
    fi
done
if [ "$(id -u)" -eq 0 ]; then
    dpkg --root="$root" --force-depends --force-script-chrootless --log=/dev/null -P libagentlog-dev libagentlog0 agentlog \
        >"$scratch/dpkg.txt" 2>&1 || { cat "$scratch/dpkg.txt"; fail "dpkg -P"; }
    [ ! -e "$agentlog" ] || fail "it is still there when it is removed"
fi
echo "passed"
