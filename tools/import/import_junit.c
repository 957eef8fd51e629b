/*
 * agentlog import junit: test reports as JUnit made them usual, in the ways of pytest, Maven's
 * surefire, Googletest and jest.
 *
 * A report is read twice: first to see that it is whole. Its events' ids are made from its bytes,
 * so a part of a report, imported while it was written, would be counted again with the whole.
 * Document type declarations are refused: no report has one, and they are how a small file becomes
 * a huge one.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <expat.h>

#include "import/id_set.h"
#include "import/junit_case.h"
#include "output.h"

#define MAX_REPORT_BYTES ((size_t)256 << 20)
#define CHUNK_BYTES      ((size_t)256 << 10)
#define MAX_DEPTH        64
#define PARSE_BYTES      (1 << 20) /* between two looks for a signal */

enum element { OTHER, SUITES, SUITE, CASE, OUTCOME, PROPERTY, OUTPUT };

/* One parse of a report. */
struct parse {
    struct junit_report *report;
    XML_Parser parser;
    enum element stack[MAX_DEPTH];
    int depth;
    struct junit_suite suites[MAX_DEPTH];
    int suite_depth;
    struct junit_case test;
    bool in_case;
    struct junit_text *text; /* where text goes; NULL = nowhere */
    int text_depth;          /* of the element that it is of */
    char *fault;             /* ours; the parser has its own */
};

static const struct {
    const char *name;
    enum junit_outcome_kind kind;
    bool earlier;
} outcomes[] = {{"failure", JUNIT_FAILURE, false}, {"error", JUNIT_ERROR, false},
                {"skipped", JUNIT_SKIPPED, false}, {"flakyFailure", JUNIT_FAILURE, true},
                {"flakyError", JUNIT_ERROR, true}, {"rerunFailure", JUNIT_FAILURE, true},
                {"rerunError", JUNIT_ERROR, true}};
#define OUTCOME_COUNT (sizeof outcomes / sizeof *outcomes)

static void refuse(struct parse *parse, const char *fault) {
    if (parse->fault == NULL) {
        parse->fault = output_allocate(strlen(fault) + 1, 1);
        memcpy(parse->fault, fault, strlen(fault));
        XML_StopParser(parse->parser, XML_FALSE);
    }
}

/* ---- Elements -------------------------------------------------------------------------------- */

static void add_attributes(struct junit_pairs *facts, const char *const *attributes) {
    for (; attributes[0] != NULL; attributes += 2) {
        (void)junit_pairs_add(facts, "", attributes[0], attributes[1]);
    }
}

static struct junit_pairs *facts_around(struct parse *parse) {
    return parse->in_case
               ? &parse->test.facts
               : &parse->suites[parse->suite_depth > 0 ? parse->suite_depth - 1 : 0].facts;
}

static void collect(struct parse *parse, struct junit_text *text) {
    parse->text = text;
    parse->text_depth = parse->depth;
}

static enum element begin_suite(struct parse *parse, const char *const *attributes) {
    struct junit_suite *suite = &parse->suites[parse->suite_depth];
    const struct alog_opt_i64 around =
        parse->suite_depth > 0 ? suite[-1].time : (struct alog_opt_i64){0, false};
    *suite = (struct junit_suite){.has_cases = false};
    parse->suite_depth++;
    add_attributes(&suite->facts, attributes);
    suite->time = junit_time(parse->report, &suite->facts, around);
    return SUITE;
}

static enum element begin_property(struct parse *parse, const char *const *attributes) {
    const char *name = NULL, *value = NULL;
    for (; attributes[0] != NULL; attributes += 2) {
        name = strcmp(attributes[0], "name") == 0 ? attributes[1] : name;
        value = strcmp(attributes[0], "value") == 0 ? attributes[1] : value;
    }
    if (name == NULL || name[0] == '\0') {
        return OTHER;
    }
    struct junit_pair *pair =
        junit_pairs_add(facts_around(parse), "property.", name, value == NULL ? "" : value);
    if (value == NULL) {
        collect(parse, &pair->value);
    }
    return PROPERTY;
}

