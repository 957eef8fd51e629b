/* Test cases and suites of a JUnit report as events. */
#include "import/junit_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"

#define ID_BYTES     80
#define NUMBER_BYTES 64
#define MS_PER_S     1000.0

/* ---- Texts ----------------------------------------------------------------------------------- */

void junit_text_add(struct junit_text *text, const char *data, size_t len) {
    if (text->len + len + 1 > text->capacity) {
        const size_t capacity = 2 * (text->len + len + 1);
        char *larger = output_allocate(capacity, 1);
        if (text->len > 0) {
            memcpy(larger, text->data, text->len);
        }
        free(text->data);
        text->data = larger;
        text->capacity = capacity;
    }
    if (len > 0) {
        memcpy(text->data + text->len, data, len);
    }
    text->len += len;
    text->data[text->len] = '\0';
}

void junit_text_free(struct junit_text *text) {
    free(text->data);
    *text = (struct junit_text){.data = NULL};
}

static struct alog_string string_of(const struct junit_text *text) {
    return (struct alog_string){text->data, text->len};
}

/* Room for one more in an array that doubles. */
static void *grown(void *array, size_t count, size_t *capacity, size_t bytes) {
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 8 : 2 * *capacity;
    void *larger = output_allocate(*capacity, bytes);
    if (count > 0) {
        memcpy(larger, array, count * bytes);
    }
    free(array);
    return larger;
}

struct junit_pair *junit_pairs_add(struct junit_pairs *pairs, const char *prefix, const char *name,
                                   const char *value) {
    pairs->pairs = grown(pairs->pairs, pairs->count, &pairs->capacity, sizeof *pairs->pairs);
    struct junit_pair *pair = &pairs->pairs[pairs->count++];
    *pair = (struct junit_pair){.name = {.data = NULL}};
    junit_text_add(&pair->name, prefix, strlen(prefix));
    junit_text_add(&pair->name, name, strlen(name));
    junit_text_add(&pair->value, value, strlen(value));
    return pair;
}

struct alog_string junit_pairs_find(const struct junit_pairs *pairs, const char *name) {
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->pairs[i].name.data, name) == 0) {
            return string_of(&pairs->pairs[i].value);
        }
    }
    return (struct alog_string){NULL, 0};
}

void junit_pairs_free(struct junit_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        junit_text_free(&pairs->pairs[i].name);
        junit_text_free(&pairs->pairs[i].value);
    }
    free(pairs->pairs);
    *pairs = (struct junit_pairs){.pairs = NULL};
}

struct junit_outcome *junit_case_outcome(struct junit_case *test) {
    test->outcomes =
        grown(test->outcomes, test->outcome_count, &test->outcome_capacity, sizeof *test->outcomes);
    struct junit_outcome *outcome = &test->outcomes[test->outcome_count++];
    *outcome = (struct junit_outcome){.kind = JUNIT_FAILURE};
    return outcome;
}

void junit_case_free(struct junit_case *test) {
    for (size_t i = 0; i < test->outcome_count; i++) {
        junit_pairs_free(&test->outcomes[i].facts);
        junit_text_free(&test->outcomes[i].text);
    }
    free(test->outcomes);
    junit_pairs_free(&test->facts);
    *test = (struct junit_case){.outcomes = NULL};
}

/* ---- Numbers and times ----------------------------------------------------------------------- */

bool junit_seconds(struct alog_string text, double *ret_seconds) {
    char number[NUMBER_BYTES];
    char *end = NULL;
    size_t len = 0;
    if (text.data == NULL || text.len == 0 || text.len >= sizeof number) {
        return false;
    }
    const char *comma = memrchr(text.data, ',', text.len);
    /* A comma is a decimal one if no point is there and no group of three digits is behind it. */
    const bool is_decimal = comma != NULL && memchr(text.data, '.', text.len) == NULL &&
                            text.data + text.len - comma != 4 &&
                            memchr(text.data, ',', text.len) == comma;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ',') {
            number[len++] = text.data[i];
        } else if (is_decimal) {
            number[len++] = '.';
        }
    }
    number[len] = '\0';
    *ret_seconds = strtod(number, &end);
    return end != number && *end == '\0' && *ret_seconds >= 0 && *ret_seconds < 1e12;
}

