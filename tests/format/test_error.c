/* error.c: the pinned names, and messages in a bounded room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "format/error.h"

static void names_are_pinned(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *name;
    } rows[] = {
        {0, "ALOG_OK"},         {1, "ALOG_DROPPED"},      {2, "ALOG_TOO_BIG"},
        {3, "ALOG_CLOSED"},     {10, "ALOG_INVALID"},     {11, "ALOG_LIMIT"},
        {12, "ALOG_NOT_FOUND"}, {13, "ALOG_EXISTS"},      {30, "ALOG_IO"},
        {31, "ALOG_NO_MEMORY"}, {32, "ALOG_LOCKED"},      {33, "ALOG_READ_ONLY"},
        {50, "ALOG_CORRUPT"},   {51, "ALOG_UNSUPPORTED"}, {99, "ALOG_STATUS_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(alog_status_name((enum alog_status)rows[i].status), rows[i].name);
    }
}

static void a_failure_is_described(void **state) {
    (void)state;
    struct alog_error error;
    memset(&error, 0x55, sizeof error);
    assert_int_equal(alog_fail(&error, ALOG_CORRUPT, 0, 17, "bad %s at %d", "thing", 3),
                     ALOG_CORRUPT);
    assert_int_equal(error.status, ALOG_CORRUPT);
    assert_int_equal(error.system_errno, 0);
    assert_int_equal(error.offset, 17);
    assert_string_equal(error.message, "bad thing at 3");
    assert_int_equal(alog_fail(NULL, ALOG_LIMIT, 0, -1, "nobody listens"), ALOG_LIMIT);
}

static void a_system_error_has_its_text(void **state) {
    (void)state;
    struct alog_error error;
    errno = EINTR;
    (void)alog_fail(&error, ALOG_IO, ENOENT, -1, "cannot open %s", "x");
    assert_int_equal(errno, EINTR);
    assert_int_equal(error.system_errno, ENOENT);
    assert_string_equal(error.message, "cannot open x: No such file or directory");
}

static void long_messages_are_cut(void **state) {
    (void)state;
    struct alog_error error;
    char text[2 * ALOG_ERROR_MESSAGE_BYTES];
    for (size_t len = ALOG_ERROR_MESSAGE_BYTES - 10; len < ALOG_ERROR_MESSAGE_BYTES + 10; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        (void)alog_fail(&error, ALOG_IO, ENOENT, -1, "%s", text);
        const size_t cut = strnlen(error.message, sizeof error.message);
        assert_true(cut < sizeof error.message);
        assert_memory_equal(error.message, text, len < cut ? len : cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_pinned),
        cmocka_unit_test(a_failure_is_described),
        cmocka_unit_test(a_system_error_has_its_text),
        cmocka_unit_test(long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
