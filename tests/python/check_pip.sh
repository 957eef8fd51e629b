#!/bin/sh
# `pip install writer/python` makes a package that logs. Skipped (77) where this interpreter has no pip, setuptools and
# wheel, a failure in CI if Debian's has none either.
set -eu
source_dir=$1
for python in python3 /usr/bin/python3; do
    "$python" -c 'import setuptools, wheel, pip' 2>/dev/null && break
    python=
done
if [ -z "$python" ]; then
    echo "SKIPPED: no Python here has pip, setuptools and wheel"
    [ -n "${CI:-}" ] && exit 1
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# From a copy: building leaves its traces beside the sources.
mkdir "$scratch/source"
cp -r "$source_dir/CMakeLists.txt" "$source_dir/include" "$source_dir/format" "$source_dir/writer" "$source_dir/aggregator" \
    "$source_dir/tools" "$scratch/source"
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-index --no-build-isolation \
    --no-deps --target "$scratch/site" "$scratch/source/writer/python"
cd "$scratch"
PYTHONPATH="$scratch/site" "$python" -c '
import agentlog
with agentlog.Writer("log", strict=True) as log:
    assert log.error(error_type="installed")
print("agentlog", agentlog.__version__, "installed by pip logs")'