struct alog_opt_i64 junit_time(struct junit_report *report, const struct junit_pairs *facts,
                               struct alog_opt_i64 around) {
    struct import *import = report->import;
    struct alog_error error = {.message = ""};
    int64_t ns = 0;
    const struct alog_string text = junit_pairs_find(facts, "timestamp");
    return text.data != NULL && text.len > 0 &&
                   import_time_parse(text, &import->zone, &ns, &import->zone_was_used, &error) ==
                       ALOG_OK
               ? ALOG_I64(ns)
               : around;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void set(struct junit_report *report, const char *field, struct alog_value value) {
    const int at = event_draft_field(&report->draft, field);
    if (at >= 0) {
        report->draft.values[at] = value;
    }
}

static void set_text(struct junit_report *report, const char *field, struct alog_string text) {
    if (text.data != NULL && text.len > 0) {
        set(report, field, value_of_text(text));
    }
}

/* False: there is a time, and it is no number; it is kept as an attribute. */
static bool set_duration(struct junit_report *report, struct alog_string text) {
    double seconds = 0;
    if (!junit_seconds(text, &seconds)) {
        return text.data == NULL;
    }
    set(report, "execution_time_ms", value_of_real(seconds * MS_PER_S));
    return true;
}

/* Everything that `taken` does not name. */
static void keep_others(struct junit_report *report, const struct junit_pairs *facts,
                        const char *const *taken) {
    for (size_t i = 0; i < facts->count; i++) {
        const struct alog_string name = string_of(&facts->pairs[i].name);
        bool is_taken = false;
        for (const char *const *at = taken; *at != NULL; at++) {
            is_taken = is_taken || alog_string_equal(name, alog_str(*at));
        }
        if (!is_taken) {
            event_draft_attribute(&report->draft, name,
                                  value_of_text(string_of(&facts->pairs[i].value)));
        }
    }
}

static void log_draft(struct junit_report *report, struct alog_opt_i64 time) {
    char id[ID_BYTES];
    struct alog_event *event = &report->draft.event;
    struct alog_error error = {.message = ""};
    struct import_count *count = import_count_of(report->import, event->type->name);
    snprintf(id, sizeof id, "junit-%s-%" PRIu64, report->hash, ++report->number);
    event->timestamp_ns = time.present ? time.value : report->time_ns;
    event->has_timestamp = true;
    event->event_id = alog_str(id);
    event->job_id = alog_str(report->import->arguments->job);
    count->records++;
    if (import_event(report->import, count, event, &error) == IMPORT_REFUSED) {
        import_skip(report->import, count, "%s: record %" PRIu64 ": %s", report->path,
                    report->number, error.message);
    }
}

/* How the test ended: by the worst that is told of it. */
static const char *status_of(const struct junit_case *test) {
    bool failed = false, skipped = false;
    for (size_t i = 0; i < test->outcome_count; i++) {
        if (!test->outcomes[i].earlier && test->outcomes[i].kind == JUNIT_ERROR) {
            return "error";
        }
        failed = failed || (!test->outcomes[i].earlier && test->outcomes[i].kind == JUNIT_FAILURE);
        skipped = skipped || test->outcomes[i].kind == JUNIT_SKIPPED;
    }
    /* Googletest's words. */
    skipped = skipped ||
              alog_string_equal(junit_pairs_find(&test->facts, "status"), ALOG_STR("notrun")) ||
              alog_string_equal(junit_pairs_find(&test->facts, "result"), ALOG_STR("skipped"));
    return failed ? "failed" : skipped ? "skipped" : "passed";
}

/* "class::name", or the suite's name in place of the class. */
static void set_names(struct junit_report *report, const struct junit_case *test,
                      const struct junit_suite *suite, struct junit_text *id) {
    const struct alog_string name = junit_pairs_find(&test->facts, "name");
    const struct alog_string class_name = junit_pairs_find(&test->facts, "classname");
    const struct alog_string around =
        class_name.len > 0 ? class_name : junit_pairs_find(&suite->facts, "name");
    struct alog_string file = junit_pairs_find(&test->facts, "file");
    if (file.len == 0) {
        file = junit_pairs_find(&suite->facts, "file");
    }
    if (around.len > 0) {
        junit_text_add(id, around.data, around.len);
        junit_text_add(id, "::", 2);
    }
    junit_text_add(id, name.data, name.len);
    set_text(report, "test_id", string_of(id));
    set_text(report, "test_file", file);
    set_text(report, "test_class", class_name);
    set_text(report, "test_method", name);
}

static void set_outcome(struct junit_report *report, const struct junit_outcome *outcome) {
    set_text(report, "error_message", junit_pairs_find(&outcome->facts, "message"));
    set_text(report, "error_traceback", string_of(&outcome->text));
    const struct alog_string type = junit_pairs_find(&outcome->facts, "type");
    if (type.len > 0) {
        event_draft_attribute(&report->draft, ALOG_STR("failure_type"), value_of_text(type));
    }
}

static void count_status(struct junit_suite *suite, const char *status) {
    suite->passed += strcmp(status, "passed") == 0;
    suite->failed += strcmp(status, "failed") == 0;
    suite->errors += strcmp(status, "error") == 0;
    suite->skipped += strcmp(status, "skipped") == 0;
}

static void begin_test(struct junit_report *report, const struct junit_case *test,
                       const struct junit_suite *suite, const char *status, struct junit_text *id) {
    event_draft_begin(&report->draft, "individual_test_execution");
    id->len = 0;
    set_names(report, test, suite, id);
    set(report, "status", value_of_text(alog_str(status)));
}

void junit_case_log(struct junit_report *report, const struct junit_case *test,
                    struct junit_suite *suite) {
    static const char *const taken[] = {"name", "classname", "file", "time", "timestamp", NULL};
    static const char *const taken_but_time[] = {"name", "classname", "file", "timestamp", NULL};
    const char *status = status_of(test);
    const struct alog_opt_i64 time = junit_time(report, &test->facts, suite->time);
    struct junit_text id = {.data = NULL}, traces = {.data = NULL};
    int64_t tries = 1;
    count_status(suite, status);
    for (size_t i = 0; i < test->outcome_count && report->logs; i++) {
        const struct junit_outcome *outcome = &test->outcomes[i];
        if (outcome->earlier) {
            begin_test(report, test, suite, outcome->kind == JUNIT_ERROR ? "error" : "failed", &id);
            set_outcome(report, outcome);
            (void)set_duration(report, junit_pairs_find(&outcome->facts, "time"));
            event_draft_attribute(&report->draft, ALOG_STR("try"), value_of_integer(tries++));
            log_draft(report, time);
        }
    }
    if (report->logs) {
        bool first = true;
        begin_test(report, test, suite, status, &id);
        for (size_t i = 0; i < test->outcome_count; i++) {
            const struct junit_outcome *outcome = &test->outcomes[i];
            if (!outcome->earlier && first) {
                set_outcome(report, outcome);
                first = false;
            }
            if (!outcome->earlier &&
                outcome->text.len > 0) { /* Googletest has one for each check */
                junit_text_add(&traces, "\n", traces.len > 0);
                junit_text_add(&traces, outcome->text.data, outcome->text.len);
            }
        }
        set_text(report, "error_traceback", string_of(&traces));
        if (tries > 1) {
            event_draft_attribute(&report->draft, ALOG_STR("try"), value_of_integer(tries));
        }
        const bool timed = set_duration(report, junit_pairs_find(&test->facts, "time"));
        keep_others(report, &test->facts, timed ? taken : taken_but_time);
        if (junit_pairs_find(&suite->facts, "name").len > 0) {
            event_draft_attribute(&report->draft, ALOG_STR("suite"),
                                  value_of_text(junit_pairs_find(&suite->facts, "name")));
        }
        log_draft(report, time);
    }
    junit_text_free(&id);
    junit_text_free(&traces);
}

void junit_suite_log(struct junit_report *report, const struct junit_suite *suite) {
    static const char *const taken[] = {"tests",    "failures",  "errors", "skipped",
                                        "disabled", "timestamp", "time",   NULL};
    if (!suite->has_cases || !report->logs) {
        return;
    }
    event_draft_begin(&report->draft, "test_execution");
    set(report, "total_tests",
        value_of_integer(suite->passed + suite->failed + suite->errors + suite->skipped));
    set(report, "passed", value_of_integer(suite->passed));
    set(report, "failed", value_of_integer(suite->failed + suite->errors));
    set(report, "skipped", value_of_integer(suite->skipped));
    (void)set_duration(report, junit_pairs_find(&suite->facts, "time"));
    keep_others(report, &suite->facts, taken);
    log_draft(report, suite->time);
}