static enum element begin_outcome(struct parse *parse, const char *name,
                                  const char *const *attributes) {
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (strcmp(outcomes[i].name, name) == 0) {
            struct junit_outcome *outcome = junit_case_outcome(&parse->test);
            outcome->kind = outcomes[i].kind;
            outcome->earlier = outcomes[i].earlier;
            add_attributes(&outcome->facts, attributes);
            collect(parse, &outcome->text);
            return OUTCOME;
        }
    }
    return OTHER;
}

static enum element begin(struct parse *parse, const char *name, const char *const *attributes) {
    const enum element around = parse->depth > 1 ? parse->stack[parse->depth - 2] : OTHER;
    if (strcmp(name, "testsuites") == 0 && parse->depth == 1) {
        (void)begin_suite(parse, attributes);
        return SUITES;
    }
    if (strcmp(name, "testsuite") == 0 && !parse->in_case) {
        return begin_suite(parse, attributes);
    }
    if (parse->depth == 1) {
        refuse(parse,
               "this is not a JUnit report: it begins with neither testsuites nor testsuite");
        return OTHER;
    }
    if (strcmp(name, "testcase") == 0 && !parse->in_case) {
        parse->in_case = true;
        parse->suites[parse->suite_depth - 1].has_cases = true;
        add_attributes(&parse->test.facts, attributes);
        return CASE;
    }
    if (strcmp(name, "property") == 0) {
        return begin_property(parse, attributes);
    }
    if (strcmp(name, "system-out") == 0 || strcmp(name, "system-err") == 0) {
        collect(parse,
                &junit_pairs_add(facts_around(parse), "",
                                 strcmp(name, "system-out") == 0 ? "system_out" : "system_err", "")
                     ->value);
        return OUTPUT;
    }
    return around == CASE ? begin_outcome(parse, name, attributes) : OTHER;
}

static void XMLCALL on_begin(void *context, const char *name, const char **attributes) {
    struct parse *parse = context;
    if (parse->fault != NULL) {
        return;
    }
    if (parse->depth == MAX_DEPTH) {
        refuse(parse, "its elements are nested more than 64 deep");
        return;
    }
    parse->depth++;
    if (parse->text == NULL) {
        parse->stack[parse->depth - 1] = begin(parse, name, (const char *const *)attributes);
        return;
    }
    /* Within a text, further elements are only text: the stack trace of a rerun, and its output. */
    parse->stack[parse->depth - 1] = OTHER;
    junit_text_add(parse->text, "\n", parse->text->len > 0);
}

static void end_suite(struct parse *parse) {
    struct junit_suite *suite = &parse->suites[--parse->suite_depth];
    junit_suite_log(parse->report, suite);
    junit_pairs_free(&suite->facts);
}

static void XMLCALL on_end(void *context, const char *name) {
    struct parse *parse = context;
    (void)name;
    if (parse->fault != NULL || parse->depth == 0) {
        return;
    }
    const enum element element = parse->stack[parse->depth - 1];
    if (parse->text != NULL && parse->text_depth == parse->depth) {
        parse->text = NULL;
    }
    parse->depth--;
    if (element == CASE) {
        junit_case_log(parse->report, &parse->test, &parse->suites[parse->suite_depth - 1]);
        junit_case_free(&parse->test);
        parse->in_case = false;
    } else if (element == SUITE || element == SUITES) {
        end_suite(parse);
    }
}

static void XMLCALL on_text(void *context, const char *data, int len) {
    struct parse *parse = context;
    if (parse->text != NULL && parse->fault == NULL) {
        junit_text_add(parse->text, data, (size_t)len);
    }
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system,
                               const char *public_id, int has_subset) {
    (void)name;
    (void)system;
    (void)public_id;
    (void)has_subset;
    refuse(context, "it has a document type declaration, which no report needs");
}

/* ---- Reports --------------------------------------------------------------------------------- */

