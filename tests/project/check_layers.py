#!/usr/bin/env python3
"""Layers point one way: include <- format <- writer, aggregator <- tools.

    check_layers.py ROOT        exit 1 and a line per forbidden include, or per file name that stands twice
    check_layers.py --self-test prove that each rule can fail
"""
import os
import re
import sys
import tempfile

LAYERS = ("include", "format", "writer", "aggregator", "tools")

# Which layers' headers a layer may include ("agentlog" is include/agentlog).
ALLOWED = {
    "include": {"agentlog"},
    "format": {"agentlog", "format"},
    "writer": {"agentlog", "format", "writer"},
    "aggregator": {"agentlog", "format", "aggregator"},
    "tools": {"agentlog", "tools"},
}

# The public header of a layer is closed to the layer beside it.
CLOSED = {"writer": {"agentlog/aggregator.h"}, "aggregator": {"agentlog/writer.h", "agentlog/recover.h"}}

# Which files may touch a library: (library header, files that may).
LIBRARIES = [
    (re.compile(r"^zstd|^zdict"), re.compile(r"^format/")),
    (re.compile(r"^xxhash"), re.compile(r"^format/|^tools/import/id_set")),
    # Our own database is the aggregator's; a foreign one is read by its importer.
    (re.compile(r"^sqlite3"), re.compile(r"^aggregator/|^tools/agentlog\.c$|^tools/import/.*sqlite")),
    (re.compile(r"^expat"), re.compile(r"^tools/import/import_junit")),
    (re.compile(r"^openssl/"), re.compile(r"^aggregator/")),
    (re.compile(r"^jansson"), re.compile(r"^format/ndjson_|^tools/")),
    (re.compile(r"^msgpack|^cmocka"), re.compile(r"^$")),
]

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
SOURCES = (".c", ".h", ".def")


def sources(root):
    for layer in LAYERS:
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith(SOURCES):
                    yield layer, os.path.relpath(os.path.join(folder, name), root)


def layer_of(root, path, quoted, header):
    """The layer that an include reaches, or None for the system's and libraries' headers."""
    if header.startswith("agentlog/"):
        return "agentlog"
    first = header.split("/")[0]
    if first in LAYERS and "/" in header:
        return first
    if quoted:
        beside = os.path.normpath(os.path.join(os.path.dirname(path), header))
        return beside.split(os.sep)[0]
    return None


def faults(root):
    seen = {}
    for layer, path in sources(root):
        name = os.path.basename(path)
        if name in seen:
            yield f"{path}: a file of this name is also {seen[name]}"
        seen[name] = path
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                quoted, header = match[1] == '"', match[2]
                reached = layer_of(root, path, quoted, header)
                if reached is not None and reached not in ALLOWED[layer]:
                    yield f"{path}:{number}: {layer} must not include {header}"
                if header in CLOSED.get(layer, ()):
                    yield f"{path}:{number}: {layer} must not include {header}"
                if not quoted:
                    for library, may in LIBRARIES:
                        if library.match(header) and not may.match(path):
                            yield f"{path}:{number}: {header} is not for this file"


def self_test():
    good = {
        "include/agentlog/a.h": "#include <stdint.h>\n",
        "format/b.c": '#include "c.h"\n#include <zstd.h>\n#include <agentlog/a.h>\n',
        "format/c.h": "",
        "writer/d.c": '#include "format/c.h"\n',
        "tools/e.c": "#include <agentlog/a.h>\n#include <jansson.h>\n",
    }
    bad = [
        ("include/agentlog/x.h", '#include "format/c.h"\n'),
        ("format/x.c", '#include "writer/w.h"\n'),
        ("format/x.c", '#include "../aggregator/w.h"\n'),
        ("writer/x.c", '#include "aggregator/w.h"\n'),
        ("writer/x.c", "#include <agentlog/aggregator.h>\n"),
        ("writer/x.c", "#include <zstd.h>\n"),
        ("aggregator/x.c", "#include <agentlog/writer.h>\n"),
        ("aggregator/x.c", "#include <agentlog/recover.h>\n"),
        ("tools/x.c", '#include "format/c.h"\n'),
        ("tools/x.c", "#include <sqlite3.h>\n"),
        ("tools/x.c", "# include <format/c.h>\n"),
        ("tools/c.h", ""),
    ]

    def run(files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            return list(faults(root))

    assert run(good) == [], run(good)
    for path, text in bad:
        assert len(run({**good, path: text})) == 1, (path, text)
    print(f"{len(bad)} forbidden includes and names were found, the allowed ones passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    found = list(faults(sys.argv[1]))
    for fault in found:
        print(fault)
    print(f"{sum(1 for _ in sources(sys.argv[1]))} files, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
