/* job_parts.c: what is written is read back, and what was not written is refused. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/job_parts.h"
#include "aggregator/sql_text.h"

#define FIRST_NS INT64_C(1770163200000000000)

static uint32_t name(struct alog_groups *groups, struct alog_string text) {
    return alog_names_add(&groups->names, text);
}

static void add_error(struct alog_groups *groups, struct alog_part_list *list,
                      struct alog_string type, int64_t at_ns, struct alog_string message) {
    uint32_t key[ALOG_MAX_DIMENSIONS] = {name(groups, type)};
    struct alog_row_job_errors *row = alog_groups_part(groups, ALOG_IN_job_errors, list, key);
    assert_non_null(row);
    row->errors++;
    assert_int_equal(alog_groups_offer_sample(groups, &row->sample, row->first_ns, at_ns, message),
                     ALOG_OK);
    row->first_ns = at_ns < row->first_ns ? at_ns : row->first_ns;
    row->last_ns = at_ns > row->last_ns ? at_ns : row->last_ns;
}

static void fill(struct alog_groups *groups, struct alog_part_list *list) {
    name(groups, ALOG_STR(""));
    add_error(groups, list, ALOG_STR("z \"quoted\" \\ back"), FIRST_NS + 5, ALOG_STR("later"));
    add_error(groups, list, (struct alog_string){"a\0b\x01", 4}, FIRST_NS + 7,
              (struct alog_string){"\xff\n\0\x1f", 4});
    add_error(groups, list, ALOG_STR("z \"quoted\" \\ back"), FIRST_NS + 2, ALOG_STR("first"));
    for (char c = 'A'; c <= 'Z'; c++) {
        add_error(groups, list, (struct alog_string){&c, 1}, FIRST_NS, ALOG_STR(""));
    }
}

static struct alog_buffer write_list(struct alog_groups *groups,
                                     const struct alog_part_list *list) {
    struct alog_buffer text = {NULL, 0, 0};
    assert_int_equal(alog_job_parts_write(groups, ALOG_IN_job_errors, list, FIRST_NS, &text),
                     ALOG_OK);
    return text;
}

static struct alog_string whole(const struct alog_buffer *text) {
    return (struct alog_string){(const char *)text->data, text->len};
}

static void there_and_back(void **state) {
    (void)state;
    struct alog_groups groups = {0}, other = {0};
    struct alog_part_list list = {0}, again = {0};
    fill(&groups, &list);
    struct alog_buffer text = write_list(&groups, &list);
    name(&other, ALOG_STR("other ids than before"));
    assert_int_equal(
        alog_job_parts_read(&other, ALOG_IN_job_errors, whole(&text), FIRST_NS, &again), ALOG_OK);
    struct alog_buffer copy = write_list(&other, &again);
    assert_int_equal(copy.len, text.len);
    assert_memory_equal(copy.data, text.data, text.len);
    /* Merged with itself: twice the errors, the same times and samples. */
    assert_int_equal(
        alog_job_parts_read(&other, ALOG_IN_job_errors, whole(&text), FIRST_NS, &again), ALOG_OK);
    assert_int_equal(again.count, list.count);
    uint32_t key[ALOG_MAX_DIMENSIONS] = {name(&other, ALOG_STR("z \"quoted\" \\ back"))};
    const struct alog_row_job_errors *row =
        alog_groups_part(&other, ALOG_IN_job_errors, &again, key);
    assert_int_equal(row->errors, 4);
    assert_true(row->first_ns == FIRST_NS + 2 && row->last_ns == FIRST_NS + 5);
    assert_true(alog_string_equal(other.samples.texts[row->sample], ALOG_STR("first")));
    alog_buffer_free(&text);
    alog_buffer_free(&copy);
    alog_groups_free(&groups);
    alog_groups_free(&other);
}

