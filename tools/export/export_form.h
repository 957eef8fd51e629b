/* The forms of `agentlog export`: each takes events one by one. */
#ifndef AGENTLOG_TOOLS_EXPORT_FORM_H
#define AGENTLOG_TOOLS_EXPORT_FORM_H

#include <agentlog/ndjson.h>

#include <stdio.h>

/* Where it goes: stdout, a file, or a directory with a file for each kind of event. */
struct export_target {
    const char *path; /* NULL = stdout */
    bool is_directory;
    int error;             /* errno of the first write that failed, 0 = none */
    char failed_path[512]; /* … and where */
};

/*
 * Open a file of the directory, or the one file, or stdout: `name` is used in a directory alone.
 * Files are made anew, 0640 less the umask. NULL after noting the error.
 */
FILE *export_target_open(struct export_target *target, const char *name);
/* Flush; files are closed, stdout is left open. False after noting the error. */
bool export_target_close(struct export_target *target, FILE *file, const char *name);
/* False once a write has failed. */
bool export_target_write(struct export_target *target, FILE *file, const char *data, size_t len);

/* JSON text: on a terminal, what that would obey is written as escapes that mean the same. */
bool export_target_write_json(struct export_target *target, FILE *file, const char *data,
                              size_t len);

/* One form at work. The functions return false when there is no use in going on: target->error, or
 * a message was said and `failed` is set. */
struct export_form {
    bool (*event)(void *state, const struct alog_event *event);
    bool (*end)(void *state);
    void (*free)(void *state);
    void *state;
};

struct export_form export_ndjson_begin(struct export_target *target);
struct export_form export_otlp_begin(struct export_target *target);
/* `event`: the only type, whose table is there even when it has no rows; absent = all. `safe`: a
 * text that a spreadsheet would take for a formula gets an apostrophe in front. */
struct export_form export_csv_begin(struct export_target *target, struct alog_string event,
                                    bool safe);

#endif
