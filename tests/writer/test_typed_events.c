/* writer/log_typed.c and log_event.c: every call of the catalogue, read back field by field. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

/* Events as text: one line each, "name|job|field=value …", the writer's own left out. */
struct lines {
    char text[65536];
    size_t len;
};

static void put(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct lines *lines, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int len =
        vsnprintf(lines->text + lines->len, sizeof lines->text - lines->len, format, arguments);
    va_end(arguments);
    assert_true(len >= 0 && lines->len + (size_t)len < sizeof lines->text);
    lines->len += (size_t)len;
}

static void put_value(struct lines *lines, const struct alog_value *value) {
    switch (value->kind) {
    case ALOG_VALUE_ABSENT:
        put(lines, "-");
        break;
    case ALOG_VALUE_NULL:
        put(lines, "null");
        break;
    case ALOG_VALUE_BOOL:
        put(lines, "%s", value->boolean ? "true" : "false");
        break;
    case ALOG_VALUE_I64:
        put(lines, "%lld", (long long)value->i64);
        break;
    case ALOG_VALUE_U64:
        put(lines, "%lluu", (unsigned long long)value->u64);
        break;
    case ALOG_VALUE_F64:
        put(lines, "%.17gf", value->f64);
        break;
    default:
        put(lines, "%s'%.*s'", value->kind == ALOG_VALUE_JSON ? "json" : "", (int)value->string.len,
            value->string.data);
        break;
    }
}

static void add_line(void *context, const struct alog_event *event) {
    struct lines *lines = context;
    if (event->name.len > 7 && memcmp(event->name.data, "writer_", 7) == 0) {
        return;
    }
    put(lines, "%.*s|%.*s|", (int)event->name.len, event->name.data, (int)event->job_id.len,
        event->job_id.data != NULL ? event->job_id.data : "");
    for (uint32_t i = 0; i < event->type->field_count; i++) {
        struct alog_value absent = {.kind = ALOG_VALUE_ABSENT};
        put(lines, i > 0 ? " " : "");
        put_value(lines, i < event->value_count ? &event->values[i] : &absent);
    }
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        put(lines, " %.*s=", (int)event->attributes[i].name.len, event->attributes[i].name.data);
        put_value(lines, &event->attributes[i].value);
    }
    put(lines, "\n");
}

struct fixture {
    char *dir;
    struct alog_writer *writer;
    struct lines lines;
};