/* False after saying what is wrong; nothing has been logged then. */
static bool parse_report(struct junit_report *report, const struct junit_text *bytes, bool logs) {
    struct parse parse = {.report = report, .parser = XML_ParserCreate(NULL)};
    if (parse.parser == NULL) {
        import_fail(report->import, EXIT_FAILED, "out of memory");
        return false;
    }
    report->logs = logs;
    report->number = 0;
    XML_SetUserData(parse.parser, &parse);
    XML_SetElementHandler(parse.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(parse.parser, on_text);
    XML_SetStartDoctypeDeclHandler(parse.parser, on_doctype);
    enum XML_Status status = XML_STATUS_OK;
    for (size_t at = 0; status == XML_STATUS_OK && !import_is_stopped(report->import);) {
        const size_t left = bytes->len - at;
        const size_t now = left < PARSE_BYTES ? left : PARSE_BYTES;
        status = XML_Parse(parse.parser, bytes->data + at, (int)now, now == left);
        at += now;
        if (now == left) {
            break;
        }
    }
    if (status != XML_STATUS_OK && !report->import->stopped) {
        import_skip(report->import, import_count_of(report->import, "reports"), "%s:%lu: %s",
                    report->path, (unsigned long)XML_GetCurrentLineNumber(parse.parser),
                    parse.fault != NULL ? parse.fault
                                        : XML_ErrorString(XML_GetErrorCode(parse.parser)));
    }
    while (parse.suite_depth > 0) {
        junit_pairs_free(&parse.suites[--parse.suite_depth].facts);
    }
    junit_case_free(&parse.test);
    free(parse.fault);
    XML_ParserFree(parse.parser);
    return status == XML_STATUS_OK && !report->import->stopped;
}

/* All of it. False after saying why not. */
static bool read_all(struct junit_report *report, int fd, struct junit_text *bytes) {
    char *chunk = output_allocate(CHUNK_BYTES, 1);
    ssize_t got = 0;
    while ((got = read(fd, chunk, CHUNK_BYTES)) > 0 || (got < 0 && errno == EINTR)) {
        if (import_is_stopped(report->import) || bytes->len > MAX_REPORT_BYTES) {
            break;
        }
        junit_text_add(bytes, chunk, got > 0 ? (size_t)got : 0);
    }
    free(chunk);
    if (got < 0) {
        import_fail(report->import, EXIT_FAILED, "%s: %s", report->path, strerror(errno));
    } else if (bytes->len > MAX_REPORT_BYTES) {
        import_skip(report->import, import_count_of(report->import, "reports"),
                    "%s: the report is larger than 256 MiB", report->path);
    } else if (bytes->len == 0 && !report->import->stopped) {
        import_skip(report->import, import_count_of(report->import, "reports"),
                    "%s: the report is empty", report->path);
    }
    return got == 0 && bytes->len > 0 && bytes->len <= MAX_REPORT_BYTES && !report->import->stopped;
}

/* Its bytes, and the job that it is of: the same report may be that of another job. */
static void name_report(struct junit_report *report, const struct junit_text *bytes) {
    const char *job = report->import->arguments->job;
    struct id_hasher *hasher = id_hasher_new();
    id_hasher_begin(hasher);
    id_hasher_add(hasher, bytes->data, bytes->len);
    id_hasher_add(hasher, job == NULL ? "" : job, job == NULL ? 0 : strlen(job));
    id_hash_text(id_hasher_end(hasher), report->hash);
    id_hasher_free(hasher);
}

/* When the file was written; of a pipe, now. */
static int64_t time_of(int fd) {
    struct stat facts;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec at =
        fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_mtim : now;
    return at.tv_sec < 0 ? 0 : (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

void import_junit(struct import *import, char **paths, size_t count) {
    for (size_t i = 0; i < count && !import_is_stopped(import); i++) {
        struct junit_report report = {.import = import, .path = paths[i]};
        struct junit_text bytes = {.data = NULL};
        uint64_t size = 0;
        const int fd = import_open(import, &report.path, &size);
        if (fd >= 0 && read_all(&report, fd, &bytes)) {
            name_report(&report, &bytes);
            report.time_ns = time_of(fd);
            if (parse_report(&report, &bytes, false)) {
                (void)parse_report(&report, &bytes, true);
            }
        }
        if (fd >= 0) {
            import_close(fd);
        }
        junit_text_free(&bytes);
        event_draft_free(&report.draft);
        progress_update(&import->progress, i + 1, count);
    }
}
