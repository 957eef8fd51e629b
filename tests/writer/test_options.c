/* writer/options.c: defaults, bounds, and errors that name the member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "writer/options.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static void defaults(void **state) {
    (void)state;
    struct alog_writer_options options;
    assert_int_equal(alog_options_resolve(NULL, &options, NULL), ALOG_OK);
    assert_int_equal(options.ring_bytes, MIB);
    assert_int_equal(options.max_event_bytes, MIB / 4);
    assert_int_equal(options.block_bytes, 512 * KIB);
    assert_int_equal(options.segment_bytes, 64 * MIB);
    assert_int_equal(options.segment_age_ms, 3600000);
    assert_int_equal(options.flush_interval_ms, 1000);
    assert_int_equal(options.sync_interval_ms, 1000);
    assert_int_equal(options.sync, ALOG_SYNC_INTERVAL);
    assert_int_equal(options.full_wait_ns, 0);
    assert_int_equal(options.stats_interval_ms, 60000);
    assert_int_equal(options.compression_level, 1);
    assert_int_equal(options.drain_threads, 2);
    assert_null(options.ring_dir);
    assert_non_null(options.io);
    assert_true(alog_string_equal(options.environment, ALOG_STR("production")));
    alog_options_free(&options);
}

static void strings_are_copied(void **state) {
    (void)state;
    char environment[] = "test";
    char ring_dir[] = "/somewhere";
    struct alog_writer_options given = ALOG_WRITER_OPTIONS_INIT;
    given.environment = alog_str(environment);
    given.ring_dir = ring_dir;
    struct alog_writer_options options;
    assert_int_equal(alog_options_resolve(&given, &options, NULL), ALOG_OK);
    memset(environment, 'x', 4);
    memset(ring_dir, 'x', 4);
    assert_true(alog_string_equal(options.environment, ALOG_STR("test")));
    assert_string_equal(options.ring_dir, "/somewhere");
    alog_options_free(&options);
}

#define MEMBER(name) #name, offsetof(struct alog_writer_options, name)

static void bounds(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
        uint64_t value;
        bool allowed;
    } cases[] = {
        {MEMBER(ring_bytes), 64 * KIB, true},
        {MEMBER(ring_bytes), 1024 * MIB, true},
        {MEMBER(ring_bytes), 32 * KIB, false},
        {MEMBER(ring_bytes), 2048 * MIB, false},
        {MEMBER(ring_bytes), 96 * KIB, false},
        {MEMBER(max_event_bytes), KIB, true},
        {MEMBER(max_event_bytes), 256 * KIB, true},
        {MEMBER(max_event_bytes), KIB - 1, false},
        {MEMBER(max_event_bytes), 256 * KIB + 1, false},
        {MEMBER(max_event_bytes), 17 * MIB, false},
        {MEMBER(block_bytes), 16 * KIB, true},
        {MEMBER(block_bytes), 8 * MIB, true},
        {MEMBER(block_bytes), 16 * KIB - 1, false},
        {MEMBER(block_bytes), 8 * MIB + 1, false},
        {MEMBER(segment_bytes), 64 * KIB, true},
        {MEMBER(segment_bytes), 4096 * MIB, true},
        {MEMBER(segment_bytes), 1, false},
        {MEMBER(segment_bytes), 4096 * MIB + 1, false},
        {MEMBER(segment_age_ms), 100, true},
        {MEMBER(segment_age_ms), 86400000, true},
        {MEMBER(segment_age_ms), 99, false},
        {MEMBER(segment_age_ms), 86400001, false},
        {MEMBER(flush_interval_ms), 1, true},
        {MEMBER(flush_interval_ms), 3600000, true},
        {MEMBER(flush_interval_ms), 3600001, false},
        {MEMBER(sync_interval_ms), 3600000, true},
        {MEMBER(sync_interval_ms), 3600001, false},
        {MEMBER(full_wait_ns), UINT64_MAX, true},
        {MEMBER(stats_interval_ms), 1, true},
        {MEMBER(stats_interval_ms), UINT64_MAX, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alog_writer_options given = ALOG_WRITER_OPTIONS_INIT;
        memcpy((char *)&given + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        struct alog_writer_options options;
        struct alog_error error = {0};
        enum alog_status status = alog_options_resolve(&given, &options, &error);
        if (status != (cases[i].allowed ? ALOG_OK : ALOG_INVALID)) {
            fail_msg("%s = %llu: %s", cases[i].name, (unsigned long long)cases[i].value,
                     alog_status_name(status));
        }
        if (status == ALOG_OK) {
            alog_options_free(&options);
        } else {
            assert_non_null(strstr(error.message, cases[i].name));
        }
    }
}

static void expect_invalid(const struct alog_writer_options *given, const char *member) {
    struct alog_writer_options options;
    struct alog_error error = {0};
    assert_int_equal(alog_options_resolve(given, &options, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, member));
}

static void other_members(void **state) {
    (void)state;
    char longer[256];
    memset(longer, 'x', sizeof longer);
    struct alog_writer_options given = ALOG_WRITER_OPTIONS_INIT;
    given.drain_threads = 3;
    expect_invalid(&given, "drain_threads");
    given.drain_threads = 0;
    given.compression_level = 20;
    expect_invalid(&given, "compression_level");
    given.compression_level = -8;
    expect_invalid(&given, "compression_level");
    given.compression_level = 0;
    given.sync = (enum alog_sync)4;
    expect_invalid(&given, "sync");
    given.sync = 0;
    given.environment = ALOG_STR("");
    expect_invalid(&given, "environment");
    given.environment = (struct alog_string){longer, sizeof longer};
    expect_invalid(&given, "environment");
}

static void the_struct_may_grow(void **state) {
    (void)state;
    struct alog_writer_options given = ALOG_WRITER_OPTIONS_INIT;
    given.stats_interval_ms = 5;
    given.compression_level = 3;
    /* A caller that knows only the members before compression_level. */
    given.struct_bytes = offsetof(struct alog_writer_options, compression_level);
    struct alog_writer_options options;
    assert_int_equal(alog_options_resolve(&given, &options, NULL), ALOG_OK);
    assert_int_equal(options.stats_interval_ms, 5);
    assert_int_equal(options.compression_level, 1);
    alog_options_free(&options);
    given.struct_bytes = 0;
    expect_invalid(&given, "struct_bytes");
    given.struct_bytes = sizeof given + 8;
    expect_invalid(&given, "struct_bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(bounds),
        cmocka_unit_test(other_members),
        cmocka_unit_test(the_struct_may_grow),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
