/* Listing a log: what is a segment, in which order, and what is passed over. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/reader.h>

#include "support/file_bytes.h"
#include "support/scratch_dir.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define REST            ".msgpack.zst"

static int setup(void **state) {
    *state = scratch_dir_make();
    return 0;
}

static int teardown(void **state) {
    scratch_dir_remove(*state);
    return 0;
}

/* A file "<dir>/<name>", its directory made. */
static void make(const char *dir, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *strrchr(path, '/') = '\0';
    assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
    path[strlen(path)] = '/';
    file_bytes_write(path, "", 0);
}

static const char *const in_order[] = {
    "2026-02-03/20260203T235959.999999999Z-ffffffffffffffff-000009" REST,
    "2026-02-04/20260204T000000.000000000Z-0000000000000002-000001" REST,
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-000002" REST,
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-999999" REST ".open",
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-1000000" REST,
    "2026-02-04/20260204T120000.000000000Z-0000000000000002-000001" REST,
    "2026-12-31/20261231T000000.000000000Z-0000000000000001-000001" REST ".open",
};

static const char *const passed_over[] = {
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-000002" REST ".tmp",
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-000003" REST ".recovering",
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-000003" REST ".damaged",
    "2026-02-04/20260204T120000.000000000Z-0000000000000001-000002.json",
    "2026-02-04/notes.txt",
    "2026-02-04x/20260204T120000.000000000Z-0000000000000003-000001" REST,
    "20260204/20260204T120000.000000000Z-0000000000000003-000001" REST,
    "archive/20260204T120000.000000000Z-0000000000000003-000001" REST,
    ".hidden/20260204T120000.000000000Z-0000000000000003-000001" REST,
};

static void test_order_and_what_is_passed_over(void **state) {
    const char *dir = *state;
    for (size_t i = COUNT_OF(in_order); i-- > 0;) {
        make(dir, in_order[i]);
    }
    for (size_t i = 0; i < COUNT_OF(passed_over); i++) {
        make(dir, passed_over[i]);
    }
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, COUNT_OF(in_order));
    for (size_t i = 0; i < list.count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", dir, in_order[i]);
        assert_string_equal(list.segments[i].path, path);
        assert_string_equal(list.segments[i].name, strrchr(path, '/') + 1);
        assert_int_equal(list.segments[i].open, strstr(path, ".open") != NULL);
    }
    assert_int_equal(list.segments[0].writer_id, UINT64_MAX);
    assert_int_equal(list.segments[0].number, 9);
    assert_int_equal(list.segments[1].start_ns, INT64_C(1770163200000000000));
    alog_segments_free(&list);
    assert_int_equal(list.count, 0);
    alog_segments_free(&list);
    alog_segments_free(NULL);
}

/* What has a segment's name and is none is listed, so that its opening says what is wrong; a day
 * that is a link is refused, one that is a file passed over. */
static void test_what_only_looks_like_a_log(void **state) {
    const char *dir = *state;
    char path[PATH_MAX], target[PATH_MAX];
    make(dir, in_order[1]);
    snprintf(target, sizeof target, "%s/%s", dir, in_order[1]);
    snprintf(path, sizeof path,
             "%s/2026-02-04/20260204T120000.000000000Z-0000000000000005-000001" REST, dir);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof path,
             "%s/2026-02-04/20260204T120000.000000000Z-0000000000000006-000001" REST, dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path,
             "%s/2026-02-04/20260204T120000.000000000Z-0000000000000007-000001" REST, dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/2026-02-06", dir);
    file_bytes_write(path, "", 0);
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, 4);
    static const char *const reasons[] = {NULL, "it is a symbolic link", "it is not a regular file",
                                          "it is a directory"};
    for (size_t i = 1; i < list.count; i++) {
        struct alog_reader *reader = NULL;
        struct alog_error error;
        assert_int_equal(alog_reader_open(list.segments[i].path, NULL, NULL, NULL, &reader, &error),
                         ALOG_CORRUPT);
        assert_non_null(strstr(error.message, reasons[i]));
    }
    alog_segments_free(&list);

    snprintf(target, sizeof target, "%s/2026-02-04", dir);
    snprintf(path, sizeof path, "%s/2026-02-05", dir);
    assert_int_equal(symlink(target, path), 0);
    struct alog_error error;
    assert_int_equal(alog_segments_list(dir, &list, &error), ALOG_INVALID);
    assert_non_null(strstr(error.message, "2026-02-05 is a symbolic link"));
}

static void test_sealed_hides_open(void **state) {
    const char *dir = *state;
    make(dir, in_order[2]);
    char open_name[PATH_MAX];
    snprintf(open_name, sizeof open_name, "%s.open", in_order[2]);
    make(dir, open_name);
    struct alog_segment_list list;
    assert_int_equal(alog_segments_list(dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, 1);
    assert_false(list.segments[0].open);
    alog_segments_free(&list);
}

static void test_empty_and_missing_logs(void **state) {
    const char *dir = *state;
    struct alog_segment_list list;
    struct alog_error error = {0};
    char path[PATH_MAX];
    assert_int_equal(alog_segments_list(dir, &list, NULL), ALOG_OK);
    assert_int_equal(list.count, 0);
    alog_segments_free(&list);
    snprintf(path, sizeof path, "%s/missing", dir);
    assert_int_equal(alog_segments_list(path, &list, &error), ALOG_NOT_FOUND);
    assert_non_null(strstr(error.message, path));
    file_bytes_write(path, "", 0);
    assert_int_equal(alog_segments_list(path, &list, NULL), ALOG_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_order_and_what_is_passed_over),
        TEST(test_what_only_looks_like_a_log),
        TEST(test_sealed_hides_open),
        TEST(test_empty_and_missing_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
