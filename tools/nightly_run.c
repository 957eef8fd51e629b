#include "nightly_run.h"

#include <agentlog/ndjson.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "messages.h"

#define NS_PER_SECOND INT64_C(1000000000)

static bool read_time(const json_t *report, const char *key, int64_t *ret_ns) {
    const char *text = json_string_value(json_object_get(report, key));
    return text != NULL && alog_time_parse(alog_str(text), ret_ns, NULL) == ALOG_OK;
}

/* The first step that failed; NULL when none did. */
static const char *failed_step(json_t *report, const char **ret_error) {
    const char *step;
    json_t *facts;
    json_object_foreach(report, step, facts) {
        const char *error = json_string_value(json_object_get(facts, "error"));
        if (error != NULL) {
            *ret_error = error;
            return step;
        }
    }
    return NULL;
}

static const char *words_for(enum exit_code code) {
    switch (code) {
    case EXIT_FINE:
        return "fine";
    case EXIT_PARTLY:
        return "done, but for what was set aside";
    case EXIT_THRESHOLD:
        return "done, and the coverage has findings";
    case EXIT_LOCKED:
        return "the database was being written";
    case EXIT_NOT_FOUND:
        return "there was no such log";
    default:
        return "failed";
    }
}

static bool take(json_t *report, struct nightly_run *run) {
    int64_t began_ns, ended_ns;
    const json_t *code = json_object_get(report, "exit_code");
    if (!read_time(report, "began", &began_ns) || !read_time(report, "ended", &ended_ns) ||
        !json_is_integer(code)) {
        return false;
    }
    run->began_ns = began_ns;
    run->seconds = ended_ns > began_ns ? (uint64_t)((ended_ns - began_ns) / NS_PER_SECOND) : 0;
    run->exit_code = (enum exit_code)json_integer_value(code);
    const char *error;
    const char *step = failed_step(report, &error);
    if (step != NULL) {
        snprintf(run->result, sizeof run->result, "%s: %s", step, error);
    } else {
        snprintf(run->result, sizeof run->result, "%s", words_for(run->exit_code));
    }
    return true;
}

bool nightly_run_read(const char *db_path, struct nightly_run *ret_run) {
    char *path = NULL;
    json_error_t cause = {.text = ""};
    *ret_run = (struct nightly_run){.began_ns = -1, .result = "never"};
    if (asprintf(&path, "%s.nightly.json", db_path) < 0) {
        message("out of memory");
        return false;
    }
    FILE *file = fopen(path, "re");
    bool good = file == NULL && errno == ENOENT;
    if (file == NULL && !good) {
        message("cannot read %s: %s", path, strerror(errno));
    } else if (file != NULL) {
        json_t *report = json_loadf(file, 0, &cause);
        good = report != NULL && take(report, ret_run);
        if (!good) {
            message("%s is no report of a nightly run%s%s", path, cause.text[0] != '\0' ? ": " : "",
                    cause.text);
        }
        json_decref(report);
        fclose(file);
    }
    if (!good) {
        snprintf(ret_run->result, sizeof ret_run->result, "not known");
    }
    free(path);
    return good;
}
