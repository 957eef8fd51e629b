/*
 * One run of `agentlog import`: what the readers of all kinds of sources share. A reader turns its
 * source's records into events with an id (see import_ids.h) and hands them to import_event.
 */
#ifndef AGENTLOG_TOOLS_IMPORT_RUN_H
#define AGENTLOG_TOOLS_IMPORT_RUN_H

#include <agentlog/ndjson.h>
#include <agentlog/writer.h>

#include "cli_options.h"
#include "import/import_ids.h"
#include "import/import_time.h"
#include "progress.h"
#include "stop_signals.h"

/* What became of one kind of record: a table of a database, a kind of span. */
struct import_count {
    char *name;
    uint64_t records; /* read */
    uint64_t events;  /* new in the log (or would be) */
    uint64_t known;   /* events that were there already */
    uint64_t bad;     /* records that were skipped */
};

#define IMPORT_MAX_COUNTS 64

struct import {
    const struct cli_arguments *arguments;
    const char *log_dir;
    struct import_zone zone;    /* of times without an offset */
    bool zone_is_assumed;       /* no --time-zone was given */
    bool zone_was_used;         /* there were such times */
    struct alog_writer *writer; /* NULL in a dry run */
    struct import_ids *ids;
    struct alog_ndjson_parser *checker; /* in a dry run: judges events as the log would */
    struct alog_text line;
    struct import_count counts[IMPORT_MAX_COUNTS];
    size_t count_count;
    struct progress progress;
    struct stop_signals stop;
    bool stopped; /* a signal, or the log takes no more */
    enum exit_code code;
};

/* The count of that name, made at its first use; when there are too many, that of "others". */
struct import_count *import_count_of(struct import *import, const char *name);

enum import_result {
    IMPORT_LOGGED, /* or would be */
    IMPORT_KNOWN,
    IMPORT_REFUSED, /* the event is none of its type; `error` says why */
    IMPORT_STUCK    /* the log takes no more; import->stopped is set */
};

/* Log one event, unless it is known; event->event_id must be there. Counts it in `count`. */
enum import_result import_event(struct import *import, struct import_count *count,
                                const struct alog_event *event, struct alog_error *error);

/* A record is skipped: say which and why ("FILE: where: why"), and count it. */
ALOG_PRINTF(3, 4)
void import_skip(struct import *import, struct import_count *count, const char *format, ...);

/* Something else than a record is wrong: say so; the run ends with `code`. */
ALOG_PRINTF(3, 4)
void import_fail(struct import *import, enum exit_code code, const char *format, ...);

/* Whether a signal asks to stop, looked at every so many calls. */
bool import_is_stopped(struct import *import);

/*
 * Open a source that is read through; "-" is stdin, and *path becomes its name for messages.
 * *ret_bytes is its size, 0 if that is not known. -1 after saying why not. import_close leaves
 * stdin open.
 */
int import_open(struct import *import, const char **path, uint64_t *ret_bytes);
void import_close(int fd);

/* The source's readers. `paths` are the operands between KIND and LOGDIR. */
void import_sqlite(struct import *import, char **paths, size_t count);
void import_junit(struct import *import, char **paths, size_t count);
void import_otlp(struct import *import, char **paths, size_t count);

typedef void import_source_fn(struct import *import, char **paths, size_t count);

/* Open log and memory, read the sources, close both, say what was done. */
enum exit_code import_run(struct import *import, import_source_fn *source, char **paths,
                          size_t count);

#endif
