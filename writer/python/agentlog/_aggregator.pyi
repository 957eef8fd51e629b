from os import PathLike
from typing import Any

_Path = str | bytes | PathLike[str]

def ingest(log_dir: _Path, db_path: _Path, threads: int = 0) -> dict[str, int]: ...
def query(
    db_path: _Path,
    kind: str,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    environment: str | None = None,
    agent_name: str | None = None,
    issue_type: str | None = None,
    provider_id: str | None = None,
    model: str | None = None,
    job_id: str | None = None,
    max_latency_ms: float | None = None,
    min_count: int = 0,
    metric: str | None = None,
    weekly: bool = False,
    bins: int = 0,
    max_ratio: float | None = None,
    subject: str | None = None,
    max_ece: float | None = None,
) -> list[dict[str, Any]]: ...
def prune(db_path: _Path, keep_rows_days: int, keep_rollups_days: int = 0, dry_run: bool = False) -> dict[str, int]: ...