static int open_writer(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.environment = ALOG_STR("test");
    options.ring_bytes = 64 * 1024;
    f->dir = scratch_dir_make();
    struct alog_error error;
    if (alog_writer_open(f->dir, &options, &f->writer, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    *state = f;
    return 0;
}

static int close_writer(void **state) {
    struct fixture *f = *state;
    enum alog_status status = alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
    free(f);
    return status == ALOG_OK ? 0 : -1;
}

/* Close, and compare what is in the log with `expected`. */
static void expect_log(struct fixture *f, const char *expected) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct log_walk_result result = log_walk(f->dir, add_line, &f->lines);
    assert_int_equal(result.damages, 0);
    assert_int_equal(result.sequence_faults, 0);
    assert_int_equal(result.open_segments, 0);
    assert_string_equal(f->lines.text, expected);
}

static void every_call_is_read_back(void **state) {
    struct fixture *f = *state;
    struct alog_writer *w = f->writer;
    assert_int_equal(
        alog_log_job_start(w, &(struct alog_job_start){.job_id = ALOG_STR("j"),
                                                       .ai_agent = ALOG_BOOL(true),
                                                       .metadata = ALOG_STR("{\"a\":1}")}),
        ALOG_OK);
    assert_int_equal(alog_log_agent_execution(
                         w, &(struct alog_agent_execution){.agent_name = ALOG_STR("fixer"),
                                                           .issue_type = ALOG_STR("lint"),
                                                           .success = true,
                                                           .confidence = ALOG_F64(0.9),
                                                           .fixes_applied = ALOG_I64(127),
                                                           .files_modified = ALOG_I64(128),
                                                           .remaining_issues = ALOG_I64(0),
                                                           .execution_time_ms = ALOG_F64(12.5),
                                                           .provider_id = ALOG_STR("p"),
                                                           .model = ALOG_STR(""),
                                                           .attempt = ALOG_I64(INT64_MAX)}),
                     ALOG_OK);
    assert_int_equal(
        alog_log_provider_performance(
            w,
            &(struct alog_provider_performance){
                .provider_id = ALOG_STR("p"),
                .success = false,
                .failure_class = ALOG_FAILURE_CLASS_EXECUTION,
                .latency_ms = ALOG_F64(INFINITY),
                .error_message = ALOG_STR("a message of more than thirty-one bytes in all"),
                .cost_usd = ALOG_F64(0.0025)}),
        ALOG_OK);
    assert_int_equal(alog_log_strategy_decision(
                         w, &(struct alog_strategy_decision){.iteration = ALOG_I64(2),
                                                             .selected_strategy = ALOG_STR("s"),
                                                             .context_data = ALOG_STR("[]")}),
                     ALOG_OK);
    assert_int_equal(
        alog_log_orchestration_execution(
            w, &(struct alog_orchestration_execution){.execution_strategy = ALOG_STR("fast"),
                                                      .total_execution_time_ms = ALOG_F64(3)}),
        ALOG_OK);
    assert_int_equal(alog_log_hook_execution(
                         w, &(struct alog_hook_execution){.hook_name = ALOG_STR("ruff"),
                                                          .status = ALOG_HOOK_STATUS_SKIPPED}),
                     ALOG_OK);
    assert_int_equal(alog_log_test_execution(
                         w, &(struct alog_test_execution){.total_tests = ALOG_I64(10),
                                                          .coverage_percent = ALOG_F64(100)}),
                     ALOG_OK);
    assert_int_equal(
        alog_log_individual_test_execution(
            w, &(struct alog_individual_test_execution){.test_id = ALOG_STR("t::x"),
                                                        .status = ALOG_TEST_STATUS_ERROR}),
        ALOG_OK);
    assert_int_equal(alog_log_error(w, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                                  .line_number = ALOG_I64(7)}),
                     ALOG_OK);
    assert_int_equal(alog_log_job_end(w, &(struct alog_job_end){.job_id = ALOG_STR("j"),
                                                                .status = ALOG_JOB_STATUS_FAILED,
                                                                .iterations = ALOG_I64(3)}),
                     ALOG_OK);
    expect_log(f,
               "job_start|j|true '{\"a\":1}'\n"
               "agent_execution||'fixer' 'lint' true 0.90000000000000002f 127 128 0 12.5f 'p' '' "
               "9223372036854775807\n"
               "provider_performance||'p' - false 'execution' inff - 'a message of more than "
               "thirty-one bytes in all' - - - - - - 0.0025000000000000001f\n"
               "strategy_decision||2 - 's' - '[]' -\n"
               "orchestration_execution||'fast' - - - - - 3f - - -\n"
               "hook_execution||'ruff' - - 'skipped'\n"
               "test_execution||10 - - - - 100f\n"
               "individual_test_execution||'t::x' - - - 'error' - - -\n"
               "error||'hook' - - - 7\n"
               "job_end|j|'failed' 3 -\n");
}

/* A string of every length around the places where its encoding changes. */
static void strings_of_every_length(void **state) {
    struct fixture *f = *state;
    static const size_t lengths[] = {0,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,
                                     17, 30, 31, 32, 33, 64, 255, 256, 257, 1000};
    char name[1000];
    struct lines *expected = calloc(1, sizeof *expected);
    for (size_t i = 0; i < sizeof name; i++) {
        name[i] = (char)('a' + i % 26);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        /* At the end of the buffer, so that reading past it is seen by the address sanitizer. */
        char *exact = malloc(lengths[i] + 1);
        memcpy(exact, name, lengths[i]);
        char *tight = realloc(exact, lengths[i] > 0 ? lengths[i] : 1);
        struct alog_string text = {tight, lengths[i]};
        assert_int_equal(
            alog_log_hook_execution(
                f->writer, &(struct alog_hook_execution){.hook_name = text,
                                                         .hook_type = text,
                                                         .status = ALOG_HOOK_STATUS_FAILED}),
            ALOG_OK);
        put(expected, "hook_execution||'%.*s' '%.*s' - 'failed'\n", (int)lengths[i], name,
            (int)lengths[i], name);
        free(tight);
    }
    expect_log(f, expected->text);
    free(expected);
}

