/* What a JUnit report says of a test case or a suite, and the events that it is. */
#ifndef AGENTLOG_TOOLS_JUNIT_CASE_H
#define AGENTLOG_TOOLS_JUNIT_CASE_H

#include "import/import_event.h"
#include "import/import_run.h"

/* Text of our own. Start with zeros. */
struct junit_text {
    char *data;
    size_t len, capacity;
};
void junit_text_add(struct junit_text *text, const char *data, size_t len);
void junit_text_free(struct junit_text *text);

/* Attributes and properties. */
struct junit_pair {
    struct junit_text name, value;
};
struct junit_pairs {
    struct junit_pair *pairs;
    size_t count, capacity;
};
struct junit_pair *junit_pairs_add(struct junit_pairs *pairs, const char *prefix, const char *name,
                                   const char *value);
/* The value of that name, absent without it. */
struct alog_string junit_pairs_find(const struct junit_pairs *pairs, const char *name);
void junit_pairs_free(struct junit_pairs *pairs);

enum junit_outcome_kind { JUNIT_FAILURE, JUNIT_ERROR, JUNIT_SKIPPED };

/* A <failure>, <error> or <skipped>; or an earlier try of the test, as Maven's surefire tells. */
struct junit_outcome {
    enum junit_outcome_kind kind;
    bool earlier;             /* <flakyFailure>, <rerunError>, …: a try of its own */
    struct junit_pairs facts; /* message, type, time */
    struct junit_text text;
};

struct junit_case {
    struct junit_pairs facts;
    struct junit_outcome *outcomes;
    size_t outcome_count, outcome_capacity;
};
struct junit_outcome *junit_case_outcome(struct junit_case *test);
void junit_case_free(struct junit_case *test);

struct junit_suite {
    struct junit_pairs facts;
    struct alog_opt_i64 time; /* its own, or that of the suite around it */
    bool has_cases;
    int64_t passed, failed, errors, skipped;
};

/* A report being made into events. */
struct junit_report {
    struct import *import;
    const char *path;
    bool logs;       /* false: the first time through, to see that it is whole */
    char hash[40];   /* what its events' ids begin with */
    uint64_t number; /* of the event, from 1 */
    int64_t time_ns; /* of what says no time */
    struct event_draft draft;
};

/* "1,234.5" and "0,25" as well. False: no number. */
bool junit_seconds(struct alog_string text, double *ret_seconds);

/* The time that `facts` say, else `around`. */
struct alog_opt_i64 junit_time(struct junit_report *report, const struct junit_pairs *facts,
                               struct alog_opt_i64 around);

/* Each try of the test as an individual_test_execution; counted in `suite`. */
void junit_case_log(struct junit_report *report, const struct junit_case *test,
                    struct junit_suite *suite);

/* A suite that has cases as a test_execution. */
void junit_suite_log(struct junit_report *report, const struct junit_suite *suite);

#endif
