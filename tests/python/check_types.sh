#!/bin/sh
# check_types.sh PACKAGE_PARENT: the package's annotations and stubs are whole, and a program's mistakes are seen. Skipped
# (77) where mypy is missing, a failure in CI.
set -eu
if ! command -v mypy >/dev/null; then
    echo "SKIPPED: mypy is not installed"
    [ -n "${CI:-}" ] && exit 1
    exit 77
fi
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
MYPYPATH=$1 mypy --strict --cache-dir "$cache" -p agentlog
MYPYPATH=$1 mypy --strict --cache-dir "$cache" "$(dirname "$0")/typed_use.py"