static void what_is_required_or_out_of_range_is_refused(void **state) {
    struct fixture *f = *state;
    struct alog_writer *w = f->writer;
    struct alog_string name = ALOG_STR("n");
    const struct {
        const char *what;
        enum alog_status status;
    } cases[] = {
        {"no agent_name",
         alog_log_agent_execution(w, &(struct alog_agent_execution){.success = true})},
        {"confidence above 1",
         alog_log_agent_execution(
             w, &(struct alog_agent_execution){.agent_name = name, .confidence = ALOG_F64(1.5)})},
        {"confidence below 0",
         alog_log_agent_execution(
             w, &(struct alog_agent_execution){.agent_name = name, .confidence = ALOG_F64(-0.1)})},
        {"negative count",
         alog_log_agent_execution(
             w, &(struct alog_agent_execution){.agent_name = name, .attempt = ALOG_I64(-1)})},
        {"no status", alog_log_hook_execution(w, &(struct alog_hook_execution){.hook_name = name})},
        {"a status that is none",
         alog_log_hook_execution(
             w,
             &(struct alog_hook_execution){.hook_name = name, .status = (enum alog_hook_status)4})},
        {"an optional class that is none",
         alog_log_provider_performance(
             w, &(struct alog_provider_performance){.provider_id = name,
                                                    .failure_class = (enum alog_failure_class)99})},
        {"job_start without a job",
         alog_log_job_start(w, &(struct alog_job_start){.ai_agent = ALOG_BOOL(true)})},
        {"job_end without a job",
         alog_log_job_end(w, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS})},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].status != ALOG_INVALID) {
            fail_msg("%s: %s", cases[i].what, alog_status_name(cases[i].status));
        }
    }
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(w, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, 0);
    /* Values that are allowed although they look odd. */
    assert_int_equal(
        alog_log_agent_execution(
            w, &(struct alog_agent_execution){.agent_name = name, .confidence = ALOG_F64(NAN)}),
        ALOG_OK);
    assert_int_equal(
        alog_log_agent_execution(
            w, &(struct alog_agent_execution){.agent_name = name,
                                              .confidence = {.value = 7, .present = false}}),
        ALOG_OK);
    expect_log(f, "agent_execution||'n' - false nanf - - - - - - -\n"
                  "agent_execution||'n' - false - - - - - - - -\n");
}

/* ---- The usual way and the general one ---------------------------------------------------------
 */

struct pairs {
    struct lines first, second;
    uint64_t events;
};

/* Events come in pairs, which must read the same. */
static void compare_pair(void *context, const struct alog_event *event) {
    struct pairs *pairs = context;
    struct lines *lines = pairs->events % 2 == 0 ? &pairs->first : &pairs->second;
    lines->len = 0;
    add_line(lines, event);
    if (lines->len == 0) {
        return; /* the writer's own */
    }
    pairs->events++;
    if (pairs->events % 2 == 0) {
        assert_string_equal(pairs->first.text, pairs->second.text);
    }
}

/* Numbers and lengths at which the two ways part, and around them. */
static struct alog_string edge_string(uint64_t random) {
    static const char text[300] = "an edge lies between thirty-one bytes and thirty-two of them";
    static const size_t lengths[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 30, 31, 32, 33, 255, 256};
    return (struct alog_string){random % 4 == 0 ? NULL : text, lengths[(random >> 2) % 15]};
}

static struct alog_opt_i64 edge_integer(uint64_t random) {
    static const int64_t values[] = {0, 1, 127, 128, 255, 256, INT64_MAX, -1, INT64_MIN};
    /* The unusual ones rarely, or nearly nothing would be usual. */
    return (struct alog_opt_i64){.value = values[(random >> 2) % (random % 16 == 1 ? 9 : 7)],
                                 .present = random % 4 != 0};
}

static struct alog_opt_f64 edge_real(uint64_t random) {
    static const double values[] = {0.0,  0.5,         1.0,  0x1p-1074, 9e15, -0.0,
                                    -1.0, 1.0 + 1e-15, 1e16, INFINITY,  NAN,  -INFINITY};
    return (struct alog_opt_f64){.value = values[(random >> 2) % (random % 8 == 1 ? 12 : 4)],
                                 .present = random % 4 != 0};
}

static struct alog_value real_value(struct alog_opt_f64 v) {
    return (struct alog_value){.kind = v.present ? ALOG_VALUE_F64 : ALOG_VALUE_ABSENT,
                               .f64 = v.value};
}

static struct alog_value integer_value(struct alog_opt_i64 v) {
    return (struct alog_value){.kind = v.present ? ALOG_VALUE_I64 : ALOG_VALUE_ABSENT,
                               .i64 = v.value};
}

static struct alog_value string_value(struct alog_string v) {
    return (struct alog_value){.kind = v.data != NULL ? ALOG_VALUE_STRING : ALOG_VALUE_ABSENT,
                               .string = v};
}

static uint64_t next_random(uint64_t *state) {
    /* xorshift64, G. Marsaglia, "Xorshift RNGs", 2003. */
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 8;
}

