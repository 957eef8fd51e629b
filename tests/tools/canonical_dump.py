"""The content of an agentlog database as text: equal content gives equal text, whatever its file looks like."""
import sqlite3

# What names segments and writers, and their own events: these differ when the same events are logged again.
OF_THE_SEGMENTS = {"segments", "bad_segments"}
EVENT_IDS = {"start_event_id", "end_event_id"}
OF_A_NUMBER = {("job_details", "job"): "(SELECT json_array(environment, job_id) FROM jobs WHERE id = job)"}
WRITERS_OWN = "('writer_stats', 'writer_loss')"


def open_read(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def dump(path, events_alone=False):
    """Lines of all tables in order of their content. `events_alone` leaves out what depends on the segments."""
    db = open_read(path)
    lines = [f"{key} {db.execute(f'PRAGMA {key}').fetchone()[0]}" for key in ("application_id", "user_version")]
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall():
        lines.append(f"{kind} {name} {sql}")
        if kind != "table" or (events_alone and name in OF_THE_SEGMENTS):
            continue
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        if events_alone:
            columns = [c for c in columns if c not in EVENT_IDS]
        where = f" WHERE event NOT IN {WRITERS_OWN}" if events_alone and "event" in columns else ""
        # The numbers of jobs depend on the order of the ingests: they are what they stand for.
        columns = [OF_A_NUMBER.get((name, c), c) for c in columns if (name, c) != ("jobs", "id")]
        rows = db.execute(f"SELECT {', '.join(columns)} FROM {name}{where}")
        lines += sorted(f"{name} {row!r}" for row in rows)
    db.close()
    return lines


def difference(a, b):
    """The first few lines that are in one alone; '' when the dumps are equal."""
    if a == b:
        return ""
    left, right = sorted(set(a) - set(b)), sorted(set(b) - set(a))
    show = lambda lines: "".join(f"\n    {line[:300]}" for line in lines[:5])
    return f"{len(left)} lines are only in the first:{show(left)}\n  {len(right)} only in the second:{show(right)}"
