/* Names of segments: written, read back, and everything that is none refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/segment.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct {
    int64_t start_ns;
    uint64_t writer_id, number;
    bool open;
    const char *name;
} names[] = {
    {0, 0, 1, false, "19700101T000000.000000000Z-0000000000000000-000001.msgpack.zst"},
    {INT64_C(1770206400123456789), UINT64_C(0x0123456789abcdef), 1, true,
     "20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst.open"},
    {INT64_C(1709210096000000001), UINT64_MAX, 999999, false,
     "20240229T123456.000000001Z-ffffffffffffffff-999999.msgpack.zst"},
    {INT64_C(1770206400123456789), 1, 1000000, false,
     "20260204T120000.123456789Z-0000000000000001-1000000.msgpack.zst"},
    {INT64_MAX, 1, INT64_MAX, true,
     "22620411T234716.854775807Z-0000000000000001-9223372036854775807.msgpack.zst.open"},
};

static void test_written_and_read_back(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char name[ALOG_SEGMENT_NAME_BYTES];
        alog_segment_name_format(names[i].start_ns, names[i].writer_id, names[i].number,
                                 names[i].open, name);
        assert_string_equal(name, names[i].name);
        int64_t start_ns;
        uint64_t writer_id, number;
        bool open;
        assert_true(alog_segment_name_parse(name, &start_ns, &writer_id, &number, &open));
        assert_int_equal(start_ns, names[i].start_ns);
        assert_int_equal(writer_id, names[i].writer_id);
        assert_int_equal(number, names[i].number);
        assert_int_equal(open, names[i].open);
    }
}

static void test_time_before_1970_has_the_first_name(void **state) {
    (void)state;
    char name[ALOG_SEGMENT_NAME_BYTES];
    alog_segment_name_format(-1, 0, 1, false, name);
    assert_string_equal(name, names[0].name);
}

static const char *const refused[] = {
    "",
    "x",
    ".",
    "20260204T120000.123456789Z",
    "20260204T120000.123456789Z-0123456789abcdef-000001",
    "20260204T120000.123456789Z-0123456789abcdef-000001.msgpack",
    "20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst.",
    "20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst.open.open",
    "20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst.tmp",
    " 20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst",
    /* numbers */
    "20260204T120000.123456789Z-0123456789abcdef-000000.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef-1.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef-0000001.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef--00001.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef-.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef-18446744073709551617.msgpack.zst",
    /* writers */
    "20260204T120000.123456789Z-0123456789ABCDEF-000001.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcde-000001.msgpack.zst",
    "20260204T120000.123456789Z-0123456789abcdef0-000001.msgpack.zst",
    /* times */
    "20260230T120000.123456789Z-0123456789abcdef-000001.msgpack.zst",
    "20261304T120000.123456789Z-0123456789abcdef-000001.msgpack.zst",
    "20260204T240000.123456789Z-0123456789abcdef-000001.msgpack.zst",
    "20260204T120060.123456789Z-0123456789abcdef-000001.msgpack.zst",
    "20260204T120000.12345678Z-0123456789abcdef-000001.msgpack.zst",
    "20260204T120000Z-0123456789abcdef-000001.msgpack.zst",
    "20260204t120000.123456789Z-0123456789abcdef-000001.msgpack.zst",
    "19691231T235959.999999999Z-0123456789abcdef-000001.msgpack.zst",
    "22620411T234716.854775808Z-0123456789abcdef-000001.msgpack.zst",
    "99991231T235959.999999999Z-0123456789abcdef-000001.msgpack.zst",
};

static void test_everything_else_is_none(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        int64_t start_ns = 7;
        uint64_t writer_id = 7, number = 7;
        bool open;
        if (alog_segment_name_parse(refused[i], &start_ns, &writer_id, &number, &open)) {
            fail_msg("taken: %s", refused[i]);
        }
        assert_int_equal(start_ns, 7); /* outputs are untouched */
        assert_int_equal(number, 7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read_back),
        cmocka_unit_test(test_time_before_1970_has_the_first_name),
        cmocka_unit_test(test_everything_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
