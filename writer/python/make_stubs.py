#!/usr/bin/env python3
"""Write agentlog/_writer.pyi from the catalogue that the built module itself has: make_stubs.py PACKAGE_PARENT"""
import pathlib
import sys

TYPES = {"name": "str", "text": "str", "json": "Json", "bool": "bool", "int": "int", "float": "float",
         "enum": "str"}

HEAD = '''"""Generated from the event catalogue; do not edit."""
import datetime
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

Json = str | Mapping[str, Any] | Sequence[Any]

version: str

class Error(Exception):
    status: str

def set_current_job(getter: Callable[[], str | None]) -> None: ...
def catalogue() -> list[tuple[str, str, list[tuple[str, str, bool, str, str]]]]: ...

class Writer:
    def __init__(
        self,
        log_dir: str | bytes | PathLike[str],
        *,
        environment: str | None = None,
        strict: bool = False,
        ring_bytes: int = 0,
        max_event_bytes: int = 0,
        block_bytes: int = 0,
        segment_bytes: int = 0,
        segment_age_ms: int = 0,
        flush_interval_ms: int = 0,
        sync_interval_ms: int = 0,
        full_wait_ns: int = 0,
        stats_interval_ms: int = 0,
        compression_level: int = 0,
        sync: str | None = None,
        ring_dir: str | bytes | PathLike[str] | None = None,
        no_recovery: bool = False,
        drain_threads: int = 0,
    ) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def refused(self) -> int: ...
    @property
    def last_error(self) -> str: ...
    def flush(self, timeout: float = 10.0) -> bool: ...
    def stats(self) -> dict[str, Any]: ...
    def close(self) -> None: ...
    def _define(self, name: str, fields: tuple[tuple[str, str, bool], ...], /) -> None: ...
'''

COMMON = '''        job_id: str | None = None,
        event_id: str | None = None,
        environment: str | None = None,
        timestamp: int | datetime.datetime | None = None,
        attributes: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> bool: ...
'''


def stub(name, doc, fields):
    lines = [f"    def {name}(\n        self,\n        *,\n"]
    for field, kind, required, _, _ in fields:
        type_name = TYPES[kind]
        lines.append(f"        {field}: {type_name},\n" if required else f"        {field}: {type_name} | None = None,\n")
    return "".join(lines) + COMMON


def main():
    parent = pathlib.Path(sys.argv[1])
    sys.path.insert(0, str(parent))
    from agentlog import _writer

    text = HEAD + "    def log(\n        self,\n        event: str,\n        /,\n        *,\n" + COMMON
    for name, doc, fields in _writer.catalogue():
        if not name.startswith("writer_"):
            text += stub(name, doc, fields)
    (parent / "agentlog" / "_writer.pyi").write_text(text)


main()
