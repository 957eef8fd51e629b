#!/bin/sh
# The golden segments must come out of make_golden as they are in the tree, and their twins with them:
#     compare_golden.sh MAKE_GOLDEN
# Another zstd compresses to other bytes; then only the twins of the checked-in segments are compared
# (make_golden --twins), and the test says so.
set -eu
golden=$(cd "$(dirname "$0")" && pwd)
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp -r "$golden/good" "$golden/bad" "$made"
find "$made" -name '*.json' -delete -o -name '*.ndjson' -delete
"$1" --twins "$made"
for kind in good bad; do
    diff -r "$golden/$kind" "$made/$kind"
done
echo "every golden segment reads as its twin says"
if [ "$("$1" --zstd)" != 1.5.4 ]; then
    echo "skipped: whether they are made the same, since zstd is $("$1" --zstd) and not 1.5.4"
    exit 0
fi
rm -rf "$made/good" "$made/bad"
"$1" "$made"
for kind in good bad; do
    diff -r "$golden/$kind" "$made/$kind"
done
echo "every golden segment is made the same"