static void log_pair(struct alog_writer *writer, uint64_t *random, uint64_t *stored) {
    struct alog_agent_execution e = {
        .agent_name = edge_string(next_random(random)),
        .issue_type = edge_string(next_random(random)),
        .success = next_random(random) % 2 != 0,
        .confidence = edge_real(next_random(random)),
        .fixes_applied = edge_integer(next_random(random)),
        .files_modified = edge_integer(next_random(random)),
        .remaining_issues = edge_integer(next_random(random)),
        .execution_time_ms = edge_real(next_random(random)),
        .provider_id = edge_string(next_random(random)),
        .model = edge_string(next_random(random)),
        .attempt = edge_integer(next_random(random)),
    };
    const struct alog_value values[] = {
        string_value(e.agent_name),
        string_value(e.issue_type),
        {.kind = ALOG_VALUE_BOOL, .boolean = e.success},
        real_value(e.confidence),
        integer_value(e.fixes_applied),
        integer_value(e.files_modified),
        integer_value(e.remaining_issues),
        real_value(e.execution_time_ms),
        string_value(e.provider_id),
        string_value(e.model),
        integer_value(e.attempt),
    };
    struct alog_event general = {
        .name = ALOG_STR("agent_execution"), .values = values, .value_count = 11};
    enum alog_status typed = alog_log_agent_execution(writer, &e);
    assert_int_equal(alog_log_event(writer, &general, NULL), typed);
    *stored += typed == ALOG_OK;
}

static void the_usual_way_and_the_general_one_agree(void **state) {
    struct fixture *f = *state;
    enum { PAIRS = 20000 };
    uint64_t random = 88172645463325252u;
    uint64_t stored = 0;
    for (int i = 0; i < PAIRS; i++) {
        log_pair(f->writer, &random, &stored);
        if (i % 30 == 0) {
            assert_int_equal(alog_writer_flush(f->writer, 60000, NULL), ALOG_OK);
        }
    }
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct pairs *pairs = calloc(1, sizeof *pairs);
    assert_non_null(pairs);
    assert_int_equal(log_walk(f->dir, compare_pair, pairs).dropped, 0);
    assert_int_equal(pairs->events, 2 * stored);
    assert_in_range(stored, PAIRS / 20, PAIRS - PAIRS / 20); /* both kinds occurred */
    free(pairs);
}

static void context_overrides_and_adds(void **state) {
    struct fixture *f = *state;
    struct alog_attribute attributes[] = {
        {ALOG_STR("count"), {.kind = ALOG_VALUE_I64, .i64 = -5}},
        {ALOG_STR("big"), {.kind = ALOG_VALUE_U64, .u64 = UINT64_MAX}},
        {ALOG_STR("none"), {.kind = ALOG_VALUE_NULL}},
        {ALOG_STR("nested"), {.kind = ALOG_VALUE_JSON, .string = ALOG_STR("[1,2]")}},
    };
    struct alog_context context = {.timestamp_ns = ALOG_I64(1),
                                   .job_id = ALOG_STR("other"),
                                   .attributes = attributes,
                                   .attribute_count = 4};
    assert_int_equal(
        alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                             .context = &context}),
        ALOG_OK);
    expect_log(f, "error|other|'hook' - - - - count=-5 big=18446744073709551615u none=null "
                  "nested=json'[1,2]'\n");
}

static void wrong_contexts_are_refused(void **state) {
    struct fixture *f = *state;
    char longer[256];
    memset(longer, 'x', sizeof longer);
    struct alog_string too_long = {longer, sizeof longer};
    struct alog_attribute field = {ALOG_STR("error_type"), {.kind = ALOG_VALUE_NULL}};
    struct alog_attribute common = {ALOG_STR("timestamp"), {.kind = ALOG_VALUE_NULL}};
    struct alog_attribute nameless = {ALOG_STR(""), {.kind = ALOG_VALUE_NULL}};
    struct alog_attribute valueless = {ALOG_STR("x"), {.kind = ALOG_VALUE_ABSENT}};
    const struct {
        const char *what;
        struct alog_context context;
    } cases[] = {
        {"negative time", {.timestamp_ns = ALOG_I64(-1)}},
        {"long job_id", {.job_id = too_long}},
        {"long event_id", {.event_id = too_long}},
        {"long environment", {.environment = too_long}},
        {"attribute named like a field", {.attributes = &field, .attribute_count = 1}},
        {"attribute named like a common name", {.attributes = &common, .attribute_count = 1}},
        {"attribute without a name", {.attributes = &nameless, .attribute_count = 1}},
        {"attribute without a value", {.attributes = &valueless, .attribute_count = 1}},
        {"too many attributes", {.attributes = &field, .attribute_count = SIZE_MAX}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum alog_status status =
            alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                                 .context = &cases[i].context});
        if (status != ALOG_INVALID) {
            fail_msg("%s: %s", cases[i].what, alog_status_name(status));
        }
    }
    expect_log(f, "");
}