static void expect_number(int64_t number) {
    struct alog_groups groups = {0};
    struct alog_part_list list = {0};
    uint32_t key[ALOG_MAX_DIMENSIONS] = {name(&groups, ALOG_STR(""))};
    struct alog_row_job_strategies *row =
        alog_groups_part(&groups, ALOG_IN_job_strategies, &list, key);
    assert_non_null(row);
    *row = (struct alog_row_job_strategies){number, -number, number, 0, 0};
    struct alog_buffer text = {NULL, 0, 0};
    assert_int_equal(alog_job_parts_write(&groups, ALOG_IN_job_strategies, &list, 0, &text),
                     ALOG_OK);
    char expected[128];
    snprintf(expected, sizeof(expected), "[[\"\",%" PRId64 ",%" PRId64 ",%" PRId64 ",0,0]]", number,
             -number, number);
    assert_true(alog_string_equal(whole(&text), alog_str(expected)));
    alog_buffer_free(&text);
    alog_groups_free(&groups);
}

static void numbers_of_any_length(void **state) {
    (void)state;
    for (int64_t power = 1;; power *= 10) {
        expect_number(power - 1);
        expect_number(power);
        expect_number(power + power / 9);
        if (power > INT64_MAX / 10) {
            break;
        }
    }
    expect_number(INT64_MAX);
}

static void what_was_not_written_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[",
        "[]x",
        "[[]]",
        "[[\"a\",\"b\",1,\"s\",2]]",
        "[[\"a\",\"b\",1,\"s\",2,3,4]]",
        "[[\"a\",\"b\",1.5,\"s\",2,3]]",
        "[[\"a\",\"b\",9223372036854775808,\"s\",2,3]]",
        "[[\"a\",\"b\",1,\"\\u0041\",2,3]]",
        "[[\"a\",\"b\",1,\"\\x\",2,3]]",
        "[[\"a\",\"b\",1,\"s\",2,3],]",
        "[[\"a\",\"b\",1,\"s\",2,3][\"a\",\"b\",1,\"s\",2,3]]",
        "[[\"a\",\"b\",1,\"s",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct alog_groups groups = {0};
        struct alog_part_list list = {0};
        if (alog_job_parts_read(&groups, ALOG_IN_job_errors, alog_str(texts[i]), FIRST_NS, &list) !=
            ALOG_CORRUPT) {
            fail_msg("%s was taken", texts[i]);
        }
        alog_groups_free(&groups);
    }
}

/* Every place where it may be cut. */
static void so_is_half_of_it(void **state) {
    (void)state;
    struct alog_groups groups = {0};
    struct alog_part_list list = {0};
    fill(&groups, &list);
    struct alog_buffer text = write_list(&groups, &list);
    for (size_t len = 0; len < text.len; len++) {
        struct alog_groups other = {0};
        struct alog_part_list half = {0};
        char *cut = malloc(len + 1);
        memcpy(cut, text.data, len);
        assert_int_equal(alog_job_parts_read(&other, ALOG_IN_job_errors,
                                             (struct alog_string){cut, len}, FIRST_NS, &half),
                         ALOG_CORRUPT);
        free(cut);
        alog_groups_free(&other);
    }
    alog_buffer_free(&text);
    alog_groups_free(&groups);
}

/* The views name the lists' places: they must be those of rollups.def. */
static void the_views_have_the_columns(void **state) {
    (void)state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_schema_sql(), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_views_sql(), NULL, NULL, NULL), SQLITE_OK);
    for (enum alog_rollup part = 0; part < ALOG_ROLLUP_COUNT; part++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(part);
        if (kind->scope != ALOG_SCOPE_PART) {
            continue;
        }
        char sql[128];
        sqlite3_stmt *select;
        snprintf(sql, sizeof(sql), "SELECT * FROM %s", kind->table);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &select, NULL), SQLITE_OK);
        unsigned count = kind->dimension_count + kind->column_count;
        assert_int_equal(sqlite3_column_count(select), 2 + count);
        for (unsigned i = 0; i < count; i++) {
            assert_string_equal(sqlite3_column_name(select, (int)i + 2),
                                i < kind->dimension_count
                                    ? kind->dimensions[i]
                                    : kind->columns[i - kind->dimension_count].name);
        }
        sqlite3_finalize(select);
    }
    sqlite3_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(numbers_of_any_length),
        cmocka_unit_test(what_was_not_written_is_refused),
        cmocka_unit_test(so_is_half_of_it),
        cmocka_unit_test(the_views_have_the_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
