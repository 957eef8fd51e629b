/* catalogue.c and the generated agentlog/events.h: both come from catalogue.def and must say the
 * same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <agentlog/agentlog.h>
#include <agentlog/events.h>

#include "format/schema.h"

/* ---- At compile time: members and functions have the types that the catalogue says --------------
 */

#define MEMBER_IS(event, field, type)                                                              \
    _Static_assert(_Generic(((struct alog_##event *)0)->field, type : 1, default : 0),             \
                   #event "." #field);
#define BOOL_OF_REQUIRED bool
#define BOOL_OF_OPTIONAL struct alog_opt_bool
#define I64_OF_REQUIRED  int64_t
#define I64_OF_OPTIONAL  struct alog_opt_i64
#define F64_OF_REQUIRED  double
#define F64_OF_OPTIONAL  struct alog_opt_f64

#define ALOG_NAME(event, field, presence, otel, doc)    MEMBER_IS(event, field, struct alog_string)
#define ALOG_TEXT(event, field, presence, otel, doc)    MEMBER_IS(event, field, struct alog_string)
#define ALOG_JSON(event, field, presence, otel, doc)    MEMBER_IS(event, field, struct alog_string)
#define ALOG_BOOLEAN(event, field, presence, otel, doc) MEMBER_IS(event, field, BOOL_OF_##presence)
#define ALOG_INTEGER(event, field, presence, unit, minimum, maximum, otel, doc)                    \
    MEMBER_IS(event, field, I64_OF_##presence)
#define ALOG_REAL(event, field, presence, unit, minimum, maximum, otel, doc)                       \
    MEMBER_IS(event, field, F64_OF_##presence)
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc)                            \
    MEMBER_IS(event, field, enum alog_##enumeration)
#define ALOG_EVENT_END(event)                                                                      \
    MEMBER_IS(event, context, const struct alog_context *)                                         \
    _Static_assert(                                                                                \
        _Generic(&alog_log_##event,                                                                \
                 enum alog_status(*)(struct alog_writer *, const struct alog_##event *) : 1,       \
                 default : 0),                                                                     \
        "alog_log_" #event);
#define ALOG_WITHOUT_WRITER_EVENTS
/* struct alog_error describes a failure, and the event's is struct alog_error_event. */
#define alog_error alog_error_event
#include "format/catalogue.def"
#undef alog_error
#undef ALOG_WITHOUT_WRITER_EVENTS

MEMBER_IS(job_start, job_id, struct alog_string)
MEMBER_IS(job_end, job_id, struct alog_string)

/* ---- At run time -------------------------------------------------------------------------------
 */

/* Ids are in every segment ever written: this list may only grow. */
static const struct {
    uint32_t id;
    const char *name;
    const char *first_field, *last_field;
    uint32_t field_count;
} pinned[] = {
    {1, "job_start", "ai_agent", "metadata", 2},
    {2, "job_end", "status", "error_message", 3},
    {3, "agent_execution", "agent_name", "attempt", 11},
    {4, "provider_performance", "provider_id", "cost_usd", 14},
    {5, "strategy_decision", "iteration", "effectiveness_score", 6},
    {6, "orchestration_execution", "execution_strategy", "ai_analysis_time_ms", 10},
    {7, "hook_execution", "hook_name", "status", 4},
    {8, "test_execution", "total_tests", "coverage_percent", 6},
    {9, "individual_test_execution", "test_id", "error_traceback", 8},
    {10, "error", "error_type", "line_number", 5},
    {11, "writer_loss", "lost_event", "ring", 5},
    {12, "writer_stats", "emitted", "by_type", 6},
};

static void types_are_pinned(void **state) {
    (void)state;
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    assert_int_equal(count, sizeof pinned / sizeof pinned[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(types[i].id, pinned[i].id);
        assert_string_equal(types[i].name, pinned[i].name);
        assert_int_equal(types[i].name_len, strlen(pinned[i].name));
        assert_int_equal(types[i].field_count, pinned[i].field_count);
        assert_string_equal(types[i].fields[0].name, pinned[i].first_field);
        assert_string_equal(types[i].fields[types[i].field_count - 1].name, pinned[i].last_field);
    }
}

static void every_field_is_described(void **state) {
    (void)state;
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(types[i].doc) > 0);
        for (uint32_t j = 0; j < types[i].field_count; j++) {
            const struct alog_field *field = &types[i].fields[j];
            assert_non_null(field->unit);
            assert_non_null(field->otel);
            assert_true(strlen(field->doc) > 0);
            assert_true(field->doc[strlen(field->doc) - 1] != '.');
            assert_false(alog_is_common_name(alog_str(field->name)));
            assert_int_equal(field->kind == ALOG_FIELD_ENUM, field->values != NULL);
            assert_true(field->minimum <= field->maximum);
            for (uint32_t k = 0; k < j; k++) {
                assert_string_not_equal(field->name, types[i].fields[k].name);
            }
        }
    }
}

static void find_knows_exactly_the_names(void **state) {
    (void)state;
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(alog_catalogue_find(alog_str(types[i].name)), &types[i]);
    }
    assert_null(alog_catalogue_find(ALOG_STR("job")));
    assert_null(alog_catalogue_find(ALOG_STR("job_start2")));
    assert_null(alog_catalogue_find(ALOG_STR("job_start\0")));
    assert_null(alog_catalogue_find(ALOG_STR("")));
    assert_null(alog_catalogue_find(alog_str(NULL)));
}

/* A C enumerator less one is the index of its text. */
static void enumerators_agree_with_texts(void **state) {
    (void)state;
#define ALOG_ENUM_VALUE(enumeration, text, symbol)                                                 \
    {#enumeration, #text, ALOG_##symbol##_OF_##enumeration},
    enum {
        ALOG_SUCCESS_OF_job_status = ALOG_JOB_STATUS_SUCCESS,
        ALOG_FAILED_OF_job_status = ALOG_JOB_STATUS_FAILED,
        ALOG_CANCELLED_OF_job_status = ALOG_JOB_STATUS_CANCELLED,
        ALOG_AVAILABILITY_OF_failure_class = ALOG_FAILURE_CLASS_AVAILABILITY,
        ALOG_EXECUTION_OF_failure_class = ALOG_FAILURE_CLASS_EXECUTION,
        ALOG_CANCELLED_OF_failure_class = ALOG_FAILURE_CLASS_CANCELLED,
        ALOG_SUCCESS_OF_hook_status = ALOG_HOOK_STATUS_SUCCESS,
        ALOG_FAILED_OF_hook_status = ALOG_HOOK_STATUS_FAILED,
        ALOG_SKIPPED_OF_hook_status = ALOG_HOOK_STATUS_SKIPPED,
        ALOG_PASSED_OF_test_status = ALOG_TEST_STATUS_PASSED,
        ALOG_FAILED_OF_test_status = ALOG_TEST_STATUS_FAILED,
        ALOG_SKIPPED_OF_test_status = ALOG_TEST_STATUS_SKIPPED,
        ALOG_ERROR_OF_test_status = ALOG_TEST_STATUS_ERROR
    };
    static const struct {
        const char *enumeration, *text;
        int number;
    } values[] = {
#include "format/catalogue.def"
    };
    static const struct {
        const char *enumeration, *event;
        uint32_t field;
    } uses[] = {{"job_status", "job_end", 0},
                {"failure_class", "provider_performance", 3},
                {"hook_status", "hook_execution", 3},
                {"test_status", "individual_test_execution", 4}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t j = 0; j < sizeof uses / sizeof uses[0]; j++) {
            if (strcmp(uses[j].enumeration, values[i].enumeration) == 0) {
                const struct alog_event_type *type = alog_catalogue_find(alog_str(uses[j].event));
                assert_string_equal(type->fields[uses[j].field].values[values[i].number - 1],
                                    values[i].text);
            }
        }
    }
    assert_int_equal(ALOG_JOB_STATUS_ABSENT, 0);
    assert_int_equal(ALOG_FAILURE_CLASS_ABSENT, 0);
    assert_int_equal(ALOG_HOOK_STATUS_ABSENT, 0);
    assert_int_equal(ALOG_TEST_STATUS_ABSENT, 0);
}

/* The structs are what an application writes down. */
static void structs_read_as_intended(void **state) {
    (void)state;
    const struct alog_agent_execution event = {
        .agent_name = ALOG_STR("fixer"), .success = true, .confidence = ALOG_F64(0.9)};
    assert_true(event.confidence.present);
    assert_false(event.attempt.present);
    assert_null(event.model.data);
    assert_null(event.context);
    const struct alog_job_end end = {.status = ALOG_JOB_STATUS_CANCELLED};
    assert_null(end.job_id.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_pinned),
        cmocka_unit_test(every_field_is_described),
        cmocka_unit_test(find_knows_exactly_the_names),
        cmocka_unit_test(enumerators_agree_with_texts),
        cmocka_unit_test(structs_read_as_intended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