static void user_events(void **state) {
    struct fixture *f = *state;
    struct alog_writer *w = f->writer;
    const struct alog_field fields[] = {
        {.name = "colour", .kind = ALOG_FIELD_NAME, .required = true},
        {.name = "weight", .kind = ALOG_FIELD_F64},
    };
    uint32_t type = 0;
    uint32_t again = 0;
    assert_int_equal(alog_event_define(w, ALOG_STR("paint"), fields, 2, &type, NULL), ALOG_OK);
    assert_int_equal(alog_event_define(w, ALOG_STR("paint"), fields, 2, &again, NULL), ALOG_OK);
    assert_int_equal(type, again);
    assert_int_equal(alog_event_define(w, ALOG_STR("paint"), fields, 1, &again, NULL), ALOG_EXISTS);
    assert_int_equal(alog_event_define(w, ALOG_STR("error"), fields, 2, &again, NULL), ALOG_EXISTS);
    struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("red")},
        {.kind = ALOG_VALUE_F64, .f64 = 1.5},
    };
    assert_int_equal(alog_log_user(w, type, values, 2, NULL), ALOG_OK);
    assert_int_equal(alog_log_user(w, type, values, 1, NULL), ALOG_OK);
    assert_int_equal(alog_log_user(w, type, values, 0, NULL), ALOG_INVALID);
    assert_int_equal(alog_log_user(w, type, &values[1], 1, NULL), ALOG_INVALID);
    assert_int_equal(alog_log_user(w, type + 1, values, 1, NULL), ALOG_INVALID);
    assert_int_equal(alog_log_user(w, 3, values, 1, NULL), ALOG_INVALID);
    /* The general form finds it by name, and defines what it does not know. */
    struct alog_event general = {.name = ALOG_STR("paint"), .values = values, .value_count = 2};
    assert_int_equal(alog_log_event(w, &general, NULL), ALOG_OK);
    struct alog_attribute attribute = {ALOG_STR("x"), {.kind = ALOG_VALUE_BOOL, .boolean = true}};
    struct alog_event unknown = {
        .name = ALOG_STR("surprise"), .attributes = &attribute, .attribute_count = 1};
    assert_int_equal(alog_log_event(w, &unknown, NULL), ALOG_OK);
    struct alog_error error;
    struct alog_event wrong = {.name = ALOG_STR("error")};
    assert_int_equal(alog_log_event(w, &wrong, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, "error_type"));
    expect_log(f, "paint||'red' 1.5f\n"
                  "paint||'red' -\n"
                  "paint||'red' 1.5f\n"
                  "surprise|| x=true\n");
}

static void events_that_are_too_big(void **state) {
    struct fixture *f = *state;
    size_t most = 16 * 1024;
    char *text = calloc(1, 128 * 1024);
    struct alog_error_event event = {.error_type = ALOG_STR("hook")};
    /* Exactly at the limit: head 1, type 1, time 9, job 1, "hook" 5, nil 1, text 3 + n, nil 2. */
    event.error_message = (struct alog_string){text, most - 23};
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_OK);
    event.error_message.len++;
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_TOO_BIG);
    event.error_message.len = 128 * 1024;
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_TOO_BIG);
    event.error_message.len = SIZE_MAX / 2;
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_TOO_BIG);
    struct alog_context context = {.environment = ALOG_STR("other")};
    event.context = &context;
    assert_int_equal(alog_log_error(f->writer, &event), ALOG_TOO_BIG);
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    assert_int_equal(alog_writer_get_stats(f->writer, &stats), ALOG_OK);
    assert_int_equal(stats.emitted, 5);
    assert_int_equal(stats.dropped, 4);
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    struct log_walk_result result = log_walk(f->dir, NULL, NULL);
    assert_int_equal(result.events, 3); /* it, writer_loss, writer_stats */
    assert_int_equal(result.dropped, 4);
    free(text);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_writer, close_writer)
    const struct CMUnitTest tests[] = {
        CASE(every_call_is_read_back),
        CASE(strings_of_every_length),
        CASE(what_is_required_or_out_of_range_is_refused),
        CASE(the_usual_way_and_the_general_one_agree),
        CASE(context_overrides_and_adds),
        CASE(wrong_contexts_are_refused),
        CASE(user_events),
        CASE(events_that_are_too_big),
    };
    return cmocka_run_group_tests_name("typed_events", tests, NULL, NULL);
}
